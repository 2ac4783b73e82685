// TCPRoute and TLSRoute: at listeners and, with a Service as parent, in the mesh (routing.md 2.7, 2.9).

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "sim/match/route_match.h"
#include "sim/reasons/route.h"
#include "sim/resolve/gateway_listener.h"
#include "sim/resolve/http_route.h"

namespace waypath::sim {

namespace {

/// Age, then name, then namespace. Source: istio pilot/pkg/model/config.go configCompareByCreationTime.
bool route_before(const model::L4Route* a, const model::L4Route* b) {
  if (a->meta.creation_timestamp != b->meta.creation_timestamp) {
    return a->meta.creation_timestamp < b->meta.creation_timestamp;
  }
  if (a->meta.name() != b->meta.name()) return a->meta.name().view() < b->meta.name().view();
  return a->meta.ns().view() < b->meta.ns().view();
}

std::optional<L4Rule> compile_rule(const RouteTables::Impl& impl, const model::L4Route& route,
                                   std::size_t index, bool check_grants, std::string& why) {
  const model::L4RouteRule& rule = route.rules[index];
  L4Rule out;
  out.at = object_at(route.meta, rule.pos, static_cast<int>(index), "rules");
  out.gateway_semantics = true;
  for (const model::BackendRef& ref : rule.backends) {
    if (ref.weight <= 0) continue;
    std::optional<RuleDestination> destination = compile_backend(impl, ref, route.meta, check_grants, why);
    if (!destination) return std::nullopt;
    out.destinations.push_back(std::move(*destination));
  }
  return out;
}

void add_mesh_rule(RouteTables::Impl& impl, const model::L4Route& route, const model::ParentRef& parent,
                   const std::string& host, bool tls) {
  for (std::size_t i = 0; i < route.rules.size(); ++i) {
    std::string why;
    std::optional<L4Rule> rule = compile_rule(impl, route, i, false, why);
    if (!rule) {
      impl.ignored_mesh_routes[host].push_back(
          trace_node("route", Decision::NotApplicable, kRouteUnsupportedFilter, object_at(route.meta),
                     fmt::format("{}; Istio then drops the route", why)));
      return;
    }
    impl.mesh_l4_by_host[host].push_back(static_cast<std::uint32_t>(impl.mesh_l4.size()));
    impl.mesh_l4.push_back({host, route.meta.ns(), route.meta.creation_timestamp,
                            fmt::format("{}~{}", route.meta.name().view(), tls ? "tls" : "tcp"), parent.port,
                            tls, route.hostnames, std::move(*rule)});
  }
}

struct AttachedL4 {
  const model::L4Route* route = nullptr;
  std::vector<std::string> hosts;
};

/// A TLSRoute with a name that an earlier one has on the port of a passthrough listener is left out whole.
/// Source: istio pilot/pkg/networking/core/gateway.go buildGatewayNetworkFiltersFromTLSRoutes.
void add_listener_rules(RouteTables::Impl& impl, ApiListener& listener, const AttachedL4& attached,
                        std::set<std::string>& taken) {
  const model::L4Route& route = *attached.route;
  const bool tls = route.meta.key.kind == "TLSRoute";
  if (tls && !listener.terminates()) {
    if (std::any_of(attached.hosts.begin(), attached.hosts.end(),
                    [&](const std::string& host) { return taken.contains(host); }))
      return;
    taken.insert(attached.hosts.begin(), attached.hosts.end());
  }
  for (std::size_t i = 0; i < route.rules.size(); ++i) {
    std::string why;
    std::optional<L4Rule> rule = compile_rule(impl, route, i, true, why);
    if (!rule) break;
    if (!tls) {
      // Several routes on one listener: the first. Source: istio
      // pilot/pkg/networking/core/gateway.go buildGatewayNetworkFiltersFromTCPRoutes.
      if (!listener.tcp) listener.tcp = std::move(*rule);
      continue;
    }
    for (const std::string& host : attached.hosts) listener.tls.push_back({host, *rule});
  }
}

}  // namespace

void attach_l4_routes(RouteTables::Impl& impl) {
  std::map<ApiListener*, std::vector<AttachedL4>> attached;
  std::vector<const model::L4Route*> routes;
  for (const auto& route : impl.cluster.snapshot().all<model::L4Route>()) routes.push_back(route.get());
  std::stable_sort(routes.begin(), routes.end(), route_before);
  for (const model::L4Route* route : routes) {
    // Source: istio pilot/pkg/config/kube/gateway/supported_features.go: UDPRoute is not served.
    if (route->meta.key.kind == "UDPRoute") continue;
    const bool tls = route->meta.key.kind == "TLSRoute";
    for (const model::ParentRef& parent : route->parents) {
      for (const std::string& host : mesh_parent_hosts(impl, parent))
        add_mesh_rule(impl, *route, parent, host, tls);
    }
    for (Attachment& place :
         attach_route(impl, {&route->meta, &route->parents, tls ? &route->hostnames : nullptr}))
      attached[place.listener].push_back({route, std::move(place.hosts)});
  }
  // Names that passthrough chains have, for each port of a Gateway.
  std::map<std::pair<const model::Gateway*, std::uint16_t>, std::set<std::string>> taken;
  for (ApiGateway& gateway : impl.gateways) {
    for (ApiListener& listener : gateway.listeners) {
      const auto it = attached.find(&listener);
      if (it == attached.end()) continue;
      // Routes of the gateway's own namespace come first. Source: istio pilot/pkg/model/push_context.go
      // VirtualServicesForGateway.
      std::stable_partition(it->second.begin(), it->second.end(), [&](const AttachedL4& a) {
        return a.route->meta.ns() == gateway.gateway->meta.ns();
      });
      for (const AttachedL4& one : it->second)
        add_listener_rules(impl, listener, one, taken[{gateway.gateway, listener.listener->port}]);
    }
  }
}

}  // namespace waypath::sim
