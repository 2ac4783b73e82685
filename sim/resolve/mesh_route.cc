#include "sim/resolve/mesh_route.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/match/route_match.h"
#include "sim/reasons/route.h"
#include "sim/resolve/hostname.h"

namespace waypath::sim {

namespace {

bool subnet_holds(const std::vector<std::string>& subnets, const std::optional<model::IpAddress>& address) {
  if (subnets.empty()) return true;
  if (!address) return false;
  return std::any_of(subnets.begin(), subnets.end(), [&](const std::string& text) {
    const std::optional<model::Cidr> cidr = model::parse_cidr(text);
    if (cidr) return cidr->contains(*address);
    const std::optional<model::IpAddress> ip = model::parse_ip(text);
    return ip && *ip == *address;
  });
}

/// Source: istio pilot/pkg/networking/core/tls.go matchTCP, matchTLS: gateways, labels and namespace are all
/// tested. A waypoint asks for clients without labels and namespace, so that a match by either never holds
/// there. Source: istio pilot/pkg/networking/core/listener_waypoint.go getTLSRouteMatch, getTCPRouteMatch.
bool source_holds(const model::VsL4Match& match, const ProxyView& proxy) {
  if (!match.gateways.empty() &&
      std::find(match.gateways.begin(), match.gateways.end(), proxy.gateway) == match.gateways.end()) {
    return false;
  }
  if (proxy.waypoint) return match.source_namespace.empty() && match.source_labels.empty();
  if (!match.source_namespace.empty() && !(match.source_namespace == proxy.ns)) return false;
  return std::all_of(match.source_labels.begin(), match.source_labels.end(), [&](const auto& wanted) {
    const model::Label* label = proxy.labels == nullptr ? nullptr : proxy.labels->find(wanted.first);
    return label != nullptr && label->value == wanted.second;
  });
}

bool port_holds(const model::VsL4Match& match, const ProxyView& proxy) {
  return !match.port || *match.port == proxy.port;
}

/// The most specific of the names that fit `sni`; empty: none. "*" fits a connection without SNI, too.
/// Source: istio pilot/pkg/networking/core/listener.go (filter chain match: "*" is no server name).
std::string_view best_sni(const std::vector<std::string>& names, std::string_view sni) {
  std::string_view best;
  for (const std::string& name : names)
    if (!name.empty() && host_covers(lower_case(name), sni) && (best.empty() || more_specific(name, best)))
      best = name;
  return best;
}

/// A waypoint does not examine SNI: a match counts when its only name is the Service's host. Addresses are
/// not looked at either. Source: istio pilot/pkg/networking/core/listener_waypoint.go getTLSRouteMatch.
bool waypoint_tls_holds(const model::VsL4Route& route, const ProxyView& proxy, const L4View& view) {
  return route.matches.empty() ||
         std::any_of(route.matches.begin(), route.matches.end(), [&](const model::VsL4Match& m) {
           return m.sni_hosts.size() == 1 && lower_case(m.sni_hosts.front()) == view.host &&
                  port_holds(m, proxy) && source_holds(m, proxy);
         });
}

/// The names that a TLSRoute takes at one host of its parent: the host itself when it has none, and of
/// several those that fit the host. Source: istio pilot/pkg/config/kube/gateway/route_collections.go
/// augmentTLSPortMatch, compatibleRoutesForHost.
std::vector<std::string> mesh_names(const std::vector<std::string>& hostnames, std::string_view host) {
  if (hostnames.empty()) return {std::string(host)};
  std::vector<std::string> out;
  for (const std::string& written : hostnames) {
    const std::string name = lower_case(written);
    if (hostnames.size() == 1 || host_covers(name, host) || host_covers(host, name)) out.push_back(name);
  }
  return out;
}

L4Rule compile(const RouteTables::Impl& impl, const RouteConfig& config, const model::VsL4Route& route,
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

}  // namespace

std::vector<std::uint32_t> mesh_candidates(const RouteTables::Impl& impl, std::string_view host) {
  std::vector<std::uint32_t> out;
  if (const auto it = impl.mesh_configs_by_host.find(host); it != impl.mesh_configs_by_host.end())
    out = it->second;
  for (const std::uint32_t i : impl.mesh_configs_wildcard) {
    const RouteConfig& config = impl.configs[i];
    const bool covers = std::any_of(
        config.hosts.begin(), config.hosts.end(),
        [&](const std::string& pattern) { return is_wildcard(pattern) && host_covers(pattern, host); });
    if (covers) out.push_back(i);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::optional<L4Rule> virtual_service_l4(const RouteTables::Impl& impl,
                                         const std::vector<const RouteConfig*>& configs,
                                         const ProxyView& proxy, const L4View& view, bool* has_tls_match) {
  std::string_view best;
  const RouteConfig* of = nullptr;
  std::size_t index = 0;
  for (const RouteConfig* config : configs) {
    if (config->vs == nullptr || view.blocks == L4View::Blocks::Tcp) continue;
    for (std::size_t i = 0; i < config->vs->tls.size(); ++i) {
      const model::VsL4Route& route = config->vs->tls[i];
      if (proxy.waypoint && of == nullptr && waypoint_tls_holds(route, proxy, view)) {
        of = config;
        index = i;
      }
      for (const model::VsL4Match& match : route.matches) {
        if (proxy.waypoint || !port_holds(match, proxy) || !source_holds(match, proxy)) continue;
        if (has_tls_match != nullptr) *has_tls_match = true;
        // Of chains that have the connection's address, Envoy takes the one whose name is the most specific.
        const std::string_view name = best_sni(match.sni_hosts, view.sni);
        if (name.empty() || (of != nullptr && !more_specific(name, best)) ||
            !subnet_holds(match.destination_subnets, view.address)) {
          continue;
        }
        best = name;
        of = config;
        index = i;
      }
    }
  }
  if (of != nullptr) return compile(impl, *of, of->vs->tls[index], static_cast<int>(index), "tls");
  for (const RouteConfig* config : configs) {
    if (config->vs == nullptr || view.blocks == L4View::Blocks::Tls) continue;
    for (std::size_t i = 0; i < config->vs->tcp.size(); ++i) {
      const model::VsL4Route& route = config->vs->tcp[i];
      const bool holds =
          route.matches.empty() ||
          std::any_of(route.matches.begin(), route.matches.end(), [&](const model::VsL4Match& m) {
            return port_holds(m, proxy) && source_holds(m, proxy) &&
                   (proxy.waypoint || subnet_holds(m.destination_subnets, view.address));
          });
      if (holds) return compile(impl, *config, route, static_cast<int>(i), "tcp");
    }
  }
  return std::nullopt;
}

const L4Rule* gateway_api_l4(const RouteTables::Impl& impl, model::Symbol service_ns, const ProxyView& proxy,
                             const L4View& view, bool* has_tls_match) {
  const auto of_host = impl.mesh_l4_by_host.find(view.host);
  if (of_host == impl.mesh_l4_by_host.end()) return nullptr;
  for (const bool tls : {true, false}) {
    if (view.blocks == (tls ? L4View::Blocks::Tcp : L4View::Blocks::Tls)) continue;
    for (const std::uint32_t i : of_host->second) {
      const RouteTables::Impl::MeshL4& route = impl.mesh_l4[i];
      if (route.tls != tls || (route.port && *route.port != proxy.port)) continue;
      // Routes of a third namespace concern nobody; consumer routes only clients of their own namespace.
      if (!(route.ns == service_ns) && !(route.ns == proxy.ns)) continue;
      if (tls) {
        if (has_tls_match != nullptr) *has_tls_match = true;
        const std::vector<std::string> names = mesh_names(route.hostnames, view.host);
        const bool named = proxy.waypoint ? names.size() == 1 && names.front() == view.host
                                          : names.empty() || !best_sni(names, view.sni).empty();
        if (!named) continue;
      }
      return &route.rule;
    }
  }
  return nullptr;
}

void note_blocked_http(RouteDecision& decision, const std::vector<const RouteConfig*>& configs,
                       std::string_view host, std::uint16_t port, std::string_view protocol) {
  for (const RouteConfig* config : configs) {
    const bool concerns = std::any_of(config->http.begin(), config->http.end(),
                                      [&](const HttpEntry& e) { return !e.port || *e.port == port; });
    if (!concerns) continue;
    decision.trace.push_back(trace_node(
        "route", Decision::NotApplicable, kRouteProtocolBlocksL7, ObjectAt{config->key, config->pos, -1, {}},
        fmt::format("HTTP rules for {} have no effect: port {} is declared as {}", host, port, protocol)));
  }
}

void default_route(RouteDecision& decision, const RouteTables::Impl& impl, const ProxyView& proxy,
                   model::ServiceId service, std::uint16_t port, bool http) {
  decision.kind = RouteDecision::Kind::Forward;
  decision.http = http;
  decision.targets.push_back(service_target(impl, proxy, service, port));
  const model::RegistryService& reg = impl.cluster.service(service);
  decision.reason = {kRouteDefault, object_at(reg.meta()),
                     fmt::format("no route concerns {} port {}", reg.host, port)};
  decision.trace.push_back(
      trace_node("route", Decision::Allow, kRouteDefault, object_at(reg.meta()), decision.reason.detail));
}

}  // namespace waypath::sim
