// Routes that yield nothing, lead nowhere or are never tried; listeners that do not serve (routing.md 2 and
// 3).

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sim/lint/context.h"
#include "sim/reasons/route.h"
#include "sim/resolve/idle_gateway.h"
#include "sim/resolve/istio_gateway.h"
#include "sim/resolve/not_given.h"
#include "sim/resolve/route_tables.h"

namespace waypath::sim {

namespace {

using model::ServiceId;
using model::Severity;

std::string text(const ObjectAt& at) { return LintContext::object_text(at.key); }

// Reasons below a node, joined.
std::string reasons(const TraceNode& node) {
  std::string out = node.reason.detail;
  for (std::size_t i = 0; i < node.children.size(); ++i)
    out += (i == 0 ? ": " : "; ") + node.children[i].reason.detail;
  return out;
}

// ---- attachment ----

void listeners(LintContext& c, const RouteTables::Impl& impl) {
  for (const ApiGateway& gateway : impl.gateways) {
    if (gateway.controller.empty()) continue;  // not Istio's
    for (const ApiListener& listener : gateway.listeners) {
      if (listener.programmed) continue;
      c.report(kLintListener, listener.at,
               fmt::format("listener {} of {} does not serve: {}", listener.listener->name.view(),
                           LintContext::object_text(gateway.gateway->meta.key), listener.why_not_detail),
               "correct the listener");
    }
    for (const ApiGateway::Detached& detached : gateway.detached) {
      if (!detached.node.reason.by) continue;
      const bool dropped = detached.node.reason.code == kRouteUnsupportedFilter;
      c.report(dropped ? kLintRouteDropped : kLintRouteDetached, *detached.node.reason.by,
               fmt::format("{} yields nothing at {}: {}", text(*detached.node.reason.by),
                           LintContext::object_text(gateway.gateway->meta.key), reasons(detached.node)),
               dropped ? "remove what Istio does not support"
                       : "correct the parentRef, or let the listener admit it");
    }
  }
  for (const auto& [pod, table] : impl.classic_proxies) {
    for (const auto& [number, port] : table->ports) {
      for (const auto* list : {&port.losers})
        for (const TraceNode& node : *list)
          if (node.reason.by)
            c.report(kLintListener, *node.reason.by,
                     fmt::format("{} at {}: {}", text(*node.reason.by), c.pod_text(pod), node.reason.detail),
                     "give each host one server a port");
      if (port.rejected && port.rejected->reason.by)
        c.report(kLintListener, *port.rejected->reason.by,
                 fmt::format("{} at {}: {}", text(*port.rejected->reason.by), c.pod_text(pod),
                             port.rejected->reason.detail),
                 "give each host one server a port");
    }
  }
}

void ignored(LintContext& c, const RouteTables::Impl& impl) {
  for (const auto& [host, nodes] : impl.ignored_mesh_routes)
    for (const TraceNode& node : nodes)
      if (node.reason.by)
        c.report(kLintRouteDropped, *node.reason.by,
                 fmt::format("{} yields nothing for {}: {}", text(*node.reason.by), host, reasons(node)),
                 "remove what Istio does not support");
  for (const RouteConfig& config : impl.configs)
    for (const TraceNode& node : config.losers)
      if (node.reason.by)
        c.report(kLintRouteDropped, *node.reason.by,
                 fmt::format("{}: {}", text(*node.reason.by), node.reason.detail),
                 "correct the rule, or remove it");
}

// ---- parents ----

void unknown_parent(LintContext& c, const ObjectAt& at, const model::ObjectMeta& route, std::string_view kind,
                    std::string_view ns, std::string_view name, std::string_view fix) {
  const std::string who = LintContext::object_text(route.key);
  if (!namespace_told(c.cluster, model::intern(ns))) {
    c.report(kLintVsGateway, at,
             fmt::format("{} names {} {}/{}: namespace {} is not among the manifests, so whether it exists "
                         "is not known",
                         who, kind, ns, name, ns),
             "give the manifests of the namespace too", Severity::Info);
    return;
  }
  c.report(kLintVsGateway, at, fmt::format("{} names {} {}/{}, which does not exist", who, kind, ns, name),
           std::string(fix));
}

void unknown_parents(LintContext& c) {
  const auto check = [&](const model::ObjectMeta& route, const std::vector<model::ParentRef>& parents) {
    for (const model::ParentRef& parent : parents) {
      bool known = true;
      if (parent.kind == "Gateway") {
        known = c.snapshot.find<model::Gateway>(parent.ns.view(), parent.name.view()) != nullptr;
      } else if (parent.kind == "Service") {
        known = c.cluster.find_service(parent.ns.view(), parent.name.view()).valid();
      } else if (parent.kind == "ServiceEntry") {
        known = c.snapshot.find<model::ServiceEntry>(parent.ns.view(), parent.name.view()) != nullptr;
      }
      if (known) continue;
      unknown_parent(c, lint_at(route, parent.pos, -1, "parentRefs"), route, parent.kind, parent.ns.view(),
                     parent.name.view(), "correct name and namespace of the parentRef");
    }
  };
  for (const auto& route : c.snapshot.all<model::HttpRoute>()) check(route->meta, route->parents);
  for (const auto& route : c.snapshot.all<model::L4Route>()) check(route->meta, route->parents);
  for (const auto& vs : c.snapshot.all<model::VirtualService>()) {
    for (const std::string& name : vs->gateways) {
      if (name == "mesh") continue;
      const auto slash = name.find('/');
      const std::string ns = slash == std::string::npos ? vs->meta.ns().str() : name.substr(0, slash);
      const std::string own = slash == std::string::npos ? name : name.substr(slash + 1);
      if (c.snapshot.find<model::IstioGateway>(ns, own) != nullptr) continue;
      unknown_parent(c, lint_at(vs->meta), vs->meta, "Gateway", ns, own,
                     "correct the name; without a namespace it is that of the VirtualService");
    }
  }
  for (const auto& gateway : c.snapshot.all<model::IstioGateway>()) {
    if (gateway->selector.empty()) continue;
    const bool selects =
        std::any_of(c.cluster.pods().begin(), c.cluster.pods().end(), [&](const model::Pod* pod) {
          return std::all_of(gateway->selector.begin(), gateway->selector.end(), [&](const auto& wanted) {
            const auto* label = pod->meta.labels.find(wanted.first);
            return label != nullptr && label->value == wanted.second;
          });
        });
    if (!selects && !gateways_told(c.cluster, *gateway))
      c.report(
          kLintGatewaySelectsNothing, lint_at(gateway->meta),
          fmt::format("no gateway of Istio is among the manifests, so whether pods have the labels that {} "
                      "selects is not known",
                      LintContext::object_text(gateway->meta.key)),
          "give the manifests of the gateway too", Severity::Info);
    else if (!selects)
      c.report(kLintGatewaySelectsNothing, lint_at(gateway->meta),
               fmt::format("no pod has the labels that {} selects: nothing serves it",
                           LintContext::object_text(gateway->meta.key)),
               "correct the selector, or deploy the gateway");
  }
}

// ---- backends ----

class Backends {
 public:
  Backends(LintContext& c, const RouteTables::Impl& impl) : c_(c), impl_(impl) {}

