#pragma once
// Gateways that would serve a host if they had pods.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/resolve/route.h"

namespace waypath::sim {

/// A classic Gateway or Ingress whose servers have the host, but whose selector fits no pod.
struct IdleGateway {
  ObjectAt gateway;
  model::ServiceId service;  // with a selector that takes in the gateway's and with the port, if there is one
  std::string missing;  // the fact: nothing of Istio's is given, so which pods carry the labels is not known
};
[[nodiscard]] std::vector<IdleGateway> gateways_without_pods(const RouteTables& tables, std::string_view host,
                                                             std::uint16_t port, bool tls);

/// Whether anything is given by which to tell that no pod carries the labels that a classic Gateway selects:
/// an istiod, a gateway's pods, or a workload with these labels that makes none now.
[[nodiscard]] bool gateways_told(const model::Cluster& cluster, const model::IstioGateway& gateway);

}  // namespace waypath::sim
