// The ends of flows, and whether the connections between two of them are answered alike on both sides.

#include <algorithm>
#include <map>
#include <set>

#include "model/istio/proxy_ports.h"
#include "scenarios/touched_flows.h"
#include "sim/exposure.h"
#include "sim/resolve/client.h"
#include "sim/resolve/published.h"
#include "sim/resolve/url.h"
#include "sim/topology.h"

namespace waypath::scenarios {
namespace {

using model::PodId;
using model::ServiceId;

bool refuses(sim::Decision d) { return d == sim::Decision::Deny || d == sim::Decision::Drop; }

sim::NetPeer peer_of(const model::Cluster& cluster, PodId pod) {
  sim::NetPeer out;
  out.pod = pod;
  if (const auto& ips = cluster.pod(pod).ips; !ips.empty()) out.address = ips.front();
  return out;
}

/// Whether gateways and sidecars may choose a listener or route by another name than the one dialled.
bool names_otherwise(const sim::Flow& flow) {
  return !flow.sni.empty() || std::any_of(flow.headers.begin(), flow.headers.end(), [](const auto& header) {
    return header.first == "host" || header.first == ":authority";
  });
}

/// Whether the pod's connections are its own, and those to it end at it. Which of several addresses a
/// connection uses is not followed.
bool plain(const sim::Engine& engine, PodId pod) {
  const auto& capture = engine.topology().capture(pod);
  return (capture.dataplane == sim::Dataplane::None || capture.dataplane == sim::Dataplane::Ambient) &&
         !capture.host_network && capture.missing_facts.empty() && engine.cluster().pod(pod).ips.size() < 2;
}

}  // namespace

bool TouchedFlows::touches(const sim::Flow& flow) {
  if (everything_) return true;
  if (!flow.connect_to.empty() || flow.tunnel || flow.source_ip) return true;
  const auto known = [](auto& cache, const std::string& key, const auto& find) -> const auto& {
    const auto it = cache.find(key);
    return it != cache.end() ? it->second : cache.emplace(key, find()).first->second;
  };
  const Sender& from = known(senders_, flow.from, [&] { return sender(flow); });
  if (from.touched || ((from.outside || !from.plain_pods) && names_otherwise(flow))) return true;
  return touches(from, known(receivers_, flow.protocol + "|" + flow.to, [&] { return receiver(flow); }));
}

TouchedFlows::Sender TouchedFlows::sender(const sim::Flow& flow) const {
  Sender out;
  out.outside = flow.from == "internet";
  out.touched = !out.outside && flow.from.find('/') == std::string::npos;  // an address
  if (out.outside || out.touched) return out;
  model::Diagnostics diagnostics;
  const auto clients = sim::resolve_client(cluster_, flow, diagnostics, &before_.topology());
  out.touched = clients.empty();
  for (const sim::Client& client : clients) {
    if (!client.pod.valid()) {  // a node
      out.touched = true;
      return out;
    }
    // Sidecars choose routes by Host, and of listeners that several Services share.
    const bool sidecar = before_.topology().capture(client.pod).dataplane == sim::Dataplane::Sidecar;
    out.touched = out.touched || (any_route_ && sidecar);
    out.pods.push_back(client.pod);
    out.plain_pods = out.plain_pods && plain(before_, client.pod);
    out.selected = out.selected || out_[client.pod.index];
  }
  return out;
}

TouchedFlows::Receiver TouchedFlows::receiver(const sim::Flow& flow) const {
  Receiver out;
  model::Diagnostics diagnostics;
  const auto target = sim::parse_target(flow, diagnostics);
  if (!target || any_service_) return out;
  out.protocol = sim::transport_protocol(*target);
  out.port = target->port;
  std::vector<ServiceId> services;
  if (const auto ip = model::parse_ip(target->host)) {
    out.plain_pods = false;
    if (const auto pod = cluster_.pod_by_ip(*ip); pod.valid()) {
      out.touched = in_[pod.index] || judged_[pod.index] || sends_on(pod);
      return out;
    }
    services = cluster_.services_by_vip(*ip);
  } else {
    // "name.namespace" and longer: what a bare name means depends on who asks.
    if (target->host.find('.') == std::string::npos) return out;
    for (const auto& full : {target->host, target->host + ".svc." + cluster_.mesh().cluster_domain}) {
      const auto more = cluster_.services_by_host(full);
      services.insert(services.end(), more.begin(), more.end());
    }
    out.outside = services.empty();
    if (out.outside) {
      // The name of a load balancer leads to its Service, whatever routes say.
      out.touched = sim::published(before_.routes()).by_name(target->host).valid() ||
                    rerouted_host(target->host) || served_host(target->host);
      return out;
    }
  }
  if (services.size() == 1 && out.plain_pods) {
    read_service(services.front(), out);
  } else {
    out.plain_pods = false;
    out.touched = services.empty() || std::any_of(services.begin(), services.end(),
                                                  [&](ServiceId id) { return leads_[id.index]; });
  }
  return out;
}

// A Service whose connections are known: its pods, one of each kind, and the waypoints before them.
void TouchedFlows::read_service(ServiceId id, Receiver& out) const {
  const auto& registered = cluster_.service(id);
  const auto& binding = before_.topology().binding(id);
  std::vector<model::Endpoint> endpoints;
  for (const auto& port : registered.ports) {
    if (port.port != out.port) continue;
    const auto more = cluster_.endpoints(id, port.port, port.protocol);
    endpoints.insert(endpoints.end(), more.begin(), more.end());
  }
  out.plain_pods = registered.service != nullptr && !registered.external_name() && !registered.headless() &&
                   !anywhere_[id.index] && !rerouted_[id.index] && routes_[id.index].empty() &&
                   !endpoints.empty() && grouped_alike(endpoints) && !binding.sandwiched;
  for (const auto& endpoint : endpoints) {
    out.plain_pods = out.plain_pods && endpoint.pod.valid() && plain(before_, endpoint.pod);
    if (!out.plain_pods) break;
    out.plain_pods = !judged_[endpoint.pod.index];
    out.selected = out.selected || in_[endpoint.pod.index];
    out.pods.push_back(endpoint.pod);
  }
  if (out.plain_pods && (out.selected || any_out_)) {
    std::set<std::string> kinds;
    for (const auto& endpoint : endpoints)
      if (kinds.insert(kind_of(endpoint)).second) out.ends.push_back({endpoint.pod, endpoint.port});
  }
  for (const auto* one = &binding; one != nullptr && one->bound(); one = one->canary.get())
    out.waypoints.insert(out.waypoints.end(), one->pods.begin(), one->pods.end());
  std::sort(out.pods.begin(), out.pods.end());
  out.touched = out.plain_pods ? out.selected &&
                                     std::any_of(out.waypoints.begin(), out.waypoints.end(),
                                                 [&](PodId waypoint) {
                                                   return any_differs(waypoint, out, sim::Direction::Ingress);
                                                 })
                               : leads_[id.index];
}

// Endpoints of one kind are alike to every policy of both sides (sim/path/end.cc).
std::string TouchedFlows::kind_of(const model::Endpoint& endpoint) const {
  const auto& pod = cluster_.pod(endpoint.pod);
  std::string out = std::to_string(endpoint.port);
  for (const auto* engine : {&before_, &after_}) out.append("|").append(engine->exposure().trait(pod));
  return out;
}

bool TouchedFlows::touches(const Sender& from, const Receiver& to) const {
  if (from.touched || to.touched) return true;
  // From outside what gateways serve, from pods what is inside: the other ways are not followed.
  if (from.outside != to.outside) return true;
  if (from.outside || (!from.selected && !to.selected)) return false;
  if (!from.plain_pods || !to.plain_pods) return true;
  return std::any_of(from.pods.begin(), from.pods.end(), [&](PodId pod) {
    // A pod that reaches itself is judged by rules of its own.
    if (std::binary_search(to.pods.begin(), to.pods.end(), pod)) return true;
    if (out_[pod.index] && (lookups_differ(pod) || any_differs(pod, to, sim::Direction::Egress))) return true;
    return to.selected && any_differs(pod, to, sim::Direction::Ingress);
  });
}

bool TouchedFlows::any_differs(PodId from, const Receiver& to, sim::Direction direction) const {
  const bool egress = direction == sim::Direction::Egress;
  const auto& sender = before_.topology().capture(from);
  const bool ambient = sender.dataplane == sim::Dataplane::Ambient && to.protocol == model::Protocol::Tcp;
  const bool waypoint = sender.dataplane == sim::Dataplane::Waypoint;
  for (const auto& end : to.ends) {
    if (!egress && !in_[end.pod.index]) continue;
    sim::Connection c;
    c.source = peer_of(cluster_, from);
    c.destination = peer_of(cluster_, end.pod);
    c.protocol = to.protocol;
    c.port = end.port;
    const bool captured = before_.topology().capture(end.pod).redirected();
    if ((!ambient || !captured) && differs(c, direction)) return true;
    if (!waypoint && !(ambient && captured)) continue;
    c.port = model::kHbonePort;
    c.hbone = true;
    c.inner_port = end.port;
    if (differs(c, direction)) return true;
  }
  if (!egress || to.waypoints.empty() || !ambient) return false;
  return std::any_of(to.waypoints.begin(), to.waypoints.end(), [&](PodId pod) {
    sim::Connection c;
    c.source = peer_of(cluster_, from);
    c.destination = peer_of(cluster_, pod);
    c.port = model::kHbonePort;
    c.hbone = true;
    c.inner_port = to.port;
    c.target_port = to.ends.front().port;
    return differs(c, direction);
  });
}

bool TouchedFlows::lookups_differ(PodId from) const {
  return std::any_of(name_servers_.begin(), name_servers_.end(), [&](const model::Endpoint& endpoint) {
    if (!endpoint.pod.valid()) return true;
    sim::Connection c;
    c.source = peer_of(cluster_, from);
    c.destination = peer_of(cluster_, endpoint.pod);
    c.protocol = model::Protocol::Udp;
    c.port = endpoint.port;
    return differs(c, sim::Direction::Egress);
  });
}

// What passes passes whatever let it; what is refused shows why.
bool TouchedFlows::differs(const sim::Connection& connection, sim::Direction direction) const {
  const auto was = answer(before_, connection, direction), is = answer(after_, connection, direction);
  if (was.decision == sim::Decision::Unknown || is.decision == sim::Decision::Unknown) return true;
  if (!refuses(was.decision) && !refuses(is.decision)) return false;
  return was.decision != is.decision || was.code != is.code;
}

TouchedFlows::Answer TouchedFlows::answer(const sim::Engine& engine, const sim::Connection& connection,
                                          sim::Direction direction) {
  Answer out;
  for (const auto& family : engine.policies().leg) {
    const auto said = family->evaluate_leg({&connection, direction}, nullptr);
    if (said.decision == sim::Decision::NotApplicable) continue;
    out = {said.decision, said.reason.code};
    if (refuses(out.decision) || out.decision == sim::Decision::Unknown) break;
  }
  return out;
}

}  // namespace waypath::scenarios
