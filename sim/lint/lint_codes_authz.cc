#include <array>

#include "sim/lint/lint_codes.h"

namespace waypath::sim {
namespace {

using model::Severity;
constexpr auto kLint = CodeInfo::Kind::Lint;
constexpr std::string_view kAttach = "istio pilot/pkg/model/policyattachment.go ShouldAttachPolicy";
constexpr std::string_view kConvert =
    "istio pilot/pkg/serviceregistry/ambient/authorization.go convertAuthorizationPolicy, handleRule";
constexpr std::string_view kStatus =
    "istio pilot/pkg/serviceregistry/ambient/policies.go WaypointPolicyStatusCollection";
constexpr std::string_view kExtAuthz = "istio pilot/pkg/security/authz/builder/extauthz.go";
constexpr std::string_view kPeer =
    "istio pilot/pkg/security/authn/policy_applier.go ComposePeerAuthentication";

const std::array kRows{
    LintCode{
        {kLintAuthzTargetMissing, kLint, "a targetRef names an object that does not exist",
         "A policy with targetRefs is enforced at the named Gateway, or at the waypoint of the named Service "
         "or "
         "ServiceEntry, and nowhere else: ztunnel and sidecars leave it out. When the target is not found it "
         "is "
         "enforced nowhere, and istiod says so in its status alone (WaypointAccepted=False, TargetNotFound).",
         "Correct kind, group and name.", kStatus},
        Severity::Error},
    LintCode{{kLintAuthzTargetNamespace, kLint, "a targetRef names an object of another namespace",
              "targetRefs have no namespace: a policy attaches to objects of its own namespace (since Istio "
              "1.25 from "
              "the root namespace too only to a GatewayClass). A policy beside the control plane that names "
              "a waypoint "
              "elsewhere is enforced nowhere.",
              "Move the policy to the namespace of its target.", kAttach},
             Severity::Error},
    LintCode{{kLintAuthzTargetUnbound, kLint, "a targetRef names a Service without a waypoint",
              "A policy for a Service is enforced by its waypoint. When the Service has none, because it is "
              "not labelled "
              "or its label fails open, nothing enforces the policy (AncestorNotBound).",
              "Label the Service, or its namespace, istio.io/use-waypoint; or select the pods if the rules "
              "are L4.",
              kStatus},
             Severity::Error},
    LintCode{{kLintAuthzTargetInvalid, kLint, "a targetRef that cannot be used",
              "A GatewayClass can be targeted from the root namespace, and only one whose controller serves "
              "waypoints; "
              "kinds other than Gateway, GatewayClass, Service and ServiceEntry are no targets.",
              "Target a Gateway or Service, or move the policy to the root namespace.", kStatus},
             Severity::Error},
    LintCode{{kLintAuthzSelectsNothing, kLint, "a policy selects no pod",
              "A selector looks at pods of the policy's own namespace, or of all namespaces from the root "
              "namespace. A "
              "policy that selects none is accepted and does nothing. A warning when a pod nearly has the "
              "labels, a "
              "remark otherwise.",
              "Correct the selector, or delete the policy.",
              "istio pkg/config/analysis/analyzers/authz (IST0127)"},
             Severity::Info},
    LintCode{
        {kLintAuthzSelectsWaypoint, kLint, "a policy selects waypoint pods",
         "Waypoints take policies by targetRefs only, and no ztunnel stands in front of them: a policy whose "
         "selector fits a waypoint's pods is not enforced there. istioctl reports it as IST0166. With "
         "ENABLE_LAYERED_WAYPOINT_AUTHORIZATION_POLICIES such policies hold for L4 where the waypoint "
         "terminates "
         "HBONE, and there is no finding.",
         "Use targetRefs: the waypoint's Gateway for all it serves, or a Service.", kAttach},
        Severity::Warning},
    LintCode{
        {kLintAuthzEmptySelector, kLint, "`selector: {}` is attached to no pod at ztunnel",
         "Without a selector a policy is for its namespace. With one that has no labels istiod makes a "
         "policy for "
         "selected workloads and then attaches it to none, while Envoys read it as the whole namespace.",
         "Remove the selector.",
         "istio pilot/pkg/serviceregistry/ambient/authorization.go convertAuthorizationPolicy, workloads.go "
         "buildWorkloadPolicies"},
        Severity::Warning},
    LintCode{
        {kLintAuthzOutsideMesh, kLint, "a policy for pods that are not in the mesh",
         "AuthorizationPolicy and RequestAuthentication are enforced by ztunnel, sidecars, waypoints and "
         "gateways. "
         "Pods without any of these take every connection, whatever the policy says. A remark in the root "
         "namespace, whose own pods (istiod) stay outside the mesh.",
         "Enrol the pods, or protect them with a NetworkPolicy.", kAttach},
        Severity::Warning},
    LintCode{{kLintAuthzAction, kLint, "CUSTOM or AUDIT at ztunnel",
              "ztunnel evaluates ALLOW and DENY. A CUSTOM or AUDIT policy that selects captured pods is not "
              "sent to it "
              "(ZtunnelAccepted=False, UnsupportedValue): requests go without the check. A warning when "
              "gateways or "
              "sidecars enforce it as well, or for AUDIT.",
              "Bind the Services to a waypoint and target it, or narrow the selector to gateways.", kConvert},
             Severity::Error},
    LintCode{
        {kLintAuthzMeshWide, kLint, "a selector in the root namespace reaches every namespace",
         "Policies of the root namespace are for the whole mesh: a selector there fits pods of any namespace "
         "that "
         "carry the labels.",
         "Move it to one namespace if it is meant for that, or use a label that only the right pods carry.",
         kAttach},
        Severity::Info},
    LintCode{{kLintAuthzDefaultDeny, kLint, "an ALLOW policy turns workloads to default deny",
              "Without ALLOW policies everything is allowed; with one, all that no ALLOW policy matches is "
              "refused. The "
              "first ALLOW for a workload therefore closes it for everyone else, and one for the whole mesh "
              "closes every "
              "workload. A warning for the mesh-wide form unless an ALLOW without rules shows that default "
              "deny is "
              "meant; a remark where a policy is the only one of a workload.",
              "Write further ALLOW policies for the other callers, or use DENY.",
              "istio.io docs/concepts/security (implicit enablement)"},
             Severity::Info},
    LintCode{
        {kLintAuthzDryRun, kLint, "a policy is a dry run",
         "The annotation istio.io/dry-run keeps a policy from being enforced: Envoy logs what it would do, "
         "ztunnel "
         "is not sent it. For CUSTOM the generated filter puts its rules among those that refuse; what then "
         "happens is not known, hence a warning.",
         "Remove the annotation to enforce it.",
         "istio pilot/pkg/security/authz/builder/builder.go isDryRun"},
        Severity::Info},
    LintCode{{kLintAuthzRefusesAll, kLint, "an ALLOW policy that can match nothing at ztunnel",
              "ztunnel knows no HTTP: an ALLOW rule with methods, paths, hosts or token conditions is left "
              "out there, "
              "but the policy still counts as an ALLOW policy. When no rule remains the pods refuse "
              "everything that no "
              "other policy allows, the waypoint's own requests included.",
              "Target the waypoint with the HTTP conditions, and allow the waypoint's principal at the pods.",
              kConvert},
             Severity::Error},
    LintCode{{kLintAuthzRuleLeftOut, kLint, "an ALLOW rule is left out at ztunnel",
              "A rule with HTTP conditions, or a source made of trustDomains alone, cannot match at ztunnel; "
              "the other "
              "rules of the policy hold, so less is allowed than written.",
              "Target a waypoint with this rule.", kConvert},
             Severity::Warning},
    LintCode{{kLintAuthzDenyVanishes, kLint, "a DENY rule that never denies at ztunnel",
              "HTTP conditions of a DENY rule are removed for ztunnel. A from, to or when that is left "
              "without any "
              "condition matches nothing there, and so does its rule: the policy fails open, even when other "
              "parts of "
              "the rule are L4.",
              "Enforce it at a waypoint by targetRefs, or deny by principals, namespaces, addresses and "
              "ports alone.",
              "ztunnel src/rbac.rs matches; istio ambient/authorization.go hasEffectiveRules"},
             Severity::Error},
    LintCode{
        {kLintAuthzDenyChanged, kLint, "a DENY rule denies something else at ztunnel",
         "HTTP conditions are removed from the rule: an entry that keeps an L4 condition denies more than is "
         "written, one that keeps none denies nothing.",
         "Write HTTP and L4 conditions as policies of their own, the former for a waypoint.", kConvert},
        Severity::Warning},
    LintCode{{kLintAuthzTcpPort, kLint, "HTTP conditions on a port that is not HTTP",
              "On a Service port that is declared as TCP or TLS a waypoint does not parse HTTP. ALLOW rules "
              "with HTTP "
              "conditions are left out there (less is allowed), DENY rules lose these conditions (a DENY of "
              "methods "
              "alone denies every connection).",
              "Set appProtocol: http, or name the port http-..., if it carries HTTP; else use L4 conditions.",
              "istio pilot/pkg/security/authz/model/model.go (forTCP)"},
             Severity::Warning},
    LintCode{{kLintAuthzRedundant, kLint, "another rule matches all that this one matches",
              "Rules of policies with one action and one target add up; a rule whose conditions are covered "
              "by another's "
              "changes nothing.",
              "Remove it, or narrow the wider rule.", "istio pilot/pkg/security/authz/model/model.go"},
             Severity::Info},
    LintCode{
        {kLintAuthzShadowed, kLint, "an ALLOW of everything stands beside a narrower one",
         "ALLOW policies are a union: where one has a rule without conditions, the others restrict nothing. "
         "Gateway charts ship such a policy; an ALLOW that asks for a token beside it asks in vain.",
         "Narrow or delete the policy that allows everything, or write the other as DENY.",
         "istio.io docs/concepts/security (policy precedence)"},
        Severity::Warning},
    LintCode{{kLintAuthzPort, kLint, "a port that the enforcing proxy never sees",
              "ztunnel compares ports with the pod's port inside the tunnel, a waypoint with the Service's "
              "port. 15008 "
              "is the tunnel itself and matches nowhere; a Service port at ztunnel, or a pod port at a "
              "waypoint, does "
              "not match either.",
              "Write the pod's port for selectors and the Service's port for targetRefs.",
              "ztunnel src/proxy/inbound.rs; istio pilot/pkg/networking/core/listener_waypoint.go"},
             Severity::Warning},
    LintCode{
        {kLintAuthzPrincipal, kLint, "a service account that does not exist",
         "A principal, or an entry of serviceAccounts, names an account that no pod of its namespace uses "
         "and no "
         "manifest declares: nobody can be this caller. In notPrincipals of a DENY it means that everyone is "
         "denied. A remark when the namespace has no pods in the manifests.",
         "Correct the name.", "istio pkg/spiffe/spiffe.go"},
        Severity::Warning},
    LintCode{{kLintAuthzPrincipalForm, kLint, "a principal that no certificate carries",
              "Principals are compared with the identity without its scheme: "
              "TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT. "
              "Kubernetes' own form (system:serviceaccount:...), a bare account or a leading spiffe:// never "
              "match.",
              "Write cluster.local/ns/NAMESPACE/sa/ACCOUNT, or use serviceAccounts.",
              "istio pilot/pkg/security/authz/model/generator.go"},
             Severity::Error},
    LintCode{{kLintAuthzTrustDomain, kLint, "a principal of another trust domain",
              "Callers have the mesh's trust domain. Envoys compare aliases too; ztunnel compares what is "
              "written. A "
              "remark when no mesh configuration is given, since the trust domain is then only assumed.",
              "Write the mesh's trust domain, or use serviceAccounts or namespaces, which ignore it.",
              "istio pilot/pkg/security/trustdomain/bundle.go; ztunnel src/rbac.rs"},
             Severity::Warning},
    LintCode{{kLintAuthzNamespace, kLint, "a namespace that holds nothing",
              "A principal or an entry of namespaces names a namespace in which no object is. A warning when "
              "another "
              "name is near, a remark otherwise. istioctl reports IST0101.",
              "Correct the name, or give its manifests too.",
              "istio pkg/config/analysis/analyzers/authz (IST0101)"},
             Severity::Info},
    LintCode{{kLintAuthzNoIdentity, kLint, "a caller that presents no identity",
              "Identity comes from the mesh: pods that are neither captured nor have a sidecar connect in "
              "plaintext and "
              "match no principals, namespaces or serviceAccounts.",
              "Enrol the caller, or match it by ipBlocks.", "ztunnel src/rbac.rs matches"},
             Severity::Warning},
    LintCode{{kLintAuthzWaypointIdentity, kLint, "policies at the pods refuse their waypoint",
              "Behind a waypoint the pods' ztunnel sees the waypoint's identity, not the client's. ALLOW "
              "policies that "
              "list the clients only, or a namespace default that lists nobody, refuse it: every request "
              "through the "
              "waypoint ends as 503.",
              "Allow the waypoint's principal at the pods, and the clients at the waypoint.",
              "ztunnel src/state.rs assert_rbac; istio.io docs/ambient/usage/waypoint"},
             Severity::Error},
    LintCode{{kLintAuthzGatewayIdentity, kLint, "policies at the pods refuse the gateway that routes to them",
              "A gateway that goes straight to the pods arrives with its own identity. When no ALLOW policy "
              "at the pods "
              "lists it, or a DENY does, every request of the route ends as 503.",
              "Allow the gateway's principal at the pods, or let the gateway use the Service's waypoint.",
              "ztunnel src/state.rs assert_rbac"},
             Severity::Error},
    LintCode{{kLintAuthzNoTokens, kLint, "a policy asks for a token where nothing verifies tokens",
              "requestPrincipals and request.auth conditions read what a RequestAuthentication has verified "
              "at the same "
              "proxy. Without one an ALLOW of them never matches, and a DENY of their absence always does.",
              "Add a RequestAuthentication with the same targetRefs or selector.",
              "istio pilot/pkg/security/authn/policy_applier.go"},
             Severity::Error},
    LintCode{
        {kLintRequestAuthnZtunnel, kLint, "a RequestAuthentication that only ztunnels have",
         "Tokens are HTTP: ztunnel is never sent a RequestAuthentication. One that selects captured pods and "
         "no "
         "Envoy is not evaluated at all.",
         "Bind the Services to a waypoint and use targetRefs.", "istio pilot/pkg/model/authentication.go"},
        Severity::Warning},
    LintCode{{kLintRequestAuthnAlone, kLint, "a RequestAuthentication that lets anonymous requests pass",
              "It refuses tokens that do not verify; a request without a token goes on. Only an "
              "AuthorizationPolicy at "
              "the same proxy that asks for a principal, or CUSTOM, keeps anonymous callers out.",
              "Add ALLOW with requestPrincipals: [\"*\"], or DENY with notRequestPrincipals: [\"*\"].",
              "istio.io docs/reference/config/security/request_authentication"},
             Severity::Warning},
    LintCode{{kLintPeerAuthnSelectsNothing, kLint, "a PeerAuthentication selects no pod",
              "A selector looks at pods of the policy's namespace. A warning when a pod nearly has the "
              "labels, a remark "
              "otherwise.",
              "Correct the selector.", kPeer},
             Severity::Info},
    LintCode{{kLintPeerAuthnRootSelector, kLint, "a PeerAuthentication with a selector in the root namespace",
              "In the root namespace only a policy without selector counts, as the mesh's default; one with "
              "a selector "
              "is ignored.",
              "Move it to the namespace of the pods.", kPeer},
             Severity::Warning},
    LintCode{{kLintPeerAuthnSeveral, kLint, "several PeerAuthentications of one scope",
              "For the mesh, a namespace and a workload one policy each counts: the oldest. The others do "
              "nothing. "
              "Without creationTimestamp the order by name is assumed.",
              "Keep one.", kPeer},
             Severity::Warning},
    LintCode{{kLintPeerAuthnPort, kLint, "portLevelMtls that has no effect, or another",
              "portLevelMtls needs a selector and lists ports of the pod. For ztunnel istiod converts it "
              "into DENY "
              "rules with two slips: a STRICT port under a PERMISSIVE workload, an unset namespace and a "
              "STRICT mesh is "
              "skipped, and a DISABLE port alone makes no exception under an inherited STRICT.",
              "State mtls.mode for the workload, and PERMISSIVE or STRICT for its ports.",
              "istio pilot/pkg/serviceregistry/ambient/authorization.go convertPeerAuthentication"},
             Severity::Warning},
    LintCode{{kLintPeerAuthnDisable, kLint, "DISABLE at ztunnel",
              "ztunnel always accepts HBONE: DISABLE is read as PERMISSIVE, and clients in the mesh go on "
              "using mTLS.",
              "Write PERMISSIVE.",
              "istio pilot/pkg/serviceregistry/ambient/authorization.go convertPeerAuthentication"},
             Severity::Info},
    LintCode{{kLintStrictClient, kLint, "STRICT refuses a client that a NetworkPolicy lets in",
              "The rule names pods outside the mesh, so they connect in plaintext; the pods behind it are "
              "STRICT, and "
              "their ztunnel resets connections without an identity.",
              "Enrol the client, or make an exception for the port with portLevelMtls: PERMISSIVE.",
              "istio pilot/pkg/serviceregistry/ambient/authorization.go (istio_converted_static_strict)"},
             Severity::Warning},
    LintCode{{kLintStrictOutside, kLint, "STRICT pods behind a load balancer or node port",
              "Traffic from outside reaches the pods in plaintext when it comes by a node port or load "
              "balancer of the "
              "Service itself. STRICT pods reset it.",
              "Put an ingress gateway in front, or make the port PERMISSIVE.", kPeer},
             Severity::Warning},
    LintCode{{kLintExtAuthzProvider, kLint, "an extension provider that cannot be used",
              "A CUSTOM policy names a provider of meshConfig.extensionProviders. When there is none of the "
              "name, it is "
              "of another type, or its Service, port or settings are not valid, istiod turns the rules of "
              "the policy "
              "into a DENY: requests that match get 403.",
              "Define the provider (envoyExtAuthzGrpc or envoyExtAuthzHttp) with a Service of the registry.",
              kExtAuthz},
             Severity::Error},
    LintCode{{kLintExtAuthzSeveral, kLint, "CUSTOM policies of several providers at one proxy",
              "Unless PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS is set, two providers at one proxy make "
              "every CUSTOM "
              "rule there refuse what it matches.",
              "Use one provider, or set the flag where the version has it.",
              "istio pilot/pkg/security/authz/builder/builder.go"},
             Severity::Error},
    LintCode{{kLintExtAuthzDown, kLint, "an extension provider without endpoints",
              "The provider's Service has no ready pod. Without failOpen every request that the CUSTOM rules "
              "match is "
              "refused with 403 (or statusOnError); with it requests pass unchecked.",
              "Bring its pods up.", kExtAuthz},
             Severity::Error},
    LintCode{{kLintExtAuthzCutOff, kLint, "a proxy cannot reach its extension provider",
              "The check is a connection from the enforcing proxy's pod to the provider's, under their "
              "NetworkPolicies, "
              "and under the AuthorizationPolicies at the provider when it is captured. When it is dropped "
              "or refused "
              "every request that the rules match ends as 403, after the connect timeout when it is dropped.",
              "Allow the proxy's pods out and into the provider (TCP 15008 when it is captured), and its "
              "principal there.",
              kExtAuthz},
             Severity::Error},
    LintCode{{kLintExtAuthzFailOpen, kLint, "a provider with failOpen",
              "When the provider cannot be asked, requests pass as if they had been allowed.",
              "Remove failOpen unless that is meant.", kExtAuthz},
             Severity::Info},
    LintCode{
        {kLintGatewayOnly, kLint, "CUSTOM is enforced at gateways alone",
         "A request that comes through the gateway is checked; a pod in the mesh that calls the Service is "
         "not. The "
         "finding names one that may.",
         "Bind the Service to a waypoint and enforce the policy there, or restrict who may call the pods.",
         kAttach},
        Severity::Info},
};

}  // namespace

std::span<const LintCode> lint_codes_authz() { return kRows; }

}  // namespace waypath::sim
