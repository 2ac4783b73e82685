// Clients and legs without a proxy: what the kernel and kube-proxy do with a connection (L13 to L17,
// routing.md 1.3).

#include <fmt/format.h>

#include "sim/path/path_builder.h"
#include "sim/reasons/walk.h"

namespace waypath::sim {

using model::IpAddress;
using model::PodId;
using model::ServiceId;

void PathBuilder::from_plain(Walk walk, const Destination& destination) {
  switch (destination.kind) {
    case Destination::Kind::Service:
      return plain_to_service(std::move(walk), destination.service, destination.port);
    case Destination::Kind::Pod:
      return arrive_plain(std::move(walk), destination.pod, destination.port, destination.service,
                          destination.port, walk.app.tls ? Transport::Tls : Transport::Plaintext);
    case Destination::Kind::Pods:
      return each_endpoint(std::move(walk), destination.endpoints,
                           [&](Walk next, const model::Endpoint& endpoint) {
                             const Transport transport = next.app.tls ? Transport::Tls : Transport::Plaintext;
                             if (!endpoint.pod.valid())
                               return headless_address(std::move(next), endpoint, destination);
                             arrive_plain(std::move(next), endpoint.pod, destination.port,
                                          destination.service, destination.port, transport);
                           });
    case Destination::Kind::Address:
    case Destination::Kind::Node:
      if (destination.node_port_service.valid())
        return enter_service(std::move(walk), destination.node_port_service,
                             destination.node_port_service_port, cluster_.node_by_ip(*destination.address));
      return plain_to_address(std::move(walk), *destination.address, destination.port);
    case Destination::Kind::ExternalName:
    case Destination::Kind::ExternalHost:
      return ztunnel_passthrough(std::move(walk), destination);
    case Destination::Kind::Unknown:
      return fail_name(std::move(walk), destination);
  }
}

void PathBuilder::plain_to_service(Walk walk, ServiceId service, std::uint16_t port) {
  const model::RegistryService& reg = cluster_.service(service);
  if (reg.entry != nullptr) {
    // ServiceEntries exist for Istio alone: an unmeshed client resolves the name by DNS and dials what it
    // gets.
    Destination outside;
    outside.kind = Destination::Kind::ExternalHost;
    outside.host = reg.host;
    outside.port = port;
    return ztunnel_passthrough(std::move(walk), outside);
  }
  if (reg.find_port(port) == nullptr) {
    return fail(std::move(walk), Failure::Kind::NoPort, Outcome::Unreachable,
                {kServicePortUnknown, object_at(reg.meta()), port_detail(reg, port)},
                {object_at(reg.meta())});
  }
  const model::NodeId node = walk.sender.node;
  plain_to_endpoints(std::move(walk), service, port,
                     usable_endpoints(cluster_, service, port, node, ProxyKind::KubeProxy));
}

void PathBuilder::plain_to_endpoints(Walk walk, ServiceId service, std::uint16_t port,
                                     const EndpointChoice& choice) {
  if (choice.endpoints.empty()) return no_endpoint(std::move(walk), service, port, choice);
  walk.path.assumptions.insert(walk.path.assumptions.end(), choice.assumptions.begin(),
                               choice.assumptions.end());
  each_endpoint(std::move(walk), choice.endpoints, [&](Walk next, const model::Endpoint& endpoint) {
    const Transport transport = next.app.tls ? Transport::Tls : Transport::Plaintext;
    if (endpoint.pod.valid()) {
      arrive_plain(std::move(next), endpoint.pod, endpoint.port, service, port, transport);
    } else {
      plain_to_endpoint(std::move(next), endpoint, service, transport);
    }
  });
}

void PathBuilder::plain_to_address(Walk walk, const IpAddress& address, std::uint16_t port) {
  model::Endpoint endpoint;
  endpoint.address = address;
  endpoint.port = port;
  const Transport transport = walk.app.tls ? Transport::Tls : Transport::Plaintext;
  plain_to_endpoint(std::move(walk), endpoint, ServiceId{}, transport);
}

// Listed by address or by name. What is one of the cluster's own takes the connection as it takes any other;
// proxies ask the cluster's DNS for names and leave ClusterIPs to kube-proxy.
void PathBuilder::plain_to_endpoint(Walk walk, const model::Endpoint& endpoint, ServiceId service,
                                    Transport transport) {
  if (endpoint.address) {
    if (const PodId pod = cluster_.pod_by_ip(*endpoint.address); pod.valid()) {
      walk.endpoint_address = endpoint.address;
      return arrive_plain(std::move(walk), pod, endpoint.port, service, 0, transport);
    }
  }
  if (walk.sender.kind != Sender::Kind::Plain && walk.sender.pod.valid()) {
    const Capture cluster_dns;
    Client proxy;
    proxy.pod = walk.sender.pod;
    proxy.capture = &cluster_dns;
    Target target;
    target.host = endpoint.address ? endpoint.address->to_string() : endpoint.hostname;
    target.port = endpoint.port;
    const Destination found = resolve_destination(cluster_, published(engine_.routes()), proxy, target);
    const bool service_found =
        found.kind == Destination::Kind::Service && cluster_.service(found.service).service != nullptr;
    if (service_found || found.kind == Destination::Kind::Pod || found.kind == Destination::Kind::Pods ||
        found.node_port_service.valid()) {
      walk.sender.kind = Sender::Kind::Plain;
      walk.dialled_address = found.address;
      if (found.by_external_address) return enter_service(std::move(walk), found.service, found.port);
      return from_plain(std::move(walk), found);
    }
    if (found.kind == Destination::Kind::Unknown && service.valid() &&
        endpoint.hostname.ends_with(".svc." + cluster_.mesh().cluster_domain)) {
      if (!found.missing_facts.empty()) return fail_name(std::move(walk), found);
      const ObjectAt by = object_at(cluster_.service(service).meta());
      return fail(std::move(walk), Failure::Kind::NoUpstream, Outcome::Unreachable,
                  {kEndpointNone, by,
                   found.detail.empty()
                       ? fmt::format("the endpoint {} is no Service or pod of the cluster", endpoint.hostname)
                       : found.detail},
                  {by});
    }
  }
  NetPeer peer;
  peer.address = endpoint.address;
  peer.node = endpoint.address ? cluster_.node_by_ip(*endpoint.address) : model::NodeId{};
  peer.domain = !endpoint.hostname.empty() ? endpoint.hostname : walk.dialled_name;
  const std::string name = endpoint.address ? endpoint.address->to_string() : endpoint.hostname;
  add_leg(walk, transport, std::move(peer), endpoint.port, 0);
  add_hop(walk, HopKind::Address, "", name, PodId{});
  const std::string backend = service.valid() ? backend_name(service) : name;
  arrived(std::move(walk), PodId{}, endpoint.port, service, backend);
}

}  // namespace waypath::sim