  void rule(const HttpRule& rule, model::Symbol ns) {
    for (const RuleDestination& d : rule.destinations)
      destination(d, ns, rule.gateway_semantics, Use::Request);
    for (const RuleDestination& d : rule.mirrors) destination(d, ns, rule.gateway_semantics, Use::Mirror);
  }

  enum class Use : std::uint8_t { Request, Mirror, Connection };
  void destination(const RuleDestination& d, model::Symbol ns, bool gateway_semantics, Use use) {
    ProxyView proxy;
    proxy.ns = ns;
    static const model::Labels none;
    proxy.labels = &none;
    const RouteTarget target = resolve_target(impl_, proxy, d, gateway_semantics);
    if (target.error.text.empty()) return;
    // Without a port the listener's is taken, which depends on the proxy.
    if (!d.port && target.error == kRouteBackendPort) return;
    const bool grant = target.error == kRouteBackendNotPermitted;
    c_.report(grant ? kLintRouteGrant : kLintRouteBackend, target.by,
              fmt::format("{}: {}; {}", text(target.by), target.error_detail,
                          use == Use::Request  ? fmt::format("the proxy answers {}", target.error_status)
                          : use == Use::Mirror ? "what is mirrored is lost"
                                               : "the proxy resets the connection"),
              grant                               ? "add a ReferenceGrant in the Service's namespace"
              : target.error == kRouteBackendPort ? "write a port of the Service, not of its pods"
              : target.error == kRouteSubsetNotFound
                  ? "define the subset in a DestinationRule that the proxy sees"
                  : "correct the host, or create the Service");
  }

