#include "scenarios/flow_enumeration.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "model/gateway/routes.h"
#include "model/istio/networking.h"
#include "model/kube/services.h"
#include "scenarios/flow_product.h"
#include "scenarios/gateway_fronts.h"
#include "scenarios/route_hosts.h"
#include "scenarios/told_apart.h"
#include "sim/reach/reach.h"
#include "sim/resolve/protocol.h"

namespace waypath::scenarios {
namespace {

using Targets = std::map<std::string, FlowTarget>;  // by URL and method

// "ns/name[Kind]" as FROM takes it: "ns/name" for a pod of its own, else "ns/kind/name".
std::string client_of(const std::string& workload) {
  const auto slash = workload.find('/'), bracket = workload.find('[');
  const std::string ns = workload.substr(0, slash), name = workload.substr(slash + 1, bracket - slash - 1);
  std::string kind = workload.substr(bracket + 1, workload.size() - bracket - 2);
  if (kind == "Pod") return ns + "/" + name;
  std::transform(kind.begin(), kind.end(), kind.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return fmt::format("{}/{}/{}", ns, kind, name);
}

std::string scheme_of(const model::RegistryService::Port& port) {
  if (port.protocol == model::Protocol::Udp) return "udp";
  if (port.protocol == model::Protocol::Sctp) return "sctp";
  if (port.app_protocol == "grpc") return "grpc";
  switch (sim::port_kind(port.app_protocol)) {
    case sim::PortKind::Http:
      return "http";
    case sim::PortKind::Tls:
      return "https";
    case sim::PortKind::Udp:
      return "udp";
    case sim::PortKind::Auto:
    case sim::PortKind::Tcp:
      break;
  }
  return "tcp";
}

void add_target(Targets& out, FlowTarget target) {
  const auto [at, fresh] = out.try_emplace(target.text + " " + target.method, target);
  at->second.more = at->second.more && target.more;
}

void add_services(const model::Cluster& cluster, ToldApart& told, Targets& out) {
  for (std::uint32_t i = 0; i < cluster.services().size(); ++i) {
    const auto& service = cluster.services()[i];
    if (service.external_name() || service.host.find('*') != std::string::npos) continue;
    if (service.meta().labels.get("gateway.networking.k8s.io/gateway-name")) continue;  // a gateway's own
    const std::string host = service.service != nullptr
                                 ? fmt::format("{}.{}", service.name.view(), service.ns.view())
                                 : service.host;
    const auto add = [&](const std::string& scheme, std::uint16_t port, const ToldRequest& request,
                         bool more) {
      auto text = fmt::format("{}://{}:{}{}", scheme, host, port, request.path == "/" ? "" : request.path);
      add_target(out, {std::move(text), &service, host, port, request.method, more});
    };
    for (const auto& port : service.ports) {
      std::string scheme = scheme_of(port);
      add(scheme, port.port, {"GET", ""}, false);
      // The client chooses what it sends to a port whose protocol is not declared.
      if (scheme == "tcp" && sim::port_kind(port.app_protocol) == sim::PortKind::Auto && told.read({i}))
        add(scheme = "http", port.port, {"GET", ""}, true);
      if (scheme != "http" && scheme != "grpc") continue;
      for (const auto& request : told.of_service({i}))
        if (scheme == "http" || request.method == "GET")  // a call is a POST whatever is said
          add(scheme, port.port, request, true);
    }
  }
}

// ---- hosts of gateways ----

// Literal paths of a route's matches; a regular expression has none.
void add_path(std::set<std::string>& paths, const std::string& path, bool literal) {
  if (literal && !path.empty() && path.front() == '/') paths.insert(path);
}

std::set<std::string> paths_of(const RouteHosts& route) {
  std::set<std::string> out;
  if (route.http_route != nullptr)
    for (const auto& rule : route.http_route->rules)
      for (const auto& match : rule.matches)
        add_path(out, match.path, match.path_type != model::MatchType::Regex);
  if (route.virtual_service != nullptr)
    for (const auto& http : route.virtual_service->http)
      for (const auto& match : http.matches)
        if (match.uri) add_path(out, match.uri->value, match.uri->kind != model::StringMatch::Kind::Regex);
  if (route.ingress != nullptr)
    for (const auto& path : route.ingress->paths) add_path(out, path.path, true);
  if (out.empty()) out.insert("/");
  return out;
}

void add_hosts(const std::vector<RouteHosts>& routes, ToldApart& told, Targets& out) {
  for (const auto& route : routes) {
    const auto paths = paths_of(route);
    for (const auto& front : route.fronts)
      for (const auto& host : hosts_at(route, front)) {
        const auto add = [&](const ToldRequest& request, bool more) {
          add_target(out,
                     {front_url(front, host, request.path), nullptr, host, front.port, request.method, more});
        };
        for (const auto& path : paths) add({"GET", path}, false);
        for (const auto& request : told.of_host(host)) add(request, true);
      }
  }
}

// Proxies send what others ask them to, and istiod, ztunnel and istio-cni what the mesh needs.
// Source: istio manifests/charts (app, k8s-app); pilot/pkg/config/kube/gatewaycommon (gateway-name)
bool infrastructure(const model::Cluster& cluster, const model::Pod& pod) {
  if (pod.meta.labels.get("gateway.networking.k8s.io/gateway-name")) return true;
  for (const auto& gateway : cluster.snapshot().all<model::IstioGateway>())
    if (selects(*gateway, pod)) return true;
  for (const char* app : {"istiod", "ztunnel", "istio-cni-node"})
    if (pod.meta.labels.get("app") == std::string_view(app) ||
        pod.meta.labels.get("k8s-app") == std::string_view(app))
      return true;
  return false;
}

}  // namespace

std::string flow_title(const std::string& from, const std::string& method, const std::string& to) {
  return from + " -> " + (method == "GET" ? "" : method + " ") + to;
}
std::string client_name(const model::Pod& pod) { return client_of(sim::workload_text(pod)); }

std::vector<FlowClient> enumerate_clients(const model::Cluster& cluster) {
  std::map<std::string, const model::Pod*> workloads;
  for (const auto* pod : cluster.pods())
    if (!infrastructure(cluster, *pod)) workloads.try_emplace(client_name(*pod), pod);
  std::vector<FlowClient> out{{"internet", nullptr}};
  for (const auto& [text, pod] : workloads) out.push_back({text, pod});
  return out;
}

std::vector<FlowTarget> enumerate_targets(const model::Cluster& cluster) {
  Targets inside, outside;
  const auto routes = route_hosts(cluster);
  ToldApart told(cluster, routes);
  add_services(cluster, told, inside);
  add_hosts(routes, told, outside);
  std::vector<FlowTarget> out;
  for (const auto* some : {&outside, &inside})
    for (const auto& [text, target] : *some) out.push_back(target);
  return out;
}

std::vector<sim::Flow> enumerate_flows(const model::Cluster& cluster) {
  const FlowProduct product(cluster, cluster);
  std::vector<sim::Flow> out;
  out.reserve(product.size());
  for (const auto& row : product.rows())
    for (const auto target : *row.asked) out.push_back(flow_of(*row.client, (*row.targets)[target]));
  return out;
}

}  // namespace waypath::scenarios
