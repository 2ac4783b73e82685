#pragma once
// Ports that Istio's proxies keep for themselves, in the pods that they serve.
// Source: istio.io/docs/ops/deployment/application-requirements (Ports used by Istio)

#include <cstdint>

namespace waypath::model {

inline constexpr std::uint16_t kOutboundPort = 15001;  // where outbound traffic is redirected to
inline constexpr std::uint16_t kInboundPort = 15006;   // and inbound traffic
inline constexpr std::uint16_t kHbonePort = 15008;     // the mTLS tunnel

// Source: istio manifests/charts/istio-control/istio-discovery/files/waypoint.yaml,
// gateway-injection-template.yaml
inline constexpr std::uint16_t kMergedTelemetryPort = 15020;  // of agent, Envoy and application: "metrics"
inline constexpr std::uint16_t kHealthCheckPort = 15021;      // "status-port"
inline constexpr std::uint16_t kEnvoyTelemetryPort = 15090;   // "http-envoy-prom"

/// Whether a proxy serves the port itself: metrics, readiness, Envoy metrics.
[[nodiscard]] constexpr bool is_proxy_status_port(std::uint16_t port) {
  return port == kMergedTelemetryPort || port == kHealthCheckPort || port == kEnvoyTelemetryPort;
}

}  // namespace waypath::model
