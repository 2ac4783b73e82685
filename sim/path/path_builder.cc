// The start of the walk, and the pieces that every step uses.

#include "sim/path/path_builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/istio/proxy_ports.h"
#include "sim/exposure.h"
#include "sim/match/forwarded_for.h"
#include "sim/reasons/walk.h"
#include "sim/resolve/address_like.h"
#include "sim/topology.h"

namespace waypath::sim {

namespace {

using model::IpAddress;
using model::PodId;
using model::ServiceId;

// A token stands in a header or cookie of the request, where conditions on headers see it.
void show_token(const Token& token, Headers& headers) {
  const std::string text = token.raw.empty() ? "<token of " + token.issuer + ">" : token.raw;
  if (token.where == Token::Where::Header) {
    std::string name = token.name;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (std::none_of(headers.begin(), headers.end(), [&](const auto& h) { return h.first == name; }))
      headers.emplace_back(name, token.prefix + text);
  } else if (token.where == Token::Where::Cookie) {
    const auto cookie =
        std::find_if(headers.begin(), headers.end(), [](const auto& h) { return h.first == "cookie"; });
    if (cookie == headers.end())
      headers.emplace_back("cookie", token.name + "=" + text);
    else
      cookie->second += "; " + token.name + "=" + text;
  }
}

/// Whether the source address of the last leg is one of several.
bool several_sources(const Walk& walk) {
  return !walk.path.legs.empty() && walk.path.legs.back().possible_sources.size() > 1;
}

}  // namespace

ObjectAt object_at(const model::ObjectMeta& meta, model::SourcePos pos) {
  ObjectAt at;
  at.key = meta.key;
  at.pos = pos.known() ? pos : meta.pos;
  return at;
}

std::vector<Path> build_paths(const Engine& engine, const Flow& flow, const Assume& assume,
                              model::Diagnostics& diagnostics) {
  return PathBuilder(engine, flow, assume, diagnostics).build();
}

std::vector<Path> PathBuilder::build() {
  const std::optional<Target> target = parse_target(flow_, diagnostics_);
  const std::vector<Client> clients = resolve_client(cluster_, flow_, diagnostics_, &engine_.topology());
  if (!target || clients.empty()) return {};
  // From here on: the flow itself is sound; whatever is wrong is an outcome.
  for (const Client& client : clients) start(client, *target);
  for (Path& path : out_) note_bypasses(path);
  std::stable_sort(out_.begin(), out_.end(), [](const Path& a, const Path& b) { return a.share > b.share; });
  return std::move(out_);
}

std::vector<Path> PathBuilder::build_call(const Walk& caller, ServiceId service, std::uint16_t port) {
  auxiliary_ = true;
  Walk walk;
  walk.sender = caller.sender;
  walk.entered = caller.entered;
  const Hop& at = caller.path.hops.back();
  Hop hop;
  hop.kind = at.kind;
  hop.vertex = at.vertex;
  hop.ns = at.ns;
  hop.name = at.name;
  hop.pod = at.pod;
  hop.identity = at.identity;
  walk.path.hops.push_back(std::move(hop));
  walk.app.app = RouteRequest::App::Grpc;
  walk.app.method = "POST";
  walk.app.host = cluster_.service(service).host;
  envoy_to_service(std::move(walk), service, port, nullptr, false);
  return std::move(out_);
}

Walk PathBuilder::new_walk(const Target& target) const {
  Walk walk;
  walk.protocol = transport_protocol(target);
  walk.app.app = target.app;
  walk.app.tls = target.scheme == "https" || target.scheme == "tls";
  // Source: github.com/grpc/grpc doc/PROTOCOL-HTTP2.md (Method: every call is a POST)
  const bool call = target.app == RouteRequest::App::Grpc && flow_.method == "GET";
  walk.app.method = call ? "POST" : flow_.method;
  walk.app.scheme = target.scheme == "https" ? "https" : "http";
  walk.app.host = target.authority;
  walk.app.path = target.path.empty() ? "/" : target.path;
  walk.app.headers = flow_.headers;
  for (const auto& [name, value] : flow_.headers) {
    if (name == "host" || name == ":authority") walk.app.host = value;
  }
  walk.app.sni = !flow_.sni.empty() ? flow_.sni : (target.is_ip ? std::string() : target.host);
  walk.tokens = flow_.tokens;
  for (const Token& token : flow_.tokens) show_token(token, walk.app.headers);
  if (!target.is_ip) walk.dialled_name = target.host;
  return walk;
}

void PathBuilder::start(const Client& client, const Target& target) {
  Walk walk = new_walk(target);
  walk.path.share = client.share;
  walk.path.assumptions = client.assumptions;
  walk.sender.node = client.node;
  walk.sender.probe = client.kubelet_probe;
  // What a client in the cluster dials; from_outside reads it for itself.
  const Target dialled = flow_.connect_to.empty() ? target : parse_connect_to(flow_, target);
  if (!flow_.connect_to.empty() && (client.pod.valid() || client.kind == HopKind::Node))
    walk.dialled_name = dialled.is_ip ? std::string() : dialled.host;
  if (client.pod.valid()) {
    from_pod(std::move(walk), client, dialled);
    return;
  }
  walk.sender.peer.node = client.node;
  walk.sender.peer.address = client.address;
  const bool in_cluster = client.kind == HopKind::Node;
  walk.sender.host_process = in_cluster;
  add_hop(walk, client.kind, "", client.name, PodId{});
  if (!in_cluster) {
    from_outside(std::move(walk), client, target);
    return;
  }
  const Destination destination = resolve_destination(cluster_, published(engine_.routes()), client, dialled);
  walk.dialled_address = destination.address;
  add_lookups(walk, client, destination);
  from_plain(std::move(walk), destination);
}

void PathBuilder::from_pod(Walk walk, const Client& client, const Target& target) {
  const model::Pod& pod = cluster_.pod(client.pod);
  const Capture& cap = capture(client.pod);
  walk.sender = sender_of(client.pod, Sender::Kind::Plain);
  add_hop(walk, HopKind::Client, pod.meta.ns().str(), workload_name(client.pod), client.pod);
  Hop& hop = walk.path.hops.back();
  hop.identity = {};
  TraceNode fact;
  fact.layer = "capture";
  fact.reason = cap.reason;
  hop.facts.push_back(std::move(fact));
  if (undecided_capture(walk, client.pod))
    return unknown(std::move(walk), "whether the client pod is captured");
  const Destination destination = resolve_destination(cluster_, published(engine_.routes()), client, target);
  walk.dialled_address = destination.address;
  add_lookups(walk, client, destination);
  const bool proxy = cap.dataplane == Dataplane::Gateway || cap.dataplane == Dataplane::Waypoint;
  if (proxy || flow_.tunnel) return from_proxy_pod(std::move(walk), client, destination);
  // R7: only TCP is redirected.
  if (walk.protocol != model::Protocol::Tcp) return from_plain(std::move(walk), destination);
  switch (cap.dataplane) {
    case Dataplane::Ambient:
      return client_ztunnel(std::move(walk), destination);
    case Dataplane::Sidecar:
      return client_sidecar(std::move(walk), destination);
    case Dataplane::None:
    case Dataplane::Gateway:
    case Dataplane::Waypoint:
      return from_plain(std::move(walk), destination);
  }
}

// A gateway's or waypoint's own Envoy opens the connection (L3 to L9, L18): it speaks HBONE and mTLS itself.
void PathBuilder::from_proxy_pod(Walk walk, const Client& client, const Destination& destination) {
  const Capture& cap = capture(client.pod);
  const bool waypoint = cap.dataplane == Dataplane::Waypoint;
  walk.sender.kind = cap.dataplane == Dataplane::Gateway ? Sender::Kind::Gateway : Sender::Kind::Waypoint;
  if (waypoint || cap.dataplane == Dataplane::Gateway) {
    Hop& hop = walk.path.hops.back();
    hop.identity = walk.sender.identity;
    if (!flow_.tunnel) {
      walk.path.assumptions.push_back(
          {kAssumeProxyClient,
           fmt::format("the connection is opened by the Envoy of pod {}/{}, not by a shell in it", hop.ns,
                       cluster_.pod(client.pod).meta.name().view()),
           {}});
    }
  }
  if (flow_.tunnel && !flow_.connect_to.empty() && destination.kind == Destination::Kind::Pod &&
      destination.port == model::kHbonePort && !cap.redirected() && capture(destination.pod).redirected())
    return own_tunnel(std::move(walk), client, destination.pod);
  switch (destination.kind) {
    case Destination::Kind::Service:
      if (destination.by_external_address) {
        walk.sender.kind = Sender::Kind::Plain;
        return from_plain(std::move(walk), destination);
      }
      return envoy_to_service(std::move(walk), destination.service, destination.port, nullptr, false);
    case Destination::Kind::Pod: {
      model::Endpoint endpoint;
      endpoint.pod = destination.pod;
      endpoint.port = destination.port;
      return envoy_to_endpoint(std::move(walk), endpoint, ServiceId{}, destination.port, nullptr);
    }
    case Destination::Kind::Pods:  // the cluster of the Service, whose endpoints a gateway takes like any
                                   // other's
      if (cluster_.service(destination.service).find_port(destination.port) != nullptr)
        return envoy_to_service(std::move(walk), destination.service, destination.port, nullptr, false);
      [[fallthrough]];
    case Destination::Kind::Address:
    case Destination::Kind::Node:
    case Destination::Kind::ExternalName:
    case Destination::Kind::ExternalHost:
    case Destination::Kind::Unknown:
      walk.sender.kind = Sender::Kind::Plain;
      return from_plain(std::move(walk), destination);
  }
}

// The client opens HBONE to a pod's ztunnel and names what it dialled as CONNECT authority: ztunnel takes its
// own pod's address only (F41). Source: istio/ztunnel src/proxy/inbound.rs build_inbound_request,
// validate_destination.
void PathBuilder::own_tunnel(Walk walk, const Client& client, PodId pod) {
  const std::optional<Target> target = parse_target(flow_, diagnostics_);
  if (!target) return;
  const Destination inner = resolve_destination(cluster_, published(engine_.routes()), client, *target);
  if (inner.kind == Destination::Kind::Pod && inner.pod == pod)
    return arrive_hbone(std::move(walk), pod, inner.port, ServiceId{});
  const model::Pod& p = cluster_.pod(pod);
  add_leg(walk, Transport::Hbone, peer_reached(walk, pod), model::kHbonePort, inner.port);
  add_hop(walk, HopKind::Ztunnel, p.meta.ns().str(), p.meta.name().str(), pod);
  walk.path.hops.back().seen_peer = walk.sender.identity;
  PathEnd end;
  end.outcome = Outcome::Unreachable;
  end.failure.kind = Failure::Kind::Refuse;
  end.failure.log = fmt::format("destination ztunnel: ip mismatch: {} != {}; CONNECT answered 400",
                                inner.address ? inner.address->to_string() : inner.host,
                                p.ips.empty() ? "the pod's own" : p.ips.front().to_string());
  end.reason = {kHboneAddressMismatch, object_at(p.meta),
                fmt::format("the tunnel's CONNECT asks for {}, which is not pod {}/{}", target->host,
                            p.meta.ns().view(), p.meta.name().view())};
  finish(std::move(walk), std::move(end));
}

// ---- pieces of a walk ----

std::size_t PathBuilder::add_hop(Walk& walk, HopKind kind, std::string ns, std::string name,
                                 PodId pod) const {
  Hop hop;
  hop.kind = kind;
  hop.ns = std::move(ns);
  hop.name = std::move(name);
  hop.pod = pod;
  hop.vertex = vertex_of(walk, kind, pod);
  walk.path.hops.push_back(std::move(hop));
  const std::size_t index = walk.path.hops.size() - 1;
  if (!walk.path.legs.empty() && walk.path.legs.back().to == index)
    take_edges(walk.path, walk.path.legs.back());
  return index;
}

VertexId PathBuilder::vertex_of(const Walk& walk, HopKind kind, PodId pod) const {
  const Topology& graph = engine_.topology();
  switch (kind) {
    case HopKind::External:
    case HopKind::Address:
      return graph.external();
    case HopKind::Node:
      return walk.sender.node.valid()
                 ? graph.find(VertexKind::Node, "", cluster_.node_names()[walk.sender.node.index])
                 : graph.external();
    case HopKind::Ztunnel:
    case HopKind::Sidecar:
      return graph.proxy_of(pod);
    case HopKind::Client:
    case HopKind::Gateway:
    case HopKind::Waypoint:
    case HopKind::Application:
      return graph.vertex_of(pod);
  }
  return {};
}

void PathBuilder::take_edges(Path& path, Leg& leg) const {
  Topology::Kind kind;
  kind.transport = leg.transport;
  kind.passes_capture = leg.connection.protocol != model::Protocol::Tcp || leg.connection.kubelet_probe;
  kind.own_tunnel = flow_.tunnel && leg.from == 0;
  if (const auto edges = engine_.topology().cross(path.hops[leg.from].vertex, path.hops[leg.to].vertex, kind))
    leg.edges = *edges;
}

Leg& PathBuilder::add_leg(Walk& walk, Transport transport, NetPeer destination, std::uint16_t port,
                          std::uint16_t inner_port) const {
  Leg leg;
  leg.from = walk.path.hops.size() - 1;
  leg.to = walk.path.hops.size();
  leg.transport = transport;
  leg.inner_port = inner_port;
  Connection& connection = leg.connection;
  // A connection has both ends in one family.
  const auto own =
      walk.sender.pod.valid()    ? address_like(cluster_.pod(walk.sender.pod).ips, destination.address)
      : walk.sender.node.valid() ? address_like(cluster_.node_ips(walk.sender.node), destination.address)
                                 : std::nullopt;
  if (own && walk.possible_sources.empty()) walk.sender.peer.address = own;
  connection.source = walk.sender.peer;
  connection.destination = std::move(destination);
  connection.protocol = walk.protocol;
  connection.port = port;
  connection.hbone = transport == Transport::Hbone;
  connection.inner_port = inner_port;
  connection.kubelet_probe = walk.sender.probe;
  connection.source_nat = walk.source_nat;
  connection.self = connection.source.pod.valid() && connection.source.pod == connection.destination.pod;
  leg.possible_sources = std::move(walk.possible_sources);
  walk.possible_sources.clear();
  walk.source_nat = false;
  walk.path.legs.push_back(std::move(leg));
  return walk.path.legs.back();
}

void PathBuilder::add_inner_leg(Walk& walk, std::uint16_t port) const {
  Leg leg;
  leg.from = walk.path.hops.size() - 1;
  leg.to = walk.path.hops.size();
  leg.transport = Transport::InPod;
  leg.on_wire = false;
  leg.connection.port = port;
  leg.connection.protocol = walk.protocol;
  walk.path.legs.push_back(std::move(leg));
}

// Source: authorization.md section 8, one row a point.
RequestState PathBuilder::request_at(const Walk& walk, std::uint16_t port, const PeerIdentity& peer,
                                     std::optional<IpAddress> destination) const {
  RequestState request;
  request.peer = peer;
  request.source_ip = walk.sender.peer.address;
  if (several_sources(walk)) request.source_ip.reset();
  request.remote_ip = request.source_ip;
  request.destination_ip = destination;
  request.port = port;
  request.sni = walk.app.tls ? walk.app.sni : std::string();
  request.method = walk.app.method;
  request.scheme = walk.app.scheme;
  request.host = walk.app.host;
  request.path = walk.app.path;
  request.headers = walk.app.headers;
  request.tokens = walk.tokens;
  request.session = flow_.session;
  request.session_token = flow_.session_token;
  request.assume = &assume_;
  return request;
}

// The client's address as an Envoy derives it, before it adds its own peer to the header.
std::optional<IpAddress> PathBuilder::client_seen(const Walk& walk, PolicyPoint::Kind kind, bool http) const {
  const auto peer = several_sources(walk) ? std::nullopt : walk.sender.peer.address;
  return forwarded_client(kind, http, walk.app.headers, cluster_.mesh().num_trusted_proxies, peer);
}

// What a gateway tells those behind it, its own policies and routes among them. Source: envoy
// source/common/http/conn_manager_utility.cc mutateRequestHeaders (use_remote_address: appendXff, xfp)
void PathBuilder::add_forwarding_headers(Walk& walk) const {
  const auto find = [&](std::string_view name) {
    return std::find_if(walk.app.headers.begin(), walk.app.headers.end(),
                        [&](const auto& header) { return header.first == name; });
  };
  const auto peer = several_sources(walk) ? std::nullopt : walk.sender.peer.address;
  const std::string appended = peer ? peer->to_string() : std::string(kUntoldAddress);
  if (const auto it = find("x-forwarded-for"); it == walk.app.headers.end())
    walk.app.headers.emplace_back("x-forwarded-for", appended);
  else
    it->second += "," + appended;
  const auto proto = find("x-forwarded-proto");
  const std::string scheme = walk.app.tls ? "https" : "http";
  if (proto == walk.app.headers.end())
    walk.app.headers.emplace_back("x-forwarded-proto", scheme);
  else if (cluster_.mesh().num_trusted_proxies == 0)
    proto->second = scheme;
}

NetPeer PathBuilder::peer_of(PodId pod) const {
  NetPeer peer;
  const model::Pod& p = cluster_.pod(pod);
  if (!p.ips.empty()) peer.address = p.ips.front();
  if (p.spec.host_network) {
    if (const auto node = cluster_.node_of(pod)) {
      peer.node = *node;
      const std::vector<IpAddress> ips = cluster_.node_ips(*node);
      if (!peer.address && !ips.empty()) peer.address = ips.front();
    }
    return peer;
  }
  peer.pod = pod;
  return peer;
}

// A pod's address dialled is that one. Behind a Service, kube-proxy keeps the family of the ClusterIP;
// proxies send to the address of the endpoint, whatever was dialled. Source: istio/ztunnel
// src/proxy/outbound.rs (pick_workload_destination); kubernetes pkg/proxy/metaproxier
NetPeer PathBuilder::peer_reached(const Walk& walk, PodId pod) const {
  NetPeer peer = peer_of(pod);
  const auto& ips = cluster_.pod(pod).ips;
  const auto has = [&](const std::optional<IpAddress>& ip) {
    return ip && std::find(ips.begin(), ips.end(), *ip) != ips.end();
  };
  if (has(walk.dialled_address))
    peer.address = walk.dialled_address;
  else if (walk.sender.kind == Sender::Kind::Plain && walk.dialled_address)
    peer.address = address_like(ips, walk.dialled_address);
  else if (has(walk.endpoint_address))
    peer.address = walk.endpoint_address;
  return peer.address ? peer : peer_of(pod);
}

Sender PathBuilder::sender_of(PodId pod, Sender::Kind kind) const {
  Sender sender;
  sender.kind = kind;
  sender.pod = pod;
  sender.peer = peer_of(pod);
  sender.identity = identity_of(cluster_, pod);
  sender.ns = cluster_.pod(pod).meta.ns();
  if (const auto node = cluster_.node_of(pod)) sender.node = *node;
  sender.host_process = cluster_.pod(pod).spec.host_network;
  return sender;
}

const Capture& PathBuilder::capture(PodId pod) const { return engine_.topology().capture(pod); }

std::string PathBuilder::workload_name(PodId pod) const {
  const model::Pod& p = cluster_.pod(pod);
  return p.workload_name.empty() ? p.meta.name().str() : p.workload_name.str();
}

bool PathBuilder::undecided_capture(Walk& walk, PodId pod) const {
  const Capture& cap = capture(pod);
  walk.path.assumptions.insert(walk.path.assumptions.end(), cap.assumptions.begin(), cap.assumptions.end());
  if (cap.annotation_mismatch) {
    walk.path.notes.push_back(fmt::format(
        "pod {}/{}: the annotation ambient.istio.io/redirection says {}, the labels say otherwise",
        cluster_.pod(pod).meta.ns().view(), cluster_.pod(pod).meta.name().view(),
        *cap.annotation_mismatch ? "captured" : "not captured"));
  }
  if (cap.missing_facts.empty()) return false;
  walk.path.end.missing_facts.insert(walk.path.end.missing_facts.end(), cap.missing_facts.begin(),
                                     cap.missing_facts.end());
  return true;
}

std::string PathBuilder::backend_name(ServiceId service) const {
  const model::RegistryService& reg = cluster_.service(service);
  return reg.entry != nullptr ? reg.host : fmt::format("{}/{}", reg.ns.view(), reg.name.view());
}

std::string PathBuilder::port_detail(const model::RegistryService& reg, std::uint16_t port) const {
  std::string have;
  for (const model::RegistryService::Port& p : reg.ports)
    have += fmt::format("{}{}", have.empty() ? "" : ", ", p.port);
  return fmt::format("{} has no port {}; it has {}", reg.host, port, have.empty() ? "none" : have);
}

}  // namespace waypath::sim
