#pragma once
// Reasons of authorization: AuthorizationPolicy, RequestAuthentication, PeerAuthentication, ext_authz.

#include "sim/reasons/reason_codes.h"

namespace waypath::sim {

inline constexpr Code kZtunnelNoAllowMatch{"ZTUNNEL_NO_ALLOW_MATCH"};
inline constexpr Code kZtunnelDenyMatch{"ZTUNNEL_DENY_MATCH"};
inline constexpr Code kZtunnelStrictPlaintext{"ZTUNNEL_STRICT_PLAINTEXT"};
inline constexpr Code kPeerAuthnStrict{"PEERAUTHN_STRICT"};
inline constexpr Code kPeerAuthnPortSlip{"PEERAUTHN_PORT_NOT_ENFORCED"};
inline constexpr Code kSidecarStrictPlaintext{"SIDECAR_STRICT_PLAINTEXT"};
inline constexpr Code kRbacDenyMatch{"RBAC_DENY_MATCH"};
inline constexpr Code kRbacNoAllowMatch{"RBAC_NO_ALLOW_MATCH"};
inline constexpr Code kAuthzAllowMatch{"AUTHZ_ALLOW_MATCH"};
inline constexpr Code kAuthzDefaultAllow{"AUTHZ_DEFAULT_ALLOW"};
inline constexpr Code kAuthzNotEnforced{"AUTHZ_NOT_ENFORCED"};
inline constexpr Code kAuthzNotAsWritten{"AUTHZ_NOT_AS_WRITTEN"};
inline constexpr Code kAuthzNoMatch{"AUTHZ_NO_MATCH"};
inline constexpr Code kAuthzRuleUnusable{"AUTHZ_RULE_UNUSABLE"};
inline constexpr Code kAuthzFactMissing{"AUTHZ_FACT_MISSING"};
inline constexpr Code kJwtValid{"JWT_VALID"};
inline constexpr Code kJwtMissing{"JWT_MISSING"};
inline constexpr Code kJwtInvalid{"JWT_INVALID"};
inline constexpr Code kJwtIssuerUnknown{"JWT_ISSUER_UNKNOWN"};
inline constexpr Code kJwtAudience{"JWT_AUDIENCE"};
inline constexpr Code kJwksUnavailable{"JWKS_UNAVAILABLE"};
inline constexpr Code kExtAuthzAllow{"EXTAUTHZ_ALLOW"};
inline constexpr Code kExtAuthzNotTriggered{"EXTAUTHZ_NOT_TRIGGERED"};
inline constexpr Code kExtAuthzRedirect{"EXTAUTHZ_REDIRECT"};
inline constexpr Code kExtAuthzDenied{"EXTAUTHZ_DENIED"};
inline constexpr Code kExtAuthzUnreachable{"EXTAUTHZ_UNREACHABLE"};
inline constexpr Code kExtAuthzFailOpen{"EXTAUTHZ_FAIL_OPEN"};
inline constexpr Code kExtAuthzBadProvider{"EXTAUTHZ_BAD_PROVIDER"};
inline constexpr Code kExtAuthzMultipleProviders{"EXTAUTHZ_MULTIPLE_PROVIDERS"};
inline constexpr Code kExtAuthzAnswerUnknown{"EXTAUTHZ_ANSWER_UNKNOWN"};
inline constexpr Code kRequestPathRefused{"REQUEST_PATH_REFUSED"};
inline constexpr Code kAssumeSessionToken{"ASSUME_SESSION_TOKEN"};
inline constexpr Code kAssumeNoSession{"ASSUME_NO_SESSION"};
inline constexpr Code kAssumeSignature{"ASSUME_SIGNATURE"};
inline constexpr Code kAssumeTokenTime{"ASSUME_TOKEN_TIME"};
inline constexpr Code kAssumeProviderAllows{"ASSUME_PROVIDER_ALLOWS"};

}  // namespace waypath::sim
