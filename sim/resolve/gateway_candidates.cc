// Which gateways would take a request from outside for a host (routing.md 2.3, 3.1).

#include <algorithm>
#include <optional>

#include "model/derive.h"
#include "sim/match/route_match.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/istio_gateway.h"
#include "sim/resolve/mesh.h"
#include "sim/resolve/route_tables.h"

namespace waypath::sim {

namespace {

struct Candidate {
  GatewayCandidate gateway;
  bool routed = false;  // a route, not just a listener, has the host
};

void take_pattern(Candidate& candidate, std::string_view pattern) {
  candidate.routed = true;
  if (pattern != "*" && more_specific(pattern, candidate.gateway.route_match))
    candidate.gateway.route_match = pattern;
}

void take_hosts(Candidate& candidate, const std::vector<VirtualHost>& hosts, std::string_view host) {
  if (const VirtualHost* found = find_virtual_host(hosts, host)) take_pattern(candidate, found->host);
}

void take_names(Candidate& candidate, const std::vector<SniRule>& rules, std::string_view host) {
  for (const SniRule& r : rules)
    if (r.sni == "*" || host_covers(r.sni, host)) take_pattern(candidate, r.sni);
}

void keep_better(std::optional<Candidate>& slot, Candidate found) {
  const bool better =
      !slot || (found.routed && !slot->routed) ||
      (found.routed == slot->routed && more_specific(found.gateway.host_match, slot->gateway.host_match));
  if (better) slot = std::move(found);
}

/// A proxy for a Gateway API gateway: its first pod, when there is one.
GatewayProxy api_proxy(const model::Cluster& cluster, const ApiGateway& gateway) {
  GatewayProxy proxy;
  proxy.gateway = gateway.gateway;
  proxy.ns = gateway.gateway->meta.ns();
  proxy.name = gateway.gateway->meta.name().str();
  const std::vector<model::PodId> pods = gateway_pods(cluster, *gateway.gateway);
  if (!pods.empty()) {
    proxy.pod = pods.front();
    proxy.labels = cluster.pod(pods.front()).meta.labels;
  }
  return proxy;
}

/// The Service whose `port` leads to `pod_port` of the proxy.
model::ServiceId service_in_front(const model::Cluster& cluster, const GatewayProxy& proxy,
                                  std::uint16_t port, std::uint16_t& pod_port) {
  for (const model::ServiceId id : services_of_proxy(cluster, proxy)) {
    const model::RegistryService& service = cluster.service(id);
    if (service.service == nullptr || service.headless() || service.find_port(port) == nullptr) continue;
    pod_port = target_port(cluster, proxy, id, port);
    return id;
  }
  return {};
}

void api_candidates(const RouteTables::Impl& impl, std::string_view host, std::uint16_t port, bool tls,
                    std::vector<Candidate>& out) {
  for (const ApiGateway& gateway : impl.gateways) {
    if (gateway.controller != model::kGatewayController && gateway.controller != model::kUnmanagedController)
      continue;
    std::optional<Candidate> slot;
    for (const ApiListener& listener : gateway.listeners) {
      if (!listener.programmed || listener.listener->port != port) continue;
      const std::string& protocol = listener.listener->protocol;
      const bool secure = protocol == "HTTPS" || protocol == "TLS";
      if (protocol != "TCP" && secure != tls) continue;
      const std::string hostname = lower_case(listener.listener->hostname);
      if (!hostname.empty() && hostname != "*" && !host_covers(hostname, host)) continue;
      Candidate found;
      found.routed = listener.tcp.has_value();
      take_hosts(found, listener.http, host);
      take_names(found, listener.tls, host);
      found.gateway.host_match = hostname == "*" ? "" : hostname;
      keep_better(slot, std::move(found));
    }
    if (!slot) continue;
    slot->gateway.port = port;
    slot->gateway.pod_port = port;
    if (gateway.bound_services) {
      for (const model::ServiceId id : *gateway.bound_services) {
        if (slot->gateway.service.valid() || impl.cluster.service(id).find_port(port) == nullptr) continue;
        slot->gateway.service = id;
        for (const model::Endpoint& e : impl.cluster.endpoints(id, port)) {
          if (slot->gateway.proxy.pod.valid() || !e.pod.valid()) continue;
          slot->gateway.proxy.pod = e.pod;
          slot->gateway.proxy.labels = impl.cluster.pod(e.pod).meta.labels;
          slot->gateway.pod_port = e.port;
        }
      }
      slot->gateway.proxy.gateway = gateway.gateway;
      slot->gateway.proxy.ns = gateway.gateway->meta.ns();
      slot->gateway.proxy.name = gateway.gateway->meta.name().str();
    } else {
      slot->gateway.proxy = api_proxy(impl.cluster, gateway);
      slot->gateway.service =
          service_in_front(impl.cluster, slot->gateway.proxy, port, slot->gateway.pod_port);
    }
    out.push_back(std::move(*slot));
  }
}

void classic_candidates(const RouteTables::Impl& impl, std::string_view host, std::uint16_t port, bool tls,
                        std::vector<Candidate>& out) {
  for (const auto& [pod, table] : impl.classic_proxies) {
    const model::ObjectMeta& meta = impl.cluster.pod(pod).meta;
    GatewayProxy proxy;
    proxy.pod = pod;
    proxy.ns = meta.ns();
    proxy.labels = meta.labels;
    proxy.name = meta.name().str();
    std::uint16_t pod_port = port;
    const model::ServiceId service = service_in_front(impl.cluster, proxy, port, pod_port);
    const auto it = table->ports.find(pod_port);
    if (it == table->ports.end()) continue;
    const ClassicPort& listening = it->second;
    std::optional<Candidate> slot;
    const auto consider = [&](std::string_view pattern, const Candidate& routed) {
      if (pattern != "*" && !host_covers(pattern, host)) return;
      Candidate found = routed;
      found.gateway.host_match = pattern == "*" ? std::string() : std::string(pattern);
      keep_better(slot, std::move(found));
    };
    if (tls) {
      for (const TlsChain& chain : listening.tls) {
        Candidate routed;
        routed.routed = chain.tcp.has_value();
        take_hosts(routed, chain.http, host);
        take_names(routed, chain.passthrough, host);
        for (const std::string& pattern : chain.sni) consider(pattern, routed);
      }
    } else if (listening.http_server != nullptr) {
      Candidate routed;
      take_hosts(routed, listening.http, host);
      for (const std::string& pattern : listening.http_hosts) consider(pattern, routed);
    }
    if (!slot && listening.tcp_server != nullptr) {
      Candidate routed;
      routed.routed = true;
      consider("*", routed);
    }
    if (!slot) continue;
    slot->gateway.proxy = std::move(proxy);
    slot->gateway.port = port;
    slot->gateway.pod_port = pod_port;
    slot->gateway.service = service;
    out.push_back(std::move(*slot));
  }
}

}  // namespace

std::vector<GatewayCandidate> gateways_for_host(const RouteTables& tables, std::string_view host,
                                                std::uint16_t port, bool tls) {
  const std::string name = host_without_port(host);
  std::vector<Candidate> found;
  api_candidates(tables.impl(), name, port, tls, found);
  classic_candidates(tables.impl(), name, port, tls, found);
  // A public name is taken to point where somebody wrote a route for it.
  const auto routed = static_cast<std::size_t>(
      std::count_if(found.begin(), found.end(), [](const Candidate& c) { return c.routed; }));
  const std::size_t set_aside = routed == 0 ? 0 : found.size() - routed;
  if (routed != 0) std::erase_if(found, [](const Candidate& c) { return !c.routed; });
  std::stable_sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
    const GatewayCandidate& x = a.gateway;
    const GatewayCandidate& y = b.gateway;
    if (x.host_match != y.host_match) return more_specific(x.host_match, y.host_match);
    if (x.service.valid() != y.service.valid()) return x.service.valid();
    if (x.proxy.ns != y.proxy.ns) return x.proxy.ns.view() < y.proxy.ns.view();
    return x.proxy.name < y.proxy.name;
  });
  std::vector<GatewayCandidate> out;
  for (Candidate& c : found) {
    c.gateway.set_aside = set_aside;
    out.push_back(std::move(c.gateway));
  }
  return out;
}

}  // namespace waypath::sim
