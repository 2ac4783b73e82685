#include "model/istio/profile.h"

#include <array>
#include <charconv>
#include <cstddef>

#include "model/istio/known_versions.h"

namespace waypath::model {
namespace {

// One row a behaviour. Sources name the upstream release note (istio/istio releasenotes/notes/<file>) or
// commit that brought it. `effect` says what an upgrade typically does: more denials, more allowed, another
// path, or only another symptom.
constexpr std::array<FeatureInfo, static_cast<std::size_t>(Feature::kCount)> kTable = {{
    {Feature::UseWaypointNamespaceLabel, "use-waypoint-namespace-label", "1.23.0", "", "",
     "a waypoint of another namespace cannot be named by label: the name is looked up in the object's own "
     "namespace",
     "label istio.io/use-waypoint-namespace names the waypoint's namespace",
     "path: L7 policy starts to apply",
     "istio/istio pilot/pkg/serviceregistry/ambient/waypoints.go, release-1.22 against release-1.23"},
    {Feature::WaypointAllowedRoutesChecked, "waypoint-allowed-routes", "1.23.0", "", "",
     "allowedRoutes of a waypoint's listener is not checked",
     "another namespace may use a waypoint only if its listener's allowedRoutes admits it; else traffic goes "
     "direct",
     "path: L7 policy is silently lost",
     "istio/istio pilot/pkg/serviceregistry/ambient/waypoints.go, release-1.22 against release-1.23"},
    {Feature::WaypointServiceExempt, "waypoint-service-exempt", "1.23.0", "", "",
     "the Service of a waypoint can itself get the waypoint of its namespace",
     "Services labelled gateway.istio.io/managed: istio.io-mesh-controller never have a waypoint", "path",
     "istio/istio pilot/pkg/serviceregistry/ambient/waypoints.go, release-1.22 against release-1.23"},
    {Feature::WaypointForOnGatewayClass, "waypoint-for-on-gateway-class", "1.23.0", "", "",
     "istio.io/waypoint-for is read from the Gateway only", "the GatewayClass' label gives the default",
     "path", "istio/istio releasenotes/notes/50933.yaml"},
    {Feature::AllVipsMatched, "all-vips-matched", "1.23.0", "", "",
     "waypoint and ztunnel know only the first address of a Service",
     "all addresses of a Service or ServiceEntry are known", "path: dual stack",
     "istio/istio releasenotes/notes/51939.yaml, 51967.yaml"},
    {Feature::IngressUseWaypoint, "ingress-use-waypoint", "1.24.0", "", "",
     "ingress gateways never call waypoints; they go to the pods",
     "istio.io/ingress-use-waypoint: \"true\" on a Service sends ingress traffic to its waypoint",
     "path: gateway to waypoint needs port 15008 and L4 policies must admit the waypoint",
     "istio/istio commit e998c659786 (#52985)"},
    {Feature::IngressUseWaypointNamespace, "ingress-use-waypoint-namespace", "1.25.0", "", "",
     "the label counts on the Service only", "the label counts on the Namespace too; the Service wins",
     "path", "istio/istio releasenotes/notes/ingress-use-waypoint-namespace.yaml"},
    {Feature::ServiceTargetRefInServiceNamespace, "service-target-ref-in-service-namespace", "1.24.0", "", "",
     "policies that target a Service are looked up in the root and the waypoint's namespace only",
     "they are looked up in the Service's namespace and must stand there; ServiceEntry targets work",
     "more denials", "istio/istio pilot/pkg/model/policyattachment.go, release-1.22 to release-1.24"},
    {Feature::GatewayTargetRefSameNamespaceOnly, "gateway-target-ref-same-namespace", "1.25.0", "", "",
     "a root-namespace policy that targets Gateway x attaches to every gateway and waypoint named x",
     "a policy attaches to a Gateway of its own namespace only", "more allowed: a mesh-wide policy vanishes",
     "istio/istio commit 117619e3071 (#54140), pilot/pkg/model/policyattachment.go"},
    {Feature::GatewayClassTargetRef, "gateway-class-target-ref", "1.25.0", "", "",
     "no policy for all waypoints of a mesh",
     "a root-namespace policy may target GatewayClass istio-waypoint", "more denials",
     "istio/istio releasenotes/notes/54780.yaml"},
    {Feature::WaypointTrustDomainCheck, "waypoint-trust-domain-check", "1.25.0", "", "",
     "a waypoint accepts any trust domain that the root certificate signed",
     "a waypoint accepts the mesh's trust domain and its aliases",
     "more denials: foreign trust domains fail in TLS", "istio/istio releasenotes/notes/53736.yaml",
     "every identity of a simulated mesh has its one trust domain"},
    {Feature::ServiceAccountsField, "service-accounts-field", "1.25.0", "", "",
     "source.serviceAccounts is unknown", "source.serviceAccounts is evaluated, by ztunnel too",
     "policies with the field mean something else below",
     "istio/istio commit 8ac43d22d77 (#54091); istio/ztunnel eda6461c (#1402)"},
    {Feature::ConnectionSniAtWaypoint, "connection-sni-at-waypoint", "1.24.0", "", "",
     "connection.sni never matches at a waypoint", "connection.sni is usable at waypoints", "path",
     "istio/istio releasenotes/notes/53588.yaml"},
    {Feature::DryRunToZtunnel, "dry-run-to-ztunnel", "1.29.0", "", "",
     "dry-run policies are not sent to ztunnel",
     "with AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY they are sent and only logged",
     "none on verdicts; an older ztunnel enforces them",
     "istio/istio releasenotes/notes/authz-dry-run-ambient.yaml",
     "a dry-run policy decides nothing; control plane and ztunnels are taken to have one version"},
    {Feature::MultipleCustomProviders, "multiple-custom-providers", "1.30.0", "", "",
     "one CUSTOM provider a workload", "several, with PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS",
     "more denied or more allowed", "istio/istio releasenotes/notes/58082.yaml"},
    {Feature::TrustDomainsField, "trust-domains-field", "1.30.2", "", "", "source.trustDomains is unknown",
     "source.trustDomains is evaluated by Envoy; ztunnel ignores it",
     "policies with the field mean something else below",
     "istio/istio releasenotes/notes/add-trust-domains-to-authz-policy.yaml"},
    {Feature::PeerAuthenticationPortsOred, "peer-authentication-ports-ored",
     "1.25.0 (1.22.8, 1.23.5, 1.24.3)", "", "",
     "several STRICT ports under a non-strict mode are combined with AND: plaintext passes",
     "each STRICT port refuses plaintext", "more denials", "istio/istio releasenotes/notes/54146.yaml"},
    {Feature::PeerAuthenticationPortMergeFixed, "peer-authentication-port-merge",
     "1.25.0 (1.22.8, 1.23.5, 1.24.3)", "", "",
     "port exceptions under an inherited STRICT are lost in some merges", "port exceptions hold",
     "more allowed", "istio/istio releasenotes/notes/53884.yaml"},
    {Feature::RequestAuthenticationCrossNamespaceWaypoint, "request-authentication-cross-namespace-waypoint",
     "1.25.0 (1.24.2)", "", "", "RequestAuthentication is not applied at a waypoint of another namespace",
     "it is applied", "both ways", "istio/istio releasenotes/notes/54071.yaml"},
    {Feature::IssuerOptional, "jwt-issuer-optional", "1.27.0", "", "", "a JWT rule needs an issuer",
     "an issuer or a jwksUri is enough", "input accepted",
     "istio/istio releasenotes/notes/14400-optional-jwt-issuer.yaml",
     "a rule without issuer is accepted in every version"},
    {Feature::HostNetworkDestinations, "host-network-destinations", "1.24.0", "", "",
     "ztunnel ignores hostNetwork pods as destinations", "hostNetwork pods are reached in plaintext",
     "more allowed", "istio/istio releasenotes/notes/ambient-hostnetwork.yaml"},
    {Feature::PublishNotReadyHonoured, "publish-not-ready-addresses", "1.24.0", "", "",
     "pods that are not ready are never used", "publishNotReadyAddresses is honoured", "more allowed",
     "istio/ztunnel cb56b5ba (#1231)"},
    {Feature::NoHealthyUpstreamDropped, "no-healthy-upstream", "1.23.0 (1.22.2)", "", "",
     "a Service without endpoint or an unknown port is passed through to the ClusterIP",
     "ztunnel closes the connection", "another symptom", "istio/ztunnel 636c69c6 (#1137)"},
    {Feature::DnsCaptureDefault, "dns-capture-default", "1.25.0", "", "",
     "names are resolved by the cluster's DNS", "ztunnel answers DNS for captured pods",
     "path: NetworkPolicy to DNS no longer matters for mesh names",
     "istio/istio releasenotes/notes/ambient-dns-on.yaml"},
    {Feature::IpAutoAllocateDefault, "ip-autoallocate-default", "1.25.0", "", "",
     "a ServiceEntry without addresses has no VIP", "it gets an auto-allocated VIP",
     "path: egress waypoints start to see it",
     "istio/istio releasenotes/notes/ip-allocation-v2-default.yaml"},
    {Feature::ServiceEntryNonePassthrough, "service-entry-none-passthrough", "1.28.0", "", "",
     "a ServiceEntry of resolution NONE has no healthy upstream", "traffic passes to the dialled address",
     "more allowed", "istio/istio releasenotes/notes/57656.yaml; istio/ztunnel 9050c4f2"},
    {Feature::ServiceEntryCidr, "service-entry-cidr", "1.30.0", "", "",
     "CIDR addresses of a ServiceEntry are unused by ztunnel", "the longest prefix matches", "path",
     "istio/istio releasenotes/notes/59797.yaml"},
    {Feature::ServiceEntryPortNameMatched, "service-entry-port-name", "1.28.0 (1.26.5, 1.27.2)", "", "",
     "the target port of a selected pod is the port number",
     "the ServiceEntry port's name is looked up among container ports", "path",
     "istio/istio releasenotes/notes/57713.yaml"},
    {Feature::ServiceEntrySelectsWorkloadEntries, "service-entry-selects-workload-entries", "1.26.0", "", "",
     "a ServiceEntry that selects WorkloadEntries has no healthy upstream", "it works", "more allowed",
     "istio/istio releasenotes/notes/55569.yaml"},
    {Feature::ServiceEntryNamespaceVisibility, "service-entry-namespace-visibility", "1.31.0", "", "",
     "a ServiceEntry exported to its namespace only can bind a waypoint elsewhere",
     "it cannot, and other namespaces pass through to the dialled address", "path",
     "istio/istio releasenotes/notes/60870-serviceentry-visibility.yaml; istio/ztunnel 0b093104",
     "meshConfig.serviceEntryVisibility, without which it does nothing, is not read"},
    {Feature::DynamicDns, "dynamic-dns", "1.28.0", "", "", "a wildcard ServiceEntry has no DNS at the proxy",
     "resolution DYNAMIC_DNS resolves wildcard hosts at an egress waypoint, HTTP only", "path",
     "istio/istio releasenotes/notes/se-wildcard-host.yaml"},
    {Feature::HostNetworkExcludedFromCapture, "host-network-excluded", "1.31.0 (1.29.7, 1.30.4)", "",
     "1.27.0", "istio-cni lacks the check that excludes hostNetwork pods: the outcome is not defined",
     "hostNetwork pods are never captured", "hazard",
     "istio/istio releasenotes/notes/61168.yaml; cni/pkg/util/enablement_selector.go"},
    {Feature::AgentExcludesNamespaces, "agent-excludes-namespaces", "1.30.0", "", "",
     "labelled pods of excluded namespaces (kube-system) are enrolled by the node agent",
     "they are not enrolled", "path", "istio/istio releasenotes/notes/59295.yaml"},
    {Feature::GatewayChartOptsOut, "gateway-chart-opts-out", "1.25.0", "", "",
     "pods of the gateway chart in an ambient namespace are captured",
     "the chart labels them istio.io/dataplane-mode: none", "path",
     "istio/istio releasenotes/notes/54825.yaml", "the labels of the manifests themselves decide"},
    {Feature::BypassInboundCaptureWorks, "bypass-inbound-capture", "1.29.0", "", "",
     "HBONE to pods with ambient.istio.io/bypass-inbound-capture times out", "it works", "more allowed",
     "istio/istio releasenotes/notes/58577.yaml"},
    {Feature::EnablementSelectors, "enablement-selectors", "1.27.0", "", "", "the enrolment labels are fixed",
     "the enrolment labels are configurable", "path", "istio/istio releasenotes/notes/56048.yaml"},
    {Feature::SandwichAllowedRoutes, "sandwich-allowed-routes", "1.26.0", "", "",
     "allowedRoutes of a sandwiched waypoint is read from the HBONE listener",
     "it is read from the bound listener", "path",
     "istio/istio releasenotes/notes/56011-sandwich-allowedRoutes.yaml"},
    {Feature::WaypointTcpRoute, "waypoint-tcp-route", "1.26.0", "", "",
     "waypoints ignore TCPRoute, TLSRoute, and tcp and tls rules of VirtualServices", "waypoints honour them",
     "path", "istio/istio releasenotes/notes/waypoint-tcproute.yaml"},
    {Feature::WaypointDropsSourceLabels, "waypoint-source-labels", "1.25.0", "", "",
     "a VirtualService match with sourceLabels applies to every client at a waypoint",
     "such matches are dropped at a waypoint", "path",
     "istio/istio releasenotes/notes/51565-waypoint-sourcelabels.yaml"},
    {Feature::WaypointMergesVirtualServices, "waypoint-merges-virtual-services", "1.30.0 (1.28.6, 1.29.2)",
     "", "", "one VirtualService a host at a waypoint: the oldest", "several are merged", "path",
     "istio/istio releasenotes/notes/59484.yaml"},
    {Feature::NoBackendRefsIs404, "no-backend-refs-404", "1.30.0", "1.31.0", "",
     "an HTTPRoute rule without backendRefs answers 500", "it answers 404 in 1.30 alone", "another symptom",
     "istio/istio releasenotes/notes/59356.yaml, 60787.yaml"},
    {Feature::WaypointDefaultRetries, "waypoint-default-retries", "1.31.0 (1.30.3)", "", "",
     "a waypoint does not retry requests to its own services", "the mesh's default retries apply",
     "more allowed", "istio/istio releasenotes/notes/60682.yaml"},
    {Feature::WaypointCanary, "waypoint-canary", "1.31.0", "", "", "one waypoint a service",
     "labels name a second waypoint with a weight", "path: two paths",
     "istio/istio releasenotes/notes/60801-weighted-waypoint-canary.yaml; istio/ztunnel 77374b17"},
    {Feature::RegexEscapedInPrincipals, "regex-escaped-in-principals", "1.30.0 (1.28.7, 1.29.3)", "", "",
     "suffix principals and namespaces are regular expressions in Envoy: a dot matches any character",
     "they are escaped", "more denials", "istio/istio releasenotes/notes/59992.yaml"},
    {Feature::RegexEscapedInServiceAccounts, "regex-escaped-in-service-accounts",
     "1.30.0 (1.27.9, 1.28.6, 1.29.2)", "", "", "serviceAccounts are unescaped in Envoy's regular expression",
     "they are escaped", "more denials", "istio/istio releasenotes/notes/59700.yaml"},
    {Feature::RepeatedHeadersMatchedEach, "repeated-headers-matched-each", "1.30.0 (1.27.8, 1.28.5, 1.29.1)",
     "", "", "a header that is sent several times is joined with commas before request.headers is compared",
     "each of its values is compared: one that matches is enough", "more matches of ALLOW and of DENY",
     "CVE-2026-31838; envoyproxy/envoy source/extensions/filters/common/rbac/matchers.cc HeaderMatcher "
     "(envoy.reloadable_features.rbac_match_headers_individually)"},
    {Feature::JwksFetchFailureFailsClosed, "jwks-fetch-failure", "1.30.0 (1.27.8, 1.28.5, 1.29.1)", "", "",
     "when the key set cannot be fetched, a published fallback key verifies tokens: forgeable",
     "no token verifies: 401", "none on honest tokens",
     "istio/istio releasenotes/notes/jwks-private-key-leak.yaml",
     "an honest token is answered 401 on both sides; forged ones are no flow"},
    {Feature::HboneTimeoutHint, "hbone-timeout-hint", "1.23.0 (1.22.4)", "", "",
     "ztunnel logs a plain I/O error", "ztunnel's log hints at NetworkPolicy and port 15008",
     "another log text", "istio/ztunnel 61521fdb (#1229)"},
    {Feature::HboneErrorsLogged, "hbone-errors-logged", "1.24.0", "", "",
     "Envoy does not log HBONE connect errors", "they are logged with flag UF", "another log text",
     "istio/istio releasenotes/notes/ambient-logs.yaml",
     "the UF entry of connect_originate is named in every version"},
    {Feature::GatewaySecretNeedsGrant, "gateway-secret-checks", "1.28.0 (1.26.5, 1.27.2)", "", "",
     "a Gateway may use any TLS secret of its namespace",
     "namespace and service account must fit, or a ReferenceGrant", "more denials: listener down",
     "istio/istio releasenotes/notes/verify-sa-for-gateway-secrets.yaml",
     "the service account of a gateway and what it may read are not followed"},
    {Feature::BackendTlsPolicyApplied, "backend-tls-policy", "1.28.0", "", "",
     "BackendTLSPolicy needs the alpha flag", "BackendTLSPolicy v1 applies", "path",
     "istio/istio releasenotes/notes/gtw-140.yaml"},
    {Feature::FrontendTlsValidation, "frontend-tls-validation", "1.28.0", "", "",
     "a Gateway's spec.tls.frontend is not read: no client certificate is asked for",
     "it demands client certificates", "more denials", "istio/istio releasenotes/notes/57183.yaml"},
    {Feature::TlsRouteGa, "tls-route", "1.30.0", "", "", "TLS listeners and TLSRoute need the alpha flag",
     "they apply", "both ways", "istio/istio releasenotes/notes/tls-protocol-gateway-no-alpha-gate.yaml"},
    {Feature::ReferenceGrantAllTo, "reference-grant-all-to", "1.30.0", "", "",
     "only the last `to` of a ReferenceGrant counts", "every `to` counts", "more allowed",
     "istio/istio releasenotes/notes/reference-grant-to-or-semantics.yaml"},
    {Feature::DestinationRuleWinsOverBackendTlsPolicy, "destination-rule-over-backend-tls-policy", "1.31.0",
     "", "", "a BackendTLSPolicy replaces the trafficPolicy of DestinationRules of its host",
     "the DestinationRule's fields win", "path", "istio/istio releasenotes/notes/60358.yaml"},
    {Feature::SidecarPicksServiceFirst, "sidecar-picks-service-first", "1.30.0", "", "",
     "a sidecar takes the first namespace by name for a host defined twice",
     "Kubernetes Service first, then the oldest", "path",
     "istio/istio releasenotes/notes/sidecar-pick-best-service-namespace.yaml"},
    {Feature::CanonicalServiceEntry, "canonical-service-entry", "1.29.0", "", "",
     "which of several ServiceEntries of one host is used is not defined",
     "own namespace, then Kubernetes Service, then the oldest ServiceEntry", "path",
     "istio/istio releasenotes/notes/canonical-wds-service.yaml; istio/ztunnel 34a82f77"},
    {Feature::ExternalNameDnsCapture, "external-name-dns-capture", "1.25.0 (1.24.2)", "", "",
     "ExternalName does not resolve under DNS capture", "it resolves", "more allowed",
     "istio/istio releasenotes/notes/externalname-ambient.yaml"},
    {Feature::DenyHttpOnlyStatusSaysNoEffect, "deny-http-only-status", "1.32.0", "", "",
     "the status of a DENY policy with only HTTP attributes claims enforcement at ztunnel",
     "it says that the policy has no effect", "another message", "istio/istio releasenotes/notes/61126.yaml",
     "a status text"},
    {Feature::WaypointKnowsAllocatedVips, "waypoint-allocated-vips", "1.24.0 (1.23.1)", "", "",
     "a waypoint does not know the VIPs that Istio allocates to a ServiceEntry: it closes the connection",
     "it knows them", "more allowed", "istio/istio releasenotes/notes/52753.yaml"},
    {Feature::WaypointKeepsHttp2, "waypoint-keeps-http2", "1.26.0 (1.25.1)", "", "",
     "a waypoint sends HTTP/2 on undeclared ports on as HTTP/1.1: gRPC fails", "it keeps HTTP/2",
     "more allowed", "istio/istio releasenotes/notes/waypoint-auto-http2.yaml"},
    {Feature::WaypointTlsInspector, "waypoint-tls-inspector", "1.30.0 (1.28.7, 1.29.1)", "", "",
     "a waypoint with TLS ports alone cannot read SNI: its tls rules fail", "it reads SNI", "more allowed",
     "istio/istio releasenotes/notes/59028.yaml",
     "the rules of a waypoint are taken to work in every version"},
    {Feature::WaypointPortLevelSettings, "waypoint-port-level-settings", "1.24.0 (1.23.1)", "", "",
     "a waypoint ignores portLevelSettings of a DestinationRule", "it honours them", "path",
     "istio/istio releasenotes/notes/ambient-waypoint-portlevel.yaml"},
    {Feature::BackendTlsThroughHbone, "backend-tls-through-hbone", "1.23.0", "", "",
     "TLS of a DestinationRule is ignored towards captured pods", "it is opened inside HBONE", "path",
     "istio/istio releasenotes/notes/backend-tls.yaml"},
    {Feature::WorkloadEntryPortMap, "workload-entry-port-map", "1.28.0", "", "",
     "ztunnel ignores the ports of a WorkloadEntry: the target port is the Service's",
     "the port map is respected", "path", "istio/istio releasenotes/notes/56251.yaml",
     "the port map counts in every version"},
    {Feature::SelectorPoliciesStayInNamespace, "selector-policies-in-namespace", "1.23.0 (1.22.2)", "", "",
     "a policy with a selector can apply to workloads of other namespaces at ztunnel",
     "it applies in its own namespace, or everywhere from the root namespace", "more allowed",
     "istio/istio releasenotes/notes/ambient-ns-policy.yaml",
     "policies stay in their namespace in every version"},
    {Feature::NamedTargetPortByPod, "named-target-port", "1.23.0 (1.22.2)", "", "",
     "ztunnel may use the Service's port for a named targetPort", "it is resolved pod by pod", "more allowed",
     "istio/ztunnel 3f12ff25 (#1142)", "named ports are resolved pod by pod in every version"},
    {Feature::HeadlessNamesAtZtunnel, "headless-names-at-ztunnel", "1.23.0 (1.22.1)", "", "",
     "names of headless Services are mishandled under DNS capture", "they give pod addresses", "more allowed",
     "istio/ztunnel 7937d6d8 (#1056)", "names of headless Services give pod addresses in every version"},
    {Feature::DnsForwardedFromPod, "dns-forwarded-from-pod", "1.24.0", "", "",
     "lookups that ztunnel forwards leave from its own pod", "they leave from the client's pod",
     "path: which NetworkPolicy governs DNS", "istio/ztunnel f4f49be9 (#1282)",
     "lookups leave from the client's pod in every version; DNS capture is off by default where they do not"},
    {Feature::FinishedJobsLeave, "finished-jobs-leave", "1.23.0 (1.22.2)", "", "",
     "pods of finished Jobs can stay enrolled", "they are removed", "another symptom",
     "istio/istio releasenotes/notes/51429.yaml", "finished pods are no endpoints in any version"},
    {Feature::NotReadyPresetLeakFixed, "not-ready-preset-leak", "1.31.0 (1.28.8, 1.29.4, 1.30.1)", "", "",
     "one Service with publishNotReadyAddresses and a traffic distribution makes others of that distribution "
     "use pods that are not ready",
     "each Service has its own", "another symptom", "istio/istio releasenotes/notes/60423.yaml",
     "which pods that are not ready get traffic then is chance"},
    {Feature::RetryExcludes503, "retry-excludes-503", "1.24.0", "", "", "default retries also answer a 503",
     "a 503 is not retried by default", "another symptom", "istio/istio releasenotes/notes/50506.yaml",
     "what an application answers is not predicted"},
    {Feature::JwksBlockedRanges, "jwks-blocked-ranges", "1.29.0 (1.28.6)", "", "", "any jwksUri is fetched",
     "BLOCKED_CIDRS_IN_JWKS_URIS names ranges that are not", "more denials",
     "istio/istio releasenotes/notes/block_cidr_in_jwk_uris.yaml",
     "whether a key set can be fetched is stated by a scenario (assume.jwksUnavailable)"},
    {Feature::IptablesReconciled, "iptables-reconciled", "1.29.0", "", "",
     "pods keep the redirection rules of their start after an upgrade", "they are brought up to date",
     "path: DNS capture of running pods",
     "istio/istio releasenotes/notes/reconcile-iptables-default-true.yaml",
     "when a pod started is not followed: every pod has the rules of this version"},
    {Feature::ChartNetworkPolicies, "chart-network-policies", "1.28.0", "", "",
     "the charts bring no NetworkPolicy", "global.networkPolicy.enabled renders them", "more denials",
     "istio/istio releasenotes/notes/56877.yaml, ztunnel-networkpolicy.yaml",
     "the NetworkPolicies of the input count, whoever rendered them"},
    {Feature::ProbeRulesFirst, "probe-rules-first", "1.27.0", "", "",
     "rules of the CNI can come before those that let probes pass", "they come after", "more allowed",
     "istio/istio releasenotes/notes/56414.yaml", "it depends on the node"},
    {Feature::BranchEniProbes, "branch-eni-probes", "1.30.0 (1.28.7, 1.29.3)", "", "",
     "probes of pods with a branch interface of EKS fail", "they pass", "more allowed",
     "istio/istio releasenotes/notes/aws-brancheni-probe-fix.yaml", "it depends on the node"},
    {Feature::ProbeSetRepaired, "probe-set-repaired", "1.31.0 (1.29.5, 1.30.2)", "", "",
     "after a node's restart a pod can drop out of the set whose probes pass", "the set is repaired",
     "more allowed", "istio/istio releasenotes/notes/ambient-probe-ipset-reconcile.yaml",
     "it depends on the node"},
    {Feature::WorkloadEntryTunnelLabel, "workload-entry-tunnel-label", "1.31.0 (1.29.6, 1.30.3)", "", "",
     "a WorkloadEntry that registers itself lacks the tunnel label: traffic to it is plaintext",
     "it carries the label", "path", "istio/istio releasenotes/notes/60788.yaml",
     "the label of the WorkloadEntry in the input decides"},
    {Feature::GatewayParametersRef, "gateway-parameters-ref", "1.26.0", "", "",
     "a gateway's Deployment is shaped by labels alone", "infrastructure.parametersRef shapes it", "path",
     "istio/istio releasenotes/notes/gateway-customization.yaml",
     "parametersRef is laid over where its ConfigMap is given, whatever the version"},
    {Feature::GatewayCopiesLabelsByFlag, "gateway-copies-labels", "1.27.0", "", "",
     "labels of a Gateway are always copied to its pods when infrastructure.labels is unset",
     "ENABLE_GATEWAY_API_COPY_LABELS_ANNOTATIONS (on) can stop it", "path: NetworkPolicy selectors",
     "istio/istio releasenotes/notes/55746.yaml", "the labels are always copied"},
    {Feature::MultiNetworkWaypoint, "multi-network-waypoint", "1.28.0", "", "",
     "waypoints reach their own network alone", "with AMBIENT_ENABLE_MULTI_NETWORK they reach others", "path",
     "istio/istio releasenotes/notes/57537.yaml; istio/ztunnel 84f0e52e", "one network is simulated"},
    {Feature::MultiNetworkIngressWaypoint, "multi-network-ingress-waypoint", "1.31.0", "", "",
     "a gateway passes the waypoint by when workloads are on another network", "it goes through the waypoint",
     "more denials", "istio/istio releasenotes/notes/61092.yaml", "one network is simulated"},
    {Feature::EastWestGatewayNoDenyAll, "east-west-deny-all", "1.31.0 (1.29.6, 1.30.3)", "", "",
     "an east-west gateway denies everything for services with L7 policies", "it does not", "more allowed",
     "istio/istio releasenotes/notes/60806.yaml", "one network is simulated"},
    {Feature::DestinationRulesApartByExport, "destination-rules-apart-by-export", "1.24.0", "", "",
     "DestinationRules of one host and namespace are merged whatever their exportTo",
     "those whose exportTo differ stay apart", "path",
     "istio/istio #52636; pilot/pkg/features/experimental.go EnableEnhancedDestinationRuleMerge"},
    {Feature::SidecarExcludesHosts, "sidecar-excludes-hosts", "1.31.0", "", "",
     "~namespace/host among the hosts of a Sidecar's egress imports nothing",
     "it excludes what the other hosts import", "more denials", "istio/istio releasenotes/notes/60139.yaml"},
    {Feature::AbsoluteHostNames, "absolute-host-names", "1.27.0", "", "",
     "a sidecar knows no Service by its full name with a dot at the end", "it knows each by that, too",
     "path", "istio/istio releasenotes/notes/fix-enable-absolute-fqdn-domain-vhost.yaml"},
}};

constexpr bool rows_in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i)
    if (kTable[i].feature != static_cast<Feature>(i)) return false;
  return true;
}
static_assert(rows_in_order(), "one row a Feature, in the order of the enumerators");

