#pragma once
// Who sends a flow: Flow.from resolved to pods, nodes or the outside.

#include <optional>
#include <string>
#include <vector>

#include "model/cluster.h"
#include "sim/flow.h"
#include "sim/verdict.h"

namespace waypath::sim {

class Topology;
struct Capture;

struct Client {
  HopKind kind = HopKind::Client;  // Client: a pod; Node; External
  model::PodId pod;
  const Capture* capture = nullptr;         // of the pod, when it is known already
  model::NodeId node;                       // of the pod, or the node itself
  std::optional<model::IpAddress> address;  // outside clients, when known
  std::string name;                         // "internet", an address, a node's name
  bool kubelet_probe = false;
  double share = 1.0;
  std::vector<Assumption> assumptions;
};

/// "ns/pod", "ns/deploy/name" (any workload kind, kubectl's short names too), "internet", an address,
/// "node/NAME", "kubelet[/NAME]". Pods of a workload that policies can tell apart are several clients. Empty
/// after a report with near names. `graph` has the captures of the cluster's pods, which are looked for
/// otherwise; it must outlive the clients.
[[nodiscard]] std::vector<Client> resolve_client(const model::Cluster& cluster, const Flow& flow,
                                                 model::Diagnostics& diagnostics,
                                                 const Topology* graph = nullptr);

}  // namespace waypath::sim
