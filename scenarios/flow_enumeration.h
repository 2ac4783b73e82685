#pragma once
// The flows of a cluster that are worth asking about: each workload to each Service port, and the outside to
// each host that gateways route.

#include <cstdint>
#include <string>
#include <vector>

#include "model/cluster.h"
#include "sim/flow.h"

namespace waypath::scenarios {

/// Who may ask.
struct FlowClient {
  std::string text;                 // as a flow's `from`: "internet", "ns/pod", "ns/deployment/name"
  const model::Pod* pod = nullptr;  // that stands for the workload; null: the outside
};

/// What may be asked.
struct FlowTarget {
  std::string text;                                 // as a flow's `to`: a URL
  const model::RegistryService* service = nullptr;  // null: a host that gateways route
  std::string host;                                 // of the URL
  std::uint16_t port = 0;
  std::string method = "GET";
  bool more = false;  // than a port's own protocol and a route's own paths: asked for what else is told apart
};

/// The outside first, then workloads by name. The pods of a workload stand in as "ns/deployment/name";
/// gateways, waypoints, istiod, ztunnel and istio-cni are no clients.
[[nodiscard]] std::vector<FlowClient> enumerate_clients(const model::Cluster& cluster);
/// Hosts of gateways first, then Services' ports, each by URL. The Services of gateways are left out. A host
/// that stands for others is asked by one of them ("x.example.com"). What speaks HTTP is asked for every path
/// and method, too, that policies and routes on the way tell apart (told_apart.h); a port whose protocol is
/// not declared in HTTP, too, where an Envoy may read it.
[[nodiscard]] std::vector<FlowTarget> enumerate_targets(const model::Cluster& cluster);
/// "FROM -> TO", with the method before TO unless it is GET.
[[nodiscard]] std::string flow_title(const std::string& from, const std::string& method,
                                     const std::string& to);

/// The outside with each host of gateways, workloads with each Service's port; in the order of clients.
/// Grows with workloads times Service ports (flow_product.h does not).
[[nodiscard]] std::vector<sim::Flow> enumerate_flows(const model::Cluster& cluster);

/// The client that stands for all pods of a pod's workload, as a flow's `from` names it.
[[nodiscard]] std::string client_name(const model::Pod& pod);

}  // namespace waypath::scenarios