// The newest patch of each minor release that the table's sources know.
struct NewestPatch {
  int minor, patch;
};
constexpr NewestPatch kNewest[] = {{22, 8}, {23, 6}, {24, 6}, {25, 5}, {26, 8},
                                   {27, 9}, {28, 8}, {29, 6}, {30, 3}, {31, 0}};

std::optional<IstioVersion> exact(std::string_view text) {
  IstioVersion v;
  int* parts[] = {&v.major_, &v.minor, &v.patch};
  for (int i = 0; i < 3; ++i) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *parts[i]);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (i == 2) break;
    if (text.empty() || text.front() != '.') return std::nullopt;
    text.remove_prefix(1);
  }
  return v;
}

// `since` as written in the table: "A (B, C)": A and later, and on the minor releases of B and C from these
// patches on.
bool reached(IstioVersion v, std::string_view since) {
  bool first = true;
  while (!since.empty()) {
    const std::size_t start = since.find_first_of("0123456789");
    if (start == std::string_view::npos) return false;
    since.remove_prefix(start);
    const std::size_t end = since.find_first_not_of("0123456789.");
    const std::optional<IstioVersion> point = exact(since.substr(0, end));
    if (!point) return false;
    const bool same_minor = v.major_ == point->major_ && v.minor == point->minor;
    if (v >= *point && (first || same_minor)) return true;
    first = false;
    since.remove_prefix(end == std::string_view::npos ? since.size() : end);
  }
  return false;
}

}  // namespace

