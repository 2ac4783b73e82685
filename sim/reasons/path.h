#pragma once
// Reasons of mesh membership, waypoint binding and endpoint choice.

#include "sim/reasons/reason_codes.h"

namespace waypath::sim {

inline constexpr Code kMeshHostNetwork{"MESH_HOST_NETWORK"};
inline constexpr Code kMeshSidecar{"MESH_SIDECAR"};
inline constexpr Code kMeshNamespaceExcluded{"MESH_NAMESPACE_EXCLUDED"};
inline constexpr Code kMeshPodLabel{"MESH_POD_LABEL"};
inline constexpr Code kMeshNamespaceLabel{"MESH_NAMESPACE_LABEL"};
inline constexpr Code kMeshPodOptedOut{"MESH_POD_OPTED_OUT"};
inline constexpr Code kMeshNotEnrolled{"MESH_NOT_ENROLLED"};
inline constexpr Code kMeshGatewayPod{"MESH_GATEWAY_POD"};
inline constexpr Code kMeshWaypointPod{"MESH_WAYPOINT_POD"};
inline constexpr Code kWaypointBound{"WAYPOINT_BOUND"};
inline constexpr Code kWaypointNone{"WAYPOINT_NONE"};
inline constexpr Code kWaypointOptedOut{"WAYPOINT_OPTED_OUT"};
inline constexpr Code kWaypointMissing{"WAYPOINT_MISSING"};
inline constexpr Code kWaypointNotReady{"WAYPOINT_NOT_READY"};
inline constexpr Code kWaypointNotAllowed{"WAYPOINT_NOT_ALLOWED"};
inline constexpr Code kWaypointWrongTrafficType{"WAYPOINT_WRONG_TRAFFIC_TYPE"};
inline constexpr Code kWaypointExempt{"WAYPOINT_EXEMPT"};
inline constexpr Code kIngressUsesWaypoint{"INGRESS_USES_WAYPOINT"};
inline constexpr Code kIngressSkipsWaypoint{"INGRESS_SKIPS_WAYPOINT"};
inline constexpr Code kAssumeWaypointReady{"ASSUME_WAYPOINT_READY"};
inline constexpr Code kAssumePodReady{"ASSUME_POD_READY"};

}  // namespace waypath::sim
