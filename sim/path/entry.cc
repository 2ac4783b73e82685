// From outside the cluster: load balancer, node port, the gateways that accept a host (L16, L20).

#include <fmt/format.h>

#include <algorithm>

#include "sim/path/path_builder.h"
#include "sim/reasons/walk.h"
#include "sim/resolve/foreign_entry.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/idle_gateway.h"
#include "sim/resolve/served_hosts.h"

namespace waypath::sim {

namespace {

using model::PodId;
using model::ServiceId;

bool is_published(const model::Cluster& cluster, ServiceId id) {
  const model::Service* service = cluster.service(id).service;
  return service != nullptr && externally_accessible(*service);
}

}  // namespace

void PathBuilder::from_outside(Walk walk, const Client& client, const Target& target) {
  walk.sender.peer.address = flow_.source_ip ? flow_.source_ip : client.address;
  const Target dialled = flow_.connect_to.empty() ? target : parse_connect_to(flow_, target);
  if (dialled.is_ip) {
    const Destination destination =
        resolve_destination(cluster_, published(engine_.routes()), client, dialled);
    if (destination.kind == Destination::Kind::Service && !destination.by_external_address) {
      return fail(std::move(walk), Failure::Kind::Unanswered, Outcome::Unreachable,
                  {kNoEntry, object_at(cluster_.service(destination.service).meta()),
                   fmt::format("{} is a cluster-internal address", dialled.host)});
    }
    if (destination.kind == Destination::Kind::Service)
      return enter_service(std::move(walk), destination.service, destination.port);
    if (destination.kind == Destination::Kind::Pod) {
      walk.path.assumptions.push_back(
          {kAssumeEntry, fmt::format("{} is taken to be routed from outside the cluster", dialled.host), {}});
    } else if (destination.kind == Destination::Kind::Address) {
      walk.path.assumptions.push_back(
          {kAssumeEntry,
           fmt::format("{} is no address of the cluster's: whoever has it answers for itself", dialled.host),
           {}});
    }
    return from_plain(std::move(walk), destination);
  }
  // A name that a load balancer publishes itself.
  if (const ServiceId service = published(engine_.routes()).by_name(dialled.host); service.valid())
    return enter_service(std::move(walk), service, dialled.port);
  const std::vector<GatewayCandidate> candidates =
      gateways_for_host(engine_.routes(), dialled.host, dialled.port, walk.app.tls);
  const auto foreign = foreign_entry(engine_.routes(), dialled.host, dialled.port);
  if (candidates.empty()) {
    const std::vector<IdleGateway> idle_gateways =
        gateways_without_pods(engine_.routes(), dialled.host, dialled.port, walk.app.tls);
    // What answers for every name does not take those of a gateway that is down.
    if (foreign && (idle_gateways.empty() || !foreign->pattern.empty()))
      return unknown(std::move(walk), foreign->entry->fact, foreign->entry->object);
    // The gateway is there, its pods are not: whatever the name points to, nobody takes the connection.
    for (const IdleGateway& idle : idle_gateways) {
      if (!idle.missing.empty()) return unknown(std::move(walk), idle.missing, idle.gateway);
      walk.path.deciders.push_back(idle.gateway);
      if (idle.service.valid()) return enter_service(std::move(walk), idle.service, dialled.port);
      return fail(std::move(walk), Failure::Kind::NoUpstream, Outcome::Unreachable,
                  {kEndpointNone, idle.gateway,
                   fmt::format("{} has a server for {}, but its selector fits no pod", idle.gateway.key.str(),
                               dialled.host)},
                  {idle.gateway});
    }
    // A name that other listeners have leads to their load balancer, which does not listen here, or does so
    // for the other kind of traffic.
    const ServedHint hint = served_hint(engine_.routes(), dialled.host, dialled.port);
    return fail(
        std::move(walk),
        hint.same_port ? Failure::Kind::Closed
        : hint.named   ? Failure::Kind::NoPort
                       : Failure::Kind::NameUnknown,
        Outcome::Unreachable,
        {kNoEntry, std::nullopt,
         fmt::format("no gateway of the cluster listens for {} on port {}{}{}{}", dialled.host, dialled.port,
                     walk.app.tls ? " with TLS" : "", hint.text.empty() ? "" : "; ", hint.text)});
  }
  const auto narrower = [&](const GatewayCandidate& c) {
    return more_specific(foreign->pattern, c.host_match) && more_specific(foreign->pattern, c.route_match);
  };
  if (foreign && narrower(candidates.front()))
    return unknown(std::move(walk), foreign->entry->fact, foreign->entry->object);
  // Where the public name points is not in the manifests: to a gateway whose listener covers it best.
  std::size_t best = 1;
  while (best < candidates.size() && candidates[best].host_match == candidates.front().host_match) ++best;
  for (std::size_t i = 0; i < best; ++i) {
    Walk next = i + 1 == best ? std::move(walk) : walk;
    const GatewayCandidate& candidate = candidates[i];
    next.path.share /= static_cast<double>(best);
    if (candidates.size() > 1) {
      next.path.assumptions.push_back({kAssumeEntry,
                                       fmt::format("{} points to gateway {}; {} gateways would accept it",
                                                   dialled.host, candidate.proxy.name, candidates.size()),
                                       {}});
    }
    if (foreign && !foreign->pattern.empty()) {
      next.path.assumptions.push_back({kAssumeEntry,
                                       fmt::format("{} points to gateway {}; {} names it, too", dialled.host,
                                                   candidate.proxy.name, foreign->entry->object.key.str()),
                                       foreign->entry->object.pos});
    }
    if (candidate.service.valid() && !is_published(cluster_, candidate.service)) {
      const model::ObjectMeta& meta = cluster_.service(candidate.service).meta();
      next.path.assumptions.push_back(
          {kAssumeEntry,
           fmt::format("something outside the manifests leads to {}, which is not published", meta.key.str()),
           meta.pos});
    }
    if (candidate.service.valid()) {
      enter_service(std::move(next), candidate.service, candidate.port);
    } else if (candidate.proxy.pod.valid()) {
      arrive_plain(std::move(next), candidate.proxy.pod, candidate.pod_port, ServiceId{}, candidate.port,
                   next.app.tls ? Transport::Tls : Transport::Plaintext);
    } else {
      fail(std::move(next), Failure::Kind::NoUpstream, Outcome::Unreachable,
           {kEndpointNone, std::nullopt, fmt::format("gateway {} has no pod", candidate.proxy.name)});
    }
  }
}

// Through a LoadBalancer or NodePort (of node `dialled`, if valid): kube-proxy picks the pod; unless the
// service keeps local, the source address becomes that of the node that took the packet. Source:
// kubernetes.io docs, tutorials/services/source-ip; network-policy.md section 3 on NAT.
void PathBuilder::enter_service(Walk walk, ServiceId service, std::uint16_t port, model::NodeId dialled) {
  const model::RegistryService& reg = cluster_.service(service);
  if (reg.find_port(port) == nullptr) {
    return fail(std::move(walk), Failure::Kind::NoPort, Outcome::Unreachable,
                {kServicePortUnknown, object_at(reg.meta()), port_detail(reg, port)},
                {object_at(reg.meta())});
  }
  const model::Service* object = reg.service;
  if (object != nullptr && !object->load_balancer_source_ranges.empty() &&
      walk.sender.kind == Sender::Kind::Plain && !walk.sender.pod.valid()) {
    if (!walk.sender.peer.address) {
      return unknown(std::move(walk),
                     "the client's address: the load balancer admits listed ranges only (sourceIp)",
                     object_at(reg.meta()));
    }
    const auto& ranges = object->load_balancer_source_ranges;
    const bool admitted = std::any_of(ranges.begin(), ranges.end(), [&](const model::Cidr& c) {
      return c.contains(*walk.sender.peer.address);
    });
    if (!admitted) {
      return fail(
          std::move(walk), Failure::Kind::Unanswered, Outcome::Timeout,
          {kSourceNotSelected, object_at(reg.meta()),
           fmt::format("{} is in none of loadBalancerSourceRanges", walk.sender.peer.address->to_string())},
          {object_at(reg.meta())});
    }
  }
  if (object != nullptr && externally_accessible(*object) && !object->external_local) {
    walk.source_nat = true;
    // The address is a node's, the traffic is not: what kube-proxy forwards is no traffic from the pod's own
    // node. Source: istio cni/pkg/iptables/iptables.go AppendHostRules (forwarded packets have no socket)
    for (std::uint32_t i = 0; i < cluster_.node_names().size(); ++i) {
      for (const model::IpAddress& ip : cluster_.node_ips(model::NodeId{i})) {
        NetPeer peer;
        peer.address = ip;
        walk.possible_sources.push_back(std::move(peer));
      }
    }
    walk.path.assumptions.push_back({kAssumeSourceNat,
                                     fmt::format("{} has externalTrafficPolicy Cluster: its pods see the "
                                                 "address of the node that took the packet",
                                                 reg.meta().key.str()),
                                     reg.meta().pos});
    walk.sender.peer = walk.possible_sources.empty() ? NetPeer{} : walk.possible_sources.front();
  }
  // What comes from pods is balanced over all endpoints, whatever the policy.
  // Source: kubernetes pkg/proxy/iptables/proxier.go (KUBE-EXT chains).
  const bool outside = walk.path.hops.front().kind == HopKind::External;
  plain_to_endpoints(
      std::move(walk), service, port,
      usable_endpoints(cluster_, service, port, outside ? dialled : model::NodeId{}, ProxyKind::Entry));
}

}  // namespace waypath::sim
