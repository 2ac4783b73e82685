#include "sim/resolve/sidecar_table.h"

#include <fmt/format.h>

namespace waypath::sim {

bool SidecarTable::imports(model::ServiceId id) const {
  const model::RegistryService& s = impl_.cluster.service(id);
  return !s.external_name() && scope_.imports_service(s, port_);
}

std::vector<model::ServiceId> SidecarTable::services() const {
  std::vector<model::ServiceId> out;
  const auto it = impl_.services_by_port.find(port_);
  if (it == impl_.services_by_port.end()) return out;
  std::copy_if(it->second.begin(), it->second.end(), std::back_inserter(out),
               [&](model::ServiceId id) { return imports(id); });
  return out;
}

model::ServiceId SidecarTable::service_of_host(std::string_view host) const {
  model::ServiceId best;
  for (const model::ServiceId id : impl_.cluster.services_by_host(host)) {
    const model::RegistryService& s = impl_.cluster.service(id);
    if (s.host != host || s.find_port(port_) == nullptr || !imports(id)) continue;
    if (!best.valid()) best = id;
  }
  if (!best.valid()) return best;
  // Several of one host: the client's namespace, Kubernetes before ServiceEntry, age.
  const model::ServiceId chosen = find_registry_service(impl_, host, ns_);
  const bool usable = chosen.valid() && impl_.cluster.service(chosen).host == host &&
                      impl_.cluster.service(chosen).find_port(port_) != nullptr && imports(chosen);
  return usable ? chosen : best;
}

model::ServiceId SidecarTable::service_of_domain(std::string_view name) const {
  if (const model::ServiceId id = service_of_host(name); id.valid()) return id;
  if (const std::optional<model::IpAddress> ip = model::parse_ip(name)) {
    for (const model::ServiceId id : impl_.cluster.services_by_vip(*ip)) {
      const model::RegistryService& s = impl_.cluster.service(id);
      if (s.find_port(port_) != nullptr && imports(id)) return id;
    }
    return {};
  }
  // Source: istio pilot/pkg/networking/core/httproute.go GenerateAltVirtualHosts: with a dot at the end the
  // full name alone.
  if (name.ends_with('.')) {
    name.remove_suffix(1);
    const model::FeatureFlags& flags = impl_.cluster.flags();
    if (!impl_.cluster.profile().has(model::Feature::AbsoluteHostNames) || name.ends_with('.') ||
        !flags.boolean(flags.istiod, "PILOT_ENABLE_ABSOLUTE_FQDN_VHOST_DOMAIN").value_or(true)) {
      return {};
    }
    if (const model::ServiceId id = service_of_host(name); id.valid()) return id;
    if (!name.ends_with(fmt::format(".svc.{}", impl_.cluster.mesh().cluster_domain))) return {};
  }
  const model::ServiceId kube = kubernetes_service(name);
  if (!kube.valid()) return {};
  const model::RegistryService& s = impl_.cluster.service(kube);
  if (s.external_name()) {
    if (!service_visible(impl_.cluster, s, ns_)) return {};
    return service_of_host(lower_case(s.service->external_name));
  }
  return s.find_port(port_) != nullptr && imports(kube) ? kube : model::ServiceId{};
}

std::pair<std::string, model::ServiceId> SidecarTable::headless_above(std::string_view name) const {
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    if (dot == 0 || dot + 1 == name.size()) continue;
    const model::ServiceId id = service_of_domain(name.substr(dot + 1));
    if (id.valid() && impl_.cluster.service(id).headless()) return {fmt::format("*{}", name.substr(dot)), id};
  }
  return {};
}

std::vector<const RouteConfig*> SidecarTable::configs_of(const model::RegistryService& service) const {
  std::vector<const RouteConfig*> exact_ones, wild;
  for (const RouteConfig* config : configs_for(impl_, mesh_candidates(impl_, service.host), ns_)) {
    if (!scope_.imports_config(*config, port_)) continue;
    // Source: istio pilot/pkg/networking/core/route/route.go buildSidecarVirtualHostsForVirtualService:
    // Gateway API routes count from the client's or the Service's namespace.
    if (config->gateway_semantics && !(config->ns == ns_) && !(config->ns == service.ns)) continue;
    const bool is_exact =
        std::find(config->hosts.begin(), config->hosts.end(), service.host) != config->hosts.end();
    (is_exact ? exact_ones : wild).push_back(config);
  }
  // An exact host comes before any wildcard, even of an older VirtualService; then the longest wildcard.
  // Source: istio pilot/pkg/model/sidecar.go computeWildcardHostVirtualServiceIndex.
  if (!exact_ones.empty()) return exact_ones;
  std::stable_sort(wild.begin(), wild.end(), [&](const RouteConfig* a, const RouteConfig* b) {
    return more_specific(best_pattern(*a, service.host), best_pattern(*b, service.host));
  });
  return wild;
}

