#include "sim/resolve/visibility.h"

#include <algorithm>

#include "sim/resolve/hostname.h"

namespace waypath::sim {

namespace {

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) out.emplace_back(item);
  }
  return out;
}

bool older(const model::ObjectMeta& a, const model::ObjectMeta& b) {
  if (a.creation_timestamp != b.creation_timestamp) return a.creation_timestamp < b.creation_timestamp;
  return a.name().view() < b.name().view();
}

/// Source: istio pilot/pkg/model/push_context.go getSidecarScope: a workloadSelector that matches, else the
/// namespace's default, else the root namespace's default. The oldest of several.
const model::Sidecar* sidecar_for(const model::Cluster& cluster, model::Symbol ns,
                                  const model::Labels& labels) {
  const model::Sidecar* selected = nullptr;
  const model::Sidecar* fallback = nullptr;
  const model::Sidecar* root = nullptr;
  const auto take = [](const model::Sidecar*& slot, const model::Sidecar& sidecar) {
    if (slot == nullptr || older(sidecar.meta, slot->meta)) slot = &sidecar;
  };
  for (const auto& sidecar : cluster.snapshot().all<model::Sidecar>()) {
    const bool has_selector = sidecar->workload_selector.has_value() && !sidecar->workload_selector->empty();
    if (sidecar->meta.ns() == ns) {
      if (!has_selector) take(fallback, *sidecar);
      if (has_selector && sidecar->workload_selector->matches(labels)) take(selected, *sidecar);
    } else if (sidecar->meta.ns() == cluster.mesh().root_namespace && !has_selector) {
      take(root, *sidecar);
    }
  }
  if (selected != nullptr) return selected;
  return fallback != nullptr ? fallback : root;
}

}  // namespace

bool visible_to(const model::ExportTo& export_to, const std::vector<std::string>& mesh_default,
                model::Symbol own_ns, model::Symbol viewer) {
  const std::vector<std::string>& list = export_to.empty() ? mesh_default : export_to;
  if (list.empty()) return true;
  return std::any_of(list.begin(), list.end(), [&](const std::string& to) {
    return to == "*" || (to == "." && own_ns == viewer) || (to != "~" && viewer == std::string_view(to));
  });
}

bool service_visible(const model::Cluster& cluster, const model::RegistryService& service,
                     model::Symbol viewer) {
  model::ExportTo export_to;
  if (service.entry != nullptr) {
    export_to = service.entry->export_to;
  } else if (const model::Annotation* a = service.service->meta.annotation("networking.istio.io/exportTo")) {
    export_to = split_list(a->value);
  }
  return visible_to(export_to, cluster.mesh().default_service_export_to, service.ns, viewer);
}

SidecarScope::SidecarScope(const model::Cluster& cluster, model::Symbol client_ns,
                           const model::Labels& client_labels)
    : cluster_(cluster), ns_(client_ns), sidecar_(sidecar_for(cluster, client_ns, client_labels)) {
  if (sidecar_ == nullptr || !sidecar_->egress_given) return;
  limited_ = true;
  const bool excluding = cluster.profile().has(model::Feature::SidecarExcludesHosts);
  for (const model::Sidecar::Egress& egress : sidecar_->egress) {
    for (const std::string& host : egress.hosts) {
      const std::size_t slash = host.find('/');
      std::string ns = slash == std::string::npos ? "*" : host.substr(0, slash);
      const bool excludes = excluding && ns.starts_with('~');
      if (excludes) ns = ns == "~" ? "*" : ns.substr(1);
      if (ns == ".") ns = client_ns.str();
      const std::string name = slash == std::string::npos ? host : host.substr(slash + 1);
      (excludes ? excluded_ : imports_)
          .push_back({ns, resolve_short_host(name, ns_.view(), cluster.mesh().cluster_domain), egress.port});
    }
  }
}

model::OutboundMode SidecarScope::outbound() const {
  return sidecar_ != nullptr && sidecar_->outbound ? *sidecar_->outbound : cluster_.mesh().outbound;
}

/// An egress listener with a port serves that port alone; one without serves the rest.
bool SidecarScope::applies(const Import& import, std::uint16_t port) const {
  if (import.ns == "~") return false;
  if (import.port) return *import.port == port;
  return std::none_of(sidecar_->egress.begin(), sidecar_->egress.end(),
                      [&](const model::Sidecar::Egress& e) { return e.port == port; });
}

/// Source: istio pilot/pkg/model/sidecar.go Excluded, selectServices; virtualservice.go
/// SelectVirtualServices.
bool SidecarScope::excluded(model::Symbol ns, std::string_view host, std::uint16_t port) const {
  return std::any_of(excluded_.begin(), excluded_.end(), [&](const Import& out) {
    return applies(out, port) && (out.ns == "*" || ns == std::string_view(out.ns)) &&
           host_covers(out.host, host);
  });
}

bool SidecarScope::imports_service(const model::RegistryService& service, std::uint16_t port) const {
  if (!service_visible(cluster_, service, ns_)) return false;
  if (!limited_) return true;
  if (excluded(service.ns, service.host, port)) return false;
  return std::any_of(imports_.begin(), imports_.end(), [&](const Import& import) {
    return applies(import, port) && (import.ns == "*" || service.ns == std::string_view(import.ns)) &&
           host_covers(import.host, service.host);
  });
}

/// A VirtualService is imported when any host overlaps, whichever of the two is the wildcard; Gateway API
/// routes only when the import covers the host. A host that is excluded brings nothing in. Source: istio
/// pilot/pkg/model/sidecar.go VSMatches.
bool SidecarScope::imports_config(const RouteConfig& config, std::uint16_t port) const {
  if (!limited_) return true;
  return std::any_of(imports_.begin(), imports_.end(), [&](const Import& import) {
    if (!applies(import, port) || (import.ns != "*" && !(config.ns == std::string_view(import.ns))))
      return false;
    return std::any_of(config.hosts.begin(), config.hosts.end(), [&](const std::string& host) {
      return !excluded(config.ns, host, port) &&
             (host_covers(import.host, host) ||
              (!config.gateway_semantics && host_covers(host, import.host)));
    });
  });
}

}  // namespace waypath::sim
