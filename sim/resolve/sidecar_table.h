#pragma once
// What a client's sidecar knows of one port: imported services, the virtual hosts of its HTTP route table,
// and which config has which host (routing.md 3.2 to 3.4). Asked host by host; nothing is built ahead.

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/match/route_match.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/mesh_route.h"
#include "sim/resolve/protocol.h"
#include "sim/resolve/visibility.h"

namespace waypath::sim {

/// Catch-all virtual hosts. Source: istio pilot/pkg/networking/util/util.go Passthrough, BlackHole.
inline constexpr std::string_view kAllowAny = "allow_any";
inline constexpr std::string_view kBlockAll = "block_all";
/// Hosts that no Service has are served on this port only.
/// Source: istio pilot/pkg/networking/core/route/route.go buildSidecarVirtualHostsForVirtualService.
inline constexpr std::uint16_t kPlainHttp = 80;

inline bool http_or_sniffed(const model::RegistryService::Port& port) {
  const PortKind kind = port_kind(port.app_protocol);
  return kind == PortKind::Http || kind == PortKind::Auto;
}

/// Whether the sidecar can tell the service by its address. Addresses that Istio allocates count only with
/// DNS capture. Source: istio pilot/pkg/model/service.go GetAddressForProxy.
inline bool has_own_address(const model::RegistryService& service) {
  if (service.service != nullptr) return true;  // headless: a listener for each endpoint
  return !service.entry->addresses.empty();
}

/// The HTTP route table of one port at one client, asked host by host.
class SidecarTable {
 public:
  SidecarTable(const RouteTables::Impl& impl, model::Symbol ns, const model::Labels& labels,
               std::uint16_t port)
      : impl_(impl), ns_(ns), port_(port), scope_(impl.cluster, ns, labels) {}

  const SidecarScope& scope() const { return scope_; }

  [[nodiscard]] bool imports(model::ServiceId id) const;

  /// Imported services with this port, oldest first.
  [[nodiscard]] std::vector<model::ServiceId> services() const;

  /// The imported service of exactly this host, with this port.
  [[nodiscard]] model::ServiceId service_of_host(std::string_view host) const;

  /// The service that has `name` among its domains: its host, short names, addresses, and ExternalNames that
  /// stand for it.
  [[nodiscard]] model::ServiceId service_of_domain(std::string_view name) const;

  /// The headless Service that has names below each of its domains, and which of them covers `name`; invalid:
  /// none. Source: istio pilot/pkg/networking/core/httproute.go generateVirtualHostDomains.
  [[nodiscard]] std::pair<std::string, model::ServiceId> headless_above(std::string_view name) const;

  /// Configs for the host of a service, best first; the first that yields rules at this port is taken, others
  /// are lost.
  [[nodiscard]] std::vector<const RouteConfig*> configs_of(const model::RegistryService& service) const;

  /// Configs whose tcp and tls rules concern a service, in Istio's order: a wildcard host counts as much as
  /// an exact one, and none hides another. Source: istio pilot/pkg/networking/core/tls.go getConfigsForHost.
  [[nodiscard]] std::vector<const RouteConfig*> l4_configs_of(const model::RegistryService& service) const;

  /// Configs that have `host` as it is written, for hosts that no service has.
  [[nodiscard]] std::vector<const RouteConfig*> configs_of_foreign_host(std::string_view host) const;

  /// Wildcard hosts of configs that get a virtual host of their own, with the config.
  [[nodiscard]] std::vector<std::pair<std::string, const RouteConfig*>> foreign_wildcards() const;

  [[nodiscard]] std::vector<std::string> names() const;

 private:
  [[nodiscard]] static std::string_view best_pattern(const RouteConfig& config, std::string_view host);

  /// "name", "name.ns", "name.ns.svc" or a full name -> Kubernetes Service.
  [[nodiscard]] model::ServiceId kubernetes_service(std::string_view text) const;

  /// Whether `host` of the config stands for services of this port.
  [[nodiscard]] bool host_is_registry(const RouteConfig& config, std::string_view host) const;

  /// Hosts without a service are served on port 80, and on the ports of the services that the same config
  /// has. Gateway API routes serve Services only.
  [[nodiscard]] bool serves_foreign_hosts(const RouteConfig& config) const;

  const RouteTables::Impl& impl_;
  model::Symbol ns_;
  std::uint16_t port_;
  SidecarScope scope_;
};

}  // namespace waypath::sim
