// Waypoints: how one is entered and which chain of it reads the request (L2, L7, X0 to X5).

#include <fmt/format.h>

#include "sim/path/path_builder.h"
#include "sim/reasons/walk.h"
#include "sim/resolve/filter_chain.h"
#include "sim/resolve/protocol.h"

namespace waypath::sim {

using model::IpAddress;
using model::PodId;
using model::ServiceId;

// L2, L7: HBONE to a waypoint pod. The original destination stays as CONNECT authority. `service` is invalid
// for pod-addressed traffic.
void PathBuilder::to_waypoint(Walk walk, const WaypointBinding& binding, ServiceId service, PodId pod,
                              std::uint16_t port) {
  const model::Gateway& gateway = *binding.gateway;
  const std::string mark = fmt::format("waypoint {}", gateway.meta.key.str());
  if (!binding.unmodelled.empty())
    return unknown(std::move(walk), binding.unmodelled, object_at(gateway.meta));
  if (!binding.any_ready || binding.pods.empty()) {  // F20
    std::vector<ObjectAt> deciders = binding.causes;
    for (const auto& workload : cluster_.snapshot().all<model::Workload>()) {
      if (workload->meta.ns() == gateway.meta.ns() &&
          workload->template_labels.get("gateway.networking.k8s.io/gateway-name") ==
              gateway.meta.name().view())
        deciders.push_back(object_at(workload->meta));
    }
    deciders.push_back(object_at(gateway.meta));
    return fail(std::move(walk), Failure::Kind::UnknownWaypoint, Outcome::Unreachable,
                {kWaypointNoEndpoint, deciders.front(),
                 fmt::format("waypoint {}/{} has an address but no ready pod: fails closed",
                             gateway.meta.ns().view(), gateway.meta.name().view())},
                deciders);
  }
  if (binding.sandwiched) {  // W9
    return unknown(std::move(walk),
                   fmt::format("what {} does with the connections that its own ztunnel hands it "
                               "(ambient.istio.io/waypoint-inbound-binding)",
                               gateway.meta.key.str()),
                   object_at(gateway.meta));
  }
  const PodId proxy = binding.pods.front();
  const model::Pod& p = cluster_.pod(proxy);
  Leg& leg = add_leg(walk, Transport::Hbone, peer_reached(walk, proxy), binding.port, port);
  if (service.valid()) {
    const auto behind = cluster_.endpoints(service, port);
    if (!behind.empty()) leg.connection.target_port = behind.front().port;
  }
  const std::size_t index =
      add_hop(walk, HopKind::Waypoint, gateway.meta.ns().str(), gateway.meta.name().str(), proxy);
  Hop& hop = walk.path.hops[index];
  hop.seen_peer = walk.sender.identity;
  hop.identity = identity_of(cluster_, proxy);
  hop.facts.push_back(fact_node("waypoint binding", binding.reason));
  if (std::count(walk.entered.begin(), walk.entered.end(), mark) >= 2) {
    return fail(std::move(walk), Failure::Kind::Closed, Outcome::Unreachable,
                {kPathLoop, object_at(gateway.meta), mark + " is entered again and again"});
  }
  walk.entered.push_back(mark);
  std::string protocol;
  if (service.valid()) {
    const model::RegistryService& reg = cluster_.service(service);
    const model::RegistryService::Port* p_port = reg.find_port(port);
    if (p_port == nullptr || p_port->protocol != model::Protocol::Tcp) {  // X1, F17
      return fail(std::move(walk), Failure::Kind::Closed, Outcome::Unreachable,
                  {kWaypointNoChain, object_at(reg.meta()), port_detail(reg, port)}, {object_at(reg.meta())});
    }
    protocol = p_port->app_protocol;
    const bool allocated = reg.entry != nullptr && reg.entry->addresses.empty();
    if (allocated && !cluster_.profile().has(model::Feature::WaypointKnowsAllocatedVips)) {
      return fail(std::move(walk), Failure::Kind::Closed, Outcome::Unreachable,
                  {kWaypointNoChain, object_at(reg.meta()),
                   "this version's waypoint does not know addresses that Istio allocates"},
                  {object_at(reg.meta())});
    }
  }
  const ChainKind chain = chain_for(protocol, walk.app);
  if (chain.http && port_kind(protocol) == PortKind::Auto && walk.app.app == RouteRequest::App::Grpc &&
      !cluster_.profile().has(model::Feature::WaypointKeepsHttp2)) {
    return unknown(std::move(walk),
                   "what the backend makes of gRPC that this version's waypoint sends on as HTTP/1.1: the "
                   "port's protocol is not declared");
  }
  PolicyPoint point;
  point.kind = PolicyPoint::Kind::Waypoint;
  point.ns = gateway.meta.ns();
  point.labels = p.meta.labels;
  point.workload_name = p.meta.name();
  point.gateway_name = gateway.meta.name();
  point.gateway_class = gateway.class_name;
  point.service = service;
  point.http = chain.http;
  hop.point = std::move(point);
  hop.answers_http = chain.http;
  hop.connect_attempts =
      chain.http && cluster_.profile().has(model::Feature::WaypointDefaultRetries) ? 3 : 1;  // F44
  std::optional<model::IpAddress> original;
  if (service.valid() && !cluster_.service(service).vips.empty() && !cluster_.service(service).symbolic_vip)
    original = cluster_.service(service).vips.front();
  if (!service.valid()) original = peer_reached(walk, pod).address;
  hop.request = request_at(walk, port, walk.sender.identity, original);
  hop.request.remote_ip = client_seen(walk, PolicyPoint::Kind::Waypoint, chain.http);
  if (!cluster_.profile().has(model::Feature::ConnectionSniAtWaypoint)) hop.request.sni.clear();
  if (chain.mismatch) {
    return unknown(
        std::move(walk),
        fmt::format("what is sent on port {}: the port is declared as HTTP, the flow is not", port),
        service.valid() ? std::optional(object_at(cluster_.service(service).meta())) : std::nullopt);
  }
  walk.sender = sender_of(proxy, Sender::Kind::Waypoint);
  add_provider_calls(walk, index);
  verify_token(walk, index);
  if (!service.valid()) {  // the direct chain: no routes (routing.md 3.5)
    model::Endpoint endpoint;
    endpoint.pod = pod;
    endpoint.port = port;
    return envoy_to_endpoint(std::move(walk), endpoint, ServiceId{}, port, nullptr);
  }
  const RouteDecision decision = route_at_waypoint(engine_.routes(), gateway, service, port, walk.app);
  follow(std::move(walk), decision, service, std::nullopt, port);
}

}  // namespace waypath::sim
