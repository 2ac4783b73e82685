#include "sim/resolve/published.h"

#include "sim/resolve/route_tables.h"

namespace waypath::sim {

bool externally_accessible(const model::Service& service) {
  return service.type == model::ServiceType::LoadBalancer || service.type == model::ServiceType::NodePort ||
         !service.external_ips.empty();
}

Published::Published(const model::Cluster& cluster) {
  // The first by host takes what several claim, as in the registry's order.
  for (std::uint32_t i = 0; i < cluster.services().size(); ++i) {
    const model::Service* service = cluster.services()[i].service;
    if (service == nullptr) continue;
    const model::ServiceId id{i};
    for (const model::IpAddress& ip : service->load_balancer_ips) addresses_.try_emplace(ip, id);
    for (const model::IpAddress& ip : service->external_ips) addresses_.try_emplace(ip, id);
    for (const std::string& name : service->load_balancer_hostnames) names_.try_emplace(name, id);
    for (const model::ServicePort& port : service->ports)
      if (port.node_port != 0)
        node_ports_.try_emplace({port.node_port, port.protocol}, NodePort{id, port.port});
  }
}

model::ServiceId Published::by_address(const model::IpAddress& ip) const {
  const auto it = addresses_.find(ip);
  return it == addresses_.end() ? model::ServiceId{} : it->second;
}

model::ServiceId Published::by_name(std::string_view name) const {
  const auto it = names_.find(name);
  return it == names_.end() ? model::ServiceId{} : it->second;
}

Published::NodePort Published::by_node_port(std::uint16_t port, model::Protocol protocol) const {
  const auto it = node_ports_.find({port, protocol});
  return it == node_ports_.end() ? NodePort{} : it->second;
}

const Published& published(const RouteTables& tables) { return tables.impl().published; }

}  // namespace waypath::sim
