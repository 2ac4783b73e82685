#include "sim/reasons/walk.h"

#include <array>

namespace waypath::sim {
namespace {

constexpr auto kReason = CodeInfo::Kind::Reason;
constexpr auto kAssumption = CodeInfo::Kind::Assumption;

constexpr std::array kRows{
    CodeInfo{
        kReachesApp, kReason, "the request reaches the application",
        "Every leg and every enforcement point on the way admits it. What the application answers is its own "
        "business.",
        "Nothing.", "the chain of decisions in the trace"},
    CodeInfo{kFlowInvalid, kReason, "the flow cannot be read",
             "FROM or TO names nothing that the input has, or is written in a form that is not known.",
             "FROM: ns/pod, ns/deploy/name, internet, an address, node/NAME, kubelet/NAME. TO: a URL or "
             "host:port.",
             "curl(1) for the forms of TO"},
    CodeInfo{
        kEndpointNone, kReason, "the destination has no usable endpoint",
        "Only ready pods that carry the selector's labels and the target port are endpoints; a proxy without "
        "one closes the connection or answers 503 UH.",
        "Compare the Service's selector and targetPort with the pods, then their readiness.",
        "istio/ztunnel src/state.rs load_balance; kubernetes staging/src/k8s.io/endpointslice/utils.go"},
    CodeInfo{kServicePortUnknown, kReason, "the Service has no such port",
             "A Service serves the ports that it lists. A captured client's connection to another one is "
             "reset (no healthy upstream); behind a waypoint there is no filter chain for it.",
             "Dial a port that the Service lists, or add it.", "istio/ztunnel src/state.rs find_upstream"},
    CodeInfo{
        kWaypointNoEndpoint, kReason, "the waypoint has an address and no ready pod: fails closed",
        "Once a Gateway has had an address its binding holds, and clients are sent to it whether its pods "
        "live or not. A waypoint that never had an address fails open instead.",
        "Bring a waypoint pod up, or take the istio.io/use-waypoint label away.",
        "istio/ztunnel src/state.rs fetch_waypoint"},
    CodeInfo{kWaypointNoChain, kReason, "the waypoint has no chain for this address and port",
             "A waypoint serves the VIPs and ports of the Services that are bound to it and nothing else.",
             "Dial a port that the Service lists.",
             "istio pilot/pkg/networking/core/listener_waypoint.go buildWaypointInternal"},
    CodeInfo{
        kWaypointPlaintext, kReason, "the waypoint was dialled in plaintext",
        "A waypoint takes HBONE with a client certificate of the mesh only; there is no way round through it "
        "for clients outside the mesh.",
        "Dial the Service from a captured pod.",
        "istio pilot/pkg/networking/core/listener_waypoint.go buildConnectTerminateListener"},
    CodeInfo{kNameUnknown, kReason, "the name does not exist",
             "No Service, ServiceEntry or pod record has it under any suffix of the client's search list.",
             "Check spelling and namespace: name.namespace, or name.namespace.svc.<cluster domain>.",
             "kubernetes.io/docs/concepts/services-networking/dns-pod-service"},
    CodeInfo{kNoEntry, kReason, "nothing of the cluster accepts this from outside",
             "From outside only load balancers, node ports and gateways can be reached.",
             "Add a listener for the host, or dial an address that is published.",
             "kubernetes.io docs/concepts/services-networking/service (publishing Services)"},
    CodeInfo{kPathLoop, kReason, "the path comes back to where it was",
             "A route sends the request to a proxy that it has already passed. In a cluster it would go "
             "round until a hop limit or timeout ends it.",
             "Change the route's destination.", "istio pilot/pkg/networking/core/route/route.go"},
    CodeInfo{
        kHboneInHbone, kReason, "a tunnel inside a tunnel",
        "A pod whose proxy opens HBONE itself must not be captured as well, and ztunnel refuses to tunnel to "
        "its own ports.",
        "Label the proxy's pods istio.io/dataplane-mode: none, or dial the application's port.",
        "istio/ztunnel src/proxy/inbound.rs find_inbound_upstream"},
    CodeInfo{kHboneAddressMismatch, kReason, "the tunnel asks a pod's ztunnel for another address",
             "ztunnel forwards a CONNECT to its own pod's addresses only; the authority names another.",
             "Open the tunnel to the pod that is asked for.", "istio/ztunnel src/proxy/inbound.rs"},
    CodeInfo{kHboneNotSpoken, kReason, "port 15008 takes HBONE only",
             "The port belongs to the mesh: TLS with a mesh certificate and HTTP/2 CONNECT.",
             "Dial the application's port.", "istio/ztunnel src/proxy/inbound.rs"},
    CodeInfo{kSourceNotSelected, kReason, "the load balancer does not admit the client's address",
             "spec.loadBalancerSourceRanges lists who may connect to the load balancer; packets of others "
             "are dropped before any node sees them.",
             "Add the client's range.",
             "kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1"},
    CodeInfo{kNotListening, kReason, "nothing listens on that port",
             "The destination is a proxy pod, and its configuration opens no listener on this port: the "
             "connection is refused.",
             "Dial a port that it serves.", "istio pilot/pkg/model/gateway.go; files/waypoint.yaml"},
    CodeInfo{kFactMissing, kReason, "a fact is missing",
             "The answer depends on something that the manifests do not tell; it is named and no answer is "
             "guessed.",
             "Give the fact in the input or in the flow.",
             "waypath answers unknown where manifests and flow do not tell"},
    CodeInfo{kAssumeSourceNat, kAssumption, "the node that took the packet replaces the client's address",
             "externalTrafficPolicy: Cluster lets any node take the packet and hides the client behind it.",
             "Set externalTrafficPolicy: Local to keep client addresses.",
             "kubernetes.io/docs/tutorials/services/source-ip"},
    CodeInfo{kAssumeNameServer, kAssumption, "the name server answers",
             "No Service labelled k8s-app=kube-dns is in the input. Names are taken to resolve, and no "
             "NetworkPolicy is judged on the way to the name server.",
             "Give the manifests of kube-dns or CoreDNS.",
             "kubernetes.io docs/concepts/services-networking/dns-pod-service"},
    CodeInfo{kAssumeExternalName, kAssumption, "the outside name exists and answers",
             "What lies outside the cluster is not in the manifests: names there are taken to resolve, "
             "addresses to answer. NetworkPolicies of the client are judged all the same.",
             "Nothing; test the outside service itself.",
             "kubernetes.io docs/concepts/services-networking/network-policies (ipBlock)"},
    CodeInfo{kAssumeEntry, kAssumption, "the way into the cluster",
             "Where public DNS points, and what stands before the cluster, is not in the manifests: the "
             "gateways whose listeners accept the host are taken, published or not. An address of a pod is "
             "taken to be routed from outside.",
             "Dial the address, or state it with --connect-to.",
             "kubernetes.io docs/concepts/services-networking/service (LoadBalancer); external DNS is "
             "outside every manifest"},
    CodeInfo{kAssumeReady, kAssumption, "pods without status are taken as running and ready",
             "Rendered manifests have no status, so whether a pod is ready is not known. Pods that are "
             "wanted are taken as running and ready.",
             "Give live pods, or state a failure as a change (scale: 0, fail).",
             "kubernetes staging/src/k8s.io/endpointslice/utils.go"},
    CodeInfo{kAssumeVersion, kAssumption, "the newest Istio version known",
             "Behaviour differs between Istio versions, and neither images nor labels of the input tell "
             "which one runs: the newest known is taken.",
             "State it with --istio-version, or cluster.istioVersion in a scenario; `waypath explain "
             "istio/1.27..1.28` lists differences.",
             "istio.io docs/releases/supported-releases"},
    CodeInfo{kAssumeMeshConfig, kAssumption, "mesh config has its defaults",
             "No ConfigMap named istio (or istio-REVISION) is in the input, so trust domain, root namespace, "
             "extension providers and outbound policy have upstream's defaults. Providers that CUSTOM "
             "policies name are then unknown.",
             "Give the ConfigMap of the control plane's namespace.",
             "istio pkg/config/mesh/mesh.go DefaultMeshConfig"},
    CodeInfo{kAssumeProxyClient, kAssumption, "the proxy of the pod opens the connection",
             "The client is a gateway or waypoint pod. The connection is taken as one that its Envoy opens, "
             "with HBONE and its own identity; a shell in that pod would connect in plaintext.",
             "Trace from a workload's pod if its connections are meant.",
             "istio pilot/pkg/xds/endpoints/endpoint_builder.go buildEnvoyLbEndpoint"},
    CodeInfo{
        kAssumeSameNode, kAssumption, "client and destination are on different nodes",
        "A process of a node's own network reaches captured pods of that node without ztunnel; the manifests "
        "do not place both.",
        "Give nodeName, or live pods.", "istio cni/pkg/iptables/iptables.go AppendHostRules"},
    CodeInfo{
        kAssumeUpstreamTls, kAssumption, "the destination speaks the TLS that the proxy opens",
        "A DestinationRule or BackendTLSPolicy makes the proxy open TLS; what the destination speaks, "
        "and which "
        "certificate it has, is not in the manifests.",
        "Give the CA or the mode in the DestinationRule, and test the handshake against the backend itself.",
        "istio pilot/pkg/networking/core/cluster_tls.go"},
};

}  // namespace

std::span<const CodeInfo> walk_codes() { return kRows; }

}  // namespace waypath::sim
