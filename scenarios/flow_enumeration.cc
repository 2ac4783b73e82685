#include "scenarios/flow_enumeration.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "model/gateway/gateway.h"
#include "model/gateway/routes.h"
#include "model/istio/networking.h"
#include "model/kube/services.h"
#include "sim/reach.h"

namespace waypath::scenarios {
namespace {

using Urls = std::set<std::string>;

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

void add_services(const model::Cluster& cluster, Urls& out) {
  for (const auto& service : cluster.services()) {
    if (service.external_name() || service.host.find('*') != std::string::npos) continue;
    if (service.meta().labels.get("gateway.networking.k8s.io/gateway-name")) continue;  // a gateway's own
    const std::string host = service.service != nullptr
                                 ? fmt::format("{}.{}", service.name.view(), service.ns.view())
                                 : service.host;
    for (const auto& port : service.ports)
      out.insert(fmt::format("{}://{}:{}", scheme_of(port), host, port.port));
  }
}

// ---- hosts of gateways ----

struct Front {
  std::string host;  // "" or with "*": any
  std::uint16_t port = 0;
  bool tls = false;
};

bool covers(const std::string& pattern, const std::string& host) {
  if (pattern.empty() || pattern == "*" || pattern == host) return true;
  return pattern.compare(0, 2, "*.") == 0 && host.size() > pattern.size() - 1 &&
         host.compare(host.size() - pattern.size() + 1, std::string::npos, pattern, 1) == 0;
}

std::string url(const Front& front, const std::string& host, const std::string& path) {
  const bool usual = front.port == (front.tls ? 443 : 80);
  return fmt::format("{}://{}{}{}", front.tls ? "https" : "http", host,
                     usual ? "" : fmt::format(":{}", front.port), path);
}

void add_front(const std::vector<Front>& fronts, const std::string& host, const std::set<std::string>& paths,
               Urls& out) {
  if (host.empty() || host.find('*') != std::string::npos) return;
  for (const Front& front : fronts)
    if (covers(front.host, host))
      for (const auto& path : paths) out.insert(url(front, host, path));
}

std::vector<Front> fronts_of(const model::Gateway& gateway) {
  std::vector<Front> out;
  for (const auto& listener : gateway.listeners)
    if (listener.protocol == "HTTP" || listener.protocol == "HTTPS" || listener.protocol == "TLS")
      out.push_back({listener.hostname, listener.port, listener.protocol != "HTTP"});
  return out;
}

std::vector<Front> fronts_of(const model::IstioGateway& gateway) {
  std::vector<Front> out;
  for (const auto& server : gateway.servers)
    for (const auto& written : server.hosts) {
      const auto slash = written.find('/');
      const std::string& protocol = server.port.protocol;
      const bool tls = protocol == "HTTPS" || protocol == "TLS";
      if (tls || protocol.compare(0, 4, "HTTP") == 0 || protocol == "GRPC")
        out.push_back(
            {slash == std::string::npos ? written : written.substr(slash + 1), server.port.number, tls});
    }
  return out;
}

// Literal paths of a route's matches; a regular expression has none.
void add_path(std::set<std::string>& paths, const std::string& path, bool literal) {
  if (literal && !path.empty() && path.front() == '/') paths.insert(path);
}

void add_gateway_api(const model::Cluster& cluster, Urls& out) {
  for (const auto& route : cluster.snapshot().all<model::HttpRoute>()) {
    std::set<std::string> paths;
    for (const auto& rule : route->rules)
      for (const auto& match : rule.matches)
        add_path(paths, match.path, match.path_type != model::MatchType::Regex);
    if (paths.empty()) paths.insert("/");
    for (const auto& parent : route->parents) {
      const auto* gateway = cluster.snapshot().find<model::Gateway>(parent.ns.view(), parent.name.view());
      if (parent.kind != "Gateway" || gateway == nullptr) continue;
      const auto fronts = fronts_of(*gateway);
      for (const auto& host : route->hostnames) add_front(fronts, host, paths, out);
      if (route->hostnames.empty())
        for (const auto& front : fronts) add_front({front}, front.host, paths, out);
    }
  }
}

void add_virtual_services(const model::Cluster& cluster, Urls& out) {
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
      const auto fronts = fronts_of(*gateway);
      for (const auto& host : vs->hosts) add_front(fronts, host, paths, out);
    }
  }
}

void add_ingresses(const model::Cluster& cluster, Urls& out) {
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
    if (!gateway->selector.empty() &&
        std::all_of(gateway->selector.begin(), gateway->selector.end(), [&](const auto& pair) {
          return pod.meta.labels.get(pair.first.view()) == pair.second.view();
        }))
      return true;
  for (const char* app : {"istiod", "ztunnel", "istio-cni-node"})
    if (pod.meta.labels.get("app") == std::string_view(app) ||
        pod.meta.labels.get("k8s-app") == std::string_view(app))
      return true;
  return false;
}

}  // namespace

std::vector<sim::Flow> enumerate_flows(const model::Cluster& cluster) {
  std::set<std::string> clients;
  for (const auto* pod : cluster.pods())
    if (!infrastructure(cluster, *pod)) clients.insert(client_of(sim::workload_text(*pod)));
  Urls inside, outside;
  add_services(cluster, inside);
  add_gateway_api(cluster, outside);
  add_virtual_services(cluster, outside);
  add_ingresses(cluster, outside);
  std::vector<sim::Flow> out;
  const auto add = [&](const std::string& from, const std::string& to) {
    sim::Flow flow;
    flow.name = from + " -> " + to;
    flow.from = from;
    flow.to = to;
    out.push_back(std::move(flow));
  };
  for (const auto& to : outside) add("internet", to);
  for (const auto& from : clients)
    for (const auto& to : inside) add(from, to);
  return out;
}

}  // namespace waypath::scenarios