 private:
  LintContext& c_;
  const RouteTables::Impl& impl_;
};

void backends(LintContext& c, const RouteTables::Impl& impl) {
  Backends check(c, impl);
  std::set<const HttpRule*> seen;
  const auto http = [&](const std::vector<HttpEntry>& entries, model::Symbol ns) {
    for (const HttpEntry& entry : entries)
      if (entry.rule && seen.insert(entry.rule.get()).second) check.rule(*entry.rule, ns);
  };
  for (const RouteConfig& config : impl.configs) {
    http(config.http, config.ns);
    if (config.vs == nullptr) continue;
    for (const auto* routes : {&config.vs->tls, &config.vs->tcp})
      for (const auto& route : *routes)
        for (const auto& d : route.route)
          check.destination(compile_destination(impl, d, config.ns, object_at(config.vs->meta, d.pos)),
                            config.ns, false, Backends::Use::Connection);
  }
  for (const ApiGateway& gateway : impl.gateways) {
    const model::Symbol ns = gateway.gateway->meta.ns();
    for (const ApiListener& listener : gateway.listeners) {
      for (const VirtualHost& host : listener.http) http(host.rules.entries(), ns);
      for (const SniRule& sni : listener.tls)
        for (const auto& d : sni.rule.destinations) check.destination(d, ns, true, Backends::Use::Connection);
      if (listener.tcp)
        for (const auto& d : listener.tcp->destinations)
          check.destination(d, ns, true, Backends::Use::Connection);
    }
  }
  for (const auto& l4 : impl.mesh_l4)
    for (const auto& d : l4.rule.destinations) check.destination(d, l4.ns, true, Backends::Use::Connection);
}

// ---- rules that are never tried ----

bool unconditional(const HttpEntry& entry) {
  return entry.match.catch_all() && !entry.port && entry.source_labels.empty() &&
         entry.source_namespace.empty() && entry.gateways.empty();
}

// Everything that an entry asks, as text: equal texts are equal conditions.
std::string conditions(const HttpEntry& entry) {
  std::string out = entry.match.describe();
  if (entry.port) out += fmt::format(" port {}", *entry.port);
  for (const auto& [key, value] : entry.source_labels)
    out += fmt::format(" from {}={}", key.view(), value.view());
  out += fmt::format(" ns {}", entry.source_namespace.view());
  for (const auto& gateway : entry.gateways) out += " at " + gateway;
  return out;
}

// A path that all requests of the later entry have, and nothing else asked.
bool wider(const HttpEntry& earlier, const HttpEntry& later) {
  const HttpMatch &w = earlier.match, &n = later.match;
  if (w.method || w.scheme || w.authority || !w.headers.empty() || !w.without_headers.empty() ||
      !w.query.empty() || !w.path || w.path->ignore_case || earlier.port || !earlier.source_labels.empty() ||
      !earlier.source_namespace.empty() || !earlier.gateways.empty())
    return false;
  using Kind = TextMatcher::Kind;
  if (w.path->kind != Kind::Prefix && w.path->kind != Kind::PathPrefix) return false;
  if (!n.path || n.path->ignore_case || n.path->kind == Kind::Regex || n.path->kind == Kind::Present)
    return false;
  return w.path->matches(n.path->value);
}

void shadowed(LintContext& c, const std::vector<HttpEntry>& entries, const std::string& where) {
  std::map<std::string, const HttpEntry*> seen;
  std::vector<const HttpEntry*> prefixes;
  const HttpEntry* all = nullptr;
  for (const HttpEntry& entry : entries) {
    const HttpEntry* winner = all;
    if (winner == nullptr) {
      const auto [it, added] = seen.emplace(conditions(entry), &entry);
      if (!added) winner = it->second;
    }
    for (std::size_t i = 0; winner == nullptr && i < prefixes.size(); ++i)
      if (wider(*prefixes[i], entry)) winner = prefixes[i];
    if (winner != nullptr && winner->rule != entry.rule) {
      const bool age = !entry.age_known || !winner->age_known;
      c.report(
          kLintRouteShadowed, entry.at,
          fmt::format("{} is never tried for {}{}: {} rule {} of {} takes what it matches", text(entry.at),
                      entry.match.describe(), where, winner->at.section, winner->at.rule, text(winner->at)) +
              (age && !(winner->at.key == entry.at.key)
                   ? " (the order of routes without creationTimestamp is assumed)"
                   : ""),
          "remove the rule, put it before the wider one, or narrow that one");
    }
    if (winner != nullptr) continue;
    if (unconditional(entry)) all = &entry;
    if (entry.match.path && prefixes.size() < 256) prefixes.push_back(&entry);
  }
}

void shadowing(LintContext& c, const RouteTables::Impl& impl) {
  for (const RouteConfig& config : impl.configs) shadowed(c, config.http, "");
  for (const ApiGateway& gateway : impl.gateways)
    for (const ApiListener& listener : gateway.listeners)
      for (const VirtualHost& host : listener.http)
        shadowed(c, host.rules.entries(), host.host == "*" ? std::string() : " on " + host.host);
}

// ---- routes in the mesh ----

bool has_sidecars(const LintContext& c) {
  for (std::uint32_t i = 0; i < c.cluster.pods().size(); ++i)
    if (c.dataplane({i}) == Dataplane::Sidecar) return true;
  return false;
}

void mesh_routes(LintContext& c, const RouteTables::Impl& impl) {
  const bool sidecars = has_sidecars(c);
  std::map<std::string, ServiceId> services;
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i)
    services.emplace(c.cluster.services()[i].host, ServiceId{i});
  for (const auto& [host, positions] : impl.mesh_configs_by_host) {
    const auto it = services.find(host);
    if (it == services.end()) continue;
    const ServiceId id = it->second;
    const WaypointBinding& b = c.binding(id);
    const RouteConfig *classic = nullptr, *api = nullptr;
    for (const std::uint32_t position : positions) {
      const RouteConfig& config = impl.configs[position];
      const ObjectAt at{config.key, config.pos, -1, {}};
      const std::string who = LintContext::object_text(config.key);
      if (config.gateway_semantics) {
        api = &config;
      } else {
        if (classic != nullptr &&
            (sidecars || !c.cluster.profile().has(model::Feature::WaypointMergesVirtualServices)))
          c.report(kLintRouteSameHost, at,
                   fmt::format("{} and {} are both for {} in the mesh: only the first by age is used", who,
                               LintContext::object_text(classic->key), host),
                   "join them into one VirtualService");
        classic = &config;
      }
      if (b.bound()) {
        const auto about_client =
            std::find_if(config.http.begin(), config.http.end(), [](const HttpEntry& entry) {
              return !entry.source_labels.empty() || !entry.source_namespace.empty();
            });
        if (about_client != config.http.end())
          c.report(
              kLintRouteSource, about_client->at,
              fmt::format("{} matches {} of the client; waypoint {}/{} of {} does not see the client's proxy",
                          who, about_client->source_labels.empty() ? "sourceNamespace" : "sourceLabels",
                          b.gateway->meta.ns().view(), b.gateway->meta.name().view(), c.service_text(id)),
              "match by headers or paths instead");
        const bool near = config.ns == c.cluster.service(id).ns || config.ns == b.gateway->meta.ns();
        if (!near)
          c.report(
              kLintRouteConsumer, at,
              fmt::format(
                  "{} is in namespace {}: waypoint {}/{} takes routes of its own namespace and of {} only",
                  who, config.ns.view(), b.gateway->meta.ns().view(), b.gateway->meta.name().view(),
                  c.service_text(id)),
              "move the route to the namespace of the Service");
        continue;
      }
      if (b.state == WaypointBinding::State::Exempt || !c.ambient()) continue;
      const bool gateways_too = config.gateways.size() > 1;
      c.report(
          kLintRouteNoWaypoint, at,
          fmt::format(
              "{} is for {} in the mesh, which has no waypoint: ztunnel routes by address and ignores it{}",
              who, c.service_text(id), sidecars ? " (sidecars apply it)" : ""),
          "bind the Service to a waypoint (istio.io/use-waypoint)",
          sidecars || gateways_too ? Severity::Info : Severity::Warning);
    }
    if (b.bound() && classic != nullptr && api != nullptr)
      c.report(
          kLintRouteMixed, {classic->key, classic->pos, -1, {}},
          fmt::format(
              "{} and {} are both for {} at one waypoint: the mix is not supported, and which wins is not "
              "defined",
              LintContext::object_text(classic->key), LintContext::object_text(api->key), c.service_text(id)),
          "write both as HTTPRoutes, or both as VirtualServices");
  }
}

}  // namespace

void lint_routes(LintContext& c) {
  const RouteTables::Impl& impl = c.engine.routes().impl();
  listeners(c, impl);
  ignored(c, impl);
  unknown_parents(c);
  backends(c, impl);
  shadowing(c, impl);
  mesh_routes(c, impl);
}

}  // namespace waypath::sim
