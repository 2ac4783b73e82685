#pragma once
// What of the cluster's Services is dialled from outside it: load balancer addresses and names, externalIPs
// and node ports. Built once; looked up by each flow.

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "model/cluster.h"

namespace waypath::sim {

class RouteTables;

/// Whether kube-proxy takes connections for it from outside: load balancer, node ports, external IPs.
/// Source: kubernetes pkg/proxy/serviceport.go ExternallyAccessible
[[nodiscard]] bool externally_accessible(const model::Service& service);

class Published {
 public:
  explicit Published(const model::Cluster& cluster);
  /// The Service that has this load balancer address or externalIP; invalid: none.
  [[nodiscard]] model::ServiceId by_address(const model::IpAddress& ip) const;
  /// The Service whose load balancer has this name; invalid: none.
  [[nodiscard]] model::ServiceId by_name(std::string_view name) const;
  struct NodePort {
    model::ServiceId service;
    std::uint16_t port = 0;  // of the Service
  };
  /// service invalid: no Service has this node port.
  [[nodiscard]] NodePort by_node_port(std::uint16_t port, model::Protocol protocol) const;

 private:
  std::map<model::IpAddress, model::ServiceId> addresses_;
  std::map<std::string, model::ServiceId, std::less<>> names_;
  std::map<std::pair<std::uint16_t, model::Protocol>, NodePort> node_ports_;
};

[[nodiscard]] const Published& published(const RouteTables& tables);

}  // namespace waypath::sim
