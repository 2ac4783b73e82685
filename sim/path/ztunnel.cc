// The client's ztunnel (ambient-path section 3, O0 to O19) and arrival at a pod with its redirection (section
// 2).

#include <fmt/format.h>

#include "model/istio/proxy_ports.h"
#include "sim/path/path_builder.h"
#include "sim/reasons/walk.h"
#include "sim/resolve/bare_endpoint.h"
#include "sim/resolve/interception.h"
#include "sim/resolve/protocol.h"
#include "sim/topology.h"

namespace waypath::sim {

namespace {

using model::PodId;
using model::ServiceId;

TraceNode binding_fact(const WaypointBinding& binding) {
  TraceNode fact;
  fact.layer = "waypoint binding";
  fact.reason = binding.reason;
  return fact;
}

// Of Service default/kubernetes. Source: kubernetes pkg/controlplane/instance.go (APIServerServicePort)
constexpr std::uint16_t kApiServerPort = 443;

}  // namespace

// R4: the pod's outbound TCP goes to ztunnel, which accepts before it knows whether the destination works
// (rule 0.1).
void PathBuilder::client_ztunnel(Walk walk, const Destination& destination) {
  const PodId pod = walk.sender.pod;
  // R5: a pod that dials its own address never leaves it.
  if (destination.kind == Destination::Kind::Pod && destination.pod == pod) {
    add_inner_leg(walk, destination.port);
    return arrive_application(std::move(walk), pod, destination.port, destination.service);
  }
  const model::Pod& p = cluster_.pod(pod);
  add_inner_leg(walk, destination.port);
  add_hop(walk, HopKind::Ztunnel, p.meta.ns().str(), p.meta.name().str(), pod);
  walk.sender = sender_of(pod, Sender::Kind::Ztunnel);
  walk.path.hops.back().identity = walk.sender.identity;
  switch (destination.kind) {
    case Destination::Kind::Service:
      if (destination.by_external_address) {  // O13
        walk.sender.kind = Sender::Kind::Plain;
        return enter_service(std::move(walk), destination.service, destination.port);
      }
      return ztunnel_to_service(std::move(walk), destination.service, destination.port);
    case Destination::Kind::Pod:
      return ztunnel_to_pod(std::move(walk), destination.pod, destination.port, ServiceId{}, 0);
    case Destination::Kind::Pods:  // O15: a headless name gives pod addresses
      return each_endpoint(
          std::move(walk), destination.endpoints, [&](Walk next, const model::Endpoint& endpoint) {
            if (endpoint.pod.valid())
              return ztunnel_to_pod(std::move(next), endpoint.pod, destination.port, ServiceId{}, 0);
            headless_address(std::move(next), endpoint, destination);
          });
    case Destination::Kind::Address:
    case Destination::Kind::Node:
      // O13: node ports and load balancer addresses are unknown to ztunnel; kube-proxy takes them from there.
      if (destination.node_port_service.valid()) {
        walk.sender.kind = Sender::Kind::Plain;
        return enter_service(std::move(walk), destination.node_port_service,
                             destination.node_port_service_port);
      }
      return ztunnel_passthrough(std::move(walk), destination);
    case Destination::Kind::ExternalName:
    case Destination::Kind::ExternalHost:
      return ztunnel_passthrough(std::move(walk), destination);
    case Destination::Kind::Unknown:
      return fail_name(std::move(walk), destination);
  }
}

// Source: istio/ztunnel src/proxy/outbound.rs build_request, src/state.rs find_upstream, load_balance.
void PathBuilder::ztunnel_to_service(Walk walk, ServiceId service, std::uint16_t port) {
  const model::RegistryService& reg = cluster_.service(service);
  const WaypointBinding& binding = engine_.topology().binding(service);
  if (binding.label_at || binding.bound()) walk.path.hops.back().facts.push_back(binding_fact(binding));
  walk.path.assumptions.insert(walk.path.assumptions.end(), binding.assumptions.begin(),
                               binding.assumptions.end());
  if (binding.bound()) return to_waypoints(std::move(walk), binding, service, port);  // O3
  note_fail_open(walk, binding, service);
  if (reg.entry != nullptr && reg.entry->resolution == model::Resolution::None &&
      cluster_.profile().has(model::Feature::ServiceEntryNonePassthrough)) {
    // O9: passthrough, whatever the port.
    Destination outside;
    outside.kind = Destination::Kind::ExternalHost;
    outside.host = reg.host;
    outside.port = port;
    outside.service = service;
    return ztunnel_passthrough(std::move(walk), outside);
  }
  // Before 636c69c6 ztunnel left what it cannot serve to kube-proxy.
  const bool dropped = cluster_.profile().has(model::Feature::NoHealthyUpstreamDropped);
  const auto to_kube_proxy = [&](Walk plain) {
    plain.sender.kind = Sender::Kind::Plain;
    plain.path.notes.push_back("this version's ztunnel passes the connection on to the ClusterIP");
    plain_to_service(std::move(plain), service, port);
  };
  if (reg.find_port(port) == nullptr) {  // O5
    if (!dropped) return to_kube_proxy(std::move(walk));
    return fail(std::move(walk), Failure::Kind::NoPort, Outcome::Unreachable,
                {kServicePortUnknown, object_at(reg.meta()), port_detail(reg, port)},
                {object_at(reg.meta())});
  }
  const EndpointChoice choice =
      usable_endpoints(cluster_, service, port, walk.sender.node, ProxyKind::Ztunnel);
  if (choice.endpoints.empty() && !dropped) return to_kube_proxy(std::move(walk));
  if (choice.endpoints.empty()) return no_endpoint(std::move(walk), service, port, choice);
  walk.path.assumptions.insert(walk.path.assumptions.end(), choice.assumptions.begin(),
                               choice.assumptions.end());
  each_endpoint(std::move(walk), choice.endpoints, [&](Walk next, const model::Endpoint& endpoint) {
    if (endpoint.pod.valid() && !listed_by_address(cluster_, service, endpoint))
      return ztunnel_to_pod(std::move(next), endpoint.pod, endpoint.port, service, port);
    model::Endpoint bare = endpoint;
    bare.pod = PodId{};
    const Transport transport = next.app.tls ? Transport::Tls : Transport::Plaintext;
    plain_to_endpoint(std::move(next), bare, service, transport);  // O8
  });
}

// `service` is invalid for workload-addressed traffic: then the pod's own waypoint counts (O6).
void PathBuilder::ztunnel_to_pod(Walk walk, PodId pod, std::uint16_t port, ServiceId service,
                                 std::uint16_t service_port) {
  if (!service.valid() && !cluster_.pod(pod).spec.host_network) {
    const WaypointBinding binding = bind_pod(cluster_, pod);
    if (binding.label_at || binding.bound()) walk.path.hops.back().facts.push_back(binding_fact(binding));
    walk.path.assumptions.insert(walk.path.assumptions.end(), binding.assumptions.begin(),
                                 binding.assumptions.end());
    if (binding.bound()) return to_waypoint(std::move(walk), binding, ServiceId{}, pod, port);
  }
  if (undecided_capture(walk, pod))
    return unknown(std::move(walk), "whether the destination pod is captured");
  const Capture& cap = capture(pod);
  if (pod == walk.sender.pod) {  // L21
    add_inner_leg(walk, port);
    return arrive_application(std::move(walk), pod, port, service);
  }
  if (cap.redirected()) return arrive_hbone(std::move(walk), pod, port, service);  // O7, L1
  if (cap.dataplane == Dataplane::Sidecar && cap.sidecar_hbone)                    // L10
    return arrive_sidecar(std::move(walk), pod, port, service, service_port, Transport::Hbone);
  const Transport transport = walk.app.tls ? Transport::Tls : Transport::Plaintext;
  arrive_plain(std::move(walk), pod, port, service, service_port, transport);  // O8, L11, L13
}

// W11: two waypoints share the connections.
void PathBuilder::to_waypoints(Walk walk, const WaypointBinding& binding, ServiceId service,
                               std::uint16_t port) {
  if (binding.canary != nullptr) {
    const double share = binding.canary_weight / 100.0;
    Walk canary = walk;
    canary.path.share *= share;
    walk.path.share *= 1.0 - share;
    to_waypoint(std::move(canary), *binding.canary, service, PodId{}, port);
    if (binding.canary_weight == 100) return;
  }
  to_waypoint(std::move(walk), binding, service, PodId{}, port);
}

// An EndpointSlice's address behind a headless name: the port is the client's.
void PathBuilder::headless_address(Walk walk, model::Endpoint endpoint, const Destination& destination) {
  endpoint.port = destination.port;
  const Transport transport = walk.app.tls ? Transport::Tls : Transport::Plaintext;
  plain_to_endpoint(std::move(walk), endpoint, destination.service, transport);
}

// Whether the egress policies of the pod say the same of any address and port that the API server may have: a
// process in a node's network, which selectors of pods do not mean.
bool PathBuilder::api_server_decided(PodId pod) const {
  if (!pod.valid() || cluster_.pod(pod).spec.host_network) return true;
  const auto others = cluster_.snapshot().all<model::UnmodelledPolicy>();
  if (!cluster_.snapshot().all<model::ClusterPolicy>().empty() ||
      std::any_of(others.begin(), others.end(),
                  [](const auto& p) { return p->meta.key.kind.view().ends_with("NetworkPolicy"); }))
    return false;
  bool possible = false;
  for (const auto& policy : cluster_.snapshot().all<model::NetworkPolicy>()) {
    if (policy->meta.ns() != cluster_.pod(pod).meta.ns() || !policy->affects_egress ||
        !policy->pod_selector.matches(cluster_.pod(pod).meta.labels))
      continue;
    for (const model::NetworkPolicyRule& rule : policy->egress) {
      const bool peers =
          rule.peers.empty() || std::any_of(rule.peers.begin(), rule.peers.end(),
                                            [](const auto& p) { return p.ip_block.has_value(); });
      const bool ports =
          rule.ports.empty() || std::any_of(rule.ports.begin(), rule.ports.end(),
                                            [](const auto& p) { return p.protocol == model::Protocol::Tcp; });
      if (rule.peers.empty() && rule.ports.empty()) return true;
      possible = possible || (peers && ports);
    }
  }
  return !possible;
}

// O9, and every other connection to something that is no pod and no service here.
void PathBuilder::ztunnel_passthrough(Walk walk, const Destination& destination) {
  if (destination.api_server && destination.port != kApiServerPort) {
    return fail(std::move(walk), Failure::Kind::NoPort, Outcome::Unreachable,
                {kServicePortUnknown, std::nullopt,
                 fmt::format("{} has port {} alone", destination.host, kApiServerPort)});
  }
  if (destination.api_server && !api_server_decided(walk.sender.pod)) {
    return unknown(std::move(walk),
                   "address and port of the API server, behind " + destination.host +
                       ": egress policies of the client are asked about these, not about the Service's");
  }
  model::Endpoint endpoint;
  endpoint.address = destination.address;
  endpoint.hostname = destination.host;
  endpoint.port = destination.port;
  if (!endpoint.address) {
    std::string detail = destination.api_server
                             ? fmt::format("the API server answers behind {}", destination.host)
                             : fmt::format("{} exists outside the cluster and answers on port {}",
                                           destination.host, destination.port);
    for (const std::string& name : destination.near_names)
      detail += fmt::format("; or is Service {} meant?", name);
    walk.path.assumptions.push_back({kAssumeExternalName, std::move(detail), {}});
  }
  const Transport transport = walk.app.tls ? Transport::Tls : Transport::Plaintext;
  plain_to_endpoint(std::move(walk), endpoint, destination.service, transport);
}

// L1, L3, L6, L12: CONNECT to the pod's ztunnel; policies there see the inner port (I5) and the sender's
// identity.
void PathBuilder::arrive_hbone(Walk walk, PodId pod, std::uint16_t port, ServiceId service) {
  const model::Pod& p = cluster_.pod(pod);
  if (walk.sender.kind != Sender::Kind::Ztunnel && walk.sender.pod.valid() &&
      capture(walk.sender.pod).redirected()) {  // L26
    return fail(
        std::move(walk), Failure::Kind::Refuse, Outcome::Unreachable,
        {kHboneInHbone, object_at(p.meta),
         "the sending proxy opens HBONE and its own pod is captured: the tunnel would be tunnelled again"});
  }
  add_leg(walk, Transport::Hbone, peer_reached(walk, pod), model::kHbonePort, port);
  const std::size_t index = add_hop(walk, HopKind::Ztunnel, p.meta.ns().str(), p.meta.name().str(), pod);
  Hop& hop = walk.path.hops[index];
  hop.seen_peer = walk.sender.identity;
  hop.point = ztunnel_point(pod);
  hop.request = request_at(walk, port, walk.sender.identity, peer_reached(walk, pod).address);
  if (capture(pod).bypass_inbound && !cluster_.profile().has(model::Feature::BypassInboundCaptureWorks)) {
    return fail(std::move(walk), Failure::Kind::Unanswered, Outcome::Timeout,
                {kHboneNotSpoken, object_at(p.meta),
                 "ambient.istio.io/bypass-inbound-capture breaks inbound HBONE in this version"});
  }
  // O18: ztunnel refuses to tunnel to its own ports.
  if (port == model::kOutboundPort || port == model::kInboundPort || port == model::kHbonePort) {
    return fail(std::move(walk), Failure::Kind::Refuse, Outcome::Unreachable,
                {kHboneInHbone, object_at(p.meta), fmt::format("port {} is ztunnel's own", port)});
  }
  add_inner_leg(walk, port);
  if (capture(pod).dataplane == Dataplane::Gateway && !model::is_proxy_status_port(port))
    return enter_gateway(std::move(walk), pod, port, port, service);
  arrive_application(std::move(walk), pod, port, service);
}

void PathBuilder::arrive_plain(Walk walk, PodId pod, std::uint16_t port, ServiceId service,
                               std::uint16_t service_port, Transport transport) {
  if (undecided_capture(walk, pod))
    return unknown(std::move(walk), "whether the destination pod is captured");
  const model::Pod& p = cluster_.pod(pod);
  const Capture& cap = capture(pod);
  const auto node = cluster_.node_of(pod);
  const bool tcp = walk.protocol == model::Protocol::Tcp;
  if (cap.dataplane == Dataplane::Sidecar && tcp && !walk.sender.probe) {
    const Interception sidecar = inbound_interception(p, port);
    if (sidecar.taken) return arrive_sidecar(std::move(walk), pod, port, service, service_port, transport);
    walk.path.notes.push_back(sidecar.detail);
    walk.path.deciders.push_back(*sidecar.by);
  }
  // K1, K5: a process in the node's own network namespace reaches captured pods of its node directly (R2).
  bool direct = walk.sender.probe;
  if (walk.sender.host_process && !direct && cap.redirected() && tcp) {
    if (node && walk.sender.node.valid()) {
      direct = *node == walk.sender.node;
    } else {
      walk.path.assumptions.push_back(
          {kAssumeSameNode, "client and destination are on different nodes: the manifests do not place both",
           p.meta.pos});
    }
    if (direct)
      walk.path.notes.push_back("a process of the pod's own node: ztunnel and its policies are skipped");
  }
  Leg& leg = add_leg(walk, transport, peer_reached(walk, pod), port, 0);
  if (direct) leg.connection.kubelet_probe = true;
  // A headless Service gives the pod's own address, which no policy is asked about.
  leg.connection.self_via_service =
      leg.connection.self && service.valid() && !cluster_.service(service).headless();
  if (cap.redirected() && !cap.bypass_inbound && !direct && tcp) {
    // R3: any other inbound TCP goes to ztunnel's plaintext port; no identity (L15).
    const std::size_t index = add_hop(walk, HopKind::Ztunnel, p.meta.ns().str(), p.meta.name().str(), pod);
    if (port == model::kHbonePort) {
      return fail(
          std::move(walk), Failure::Kind::Refuse, Outcome::Unreachable,
          {kHboneNotSpoken, object_at(p.meta), "port 15008 takes HBONE with a mesh certificate only"});
    }
    Hop& hop = walk.path.hops[index];
    hop.point = ztunnel_point(pod);
    hop.request = request_at(walk, port, PeerIdentity{}, peer_reached(walk, pod).address);
    add_inner_leg(walk, port);
  }
  const bool gateway = cap.dataplane == Dataplane::Gateway && !model::is_proxy_status_port(port);
  if (gateway)
    return enter_gateway(std::move(walk), pod, service_port == 0 ? port : service_port, port, service);
  arrive_application(std::move(walk), pod, port, service);
}

// The last leg is done: the bytes are in the pod, on `port`.
void PathBuilder::arrive_application(Walk walk, PodId pod, std::uint16_t port, ServiceId service) {
  const model::Pod& p = cluster_.pod(pod);
  const Capture& cap = capture(pod);
  if (cap.dataplane == Dataplane::Waypoint && !model::is_proxy_status_port(port)) {
    // W9, P11: a waypoint takes HBONE on its one port; nothing else listens.
    if (port == model::kHbonePort) {
      add_hop(walk, HopKind::Waypoint, p.meta.ns().str(), workload_name(pod), pod);
      return fail(
          std::move(walk), Failure::Kind::Refuse, Outcome::Unreachable,
          {kWaypointPlaintext, object_at(p.meta), "the waypoint takes HBONE with a mesh certificate only"});
    }
    add_hop(walk, HopKind::Waypoint, p.meta.ns().str(), workload_name(pod), pod);
    return fail(
        std::move(walk), Failure::Kind::NotListening, Outcome::Unreachable,
        {kNotListening, object_at(p.meta), fmt::format("a waypoint does not listen on port {}", port)});
  }
  add_hop(walk, HopKind::Application, p.meta.ns().str(), workload_name(pod), pod);
  const std::string backend = service.valid()
                                  ? backend_name(service)
                                  : fmt::format("{}/{}", p.meta.ns().view(), p.meta.name().view());
  arrived(std::move(walk), pod, port, service, backend);
}

PolicyPoint PathBuilder::ztunnel_point(PodId pod) const {
  const model::Pod& p = cluster_.pod(pod);
  PolicyPoint point;
  point.kind = PolicyPoint::Kind::Ztunnel;
  point.ns = p.meta.ns();
  point.labels = p.meta.labels;
  point.workload_name = p.meta.name();
  point.http = false;
  return point;
}

// F21, W8: a named waypoint that does not serve is skipped in silence.
void PathBuilder::note_fail_open(Walk& walk, const WaypointBinding& binding, ServiceId service) const {
  if (!binding.fails_open()) return;
  if (binding.label_at) walk.path.deciders.push_back(*binding.label_at);
  walk.path.notes.push_back(
      fmt::format("{} names waypoint {}/{}, which does not serve it: traffic goes direct and L7 "
                  "policy is skipped (condition istio.io/WaypointBound=False)",
                  cluster_.service(service).meta().key.str(), binding.named_ns, binding.named));
}

}  // namespace waypath::sim
