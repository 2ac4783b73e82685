#include "sim/reason_codes_path.h"

#include <array>

namespace waypath::sim {
namespace {

constexpr auto kReason = CodeInfo::Kind::Reason;
constexpr auto kAssumption = CodeInfo::Kind::Assumption;

constexpr std::array kRows{
    CodeInfo{kMeshHostNetwork, kReason, "hostNetwork pods are not captured",
             "They share the node's network namespace, which ambient leaves alone.", "",
             "istio cni/pkg/util/podutil.go"},
    CodeInfo{kMeshSidecar, kReason, "the pod has a sidecar",
             "Pods with an injected sidecar are not captured.", "", "istio cni/pkg/util/podutil.go"},
    CodeInfo{kMeshNamespaceExcluded, kReason, "istio-cni excludes the namespace",
             "Istio-cni excludes the namespace.", "", "istio manifests/charts/istio-cni/values.yaml"},
    CodeInfo{kMeshPodLabel, kReason, "captured by its own label", "Captured by its own label.", "",
             "istio cni/pkg/util/enablement_selector.go"},
    CodeInfo{kMeshNamespaceLabel, kReason, "captured by its namespace's label",
             "Captured by its namespace's label.", "", "istio cni/pkg/util/enablement_selector.go"},
    CodeInfo{kMeshPodOptedOut, kReason, "the pod opted out of its namespace's capture",
             "The pod opted out of its namespace's capture.", "",
             "istio cni/pkg/util/enablement_selector.go"},
    CodeInfo{kMeshNotEnrolled, kReason, "not part of the mesh", "Neither label names ambient mode.",
             "Label the namespace istio.io/dataplane-mode: ambient.",
             "istio cni/pkg/util/enablement_selector.go"},
    CodeInfo{kMeshGatewayPod, kReason, "a gateway",
             "Its Envoy opens HBONE and mTLS itself and is not captured.", "",
             "istio manifests/charts/gateway/values.yaml"},
    CodeInfo{kMeshWaypointPod, kReason, "a waypoint", "Its Envoy speaks HBONE itself and is not captured.",
             "", "istio manifests/charts/istio-control/istio-discovery/files/waypoint.yaml"},
    CodeInfo{kWaypointBound, kReason, "the waypoint serves it", "The waypoint serves it.", "",
             "istio ambient/waypoints.go fetchWaypointForTarget"},
    CodeInfo{kWaypointNone, kReason, "no waypoint is asked for", "No waypoint is asked for.",
             "Label the Service istio.io/use-waypoint.", "istio ambient/waypoints.go GetUseWaypoint"},
    CodeInfo{kWaypointOptedOut, kReason, "opted out with use-waypoint: none",
             "Opted out with use-waypoint: none.", "", "istio ambient/waypoints.go GetUseWaypoint"},
    CodeInfo{kWaypointMissing, kReason, "the waypoint named does not exist",
             "istiod drops a binding to a Gateway that it does not know, and ztunnel sends traffic straight "
             "to the pod: L7 policies are skipped, nothing is refused.",
             "Create the Gateway, or correct istio.io/use-waypoint and istio.io/use-waypoint-namespace.",
             "istio ambient/waypoints.go fetchWaypointForTarget"},
    CodeInfo{kWaypointNotReady, kReason, "the waypoint has no address yet",
             "As with a missing one: traffic goes direct.", "See why the Gateway has no status.addresses.",
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
             "A waypoint itself has no waypoint.", "", "istio ambient/waypoints.go"},
    CodeInfo{kIngressUsesWaypoint, kReason, "gateways send this Service through its waypoint",
             "Gateways send this Service through its waypoint.", "",
             "istio pilot/pkg/xds/endpoints/endpoint_builder.go findServiceWaypoint"},
    CodeInfo{kIngressSkipsWaypoint, kReason, "gateways go straight to the Service's pods",
             "A gateway uses a Service's waypoint only when the Service (or its namespace) says "
             "istio.io/ingress-use-waypoint: \"true\" and has a VIP.",
             "Add the label.", "istio pilot/pkg/xds/endpoints/endpoint_builder.go findServiceWaypoint"},
    CodeInfo{kAssumeWaypointReady, kAssumption, "a waypoint without status is taken as ready",
             "Rendered manifests have no status.", "Give a live Gateway, or state the failure as a change.",
             ""},
    CodeInfo{kAssumeCaptured, kAssumption, "a pod is taken as captured as its labels say",
             "A pod is taken as captured as its labels say.", "", ""},
    CodeInfo{kAssumePodReady, kAssumption, "pods without status are taken as running and ready",
             "Rendered manifests have no status.", "Give live pods, or scale to 0 in a change.", ""},
    CodeInfo{kEndpointNotReady, kReason, "the endpoint is not ready",
             "Only ready pods receive traffic unless the Service publishes unready ones.", "",
             "kubernetes staging/src/k8s.io/endpointslice/utils.go"},
};

}  // namespace

std::span<const CodeInfo> path_codes() { return kRows; }

}  // namespace waypath::sim
