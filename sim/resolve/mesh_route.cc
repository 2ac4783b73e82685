#include "sim/resolve/mesh_route.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "sim/match/route_match.h"
#include "sim/reasons/route.h"
#include "sim/resolve/hostname.h"

namespace waypath::sim {

namespace {

/// Length of the narrowest of these ranges that holds the address; nullopt: none does.
std::optional<int> narrowest(const std::vector<std::string>& subnets,
                             const std::optional<model::IpAddress>& address) {
  std::optional<int> best;
  for (const std::string& text : subnets) {
    const std::optional<model::Cidr> cidr = model::parse_cidr_or_ip(text);
    if (!cidr || !address || !cidr->contains(*address)) continue;
    best = std::max(best.value_or(-1), static_cast<int>(cidr->prefix));
  }
  return best;
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

namespace {

using MeshL4 = RouteTables::Impl::MeshL4;

/// A config with L4 rules: a VirtualService, or a TLSRoute or TCPRoute.
struct L4Source {
  const RouteConfig* config = nullptr;
  const MeshL4* route = nullptr;
};

/// Routes of the Service at this port. A waypoint takes those of the Service's namespace and of its own;
/// sidecars take all that they see. Source: istio pilot/pkg/networking/core/listener_waypoint.go
/// getVirtualServiceForWaypoint; listener.go buildSidecarOutboundTCPListenerOpts ("do not filter namespace").
std::vector<L4Source> l4_sources(const RouteTables::Impl& impl,
                                 const std::vector<const RouteConfig*>& configs, model::Symbol service_ns,
                                 const ProxyView& proxy, const L4View& view) {
  std::vector<L4Source> out;
  for (const RouteConfig* config : configs)
    if (config->vs != nullptr) out.push_back({config, nullptr});
  if (const auto of_host = impl.mesh_l4_by_host.find(view.host); of_host != impl.mesh_l4_by_host.end()) {
    const std::vector<std::string>& defaults = impl.cluster.mesh().default_virtual_service_export_to;
    for (const std::uint32_t i : of_host->second) {
      const MeshL4& route = impl.mesh_l4[i];
      if (route.tls != (view.blocks == L4View::Blocks::Tls)) continue;
      if (route.port && *route.port != proxy.port) continue;
      if (proxy.waypoint && !(route.ns == service_ns) && !(route.ns == proxy.ns)) continue;
      if (visible_to({}, defaults, route.ns, proxy.ns)) out.push_back({nullptr, &route});
    }
  }
  const auto before = [&](const L4Source& a, const L4Source& b) {
    const auto key = [&](const L4Source& s) {
      if (s.config != nullptr) {
        return std::tuple(
            config_group(impl, s.config->export_to, s.config->ns, s.config->gateway_semantics, proxy.ns),
            std::string_view(s.config->created), s.config->key.name.view(), s.config->ns.view());
      }
      return std::tuple(config_group(impl, {}, s.route->ns, true, proxy.ns),
                        std::string_view(s.route->created), std::string_view(s.route->name),
                        s.route->ns.view());
    };
    return key(a) < key(b);
  };
  std::stable_sort(out.begin(), out.end(), before);
  return out;
}

/// One filter chain of a sidecar's listener: the range of addresses that it has, -1 for every address.
struct L4Chain {
  int range = -1;
  const L4Source* source = nullptr;
  std::size_t index = 0;
  std::vector<std::string> names;
};

L4Rule chain_rule(const RouteTables::Impl& impl, const L4Source& source, std::size_t index, bool tls) {
  if (source.route != nullptr) return source.route->rule;
  const model::VirtualService& vs = *source.config->vs;
  return compile(impl, *source.config, (tls ? vs.tls : vs.tcp)[index], static_cast<int>(index),
                 tls ? "tls" : "tcp");
}

/// Envoy narrows the chains down by address first, to the narrowest range, then by the most specific name,
/// and never goes back. Addresses of a match go before those of the Service, also for the matches that
/// follow. Source: envoy source/common/listener_manager/filter_chain_manager_impl.cc findFilterChain.
std::optional<L4Rule> sidecar_tls(const RouteTables::Impl& impl, const std::vector<L4Source>& sources,
                                  const ProxyView& proxy, const L4View& view, bool* has_tls_match) {
  std::vector<L4Chain> chains;
  const std::vector<std::string>* subnets = nullptr;
  const auto add = [&](const L4Source& source, std::size_t index, std::vector<std::string> names) {
    if (has_tls_match != nullptr) *has_tls_match = true;
    std::optional<int> range = view.own_range;
    if (subnets != nullptr) range = narrowest(*subnets, view.address);
    if (range) chains.push_back({*range, &source, index, std::move(names)});
  };
  for (const L4Source& source : sources) {
    if (source.route != nullptr) {
      add(source, 0, mesh_names(source.route->hostnames, view.host));
      continue;
    }
    const std::vector<model::VsL4Route>& rules = source.config->vs->tls;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      for (const model::VsL4Match& match : rules[i].matches) {
        if (rules[i].route.empty() || !port_holds(match, proxy) || !source_holds(match, proxy)) continue;
        if (!match.destination_subnets.empty()) subnets = &match.destination_subnets;
        add(source, i, match.sni_hosts);
      }
    }
  }
  int range = -1;
  for (const L4Chain& chain : chains) range = std::max(range, chain.range);
  const L4Chain* found = nullptr;
  std::string_view best;
  for (const L4Chain& chain : chains) {
    if (chain.range != range) continue;
    const std::string_view name = chain.names.empty() ? "*" : best_sni(chain.names, view.sni);
    if (name.empty() || (found != nullptr && !more_specific(name, best))) continue;
    best = name;
    found = &chain;
  }
  if (found == nullptr) return std::nullopt;
  return chain_rule(impl, *found->source, found->index, true);
}

/// The first rule that takes every address ends the list; of those before it the narrowest range decides.
std::optional<L4Rule> sidecar_tcp(const RouteTables::Impl& impl, const std::vector<L4Source>& sources,
                                  const ProxyView& proxy, const L4View& view) {
  std::optional<L4Chain> best;
  bool ended = false;
  const auto add = [&](const L4Source& source, std::size_t index, int range) {
    if (!best || range > best->range) best = L4Chain{range, &source, index, {}};
  };
  for (const L4Source& source : sources) {
    if (ended) break;
    if (source.route != nullptr) {
      add(source, 0, view.own_range);
      ended = true;
      continue;
    }
    const std::vector<model::VsL4Route>& rules = source.config->vs->tcp;
    for (std::size_t i = 0; i < rules.size() && !ended; ++i) {
      if (rules[i].route.empty()) continue;
      std::vector<std::string> subnets;
      ended = rules[i].matches.empty();
      for (const model::VsL4Match& match : rules[i].matches) {
        if (!port_holds(match, proxy) || !source_holds(match, proxy)) continue;
        ended = ended || match.destination_subnets.empty();
        subnets.insert(subnets.end(), match.destination_subnets.begin(), match.destination_subnets.end());
      }
      const std::optional<int> range = ended ? view.own_range : narrowest(subnets, view.address);
      if (range) add(source, i, *range);
    }
  }
  if (!best || (!ended && best->range < view.own_range)) return std::nullopt;
  return chain_rule(impl, *best->source, best->index, false);
}

/// The first rule. Neither SNI nor addresses are looked at.
std::optional<L4Rule> waypoint_l4(const RouteTables::Impl& impl, const std::vector<L4Source>& sources,
                                  const ProxyView& proxy, const L4View& view) {
  const bool tls = view.blocks == L4View::Blocks::Tls;
  for (const L4Source& source : sources) {
    if (source.route != nullptr) {
      const std::vector<std::string> names = mesh_names(source.route->hostnames, view.host);
      if (tls && (names.size() != 1 || names.front() != view.host)) continue;
      return source.route->rule;
    }
    const std::vector<model::VsL4Route>& rules = tls ? source.config->vs->tls : source.config->vs->tcp;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const bool holds = tls ? waypoint_tls_holds(rules[i], proxy, view)
                             : rules[i].matches.empty() ||
                                   std::any_of(rules[i].matches.begin(), rules[i].matches.end(),
                                               [&](const model::VsL4Match& m) {
                                                 return port_holds(m, proxy) && source_holds(m, proxy);
                                               });
      if (holds) return chain_rule(impl, source, i, tls);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<L4Rule> mesh_l4(const RouteTables::Impl& impl, const std::vector<const RouteConfig*>& configs,
                              model::Symbol service_ns, const ProxyView& proxy, const L4View& view,
                              bool* has_tls_match) {
  const std::vector<L4Source> sources = l4_sources(impl, configs, service_ns, proxy, view);
  if (proxy.waypoint) return waypoint_l4(impl, sources, proxy, view);
  if (view.blocks == L4View::Blocks::Tls) return sidecar_tls(impl, sources, proxy, view, has_tls_match);
  return sidecar_tcp(impl, sources, proxy, view);
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
