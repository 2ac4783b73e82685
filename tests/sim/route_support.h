#pragma once
// Routing tests: a cluster from text, a request, the decision as one line.

#include <memory>
#include <string>
#include <vector>

#include "model/cluster.h"
#include "sim/resolve/route.h"

namespace waypath::sim::tests {

[[nodiscard]] std::shared_ptr<const model::Cluster> cluster_of(const std::string& text);

/// "http://host/path", "https://...", "tcp://...": what is sent. Headers as "name: value".
[[nodiscard]] RouteRequest request_of(const std::string& url, const std::vector<std::string>& headers = {},
                                      const std::string& method = "GET");

/// "web.a:80", "v1.a:80 70% + v2.a:80 30%", "404 ROUTE_NO_RULE", "301 https://...", "closed CODE", "refused
/// CODE", ... Kubernetes hosts are shortened to name.namespace; an unusable share reads "web.a:80 500".
[[nodiscard]] std::string text_of(const RouteDecision& decision);

/// The Gateway API gateway a/gw (its own class), dialled at `port`.
[[nodiscard]] std::string at_gateway(const model::Cluster& cluster, std::uint16_t port,
                                     const RouteRequest& request);
/// The gateway pod istio-system/ingress, at the port it listens on.
[[nodiscard]] std::string at_pod(const model::Cluster& cluster, std::uint16_t pod_port,
                                 const RouteRequest& request);
/// The sidecar of a client in `ns` without labels; the request's host is dialled.
[[nodiscard]] std::string at_sidecar(const model::Cluster& cluster, const std::string& ns, std::uint16_t port,
                                     const RouteRequest& request);
/// A waypoint in `ns` that serves Service `service` ("ns/name").
[[nodiscard]] std::string at_waypoint(const model::Cluster& cluster, const std::string& ns,
                                      const std::string& service, std::uint16_t port,
                                      const RouteRequest& request);

// Manifests.
[[nodiscard]] std::string service(const std::string& ns, const std::string& name,
                                  const std::string& ports = "{name: http, port: 80}");
[[nodiscard]] std::string gateway(const std::string& listeners, const std::string& more = "");
[[nodiscard]] std::string http_route(const std::string& ns, const std::string& name, const std::string& spec,
                                     const std::string& created = "");
[[nodiscard]] std::string virtual_service(const std::string& ns, const std::string& name,
                                          const std::string& spec, const std::string& created = "");
/// Pod istio-system/ingress with label istio: ingress, and its Service with port 80 -> 8080, 443 -> 8443.
[[nodiscard]] std::string ingress_pod();

}  // namespace waypath::sim::tests
