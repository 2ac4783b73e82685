#include "sim/resolve/istio_gateway.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "sim/match/route_match.h"
#include "sim/reasons/route.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/ingress.h"
#include "sim/resolve/protocol.h"

namespace waypath::sim {

namespace {

using model::ServerTlsMode;

// Source: istio pkg/config/constants (internal.istio.io/gateway-service,
// experimental.istio.io/disable-gateway-port-translation).
constexpr std::string_view kGatewayServiceAnnotation = "internal.istio.io/gateway-service";
constexpr std::string_view kNoPortTranslationLabel = "experimental.istio.io/disable-gateway-port-translation";

/// "host" -> "*/host", "./host" -> "<own ns>/host". Source: istio pilot/pkg/model/gateway.go
/// sanitizeServerHostNamespace.
std::string server_host(const std::string& written, model::Symbol ns) {
  const std::size_t slash = written.find('/');
  if (slash == std::string::npos) return "*/" + lower_case(written);
  const std::string prefix = written.substr(0, slash);
  return fmt::format("{}/{}", prefix == "." ? ns.view() : std::string_view(prefix),
                     lower_case(std::string_view(written).substr(slash + 1)));
}

std::string_view host_part(std::string_view server_host) {
  return server_host.substr(server_host.find('/') + 1);
}

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

ClassicServer compile_server(const model::IstioGateway& gateway, std::size_t index) {
  const model::IstioServer& server = gateway.servers[index];
  ClassicServer out;
  out.at = object_at(gateway.meta, server.pos, static_cast<int>(index), "servers");
  out.gateway_name = fmt::format("{}/{}", gateway.meta.ns().view(), gateway.meta.name().view());
  out.gateway_ns = gateway.meta.ns();
  out.port = server.port.number;
  out.protocol = lower_case(server.port.protocol);
  out.tls = server.tls;
  out.https_redirect = server.https_redirect;
  out.name = server.name.empty() ? server.port.name.str() : server.name;
  for (const std::string& host : server.hosts) out.hosts.push_back(server_host(host, gateway.meta.ns()));
  return out;
}

ClassicGateway ingress_gateway(const model::Cluster& cluster, const model::Ingress& ingress) {
  ClassicGateway out;
  out.at = object_at(ingress.meta);
  // The Gateway made for an Ingress carries no creation time: names alone order it, before everything with
  // one. Source: istio pilot/pkg/config/kube/ingress/gateways.go (Meta of the derived config).
  const std::string full_name = ingress_gateway_name(ingress);
  out.ns = full_name.substr(0, full_name.find('/'));
  out.name = full_name.substr(out.ns.size() + 1);
  out.selector.emplace_back(model::intern("istio"), model::intern(ingress_pod_label(cluster.mesh())));
  ClassicServer server;
  server.at = out.at;
  server.gateway_name = ingress_gateway_name(ingress);
  server.gateway_ns = ingress.meta.ns();
  server.ingress = true;
  for (std::size_t i = 0; i < ingress.tls.size(); ++i) {
    const model::IngressTls& tls = ingress.tls[i];
    if (tls.secret.empty()) continue;
    ClassicServer secure = server;
    secure.port = 443;
    secure.protocol = "https";
    secure.tls = ServerTlsMode::Simple;
    secure.name = fmt::format("https-443-{}", i);
    for (const std::string& host : tls.hosts) secure.hosts.push_back("*/" + lower_case(host));
    if (secure.hosts.empty()) secure.hosts.emplace_back("*/*");
    out.servers.push_back(std::move(secure));
  }
  server.port = 80;
  server.protocol = "http";
  server.name = "http-80";
  server.hosts = {"*/*"};
  out.servers.push_back(std::move(server));
  return out;
}

/// Hosts that a server and a config share, narrower of each pair; the server may limit the config's
/// namespace.
std::vector<std::string> shared_hosts(const ClassicServer& server, const RouteConfig& config) {
  std::vector<std::string> out;
  for (const std::string& entry : server.hosts) {
    const std::string_view ns = std::string_view(entry).substr(0, entry.find('/'));
    if (ns != "*" && !(config.ns == ns)) continue;
    for (const std::string& host : config.hosts) {
      std::optional<std::string> both = intersect_hosts(host_part(entry), host);
      if (both && std::find(out.begin(), out.end(), *both) == out.end()) out.push_back(std::move(*both));
    }
  }
  return out;
}

std::vector<const RouteConfig*> configs_of(const RouteTables::Impl& impl, const ClassicServer& server,
                                           model::Symbol ns) {
  const auto it = impl.configs_by_gateway.find(server.gateway_name);
  if (it == impl.configs_by_gateway.end()) return {};
  return configs_for(impl, it->second, ns);
}

/// Port and gateway alone: sourceLabels and sourceNamespace are not looked at. Source: istio
/// pilot/pkg/networking/core/gateway.go l4SingleMatch.
bool l4_match(const model::VsL4Match& match, const ClassicServer& server, const RouteConfig& config) {
  if (match.port && *match.port != server.port) return false;
  return match.gateways.empty() ||
         std::any_of(match.gateways.begin(), match.gateways.end(), [&](const std::string& g) {
           return g == server.gateway_name ||
                  (g.find('/') == std::string::npos &&
                   fmt::format("{}/{}", config.ns.view(), g) == server.gateway_name);
         });
}

L4Rule l4_rule(const RouteTables::Impl& impl, const RouteConfig& config, const model::VsL4Route& route,
               int index, std::string section) {
  L4Rule out;
  out.at = object_at(config.vs->meta, route.pos, index, std::move(section));
  for (const model::VsDestination& d : route.route) {
    RuleDestination destination = compile_destination(impl, d, config.ns, out.at);
    destination.weight = route.route.size() == 1 ? 1 : d.weight;
    out.destinations.push_back(std::move(destination));
  }
  return out;
}

/// Source: istio pilot/pkg/networking/core/gateway.go buildGatewayNetworkFiltersFromTCPRoutes: the first rule
/// that fits.
std::optional<L4Rule> tcp_rule(const RouteTables::Impl& impl, const ClassicServer& server,
                               const GatewayProxy& proxy) {
  for (const RouteConfig* config : configs_of(impl, server, proxy.ns)) {
    if (config->vs == nullptr || shared_hosts(server, *config).empty()) continue;
    for (std::size_t i = 0; i < config->vs->tcp.size(); ++i) {
      const model::VsL4Route& route = config->vs->tcp[i];
      if (route.matches.empty() || std::any_of(route.matches.begin(), route.matches.end(),
                                               [&](const auto& m) { return l4_match(m, server, *config); })) {
        return l4_rule(impl, *config, route, static_cast<int>(i), "tcp");
      }
    }
  }
  return std::nullopt;
}

/// A match with a name that an earlier one of the port has is left out whole. Source: istio
/// pilot/pkg/networking/core/gateway.go buildGatewayNetworkFiltersFromTLSRoutes.
std::vector<SniRule> passthrough_rules(const RouteTables::Impl& impl, const ClassicServer& server,
                                       const GatewayProxy& proxy, std::set<std::string>& taken) {
  std::vector<SniRule> out;
  for (const RouteConfig* config : configs_of(impl, server, proxy.ns)) {
    if (config->vs == nullptr) continue;
    const std::vector<std::string> hosts = shared_hosts(server, *config);
    if (hosts.empty()) continue;
    for (std::size_t i = 0; i < config->vs->tls.size(); ++i) {
      const model::VsL4Route& route = config->vs->tls[i];
      for (const model::VsL4Match& match : route.matches) {
        if (!l4_match(match, server, *config)) continue;
        if (std::any_of(match.sni_hosts.begin(), match.sni_hosts.end(),
                        [&](const std::string& sni) { return taken.contains(sni); }))
          continue;
        taken.insert(match.sni_hosts.begin(), match.sni_hosts.end());
        for (const std::string& sni : match.sni_hosts) {
          out.push_back({lower_case(sni), l4_rule(impl, *config, route, static_cast<int>(i), "tls")});
        }
      }
    }
  }
  return out;
}

/// Joins the servers' VirtualServices to virtual hosts by host. One without a rule at the port has no virtual
/// host there: its hosts are left to wider ones, and `lost` tells why.
/// Source: istio pilot/pkg/networking/core/gateway.go buildGatewayHTTPRouteConfig.
std::vector<VirtualHost> virtual_hosts(const RouteTables::Impl& impl,
                                       const std::vector<const ClassicServer*>& servers,
                                       const GatewayProxy& proxy, bool tls, std::vector<TraceNode>& lost) {
  std::map<std::string, VirtualHost> by_host;
  for (const ClassicServer* server : servers) {
    std::set<std::string> touched;
    for (const RouteConfig* config : configs_of(impl, *server, proxy.ns)) {
      const std::vector<std::string> hosts = shared_hosts(*server, *config);
      if (hosts.empty() || config->http.empty()) continue;
      ProxyView view;
      view.ns = proxy.ns;
      view.labels = &proxy.labels;
      view.gateway = server->gateway_name;
      view.port = server->port;
      view.tls = tls;
      std::vector<TraceNode> losers = config->losers;
      const std::vector<HttpEntry> entries = entries_at(*config, view, impl, &losers);
      if (entries.empty()) {
        lost.insert(lost.end(), losers.begin(), losers.end());
        continue;
      }
      touched.insert(hosts.begin(), hosts.end());
      for (const std::string& host : hosts) {
        VirtualHost& out = by_host[host];
        out.host = host;
        for (const HttpEntry& entry : entries) out.rules.add(entry);
        out.losers.insert(out.losers.end(), losers.begin(), losers.end());
      }
    }
    if (!server->https_redirect) continue;
    // A host that names a namespace is no domain that a request could have.
    for (const std::string& entry : server->hosts)
      if (entry.starts_with("*/")) touched.emplace(host_part(entry));
    for (const std::string& host : touched) {
      VirtualHost& out = by_host[host];
      out.host = host;
      out.require_tls = true;
      if (!out.require_tls_at) out.require_tls_at = server->at;
    }
  }
  std::vector<VirtualHost> out;
  for (auto& [host, vhost] : by_host) {
    sort_catch_all_last(vhost);
    out.push_back(std::move(vhost));
  }
  return out;
}

/// Ports that the pod listens on for a server.
/// Source: istio pilot/pkg/model/gateway.go resolvePorts.
std::vector<std::uint16_t> pod_ports(const RouteTables::Impl& impl, const ClassicGateway& gateway,
                                     std::uint16_t number, const GatewayProxy& proxy) {
  std::vector<std::uint16_t> out;
  for (const model::ServiceId id : services_of_proxy(impl.cluster, proxy)) {
    const model::RegistryService& service = impl.cluster.service(id);
    if (gateway.services) {
      const bool bound = std::find(gateway.services->begin(), gateway.services->end(), service.host) !=
                             gateway.services->end() &&
                         service.ns == gateway.gateway->meta.ns();
      if (!bound) continue;
    }
    const bool direct = service.meta().labels.get(kNoPortTranslationLabel) == "true";
    for (const model::RegistryService::Port& port : service.ports) {
      const std::uint16_t target = target_port(impl.cluster, proxy, id, port.port);
      if ((direct ? target : port.port) != number) continue;
      if (!gateway.services) return {target};
      if (std::find(out.begin(), out.end(), target) == out.end()) out.push_back(target);
    }
  }
  if (out.empty() && !gateway.services) out.push_back(number);
  std::sort(out.begin(), out.end());
  return out;
}

struct PortServers {
  std::vector<const ClassicServer*> http, tls;
  const ClassicServer* tcp = nullptr;
  std::set<std::string, std::less<>> sni, hosts;  // patterns; "ns/pattern"
  std::optional<TraceNode> rejected;
  std::vector<TraceNode> losers;
};

/// One server on one port, in order of precedence. Source: istio pilot/pkg/model/gateway.go mergeGateways.
void merge_server(PortServers& port, const ClassicServer& server, std::uint16_t number) {
  const auto lose = [&](std::string why) {
    port.losers.push_back(
        trace_node("listener", Decision::NotApplicable, kListenerConflicted, server.at, std::move(why)));
  };
  if (server.is_tls()) {
    // Source: istio pilot/pkg/model/gateway.go CheckDuplicates: hosts are compared with their namespaces. The
    // same SNI under two namespaces is kept, and Envoy rejects the listener.
    for (const std::string& host : server.hosts) {
      if (port.hosts.contains(host)) {
        return lose(fmt::format("an earlier TLS server of port {} has host {}: this server is dropped",
                                number, host));
      }
      if (port.sni.contains(host_part(host))) {
        port.rejected = trace_node(
            "listener", Decision::Unknown, kListenerConflicted, server.at,
            fmt::format(
                "what Envoy serves on port {}: it rejects a listener with two filter chains for SNI {}",
                number, host_part(host)));
      }
    }
    for (const std::string& host : server.hosts) {
      port.hosts.insert(host);
      port.sni.emplace(host_part(host));
    }
    port.tls.push_back(&server);
  } else if (server.is_http()) {
    if (port.tcp != nullptr) return lose(fmt::format("an earlier server serves TCP on port {}", number));
    port.http.push_back(&server);
  } else {
    if (!port.http.empty() || port.tcp != nullptr) {
      return lose(fmt::format("an earlier server serves port {}", number));
    }
    port.tcp = &server;
  }
}

ClassicTable build_table(const RouteTables::Impl& impl, const GatewayProxy& proxy) {
  std::map<std::uint16_t, PortServers> ports;
  for (const ClassicGateway& gateway : impl.classic) {
    if (!gateway_selects(impl, gateway, proxy)) continue;
    for (const ClassicServer& server : gateway.servers) {
      for (const std::uint16_t port : pod_ports(impl, gateway, server.port, proxy)) {
        merge_server(ports[port], server, port);
      }
    }
  }
  ClassicTable table;
  for (auto& [number, servers] : ports) {
    ClassicPort out;
    out.losers = std::move(servers.losers);
    out.rejected = std::move(servers.rejected);
    if (!servers.http.empty()) {
      out.http_server = servers.http.front();
      out.http = virtual_hosts(impl, servers.http, proxy, false, out.losers);
      for (const ClassicServer* server : servers.http) {
        for (const std::string& host : server->hosts) out.http_hosts.emplace_back(host_part(host));
      }
    }
    if (servers.tcp != nullptr) {
      out.tcp = tcp_rule(impl, *servers.tcp, proxy);
      if (out.tcp) out.tcp_server = servers.tcp;
    }
    std::set<std::string> taken;
    for (const ClassicServer* server : servers.tls) {
      TlsChain chain;
      chain.server = server;
      for (const std::string& host : server->hosts) chain.sni.emplace_back(host_part(host));
      chain.terminates =
          server->tls != ServerTlsMode::Passthrough && server->tls != ServerTlsMode::AutoPassthrough;
      if (!chain.terminates) {
        chain.passthrough = passthrough_rules(impl, *server, proxy, taken);
      } else if (server->is_http()) {
        chain.http = virtual_hosts(impl, {server}, proxy, true, out.losers);
      } else {
        chain.tcp = tcp_rule(impl, *server, proxy);
      }
      out.tls.push_back(std::move(chain));
    }
    if (out.http_server != nullptr || out.tcp_server != nullptr || !out.tls.empty() || !out.losers.empty()) {
      table.ports.emplace(number, std::move(out));
    }
  }
  return table;
}

std::string proxy_key(const GatewayProxy& proxy) {
  std::string key = proxy.ns.str();
  for (const model::Label& label : proxy.labels.all()) {
    key += fmt::format("|{}={}", label.key.view(), label.value.view());
  }
  return key;
}

}  // namespace

/// Source: istio pilot/pkg/networking/core/gateway.go createGatewayTCPFilterChainOpts,
/// buildGatewayNetworkFiltersFromTLSRoutes.
std::vector<std::string> TlsChain::served_sni() const {
  if (server->tls == ServerTlsMode::Passthrough) {
    std::vector<std::string> out;
    for (const SniRule& rule : passthrough) out.push_back(rule.sni);
    return out;
  }
  if (terminates && !server->is_http() && !tcp) return {};
  return sni;
}

/// Source: istio pkg/config/gateway/gateway.go IsTLSServer, IsHTTPServer.
bool ClassicServer::is_tls() const {
  return tls != ServerTlsMode::None && port_kind(protocol) != PortKind::Http;
}
bool ClassicServer::is_http() const {
  if (port_kind(protocol) == PortKind::Http) return true;
  return protocol == "https" && tls != ServerTlsMode::None && tls != ServerTlsMode::Passthrough &&
         tls != ServerTlsMode::AutoPassthrough;
}

bool gateway_selects(const RouteTables::Impl& impl, const ClassicGateway& gateway,
                     const GatewayProxy& proxy) {
  if (gateway.services) {
    for (const model::ServiceId id : services_of_proxy(impl.cluster, proxy)) {
      const model::RegistryService& service = impl.cluster.service(id);
      if (service.ns == gateway.gateway->meta.ns() &&
          std::find(gateway.services->begin(), gateway.services->end(), service.host) !=
              gateway.services->end()) {
        return true;
      }
    }
    return false;
  }
  // Source: istio pilot/pkg/features (PILOT_SCOPE_GATEWAY_TO_NAMESPACE, off by default).
  const model::FeatureFlags& flags = impl.cluster.flags();
  if (gateway.gateway != nullptr && !(gateway.gateway->meta.ns() == proxy.ns) &&
      flags.boolean(flags.istiod, "PILOT_SCOPE_GATEWAY_TO_NAMESPACE").value_or(false)) {
    return false;
  }
  return std::all_of(gateway.selector.begin(), gateway.selector.end(), [&](const auto& wanted) {
    const model::Label* label = proxy.labels.find(wanted.first);
    return label != nullptr && label->value == wanted.second;
  });
}

std::vector<model::ServiceId> services_of_proxy(const model::Cluster& cluster, const GatewayProxy& proxy) {
  std::vector<model::ServiceId> out;
  if (proxy.pod.valid()) out = cluster.services_of_pod(proxy.pod);
  const model::Pod* pod = proxy.pod.valid() ? &cluster.pod(proxy.pod) : nullptr;
  const std::span<const model::RegistryService> services = cluster.services();
  for (std::uint32_t i = 0; i < services.size(); ++i) {
    const model::RegistryService& s = services[i];
    bool in_front = false;
    if (s.service != nullptr && pod == nullptr) {
      in_front = s.ns == proxy.ns && !s.service->selector.empty() &&
                 std::all_of(s.service->selector.begin(), s.service->selector.end(), [&](const auto& wanted) {
                   const model::Label* label = proxy.labels.find(wanted.first);
                   return label != nullptr && label->value == wanted.second;
                 });
    } else if (s.entry != nullptr && pod != nullptr) {
      in_front =
          (s.ns == proxy.ns && s.entry->workload_selector &&
           s.entry->workload_selector->matches(proxy.labels)) ||
          std::any_of(s.entry->endpoints.begin(), s.entry->endpoints.end(),
                      [&](const model::WorkloadEntrySpec& e) {
                        const std::optional<model::IpAddress> ip = model::parse_ip(e.address);
                        return ip && std::find(pod->ips.begin(), pod->ips.end(), *ip) != pod->ips.end();
                      });
    }
    if (in_front &&
        std::none_of(out.begin(), out.end(), [&](model::ServiceId id) { return id.index == i; })) {
      out.push_back(model::ServiceId{i});
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::uint16_t target_port(const model::Cluster& cluster, const GatewayProxy& proxy, model::ServiceId service,
                          std::uint16_t port) {
  const model::Pod* pod = proxy.pod.valid() ? &cluster.pod(proxy.pod) : nullptr;
  for (const model::Endpoint& endpoint : cluster.endpoints(service, port)) {
    const bool same =
        pod != nullptr &&
        (endpoint.pod == proxy.pod || (endpoint.address && std::find(pod->ips.begin(), pod->ips.end(),
                                                                     *endpoint.address) != pod->ips.end()));
    if (same || pod == nullptr) return endpoint.port;
  }
  const model::RegistryService& s = cluster.service(service);
  if (s.service != nullptr) {
    for (const model::ServicePort& p : s.service->ports) {
      if (p.port != port) continue;
      if (const auto* number = std::get_if<std::uint16_t>(&p.target_port)) return *number;
    }
  }
  return port;
}

std::shared_ptr<const ClassicTable> classic_table(const RouteTables::Impl& impl, const GatewayProxy& proxy) {
  if (const auto it = impl.classic_tables.find(proxy_key(proxy)); it != impl.classic_tables.end())
    return it->second;
  return std::make_shared<const ClassicTable>(build_table(impl, proxy));
}

void build_classic_gateways(RouteTables::Impl& impl) {
  const model::Cluster& cluster = impl.cluster;
  for (const auto& gateway : cluster.snapshot().all<model::IstioGateway>()) {
    ClassicGateway out;
    out.gateway = gateway.get();
    out.at = object_at(gateway->meta);
    out.created = gateway->meta.creation_timestamp;
    out.name = gateway->meta.name().str();
    out.ns = gateway->meta.ns().str();
    out.selector = gateway->selector;
    if (const model::Annotation* a = gateway->meta.annotation(kGatewayServiceAnnotation)) {
      out.services = split_commas(a->value);
    }
    for (std::size_t i = 0; i < gateway->servers.size(); ++i)
      out.servers.push_back(compile_server(*gateway, i));
    impl.classic.push_back(std::move(out));
  }
  for (const auto& ingress : cluster.snapshot().all<model::Ingress>()) {
    if (ingress_taken(cluster, *ingress)) impl.classic.push_back(ingress_gateway(cluster, *ingress));
  }
  // Source: istio pilot/pkg/model/config.go configCompareByCreationTime.
  std::stable_sort(impl.classic.begin(), impl.classic.end(),
                   [](const ClassicGateway& a, const ClassicGateway& b) {
                     return std::tie(a.created, a.name, a.ns) < std::tie(b.created, b.name, b.ns);
                   });
  const std::span<const model::Pod* const> pods = cluster.pods();
  for (std::uint32_t i = 0; i < pods.size(); ++i) {
    GatewayProxy proxy;
    proxy.pod = model::PodId{i};
    proxy.ns = pods[i]->meta.ns();
    proxy.labels = pods[i]->meta.labels;
    const bool selected = std::any_of(impl.classic.begin(), impl.classic.end(), [&](const ClassicGateway& g) {
      return (g.services || !g.selector.empty()) && gateway_selects(impl, g, proxy);
    });
    if (!selected) continue;
    auto& slot = impl.classic_tables[proxy_key(proxy)];
    if (slot != nullptr) continue;
    slot = std::make_shared<const ClassicTable>(build_table(impl, proxy));
    impl.classic_proxies.emplace_back(proxy.pod, slot);
  }
}

}  // namespace waypath::sim
