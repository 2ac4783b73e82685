#include "tests/sim/route_support.h"

#include <fmt/format.h>

#include "model/load/manifest_loader.h"
#include "sim/match/route_match.h"

namespace waypath::sim::tests {

namespace {

std::string short_host(std::string host) {
  constexpr std::string_view kSuffix = ".svc.cluster.local";
  if (host.ends_with(kSuffix)) host.resize(host.size() - kSuffix.size());
  return host;
}

std::string object(const std::string& api, const std::string& kind, const std::string& ns,
                   const std::string& name, const std::string& spec, const std::string& created = "") {
  return fmt::format("---\napiVersion: {}\nkind: {}\nmetadata: {{name: {}, namespace: {}{}}}\nspec: {}\n",
                     api, kind, name, ns,
                     created.empty() ? "" : fmt::format(", creationTimestamp: \"{}\"", created), spec);
}

}  // namespace

std::shared_ptr<const model::Cluster> cluster_of(const std::string& text) {
  model::Diagnostics diagnostics;
  model::Snapshot snapshot = model::load_texts({{"cluster.yaml", text}}, {}, diagnostics);
  return model::Cluster::build(std::move(snapshot), {}, diagnostics);
}

RouteRequest request_of(const std::string& url, const std::vector<std::string>& headers,
                        const std::string& method) {
  RouteRequest out;
  out.method = method;
  const std::size_t mark = url.find("://");
  const std::string scheme = url.substr(0, mark);
  const std::string rest = url.substr(mark + 3);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  out.host = rest.substr(0, slash);
  if (slash < rest.size()) out.path = rest.substr(slash);
  out.tls = scheme == "https" || scheme == "tls";
  out.scheme = out.tls ? "https" : "http";
  out.client_certificate = false;
  if (scheme == "tcp") out.app = RouteRequest::App::Tcp;
  if (scheme == "tls") out.app = RouteRequest::App::Tls;
  if (out.tls) out.sni = host_without_port(out.host);
  for (const std::string& header : headers) {
    const std::size_t colon = header.find(": ");
    out.headers.emplace_back(header.substr(0, colon), header.substr(colon + 2));
  }
  return out;
}

std::string text_of(const RouteDecision& d) {
  switch (d.kind) {
    case RouteDecision::Kind::Forward:
      break;
    case RouteDecision::Kind::Respond:
      return d.redirect.empty() ? fmt::format("{} {}", d.status, d.reason.code.text)
                                : fmt::format("{} {}", d.status, d.redirect);
    case RouteDecision::Kind::Refuse:
      return fmt::format("{} {}", d.status, d.reason.code.text);
    case RouteDecision::Kind::NoListener:
      return fmt::format("refused {}", d.reason.code.text);
    case RouteDecision::Kind::NoFilterChain:
      return fmt::format("reset {}", d.reason.code.text);
    case RouteDecision::Kind::Close:
      return fmt::format("closed {}", d.reason.code.text);
    case RouteDecision::Kind::Unknown:
      return fmt::format("unknown {}", d.reason.code.text);
  }
  std::string out;
  for (const RouteTarget& t : d.targets) {
    if (!out.empty()) out += " + ";
    out += t.original_destination ? std::string("passthrough")
                                  : fmt::format("{}:{}", short_host(t.host), t.port);
    if (!t.subset.empty()) out += "/" + t.subset;
    if (t.path_rewrite) out += " path " + *t.path_rewrite;
    if (t.host_rewrite) out += " host " + *t.host_rewrite;
    if (t.upstream_tls) out += " tls " + t.upstream_sni;
    if (t.error_status != 0) out += fmt::format(" {}", t.error_status);
    if (d.targets.size() > 1) out += fmt::format(" {:.0f}%", t.share * 100);
  }
  return out;
}

std::string at_gateway(const model::Cluster& cluster, std::uint16_t port, const RouteRequest& request) {
  GatewayProxy proxy;
  proxy.gateway = cluster.snapshot().find<model::Gateway>("a", "gw");
  proxy.ns = model::intern("a");
  proxy.name = "gw";
  return text_of(route_at_gateway(cluster, proxy, port, 0, request));
}

std::string at_pod(const model::Cluster& cluster, std::uint16_t pod_port, const RouteRequest& request) {
  GatewayProxy proxy;
  proxy.pod = cluster.find_pod("istio-system", "ingress");
  proxy.ns = model::intern("istio-system");
  proxy.labels = cluster.pod(proxy.pod).meta.labels;
  proxy.name = "ingress";
  return text_of(route_at_gateway(cluster, proxy, 0, pod_port, request));
}

std::string at_sidecar(const model::Cluster& cluster, const std::string& ns, std::uint16_t port,
                       const RouteRequest& request) {
  std::optional<model::ServiceId> service;
  std::optional<model::IpAddress> address;
  const std::string name = host_without_port(request.host);
  address = model::parse_ip(name);
  for (const std::string& candidate :
       {name, name + ".svc.cluster.local", fmt::format("{}.{}.svc.cluster.local", name, ns)}) {
    const std::vector<model::ServiceId> found = cluster.services_by_host(candidate);
    if (found.empty()) continue;
    service = found.front();
    if (!cluster.service(*service).vips.empty()) address = cluster.service(*service).vips.front();
    break;
  }
  return text_of(route_at_sidecar(cluster, model::intern(ns), {}, service, address, port, request));
}

std::string at_waypoint(const model::Cluster& cluster, const std::string& ns, const std::string& service,
                        std::uint16_t port, const RouteRequest& request) {
  model::Gateway waypoint;
  waypoint.meta.key.kind = model::intern("Gateway");
  waypoint.meta.key.ns = model::intern(ns);
  waypoint.meta.key.name = model::intern("waypoint");
  const std::size_t slash = service.find('/');
  const model::ServiceId id = cluster.find_service(service.substr(0, slash), service.substr(slash + 1));
  return text_of(route_at_waypoint(cluster, waypoint, id, port, request));
}

std::string service(const std::string& ns, const std::string& name, const std::string& ports) {
  return object("v1", "Service", ns, name,
                fmt::format("{{selector: {{app: {}}}, ports: [{}]}}", name, ports));
}
std::string gateway(const std::string& listeners, const std::string& more) {
  return object("gateway.networking.k8s.io/v1", "Gateway", "a", "gw",
                fmt::format("{{gatewayClassName: istio, listeners: [{}]{}}}", listeners, more));
}
std::string http_route(const std::string& ns, const std::string& name, const std::string& spec,
                       const std::string& created) {
  return object("gateway.networking.k8s.io/v1", "HTTPRoute", ns, name, spec, created);
}
std::string virtual_service(const std::string& ns, const std::string& name, const std::string& spec,
                            const std::string& created) {
  return object("networking.istio.io/v1", "VirtualService", ns, name, spec, created);
}
std::string ingress_pod() {
  return "---\napiVersion: v1\nkind: Pod\nmetadata: {name: ingress, namespace: istio-system, labels: {istio: "
         "ingress}}\n"
         "spec: {containers: [{name: istio-proxy}]}\nstatus: {phase: Running, podIP: 10.9.9.9, conditions: "
         "[{type: Ready, status: "
         "\"True\"}]}\n"
         "---\napiVersion: v1\nkind: Service\nmetadata: {name: ingress, namespace: istio-system}\n"
         "spec: {selector: {istio: ingress}, ports: [{name: http2, port: 80, targetPort: 8080}, {name: "
         "https, port: 443, targetPort: "
         "8443}]}\n";
}

}  // namespace waypath::sim::tests
