// Istio's control plane, waypoints, gateways, routes and AuthorizationPolicies.

#include <fmt/format.h>

#include "bench/gen/objects.h"
#include "bench/gen/random.h"

namespace waypath::gen {
namespace {

constexpr std::string_view kGatewayApi = "gateway.networking.k8s.io/v1";
constexpr std::string_view kEdge = "edge";
constexpr std::string_view kSystem = "istio-system";

Json service_target(std::string_view name) {
  return Json::array({{{"group", ""}, {"kind", "Service"}, {"name", name}}});
}

Json principal(const Layout& layout, int workload) {
  return fmt::format("cluster.local/ns/{}/sa/{}", layout.namespace_name(layout.namespace_of(workload)),
                     layout.workload_name(workload));
}

// The `number`-th Service behind a waypoint of its own namespace; nullopt when there is none.
std::optional<int> waypoint_service(const Layout& layout, int number) {
  const auto ns = layout.waypoint_namespace(number);
  if (!ns) return std::nullopt;
  return layout.first_workload(*ns) + number / 7 % std::max(1, layout.workloads_in(*ns));
}

}  // namespace

Json gateway_class_object(const Layout& layout, bool waypoint) {
  Json out = new_object(layout, Stream::Platform, waypoint ? 1 : 0, kGatewayApi, "GatewayClass", {},
                        waypoint ? "istio-waypoint" : "istio");
  out["spec"]["controllerName"] = waypoint ? "istio.io/mesh-controller" : "istio.io/gateway-controller";
  return out;
}

Json mesh_config_object(const Layout& layout) {
  Json out = new_object(layout, Stream::Platform, 2, "v1", "ConfigMap", kSystem, "istio");
  out["data"] = {{"mesh",
                  "defaultConfig:\n  discoveryAddress: istiod.istio-system.svc:15012\nextensionProviders:\n"
                  "- name: ext-authz\n  envoyExtAuthzGrpc:\n    port: 9000\n    service: "
                  "ext-authz.istio-system.svc.cluster.local\nrootNamespace: istio-system\n"
                  "trustDomain: cluster.local\n"},
                 {"meshNetworks", "networks: {}"}};
  return out;
}

Json istiod_object(const Layout& layout) {
  Json out = new_object(layout, Stream::Platform, 3, "apps/v1", "Deployment", kSystem, "istiod");
  const Json labels{{"app", "istiod"}, {"istio", "pilot"}};
  out["metadata"]["labels"] = labels;
  out["spec"] = {
      {"replicas", 0},
      {"selector", {{"matchLabels", labels}}},
      {"template",
       {{"metadata", {{"labels", labels}}},
        {"spec",
         {{"containers",
           Json::array({{{"env", Json::array({{{"name", "PILOT_ENABLE_AMBIENT"}, {"value", "true"}}})},
                         {"image", "docker.io/istio/pilot:1.28.3"},
                         {"name", "discovery"}}})},
          {"serviceAccountName", "istiod"}}}}}};
  return out;
}

Json ext_authz_service_object(const Layout& layout) {
  Json out = new_object(layout, Stream::Platform, 4, "v1", "Service", kSystem, "ext-authz");
  out["spec"] = {
      {"clusterIP", "10.12.0.10"},
      {"ports", Json::array({{{"name", "grpc"}, {"port", 9000}, {"protocol", "TCP"}, {"targetPort", 9000}}})},
      {"selector", {{"app", "ext-authz"}}},
      {"type", "ClusterIP"}};
  return out;
}

Json waypoint_object(const Layout& layout, int ns) {
  Json out = new_object(layout, Stream::Gateway, 1'000'000 + ns, kGatewayApi, "Gateway",
                        layout.namespace_name(ns), "waypoint");
  out["metadata"]["labels"]["istio.io/waypoint-for"] = "service";
  out["spec"] = {{"gatewayClassName", "istio-waypoint"},
                 {"listeners", Json::array({{{"allowedRoutes", {{"namespaces", {{"from", "All"}}}}},
                                             {"name", "mesh"},
                                             {"port", 15008},
                                             {"protocol", "HBONE"}}})}};
  return out;
}

Json gateway_object(const Layout& layout, int gateway) {
  Json out = new_object(layout, Stream::Gateway, gateway, kGatewayApi, "Gateway", kEdge,
                        fmt::format("public-{}", gateway));
  out["spec"] = {{"gatewayClassName", "istio"},
                 {"listeners", Json::array({{{"allowedRoutes", {{"namespaces", {{"from", "All"}}}}},
                                             {"hostname", fmt::format("*.g{}.example.com", gateway)},
                                             {"name", "http"},
                                             {"port", 80},
                                             {"protocol", "HTTP"}}})}};
  const std::string address = fmt::format("198.51.100.{}", gateway % 254 + 1);
  out["status"]["addresses"] = Json::array({{{"type", "IPAddress"}, {"value", address}}});
  return out;
}

Json http_route_object(const Layout& layout, int route) {
  const auto& p = layout.parameters();
  Random random(p.seed, {number(Stream::Route), static_cast<std::uint64_t>(route)});
  auto mesh = route % 4 == 3 || p.gateways == 0 ? waypoint_service(layout, route) : std::nullopt;
  const int workload = mesh.value_or(random.below(layout.workloads()));
  const std::string service = layout.workload_name(workload),
                    ns = layout.namespace_name(layout.namespace_of(workload));
  Json out = new_object(layout, Stream::Route, route, kGatewayApi, "HTTPRoute", ns,
                        fmt::format("route-{:05}", route));
  const auto rule = [&](std::string_view path) {
    return Json{
        {"backendRefs",
         Json::array({{{"group", ""}, {"kind", "Service"}, {"name", service}, {"port", 80}, {"weight", 1}}})},
        {"matches", Json::array({{{"path", {{"type", "PathPrefix"}, {"value", path}}}}})}};
  };
  Json& spec = out["spec"];
  spec["rules"] = Json::array({rule("/"), rule(fmt::format("/v{}", 1 + random.below(3)))});
  if (mesh) {
    spec["parentRefs"] = service_target(service);
  } else {
    const int gateway = p.gateways == 0 ? 0 : route % p.gateways;
    spec["hostnames"] = {fmt::format("{}-{}.g{}.example.com", service, route, gateway)};
    spec["parentRefs"] = Json::array({{{"group", "gateway.networking.k8s.io"},
                                       {"kind", "Gateway"},
                                       {"name", fmt::format("public-{}", gateway)},
                                       {"namespace", kEdge}}});
  }
  return out;
}

Json authorization_policy_object(const Layout& layout, int policy) {
  const auto& p = layout.parameters();
  Random random(p.seed, {number(Stream::Authorization), static_cast<std::uint64_t>(policy)});
  // CUSTOM asks at waypoints; ztunnel has no ext_authz.
  const bool custom = in_share(policy, p.custom_share), deny = !custom && in_share(policy, p.deny_share);
  const auto behind =
      custom || in_share(policy, p.l7_share) ? waypoint_service(layout, policy) : std::nullopt;
  const int workload = behind.value_or(random.below(layout.workloads()));
  const std::string name = layout.workload_name(workload);
  Json out =
      new_object(layout, Stream::Authorization, policy, "security.istio.io/v1", "AuthorizationPolicy",
                 layout.namespace_name(layout.namespace_of(workload)), fmt::format("authz-{:05}", policy));
  Json& spec = out["spec"];
  spec["action"] = custom && behind ? "CUSTOM" : deny ? "DENY" : "ALLOW";
  const auto someone = [&] { return random.below(layout.workloads()); };
  Json source = random.chance(0.6)
                    ? Json{{"principals", {principal(layout, someone()), principal(layout, someone())}}}
                    : Json{{"namespaces", {layout.namespace_name(layout.namespace_of(someone()))}}};
  Json rule{{"from", Json::array({{{"source", std::move(source)}}})}};
  if (behind) {
    spec["targetRefs"] = service_target(name);
    static constexpr std::array<std::string_view, 4> kMethods{"GET", "POST", "PUT", "DELETE"};
    rule["to"] = Json::array({{{"operation",
                                {{"methods", {"GET", kMethods[static_cast<std::size_t>(random.below(4))]}},
                                 {"paths", {fmt::format("/v{}/*", 1 + random.below(3)), "/healthz"}}}}}});
    if (custom) spec["provider"]["name"] = "ext-authz";
    if (custom) rule.erase("from");
  } else {
    spec["selector"]["matchLabels"]["app"] = name;
    if (random.chance(0.5)) rule["to"] = Json::array({{{"operation", {{"ports", {"8080"}}}}}});
  }
  spec["rules"] = Json::array({std::move(rule)});
  return out;
}

}  // namespace waypath::gen
