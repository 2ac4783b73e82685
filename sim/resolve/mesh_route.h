#pragma once
// What waypoints and sidecars share: which configs of gateway "mesh" concern a host, and their TCP and TLS
// rules.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/resolve/route_tables.h"

namespace waypath::sim {

/// Mesh configs with a host that is `host` or, for VirtualServices, a wildcard that covers it; in table
/// order. Gateway API routes never spread by wildcard.
[[nodiscard]] std::vector<std::uint32_t> mesh_candidates(const RouteTables::Impl& impl,
                                                         std::string_view host);

/// Configs whose rules a waypoint of `waypoint_ns` joins for a Service: of the Service's or of its own
/// namespace. What is left out goes to `out`. Source: istio pilot/pkg/networking/core/listener_waypoint.go
/// getVirtualServiceForWaypoint.
[[nodiscard]] std::vector<const RouteConfig*> waypoint_configs(const RouteTables::Impl& impl,
                                                               const model::RegistryService& service,
                                                               model::Symbol waypoint_ns, MeshHost& out);
/// The HTTP rules for a Service at a waypoint: those made with the tables when it is bound to one of that
/// namespace.
[[nodiscard]] std::shared_ptr<const MeshHost> waypoint_host(const RouteTables::Impl& impl,
                                                            model::ServiceId service, const ProxyView& proxy);
/// The HTTP rules of one config at a sidecar: those made with the tables unless they depend on the proxy.
[[nodiscard]] std::shared_ptr<const MeshHost> config_host(const RouteTables::Impl& impl,
                                                          const RouteConfig& config, const ProxyView& proxy);

/// A connection as L4 rules see it.
struct L4View {
  std::string_view sni;                     // empty: none was seen, or it is not examined
  std::string_view host;                    // of the Service
  std::optional<model::IpAddress> address;  // dialled
  /// Length of the range of the Service's own addresses that was dialled; -1: the listener has its address.
  int own_range = -1;
  /// Which rules count: at sidecars the port's protocol says it.
  enum class Blocks : std::uint8_t { Tls, Tcp } blocks = Blocks::Tcp;
};

/// The tls or tcp rule that takes a connection to a Service at this proxy, of these VirtualServices and of
/// TLSRoutes and TCPRoutes whose parent is the Service: both stand in one order. nullopt: none.
/// `has_tls_match` is set when a tls rule concerns the port, whatever its SNI. Source: istio
/// pilot/pkg/networking/core/tls.go buildSidecarOutboundTLSFilterChainOpts,
/// buildSidecarOutboundTCPFilterChainOpts; listener_waypoint.go getWaypointTCPRoutes.
[[nodiscard]] std::optional<L4Rule> mesh_l4(const RouteTables::Impl& impl,
                                            const std::vector<const RouteConfig*>& configs,
                                            model::Symbol service_ns, const ProxyView& proxy,
                                            const L4View& view, bool* has_tls_match = nullptr);

/// A trace node for each HTTP route that the declared protocol of a port keeps from working.
void note_blocked_http(RouteDecision& decision, const std::vector<const RouteConfig*>& configs,
                       std::string_view host, std::uint16_t port, std::string_view protocol);

/// No rule: straight to the Service.
void default_route(RouteDecision& decision, const RouteTables::Impl& impl, const ProxyView& proxy,
                   model::ServiceId service, std::uint16_t port, bool http);

}  // namespace waypath::sim
