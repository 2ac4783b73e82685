#pragma once
// What is asked about (X of `guard X`, `ask X`): its pods, and every address that leads to them.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/cluster.h"
#include "scenarios/client_classes.h"
#include "scenarios/route_hosts.h"
#include "sim/engine.h"
#include "sim/path/path.h"

namespace waypath::scenarios {

struct AskTarget {
  std::string title;                       // "Service/shop/api", "Deployment/shop/api", "Namespace/shop"
  std::vector<model::PodId> pods;          // sorted
  std::vector<model::ServiceId> services;  // that have one of them as endpoint; sorted
  std::vector<model::ServiceId> outside;   // ServiceEntry hosts that are asked about themselves
  /// Of a Service: only these ports of the pods count. Empty: every port.
  std::vector<std::pair<model::PodId, std::uint16_t>> ports;
  bool whole_namespace = false;  // its workloads are clients of each other, too
  std::string scope;  // "from outside it": whose requests the answer is about, when not everybody's

  /// Whether the path ends in it.
  [[nodiscard]] bool reached_by(const sim::Path& path) const;
};

/// "Service/ns/name" and the like, "ns/name" (a Service, else a workload, else a pod), "ns/deploy/name", a
/// host, a namespace. `port` keeps one port of the Service or the pods. Nullopt: `error` says why, with near
/// names.
[[nodiscard]] std::optional<AskTarget> find_target(const model::Cluster& cluster, const std::string& text,
                                                   const std::string& default_namespace,
                                                   std::optional<std::uint16_t> port, std::string& error);

/// One way to dial it.
struct TargetAddress {
  enum class Kind : std::uint8_t {
    Service,        // the Service's name
    ClusterIp,      // its address
    Pod,            // a pod's own address
    PodName,        // the same of a pod whose address the manifests do not tell
    GatewayHost,    // a host of a gateway, from outside
    GatewayInside,  // the same host, dialled at the gateway's Service from inside
    Outside,        // the own address of a host outside the cluster
    Published       // node port, load balancer or external address of its Service
  } kind = Kind::Service;
  std::string url;                        // without path
  std::string connect_to;                 // GatewayInside
  std::string about;                      // "Service shop/api port 80", "pod shop/api-0 port 8080"
  std::vector<const RouteHosts*> routes;  // whose conditions choose on the way; into the list given
  /// Outside, where the manifests do not tell the host's address: what is dialled stands for it. One that is
  /// open proves nothing unless all of the same host, scheme and port are.
  std::string stands_for = {};
};

/// Its Services, and those whose mesh routes lead on to them; sorted.
[[nodiscard]] std::vector<model::ServiceId> leading_services(const AskTarget& target,
                                                             const std::vector<RouteHosts>& routes);

[[nodiscard]] std::vector<TargetAddress> addresses_of(const sim::Engine& engine, const AskTarget& target,
                                                      const std::vector<RouteHosts>& routes);

/// Whether the client can dial the address at all: nobody outside knows a cluster's names, and who does not
/// ask the cluster's DNS dials addresses.
[[nodiscard]] bool dialable(const ClientClass& client, const TargetAddress& address);

}  // namespace waypath::scenarios
