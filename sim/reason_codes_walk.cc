#include "sim/reason_codes_walk.h"

#include <array>

namespace waypath::sim {
namespace {

constexpr auto kReason = CodeInfo::Kind::Reason;
constexpr auto kAssumption = CodeInfo::Kind::Assumption;
constexpr std::string_view kStated = "State it in the scenario, or give the manifests that tell.";

constexpr std::array kRows{
    CodeInfo{kReachesApp, kReason, "the request reaches the application",
             "The request reaches the application.", "", ""},
    CodeInfo{kAnsweredByProxy, kReason, "a proxy answers as it is configured to",
             "A proxy answers as it is configured to.", "", ""},
    CodeInfo{kFlowInvalid, kReason, "the flow itself cannot be used", "The flow itself cannot be used.", "",
             ""},
    CodeInfo{kEndpointNone, kReason, "the Service has no usable endpoint",
             "The Service has no usable endpoint.", "", ""},
    CodeInfo{kServicePortUnknown, kReason, "the Service has no such port", "The Service has no such port.",
             "", ""},
    CodeInfo{kWaypointNoEndpoint, kReason, "the waypoint has no ready pod", "The waypoint has no ready pod.",
             "", ""},
    CodeInfo{kWaypointNoChain, kReason, "the waypoint serves no such address and port",
             "The waypoint serves no such address and port.", "", ""},
    CodeInfo{kWaypointPlaintext, kReason, "a waypoint accepts HBONE only", "A waypoint accepts HBONE only.",
             "", ""},
    CodeInfo{kNameUnknown, kReason, "the name does not exist", "The name does not exist.", "", ""},
    CodeInfo{kNameLookupBlocked, kReason, "the name server cannot be reached",
             "The name server cannot be reached.", "", ""},
    CodeInfo{kNameOnlyFromZtunnel, kReason, "the name is answered by ztunnel only",
             "The name is answered by ztunnel only.", "", ""},
    CodeInfo{kNoEntry, kReason, "nothing of the cluster is reachable from outside under this name or address",
             "Nothing of the cluster is reachable from outside under this name or address.", "", ""},
    CodeInfo{kPathLoop, kReason, "the path comes back to a proxy it passed",
             "The path comes back to a proxy it passed.", "", ""},
    CodeInfo{kHboneInHbone, kReason, "a tunnel inside a tunnel", "A tunnel inside a tunnel.", "", ""},
    CodeInfo{kHboneNotSpoken, kReason, "the destination does not speak HBONE",
             "The destination does not speak HBONE.", "", ""},
    CodeInfo{kSourceNotSelected, kReason, "the load balancer does not admit the source",
             "The load balancer does not admit the source.", "", ""},
    CodeInfo{kNotListening, kReason, "nothing listens on the port", "Nothing listens on the port.", "", ""},
    CodeInfo{kCaptureUnknown, kReason, "whether a pod is captured is not known",
             "Whether a pod is captured is not known.", "", ""},
    CodeInfo{kFactMissing, kReason, "a fact that decides is missing", "A fact that decides is missing.", "",
             ""},
    CodeInfo{kWaypointSkipped, kReason, "the path skips a waypoint that is meant for it",
             "The path skips a waypoint that is meant for it.", "", ""},
    CodeInfo{kPolicySkipped, kReason, "the path skips a point where a policy is enforced",
             "The path skips a point where a policy is enforced.", "", ""},
    CodeInfo{kGatewaySkipped, kReason, "the path skips the gateway that enforces",
             "The path skips the gateway that enforces.", "", ""},
    CodeInfo{kEndpointChosen, kReason, "an endpoint was chosen", "An endpoint was chosen.", "", ""},
    CodeInfo{kAssumeSourceNat, kAssumption, "the load balancer rewrites the source address",
             "The load balancer rewrites the source address.", kStated, ""},
    CodeInfo{kAssumeNameServer, kAssumption, "the name server answers", "The name server answers.", kStated,
             ""},
    CodeInfo{kAssumeExternalName, kAssumption, "a name outside the cluster exists",
             "A name outside the cluster exists.", kStated, ""},
    CodeInfo{kAssumeEntry, kAssumption, "where a public name points to", "Where a public name points to.",
             kStated, ""},
    CodeInfo{kAssumeListening, kAssumption, "the application listens on the port",
             "The application listens on the port.", kStated, ""},
    CodeInfo{kAssumeReady, kAssumption, "a pod is ready", "A pod is ready.", kStated, ""},
    CodeInfo{kAssumeVersion, kAssumption, "the version of Istio", "The version of Istio.", kStated, ""},
    CodeInfo{kAssumeMeshConfig, kAssumption, "the mesh configuration has its defaults",
             "The mesh configuration has its defaults.", kStated, ""},
    CodeInfo{kAssumeProxyClient, kAssumption, "the proxy of the pod opens the connection",
             "The proxy of the pod opens the connection.", kStated, ""},
    CodeInfo{kAssumeSameNode, kAssumption, "client and server are on different nodes",
             "Client and server are on different nodes.", kStated, ""},
};

}  // namespace

std::span<const CodeInfo> walk_codes() { return kRows; }

}  // namespace waypath::sim
