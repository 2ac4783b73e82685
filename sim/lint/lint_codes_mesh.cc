#include <array>

#include "sim/lint/lint_codes.h"

namespace waypath::sim {
namespace {

using model::Severity;
constexpr auto kLint = CodeInfo::Kind::Lint;
constexpr std::string_view kWaypoints =
    "istio pilot/pkg/serviceregistry/ambient/waypoints.go fetchWaypointForTarget";
constexpr std::string_view kEndpoints =
    "istio pilot/pkg/xds/endpoints/endpoint_builder.go findServiceWaypoint";

const std::array kRows{
    LintCode{{kLintHostNetworkAmbient, kLint, "a hostNetwork pod in an ambient namespace",
              "istio-cni redirects inside a pod's own network namespace; a pod that uses the node's has none "
              "and stays "
              "outside the mesh: plaintext, no identity, no policy of ztunnel for what it receives. Istio "
              "1.27.0 to "
              "1.29.6 and 1.30.0 to 1.30.3 lack the check and may try to capture it. A remark when only the "
              "namespace "
              "is labelled.",
              "Take hostNetwork off, or label the pods istio.io/dataplane-mode: none to say that this is "
              "meant; allow "
              "its node's address where STRICT pods have to be reached.",
              "istio cni/pkg/util/enablement_selector.go Matches"},
             Severity::Info},
    LintCode{
        {kLintGatewayCaptured, kLint, "a gateway's pod is captured by ztunnel",
         "A gateway's Envoy originates HBONE itself. When its pod is captured too, ztunnel wraps these "
         "connections "
         "in HBONE once more, and the destination refuses a tunnel whose inner port is 15008 (recursive "
         "call).",
         "Label the gateway's pods istio.io/dataplane-mode: none, as Istio's charts do since 1.25.",
         "ztunnel src/proxy/inbound.rs find_inbound_upstream; istio manifests/charts/gateway/values.yaml"},
        Severity::Error},
    LintCode{{kLintSidecarInAmbient, kLint, "a pod has both a sidecar and the ambient label",
              "istio-cni leaves pods with an injected sidecar alone. Such a pod enforces policies as a "
              "sidecar does "
              "and, as a client, skips every waypoint of the Services it calls.",
              "Use one of the two: remove istio-injection, istio.io/rev or sidecar.istio.io/inject, or the "
              "ambient label.",
              "istio cni/pkg/util/enablement_selector.go Matches; istio "
              "pilot/pkg/xds/endpoints/endpoint_builder.go"},
             Severity::Warning},
    LintCode{{kLintDataplaneLabel, kLint, "istio.io/dataplane-mode has a value that means nothing",
              "Only ambient and none are read. Any other value on a namespace enrols nothing; on a pod it is "
              "neither "
              "an opt-in nor an opt-out, so that the namespace's label decides.",
              "Write ambient or none, in lower case.",
              "istio manifests/charts/istio-cni/values.yaml enablementSelectors"},
             Severity::Warning},
    LintCode{
        {kLintLabelOnWorkload, kLint, "istio.io/dataplane-mode stands on a workload instead of its pods",
         "istio-cni looks at labels of pods and namespaces. A label in metadata of a Deployment, StatefulSet "
         "or "
         "DaemonSet is not copied to its pods.",
         "Move it to spec.template.metadata.labels.", "istio cni/pkg/nodeagent/informers.go reconcilePod"},
        Severity::Warning},
    LintCode{{kLintCaptureMismatch, kLint, "a live pod's capture differs from what its labels say",
              "istio-cni writes ambient.istio.io/redirection on every pod that it captured. A running pod "
              "without it, "
              "where others have it, was not captured: it started before the labels, or the CNI failed on "
              "its node. "
              "istiod believes the annotation.",
              "Restart the pod; see the istio-cni-node log of its node.", "istio cni/pkg/util/podutil.go"},
             Severity::Warning},
    LintCode{
        {kLintBypassCapture, kLint, "a pod takes plaintext past its ztunnel",
         "ambient.istio.io/bypass-inbound-capture leaves inbound connections other than 15008 to the "
         "application: "
         "no AuthorizationPolicy, no STRICT. A warning when policies select the pod, a remark otherwise.",
         "Remove the annotation unless the application checks its callers itself.",
         "istio cni/pkg/iptables/iptables.go (IngressMode)"},
        Severity::Warning},
    LintCode{
        {kLintWaypointBypass, kLint, "clients reach pods without the waypoint that guards them",
         "Policies at a waypoint hold for what passes it. Clients outside the mesh, and sidecars, never use "
         "one; "
         "captured clients use it for the Service's address and not for the pods'. Nothing at the pod "
         "notices, "
         "unless a policy there wants the waypoint's identity. A warning when such a client is among the "
         "workloads, a remark when one would have to dial a pod address.",
         "Add an ALLOW AuthorizationPolicy that selects the pods and lists the waypoint's principal alone; "
         "or let "
         "NetworkPolicies admit the waypoint's pods alone.",
         "ztunnel src/proxy/inbound_passthrough.rs; istio pilot/pkg/xds/endpoints/endpoint_builder.go "
         "findServiceWaypoint"},
        Severity::Warning},
    LintCode{
        {kLintWaypointLeg, kLint, "NetworkPolicies keep a waypoint from the pods it serves",
         "A request through a waypoint is two connections: client to waypoint and waypoint to pod, both "
         "judged by "
         "NetworkPolicies, on TCP 15008 when the pod is captured. The second comes from the waypoint's pods, "
         "so "
         "rules for the clients do not cover it; every request then ends as 503 after the connect timeout.",
         "Allow egress of the waypoint's pods and ingress at the destination on TCP 15008. istiod labels "
         "waypoint "
         "pods gateway.networking.k8s.io/gateway-name: NAME.",
         "istio.io docs/ambient/usage/networkpolicy; istio files/waypoint.yaml"},
        Severity::Error},
    LintCode{{kLintGatewayLeg, kLint, "NetworkPolicies keep a gateway from what its routes lead to",
              "A gateway connects to the waypoint, or to the pods, of the Service behind a route: on TCP "
              "15008 when "
              "the destination speaks HBONE, else on the target port. When no policy allows that, every "
              "request of the "
              "route ends as 503 after the connect timeout.",
              "Allow egress of the gateway's pods and ingress at the destination on that port.",
              "istio pilot/pkg/xds/endpoints/endpoint_builder.go buildEnvoyLbEndpoint"},
             Severity::Error},
    LintCode{
        {kLintWaypointMissing, kLint, "a waypoint label names a Gateway that does not exist",
         "istiod looks the named Gateway up when it binds a Service or pod. When there is none it reports "
         "WaypointBound=False on the object and sends it to ztunnel without a waypoint: the binding fails "
         "open, requests reach the pods, and every policy that was to be enforced at the waypoint is "
         "skipped in silence.",
         "Create the Gateway with class istio-waypoint, correct the name in istio.io/use-waypoint, or "
         "remove the label. An ALLOW policy at the pods for the waypoint's identity turns a lost binding "
         "into a refusal.",
         kWaypoints},
        Severity::Error},
    LintCode{
        {kLintWaypointNamespace, kLint, "a waypoint label lacks istio.io/use-waypoint-namespace",
         "istio.io/use-waypoint is resolved in the namespace of the labelled object unless "
         "istio.io/use-waypoint-namespace stands beside it on the same object. A waypoint of another "
         "namespace is then not found, and the binding fails open as for a missing one.",
         "Add istio.io/use-waypoint-namespace with the Gateway's namespace to the same object, and let the "
         "Gateway's listener admit the namespace (allowedRoutes).",
         "istio pilot/pkg/serviceregistry/ambient/waypoints.go GetUseWaypoint"},
        Severity::Error},
    LintCode{
        {kLintWaypointNotReady, kLint, "a waypoint label names a Gateway without an address",
         "A Gateway counts once istiod has written an address into its status, which it does for its own "
         "classes when a pod is up. Without one the binding fails open: traffic goes direct. A Gateway of "
         "a class that Istio does not serve never gets there.",
         "Use gatewayClassName istio-waypoint; on a live cluster see the Gateway's conditions.", kWaypoints},
        Severity::Error},
    LintCode{
        {kLintWaypointNotAllowed, kLint, "the waypoint's listener does not admit the namespace",
         "The HBONE listener of a waypoint admits namespaces as listeners admit routes: allowedRoutes, by "
         "default the Gateway's own namespace only. A label from another namespace is reported as "
         "AttachmentDenied and fails open.",
         "Set allowedRoutes.namespaces.from to All, or to Selector with labels of the namespace.",
         "istio pilot/pkg/serviceregistry/ambient/waypoints.go makeAllowedRoutes"},
        Severity::Error},
    LintCode{
        {kLintWaypointType, kLint, "the waypoint does not serve this kind of traffic",
         "istio.io/waypoint-for on the Gateway, or on its class, says whether a waypoint serves traffic to "
         "Services, to pods (workload) or both; service is the default. A label on the other kind is "
         "reported as UnsupportedTrafficType and fails open; an unknown value serves nobody.",
         "Set istio.io/waypoint-for: all, or label the kind of object that the waypoint serves.",
         "istio pilot/pkg/serviceregistry/ambient/waypoints.go fetchWaypointForService, "
         "fetchWaypointForWorkload"},
        Severity::Error},
    LintCode{
        {kLintWaypointNoPods, kLint, "a bound waypoint has no ready pod",
         "istiod never takes a Gateway's address away again, so the binding holds while nothing answers: "
         "ztunnel resets the connection (unknown waypoint), a gateway answers 503 UH. This fails closed.",
         "Scale the waypoint up; give it two replicas and a PodDisruptionBudget.",
         "ztunnel src/state.rs fetch_waypoint"},
        Severity::Error},
    LintCode{
        {kLintWaypointIngress, kLint, "an ingress gateway goes round a Service's waypoint",
         "Captured clients use a Service's waypoint because their ztunnel does. A gateway is Envoy: it "
         "sends straight to the pods unless the Service, or its namespace, carries "
         "istio.io/ingress-use-waypoint: \"true\". Policies of the waypoint are then not enforced for what "
         "comes through the gateway. An error when policies attach there, a remark otherwise.",
         "Label the Service istio.io/ingress-use-waypoint: \"true\", or enforce the policies at the gateway.",
         kEndpoints},
        Severity::Error},
    LintCode{
        {kLintWaypointIngressLabel, kLint, "istio.io/ingress-use-waypoint has no effect",
         "The label tells gateways to use the waypoint that istio.io/use-waypoint binds. Without a bound "
         "waypoint, without a VIP (headless), for DNS endpoints of a ServiceEntry, or with a value that Go "
         "does not read as a boolean it does nothing.",
         "Bind a waypoint, or remove the label; write the value as \"true\".",
         "istio pilot/pkg/serviceregistry/ambient/services.go ingressUseWaypointFromLabels"},
        Severity::Warning},
    LintCode{
        {kLintWaypointHeadless, kLint, "a headless Service has a waypoint",
         "A headless Service has no VIP: DNS gives the pods' addresses and clients dial those, so traffic is "
         "addressed to pods and a service waypoint is skipped. A warning for a label on the Service itself, "
         "a remark when the namespace's label is inherited.",
         "Use a waypoint for workloads (istio.io/waypoint-for: all and a label on the pods), or a Service "
         "with a ClusterIP.",
         "istio.io docs/ambient/usage/waypoint; istio pilot/pkg/serviceregistry/ambient/services.go getVIPs"},
        Severity::Warning},
    LintCode{
        {kLintWaypointUnused, kLint, "no object uses the waypoint",
         "A waypoint gets traffic only for Services, pods or namespaces that are labelled for it. A warning "
         "when policies target it, since these are then never enforced; a remark otherwise.",
         "Label what it should serve with istio.io/use-waypoint (and -namespace), or delete it.", kWaypoints},
        Severity::Warning},
    LintCode{{kLintWaypointLabelAlone, kLint, "a waypoint label stands where nobody reads it",
              "istio.io/use-waypoint-namespace is read only beside istio.io/use-waypoint on the same object; "
              "labels of a Deployment or StatefulSet itself are never read, only those of its pods.",
              "Put both labels on the Service or Namespace, or on the pod template for traffic to pods.",
              "istio pilot/pkg/serviceregistry/ambient/waypoints.go GetUseWaypoint"},
             Severity::Warning},
    LintCode{
        {kLintWaypointExternal, kLint, "a load balancer or node port leads past the waypoint",
         "Packets to a node port or load balancer are translated to a pod address by the node, not by "
         "ztunnel: the pod gets a plaintext connection and the Service's waypoint is not on the way. "
         "Nothing at the pod notices.",
         "Expose the Service through a gateway, or require the waypoint's identity with an ALLOW policy at "
         "the pods.",
         "ztunnel src/proxy/inbound_passthrough.rs; istio pilot/pkg/serviceregistry/ambient/services.go "
         "getVIPs"},
        Severity::Error},
};

}  // namespace

std::span<const LintCode> lint_codes_mesh() { return kRows; }

}  // namespace waypath::sim
