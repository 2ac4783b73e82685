#include "sim/reason_codes_authz.h"

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
             "DENY is asked before ALLOW.", "Change the rule, or the caller's identity.",
             "istio/ztunnel src/state.rs assert_rbac"},
    CodeInfo{
        kZtunnelStrictPlaintext, kReason, "STRICT and the connection carries no mesh identity",
        "PeerAuthentication STRICT becomes a policy that denies connections without a peer identity. Clients "
        "outside the mesh have none.",
        "Bring the client into the mesh, or exempt the port with portLevelMtls.",
        "istio pilot/pkg/serviceregistry/kube/controller/ambient/authorization.go convertPeerAuthentication"},
    CodeInfo{kSidecarStrictPlaintext, kReason, "STRICT refuses plaintext at the sidecar",
             "The sidecar's listener accepts mutual TLS only.",
             "Bring the client into the mesh, or set PERMISSIVE for the port.",
             "istio pilot/pkg/security/authn/utils/utils.go BuildInboundTLS"},
    CodeInfo{kRbacDenyMatch, kReason, "a DENY policy refuses the request",
             "DENY is asked before ALLOW; one matching rule is enough.", "Change the rule, or the request.",
             "envoy source/extensions/filters/http/rbac"},
    CodeInfo{kRbacNoAllowMatch, kReason, "ALLOW policies apply and none allows the request",
             "Once an ALLOW policy applies at a proxy, only what some ALLOW rule matches passes. All ALLOW "
             "policies of a proxy are one union.",
             "Add a rule that matches; the near misses tell which comes closest.",
             "istio.io/docs/reference/config/security/authorization-policy"},
    CodeInfo{kAuthzAllowMatch, kReason, "an ALLOW rule admits the request", "One matching rule is enough.",
             "", "istio.io/docs/reference/config/security/authorization-policy"},
    CodeInfo{kAuthzDefaultAllow, kReason, "no policy stands against it",
             "Without an ALLOW policy everything that no DENY refuses is allowed.", "",
             "istio.io/docs/reference/config/security/authorization-policy"},
    CodeInfo{kAuthzNotEnforced, kReason, "the policy is evaluated and not enforced",
             "AUDIT policies and dry runs (annotation istio.io/dry-run) leave the verdict alone; a dry-run "
             "ALLOW isolates nothing. ztunnel is not sent either kind.",
             "Remove the annotation, or use DENY or ALLOW.",
             "istio pilot/pkg/security/authz/builder/builder.go isDryRun"},
    CodeInfo{
        kPeerAuthnStrict, kReason, "STRICT, and the connection carries a mesh identity",
        "PeerAuthentication STRICT only refuses connections without one.", "",
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
    CodeInfo{kAuthzNoMatch, kReason, "the rule does not match", "A condition differs from the request.", "",
             "istio.io/docs/reference/config/security/authorization-policy"},
    CodeInfo{kAuthzRuleUnusable, kReason, "the proxy cannot carry the rule",
             "ztunnel works on connections: rules with HTTP attributes are left out there, and the policy "
             "still isolates the workload. The same holds for HTTP attributes on a TCP port.",
             "Attach the policy to a waypoint with targetRefs, or match identities and ports only.",
             "istio pilot/pkg/serviceregistry/kube/controller/ambient/authorization.go handleRule"},
    CodeInfo{kAuthzFactMissing, kReason, "a policy asks for something the manifests do not tell",
             "The verdict depends on an address or port that is not known.",
             "State it in the flow, or give live pods.", ""},
    CodeInfo{kJwtValid, kReason, "the token is valid",
             "Its issuer and subject are the request principal from here on.", "",
             "istio pilot/pkg/security/authn/policy_applier.go"},
    CodeInfo{
        kJwtMissing, kReason, "no token is presented",
        "RequestAuthentication lets requests without a token pass; a policy has to demand the principal.",
        "Add a policy that requires requestPrincipals.",
        "istio.io/docs/reference/config/security/request_authentication"},
    CodeInfo{kJwtInvalid, kReason, "the token is refused",
             "A token that is presented has to be acceptable to a rule.", "Present a valid token, or none.",
             "envoy source/extensions/filters/http/jwt_authn"},
    CodeInfo{kJwtIssuerUnknown, kReason, "no rule accepts the token's issuer",
             "Issuers are compared exactly.", "Add a jwtRule for the issuer.",
             "envoy source/extensions/filters/http/jwt_authn"},
    CodeInfo{kJwtAudience, kReason, "the token is for another audience",
             "None of the token's audiences is listed.",
             "Add the audience to the jwtRule, or use the right client.",
             "envoy source/extensions/filters/http/jwt_authn"},
    CodeInfo{kJwksUnavailable, kReason, "the signing keys cannot be fetched",
             "Without keys no token can be verified.", "Make jwksUri reachable from istiod and the proxy.",
             "envoy source/extensions/filters/http/jwt_authn"},
    CodeInfo{kExtAuthzAllow, kReason, "the external authorizer allows",
             "The provider answered OK; headers it sets travel on.", "",
             "envoy source/extensions/filters/http/ext_authz"},
    CodeInfo{kExtAuthzNotTriggered, kReason, "no CUSTOM rule matches", "The provider is not asked.", "",
             "istio pilot/pkg/security/authz/builder"},
    CodeInfo{kExtAuthzRedirect, kReason, "the external authorizer redirects",
             "A login service answers requests without a session with a redirect to the identity provider.",
             "Log in, or exempt machine clients in the CUSTOM rules.",
             "istio-ecosystem/authservice internal/authz/oidc.go"},
    CodeInfo{kExtAuthzDenied, kReason, "the external authorizer refuses",
             "The provider answered with a denial.", "See the provider's configuration.",
             "envoy source/extensions/filters/http/ext_authz"},
    CodeInfo{kExtAuthzUnreachable, kReason, "the external authorizer cannot be reached",
             "The proxy that enforces calls the provider's Service; NetworkPolicies and endpoints of that "
             "call count. Without failOpen the request is refused.",
             "Allow the proxy's pod to reach the provider (15008 too when it is meshed), or see that it has "
             "ready pods.",
             "istio/api mesh/v1alpha1/config.proto EnvoyExternalAuthorizationGrpcProvider"},
    CodeInfo{kExtAuthzFailOpen, kReason,
             "the external authorizer cannot be reached and failOpen lets the request pass",
             "failOpen: true turns failures of the provider into an allow.",
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
             "No configuration of a known authorizer was found and nothing was assumed.",
             "State the answer in the scenario's assume.extAuthz.", ""},
    CodeInfo{kAssumeSessionToken, kAssumption, "the token that a login session yields",
             "The id token is not in the manifests: its issuer is the one whose keys the login service uses.",
             "State the token's claims in the scenario.", ""},
    CodeInfo{kAssumeNoSession, kAssumption, "the request carries no session",
             "Nothing was stated and there is no session cookie.", "State session: valid, none or expired.",
             ""},
    CodeInfo{kAssumeSignature, kAssumption, "the signature of a given token is taken as valid",
             "Keys are not fetched. A jwtRule that holds its jwks in the policy is checked.",
             "State the token as expired or badSignature to see the difference.", ""},
    CodeInfo{kAssumeTokenTime, kAssumption, "a given token is taken as not expired",
             "Its times are not compared with a clock, so that the answer is the same tomorrow. A token that "
             "ended before this program was written is expired.",
             "State the token as expired or notYetValid to see the difference.", ""},
};

}  // namespace

std::span<const CodeInfo> authz_codes() { return kRows; }

}  // namespace waypath::sim
