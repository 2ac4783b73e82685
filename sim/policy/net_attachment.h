#pragma once
// Which policies bear on each pod. Found once for a cluster; the evaluator of single connections and `reach`
// both read it.

#include <vector>

#include "model/cluster.h"
#include "sim/match/pod_selection.h"

namespace waypath::sim {

/// Policies that select one pod. Empty for hostNetwork pods: they are the node's business.
struct NetAttachment {
  std::vector<const model::NetworkPolicy*> ingress, egress;  // that isolate the direction; by name
  std::vector<const model::ClusterPolicy*> admin, baseline;  // in the order in which they are asked
  bool address_blocks = false;                               // one of them has an ipBlock or networks peer
};

/// By PodId. `diagnostics` (may be null) gets cluster policies whose order the API leaves open.
[[nodiscard]] std::vector<NetAttachment> attach_net_policies(const model::Cluster& cluster,
                                                             model::Diagnostics* diagnostics);
/// By position in `pods`, none of which is on the host network.
[[nodiscard]] std::vector<NetAttachment> attach_net_policies(const model::Cluster& cluster,
                                                             const PodSelection& pods,
                                                             model::Diagnostics* diagnostics);

}  // namespace waypath::sim
