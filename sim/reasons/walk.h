#pragma once
// Reasons and assumptions of the walk and of the judgement: where a path leads, where it ends, what was taken
// for granted.

#include "sim/reasons/reason_codes.h"

namespace waypath::sim {

// How a path ends.
inline constexpr Code kReachesApp{"REACHES_APP"};
inline constexpr Code kFlowInvalid{"FLOW_INVALID"};
inline constexpr Code kEndpointNone{"ENDPOINT_NONE"};
inline constexpr Code kServicePortUnknown{"SERVICE_PORT_UNKNOWN"};
inline constexpr Code kWaypointNoEndpoint{"WAYPOINT_NO_ENDPOINT"};
inline constexpr Code kWaypointNoChain{"WAYPOINT_NO_CHAIN"};
inline constexpr Code kWaypointPlaintext{"WAYPOINT_PLAINTEXT"};
inline constexpr Code kNameUnknown{"DNS_NAME_UNKNOWN"};
inline constexpr Code kNoEntry{"ENTRY_NONE"};
inline constexpr Code kPathLoop{"PATH_LOOP"};
inline constexpr Code kHboneInHbone{"HBONE_IN_HBONE"};
inline constexpr Code kHboneNotSpoken{"HBONE_NOT_SPOKEN"};
inline constexpr Code kHboneAddressMismatch{"HBONE_ADDRESS_MISMATCH"};
inline constexpr Code kSourceNotSelected{"LOAD_BALANCER_SOURCE_RANGE"};
inline constexpr Code kNotListening{"PORT_NOT_LISTENING"};
inline constexpr Code kFactMissing{"FACT_MISSING"};
// What the walk noticed.
// Assumptions.
inline constexpr Code kAssumeSourceNat{"ASSUME_SOURCE_NAT"};
inline constexpr Code kAssumeNameServer{"ASSUME_NAME_SERVER"};
inline constexpr Code kAssumeExternalName{"ASSUME_EXTERNAL_NAME"};
inline constexpr Code kAssumeEntry{"ASSUME_ENTRY"};
inline constexpr Code kAssumeReady{"ASSUME_READY"};
inline constexpr Code kAssumeVersion{"ASSUME_ISTIO_VERSION"};
inline constexpr Code kAssumeMeshConfig{"ASSUME_MESH_CONFIG"};
inline constexpr Code kAssumeProxyClient{"ASSUME_PROXY_CLIENT"};
inline constexpr Code kAssumeSameNode{"ASSUME_OTHER_NODE"};
inline constexpr Code kAssumeUpstreamTls{"ASSUME_UPSTREAM_TLS"};

[[nodiscard]] std::span<const CodeInfo> walk_codes();

}  // namespace waypath::sim
