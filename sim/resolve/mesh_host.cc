// The HTTP rules that waypoints and sidecars match requests against, made once: a request is looked up in the
// index of its host's rules.

#include <fmt/format.h>

#include <algorithm>

#include "sim/reasons/route.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/mesh.h"
#include "sim/resolve/mesh_route.h"
#include "sim/resolve/protocol.h"

namespace waypath::sim {

namespace {

/// Source: istio.io docs ambient/migrate/migrate-policies: the mix is not supported; computed by the rule and
/// said.
void note_mix(const std::vector<const RouteConfig*>& configs, std::string_view host, MeshHost& out) {
  const auto api = [](const RouteConfig* c) { return c->gateway_semantics; };
  if (std::all_of(configs.begin(), configs.end(), api) || std::none_of(configs.begin(), configs.end(), api))
    return;
  out.assumptions.push_back({kRouteMixedApis,
                             fmt::format("{} has VirtualServices and HTTPRoutes at one waypoint, which Istio "
                                         "leaves undefined: their rules are taken one after the other",
                                         host),
                             configs.front()->pos});
}

void join(const RouteTables::Impl& impl, const RouteConfig& config, const ProxyView& proxy,
          VirtualHost& host) {
  host.losers.insert(host.losers.end(), config.losers.begin(), config.losers.end());
  for (HttpEntry& entry : entries_at(config, proxy, impl, &host.losers)) host.rules.add(std::move(entry));
}

/// Whether all that decides which entries count is the gateway "mesh".
bool same_everywhere(const RouteConfig& config) {
  return std::none_of(config.http.begin(), config.http.end(), [](const HttpEntry& entry) {
    return entry.port ||
           (entry.gateways.empty() && (!entry.source_labels.empty() || !entry.source_namespace.empty()));
  });
}

}  // namespace

std::vector<const RouteConfig*> waypoint_configs(const RouteTables::Impl& impl,
                                                 const model::RegistryService& service,
                                                 model::Symbol waypoint_ns, MeshHost& out) {
  std::vector<const RouteConfig*> configs;
  const std::vector<std::uint32_t> candidates = mesh_candidates(impl, service.host);
  for (const RouteConfig* config : configs_for(impl, candidates, waypoint_ns)) {
    if (config->ns == service.ns || config->ns == waypoint_ns) {
      configs.push_back(config);
    } else {
      out.trace.push_back(trace_node(
          "route", Decision::NotApplicable, kRouteIgnoredHere, ObjectAt{config->key, config->pos, -1, {}},
          fmt::format("a waypoint serves routes of namespace {} (the Service's) and "
                      "{} (its own) only; this one is of {}",
                      service.ns.view(), waypoint_ns.view(), config->ns.view())));
    }
  }
  if (const auto it = impl.ignored_mesh_routes.find(service.host); it != impl.ignored_mesh_routes.end())
    out.trace.insert(out.trace.end(), it->second.begin(), it->second.end());
  // Source: istio releasenotes 59484: one config a host before, several since.
  if (!impl.cluster.profile().has(model::Feature::WaypointMergesVirtualServices) && configs.size() > 1) {
    for (std::size_t i = 1; i < configs.size(); ++i) {
      out.trace.push_back(
          trace_node("route", Decision::NotApplicable, kRouteShadowed,
                     ObjectAt{configs[i]->key, configs[i]->pos, -1, {}},
                     "this Istio version takes one route object for a host at waypoints: the first"));
    }
    configs.resize(1);
  }
  note_mix(configs, service.host, out);
  return configs;
}

std::shared_ptr<const MeshHost> waypoint_host(const RouteTables::Impl& impl, model::ServiceId service,
                                              const ProxyView& proxy) {
  const auto made = impl.waypoint_hosts.find({service.index, proxy.port, proxy.ns.str()});
  if (made != impl.waypoint_hosts.end()) return made->second;
  auto out = std::make_shared<MeshHost>();
  out->host.host = "*";
  for (const RouteConfig* config : waypoint_configs(impl, impl.cluster.service(service), proxy.ns, *out))
    join(impl, *config, proxy, out->host);
  return out;
}

std::shared_ptr<const MeshHost> config_host(const RouteTables::Impl& impl, const RouteConfig& config,
                                            const ProxyView& proxy) {
  const auto index = static_cast<std::size_t>(&config - impl.configs.data());
  if (index < impl.config_hosts.size() && impl.config_hosts[index]) return impl.config_hosts[index];
  auto out = std::make_shared<MeshHost>();
  join(impl, config, proxy, out->host);
  return out;
}

void build_mesh_hosts(RouteTables::Impl& impl) {
  ProxyView mesh;
  mesh.gateway = "mesh";
  impl.config_hosts.resize(impl.configs.size());
  const auto it = impl.configs_by_gateway.find("mesh");
  if (it == impl.configs_by_gateway.end()) return;
  for (const std::uint32_t i : it->second) {
    if (!same_everywhere(impl.configs[i])) continue;
    auto host = std::make_shared<MeshHost>();
    join(impl, impl.configs[i], mesh, host->host);
    impl.config_hosts[i] = std::move(host);
  }
  for (std::uint32_t i = 0; i < impl.cluster.services().size(); ++i) {
    const model::ServiceId id{i};
    const model::RegistryService& service = impl.cluster.service(id);
    if (mesh_candidates(impl, service.host).empty()) continue;
    const WaypointBinding binding = bind_service(impl.cluster, id);
    for (const WaypointBinding* bound : {&binding, binding.canary.get()}) {
      if (bound == nullptr || !bound->bound()) continue;
      for (const model::RegistryService::Port& port : service.ports) {
        const PortKind kind = port_kind(port.app_protocol);
        if (kind != PortKind::Http && kind != PortKind::Auto) continue;
        ProxyView proxy = mesh;
        proxy.ns = bound->gateway->meta.ns();
        proxy.labels = &bound->gateway->meta.labels;
        proxy.port = port.port;
        proxy.waypoint = true;
        auto host = waypoint_host(impl, id, proxy);
        impl.waypoint_hosts.emplace(std::tuple(i, port.port, proxy.ns.str()), std::move(host));
      }
    }
  }
}

}  // namespace waypath::sim
