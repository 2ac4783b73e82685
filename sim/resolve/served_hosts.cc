#include "sim/resolve/served_hosts.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/base/edit_distance.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/istio_gateway.h"
#include "sim/resolve/route_tables.h"

namespace waypath::sim {

namespace {

using Hosts = std::vector<ServedHost>;

void add(Hosts& out, std::string_view host, std::uint16_t port, bool tls) {
  if (!host.empty() && host != "*") out.push_back({lower_case(host), port, tls});
}

void add(Hosts& out, const std::vector<VirtualHost>& hosts, std::uint16_t port, bool tls) {
  for (const VirtualHost& host : hosts) add(out, host.host, port, tls);
}

void add(Hosts& out, const std::vector<SniRule>& rules, std::uint16_t port) {
  for (const SniRule& rule : rules) add(out, rule.sni, port, true);
}

void add(Hosts& out, const ClassicPort& listening, std::uint16_t port) {
  for (const TlsChain& chain : listening.tls) {
    for (const std::string& pattern : chain.sni) add(out, pattern, port, true);
    add(out, chain.http, port, true);
    add(out, chain.passthrough, port);
  }
  for (const std::string& pattern : listening.http_hosts) add(out, pattern, port, false);
  add(out, listening.http, port, false);
}

}  // namespace

Hosts served_hosts(const RouteTables& tables) {
  const RouteTables::Impl& impl = tables.impl();
  Hosts out;
  for (const ApiGateway& gateway : impl.gateways) {
    for (const ApiListener& listener : gateway.listeners) {
      if (!listener.programmed) continue;
      const std::uint16_t port = listener.listener->port;
      add(out, listener.listener->hostname, port, listener.listener->has_tls);
      add(out, listener.http, port, listener.listener->has_tls);
      add(out, listener.tls, port);
    }
  }
  for (const auto& [pod, table] : impl.classic_proxies) {
    GatewayProxy proxy;
    proxy.pod = pod;
    proxy.ns = impl.cluster.pod(pod).meta.ns();
    proxy.labels = impl.cluster.pod(pod).meta.labels;
    for (const model::ServiceId id : services_of_proxy(impl.cluster, proxy)) {
      const auto* service = impl.cluster.service(id).service;
      if (service == nullptr) continue;
      for (const auto& port : service->ports) {
        const auto it = table->ports.find(target_port(impl.cluster, proxy, id, port.port));
        if (it != table->ports.end()) add(out, it->second, port.port);
      }
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

ServedHint served_hint(const RouteTables& tables, std::string_view host, std::uint16_t port) {
  const std::string name = host_without_port(host);
  const Hosts all = served_hosts(tables);
  ServedHint out;
  std::string ports;
  for (const ServedHost& served : all) {
    if (!host_covers(served.host, name)) continue;
    out.same_port = out.same_port || served.port == port;
    const std::string text = fmt::format("{} ({})", served.port, served.tls ? "TLS" : "plain HTTP");
    if (ports.find(text) == std::string::npos) ports += (ports.empty() ? "" : ", ") + text;
  }
  out.named = !ports.empty();
  if (out.named) {
    out.text = "it is answered for on port " + ports;
    return out;
  }
  std::vector<std::string_view> names;
  for (const ServedHost& served : all) names.emplace_back(served.host);
  if (const auto near = model::nearest(name, names)) out.text = fmt::format("near: {}", *near);
  return out;
}

}  // namespace waypath::sim