std::vector<const RouteConfig*> SidecarTable::l4_configs_of(const model::RegistryService& service) const {
  std::vector<const RouteConfig*> out = configs_for(impl_, mesh_candidates(impl_, service.host), ns_);
  std::erase_if(out, [&](const RouteConfig* config) { return !scope_.imports_config(*config, port_); });
  return out;
}

std::vector<const RouteConfig*> SidecarTable::configs_of_foreign_host(std::string_view host) const {
  std::vector<const RouteConfig*> out;
  for (const RouteConfig* config : configs_for(impl_, mesh_candidates(impl_, host), ns_)) {
    if (std::find(config->hosts.begin(), config->hosts.end(), host) == config->hosts.end()) continue;
    if (scope_.imports_config(*config, port_) && serves_foreign_hosts(*config) &&
        !host_is_registry(*config, host)) {
      out.push_back(config);
    }
  }
  return out;
}

std::vector<std::pair<std::string, const RouteConfig*>> SidecarTable::foreign_wildcards() const {
  std::vector<std::pair<std::string, const RouteConfig*>> out;
  for (const RouteConfig* config : configs_for(impl_, impl_.mesh_configs_wildcard, ns_)) {
    if (!scope_.imports_config(*config, port_) || !serves_foreign_hosts(*config)) continue;
    for (const std::string& host : config->hosts) {
      const bool taken =
          std::any_of(out.begin(), out.end(), [&](const auto& entry) { return entry.first == host; });
      if (is_wildcard(host) && !taken && !host_is_registry(*config, host)) out.emplace_back(host, config);
    }
  }
  return out;
}

std::vector<std::string> SidecarTable::names() const {
  std::set<std::string> out;
  for (const model::ServiceId id : services()) {
    const model::RegistryService& s = impl_.cluster.service(id);
    if (http_or_sniffed(*s.find_port(port_))) out.insert(s.host);
  }
  std::vector<std::uint32_t> mesh;
  if (const auto it = impl_.configs_by_gateway.find("mesh"); it != impl_.configs_by_gateway.end())
    mesh = it->second;
  for (const RouteConfig* config : configs_for(impl_, mesh, ns_)) {
    if (config->http.empty() || !scope_.imports_config(*config, port_) || !serves_foreign_hosts(*config))
      continue;
    for (const std::string& host : config->hosts) {
      if (!host_is_registry(*config, host)) out.insert(host);
    }
  }
  out.insert(std::string(scope_.outbound() == model::OutboundMode::RegistryOnly ? kBlockAll : kAllowAny));
  return {out.begin(), out.end()};
}

std::string_view SidecarTable::best_pattern(const RouteConfig& config, std::string_view host) {
  std::string_view best;
  bool found = false;
  for (const std::string& pattern : config.hosts) {
    if (!host_covers(pattern, host) || (found && !more_specific(pattern, best))) continue;
    best = pattern;
    found = true;
  }
  return best;
}

model::ServiceId SidecarTable::kubernetes_service(std::string_view text) const {
  const std::string suffix = fmt::format(".svc.{}", impl_.cluster.mesh().cluster_domain);
  if (text.ends_with(suffix)) {
    text.remove_suffix(suffix.size());
    if (text.find('.') == std::string_view::npos) return {};
  } else if (text.ends_with(".svc") && std::count(text.begin(), text.end(), '.') == 2) {
    text.remove_suffix(4);
  }
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return impl_.cluster.find_service(ns_.view(), text);
  if (text.find('.', dot + 1) != std::string_view::npos) return {};
  return impl_.cluster.find_service(text.substr(dot + 1), text.substr(0, dot));
}

bool SidecarTable::host_is_registry(const RouteConfig& config, std::string_view host) const {
  if (!is_wildcard(host)) return service_of_host(host).valid();
  const std::vector<model::ServiceId> all = services();
  return std::any_of(all.begin(), all.end(), [&](model::ServiceId id) {
    const model::RegistryService& s = impl_.cluster.service(id);
    if (!host_covers(host, s.host)) return false;
    const std::vector<const RouteConfig*> best = configs_of(s);
    return !best.empty() && best.front() == &config;
  });
}

bool SidecarTable::serves_foreign_hosts(const RouteConfig& config) const {
  if (config.gateway_semantics) return false;
  bool http_service = false;
  for (const std::string& host : config.hosts) {
    if (is_wildcard(host)) continue;
    const model::ServiceId id = service_of_host(host);
    if (!id.valid()) continue;
    http_service = http_service || http_or_sniffed(*impl_.cluster.service(id).find_port(port_));
  }
  return http_service || port_ == kPlainHttp;
}

}  // namespace waypath::sim
