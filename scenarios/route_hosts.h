#pragma once
// Which hosts lead through which gateways to which Services, as the routes say.

#include <string>
#include <utility>
#include <vector>

#include "model/cluster.h"
#include "model/gateway/routes.h"
#include "model/istio/networking.h"
#include "model/kube/services.h"
#include "scenarios/gateway_fronts.h"

namespace waypath::scenarios {

/// One routing object with what it serves. At most one of the first three is set: none for a TLSRoute, nor
/// for a TCPRoute, of which only the parents in the mesh are listed.
struct RouteHosts {
  const model::VirtualService* virtual_service = nullptr;
  const model::HttpRoute* http_route = nullptr;
  const model::IngressRule* ingress = nullptr;
  const model::ObjectMeta* meta = nullptr;
  std::vector<std::string> hosts;          // patterns; empty: those of the fronts
  std::vector<GatewayFront> fronts;        // gateways that take them from outside
  std::vector<model::PodId> gateway_pods;  // one of each such gateway
  std::vector<model::ServiceId> services;  // that the rules lead to, delegates included; sorted
  std::vector<model::ServiceId> mirrored;  // that get copies of the requests; sorted
  std::vector<model::ServiceId> parents;   // Services whose waypoint or clients apply it (mesh)
};

/// VirtualServices, HTTPRoutes, GRPCRoutes, TLSRoutes, TCPRoutes and Ingresses, in the order of their kinds
/// and names.
[[nodiscard]] std::vector<RouteHosts> route_hosts(const model::Cluster& cluster);

/// The Services, and those whose mesh routes lead on to one of them, by however many; sorted. Copies of
/// requests do not count.
[[nodiscard]] std::vector<model::ServiceId> services_leading_to(const std::vector<RouteHosts>& routes,
                                                                std::vector<model::ServiceId> services);

/// Routes that send copies of requests to one of the Services: "HTTPRoute/ns/name" and the Service. Sorted.
[[nodiscard]] std::vector<std::pair<std::string, model::ServiceId>> mirrors_to(
    const std::vector<RouteHosts>& routes, const std::vector<model::ServiceId>& services);

/// TCPRoutes, and TCP routes of VirtualServices, that lead from a gateway to one of the Services
/// ("TCPRoute/ns/name"): `route_hosts` has no host for them. Sorted.
[[nodiscard]] std::vector<std::string> tcp_routes_to(const model::Cluster& cluster,
                                                     const std::vector<model::ServiceId>& services);

/// Hosts without wildcard that a route serves at a front: "x.example.com" stands for "*.example.com".
[[nodiscard]] std::vector<std::string> hosts_at(const RouteHosts& route, const GatewayFront& front);

}  // namespace waypath::scenarios
