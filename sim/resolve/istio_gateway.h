#pragma once
// Classic Gateways and Ingresses at one gateway proxy: servers merged by port (routing.md 3.1).

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/resolve/route_tables.h"

namespace waypath::sim {

/// A TLS server, told apart by SNI.
struct TlsChain {
  const ClassicServer* server = nullptr;
  std::vector<std::string> sni;  // patterns; "*" for any
  bool terminates = false;
  std::vector<VirtualHost> http;     // terminated HTTP
  std::vector<SniRule> passthrough;  // by SNI, in order
  std::optional<L4Rule> tcp;         // terminated, not HTTP
  /// The names that Envoy has a filter chain for: a server that is no HTTP has none without a rule, and one
  /// that passes TLS through has those of its rules.
  [[nodiscard]] std::vector<std::string> served_sni() const;
};

/// What one port of the pod serves.
struct ClassicPort {
  const ClassicServer* http_server = nullptr;  // first of those that share the port
  std::vector<std::string> http_hosts;         // patterns of all its HTTP servers
  std::vector<VirtualHost> http;               // sorted by host
  const ClassicServer* tcp_server = nullptr;
  std::optional<L4Rule> tcp;
  std::vector<TlsChain> tls;
  std::vector<TraceNode> losers;
  std::optional<TraceNode> rejected;  // two chains for one SNI: Envoy keeps what it had
};

struct ClassicTable {
  std::map<std::uint16_t, ClassicPort> ports;  // by the port the pod listens on
};

/// The table of this proxy: found when it stands for pods that were there at build, else made now.
[[nodiscard]] std::shared_ptr<const ClassicTable> classic_table(const RouteTables::Impl& impl,
                                                                const GatewayProxy& proxy);

/// Registry services in front of the proxy: by selector, by endpoint address.
[[nodiscard]] std::vector<model::ServiceId> services_of_proxy(const model::Cluster& cluster,
                                                              const GatewayProxy& proxy);
/// The port that the proxy's pod listens on for a port of a service.
[[nodiscard]] std::uint16_t target_port(const model::Cluster& cluster, const GatewayProxy& proxy,
                                        model::ServiceId service, std::uint16_t port);
/// Whether Istio configures the proxy from this gateway.
[[nodiscard]] bool gateway_selects(const RouteTables::Impl& impl, const ClassicGateway& gateway,
                                   const GatewayProxy& proxy);

}  // namespace waypath::sim
