#pragma once
// Who may send: the kinds of client that nothing in the cluster can tell apart, each with one that stands for
// it. There are as many as policies, capture and routes distinguish, however many pods there are.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/base/ip.h"
#include "model/cluster.h"
#include "sim/engine.h"

namespace waypath::scenarios {

struct ClientClass {
  enum class Kind : std::uint8_t {
    Workload,  // pods
    Outside,   // addresses outside the cluster
    Node       // processes in a node's own network: kubelet, host daemons
  } kind = Kind::Workload;
  std::string from;  // as a flow's `from`
  std::optional<model::IpAddress> source_ip;
  model::PodId pod;                  // that stands for a Workload
  std::vector<std::string> members;  // all of the class: workloads, or what tells an address; sorted
  std::string about;                 // "ambient", "sidecar", "not in the mesh", "hostNetwork"
  bool cluster_dns = true;           // asks the cluster's name server
  std::string identity;              // principal that proxies see, "" for none
};

/// Workloads by name, the outside, then nodes. Pods in `targets` never stand for a class that has others; a
/// class of nothing but one of them is left out. Gateways, waypoints and the mesh's own workloads are no
/// clients.
/// Nodes: one that has a pod of `targets`, and one that has none.
/// `own`: classes of nothing but targets are kept. One that has several workloads is two, so that each
/// workload has another client than itself.
[[nodiscard]] std::vector<ClientClass> client_classes(const sim::Engine& engine,
                                                      const std::vector<model::PodId>& targets, bool own);

/// Addresses outside the cluster: one for each combination of blocks, `first` for its own.
[[nodiscard]] std::vector<model::IpAddress> outside_addresses(const model::Cluster& cluster,
                                                              const std::vector<model::Cidr>& blocks,
                                                              const model::IpAddress& first);

/// Pods of `pods` that no client can tell apart as targets: one of each class, in order.
[[nodiscard]] std::vector<model::PodId> target_classes(const sim::Engine& engine,
                                                       const std::vector<model::PodId>& pods);

}  // namespace waypath::scenarios
