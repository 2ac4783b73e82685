#include "scenarios/flow_enumeration.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "model/gateway/gateway.h"
#include "model/gateway/routes.h"
#include "model/istio/networking.h"
#include "model/istio/security.h"
#include "model/kube/services.h"
#include "scenarios/flow_product.h"
#include "scenarios/gateway_fronts.h"
#include "sim/reach/reach.h"

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
  const auto& p = port.app_protocol;
  if (p == "http" || p == "http2" || p == "grpc" || p == "https") return p == "http2" ? "http" : p;
  return p == "tls" ? "https" : "tcp";
}

/// A request that a policy speaks of.
struct Operation {
  std::string method, path;
};

bool literal(const std::string& text) { return text.find('*') == std::string::npos; }

// The requests that policies attached to a Service tell apart: paths without `*`, each with the methods
// beside it. Paths with templates ({*}) are left out.
std::map<std::string, std::vector<Operation>> operations(const model::Cluster& cluster) {
  std::map<std::string, std::vector<Operation>> out;
  for (const auto& policy : cluster.snapshot().all<model::AuthorizationPolicy>())
    for (const auto& ref : policy->attachment.target_refs) {
      if (ref.kind != "Service") continue;
      auto& list = out[policy->meta.ns().str() + "/" + ref.name.str()];
      for (const auto& rule : policy->rules)
        for (const auto& to : rule.to) {
          std::vector<std::string> methods, paths;
          for (const auto& m : to.methods)
            if (literal(m.text)) methods.push_back(m.text);
          for (const auto& path : to.paths)
            if (literal(path.text) && path.text.find('{') == std::string::npos) paths.push_back(path.text);
          if (methods.empty()) methods.emplace_back("GET");
          if (paths.empty()) paths.emplace_back("");
          for (const auto& method : methods)
            for (const auto& path : paths) list.push_back({method, path});
        }
    }
  return out;
}

void add_services(const model::Cluster& cluster, Targets& out) {
  const auto known = operations(cluster);
  for (const auto& service : cluster.services()) {
    if (service.external_name() || service.host.find('*') != std::string::npos) continue;
    if (service.meta().labels.get("gateway.networking.k8s.io/gateway-name")) continue;  // a gateway's own
    const std::string host = service.service != nullptr
                                 ? fmt::format("{}.{}", service.name.view(), service.ns.view())
                                 : service.host;
    for (const auto& port : service.ports) {
      auto text = fmt::format("{}://{}:{}", scheme_of(port), host, port.port);
      const std::string scheme = text.substr(0, text.find(':'));
      out.try_emplace(text, FlowTarget{text, &service, host, port.port});
      const auto it = known.find(service.ns.str() + "/" + service.name.str());
      if (it == known.end() || (scheme != "http" && scheme != "grpc")) continue;
      for (const auto& [method, path] : it->second) {
        const std::string asked = scheme == "grpc" ? "GET" : method;  // a call is a POST whatever is said
        out.try_emplace(text + path + " " + asked, FlowTarget{text + path, &service, host, port.port, asked});
      }
    }
  }
}

// ---- hosts of gateways ----

void add_front(const std::vector<GatewayFront>& fronts, const std::string& host,
               const std::set<std::string>& paths, Targets& out) {
  if (host.empty() || host.find('*') != std::string::npos) return;
  for (const GatewayFront& front : fronts)
    if (front_covers(front, host))
      for (const auto& path : paths) {
        auto text = front_url(front, host, path);
        out.try_emplace(text, FlowTarget{text, nullptr, host, front.port});
      }
}

// Literal paths of a route's matches; a regular expression has none.
void add_path(std::set<std::string>& paths, const std::string& path, bool literal) {
  if (literal && !path.empty() && path.front() == '/') paths.insert(path);
}

void add_gateway_api(const model::Cluster& cluster, Targets& out) {
  for (const auto& route : cluster.snapshot().all<model::HttpRoute>()) {
    std::set<std::string> paths;
    for (const auto& rule : route->rules)
      for (const auto& match : rule.matches)
        add_path(paths, match.path, match.path_type != model::MatchType::Regex);
    if (paths.empty()) paths.insert("/");
    for (const auto& parent : route->parents) {
      const auto* gateway = cluster.snapshot().find<model::Gateway>(parent.ns.view(), parent.name.view());
      if (parent.kind != "Gateway" || gateway == nullptr) continue;
      const auto fronts = fronts_of(gateway->listeners);
      for (const auto& host : route->hostnames) add_front(fronts, host, paths, out);
      if (route->hostnames.empty())
        for (const auto& front : fronts) add_front({front}, front.host, paths, out);
    }
  }
}

void add_virtual_services(const model::Cluster& cluster, Targets& out) {
  for (const auto& vs : cluster.snapshot().all<model::VirtualService>()) {
    std::set<std::string> paths;
    for (const auto& route : vs->http)
      for (const auto& match : route.matches)
        if (match.uri) add_path(paths, match.uri->value, match.uri->kind != model::StringMatch::Kind::Regex);
    if (paths.empty()) paths.insert("/");
    for (const auto& name : vs->gateways) {
      const auto slash = name.find('/');
      const std::string ns = slash == std::string::npos ? vs->meta.ns().str() : name.substr(0, slash);
      const auto* gateway = cluster.snapshot().find<model::IstioGateway>(
          ns, slash == std::string::npos ? name : name.substr(slash + 1));
      if (gateway == nullptr) continue;
      const auto fronts = fronts_of(cluster, *gateway);
      for (const auto& host : vs->hosts) add_front(fronts, host, paths, out);
    }
  }
}

void add_ingresses(const model::Cluster& cluster, Targets& out) {
  for (const auto& ingress : cluster.snapshot().all<model::Ingress>())
    for (const auto& rule : ingress->rules) {
      const bool tls = std::any_of(ingress->tls.begin(), ingress->tls.end(), [&](const auto& t) {
        return std::find(t.hosts.begin(), t.hosts.end(), rule.host) != t.hosts.end();
      });
      std::set<std::string> paths;
      for (const auto& path : rule.paths) add_path(paths, path.path, true);
      add_front({{rule.host, static_cast<std::uint16_t>(tls ? 443 : 80), tls}}, rule.host, paths, out);
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
  add_services(cluster, inside);
  add_gateway_api(cluster, outside);
  add_virtual_services(cluster, outside);
  add_ingresses(cluster, outside);
  std::vector<FlowTarget> out;
  std::set<std::string> seen;  // "http://web:80" and "http://web:80 GET" are one
  for (const auto* some : {&outside, &inside})
    for (const auto& [text, target] : *some)
      if (seen.insert(target.method + " " + target.text).second) out.push_back(target);
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
