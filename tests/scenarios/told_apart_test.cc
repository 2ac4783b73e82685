// Which requests are asked when all flows of a cluster are: what policies and routes tell apart, at the
// proxies that a request passes.

#include "scenarios/told_apart.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "model/load/manifest_loader.h"
#include "scenarios/flow_enumeration.h"
#include "scenarios/plan.h"

namespace waypath::scenarios {
namespace {

using EnginePtr = std::shared_ptr<const sim::Engine>;
using Names = std::vector<std::string>;

EnginePtr engine_of(const std::string& text) {
  model::Diagnostics diagnostics;
  auto snapshot = model::load_texts({{"cluster.yaml", text}}, {}, diagnostics);
  auto engine =
      sim::Engine::build(model::Cluster::build(std::move(snapshot), {}, diagnostics), {}, diagnostics);
  REQUIRE_FALSE(diagnostics.has_errors());
  return engine;
}

/// "METHOD URL" of the targets whose URL begins so; a port is a whole one.
Names targets(const std::string& text, const std::string& begin) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  Names out;
  for (const auto& target : enumerate_targets(engine_of(text)->cluster())) {
    if (target.text.compare(0, begin.size(), begin) != 0) continue;
    if (target.text.size() > begin.size() && digit(begin.back()) && digit(target.text[begin.size()]))
      continue;
    out.push_back(target.method + " " + target.text);
  }
  return out;
}

bool has(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Changes from the first to the second, by the flows of both.
std::map<std::string, FlowChangeKind> changes(const std::string& before, const std::string& after) {
  const auto a = engine_of(before), b = engine_of(after);
  const FlowProduct product(a->cluster(), b->cluster());
  model::Diagnostics diagnostics;
  const auto plan = compare_clusters(*a, *b, product, {}, 1, diagnostics);
  CHECK_FALSE(diagnostics.has_errors());
  std::map<std::string, FlowChangeKind> out;
  for (const auto& change : plan.changes) out.emplace(change.flow.name, change.kind);
  const auto whole = compare_clusters(*a, *b, product, {}, 1, diagnostics, Thoroughness::Everything);
  CHECK(whole.changes.size() == plan.changes.size());
  return out;
}

// A namespace behind a waypoint: a client, and web with a port of each kind.
std::string mesh(const std::string& labels = "istio.io/dataplane-mode: ambient, istio.io/use-waypoint: wp") {
  return "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {" + labels +
         "}}\n"
         "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: wp, namespace: a}\n"
         "spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}\n"
         "---\napiVersion: v1\nkind: Pod\nmetadata: {name: c, namespace: a}\n"
         "spec: {containers: [{name: c, image: x}]}\n"
         "---\napiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: a, labels: {app: web}}\n"
         "spec: {containers: [{name: c, image: x}]}\n"
         "---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: a}\n"
         "spec: {selector: {app: web}, ports: [{name: http, port: 80}, {name: any, port: 8080}]}\n"
         "---\napiVersion: v1\nkind: Service\nmetadata: {name: other, namespace: a}\n"
         "spec: {selector: {app: web}, ports: [{name: http, port: 80}]}\n";
}

std::string policy(const std::string& target, const std::string& operation) {
  return "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
         "metadata: {name: p, namespace: a}\nspec: {" +
         target + ", action: DENY, rules: [{to: [{operation: {" + operation + "}}]}]}\n";
}

const std::string kOfWaypoint = "targetRefs: [{kind: Gateway, group: gateway.networking.k8s.io, name: wp}]";

std::string gateway(const std::string& hostname) {
  return "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge, namespace: "
         "a}\n"
         "spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP" +
         hostname + "}]}\n";
}

std::string route(const std::string& spec) {
  return "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r, namespace: a}\n"
         "spec: {" +
         spec + "}\n";
}

}  // namespace

TEST_CASE("a policy's paths are asked wherever it is enforced, those that end in a star by a member") {
  const std::string denied = mesh() + policy(kOfWaypoint, "paths: [\"/admin*\", /metrics]");
  const auto asked = targets(denied, "http://web.a:80");
  CHECK(asked == Names{"GET http://web.a:80", "GET http://web.a:80/admin", "GET http://web.a:80/metrics"});
  CHECK(has(targets(denied, "http://other.a"), "GET http://other.a:80/admin"));  // the waypoint is its, too
  const auto opened = changes(denied, mesh());
  CHECK(opened.at("a/c -> http://web.a:80/admin") == FlowChangeKind::Opens);
  CHECK_FALSE(opened.contains("a/c -> http://web.a:80"));

  SECTION("of one Service only there") {
    const auto one =
        mesh() + policy("targetRefs: [{kind: Service, group: \"\", name: web}]", "paths: [/x/*]");
    CHECK(targets(one, "http://web.a:80/").size() == 1);
    CHECK(targets(one, "http://other.a:80/").empty());
  }
  SECTION("of a class at all its waypoints") {
    const auto root =
        mesh() +
        "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
        "metadata: {name: p, namespace: istio-system}\nspec: {action: DENY, targetRefs: [{kind: "
        "GatewayClass, "
        "group: gateway.networking.k8s.io, name: istio-waypoint}], rules: [{to: [{operation: {paths: "
        "[/x]}}]}]}\n";
    CHECK(has(targets(root, "http://web.a:80"), "GET http://web.a:80/x"));
    CHECK(changes(root, mesh()).at("a/c -> http://other.a:80/x") == FlowChangeKind::Opens);
  }
  SECTION("by selector at sidecars") {
    const auto selected = policy("selector: {matchLabels: {app: web}}", "paths: [/x]");
    const auto injected = mesh("istio-injection: enabled");
    CHECK(changes(injected + selected, injected).at("a/c -> http://web.a:80/x") == FlowChangeKind::Opens);
    // A ztunnel reads no paths, and a waypoint takes no policies by selector.
    CHECK(targets(mesh() + selected, "http://web.a:80/").empty());
  }
}

TEST_CASE("of a list of paths each one is asked: a change may take one out") {
  const auto before = mesh() + policy(kOfWaypoint, "paths: [/x, /y]");
  const auto after = mesh() + policy(kOfWaypoint, "paths: [/x]");
  const auto found = changes(before, after);
  CHECK(found.at("a/c -> http://web.a:80/y") == FlowChangeKind::Opens);
  CHECK_FALSE(found.contains("a/c -> http://web.a:80/x"));
}

TEST_CASE("a method is asked at the paths whose conditions answer it otherwise than a plain request") {
  const auto asked =
      targets(mesh() + policy(kOfWaypoint, "methods: [DELETE], paths: [/x]"), "http://web.a:80");
  CHECK(asked == Names{"GET http://web.a:80", "DELETE http://web.a:80/x", "GET http://web.a:80/x"});
  const auto anywhere = targets(mesh() + policy(kOfWaypoint, "methods: [DELETE]"), "http://web.a:80");
  CHECK(anywhere == Names{"DELETE http://web.a:80", "GET http://web.a:80"});
}

TEST_CASE("a port whose protocol is not declared is asked both ways where an Envoy may read it") {
  CHECK(targets(mesh(), "http://web.a:8080").size() == 1);
  CHECK(targets(mesh(), "tcp://web.a:8080").size() == 1);
  CHECK(targets(mesh("istio.io/dataplane-mode: ambient"), "http://web.a:8080").empty());
  const auto found = changes(mesh() + policy(kOfWaypoint, "paths: [/x]"), mesh());
  CHECK(found.at("a/c -> http://web.a:8080/x") == FlowChangeKind::Opens);
}

TEST_CASE("a Service is asked for the paths of its own routes") {
  const auto routed = mesh() + route(
                                   "parentRefs: [{group: \"\", kind: Service, name: web}], rules: [{matches: "
                                   "[{path: {type: PathPrefix, value: /v2}}], backendRefs: [{name: other, "
                                   "port: 80}]}]");
  CHECK(has(targets(routed, "http://web.a:8080"), "GET http://web.a:8080/v2"));
  const auto found = changes(routed, mesh());
  CHECK(found.at("a/c -> http://web.a:8080") == FlowChangeKind::Opens);  // no rule took it
  CHECK(found.contains("a/c -> http://web.a:80/v2"));
  CHECK(targets(routed, "http://other.a:80/").empty());

  const auto virtual_service =
      mesh("istio-injection: enabled") +
      "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: a}\n"
      "spec: {hosts: [web], http: [{match: [{uri: {prefix: /v2}}], route: [{destination: {host: "
      "other}}]}]}\n";
  CHECK(has(targets(virtual_service, "http://web.a:80"), "GET http://web.a:80/v2"));
}

TEST_CASE("hosts that stand for others are asked by one of them") {
  const std::string rule = "rules: [{backendRefs: [{name: web, port: 80}]}]";
  const std::string of_edge = "parentRefs: [{name: edge}], ";
  const auto any = mesh() + gateway("") + route(of_edge + rule);
  CHECK(targets(any, "http://x.example") == Names{"GET http://x.example/"});
  CHECK(changes(any, mesh() + gateway("")).at("internet -> http://x.example/") == FlowChangeKind::Breaks);
  CHECK(targets(mesh() + gateway(", hostname: \"*.b.org\"") + route(of_edge + rule), "http://x.") ==
        Names{"GET http://x.b.org/"});
  CHECK(targets(mesh() + gateway("") + route(of_edge + "hostnames: [\"*.c.org\"], " + rule), "http://x.") ==
        Names{"GET http://x.c.org/"});
  CHECK(targets(mesh() + gateway(", hostname: b.org") + route(of_edge + rule), "http://b") ==
        Names{"GET http://b.org/"});

  const auto classic =
      mesh() +
      "---\napiVersion: v1\nkind: Pod\nmetadata: {name: gw, namespace: a, labels: {istio: ingressgateway}}\n"
      "spec: {containers: [{name: istio-proxy, image: x}]}\n"
      "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: a}\n"
      "spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, "
      "hosts: [\"*\"]}]}\n"
      "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: a}\n"
      "spec: {hosts: [\"*\"], gateways: [g], http: [{match: [{uri: {prefix: /shop}}], route: [{destination: "
      "{host: web}}]}]}\n";
  CHECK(has(targets(classic, "http://x.example"), "GET http://x.example/shop"));

  SECTION("with the paths that the gateway's policies name") {
    const auto guarded = any + policy(
                                   "targetRefs: [{kind: Gateway, group: gateway.networking.k8s.io, name: "
                                   "edge}]",
                                   "methods: [POST], paths: [/admin]");
    CHECK(has(targets(guarded, "http://x.example"), "POST http://x.example/admin"));
    CHECK(targets(guarded, "http://web.a:80/").empty());
  }
}

}  // namespace waypath::scenarios
