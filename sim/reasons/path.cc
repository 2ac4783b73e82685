#include "sim/reasons/path.h"

#include <array>

namespace waypath::sim {
namespace {

constexpr auto kReason = CodeInfo::Kind::Reason;
constexpr auto kAssumption = CodeInfo::Kind::Assumption;

constexpr std::array kRows{
    CodeInfo{kMeshHostNetwork, kReason, "hostNetwork pods are not captured",
             "The pod uses the node's network namespace, which ambient leaves alone: plaintext, no identity, "
             "no ztunnel policy.",
             "Take hostNetwork off to bring it into the mesh.",
             "istio cni/pkg/util/enablement_selector.go Matches"},
    CodeInfo{kMeshSidecar, kReason, "the pod has a sidecar",
             "An injected sidecar carries the pod's traffic. istio-cni leaves such pods out of ambient "
             "capture; as clients they skip waypoints.",
             "Remove the injection to move the pod to ambient.",
             "istio cni/pkg/util/enablement_selector.go Matches"},
    CodeInfo{kMeshNamespaceExcluded, kReason, "istio-cni excludes the namespace",
             "istio-cni leaves out namespaces of its excludeNamespaces setting (kube-system by default), "
             "whatever labels they have. The node agent honours it since Istio 1.30.",
             "Remove the namespace from cni.excludeNamespaces if it should be in the mesh.",
             "istio manifests/charts/istio-cni/values.yaml"},
    CodeInfo{kMeshPodLabel, kReason, "captured by its own label",
             "The pod itself is labelled istio.io/dataplane-mode: ambient, which counts whatever its "
             "namespace says.",
             "Nothing.", "istio cni/pkg/util/enablement_selector.go"},
    CodeInfo{kMeshNamespaceLabel, kReason, "captured by its namespace's label",
             "The namespace is labelled istio.io/dataplane-mode: ambient and the pod does not opt out, so "
             "istio-cni redirects its traffic to the node's ztunnel.",
             "Nothing; label the pod istio.io/dataplane-mode: none to leave it out.",
             "istio cni/pkg/util/enablement_selector.go"},
    CodeInfo{kMeshPodOptedOut, kReason, "the pod opted out of its namespace's capture",
             "The namespace is enrolled, and the pod's own label istio.io/dataplane-mode: none (or a "
             "configured selector) keeps it out of capture.",
             "Remove the label to have the pod captured.", "istio cni/pkg/util/enablement_selector.go"},
    CodeInfo{kMeshNotEnrolled, kReason, "not part of the mesh",
             "Neither the pod nor its namespace carries a label that enrols it: its traffic is plaintext, it "
             "has no mesh identity, and no policy of Istio is enforced for what it receives.",
             "Label the namespace istio.io/dataplane-mode: ambient.",
             "istio cni/pkg/util/enablement_selector.go"},
    CodeInfo{kMeshGatewayPod, kReason, "a gateway",
             "A gateway's Envoy opens HBONE and mTLS itself. Its pods are labelled istio.io/dataplane-mode: "
             "none, or carry an injected proxy, and are not captured by ztunnel.",
             "Nothing.", "istio manifests/charts/gateway/values.yaml"},
    CodeInfo{kMeshWaypointPod, kReason, "a waypoint",
             "The pod belongs to a Gateway of a waypoint class. Its Envoy terminates and originates HBONE "
             "itself, no ztunnel stands in front of it, and only policies with targetRefs hold there.",
             "Nothing.", "istio manifests/charts/istio-control/istio-discovery/files/waypoint.yaml"},
    CodeInfo{kWaypointBound, kReason, "the waypoint serves it",
             "The label istio.io/use-waypoint names a Gateway that exists, has an address, admits the "
             "namespace and serves this kind of traffic: ztunnel sends connections to it by HBONE on 15008.",
             "Nothing.", "istio ambient/waypoints.go fetchWaypointForTarget"},
    CodeInfo{kWaypointNone, kReason, "no waypoint is asked for",
             "Neither the object nor its namespace carries istio.io/use-waypoint, so connections go straight "
             "to the pods and only L4 policies at ztunnel hold.",
             "Label the Service istio.io/use-waypoint.", "istio ambient/waypoints.go GetUseWaypoint"},
    CodeInfo{kWaypointOptedOut, kReason, "opted out with use-waypoint: none",
             "The object carries istio.io/use-waypoint: none, which takes it out of its namespace's "
             "waypoint: connections go straight to the pods.",
             "Remove the label to use the waypoint of the namespace.",
             "istio ambient/waypoints.go GetUseWaypoint"},
    CodeInfo{kWaypointMissing, kReason, "the waypoint named does not exist",
             "istiod drops a binding to a Gateway that it does not know, and ztunnel sends traffic straight "
             "to the pod: L7 policies are skipped, nothing is refused.",
             "Create the Gateway, or correct istio.io/use-waypoint and istio.io/use-waypoint-namespace.",
             "istio ambient/waypoints.go fetchWaypointForTarget"},
    CodeInfo{kWaypointNotReady, kReason, "the waypoint has no address yet",
             "The Gateway exists and has no status.addresses: istiod drops the binding, reports "
             "WaypointBound=False and traffic goes direct. L7 policies are skipped in silence (fails open).",
             "See why the Gateway has no status.addresses.",
             "istio ambient/waypoints.go fetchWaypointForTarget"},
    CodeInfo{kWaypointNotAllowed, kReason, "the waypoint's listener does not admit this namespace",
             "Listeners admit their own namespace unless allowedRoutes says otherwise; a binding that is not "
             "admitted is dropped and traffic goes direct.",
             "Set allowedRoutes.namespaces.from: All (or a selector) on the waypoint's listener.",
             "istio ambient/waypoints.go makeAllowedRoutes"},
    CodeInfo{kWaypointWrongTrafficType, kReason, "the waypoint serves other traffic",
             "istio.io/waypoint-for names service, workload, all or none; what it does not name goes direct.",
             "Set istio.io/waypoint-for on the Gateway.", "istio ambient/waypoints.go"},
    CodeInfo{kWaypointExempt, kReason, "a waypoint itself has no waypoint",
             "The Service or pod belongs to a waypoint or east-west gateway (gateway.istio.io/managed). Such "
             "objects have no waypoint, or traffic would go in circles.",
             "Nothing.", "istio ambient/waypoints.go"},
    CodeInfo{kIngressUsesWaypoint, kReason, "gateways send this Service through its waypoint",
             "istio.io/ingress-use-waypoint: \"true\" stands on the Service or its namespace, and the "
             "Service has a VIP: gateways connect to the waypoint instead of the pods, and the waypoint's "
             "policies hold for them.",
             "Nothing; NetworkPolicies have to let the gateway reach the waypoint on TCP 15008.",
             "istio pilot/pkg/xds/endpoints/endpoint_builder.go findServiceWaypoint"},
    CodeInfo{kIngressSkipsWaypoint, kReason, "gateways go straight to the Service's pods",
             "A gateway uses a Service's waypoint only when the Service (or its namespace) says "
             "istio.io/ingress-use-waypoint: \"true\" and has a VIP.",
             "Add the label.", "istio pilot/pkg/xds/endpoints/endpoint_builder.go findServiceWaypoint"},
    CodeInfo{kAssumeWaypointReady, kAssumption, "whether a waypoint without status is ready",
             "istiod writes an address into a waypoint's status once a pod of it is up. Rendered manifests "
             "have no status: a Gateway of an Istio class is taken as ready, one whose class no GatewayClass "
             "tells as not ready.",
             "Give a live Gateway, or state the failure as a change.",
             "istio pilot/pkg/config/kube/gateway/conversion.go reportGatewayStatus"},
    CodeInfo{kAssumePodReady, kAssumption, "pods without status are taken as running and ready",
             "Rendered manifests have no status, so whether a pod is ready is not known. Pods that are "
             "wanted are taken as running and ready.",
             "Give live pods, or state a failure as a change (scale: 0, fail).",
             "kubernetes staging/src/k8s.io/endpointslice/utils.go"},
};

}  // namespace

std::span<const CodeInfo> path_codes() { return kRows; }

}  // namespace waypath::sim
