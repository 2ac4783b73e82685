// The Envoys: gateways, waypoints and sidecars. How each is entered, what its routes say, how it sends on (L2
// to L12, L18, L22).

#include <fmt/format.h>

#include <algorithm>

#include "sim/match/route_match.h"
#include "sim/path/path_builder.h"
#include "sim/policy/peer_authentication.h"
#include "sim/reasons/route.h"
#include "sim/reasons/walk.h"
#include "sim/resolve/bare_endpoint.h"
#include "sim/topology.h"

namespace waypath::sim {

namespace {

using model::PodId;
using model::ServiceId;

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

model::Endpoint bare(model::Endpoint endpoint) {
  endpoint.pod = PodId{};
  return endpoint;
}

std::string flag_of(int status) {
  if (status == 404) return "NR";
  return status == 503 ? "NC" : "";
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
  const auto kind =
      proxy.gateway != nullptr ? PolicyPoint::Kind::GatewayApi : PolicyPoint::Kind::ClassicGateway;
  // Whether it reads HTTP is told by its listener; where it does, the headers are there before a route is
  // chosen.
  const auto client = client_seen(walk, kind, true);
  const Headers sent = walk.app.headers;
  add_forwarding_headers(walk);
  const RouteDecision first = route_at_gateway(engine_.routes(), proxy, port, pod_port, walk.app);
  if (!first.http) walk.app.headers = sent;
  Hop& hop = walk.path.hops[index];
  hop.identity = identity_of(cluster_, pod);
  hop.facts = first.trace;
  if (first.kind == RouteDecision::Kind::NoListener) {
    return fail(std::move(walk), Failure::Kind::NotListening, Outcome::Unreachable, first.reason);
  }
  if (first.kind == RouteDecision::Kind::NoFilterChain) {
    return fail(std::move(walk), Failure::Kind::Closed, Outcome::Unreachable, first.reason);
  }
  PolicyPoint point;
  point.kind = kind;
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
  hop.request = request_at(walk, pod_port, PeerIdentity{}, peer_reached(walk, pod).address);
  if (first.http) hop.request.remote_ip = client;
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

// ---- after the route ----

void PathBuilder::follow(Walk walk, const RouteDecision& decision, ServiceId own_service,
                         const std::optional<model::IpAddress>& dialled, std::uint16_t dialled_port) {
  Hop& hop = walk.path.hops.back();
  hop.facts.insert(hop.facts.end(), decision.trace.begin(), decision.trace.end());
  if (decision.reason.code.text.data() != nullptr && !decision.reason.code.text.empty())
    hop.facts.push_back(fact_node("route", decision.reason));
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
    // And kube-proxy the ClusterIPs that this proxy does not: of Services that it does not import, or another
    // port.
    if (dialled_.kind == Destination::Kind::Service && !dialled_.by_external_address &&
        cluster_.service(dialled_.service).service != nullptr) {
      walk.sender.kind = Sender::Kind::Plain;
      return plain_to_service(std::move(walk), dialled_.service, dialled_port);
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
      walk.path.hops.back().facts.push_back(fact_node("waypoint binding", binding.reason));
      walk.path.hops.back().facts.push_back(fact_node("ingress-use-waypoint", use.reason));
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
  if (!reg.external_name() && reg.find_port(port) == nullptr) {  // no such cluster
    return fail(std::move(walk), Failure::Kind::NoUpstream, Outcome::Unreachable,
                {kServicePortUnknown, object_at(reg.meta()), port_detail(reg, port)},
                {object_at(reg.meta())});
  }
  if (reg.entry != nullptr && reg.entry->resolution == model::Resolution::DynamicDns)
    return envoy_to_dynamic_dns(std::move(walk), service, port);
  // A gateway knows no original destination: its cluster takes endpoints, and resolution NONE lists none.
  // Source: istio pilot/pkg/networking/core/cluster.go convertResolution.
  const bool gateway = walk.sender.kind == Sender::Kind::Gateway;
  if (reg.entry != nullptr && reg.entry->resolution == model::Resolution::None && !gateway) {
    Destination outside;
    outside.kind = Destination::Kind::ExternalHost;
    outside.host = reg.host;
    outside.port = port;
    outside.service = service;
    return ztunnel_passthrough(std::move(walk), outside);
  }
  if (reg.service != nullptr && reg.headless() && !gateway &&
      !istiod_flag("PILOT_ENABLE_EDS_FOR_HEADLESS_SERVICES", false)) {
    if (walk.sender.kind == Sender::Kind::Sidecar)
      return sidecar_to_headless(std::move(walk), service, port, target);
    if (!auxiliary_) {
      return unknown(
          std::move(walk),
          fmt::format("where a waypoint's route to the headless Service {} leads: its cluster sends "
                      "to the original destination (ORIGINAL_DST), not to the Service's endpoints",
                      reg.host),
          target != nullptr ? std::optional(target->by) : std::nullopt);
    }
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
  const bool waypoint = walk.sender.kind == Sender::Kind::Waypoint;
  // Source: istio pilot/pkg/features/ambient.go PILOT_ENABLE_SENDING_HBONE; waypoints always send HBONE.
  const bool sends_hbone = waypoint || istiod_flag("PILOT_ENABLE_SENDING_HBONE", true);
  // The address of a captured pod is reached by that pod's tunnel, whatever lists it; any other is that of a
  // pod when it is one of the Service's namespace. Source: istio
  // pilot/pkg/xds/endpoints/endpoint_builder.go supportTunnel, pilot/pkg/model/push_context.go
  // SupportsTunnel; serviceregistry/kube/controller/endpointslice.go getPod.
  PodId pod = endpoint.pod;
  if (!pod.valid() && endpoint.address) pod = cluster_.pod_by_ip(*endpoint.address);
  const bool captured = sends_hbone && pod.valid() && capture(pod).redirected();
  const bool foreign = pod.valid() && listed_by_address(cluster_, service, endpoint) &&
                       !(cluster_.pod(pod).meta.ns() == cluster_.service(service).ns);
  if (!captured && (foreign || !endpoint.pod.valid())) pod = PodId{};
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
  if (!pod.valid()) return plain_to_endpoint(std::move(walk), bare(endpoint), service, plain);  // L5
  if (undecided_capture(walk, pod))
    return unknown(std::move(walk), "whether the destination pod is captured");
  const Capture& cap = capture(pod);
  if (captured) return arrive_hbone(std::move(walk), pod, endpoint.port, service);
  if (cap.dataplane == Dataplane::Sidecar) {
    // L22: legacy mutual TLS first, unless PILOT_PREFER_SENDING_HBONE; a waypoint's inbound clusters, of the
    // Services that it serves itself, cannot use it.
    const bool inbound = waypoint && inbound_cluster(walk, service);
    const bool prefers = sends_hbone && istiod_flag("PILOT_PREFER_SENDING_HBONE", false);
    if ((inbound || prefers) && cap.sidecar_hbone)
      return arrive_sidecar(std::move(walk), pod, endpoint.port, service, service_port, Transport::Hbone);
    const bool mtls =
        !inbound &&
        (mode == ClientTlsMode::IstioMutual ||
         (mode == ClientTlsMode::Unset && automatic_mtls(service, cluster_.pod(pod), endpoint.port)));
    return arrive_sidecar(std::move(walk), pod, endpoint.port, service, service_port,
                          mtls ? Transport::Mtls : plain);
  }
  if (mode == ClientTlsMode::IstioMutual && cap.dataplane == Dataplane::None &&
      !(waypoint && inbound_cluster(walk, service))) {
    return mtls_not_spoken(std::move(walk), endpoint, *target);
  }
  arrive_plain(std::move(walk), pod, endpoint.port, service, service_port, plain);  // L4, L8
}

bool PathBuilder::istiod_flag(std::string_view name, bool otherwise) const {
  const model::FeatureFlags& flags = cluster_.flags();
  return flags.boolean(flags.istiod, name).value_or(otherwise);
}

// "inbound-vip|...": of the Services that this waypoint serves, and of pods that it is dialled for;
// everything else that a waypoint sends to, providers of authorization included, has an "outbound|..."
// cluster. Source: istio pilot/pkg/networking/core/cluster_waypoint.go buildWaypointInboundVIP, cluster.go
// filterWaypointOutboundServices.
bool PathBuilder::inbound_cluster(const Walk& walk, ServiceId service) const {
  if (auxiliary_) return false;
  if (!service.valid()) return true;
  const model::Gateway* own = gateway_of_pod(cluster_, walk.sender.pod);
  const WaypointBinding& binding = engine_.topology().binding(service);
  const auto same = [&](const WaypointBinding& b) {
    return own != nullptr && b.bound() && b.gateway->meta.key == own->meta.key;
  };
  return same(binding) || (binding.canary != nullptr && same(*binding.canary));
}

// Without a mode in a DestinationRule: the cluster offers mutual TLS unless the namespace says DISABLE or the
// service lies outside the mesh, and the endpoint takes it unless its own PeerAuthentication says DISABLE.
// Source: istio pilot/pkg/networking/core/cluster_tls.go buildUpstreamTLSSettings;
// pilot/pkg/xds/endpoints/mtls_checker.go checkMtlsEnabled.
bool PathBuilder::automatic_mtls(ServiceId service, const model::Pod& pod, std::uint16_t port) const {
  if (!cluster_.mesh().enable_auto_mtls) return false;
  if (service.valid()) {
    const model::RegistryService& reg = cluster_.service(service);
    if (reg.entry != nullptr && !reg.entry->mesh_internal) return false;
    if (namespace_mtls_mode(cluster_, reg.ns) == model::MtlsMode::Disable) return false;
  }
  return sidecar_mtls_mode(cluster_, pod, port) != model::MtlsMode::Disable;
}

// A DestinationRule demands mutual TLS of the mesh from an application without a proxy.
void PathBuilder::mtls_not_spoken(Walk walk, const model::Endpoint& endpoint, const RouteTarget& target) {
  const PodId pod = endpoint.pod;
  const std::string name = fmt::format("{}/{}", cluster_.pod(pod).meta.ns().view(), workload_name(pod));
  const ObjectAt by = target.rule_at.value_or(target.by);
  add_leg(walk, Transport::Mtls, peer_reached(walk, pod), endpoint.port, 0);
  add_hop(walk, HopKind::Application, cluster_.pod(pod).meta.ns().str(), workload_name(pod), pod);
  return fail(std::move(walk), Failure::Kind::Refuse, Outcome::Unreachable,
              {kRouteMtlsNotSpoken, by,
               fmt::format("tls mode ISTIO_MUTUAL towards {}, which has no proxy that terminates it", name)},
              {by});
}

// A dynamic forward proxy: the host of each request is resolved by DNS. A waypoint has it for the Services
// that it serves, on HTTP ports, and on TLS ports by a flag; other proxies have it in some versions. Source:
// istio pilot/pkg/networking/core/cluster_waypoint.go buildWaypointInboundVIP; releasenotes/notes
// se-wildcard-host.yaml, se-wildcard-tls-host.yaml, se-wildcard-host-sidecar.yaml.
void PathBuilder::envoy_to_dynamic_dns(Walk walk, ServiceId service, std::uint16_t port) {
  const model::RegistryService& reg = cluster_.service(service);
  if (walk.sender.kind != Sender::Kind::Waypoint || !inbound_cluster(walk, service)) {
    return unknown(
        std::move(walk),
        fmt::format("whether this version's proxies resolve hosts of {} (DYNAMIC_DNS) elsewhere than at "
                    "the waypoint that serves it",
                    reg.meta().key.str()),
        object_at(reg.meta()));
  }
  const std::string protocol = lower_case(reg.find_port(port)->app_protocol);
  const bool tls = protocol == "tls" && istiod_flag("ENABLE_WILDCARD_HOST_SERVICE_ENTRIES_FOR_TLS", false);
  if (protocol != "http" && !tls) {
    return fail(std::move(walk), Failure::Kind::Closed, Outcome::Unreachable,
                {kWaypointNoChain, object_at(reg.meta()),
                 fmt::format("a waypoint resolves DYNAMIC_DNS hosts on HTTP ports only; port {} is {}", port,
                             protocol.empty() ? "not declared" : protocol)},
                {object_at(reg.meta())});
  }
  Destination outside;
  outside.kind = Destination::Kind::ExternalHost;
  outside.host = tls ? walk.app.sni : host_without_port(walk.app.host);
  outside.port = port;
  outside.service = service;
  ztunnel_passthrough(std::move(walk), outside);
}

}  // namespace waypath::sim
