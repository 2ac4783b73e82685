#pragma once
// Gateways that would serve a host if they had pods.

#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/resolve/route.h"

namespace waypath::sim {

/// A classic Gateway or Ingress whose servers have the host, but whose selector fits no pod.
struct IdleGateway {
  ObjectAt gateway;
  model::ServiceId service;  // with a selector that takes in the gateway's and with the port, if there is one
};
[[nodiscard]] std::vector<IdleGateway> gateways_without_pods(const RouteTables& tables, std::string_view host,
                                                             std::uint16_t port, bool tls);

}  // namespace waypath::sim
