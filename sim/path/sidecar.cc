// Sidecars: the client's, and the one that takes a pod's connections (L9 to L12).

#include <fmt/format.h>

#include <algorithm>

#include "model/istio/proxy_ports.h"
#include "sim/path/path_builder.h"
#include "sim/policy/peer_authentication.h"
#include "sim/reasons/route.h"
#include "sim/reasons/walk.h"
#include "sim/resolve/filter_chain.h"
#include "sim/resolve/interception.h"
#include "sim/resolve/protocol.h"

namespace waypath::sim {

using model::IpAddress;
using model::PodId;
using model::ServiceId;

void PathBuilder::client_sidecar(Walk walk, const Destination& destination) {
  const PodId pod = walk.sender.pod;
  const model::Pod& p = cluster_.pod(pod);
  if (destination.kind == Destination::Kind::Unknown) return fail_name(std::move(walk), destination);
  std::vector<IpAddress> addresses;
  const bool invented = destination.service.valid() && !destination.pod.valid() &&
                        cluster_.service(destination.service).symbolic_vip;
  if (destination.address && !invented) addresses.push_back(*destination.address);
  if (destination.kind == Destination::Kind::Pods)
    for (const model::Endpoint& endpoint : destination.endpoints)
      if (endpoint.address) addresses.push_back(*endpoint.address);
  const Interception out = outbound_interception(p, destination.port, addresses);
  if (!out.undecided.empty()) return unknown(std::move(walk), out.undecided, out.by);
  if (!out.taken) {
    walk.path.notes.push_back(out.detail);
    walk.path.deciders.push_back(*out.by);
    return from_plain(std::move(walk), destination);
  }
  add_inner_leg(walk, destination.port);
  const std::size_t index = add_hop(walk, HopKind::Sidecar, p.meta.ns().str(), workload_name(pod), pod);
  walk.sender = sender_of(pod, Sender::Kind::Sidecar);
  Hop& hop = walk.path.hops[index];
  hop.identity = walk.sender.identity;
  // A cluster of the registry's, whatever outboundTrafficPolicy says of others.
  if (destination.api_server) return ztunnel_passthrough(std::move(walk), destination);
  std::optional<ServiceId> service;
  if (destination.service.valid() && !destination.by_external_address) service = destination.service;
  std::optional<model::IpAddress> address = destination.address;
  if (!address && destination.kind == Destination::Kind::Pod && !cluster_.pod(destination.pod).ips.empty())
    address = cluster_.pod(destination.pod).ips.front();
  const RouteDecision decision = route_at_sidecar(engine_.routes(), p.meta.ns(), p.meta.labels, service,
                                                  address, destination.port, walk.app);
  hop.facts = decision.trace;
  hop.answers_http = decision.http;
  hop.connect_attempts = decision.http ? 3 : 1;
  dialled_ = destination;
  follow(std::move(walk), decision, ServiceId{}, address, destination.port);
}

// L9, L10, L11, and plain bytes: the pod's sidecar takes the connection and enforces.
void PathBuilder::arrive_sidecar(Walk walk, PodId pod, std::uint16_t port, ServiceId service,
                                 std::uint16_t service_port, Transport transport) {
  const model::Pod& p = cluster_.pod(pod);
  const bool hbone = transport == Transport::Hbone;
  const bool mesh_tls = hbone || transport == Transport::Mtls;
  if (!hbone) {  // the tunnel's port is the sidecar's own
    const Interception in = inbound_interception(p, port);
    if (!in.undecided.empty()) return unknown(std::move(walk), in.undecided, in.by);
    if (!in.taken && !mesh_tls)
      return arrive_plain(std::move(walk), pod, port, service, service_port, transport);
    if (!in.taken) {
      // Clients go by the pod's label, which does not tell one port from another. Source: istio
      // pilot/pkg/xds/endpoints/endpoint_builder.go (TLSMode), mtls_checker.go.
      add_leg(walk, transport, peer_reached(walk, pod), port, 0);
      add_hop(walk, HopKind::Application, p.meta.ns().str(), workload_name(pod), pod);
      return fail(std::move(walk), Failure::Kind::Refuse, Outcome::Unreachable,
                  {kRouteMtlsNotSpoken, in.by,
                   fmt::format("{}; the sender's mutual TLS ends at the application", in.detail)},
                  {*in.by});
    }
  }
  add_leg(walk, transport, peer_reached(walk, pod), hbone ? model::kHbonePort : port,
          hbone ? port : std::uint16_t{0});
  const std::size_t index = add_hop(walk, HopKind::Sidecar, p.meta.ns().str(), workload_name(pod), pod);
  Hop& hop = walk.path.hops[index];
  if (mesh_tls) hop.seen_peer = walk.sender.identity;
  hop.identity = identity_of(cluster_, pod);
  std::string protocol;
  ServiceId declared = service;
  if (!declared.valid()) {
    // The inbound listener takes the protocol from the Service that exposes this port.
    for (const ServiceId id : cluster_.services_of_pod(pod)) {
      for (const model::RegistryService::Port& candidate : cluster_.service(id).ports) {
        const auto endpoints = cluster_.endpoints(id, candidate.port);
        const bool here = std::any_of(endpoints.begin(), endpoints.end(), [&](const model::Endpoint& e) {
          return e.pod == pod && e.port == port;
        });
        if (here && !declared.valid()) {
          declared = id;
          service_port = candidate.port;
        }
      }
    }
  }
  if (declared.valid()) {
    const model::RegistryService::Port* declared_port = cluster_.service(declared).find_port(service_port);
    if (declared_port != nullptr) protocol = declared_port->app_protocol;
  }
  const ChainKind chain = chain_for(protocol, walk.app);
  PolicyPoint point;
  point.kind = PolicyPoint::Kind::Sidecar;
  point.ns = p.meta.ns();
  point.labels = p.meta.labels;
  point.workload_name = p.meta.name();
  point.http = chain.http;
  hop.point = std::move(point);
  hop.answers_http = chain.http;
  hop.request = request_at(walk, port, mesh_tls ? walk.sender.identity : PeerIdentity{},
                           peer_reached(walk, pod).address);
  hop.request.remote_ip = client_seen(walk, PolicyPoint::Kind::Sidecar, chain.http);
  walk.sender = sender_of(pod, Sender::Kind::Sidecar);
  add_provider_calls(walk, index);
  verify_token(walk, index);
  add_inner_leg(walk, port);
  arrive_application(std::move(walk), pod, port, service);
}

// An ORIGINAL_DST cluster: the bytes go where the application dialled, to that port. Never by HBONE, whose
// tunnel is an endpoint of its own; by mutual TLS when every endpoint has a sidecar.
// Source: istio pilot/pkg/networking/core/cluster.go convertResolution; pilot/pkg/model/push_context.go
// BestEffortInferServiceMTLSMode; https://github.com/istio/istio/issues/54921
void PathBuilder::sidecar_to_headless(Walk walk, ServiceId service, std::uint16_t port,
                                      const RouteTarget* target) {
  using model::ClientTlsMode;
  const model::RegistryService& reg = cluster_.service(service);
  const std::vector<model::Endpoint> all = cluster_.endpoints(service, port);
  const auto has_sidecar = [&](const model::Endpoint& endpoint) {
    return endpoint.pod.valid() && capture(endpoint.pod).dataplane == Dataplane::Sidecar;
  };
  const ClientTlsMode mode = target == nullptr ? ClientTlsMode::Unset : target->tls_mode;
  const bool automatic = mode == ClientTlsMode::Unset && cluster_.mesh().enable_auto_mtls && !all.empty() &&
                         std::all_of(all.begin(), all.end(), has_sidecar) &&
                         namespace_mtls_mode(cluster_, reg.ns) != model::MtlsMode::Disable;
  const bool mtls = mode == ClientTlsMode::IstioMutual || automatic;
  if (target != nullptr && target->upstream_tls) walk.app.tls = true;
  std::vector<model::Endpoint> dialled;
  if (dialled_.kind == Destination::Kind::Pods) {
    dialled = dialled_.endpoints;
  } else if (dialled_.kind == Destination::Kind::Pod) {
    dialled.emplace_back().pod = dialled_.pod;
  } else {
    return unknown(
        std::move(walk),
        fmt::format("where the route to the headless Service {} leads: its cluster keeps the dialled "
                    "address (ORIGINAL_DST), which is none of the Service's",
                    reg.host),
        target != nullptr ? std::optional(target->by) : std::nullopt);
  }
  walk.path.notes.push_back(
      fmt::format("the sidecar sends to the dialled address and port: {} is headless (ORIGINAL_DST), which "
                  "is never HBONE",
                  reg.host));
  each_endpoint(std::move(walk), dialled, [&](Walk next, const model::Endpoint& endpoint) {
    const Transport plain = next.app.tls ? Transport::Tls : Transport::Plaintext;
    if (!endpoint.pod.valid()) return headless_address(std::move(next), endpoint, dialled_);
    if (undecided_capture(next, endpoint.pod))
      return unknown(std::move(next), "whether the destination pod is captured");
    if (has_sidecar(endpoint)) {
      return arrive_sidecar(std::move(next), endpoint.pod, dialled_.port, service, port,
                            mtls ? Transport::Mtls : plain);
    }
    if (mtls) return mtls_not_spoken(std::move(next), endpoint, *target);
    arrive_plain(std::move(next), endpoint.pod, dialled_.port, service, port, plain);
  });
}

}  // namespace waypath::sim
