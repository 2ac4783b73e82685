#pragma once
// Endpoints that are listed by address or by name, not as pods, and what they lead to all the same.

#include <vector>

#include "model/cluster.h"

namespace waypath::sim {

/// A pod of the Service's endpoints whose slice lists its address without naming it. To ztunnel that is a
/// workload of its own, without tunnel and identity. Source: istio
/// pilot/pkg/serviceregistry/ambient/workloads.go endpointSlicesBuilder.
[[nodiscard]] bool listed_by_address(const model::Cluster& cluster, model::ServiceId service,
                                     const model::Endpoint& endpoint);

/// The pods that a plain connection to an endpoint without pod arrives at: the pod with its address, those of
/// the Kubernetes Service whose name or ClusterIP it is. A pod's own endpoint is returned as it is.
[[nodiscard]] std::vector<model::Endpoint> pods_behind(const model::Cluster& cluster,
                                                       const model::Endpoint& endpoint);

}  // namespace waypath::sim
