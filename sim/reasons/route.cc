#include "sim/reasons/route.h"

#include <array>

namespace waypath::sim {
namespace {

constexpr auto kReason = CodeInfo::Kind::Reason;
constexpr auto kAssumption = CodeInfo::Kind::Assumption;

constexpr std::array kRows{
    CodeInfo{kRouteMatched, kReason, "a route rule takes the request",
             "Rules are tried in order of precedence, and this is the first whose conditions all hold: for "
             "HTTPRoutes exact path, longest prefix, method, headers, then age; for VirtualServices the "
             "order written.",
             "Nothing; -v lists the rules that were passed over.",
             "istio pilot/pkg/networking/core/route/route.go"},
    CodeInfo{kRouteDefault, kReason, "no route concerns the Service: straight to it",
             "No VirtualService and no HTTPRoute is for this Service at this proxy, so its default route "
             "sends to the Service's endpoints.",
             "Nothing.", "istio pilot/pkg/networking/core/route/route.go BuildDefaultHTTPOutboundRoute"},
    CodeInfo{kRouteL4, kReason, "a TCP or TLS rule takes the connection",
             "The listener forwards bytes: a TCPRoute, TLSRoute, or a tcp or tls block of a VirtualService "
             "names the destination. Nothing of HTTP is parsed, and no L7 policy can match.",
             "Nothing.", "istio pilot/pkg/networking/core/tls.go"},
    CodeInfo{kRoutePassthrough, kReason, "sent on to the dialled address",
             "The sidecar's registry does not know the destination, and outboundTrafficPolicy ALLOW_ANY lets "
             "it pass (PassthroughCluster).",
             "Set outboundTrafficPolicy REGISTRY_ONLY to block what the registry does not know.",
             "istio pilot/pkg/networking/core/httproute.go buildCatchAllVirtualHost"},
    CodeInfo{kRouteRedirect, kReason, "a rule answers with a redirect",
             "The rule answers with a redirect: no backend is asked, and the client gets the Location. "
             "Whether it follows is its own business; trace the new URL to see.",
             "Nothing.", "istio pilot/pkg/networking/core/route/route.go ApplyRedirect"},
    CodeInfo{kRouteHttpsRedirect, kReason, "httpsRedirect answers 301",
             "A server with tls.httpsRedirect redirects every plaintext request of its hosts, also those of "
             "other servers merged with it.",
             "Use https, or remove httpsRedirect.", "istio pilot/pkg/networking/core/gateway.go"},
    CodeInfo{kRouteDirectResponse, kReason, "a rule answers itself",
             "The rule has a directResponse: the proxy answers with that status and body, and no backend is "
             "asked.",
             "Remove directResponse to reach a backend.",
             "istio pilot/pkg/networking/core/route/route.go ApplyDirectResponse"},
    CodeInfo{kRouteFault, kReason, "a rule injects an error",
             "The rule injects an abort for a share of requests. The proxy that runs the rule makes the "
             "answer; backends and ext_authz behind it are not asked.",
             "Remove the fault.", "istio pilot/pkg/networking/core/route/route.go TranslateFault"},
    CodeInfo{kRouteCorsPreflight, kReason, "a CORS preflight is answered by the proxy",
             "The rule has a CORS policy that allows the origin: the proxy answers the OPTIONS request "
             "itself, before JWT and authorization of the backend are asked.",
             "Nothing.", "envoy source/extensions/filters/http/cors/cors_filter.cc"},
    CodeInfo{kRouteNoAction, kReason, "the rule says nothing about where to go",
             "The rule has neither route nor redirect nor directResponse, so the proxy has nothing to do "
             "with the request. Istio's validation refuses it.",
             "Give the rule an action.", "istio pkg/config/validation"},
    CodeInfo{kRouteNoVirtualHost, kReason, "no route for this host",
             "No route attached to the listener has the Host asked for: 404 with flag NR. A route that names "
             "the gateway but does not attach counts for nothing.",
             "Compare Host, hostnames of the listener and of the route, and why routes do not attach.",
             "istio pilot/pkg/networking/core/gateway.go buildGatewayHTTPRouteConfig"},
    CodeInfo{kRouteNoRule, kReason, "no rule of the host matches",
             "A proxy chooses one virtual host by name; when none of its rules matches, it answers 404 and "
             "does not try a wider host.",
             "Add a rule for this path and method, or a catch-all.",
             "envoy source/common/router/config_impl.cc"},
    CodeInfo{kRouteBlocked, kReason, "outboundTrafficPolicy REGISTRY_ONLY blocks it",
             "The sidecar sends only to what the registry knows: 502 for HTTP, a reset for the rest.",
             "Add a ServiceEntry, or allow ALLOW_ANY.",
             "istio pilot/pkg/networking/core/httproute.go buildCatchAllVirtualHost"},
    CodeInfo{kRouteNoBackend, kReason, "the rule has no usable backend",
             "The rule has no backendRef with a weight above 0 and no redirect: the request is answered 500 "
             "(404 in Istio 1.30).",
             "Give it a backend with a weight.",
             "istio pilot/pkg/config/kube/gateway/conversion.go convertHTTPRoute"},
    CodeInfo{kRouteNoL4Rule, kReason, "no TCP or TLS rule fits",
             "The listener takes TCP or passes TLS through, and no rule is for this port or server name. The "
             "connection is accepted and closed.",
             "Add a TCPRoute, TLSRoute or tcp rule.", "istio pilot/pkg/networking/core/gateway.go"},
    CodeInfo{kRouteBackendNotFound, kReason, "the destination is not in the registry",
             "No Service or ServiceEntry of that host is visible to the proxy's namespace: 500 for Gateway "
             "API routes, 503 for VirtualServices.",
             "Correct the host or create the Service; short names resolve in the namespace of the route.",
             "istio pilot/pkg/networking/core/route/route.go GetDestinationCluster"},
    CodeInfo{kRouteBackendNotPermitted, kReason, "no ReferenceGrant permits the backend",
             "A route may use a Service of another namespace only when a ReferenceGrant there says so: its "
             "share is answered 500.",
             "Create a ReferenceGrant in the Service's namespace.",
             "gateway-api apis/v1/referencegrant_types.go"},
    CodeInfo{kRouteBackendKind, kReason, "the backend is of a kind that Istio does not serve",
             "Istio serves backendRefs to Services, ServiceEntry hosts (kind Hostname) and, behind flags, a "
             "few others. The share of another kind is answered 500.",
             "Refer to a Service.", "istio pilot/pkg/config/kube/gateway/conversion.go buildDestination"},
    CodeInfo{kRouteBackendPort, kReason, "the backend Service lacks that port",
             "The destination exists and lists other ports, so the proxy has no cluster for it: 500 for "
             "Gateway API routes, 503 for VirtualServices. Ports are those of the Service, not of its pods.",
             "Use a port of the Service, not of its pods.", "istio pilot/pkg/networking/core/cluster.go"},
    CodeInfo{kRouteSubsetNotFound, kReason, "the subset is defined nowhere",
             "No DestinationRule visible to the proxy defines the subset: 503 with flag NC.",
             "Define the subset, or export the DestinationRule to the proxy's namespace.",
             "istio pilot/pkg/model/push_context.go destinationRule"},
    CodeInfo{kRouteBackendTlsInvalid, kReason, "the BackendTLSPolicy cannot be used",
             "The BackendTLSPolicy of the Service refers to a CA in an object that cannot hold one, so the "
             "gateway has no way to verify the backend and the request fails.",
             "Refer to a ConfigMap with ca.crt.", "istio pilot/pkg/config/kube/gateway/backend_policies.go"},
    CodeInfo{
        kRouteMtlsNotSpoken, kReason, "mutual TLS of the mesh towards a pod that does not speak it",
        "tls mode ISTIO_MUTUAL makes the client open mesh TLS whatever the destination is; a pod without "
        "a proxy cannot answer it.",
        "Leave the mode out: clients then find out by themselves.",
        "istio pilot/pkg/networking/core/cluster_tls.go applyUpstreamTLSSettings"},
    CodeInfo{kRouteNotAttached, kReason, "the route does not attach",
             "Each parentRef needs a listener of that name or port that admits the route's namespace and "
             "kind and shares a hostname.",
             "See the condition that fails.",
             "istio pilot/pkg/config/kube/gateway/conversion.go referenceAllowed"},
    CodeInfo{kRouteUnsupportedFilter, kReason, "the route yields nothing",
             "Some errors count for the whole route and drop all its rules at this kind of parent: an "
             "unsupported filter, a Service backend without port, a dotted Service name.",
             "Remove or correct what the detail names.",
             "istio pilot/pkg/config/kube/gateway/conversion.go convertHTTPRoute"},
    CodeInfo{
        kRouteShadowed, kReason, "an earlier rule is taken",
        "The rule would match too, and comes later in the order of precedence than the one that is taken.",
        "Put it first, or narrow the other; `waypath lint` finds rules that are never tried.",
        "istio pilot/pkg/config/kube/gateway/conversion.go sortHTTPRoutes"},
    CodeInfo{kRouteNotMatched, kReason, "the rule does not match",
             "One of the match's conditions fails; the detail names the first. All conditions of a match are "
             "needed, and one match of a rule is enough.",
             "Compare path, method, headers and query with the match.",
             "istio pilot/pkg/networking/core/route/route.go TranslateRouteMatch"},
    CodeInfo{kRouteIgnoredHere, kReason, "the rule does not count at this proxy",
             "What the rule asks of the proxy does not hold here: another gateway, port, source labels or "
             "namespace; or its delegate is missing. The proxy's route table does not have it.",
             "Compare gateways, port and sourceLabels of the match with the proxy.",
             "istio pilot/pkg/networking/core/route/route.go sourceMatchHTTP"},
    CodeInfo{kRouteProtocolBlocksL7, kReason, "the port's protocol keeps HTTP rules from working",
             "Only ports declared as HTTP, or not declared, are parsed; on others HTTP rules and L7 policies "
             "have no effect.",
             "Set appProtocol: http, or name the port http-...",
             "istio pkg/config/kube/conversion.go ConvertProtocol"},
    CodeInfo{kRouteUnknown, kReason, "the manifests do not tell which rule is taken",
             "Which rule is taken depends on a fact that the manifests do not tell, such as a regular "
             "expression that Envoy would refuse or a claim of a token that is not given.",
             "State the fact in the flow; the verdict names it.",
             "istio pilot/pkg/networking/core/route/route.go"},
    CodeInfo{kRouteMixedApis, kAssumption, "VirtualService and HTTPRoute at one waypoint",
             "Istio does not support the mix and does not say which wins; the order of rules is taken as it "
             "is computed today.",
             "Use one of the two.", "istio.io docs/ambient/migrate/migrate-policies"},
    CodeInfo{kRouteOrderAssumed, kAssumption, "the order of routes without creationTimestamp",
             "Age decides between routes of equal precedence; manifests that are not from a live cluster do "
             "not tell it.",
             "Make the matches distinct.",
             "istio pilot/pkg/model/config.go; pilot/pkg/config/kube/gateway/conversion.go "
             "sortRoutesByCreationTime"},
    CodeInfo{
        kListenerMatched, kReason, "this listener takes the connection",
        "Of the listeners on the port the most specific one that covers SNI or Host takes the connection: "
        "exact names before longer wildcards before none. Routes of other listeners are then not looked at.",
        "Nothing.", "gateway-api apis/v1/gateway_types.go"},
    CodeInfo{kListenerNone, kReason, "nothing listens on the port",
             "No programmed listener or server of the gateway has it: the connection is refused.",
             "Add a listener, and the port to the gateway's Service.", "istio pilot/pkg/model/gateway.go"},
    CodeInfo{
        kListenerInvalid, kReason, "the listener is not valid",
        "Istio does not program this listener: its protocol is not supported, TLS has no usable certificate, "
        "or a reference is not permitted. The detail says which. Clients find nothing listening.",
        "Correct what the detail names; see the Gateway's listener conditions on a live cluster.",
        "istio pilot/pkg/config/kube/gateway/conversion.go buildListener"},
    CodeInfo{kListenerConflicted, kReason, "the listener conflicts with an earlier one",
             "One port serves one protocol, and each hostname once. Of listeners that claim the same, the "
             "Gateway's own come first, then those of the oldest ListenerSet; of classic Gateways the oldest "
             "wins.",
             "Give it another port or hostname.",
             "istio pilot/pkg/model/gateway.go mergeGateways; gateway-api apis/v1/gateway_types.go"},
    CodeInfo{kListenerNotAllowed, kReason, "the Gateway does not admit the ListenerSet",
             "A ListenerSet joins a Gateway only when spec.allowedListeners.namespaces admits its namespace. "
             "The default admits none.",
             "Set allowedListeners.namespaces.from.", "gateway-api apis/v1/listenerset_types.go"},
    CodeInfo{kListenerSniMismatch, kReason, "no listener covers the SNI",
             "TLS listeners are told apart by the server name in the handshake. No listener of the port "
             "covers this one, so there is no filter chain and the handshake is cut.",
             "Add a listener for the host, or use a name that one covers.",
             "envoy source/server/filter_chain_manager_impl.cc"},
    CodeInfo{kListenerPlaintextToTls, kReason, "plaintext to a TLS port",
             "The port expects a TLS handshake and gets a plain HTTP request: Envoy finds no filter chain "
             "and closes the connection.",
             "Use https, or dial the HTTP port.", "istio pilot/pkg/networking/core/gateway.go"},
    CodeInfo{kListenerTlsToPlaintext, kReason, "TLS to a plaintext port",
             "The port parses HTTP and gets a TLS handshake, which is no request.",
             "Use http, or dial the port that terminates TLS.", "istio pilot/pkg/networking/core/gateway.go"},
    CodeInfo{kListenerProtocolError, kReason, "the port expects HTTP",
             "The port is declared as HTTP, and what the client sends is not HTTP. Envoy's codec fails and "
             "the connection is closed.",
             "Declare the port as TCP (appProtocol: tcp, or a name tcp-...).",
             "envoy source/common/http/http1/codec_impl.cc"},
    CodeInfo{kListenerClientCertificate, kReason, "the listener demands a client certificate",
             "The listener is MUTUAL (or validates clients): a client without a certificate of the "
             "configured CA gets a TLS alert before any HTTP.",
             "Present a client certificate, or use SIMPLE or OPTIONAL_MUTUAL.",
             "istio pilot/pkg/networking/core/gateway.go buildGatewayListenerTLSContext"},
    CodeInfo{kListenerCertificateAssumed, kAssumption, "a listener's Secret is taken to exist",
             "A TLS listener needs the Secret that its certificateRef names. Certificates are often made by "
             "another tool and not among the manifests, so it is taken to exist and to be valid.",
             "Give the Secret's manifest, without its data.",
             "istio pilot/pkg/config/kube/gateway/conversion.go buildTLS"},
    CodeInfo{kListenerClassUnknown, kReason, "a Gateway of another controller",
             "The Gateway's class belongs to a controller that is not Istio's. What its proxies do is not "
             "modelled, so a request that enters there has no prediction.",
             "Ask for what follows behind it: trace from the gateway's pod.",
             "istio pilot/pkg/config/kube/gatewaycommon/classinfo.go"},
};

}  // namespace

std::span<const CodeInfo> route_codes() { return kRows; }

}  // namespace waypath::sim
