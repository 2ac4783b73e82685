// The start of the walk, and the pieces that every step uses.

#include "sim/path_builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/exposure.h"
#include "sim/reason_codes_walk.h"
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

model::Protocol transport_protocol(const Target& target) {
  if (target.scheme == "udp") return model::Protocol::Udp;
  if (target.scheme == "sctp") return model::Protocol::Sctp;
  return model::Protocol::Tcp;
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
  const std::vector<Client> clients = resolve_client(cluster_, flow_, diagnostics_);
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
  const Destination destination = resolve_destination(cluster_, client, dialled);
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
  const Destination destination = resolve_destination(cluster_, client, target);
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
    case Destination::Kind::Pods:
    case Destination::Kind::Address:
    case Destination::Kind::Node:
    case Destination::Kind::ExternalName:
    case Destination::Kind::ExternalHost:
    case Destination::Kind::Unknown:
      walk.sender.kind = Sender::Kind::Plain;
      return from_plain(std::move(walk), destination);
  }
}

// Without a proxy: the kernel and kube-proxy decide.
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
                             destination.node_port_service_port);
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
  const EndpointChoice choice =
      usable_endpoints(cluster_, service, port, walk.sender.node, ProxyKind::KubeProxy);
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

// An address or a name without a pod behind it.
void PathBuilder::plain_to_endpoint(Walk walk, const model::Endpoint& endpoint, ServiceId service,
                                    Transport transport) {
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
  if (!walk.path.legs.empty() && walk.path.legs.back().possible_sources.size() > 1) request.source_ip.reset();
  request.remote_ip = walk.remote ? walk.remote : request.source_ip;
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

// ---- ends ----

void PathBuilder::finish(Walk walk, PathEnd end) {
  end.missing_facts.insert(end.missing_facts.begin(), walk.path.end.missing_facts.begin(),
                           walk.path.end.missing_facts.end());
  // What the graph does not connect is not predicted.
  for (const Leg& leg : walk.path.legs) {
    if (leg.edges[0].valid() || leg.to >= walk.path.hops.size()) continue;
    const auto title = [&](std::size_t i) {
      return fmt::format("{} {}/{}", to_string(walk.path.hops[i].kind), walk.path.hops[i].ns,
                         walk.path.hops[i].name);
    };
    end = {};
    end.outcome = Outcome::Unknown;
    end.reason = {kFactMissing, std::nullopt,
                  fmt::format("how {} opens {} to {}: the graph of the cluster has no such connection",
                              title(leg.from), to_string(leg.transport), title(leg.to))};
    end.missing_facts.push_back(end.reason.detail);
    break;
  }
  walk.path.end = std::move(end);
  out_.push_back(std::move(walk.path));
}

void PathBuilder::arrived(Walk walk, PodId pod, std::uint16_t port, ServiceId service, std::string backend) {
  PathEnd end;
  end.outcome = Outcome::Allow;
  end.reason.code = kReachesApp;
  walk.path.service = service;
  walk.path.backend = std::move(backend);
  if (pod.valid()) {
    const model::Pod& p = cluster_.pod(pod);
    walk.path.backend_pod = fmt::format("{}/{}", p.meta.ns().view(), p.meta.name().view());
    if (!p.has_status && !p.ready) {
      walk.path.assumptions.push_back(
          {kAssumeReady,
           fmt::format("pod {} is taken as running and ready: no status is given", walk.path.backend_pod),
           p.meta.pos});
    }
  }
  const bool http = walk.app.app == RouteRequest::App::Http || walk.app.app == RouteRequest::App::Http2 ||
                    walk.app.app == RouteRequest::App::Grpc;
  BackendRequest request;
  request.port = port;
  if (http) {
    request.host = walk.app.host;
    request.path = walk.app.path;
    request.headers = walk.set_headers;
    request.removed_headers = walk.removed_headers;
  }
  walk.path.backend_request = std::move(request);
  finish(std::move(walk), std::move(end));
}

void PathBuilder::fail(Walk walk, Failure::Kind kind, Outcome outcome, Reason reason,
                       std::vector<ObjectAt> deciders) {
  PathEnd end;
  end.outcome = outcome;
  end.failure.kind = kind;
  end.reason = std::move(reason);
  end.deciders = std::move(deciders);
  finish(std::move(walk), std::move(end));
}

void PathBuilder::no_endpoint(Walk walk, ServiceId service, std::uint16_t port,
                              const EndpointChoice& choice) {
  const model::RegistryService& reg = cluster_.service(service);
  std::vector<ObjectAt> deciders = choice.causes;
  if (deciders.empty()) deciders.push_back(object_at(reg.meta()));
  if (!choice.missing_facts.empty()) {
    walk.path.end.missing_facts = choice.missing_facts;
    return unknown(std::move(walk), fmt::format("whether {}:{} has an endpoint", reg.host, port),
                   object_at(reg.meta()));
  }
  // A node-local service without local endpoint: kube-proxy drops, proxies have nobody to send to.
  const bool silent = choice.dropped && walk.sender.kind == Sender::Kind::Plain;
  fail(std::move(walk), silent ? Failure::Kind::Unanswered : Failure::Kind::NoUpstream, Outcome::Unreachable,
       {kEndpointNone, deciders.front(),
        choice.detail.empty() ? fmt::format("{}:{} has no ready endpoint", reg.host, port) : choice.detail},
       deciders);
}

void PathBuilder::fail_name(Walk walk, const Destination& destination) {
  if (!destination.missing_facts.empty()) {
    walk.path.end.missing_facts = destination.missing_facts;
    return unknown(std::move(walk), fmt::format("what {} means", destination.host));
  }
  std::string detail = fmt::format("no Service, ServiceEntry or pod has the name {}", destination.host);
  if (!destination.near_names.empty()) {
    detail += "; near: ";
    for (std::size_t i = 0; i < destination.near_names.size(); ++i)
      detail += (i == 0 ? "" : ", ") + destination.near_names[i];
  }
  if (!destination.detail.empty()) detail = destination.detail;
  const auto by = destination.service.valid()
                      ? std::optional(object_at(cluster_.service(destination.service).meta()))
                      : std::nullopt;
  fail(std::move(walk), Failure::Kind::NameUnknown, Outcome::Unreachable, {kNameUnknown, by, detail});
}

void PathBuilder::unknown(Walk walk, std::string fact, std::optional<ObjectAt> by) {
  PathEnd end;
  end.outcome = Outcome::Unknown;
  end.reason = {kFactMissing, std::move(by), fact};
  end.missing_facts.push_back(std::move(fact));
  finish(std::move(walk), std::move(end));
}

// ---- endpoints ----

std::vector<PathBuilder::EndpointClass> PathBuilder::classes(const std::vector<model::Endpoint>& endpoints,
                                                             const Walk& walk) const {
  if (endpoints.size() == 1) return {{endpoints.front(), 1.0, 1}};
  std::map<std::string, std::size_t> index;
  std::vector<EndpointClass> out;
  for (const model::Endpoint& endpoint : endpoints) {
    std::string key;
    if (endpoint.pod.valid()) {
      const model::Pod& pod = cluster_.pod(endpoint.pod);
      const Capture& cap = capture(endpoint.pod);
      key = fmt::format("{}|{}|{}|{}|{}|{}|{}", pod.meta.ns().view(), pod.spec.service_account.view(),
                        endpoint.port, static_cast<int>(cap.dataplane), cap.bypass_inbound, cap.sidecar_hbone,
                        cap.host_network);
      for (const model::Label& label : pod.meta.labels.all()) {
        if (engine_.exposure().label_matters(label.key))
          key += fmt::format("|{}={}", label.key.view(), label.value.view());
      }
      key += engine_.exposure().address_class(pod.ips);
      // The client itself may be an endpoint (L21), and host processes reach pods of their own node otherwise
      // (K5).
      if (endpoint.pod == walk.sender.pod) key += "|self";
      const auto node = cluster_.node_of(endpoint.pod);
      if (walk.sender.host_process && node && *node == walk.sender.node) key += "|same-node";
    } else {
      key = fmt::format("@{}|{}|{}", endpoint.address ? endpoint.address->to_string() : "", endpoint.hostname,
                        endpoint.port);
    }
    const auto [it, fresh] = index.emplace(std::move(key), out.size());
    if (fresh) {
      out.push_back({endpoint, 0.0, 0});
    }
    ++out[it->second].count;
  }
  for (EndpointClass& c : out) c.share = static_cast<double>(c.count) / static_cast<double>(endpoints.size());
  return out;
}

void PathBuilder::each_endpoint(Walk walk, const std::vector<model::Endpoint>& endpoints,
                                const std::function<void(Walk, const model::Endpoint&)>& step) {
  const std::vector<EndpointClass> all = classes(endpoints, walk);
  for (const EndpointClass& c : all) {
    Walk next = &c == &all.back() ? std::move(walk) : walk;
    next.path.share *= c.share;
    if (c.count > 1) {
      next.path.notes.push_back(fmt::format("one of {} endpoints that no policy tells apart", c.count));
    }
    step(std::move(next), c.endpoint);
  }
}

}  // namespace waypath::sim
