#pragma once
// Reasons, assumptions of routing: ROUTE_*, LISTENER_*.

#include "sim/reasons/reason_codes.h"

namespace waypath::sim {

// A rule decided.
inline constexpr Code kRouteMatched{"ROUTE_MATCHED"};
inline constexpr Code kRouteDefault{"ROUTE_DEFAULT"};
inline constexpr Code kRouteL4{"ROUTE_L4"};
inline constexpr Code kRoutePassthrough{"ROUTE_PASSTHROUGH"};
inline constexpr Code kRouteRedirect{"ROUTE_REDIRECT"};
inline constexpr Code kRouteHttpsRedirect{"ROUTE_HTTPS_REDIRECT"};
inline constexpr Code kRouteDirectResponse{"ROUTE_DIRECT_RESPONSE"};
inline constexpr Code kRouteFault{"ROUTE_FAULT"};
inline constexpr Code kRouteCorsPreflight{"ROUTE_CORS_PREFLIGHT"};
// None did.
inline constexpr Code kRouteNoAction{"ROUTE_NO_ACTION"};
inline constexpr Code kRouteNoVirtualHost{"ROUTE_NO_VIRTUAL_HOST"};
inline constexpr Code kRouteNoRule{"ROUTE_NO_RULE"};
inline constexpr Code kRouteBlocked{"ROUTE_BLOCKED"};
inline constexpr Code kRouteNoBackend{"ROUTE_NO_BACKEND"};
inline constexpr Code kRouteNoL4Rule{"ROUTE_NO_L4_RULE"};
// A destination that cannot be used.
inline constexpr Code kRouteBackendNotFound{"ROUTE_BACKEND_NOT_FOUND"};
inline constexpr Code kRouteBackendNotPermitted{"ROUTE_BACKEND_NOT_PERMITTED"};
inline constexpr Code kRouteBackendKind{"ROUTE_BACKEND_KIND"};
inline constexpr Code kRouteBackendPort{"ROUTE_BACKEND_PORT"};
inline constexpr Code kRouteSubsetNotFound{"ROUTE_SUBSET_NOT_FOUND"};
inline constexpr Code kRouteBackendTlsInvalid{"ROUTE_BACKEND_TLS_INVALID"};
inline constexpr Code kRouteMtlsNotSpoken{"ROUTE_MTLS_NOT_SPOKEN"};
// Considered and left out.
inline constexpr Code kRouteNotAttached{"ROUTE_NOT_ATTACHED"};
inline constexpr Code kRouteUnsupportedFilter{"ROUTE_UNSUPPORTED_FILTER"};
inline constexpr Code kRouteShadowed{"ROUTE_SHADOWED"};
inline constexpr Code kRouteNotMatched{"ROUTE_NOT_MATCHED"};
inline constexpr Code kRouteIgnoredHere{"ROUTE_IGNORED_HERE"};
inline constexpr Code kRouteProtocolBlocksL7{"ROUTE_PROTOCOL_BLOCKS_L7"};
inline constexpr Code kRouteUnknown{"ROUTE_UNKNOWN"};
inline constexpr Code kRouteMixedApis{"ROUTE_MIXED_APIS"};
inline constexpr Code kRouteOrderAssumed{"ROUTE_ORDER_ASSUMED"};
// Listeners.
inline constexpr Code kListenerMatched{"LISTENER_MATCHED"};
inline constexpr Code kListenerNone{"LISTENER_NONE"};
inline constexpr Code kListenerInvalid{"LISTENER_INVALID"};
inline constexpr Code kListenerConflicted{"LISTENER_CONFLICTED"};
inline constexpr Code kListenerNotAllowed{"LISTENER_NOT_ALLOWED"};
inline constexpr Code kListenerSniMismatch{"LISTENER_SNI_MISMATCH"};
inline constexpr Code kListenerPlaintextToTls{"LISTENER_PLAINTEXT_TO_TLS"};
inline constexpr Code kListenerTlsToPlaintext{"LISTENER_TLS_TO_PLAINTEXT"};
inline constexpr Code kListenerProtocolError{"LISTENER_PROTOCOL_ERROR"};
inline constexpr Code kListenerClientCertificate{"LISTENER_CLIENT_CERTIFICATE"};
inline constexpr Code kListenerCertificateAssumed{"LISTENER_CERTIFICATE_ASSUMED"};
inline constexpr Code kListenerClassUnknown{"LISTENER_CLASS_UNKNOWN"};

}  // namespace waypath::sim
