#include "tests/sim/authz_support.h"

#include "model/load/manifest_loader.h"

namespace waypath::tests {

using sim::PolicyPoint;

AuthzWorld::AuthzWorld(const std::string& yaml, const std::string& version) {
  model::Diagnostics diagnostics;
  auto snapshot = model::load_texts({{"test.yaml", yaml}}, {}, diagnostics);
  model::ClusterOptions options;
  if (!version.empty()) options.version = model::parse_istio_version(version);
  cluster = model::Cluster::build(std::move(snapshot), options, diagnostics);
  table = sim::compile_policies(cluster, {}, diagnostics);
}

sim::PolicyResult AuthzWorld::judge(const PolicyPoint& point, sim::RequestState& request) {
  trace = {};
  return sim::judge_hop(table, point, request, &trace);
}

namespace {

PolicyPoint web_point(PolicyPoint::Kind kind, bool http) {
  PolicyPoint p;
  p.kind = kind;
  p.ns = model::intern("shop");
  p.labels = model::Labels({{model::intern("app"), model::intern("web"), {}}});
  p.workload_name = model::intern("web-0");
  p.http = http;
  return p;
}

}  // namespace

PolicyPoint ztunnel_point() { return web_point(PolicyPoint::Kind::Ztunnel, false); }
PolicyPoint sidecar_point(bool http) { return web_point(PolicyPoint::Kind::Sidecar, http); }

PolicyPoint gateway_api_point(std::string_view ns, std::string_view name) {
  auto p = web_point(PolicyPoint::Kind::GatewayApi, true);
  p.ns = model::intern(ns);
  p.gateway_name = model::intern(name);
  p.gateway_class = model::intern("istio");
  p.labels = model::Labels({{model::intern("gateway.networking.k8s.io/gateway-name"), p.gateway_name, {}}});
  return p;
}

PolicyPoint waypoint_point(const AuthzWorld& world, std::string_view ns, std::string_view name,
                           std::string_view service) {
  auto p = gateway_api_point(ns, name);
  p.kind = PolicyPoint::Kind::Waypoint;
  p.gateway_class = model::intern("istio-waypoint");
  if (const auto slash = service.find('/'); slash != std::string_view::npos)
    p.service = world.cluster->find_service(service.substr(0, slash), service.substr(slash + 1));
  return p;
}

sim::RequestState request_from(std::string_view ns, std::string_view service_account) {
  sim::RequestState r = plaintext_request();
  r.peer.ns = model::intern(ns);
  r.peer.service_account = model::intern(service_account);
  r.peer.principal = "cluster.local/ns/" + std::string(ns) + "/sa/" + std::string(service_account);
  return r;
}

sim::RequestState plaintext_request() {
  sim::RequestState r;
  r.source_ip = r.remote_ip = model::parse_ip("10.0.0.1");
  r.destination_ip = model::parse_ip("10.0.0.2");
  r.port = 8080;
  r.method = "GET";
  r.scheme = "http";
  r.host = "web.shop";
  r.path = "/";
  return r;
}

sim::Token token_of(std::string issuer, std::string subject) {
  sim::Token t;
  t.issuer = std::move(issuer);
  t.subject = std::move(subject);
  return t;
}

std::string authorization_policy(std::string_view name, std::string_view spec, std::string_view ns) {
  return "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: " +
         std::string(name) + ", namespace: " + std::string(ns) + "}\nspec: " + std::string(spec) + "\n";
}

}  // namespace waypath::tests
