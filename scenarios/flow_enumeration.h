#pragma once
// The flows of a cluster that are worth asking about: each workload to each Service port, and the outside to
// each host that gateways route.

#include <vector>

#include "model/cluster.h"
#include "sim/flow.h"

namespace waypath::scenarios {

/// From outside first, then by source and target, each once. The pods of a workload stand in as
/// "ns/deployment/name"; gateways, waypoints, istiod, ztunnel and istio-cni are no clients, and the Services
/// of gateways no targets. Grows with workloads times Service ports.
[[nodiscard]] std::vector<sim::Flow> enumerate_flows(const model::Cluster& cluster);

}  // namespace waypath::scenarios
