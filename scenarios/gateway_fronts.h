#pragma once
// Where gateways listen for requests from outside: hosts and ports of Gateway API gateways and of Istio's.

#include <cstdint>
#include <string>
#include <vector>

#include "model/cluster.h"
#include "model/gateway/gateway.h"
#include "model/istio/networking.h"

namespace waypath::scenarios {

struct GatewayFront {
  std::string host;  // "" or with "*": any
  std::uint16_t port = 0;
  bool tls = false;
};

/// HTTP, HTTPS and TLS listeners.
[[nodiscard]] std::vector<GatewayFront> fronts_of(const std::vector<model::Listener>& listeners);
/// The same of servers, at the ports that clients dial.
[[nodiscard]] std::vector<GatewayFront> fronts_of(const model::Cluster& cluster,
                                                  const model::IstioGateway& gateway);
[[nodiscard]] bool front_covers(const GatewayFront& front, const std::string& host);
/// "https://host:8443/path"; the usual port is left out.
[[nodiscard]] std::string front_url(const GatewayFront& front, const std::string& host,
                                    const std::string& path);
/// Whether the pod is one of the gateway's.
[[nodiscard]] bool selects(const model::IstioGateway& gateway, const model::Pod& pod);

}  // namespace waypath::scenarios
