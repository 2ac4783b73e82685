#pragma once
// Who sends a flow: Flow.from resolved to pods, nodes or the outside.

#include <optional>
#include <string>
#include <vector>

#include "model/cluster.h"
#include "sim/flow.h"
#include "sim/verdict.h"

namespace waypath::sim {

struct Client {
  HopKind kind = HopKind::Client;  // Client: a pod; Node; External
  model::PodId pod;
  model::NodeId node;                       // of the pod, or the node itself
  std::optional<model::IpAddress> address;  // outside clients, when known
  std::string name;                         // "internet", an address, a node's name
  bool kubelet_probe = false;
  double share = 1.0;
  std::vector<Assumption> assumptions;
};

/// "ns/pod", "ns/deploy/name" (any workload kind, kubectl's short names too), "internet", an address,
/// "node/NAME", "kubelet[/NAME]". Pods of a workload that policies can tell apart are several clients. Empty
/// after a report with near names.
[[nodiscard]] std::vector<Client> resolve_client(const model::Cluster& cluster, const Flow& flow,
                                                 model::Diagnostics& diagnostics);

}  // namespace waypath::sim
