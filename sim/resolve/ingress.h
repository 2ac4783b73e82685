#pragma once
// Kubernetes Ingress as Istio serves it (routing.md 4).

#include <string>

#include "sim/resolve/route_tables.h"

namespace waypath::sim {

/// Each Ingress makes a Gateway of its own; the routes of a host are bound to that of the oldest Ingress with
/// the host. Source: istio pilot/pkg/config/kube/ingress/gateways.go, virtualservices.go.
[[nodiscard]] std::string ingress_gateway_name(const model::Ingress& ingress);

/// Whether Istio's ingress controller serves it.
/// Source: istio pilot/pkg/config/kube/ingress/virtualservices.go shouldProcessIngressWithClass.
[[nodiscard]] bool ingress_taken(const model::Cluster& cluster, const model::Ingress& ingress);

/// The value of label `istio` that the pods which serve Ingresses carry.
/// Source: istio pilot/pkg/config/kube/ingress/gateways.go getIngressGatewaySelector: the default Service
/// keeps its old label.
[[nodiscard]] std::string ingress_pod_label(const model::MeshConfig& mesh);

}  // namespace waypath::sim
