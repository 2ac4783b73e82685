#pragma once
// Kubernetes Ingress as Istio serves it (routing.md 4).

#include "sim/resolve/route_tables.h"

namespace waypath::sim {

/// What VirtualServices would call the gateway of all Ingresses.
inline constexpr std::string_view kIngressGatewayName = "ingress";

/// Whether Istio's ingress controller serves it.
/// Source: istio pilot/pkg/config/kube/ingress/conversion.go shouldProcessIngressWithClass.
[[nodiscard]] bool ingress_taken(const model::Cluster& cluster, const model::Ingress& ingress);

}  // namespace waypath::sim