std::string IstioVersion::str() const {
  return std::to_string(major_) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

std::optional<IstioVersion> parse_istio_version(std::string_view text) {
  if (!text.empty() && (text.front() == 'v' || text.front() == 'V')) text.remove_prefix(1);
  const std::size_t end = text.find_first_not_of("0123456789.");
  if (end == 0) return std::nullopt;
  const std::string_view numbers = text.substr(0, end);
  if (end != std::string_view::npos && text[end] != '-' && text[end] != '_' && text[end] != '+')
    return std::nullopt;
  if (const auto v = exact(numbers);
      v &&
      std::to_string(v->major_) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch) == numbers)
    return v;
  const auto v = exact(std::string(numbers) + ".0");
  if (!v || std::to_string(v->major_) + "." + std::to_string(v->minor) != numbers) return std::nullopt;
  IstioVersion result = *v;
  for (const NewestPatch& newest : kNewest)
    if (result.major_ == 1 && result.minor == newest.minor) result.patch = newest.patch;
  return result;
}

IstioVersion newest_known_version() {
  const NewestPatch& last = kNewest[std::size(kNewest) - 1];
  return {1, last.minor, last.patch};
}

IstioVersion nearest_known_version(IstioVersion version) {
  const IstioVersion newest = newest_known_version();
  if (version < IstioVersion{1, kNewest[0].minor, 0}) return {1, kNewest[0].minor, 0};
  const bool later = version.major_ > newest.major_ || version.minor > newest.minor;
  return later ? newest : version;
}

bool Profile::has(Feature f) const {
  const FeatureInfo& row = kTable[static_cast<std::size_t>(f)];
  if (!row.also_before.empty() && !reached(version_, row.also_before)) return true;
  if (!row.until.empty() && reached(version_, row.until)) return false;
  return reached(version_, row.since);
}

std::span<const FeatureInfo> version_table() { return kTable; }

}  // namespace waypath::model
