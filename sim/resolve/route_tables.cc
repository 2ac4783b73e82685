#include "sim/resolve/route_tables.h"

#include <algorithm>

#include "sim/resolve/hostname.h"
#include "sim/resolve/visibility.h"

namespace waypath::sim {

namespace {

/// Age, then name, then namespace. Source: istio pilot/pkg/model/config.go configCompareByCreationTime.
bool config_before(const RouteConfig& a, const RouteConfig& b) {
  if (a.created != b.created) return a.created < b.created;
  if (a.key.name != b.key.name) return a.key.name.view() < b.key.name.view();
  if (a.ns != b.ns) return a.ns.view() < b.ns.view();
  return a.kind < b.kind;
}

void index_configs(RouteTables::Impl& impl) {
  std::stable_sort(impl.configs.begin(), impl.configs.end(), config_before);
  for (std::uint32_t i = 0; i < impl.configs.size(); ++i) {
    const RouteConfig& config = impl.configs[i];
    for (const std::string& gateway : config.gateways) impl.configs_by_gateway[gateway].push_back(i);
    if (std::find(config.gateways.begin(), config.gateways.end(), "mesh") == config.gateways.end()) continue;
    bool wildcard = false;
    for (const std::string& host : config.hosts) {
      if (is_wildcard(host)) {
        wildcard = true;
      } else if (auto& list = impl.mesh_configs_by_host[host]; list.empty() || list.back() != i) {
        list.push_back(i);
      }
    }
    if (wildcard) impl.mesh_configs_wildcard.push_back(i);
  }
}

}  // namespace

RouteTables::RouteTables(const model::Cluster& cluster) : cluster_(cluster) {
  auto impl = std::make_unique<Impl>(cluster);
  build_virtual_services(*impl);
  build_http_routes(*impl);
  build_ingresses(*impl);
  index_configs(*impl);
  build_listeners(*impl);
  build_classic_gateways(*impl);
  attach_http_routes(*impl);
  attach_l4_routes(*impl);
  build_destination_rules(*impl);
  index_services(*impl);
  index_foreign_entries(*impl);
  build_mesh_hosts(*impl);
  impl_ = std::move(impl);
}

RouteTables::~RouteTables() = default;

std::shared_ptr<const RouteTables> RouteTables::build(const model::Cluster& cluster) {
  return std::shared_ptr<const RouteTables>(new RouteTables(cluster));
}

const ApiGateway* RouteTables::Impl::find(const model::Gateway& gateway) const {
  for (const ApiGateway& g : gateways) {
    if (g.gateway->meta.key == gateway.meta.key) return &g;
  }
  return nullptr;
}

ObjectAt object_at(const model::ObjectMeta& meta, model::SourcePos pos, int rule, std::string section) {
  return {meta.key, pos.known() ? pos : meta.pos, rule, std::move(section)};
}

TraceNode trace_node(std::string layer, Decision decision, Code code, std::optional<ObjectAt> by,
                     std::string detail) {
  TraceNode node;
  node.layer = std::move(layer);
  node.decision = decision;
  node.reason = {code, std::move(by), std::move(detail)};
  return node;
}

int config_group(const RouteTables::Impl& impl, const model::ExportTo& export_to, model::Symbol of,
                 bool gateway_semantics, model::Symbol viewer) {
  const model::ExportTo& defaults = impl.cluster.mesh().default_virtual_service_export_to;
  const model::ExportTo& list = export_to.empty() ? defaults : export_to;
  if (!list.empty() && std::find(list.begin(), list.end(), "*") == list.end()) {
    return std::find(list.begin(), list.end(), ".") != list.end() && of == viewer ? 0 : 1;
  }
  return gateway_semantics && of == viewer ? 2 : 3;
}

std::vector<const RouteConfig*> configs_for(const RouteTables::Impl& impl,
                                            std::span<const std::uint32_t> candidates, model::Symbol ns) {
  const std::vector<std::string>& defaults = impl.cluster.mesh().default_virtual_service_export_to;
  const auto group = [&](const RouteConfig& config) {
    return config_group(impl, config.export_to, config.ns, config.gateway_semantics, ns);
  };
  std::vector<const RouteConfig*> out;
  for (const std::uint32_t i : candidates) {
    const RouteConfig& config = impl.configs[i];
    if (visible_to(config.export_to, defaults, config.ns, ns)) out.push_back(&config);
  }
  std::stable_sort(out.begin(), out.end(),
                   [&](const RouteConfig* a, const RouteConfig* b) { return group(*a) < group(*b); });
  return out;
}

model::ServiceId find_registry_service(const RouteTables::Impl& impl, std::string_view host,
                                       model::Symbol ns) {
  // Source: istio pilot/pkg/model/sidecar.go selectServices.
  const bool service_first = impl.cluster.profile().has(model::Feature::SidecarPicksServiceFirst);
  const auto before = [&](model::ServiceId a, model::ServiceId b) {
    const model::RegistryService& x = impl.cluster.service(a);
    const model::RegistryService& y = impl.cluster.service(b);
    if ((x.ns == ns) != (y.ns == ns)) return x.ns == ns;
    if (!service_first && x.ns != y.ns) return x.ns.view() < y.ns.view();
    if ((x.service != nullptr) != (y.service != nullptr)) return x.service != nullptr;
    return x.meta().creation_timestamp < y.meta().creation_timestamp;
  };
  model::ServiceId best;
  for (const model::ServiceId id : impl.cluster.services_by_host(host)) {
    if (!service_visible(impl.cluster, impl.cluster.service(id), ns)) continue;
    if (!best.valid() || before(id, best)) best = id;
  }
  return best;
}

namespace {

char first_character(char c) { return c; }
char first_character(const VirtualHost& host) { return host.host.empty() ? '\0' : host.host.front(); }

}  // namespace

const VirtualHost* find_virtual_host(std::span<const VirtualHost> hosts, std::string_view host) {
  const auto find = [&](std::string_view name) -> const VirtualHost* {
    const auto it = std::lower_bound(hosts.begin(), hosts.end(), name,
                                     [](const VirtualHost& v, std::string_view n) { return v.host < n; });
    return it != hosts.end() && it->host == name ? &*it : nullptr;
  };
  if (const VirtualHost* exact_host = find(host)) return exact_host;
  // A star stands for one character or more, wherever a label begins. Source: envoy
  // source/common/router/config_impl.cc findWildcardVirtualHost; istio pkg/config/labels/instance.go
  // wildcardPrefix ("*-name", "*name").
  const auto wildcards = std::equal_range(hosts.begin(), hosts.end(), '*', [](const auto& a, const auto& b) {
    return first_character(a) < first_character(b);
  });
  if (wildcards.first == wildcards.second) return find("*");
  std::string pattern;
  for (std::size_t start = 1; start < host.size(); ++start) {
    pattern = "*";
    pattern += host.substr(start);
    if (const VirtualHost* wildcard = find(pattern)) return wildcard;
  }
  return find("*");
}

void sort_catch_all_last(VirtualHost& host) {
  const auto catch_all = [](const HttpEntry& e) { return e.match.catch_all(); };
  if (std::none_of(host.rules.entries().begin(), host.rules.entries().end(), catch_all)) return;
  std::vector<HttpEntry> entries = host.rules.entries();
  std::stable_partition(entries.begin(), entries.end(), [&](const HttpEntry& e) { return !catch_all(e); });
  host.rules = {};
  for (HttpEntry& entry : entries) host.rules.add(std::move(entry));
}

RouteDecision route_at_gateway(const model::Cluster& cluster, const GatewayProxy& proxy, std::uint16_t port,
                               std::uint16_t pod_port, const RouteRequest& request) {
  return route_at_gateway(*RouteTables::build(cluster), proxy, port, pod_port, request);
}
RouteDecision route_at_waypoint(const model::Cluster& cluster, const model::Gateway& waypoint,
                                model::ServiceId service, std::uint16_t port, const RouteRequest& request) {
  return route_at_waypoint(*RouteTables::build(cluster), waypoint, service, port, request);
}
RouteDecision route_at_sidecar(const model::Cluster& cluster, model::Symbol client_ns,
                               const model::Labels& client_labels, std::optional<model::ServiceId> service,
                               std::optional<model::IpAddress> address, std::uint16_t port,
                               const RouteRequest& request) {
  return route_at_sidecar(*RouteTables::build(cluster), client_ns, client_labels, service, address, port,
                          request);
}
std::vector<GatewayCandidate> gateways_for_host(const model::Cluster& cluster, std::string_view host,
                                                std::uint16_t port, bool tls) {
  return gateways_for_host(*RouteTables::build(cluster), host, port, tls);
}

}  // namespace waypath::sim
