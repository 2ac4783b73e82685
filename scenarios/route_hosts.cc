#include "scenarios/route_hosts.h"

#include <algorithm>
#include <set>

#include "sim/resolve/hostname.h"
#include "sim/resolve/ingress.h"
#include "sim/resolve/mesh.h"
#include "sim/resolve/not_given.h"

namespace waypath::scenarios {
namespace {

using model::PodId;
using model::ServiceId;

template <class T>
void settle(std::vector<T>& items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

void add_hosts(const model::Cluster& cluster, const std::string& host, model::Symbol ns,
               std::vector<ServiceId>& out) {
  const auto ids =
      cluster.services_by_host(sim::resolve_short_host(host, ns.view(), cluster.mesh().cluster_domain));
  out.insert(out.end(), ids.begin(), ids.end());
}

// Source: istio pilot/pkg/model/virtualservice.go mergeVirtualServicesIfNeeded (a delegate has no delegates)
void add_destinations(const model::Cluster& cluster, const model::VirtualService& vs, bool delegates,
                      RouteHosts& out) {
  for (const auto& http : vs.http) {
    for (const auto& d : http.route) add_hosts(cluster, d.host, vs.meta.ns(), out.services);
    for (const auto& d : http.mirrors) add_hosts(cluster, d.host, vs.meta.ns(), out.mirrored);
    if (!delegates || !http.delegate) continue;
    const auto* next = cluster.snapshot().find<model::VirtualService>(http.delegate->first.view(),
                                                                      http.delegate->second.view());
    if (next != nullptr) add_destinations(cluster, *next, false, out);
  }
  for (const auto* list : {&vs.tls, &vs.tcp})
    for (const auto& l4 : *list)
      for (const auto& d : l4.route) add_hosts(cluster, d.host, vs.meta.ns(), out.services);
}

void add_gateway(const model::Cluster& cluster, const model::IstioGateway& gateway, RouteHosts& out) {
  const auto fronts = fronts_of(cluster, gateway);
  out.fronts.insert(out.fronts.end(), fronts.begin(), fronts.end());
  for (std::uint32_t i = 0; i < cluster.pods().size(); ++i)
    if (selects(gateway, cluster.pod({i}))) {
      out.gateway_pods.push_back({i});
      break;
    }
}

/// A Gateway that is not given, where its namespace is not, either: where it listens is not known.
void add_unknown_gateway(const model::Cluster& cluster, model::Symbol ns, std::optional<std::uint16_t> port,
                         RouteHosts& out) {
  if (sim::namespace_told(cluster, ns)) return;
  if (!port || *port == 443) out.fronts.push_back({"", 443, true});
  if (!port || *port != 443) out.fronts.push_back({"", port.value_or(80), false});
}

void add_virtual_services(const model::Cluster& cluster, std::vector<RouteHosts>& out) {
  for (const auto& vs : cluster.snapshot().all<model::VirtualService>()) {
    RouteHosts one;
    one.virtual_service = vs.get();
    one.meta = &vs->meta;
    bool mesh = vs->gateways.empty();
    for (const auto& name : vs->gateways) {
      if (name == "mesh") {
        mesh = true;
        continue;
      }
      const auto slash = name.find('/');
      const std::string ns = slash == std::string::npos ? vs->meta.ns().str() : name.substr(0, slash);
      const auto* gateway = cluster.snapshot().find<model::IstioGateway>(
          ns, slash == std::string::npos ? name : name.substr(slash + 1));
      if (gateway != nullptr)
        add_gateway(cluster, *gateway, one);
      else if (slash != std::string::npos)
        add_unknown_gateway(cluster, model::intern(ns), std::nullopt, one);
    }
    one.hosts = vs->hosts;
    add_destinations(cluster, *vs, true, one);
    if (mesh)
      for (const auto& host : vs->hosts) {
        const std::string full =
            sim::resolve_short_host(host, vs->meta.ns().view(), cluster.mesh().cluster_domain);
        for (std::uint32_t i = 0; i < cluster.services().size(); ++i)
          if (sim::host_covers(full, cluster.services()[i].host)) one.parents.push_back({i});
      }
    out.push_back(std::move(one));
  }
}

// Source: istio pilot/pkg/config/kube/gateway/conversion.go buildDestination (Service, and Hostname of
// networking.istio.io, which names any host of the registry)
void add_backend(const model::Cluster& cluster, const model::BackendRef& backend,
                 std::vector<ServiceId>& out) {
  if (backend.kind == "Hostname") {
    const auto ids = cluster.services_by_host(backend.name.view());
    out.insert(out.end(), ids.begin(), ids.end());
  } else if (backend.kind == "Service") {
    if (const auto id = cluster.find_service(backend.ns.view(), backend.name.view()); id.valid())
      out.push_back(id);
  }
}

template <class Route>
void add_parents(const model::Cluster& cluster, const Route& route, RouteHosts& out) {
  for (const auto& parent : route.parents) {
    if (parent.kind == "Service") {
      if (const auto id = cluster.find_service(parent.ns.view(), parent.name.view()); id.valid())
        out.parents.push_back(id);
      continue;
    }
    for (std::uint32_t i = 0; i < cluster.services().size() && parent.kind == "ServiceEntry"; ++i) {
      const auto& service = cluster.services()[i];
      if (service.entry != nullptr && service.ns == parent.ns && service.meta().name() == parent.name)
        out.parents.push_back({i});
    }
    const bool of_set = parent.kind == "ListenerSet" || parent.kind == "XListenerSet";
    const auto sets = cluster.snapshot().all<model::ListenerSet>();
    const auto set = std::find_if(sets.begin(), sets.end(), [&](const auto& one) {
      return of_set && one->meta.ns() == parent.ns && one->meta.name() == parent.name;
    });
    if (of_set ? set == sets.end() : parent.kind != "Gateway") continue;
    const auto* gateway =
        of_set ? cluster.snapshot().find<model::Gateway>((*set)->parent_ns.view(), (*set)->parent_name.view())
               : cluster.snapshot().find<model::Gateway>(parent.ns.view(), parent.name.view());
    if (gateway == nullptr && !of_set) add_unknown_gateway(cluster, parent.ns, parent.port, out);
    if (gateway == nullptr || sim::is_waypoint(cluster, *gateway)) continue;
    const auto fronts = fronts_of(of_set ? (*set)->listeners : gateway->listeners);
    out.fronts.insert(out.fronts.end(), fronts.begin(), fronts.end());
    const auto pods = sim::gateway_pods(cluster, *gateway);
    if (!pods.empty()) out.gateway_pods.push_back(pods.front());
  }
  out.hosts = route.hostnames;
  for (const auto& rule : route.rules)
    for (const auto& backend : rule.backends) add_backend(cluster, backend, out.services);
}

void add_mirrors(const model::Cluster& cluster, const std::vector<model::HttpFilter>& filters,
                 std::vector<ServiceId>& out) {
  for (const auto& filter : filters)
    if (!filter.mirror_percent || *filter.mirror_percent > 0)
      for (const auto& ref : filter.mirror) add_backend(cluster, ref, out);
}

void add_gateway_api(const model::Cluster& cluster, std::vector<RouteHosts>& out) {
  for (const auto& route : cluster.snapshot().all<model::HttpRoute>()) {
    RouteHosts one;
    one.http_route = route.get();
    one.meta = &route->meta;
    add_parents(cluster, *route, one);
    for (const auto& rule : route->rules) {
      add_mirrors(cluster, rule.filters, one.mirrored);
      for (const auto& backend : rule.backends) add_mirrors(cluster, backend.filters, one.mirrored);
    }
    out.push_back(std::move(one));
  }
  for (const auto& route : cluster.snapshot().all<model::L4Route>()) {
    const bool tls = route->meta.key.kind == std::string_view("TLSRoute");
    RouteHosts one;
    one.meta = &route->meta;
    add_parents(cluster, *route, one);
    std::erase_if(one.fronts, [&](const auto& f) { return !tls || !f.tls; });
    out.push_back(std::move(one));
  }
}

void add_ingresses(const model::Cluster& cluster, std::vector<RouteHosts>& out) {
  std::vector<PodId> pods;
  for (std::uint32_t i = 0; i < cluster.pods().size() && pods.empty(); ++i)
    if (cluster.pod({i}).meta.labels.get("istio") == sim::ingress_pod_label(cluster.mesh()))
      pods.push_back({i});
  for (const auto& ingress : cluster.snapshot().all<model::Ingress>()) {
    const bool taken = sim::ingress_taken(cluster, *ingress);
    if (!taken && ingress->default_backend) {
      RouteHosts one;
      one.meta = &ingress->meta;
      one.hosts = {""};
      one.fronts = {{"", 80, false}};
      if (!ingress->tls.empty()) one.fronts.push_back({"", 443, true});
      if (const auto id =
              cluster.find_service(ingress->meta.ns().view(), ingress->default_backend->service.view());
          id.valid())
        one.services.push_back(id);
      out.push_back(std::move(one));
    }
    for (const auto& rule : ingress->rules) {
      RouteHosts one;
      one.meta = &ingress->meta;
      one.ingress = &rule;
      one.hosts = {rule.host};
      if (taken) one.gateway_pods = pods;  // whoever serves the others is not modelled
      one.fronts = {{rule.host, 80, false}};
      if (!ingress->tls.empty()) one.fronts.push_back({rule.host, 443, true});
      for (const auto& path : rule.paths)
        if (const auto id = cluster.find_service(ingress->meta.ns().view(), path.backend.service.view());
            id.valid())
          one.services.push_back(id);
      out.push_back(std::move(one));
    }
  }
}

std::string without_star(const std::string& pattern) {
  if (pattern.empty() || pattern == "*") return "x.example";
  return sim::is_wildcard(pattern) ? "x" + pattern.substr(1) : pattern;
}

}  // namespace

std::vector<RouteHosts> route_hosts(const model::Cluster& cluster) {
  std::vector<RouteHosts> out;
  add_virtual_services(cluster, out);
  add_gateway_api(cluster, out);
  add_ingresses(cluster, out);
  for (auto& one : out) {
    settle(one.services);
    settle(one.mirrored);
    settle(one.parents);
    settle(one.gateway_pods);
  }
  return out;
}

std::vector<ServiceId> services_leading_to(const std::vector<RouteHosts>& routes,
                                           std::vector<ServiceId> services) {
  settle(services);
  for (bool more = true; more;) {
    const std::size_t known = services.size();
    for (const auto& route : routes)
      if (std::any_of(route.services.begin(), route.services.end(),
                      [&](ServiceId id) { return std::binary_search(services.begin(), services.end(), id); }))
        services.insert(services.end(), route.parents.begin(), route.parents.end());
    settle(services);
    more = services.size() > known;
  }
  return services;
}

std::vector<std::pair<std::string, ServiceId>> mirrors_to(const std::vector<RouteHosts>& routes,
                                                          const std::vector<ServiceId>& services) {
  std::vector<std::pair<std::string, ServiceId>> out;
  for (const auto& route : routes)
    for (const auto id : route.mirrored)
      if ((!route.fronts.empty() || !route.parents.empty()) &&
          std::find(services.begin(), services.end(), id) != services.end())
        out.emplace_back(route.meta->key.str(), id);
  settle(out);
  return out;
}

std::vector<std::string> tcp_routes_to(const model::Cluster& cluster,
                                       const std::vector<model::ServiceId>& services) {
  std::set<std::string> out;
  const auto asked = [&](model::ServiceId id) {
    return std::find(services.begin(), services.end(), id) != services.end();
  };
  for (const auto& route : cluster.snapshot().all<model::L4Route>()) {
    if (!(route->meta.key.kind == std::string_view("TCPRoute"))) continue;
    if (std::all_of(route->parents.begin(), route->parents.end(),
                    [](const auto& p) { return p.kind == "Service"; }))
      continue;
    for (const auto& rule : route->rules)
      for (const auto& backend : rule.backends)
        if (backend.kind == "Service" && asked(cluster.find_service(backend.ns.view(), backend.name.view())))
          out.insert(route->meta.key.str());
  }
  for (const auto& vs : cluster.snapshot().all<model::VirtualService>()) {
    if (std::all_of(vs->gateways.begin(), vs->gateways.end(), [](const auto& g) { return g == "mesh"; }))
      continue;
    for (const auto& route : vs->tcp)
      for (const auto& to : route.route)
        for (const auto id : cluster.services_by_host(
                 sim::resolve_short_host(to.host, vs->meta.ns().view(), cluster.mesh().cluster_domain)))
          if (asked(id)) out.insert(vs->meta.key.str());
  }
  return {out.begin(), out.end()};
}

std::vector<std::string> hosts_at(const RouteHosts& route, const GatewayFront& front) {
  std::set<std::string> out;
  if (route.hosts.empty()) out.insert(without_star(front.host));
  for (const auto& host : route.hosts)
    if (const auto both =
            sim::intersect_hosts(host.empty() ? "*" : host, front.host.empty() ? "*" : front.host))
      out.insert(without_star(*both));
  return {out.begin(), out.end()};
}

}  // namespace waypath::scenarios
