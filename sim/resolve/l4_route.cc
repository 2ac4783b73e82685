// TCPRoute and TLSRoute: at listeners and, with a Service as parent, in the mesh (routing.md 2.7, 2.9).

#include <fmt/format.h>

#include <algorithm>

#include "sim/match/route_match.h"
#include "sim/reasons/route.h"
#include "sim/resolve/gateway_listener.h"
#include "sim/resolve/http_route.h"

namespace waypath::sim {

namespace {

/// Age, then namespace, then name, as HTTPRoutes.
bool route_before(const model::L4Route* a, const model::L4Route* b) {
  if (a->meta.creation_timestamp != b->meta.creation_timestamp) {
    return a->meta.creation_timestamp < b->meta.creation_timestamp;
  }
  if (a->meta.ns() != b->meta.ns()) return a->meta.ns().view() < b->meta.ns().view();
  return a->meta.name().view() < b->meta.name().view();
}

std::optional<L4Rule> compile_rule(const RouteTables::Impl& impl, const model::L4Route& route,
                                   std::size_t index, bool check_grants, std::string& why) {
  const model::L4RouteRule& rule = route.rules[index];
  L4Rule out;
  out.at = object_at(route.meta, rule.pos, static_cast<int>(index), "rules");
  out.gateway_semantics = true;
  for (const model::BackendRef& ref : rule.backends) {
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

}  // namespace

void attach_l4_routes(RouteTables::Impl& impl) {
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
    for (const Attachment& place :
         attach_route(impl, {&route->meta, &route->parents, tls ? &route->hostnames : nullptr})) {
      for (std::size_t i = 0; i < route->rules.size(); ++i) {
        std::string why;
        std::optional<L4Rule> rule = compile_rule(impl, *route, i, true, why);
        if (!rule) break;
        if (!tls) {
          // Several routes on one listener: the oldest. Source: istio conversion.go convertTCPRoute.
          if (!place.listener->tcp) place.listener->tcp = std::move(*rule);
          continue;
        }
        for (const std::string& host : place.hosts) place.listener->tls.push_back({host, *rule});
      }
    }
  }
}

}  // namespace waypath::sim
