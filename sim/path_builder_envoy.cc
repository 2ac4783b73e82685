// The Envoys: gateways, waypoints and sidecars. How each is entered, what its routes say, how it sends on (L2
// to L12, L18, L22).

#include <fmt/format.h>

#include <algorithm>

#include "sim/path_builder.h"
#include "sim/policy/peer_authentication.h"
#include "sim/reason_codes_route.h"
#include "sim/reason_codes_walk.h"
#include "sim/resolve/protocol.h"
#include "sim/topology.h"

namespace waypath::sim {

namespace {

using model::PodId;
using model::ServiceId;

bool speaks_http(const RouteRequest& app) {
  return !app.tls && (app.app == RouteRequest::App::Http || app.app == RouteRequest::App::Http2 ||
                      app.app == RouteRequest::App::Grpc);
}

/// Whether a proxy that reads a port declared as `protocol` parses this traffic as HTTP.
/// Source: istio pilot/pkg/networking/core/listener_waypoint.go buildWaypointInternal; routing.md 3.8.
struct ChainKind {
  bool http = false;
  bool mismatch = false;  // an HTTP chain gets bytes that are not HTTP
};
ChainKind chain_for(std::string_view protocol, const RouteRequest& app) {
  switch (port_kind(protocol)) {
    case PortKind::Http:
      return {speaks_http(app), !speaks_http(app)};
    case PortKind::Auto:
      return {speaks_http(app), false};
    case PortKind::Tls:
    case PortKind::Tcp:
    case PortKind::Udp:
      return {};
  }
  return {};
}

void set_header(Headers& headers, const std::string& name, const std::string& value) {
  std::erase_if(headers, [&](const auto& h) { return h.first == name; });
  headers.emplace_back(name, value);
}

// What a rule does to the request on its way to this destination.
void rewrite(Walk& walk, const RouteTarget& target) {
  if (target.host_rewrite) walk.app.host = *target.host_rewrite;
  if (target.path_rewrite) walk.app.path = *target.path_rewrite;
  for (const std::string& name : target.remove_headers) {
    std::erase_if(walk.app.headers, [&](const auto& h) { return h.first == name; });
    walk.removed_headers.push_back(name);
  }
  for (const auto& [name, value] : target.set_headers) {
    set_header(walk.app.headers, name, value);
    walk.set_headers.emplace_back(name, value);
  }
  for (const auto& [name, value] : target.add_headers) {
    walk.app.headers.emplace_back(name, value);
    walk.set_headers.emplace_back(name, value);
  }
  for (const auto& [name, value] : target.set_headers) {
    if (name == "host" || name == ":authority") walk.app.host = value;
  }
}

std::string flag_of(int status) {
  if (status == 404) return "NR";
  return status == 503 ? "NC" : "";
}

TraceNode fact(std::string layer, Reason reason) {
  TraceNode node;
  node.layer = std::move(layer);
  node.reason = std::move(reason);
  return node;
}

}  // namespace

// ---- gateways ----

// The connection to the pod is made; the gateway's listener takes it.
void PathBuilder::enter_gateway(Walk walk, PodId pod, std::uint16_t port, std::uint16_t pod_port,
                                ServiceId service) {
  const model::Pod& p = cluster_.pod(pod);
  const GatewayProxy proxy = proxy_of(pod);
  const std::string mark = fmt::format("gateway {}/{}", p.meta.ns().view(), proxy.name);
  const std::size_t index = add_hop(walk, HopKind::Gateway, p.meta.ns().str(), proxy.name, pod);
  if (std::count(walk.entered.begin(), walk.entered.end(), mark) >= 2) {
    return fail(std::move(walk), Failure::Kind::Closed, Outcome::Unreachable,
                {kPathLoop, object_at(p.meta), mark + " sends the request to itself"});
  }
  walk.entered.push_back(mark);
  const RouteDecision first = route_at_gateway(engine_.routes(), proxy, port, pod_port, walk.app);
  Hop& hop = walk.path.hops[index];
  hop.identity = identity_of(cluster_, pod);
  hop.facts = first.trace;
  if (first.kind == RouteDecision::Kind::NoListener) {
    return fail(std::move(walk), Failure::Kind::NotListening, Outcome::Unreachable, first.reason);
  }
  if (first.kind == RouteDecision::Kind::NoFilterChain) {
    return fail(std::move(walk), Failure::Kind::Closed, Outcome::Unreachable, first.reason);
  }
  // X-Forwarded-For: the n-th address from the right counts when n proxies in front are trusted.
  // Source: istio meshConfig.defaultConfig.gatewayTopology.numTrustedProxies; authorization.md section 8.
  walk.remote = forwarded_client(walk);
  PolicyPoint point;
  point.kind = proxy.gateway != nullptr ? PolicyPoint::Kind::GatewayApi : PolicyPoint::Kind::ClassicGateway;
  point.ns = p.meta.ns();
  point.labels = p.meta.labels;
  point.workload_name = p.meta.name();
  if (proxy.gateway != nullptr) {
    point.gateway_name = proxy.gateway->meta.name();
    point.gateway_class = proxy.gateway->class_name;
  }
  point.http = first.http;
  hop.point = std::move(point);
  hop.answers_http = first.http;
  hop.connect_attempts = first.http ? 3 : 1;  // F44: two retries on connect failure
  hop.request = request_at(walk, pod_port, PeerIdentity{},
                           p.ips.empty() ? std::nullopt : std::optional<model::IpAddress>(p.ips.front()));
  walk.sender = sender_of(pod, Sender::Kind::Gateway);
  (void)service;
  add_provider_calls(walk, index);
  RouteDecision decision = first;
  if (verify_token(walk, index))
    decision = route_at_gateway(engine_.routes(), proxy, port, pod_port, walk.app);
  if (decision.tls_terminated) {
    walk.app.tls = false;
    walk.app.sni.clear();
  }
  follow(std::move(walk), decision, ServiceId{}, std::nullopt, port);
}

GatewayProxy PathBuilder::proxy_of(PodId pod) const {
  const model::Pod& p = cluster_.pod(pod);
  GatewayProxy proxy;
  proxy.gateway = gateway_of_pod(cluster_, pod);
  proxy.pod = pod;
  proxy.ns = p.meta.ns();
  proxy.labels = p.meta.labels;
  proxy.name = proxy.gateway != nullptr ? proxy.gateway->meta.name().str() : workload_name(pod);
  return proxy;
}

std::optional<model::IpAddress> PathBuilder::forwarded_client(const Walk& walk) const {
  const std::uint32_t trusted = cluster_.mesh().num_trusted_proxies;
  if (trusted == 0) return walk.sender.peer.address;
  std::vector<std::string> hops;
  for (const auto& [name, value] : walk.app.headers) {
    if (name != "x-forwarded-for") continue;
    std::size_t start = 0;
    while (start <= value.size()) {
      const std::size_t comma = std::min(value.find(',', start), value.size());
      std::string item = value.substr(start, comma - start);
      item.erase(0, item.find_first_not_of(' '));
      hops.push_back(item);
      start = comma + 1;
    }
  }
  if (hops.size() < trusted) return walk.sender.peer.address;
  return model::parse_ip(hops[hops.size() - trusted]);
}

// ---- waypoints ----

// L2, L7: HBONE to a waypoint pod. The original destination stays as CONNECT authority. `service` is invalid
// for pod-addressed traffic.
void PathBuilder::to_waypoint(Walk walk, const WaypointBinding& binding, ServiceId service, PodId pod,
                              std::uint16_t port) {
  const model::Gateway& gateway = *binding.gateway;
  const std::string mark = fmt::format("waypoint {}", gateway.meta.key.str());
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
  Leg& leg = add_leg(walk, Transport::Hbone, peer_of(proxy), binding.port, port);
  if (service.valid()) {
    const auto behind = cluster_.endpoints(service, port);
    if (!behind.empty()) leg.connection.target_port = behind.front().port;
  }
  const std::size_t index =
      add_hop(walk, HopKind::Waypoint, gateway.meta.ns().str(), gateway.meta.name().str(), proxy);
  Hop& hop = walk.path.hops[index];
  hop.seen_peer = walk.sender.identity;
  hop.identity = identity_of(cluster_, proxy);
  hop.facts.push_back(fact("waypoint binding", binding.reason));
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
  if (!service.valid() && !cluster_.pod(pod).ips.empty()) original = cluster_.pod(pod).ips.front();
  hop.request = request_at(walk, port, walk.sender.identity, original);
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

// ---- sidecars ----

void PathBuilder::client_sidecar(Walk walk, const Destination& destination) {
  const PodId pod = walk.sender.pod;
  const model::Pod& p = cluster_.pod(pod);
  if (destination.kind == Destination::Kind::Unknown) return fail_name(std::move(walk), destination);
  add_inner_leg(walk, destination.port);
  const std::size_t index = add_hop(walk, HopKind::Sidecar, p.meta.ns().str(), workload_name(pod), pod);
  walk.sender = sender_of(pod, Sender::Kind::Sidecar);
  Hop& hop = walk.path.hops[index];
  hop.identity = walk.sender.identity;
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
  add_leg(walk, transport, peer_of(pod), hbone ? std::uint16_t{15008} : port,
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
                           p.ips.empty() ? std::nullopt : std::optional<model::IpAddress>(p.ips.front()));
  walk.sender = sender_of(pod, Sender::Kind::Sidecar);
  add_provider_calls(walk, index);
  verify_token(walk, index);
  add_inner_leg(walk, port);
  arrive_application(std::move(walk), pod, port, service);
}

// ---- after the route ----

void PathBuilder::follow(Walk walk, const RouteDecision& decision, ServiceId own_service,
                         const std::optional<model::IpAddress>& dialled, std::uint16_t dialled_port) {
  Hop& hop = walk.path.hops.back();
  hop.facts.insert(hop.facts.end(), decision.trace.begin(), decision.trace.end());
  if (decision.reason.code.text.data() != nullptr && !decision.reason.code.text.empty())
    hop.facts.push_back(fact("route", decision.reason));
  walk.path.notes.insert(walk.path.notes.end(), decision.facts.begin(), decision.facts.end());
  walk.path.assumptions.insert(walk.path.assumptions.end(), decision.assumptions.begin(),
                               decision.assumptions.end());
  std::vector<ObjectAt> by;
  if (decision.reason.by) by.push_back(*decision.reason.by);
  switch (decision.kind) {
    case RouteDecision::Kind::Forward:
      for (const RouteTarget& target : decision.targets) {
        if (target.share <= 0.0) continue;
        Walk next = &target == &decision.targets.back() ? std::move(walk) : walk;
        next.path.share *= target.share;
        envoy_to_target(std::move(next), target, own_service, dialled, dialled_port);
      }
      return;
    case RouteDecision::Kind::Respond: {
      PathEnd end;
      end.outcome = Outcome::Allow;
      end.reason = decision.reason;
      end.deciders = by;
      end.response.status = decision.status;
      end.response.redirect = decision.redirect;
      if (decision.reason.by) end.response.answered_by = decision.reason.by->key.str();
      if (end.response.answered_by.empty() && decision.listener)
        end.response.answered_by = decision.listener->key.str();
      return finish(std::move(walk), std::move(end));
    }
    case RouteDecision::Kind::Refuse: {
      PathEnd end;
      end.outcome = Outcome::Unreachable;
      end.failure.kind = Failure::Kind::Answer;
      end.failure.status = decision.status;
      end.failure.flag = flag_of(decision.status);
      end.reason = decision.reason;
      end.deciders = by;
      return finish(std::move(walk), std::move(end));
    }
    case RouteDecision::Kind::NoListener:
      return fail(std::move(walk), Failure::Kind::NotListening, Outcome::Unreachable, decision.reason, by);
    case RouteDecision::Kind::NoFilterChain:
    case RouteDecision::Kind::Close:
      return fail(std::move(walk), Failure::Kind::Closed, Outcome::Unreachable, decision.reason, by);
    case RouteDecision::Kind::Unknown:
      walk.path.end.missing_facts.insert(walk.path.end.missing_facts.end(), decision.missing_facts.begin(),
                                         decision.missing_facts.end());
      return unknown(std::move(walk),
                     decision.reason.detail.empty() ? "which route is taken" : decision.reason.detail,
                     decision.reason.by);
  }
}

void PathBuilder::envoy_to_target(Walk walk, const RouteTarget& target, ServiceId own_service,
                                  const std::optional<model::IpAddress>& dialled,
                                  std::uint16_t dialled_port) {
  if (target.error_status != 0 && target.error == kRouteFault) {  // injected on purpose
    PathEnd end;
    end.outcome = Outcome::Allow;
    end.response.status = target.error_status;
    end.response.answered_by = target.by.key.str();
    end.reason = {target.error, target.by, target.error_detail};
    end.deciders.push_back(target.by);
    return finish(std::move(walk), std::move(end));
  }
  if (target.error_status != 0) {
    PathEnd end;
    end.outcome = Outcome::Unreachable;
    end.failure.kind = Failure::Kind::Answer;
    end.failure.status = target.error_status;
    end.failure.flag = flag_of(target.error_status);
    end.reason = {target.error, target.by, target.error_detail};
    end.deciders.push_back(target.by);
    return finish(std::move(walk), std::move(end));
  }
  rewrite(walk, target);
  if (target.original_destination) {
    // PassthroughCluster: plain bytes to the dialled address, even when a pod of the mesh is behind it.
    if (dialled_.kind == Destination::Kind::Pod && dialled_.pod.valid()) {
      const Transport transport = walk.app.tls ? Transport::Tls : Transport::Plaintext;
      return arrive_plain(std::move(walk), dialled_.pod, dialled_port, ServiceId{}, dialled_port, transport);
    }
    // Behind the proxy the kernel knows node ports and external addresses (O13).
    if (dialled_.node_port_service.valid() || (dialled_.by_external_address && dialled_.service.valid())) {
      walk.sender.kind = Sender::Kind::Plain;
      const bool node_port = dialled_.node_port_service.valid();
      return enter_service(std::move(walk), node_port ? dialled_.node_port_service : dialled_.service,
                           node_port ? dialled_.node_port_service_port : dialled_port);
    }
    if (dialled) return plain_to_address(std::move(walk), *dialled, dialled_port);
    Destination outside = dialled_;
    outside.kind = Destination::Kind::ExternalHost;
    outside.port = dialled_port;
    return ztunnel_passthrough(std::move(walk), outside);
  }
  if (!target.service.valid()) {
    return unknown(std::move(walk), fmt::format("what the route's destination {} is", target.host),
                   target.by);
  }
  envoy_to_service(std::move(walk), target.service, target.port, &target, target.service == own_service);
}

// EDS: endpoints of the service, or those of its waypoint for a gateway that is told to use it.
// Source: istio pilot/pkg/xds/endpoints/endpoint_builder.go findServiceWaypoint, BuildClusterLoadAssignment.
void PathBuilder::envoy_to_service(Walk walk, ServiceId service, std::uint16_t port,
                                   const RouteTarget* target, bool own_service) {
  const model::RegistryService& reg = cluster_.service(service);
  if (!own_service) {
    const WaypointBinding& binding = engine_.topology().binding(service);
    if (walk.sender.kind == Sender::Kind::Gateway && (binding.bound() || binding.label_at)) {
      const IngressWaypointUse use = ingress_uses_waypoint(cluster_, service);
      walk.path.hops.back().facts.push_back(fact("waypoint binding", binding.reason));
      walk.path.hops.back().facts.push_back(fact("ingress-use-waypoint", use.reason));
      walk.path.assumptions.insert(walk.path.assumptions.end(), binding.assumptions.begin(),
                                   binding.assumptions.end());
      if (use.uses && binding.bound()) return to_waypoints(std::move(walk), binding, service, port);
    }
    note_fail_open(walk, binding, service);
  }
  if (reg.external_name()) {
    Destination outside;
    outside.kind = Destination::Kind::ExternalHost;
    outside.host = reg.service->external_name;
    outside.port = port;
    return ztunnel_passthrough(std::move(walk), outside);
  }
  if (reg.entry != nullptr && reg.entry->resolution == model::Resolution::None) {
    Destination outside;
    outside.kind = Destination::Kind::ExternalHost;
    outside.host = reg.host;
    outside.port = port;
    outside.service = service;
    return ztunnel_passthrough(std::move(walk), outside);
  }
  EndpointChoice choice = usable_endpoints(cluster_, service, port, walk.sender.node, ProxyKind::Envoy);
  if (target != nullptr && !target->subset_labels.empty()) {
    std::erase_if(choice.endpoints, [&](const model::Endpoint& endpoint) {
      const model::Labels& labels =
          endpoint.pod.valid() ? cluster_.pod(endpoint.pod).meta.labels : endpoint.labels;
      return !std::all_of(target->subset_labels.begin(), target->subset_labels.end(), [&](const auto& pair) {
        return labels.get(pair.first) == std::string_view(pair.second);
      });
    });
    if (choice.endpoints.empty() && choice.detail.empty())
      choice.detail = fmt::format("subset {} of {} selects no ready pod", target->subset, reg.host);
  }
  if (choice.endpoints.empty()) return no_endpoint(std::move(walk), service, port, choice);
  walk.path.assumptions.insert(walk.path.assumptions.end(), choice.assumptions.begin(),
                               choice.assumptions.end());
  each_endpoint(std::move(walk), choice.endpoints, [&](Walk next, const model::Endpoint& endpoint) {
    envoy_to_endpoint(std::move(next), endpoint, service, port, target);
  });
}

// L3 to L12. Source: istio pilot/pkg/xds/endpoints/endpoint_builder.go buildEnvoyLbEndpoint.
void PathBuilder::envoy_to_endpoint(Walk walk, const model::Endpoint& endpoint, ServiceId service,
                                    std::uint16_t service_port, const RouteTarget* target) {
  using model::ClientTlsMode;
  const model::FeatureFlags& flags = cluster_.flags();
  const auto flag = [&](std::string_view name, bool otherwise) {
    return flags.boolean(flags.istiod, name).value_or(otherwise);
  };
  const bool waypoint = walk.sender.kind == Sender::Kind::Waypoint;
  // Source: istio pilot/pkg/features/ambient.go PILOT_ENABLE_SENDING_HBONE; waypoints always send HBONE.
  const bool sends_hbone = waypoint || flag("PILOT_ENABLE_SENDING_HBONE", true);
  const bool captured = sends_hbone && endpoint.pod.valid() && capture(endpoint.pod).redirected();
  // Of a DestinationRule or BackendTLSPolicy. Source: istio pilot/pkg/networking/core/cluster_tls.go.
  const bool originates = target != nullptr && target->upstream_tls &&
                          (!captured || cluster_.profile().has(model::Feature::BackendTlsThroughHbone));
  if (originates) {
    walk.app.tls = true;
    walk.path.assumptions.push_back(
        {kAssumeUpstreamTls,
         fmt::format("{} speaks TLS on port {} with a certificate that the proxy accepts{}",
                     service.valid() ? cluster_.service(service).host : endpoint.hostname, service_port,
                     target->upstream_sni.empty() ? std::string() : " for " + target->upstream_sni),
         target->by.pos});
  }
  const ClientTlsMode mode = target == nullptr ? ClientTlsMode::Unset : target->tls_mode;
  const Transport plain = walk.app.tls ? Transport::Tls : Transport::Plaintext;
  if (!endpoint.pod.valid()) return plain_to_endpoint(std::move(walk), endpoint, service, plain);  // L5
  const PodId pod = endpoint.pod;
  if (undecided_capture(walk, pod))
    return unknown(std::move(walk), "whether the destination pod is captured");
  const Capture& cap = capture(pod);
  if (captured) return arrive_hbone(std::move(walk), pod, endpoint.port, service);
  if (cap.dataplane == Dataplane::Sidecar) {
    // L22: legacy mutual TLS first, unless PILOT_PREFER_SENDING_HBONE; a waypoint's inbound clusters cannot
    // use it.
    const bool prefers = sends_hbone && flag("PILOT_PREFER_SENDING_HBONE", false);
    if ((waypoint || prefers) && cap.sidecar_hbone)
      return arrive_sidecar(std::move(walk), pod, endpoint.port, service, service_port, Transport::Hbone);
    // Source: istio pilot/pkg/xds/endpoints/mtls_checker.go checkMtlsEnabled: a DestinationRule's mode
    // decides alone; without one the sidecar's own PeerAuthentication does.
    const bool automatic =
        mode == ClientTlsMode::Unset && cluster_.mesh().enable_auto_mtls &&
        sidecar_mtls_mode(cluster_, cluster_.pod(pod), endpoint.port) != model::MtlsMode::Disable;
    const bool mtls = !waypoint && (mode == ClientTlsMode::IstioMutual || automatic);
    return arrive_sidecar(std::move(walk), pod, endpoint.port, service, service_port,
                          mtls ? Transport::Mtls : plain);
  }
  if (mode == ClientTlsMode::IstioMutual && !waypoint && cap.dataplane == Dataplane::None) {
    const std::string name = fmt::format("{}/{}", cluster_.pod(pod).meta.ns().view(), workload_name(pod));
    const ObjectAt by = target->rule_at.value_or(target->by);
    add_leg(walk, Transport::Mtls, peer_of(pod), endpoint.port, 0);
    add_hop(walk, HopKind::Application, cluster_.pod(pod).meta.ns().str(), workload_name(pod), pod);
    return fail(
        std::move(walk), Failure::Kind::Refuse, Outcome::Unreachable,
        {kRouteMtlsNotSpoken, by,
         fmt::format("tls mode ISTIO_MUTUAL towards {}, which has no proxy that terminates it", name)},
        {by});
  }
  arrive_plain(std::move(walk), pod, endpoint.port, service, service_port, plain);  // L4, L8
}

}  // namespace waypath::sim
