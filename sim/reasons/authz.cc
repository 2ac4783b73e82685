#include "sim/reasons/authz.h"

#include <array>

namespace waypath::sim {
namespace {

constexpr auto kReason = CodeInfo::Kind::Reason;
constexpr auto kAssumption = CodeInfo::Kind::Assumption;

constexpr std::array kRows{
    CodeInfo{kZtunnelNoAllowMatch, kReason, "ALLOW policies exist for the pod and none allows this",
             "Once an ALLOW policy selects a workload, only what some ALLOW rule matches may connect. "
             "ztunnel sees the identity of its direct peer: behind a waypoint that is the waypoint's service "
             "account, not the client's or the gateway's.",
             "Add a rule for the identity that is printed; the near misses tell which rule comes closest and "
             "why it fails.",
             "istio/ztunnel src/state.rs assert_rbac"},
    CodeInfo{kZtunnelDenyMatch, kReason, "a DENY policy refuses the connection at ztunnel",
             "At the destination's ztunnel DENY policies are asked before ALLOW policies, and one rule that "
             "matches is enough. The HBONE CONNECT is answered 401 and the client's connection is reset; "
             "ztunnel logs \"explicitly denied by\".",
             "Change the rule, or the caller's identity.", "istio/ztunnel src/state.rs assert_rbac"},
    CodeInfo{
        kZtunnelStrictPlaintext, kReason, "STRICT and the connection carries no mesh identity",
        "PeerAuthentication STRICT becomes a policy that denies connections without a peer identity. Clients "
        "outside the mesh have none.",
        "Bring the client into the mesh, or exempt the port with portLevelMtls.",
        "istio pilot/pkg/serviceregistry/kube/controller/ambient/authorization.go convertPeerAuthentication"},
    CodeInfo{kSidecarStrictPlaintext, kReason, "STRICT refuses plaintext at the sidecar",
             "PeerAuthentication STRICT makes the sidecar's listener accept mutual TLS only; a plaintext "
             "client is reset during what it takes for a handshake.",
             "Bring the client into the mesh, or set PERMISSIVE for the port.",
             "istio pilot/pkg/security/authn/utils/utils.go BuildInboundTLS"},
    CodeInfo{kRbacDenyMatch, kReason, "a DENY policy refuses the request",
             "DENY policies are asked before ALLOW policies; one rule that matches is enough, and no ALLOW "
             "can overrule it. The client gets 403 (RBAC: access denied), or a closed connection on TCP.",
             "Change the rule, or the request.", "envoy source/extensions/filters/http/rbac"},
    CodeInfo{kRbacNoAllowMatch, kReason, "ALLOW policies apply and none allows the request",
             "Once an ALLOW policy applies at a proxy, only what some ALLOW rule matches passes. All ALLOW "
             "policies of a proxy are one union.",
             "Add a rule that matches; the near misses tell which comes closest.",
             "istio.io/docs/reference/config/security/authorization-policy"},
    CodeInfo{kAuthzAllowMatch, kReason, "an ALLOW rule admits the request",
             "ALLOW policies add up: one rule of one policy whose conditions all hold is enough. DENY "
             "policies were asked before and none matched.",
             "Nothing, if the request should pass; else narrow this rule, or add a DENY.",
             "istio.io/docs/reference/config/security/authorization-policy"},
    CodeInfo{
        kAuthzDefaultAllow, kReason, "no policy stands against it",
        "At this proxy no ALLOW policy applies, and no DENY policy matches. Without an ALLOW policy "
        "everything that no DENY refuses is allowed.",
        "To close the workload, add an ALLOW policy for its callers; an empty one closes it for everybody.",
        "istio.io/docs/reference/config/security/authorization-policy"},
    CodeInfo{kAuthzNotEnforced, kReason, "the policy is evaluated and not enforced",
             "AUDIT policies and dry runs (annotation istio.io/dry-run) leave the verdict alone; a dry-run "
             "ALLOW isolates nothing. ztunnel is not sent either kind.",
             "Remove the annotation, or use DENY or ALLOW.",
             "istio pilot/pkg/security/authz/builder/builder.go isDryRun"},
    CodeInfo{
        kPeerAuthnStrict, kReason, "STRICT, and the connection carries a mesh identity",
        "PeerAuthentication STRICT holds here, and the connection carries a mesh identity, which is all that "
        "STRICT asks.",
        "Nothing; who may connect is AuthorizationPolicy's business.",
        "istio pilot/pkg/serviceregistry/kube/controller/ambient/authorization.go convertPeerAuthentication"},
    CodeInfo{
        kPeerAuthnPortSlip, kReason, "a STRICT port that ztunnel does not enforce",
        "istiod loses this entry when it translates the policy for ztunnel, so plaintext passes although the "
        "policy asks for STRICT.",
        "Set the workload's mode to STRICT and exempt the other ports.",
        "istio pilot/pkg/serviceregistry/kube/controller/ambient/authorization.go convertPeerAuthentication"},
    CodeInfo{
        kAuthzNotAsWritten, kReason, "a policy touches this proxy and is not what it seems here",
        "The proxy cannot carry it as written, or it attaches to nothing: HTTP attributes at ztunnel or on "
        "a TCP port, actions that ztunnel does not know, selectors at waypoints, targets without a waypoint.",
        "`waypath explain AuthorizationPolicy/NAMESPACE/NAME` tells where the policy is enforced and what it "
        "comes to there.",
        "istio pilot/pkg/serviceregistry/kube/controller/ambient/authorization.go handleRule"},
    CodeInfo{kAuthzNoMatch, kReason, "the rule does not match",
             "One of the rule's conditions does not hold for this request; the detail gives the values "
             "compared. A rule needs all of from, to and when; each list in them needs one value.",
             "Compare the rule with the identity, port and path that this proxy sees.",
             "istio.io/docs/reference/config/security/authorization-policy"},
    CodeInfo{kAuthzRuleUnusable, kReason, "the proxy cannot carry the rule",
             "ztunnel works on connections: rules with HTTP attributes are left out there, and the policy "
             "still isolates the workload. The same holds for HTTP attributes on a TCP port.",
             "Attach the policy to a waypoint with targetRefs, or match identities and ports only.",
             "istio pilot/pkg/serviceregistry/kube/controller/ambient/authorization.go handleRule"},
    CodeInfo{kAuthzFactMissing, kReason, "a policy asks for something the manifests do not tell",
             "The verdict depends on an address or port that is not known.",
             "State it in the flow, or give live pods.", "istio pilot/pkg/security/authz/model/generator.go"},
    CodeInfo{kJwtValid, kReason, "the token is valid",
             "The token verifies. ISSUER/SUBJECT is the request principal from here on, and its claims can "
             "be matched by policies and routes.",
             "Nothing.", "istio pilot/pkg/security/authn/policy_applier.go"},
    CodeInfo{
        kJwtMissing, kReason, "no token is presented",
        "RequestAuthentication lets requests without a token pass; a policy has to demand the principal.",
        "Add a policy that requires requestPrincipals.",
        "istio.io/docs/reference/config/security/request_authentication"},
    CodeInfo{kJwtInvalid, kReason, "the token is refused",
             "A token that is presented has to be acceptable to some jwtRule of the proxy: well formed, in "
             "time, signed by a known key. Otherwise the request ends with 401; a request without any token "
             "would have passed this step.",
             "Present a valid token, or none.", "envoy source/extensions/filters/http/jwt_authn"},
    CodeInfo{kJwtIssuerUnknown, kReason, "no rule accepts the token's issuer",
             "The token's iss claim is compared exactly with the issuers of all jwtRules at the proxy, "
             "trailing slashes included, and none is equal.",
             "Add a jwtRule for the issuer.", "envoy source/extensions/filters/http/jwt_authn"},
    CodeInfo{kJwtAudience, kReason, "the token is for another audience",
             "The jwtRule lists audiences, and the token's aud claim has none of them. Envoy answers 403, "
             "not 401, in this case.",
             "Add the audience to the jwtRule, or use the right client.",
             "envoy source/extensions/filters/http/jwt_authn"},
    CodeInfo{kJwksUnavailable, kReason, "the signing keys cannot be fetched",
             "Tokens are verified with keys from jwksUri, which istiod fetches. Without keys no token "
             "verifies: a request with a token gets 401, one without passes this step.",
             "Make jwksUri reachable from istiod and the proxy.",
             "envoy source/extensions/filters/http/jwt_authn"},
    CodeInfo{kExtAuthzAllow, kReason, "the external authorizer allows",
             "The provider answered OK. Headers that it sets travel on to the next filters and to the "
             "application, which is how a session becomes a bearer token.",
             "Nothing; see the provider's chain when the request should have been refused.",
             "envoy source/extensions/filters/http/ext_authz"},
    CodeInfo{kExtAuthzNotTriggered, kReason, "no CUSTOM rule matches",
             "CUSTOM policies stand at this proxy, and none of their rules matches the request: the provider "
             "is not asked and the step is passed.",
             "Widen the rules if this request should be checked.", "istio pilot/pkg/security/authz/builder"},
    CodeInfo{kExtAuthzRedirect, kReason, "the external authorizer redirects",
             "A login service answers requests without a session with a redirect to the identity provider.",
             "Log in, or exempt machine clients in the CUSTOM rules.",
             "istio-ecosystem/authservice internal/authz/oidc.go"},
    CodeInfo{kExtAuthzDenied, kReason, "the external authorizer refuses",
             "The provider answered with a denial. An HTTP provider's status and headers reach the client; a "
             "gRPC provider gives status and body itself.",
             "See the provider's configuration and log for this host and path.",
             "envoy source/extensions/filters/http/ext_authz"},
    CodeInfo{kExtAuthzUnreachable, kReason, "the external authorizer cannot be reached",
             "The proxy that enforces calls the provider's Service; NetworkPolicies and endpoints of that "
             "call count. Without failOpen the request is refused.",
             "Allow the proxy's pod to reach the provider (15008 too when it is meshed), or see that it has "
             "ready pods.",
             "istio/api mesh/v1alpha1/config.proto EnvoyExternalAuthorizationGrpcProvider"},
    CodeInfo{kExtAuthzFailOpen, kReason,
             "the external authorizer cannot be reached and failOpen lets the request pass",
             "The provider does not answer, and failOpen: true in meshConfig turns that into an allow: the "
             "request goes on unchecked.",
             "Remove failOpen to fail closed.", "istio/api mesh/v1alpha1/config.proto"},
    CodeInfo{kExtAuthzBadProvider, kReason, "the extension provider cannot be used",
             "A CUSTOM policy whose provider is missing or broken in meshConfig refuses every request that "
             "its rules match.",
             "Add or mend the extensionProviders entry.",
             "istio pilot/pkg/security/authz/builder (deny-due-to-bad-CUSTOM-action)"},
    CodeInfo{kExtAuthzMultipleProviders, kReason, "CUSTOM policies of several providers apply to one proxy",
             "Only one provider is supported for a workload by default; the rules of all of them refuse.",
             "Use one provider for each workload.", "istio pilot/pkg/security/authz/builder"},
    CodeInfo{kExtAuthzAnswerUnknown, kReason, "what the external authorizer answers is not known",
             "A CUSTOM rule matches, so the provider is asked. Its answer is its own code's business; only "
             "authservice's configuration is read here, and none was found beside the Service.",
             "State the answer in the scenario's assume.extAuthz.",
             "istio.io docs/tasks/security/authorization/authz-custom"},
    CodeInfo{
        kRequestPathRefused, kReason, "the proxy refuses the request's path",
        "meshConfig.pathNormalization lets proxies rewrite paths before policies and routes are asked. A "
        "path with an encoded zero byte (%00) cannot be rewritten, and the proxy answers 400.",
        "Send another path, or set pathNormalization NONE.",
        "istio tests/integration/security/normalization_test.go"},
    CodeInfo{kAssumeProviderAllows, kAssumption, "the external authorizer is taken to allow",
             "What the provider answers is not known. A policy that is asked after it refuses the request, "
             "whatever headers and tokens the provider sets: the request is refused either way, and its "
             "answer is the policy's if the provider allows it, else the provider's own.",
             "State the answer in the scenario's assume.extAuthz.",
             "istio pilot/pkg/networking/core/listener_builder.go buildHTTPConnectionManager"},
    CodeInfo{kAssumeSessionToken, kAssumption, "the token that a login session yields",
             "A login session yields an id token that no manifest holds. It is taken to come from the issuer "
             "whose keys the login service uses, with no further claims.",
             "State the token's claims in the scenario.",
             "istio-ecosystem/authservice internal/authz/oidc.go"},
    CodeInfo{kAssumeNoSession, kAssumption, "the request carries no session",
             "Whether a browser is logged in is known to the login service alone. Nothing was stated and the "
             "request has no session cookie, so it counts as not logged in.",
             "State --session valid, none or expired (session: in a scenario).",
             "istio-ecosystem/authservice internal/authz/oidc.go"},
    CodeInfo{
        kAssumeSignature, kAssumption, "the signature of a given token is taken as valid",
        "Keys are not fetched, so a signature can be checked only where the jwtRule holds its jwks in the "
        "policy; elsewhere it is taken as valid.",
        "State the token as expired or badSignature to see the difference.",
        "envoy source/extensions/filters/http/jwt_authn/authenticator.cc"},
    CodeInfo{kAssumeTokenTime, kAssumption, "a given token is taken as not expired",
             "Its times are not compared with a clock, so that the answer is the same tomorrow. A token that "
             "ended before this program was written is expired.",
             "State the token as expired or notYetValid to see the difference.",
             "envoy source/extensions/filters/http/jwt_authn/authenticator.cc"},
};

}  // namespace

std::span<const CodeInfo> authz_codes() { return kRows; }

}  // namespace waypath::sim
