// guard X --by Y: every kind of client at every address with every class of request.

#include "scenarios/guard.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "model/load/manifest_loader.h"
#include "scenarios/ask.h"
#include "sim/match/regex_members.h"
#include "sim/match/text_members.h"
#include "tests/support/corpus.h"

namespace waypath::scenarios {
namespace {

using EnginePtr = std::shared_ptr<const sim::Engine>;
using Verdict = GuardReport::Verdict;

EnginePtr engine_of(model::Snapshot snapshot) {
  model::Diagnostics diagnostics;
  return sim::Engine::build(model::Cluster::build(std::move(snapshot), {}, diagnostics), {}, diagnostics);
}

EnginePtr of_text(const std::string& text) {
  model::Diagnostics diagnostics;
  auto engine = engine_of(model::load_texts({{"cluster.yaml", text}}, {}, diagnostics));
  REQUIRE_FALSE(diagnostics.has_errors());
  return engine;
}

EnginePtr shipped(const std::string& folder) {
  model::Diagnostics diagnostics;
  return engine_of(
      model::load_manifests({tests::source_dir() + "/scenarios/clusters/" + folder}, {}, diagnostics));
}

GuardReport guard(const EnginePtr& engine, const std::string& target, const std::string& by = "",
                  std::size_t budget = 100'000) {
  std::string error;
  auto found = find_target(engine->cluster(), target, "", std::nullopt, error);
  INFO(error);
  REQUIRE(found.has_value());
  std::vector<GuardPoint> points;
  if (by.empty()) {
    points = waypoints_of(*engine, *found);
  } else {
    auto point = find_guard_point(*engine, by, error);
    INFO(error);
    REQUIRE(point.has_value());
    points.push_back(std::move(*point));
  }
  REQUIRE_FALSE(points.empty());
  SearchOptions options;
  options.jobs = 1;
  options.budget = budget;
  return run_guard(*engine, std::move(*found), std::move(points), options);
}

// Whom gets around, and where.
std::vector<std::string> around(const GuardReport& report) {
  std::vector<std::string> out;
  for (const auto& way : report.search.ways)
    if (way.around && !report.exempt(way))
      out.push_back(report.search.clients[way.client].from + " -> " +
                    report.search.addresses[way.address].about);
  return out;
}

// Every witness is what simulate says of the same request.
void confirm(const EnginePtr& engine, const GuardReport& report) {
  for (const auto& way : report.search.ways) {
    if (!way.around) continue;
    model::Diagnostics diagnostics;
    const auto verdict = sim::simulate(*engine, way.around->flow, {}, diagnostics);
    CAPTURE(way.around->flow.from, way.around->flow.to);
    CHECK_FALSE(diagnostics.has_errors());
    CHECK(std::any_of(verdict.paths.begin(), verdict.paths.end(), [&](const auto& path) {
      return path.outcome == sim::Outcome::Allow && path.hops.size() == way.around->path.hops.size() &&
             path.backend_pod == way.around->path.backend_pod;
    }));
  }
}

// A server behind a waypoint; ztunnel admits nobody else.
const std::string kNamespace =
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio.io/dataplane-mode: "
    "ambient}}\n---\n";
const std::string kPods =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: api, namespace: shop, labels: {app: api}}\n"
    "spec: {serviceAccountName: api, containers: [{name: c, image: c, ports: [{containerPort: 8080}]}]}\n"
    "status: {phase: Running, podIP: 10.0.0.1}\n---\n"
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\n"
    "spec: {serviceAccountName: web, containers: [{name: c, image: c}]}\n"
    "status: {phase: Running, podIP: 10.0.0.2}\n---\n"
    "apiVersion: v1\nkind: Pod\nmetadata: {name: wp-1, namespace: shop, labels: "
    "{gateway.networking.k8s.io/gateway-name: wp, gateway.istio.io/managed: istio.io-mesh-controller}}\n"
    "spec: {serviceAccountName: wp, containers: [{name: istio-proxy, image: proxyv2}]}\n"
    "status: {phase: Running, podIP: 10.0.0.3}\n---\n";
const std::string kWaypoint =
    "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: wp, namespace: shop}\n"
    "spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: "
    "HBONE}]}\n---\n";
std::string service(bool labelled) {
  return std::string("apiVersion: v1\nkind: Service\nmetadata: {name: api, namespace: shop") +
         (labelled ? ", labels: {istio.io/use-waypoint: wp}" : "") +
         "}\nspec: {clusterIP: 10.96.0.9, selector: {app: api}, ports: [{name: http, port: 80, targetPort: "
         "8080}]}\n---\n";
}
const std::string kOnlyWaypoint =
    "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: only-waypoint, namespace: "
    "shop}\n"
    "spec: {selector: {matchLabels: {app: api}}, rules: [{from: [{source: {principals: "
    "[cluster.local/ns/shop/sa/wp]}}]}]}\n---\n";

}  // namespace

TEST_CASE("guard: a target whose ztunnel admits its waypoint alone is guarded") {
  const auto engine = of_text(kNamespace + kPods + kWaypoint + service(true) + kOnlyWaypoint);
  const auto report = guard(engine, "shop/api");
  CHECK(around(report).empty());
  CHECK(report.verdict == Verdict::Guarded);
  CHECK(report.search.complete());
  CHECK(report.graph.always == std::vector<std::string>{"waypoint shop/wp", "ztunnel of shop/api"});
  // The pod's own address is closed by that policy, not by the graph.
  const auto closed = std::find_if(report.search.ways.begin(), report.search.ways.end(),
                                   [&](const Way& way) { return way.refused_around.has_value(); });
  REQUIRE(closed != report.search.ways.end());
  CHECK(closed->refused_around->path.reason.by->key.str() == "AuthorizationPolicy/shop/only-waypoint");
}

TEST_CASE("guard: a TCPRoute that leads to the target is named as not tried, and nothing is proven") {
  const std::string edge =
      "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge, namespace: shop}\n"
      "spec: {gatewayClassName: istio, listeners: [{name: tcp, port: 9000, protocol: TCP}]}\n---\n"
      "apiVersion: gateway.networking.k8s.io/v1alpha2\nkind: TCPRoute\nmetadata: {name: raw, namespace: "
      "shop}\n"
      "spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: api, port: 80}]}]}\n---\n";
  const auto report =
      guard(of_text(kNamespace + kPods + kWaypoint + service(true) + kOnlyWaypoint + edge), "shop/api");
  CHECK(report.search.left_out ==
        std::vector<std::string>{"TCP connections that TCPRoute/shop/raw leads in through a gateway"});
  CHECK(report.verdict != Verdict::Guarded);
}

TEST_CASE("guard: without that policy the pod's own address is the bypass, for each kind of client") {
  const auto engine = of_text(kNamespace + kPods + kWaypoint + service(true));
  const auto report = guard(engine, "Service/shop/api");
  CHECK(report.verdict == Verdict::Bypass);
  CHECK(around(report) ==
        std::vector<std::string>{"shop/web -> pod shop/api port 8080", "internet -> pod shop/api port 8080"});
  confirm(engine, report);
}

TEST_CASE("guard: pods that a Deployment has not named yet are dialled at their own addresses, too") {
  const std::string api =
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: shop}\n"
      "spec: {selector: {matchLabels: {app: api}}, template: {metadata: {labels: {app: api}}, spec: "
      "{serviceAccountName: api, containers: [{name: c, image: c, ports: [{containerPort: 8080}]}]}}}\n---\n";
  const std::string web = kPods.substr(kPods.find("apiVersion: v1\nkind: Pod\nmetadata: {name: web"));
  const auto open = of_text(kNamespace + api + web + kWaypoint + service(true));
  const auto report = guard(open, "shop/api");
  CHECK(report.verdict == Verdict::Bypass);
  CHECK(around(report) == std::vector<std::string>{"shop/web -> pod shop/api-* port 8080"});
  confirm(open, report);
  const auto closed =
      guard(of_text(kNamespace + api + web + kWaypoint + service(true) + kOnlyWaypoint), "shop/api");
  CHECK(closed.verdict == Verdict::Guarded);
  CHECK(closed.search.complete());
}

TEST_CASE("guard: a way whose request is no flow at all is named as not tried, and nothing is proven") {
  std::string published = service(true);
  published.replace(published.find("spec: {"), 7, "spec: {type: LoadBalancer, ");
  published.replace(published.rfind("---"), 3,
                    "status: {loadBalancer: {ingress: [{hostname: '*.lb.example'}]}}\n---");
  const auto report = guard(of_text(kNamespace + kPods + kWaypoint + published + kOnlyWaypoint), "shop/api");
  CHECK(report.verdict == Verdict::Unproven);
  REQUIRE(report.search.left_out.size() == 1);
  CHECK(report.search.left_out[0].find("Service shop/api port 80, published as *.lb.example: ") == 0);
}

TEST_CASE("guard: a Service that loses its waypoint label is reached directly, unless policies close it") {
  const auto open =
      guard(of_text(kNamespace + kPods + kWaypoint + service(false)), "shop/api", "Waypoint/shop/wp");
  CHECK(open.verdict == Verdict::Bypass);
  const auto names = around(open);
  CHECK(std::count(names.begin(), names.end(), "shop/web -> Service shop/api port 80") == 1);
  const auto closed = guard(of_text(kNamespace + kPods + kWaypoint + service(false) + kOnlyWaypoint),
                            "shop/api", "Waypoint/shop/wp");
  CHECK(closed.verdict == Verdict::Unreached);
}

// Service front, behind the same waypoint, whose route sends /db on to Service api.
const std::string kFront =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: front, namespace: shop, labels: {app: front}}\n"
    "spec: {serviceAccountName: front, containers: [{name: c, image: c}]}\n"
    "status: {phase: Running, podIP: 10.0.0.4}\n---\n"
    "apiVersion: v1\nkind: Service\nmetadata: {name: front, namespace: shop, labels: {istio.io/use-waypoint: "
    "wp}}\nspec: {clusterIP: 10.96.0.10, selector: {app: front}, ports: [{name: http, port: 81}]}\n---\n";
const std::string kOnlyFront =
    "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: only-front, namespace: "
    "shop}\nspec: {targetRefs: [{kind: Service, group: '', name: api}], rules: [{from: [{source: "
    "{principals: "
    "[cluster.local/ns/shop/sa/front]}}]}]}\n---\n";
std::string route(const std::string& name, const std::string& parent, const std::string& rule) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: " + name +
         ", namespace: shop}\nspec: {parentRefs: [{group: '', kind: Service, name: " + parent +
         "}], rules: [" + rule + "]}\n---\n";
}

TEST_CASE("guard: a Service whose mesh route leads on to the target is a way, by however many routes") {
  const std::string base =
      kNamespace + kPods + kWaypoint + service(true) + kOnlyWaypoint + kOnlyFront + kFront;
  const std::string point = "AuthorizationPolicy/shop/only-front";
  CHECK(guard(of_text(base), "Service/shop/api", point).verdict == Verdict::Guarded);
  const auto routed = of_text(
      base + route("db", "front", "{matches: [{path: {value: /db}}], backendRefs: [{name: api, port: 80}]}"));
  const auto report = guard(routed, "Service/shop/api", point);
  CHECK(report.verdict == Verdict::Bypass);
  const auto names = around(report);
  CHECK(std::count(names.begin(), names.end(), "shop/web -> Service shop/front port 81") == 1);
  confirm(routed, report);
  // A VirtualService of the mesh is read by a waypoint, too.
  const auto classic = of_text(
      base +
      "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: db, namespace: "
      "shop}\nspec: "
      "{hosts: [front.shop.svc.cluster.local], http: [{match: [{uri: {prefix: /db}}], route: [{destination: "
      "{host: api.shop.svc.cluster.local}}]}]}\n---\n");
  CHECK(guard(classic, "Service/shop/api", point).verdict == Verdict::Bypass);
  // A gateway leads to front, and only front's waypoint to api.
  const std::string edge =
      "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge, namespace: "
      "shop}\nspec: "
      "{gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}\n---\n"
      "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: edge, namespace: "
      "shop}\nspec: "
      "{parentRefs: [{name: edge}], hostnames: [front.example], rules: [{backendRefs: [{name: front, port: "
      "81}]}]}\n---\n";
  std::string entered = kFront;
  entered.insert(entered.find("istio.io/use-waypoint"), "istio.io/ingress-use-waypoint: 'true', ");
  const auto from_outside = guard(
      of_text(
          kNamespace + kPods + kWaypoint + service(true) + kOnlyWaypoint + kOnlyFront + entered + edge +
          route("db", "front", "{matches: [{path: {value: /db}}], backendRefs: [{name: api, port: 80}]}")),
      "Service/shop/api", point);
  const auto outside = around(from_outside);
  CHECK(std::count(outside.begin(), outside.end(), "internet -> host front.example") == 1);
}

TEST_CASE("guard: copies that a route sends to the target are named as not tried, and nothing is proven") {
  const std::string base = kNamespace + kPods + kWaypoint + service(true) + kOnlyWaypoint + kFront;
  const auto mirror = [&](const std::string& percent) {
    return guard(of_text(base + route("copy", "front",
                                      "{filters: [{type: RequestMirror, requestMirror: {" + percent +
                                          "backendRef: {name: api, port: 80}}}], backendRefs: [{name: front, "
                                          "port: 81}]}")),
                 "Service/shop/api");
  };
  const auto report = mirror("");
  CHECK(report.verdict == Verdict::Unproven);
  CHECK(report.search.left_out ==
        std::vector<std::string>{"copies of requests that HTTPRoute/shop/copy sends to Service/shop/api"});
  CHECK(mirror("percent: 0, ").verdict == Verdict::Guarded);  // none are sent
}

TEST_CASE("guard: a policy that lets one request past is found by its values") {
  // ztunnel sees no path, so the rule for the sidecar admits it: only POST /hook with the header gets around.
  const std::string sidecar =
      "apiVersion: v1\nkind: Namespace\nmetadata: {name: side}\n---\n"
      "apiVersion: v1\nkind: Pod\nmetadata: {name: api, namespace: side, labels: {app: api, "
      "security.istio.io/tlsMode: istio}, annotations: {sidecar.istio.io/status: '{}'}}\n"
      "spec: {containers: [{name: c, image: c, ports: [{containerPort: 8080}]}, {name: istio-proxy, image: "
      "proxyv2}]}\nstatus: {phase: Running, podIP: 10.0.1.1}\n---\n"
      "apiVersion: v1\nkind: Service\nmetadata: {name: api, namespace: side, labels: {istio.io/use-waypoint: "
      "wp, "
      "istio.io/use-waypoint-namespace: shop}}\n"
      "spec: {clusterIP: 10.96.1.9, selector: {app: api}, ports: [{name: http, port: 80, targetPort: "
      "8080}]}\n---\n"
      "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: hook, namespace: side}\n"
      "spec: {selector: {matchLabels: {app: api}}, rules: [{to: [{operation: {methods: [POST], paths: "
      "['/hook/{*}']}}], when: [{key: 'request.headers[x-key]', values: ['k-*']}]}]}\n---\n";
  const auto engine = of_text(kNamespace + kPods + kWaypoint + sidecar);
  const auto report = guard(engine, "side/api", "Waypoint/shop/wp");
  CHECK(report.verdict == Verdict::Bypass);
  confirm(engine, report);
  const auto found = std::find_if(report.search.ways.begin(), report.search.ways.end(), [&](const Way& way) {
    return way.around && report.search.clients[way.client].kind == ClientClass::Kind::Workload;
  });
  REQUIRE(found != report.search.ways.end());
  CHECK(found->around->flow.method == "POST");
  CHECK(found->around->flow.to.find("/hook/") != std::string::npos);
  REQUIRE(found->around->flow.headers.size() == 1);
  CHECK(found->around->flow.headers.front().second.compare(0, 2, "k-") == 0);
}

TEST_CASE("guard: a presence condition is a class that is tried, whatever it is put on") {
  const std::string sso =
      "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: sso, namespace: "
      "shop}\n"
      "spec: {targetRefs: [{kind: Service, group: '', name: api}], jwtRules: [{issuer: 'https://sso', "
      "jwksUri: "
      "'https://sso/keys'}]}\n---\n";
  for (const char* rule : {
           "{when: [{key: 'request.headers[x]', values: ['*']}]}",
           "{when: [{key: 'request.headers[x]', notValues: ['*']}]}",
           "{when: [{key: 'request.headers[x]', values: ['*'], notValues: ['a*']}]}",
           "{when: [{key: 'request.auth.claims[group]', values: ['*']}]}",
           "{when: [{key: 'request.auth.claims[group]', notValues: ['*']}]}",
           "{from: [{source: {requestPrincipals: ['*']}}]}",
           "{from: [{source: {notRequestPrincipals: ['*']}}]}",
           "{to: [{operation: {paths: ['*']}}]}",
           "{to: [{operation: {methods: ['*']}}]}",
           "{to: [{operation: {hosts: ['*']}}]}",
       }) {
    CAPTURE(rule);
    const auto engine = of_text(
        kNamespace + kPods + kWaypoint + service(true) + kOnlyWaypoint + sso +
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, namespace: shop}\n"
        "spec: {targetRefs: [{kind: Service, group: '', name: api}], rules: [" +
        rule + "]}\n---\n");
    const auto report = guard(engine, "shop/api", "Waypoint/shop/wp");
    CHECK(report.search.left_out.empty());
    CHECK(report.verdict == Verdict::Guarded);
  }
}

std::string entry(const std::string& more) {
  return "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: vendor, namespace: shop, "
         "labels: "
         "{istio.io/use-waypoint: wp}}\nspec: {hosts: [api.vendor.example], location: MESH_EXTERNAL, ports: "
         "[{number: "
         "443, name: tls, protocol: TLS}], " +
         more + "}\n---\n";
}
std::string egress(const std::string& name, const std::string& pods, const std::string& peers) {
  return "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: " + name +
         ", namespace: shop}\nspec: {podSelector: " + pods + ", policyTypes: [Egress], egress: [" + peers +
         "]}\n---\n";
}

TEST_CASE("guard: the own address of a host outside is dialled past its waypoint, unless egress is closed") {
  const std::string base = kNamespace + kPods + kWaypoint;
  const auto engine = of_text(base + entry("resolution: DNS"));
  const auto open = guard(engine, "api.vendor.example");
  CHECK(open.verdict == Verdict::Bypass);
  CHECK(around(open) ==
        std::vector<std::string>{
            "shop/api -> host api.vendor.example at its own address, as 198.51.100.7, port 443"});
  confirm(engine, open);
  const auto fixed = guard(of_text(base + entry("resolution: STATIC, endpoints: [{address: 192.0.2.1}]")),
                           "api.vendor.example");
  CHECK(fixed.verdict == Verdict::Bypass);
  // To the mesh alone.
  const std::string mesh = "{to: [{namespaceSelector: {}}]}";
  CHECK(guard(of_text(base + entry("resolution: DNS") +
                      egress("mesh",
                             "{matchExpressions: [{key: app, operator: "
                             "Exists}]}",
                             mesh)),
              "api.vendor.example")
            .verdict == Verdict::Guarded);
  // Where some addresses are open, the host's own decides.
  const auto some = guard(of_text(base + entry("resolution: DNS") +
                                  egress("mesh", "{matchExpressions: [{key: app, operator: Exists}]}",
                                         mesh + ", {to: [{ipBlock: {cidr: 198.18.0.0/15}}]}")),
                          "api.vendor.example");
  CHECK(some.verdict == Verdict::Undecided);
  const auto way = std::find_if(some.search.ways.begin(), some.search.ways.end(),
                                [](const Way& one) { return one.unknown_around.has_value(); });
  REQUIRE(way != some.search.ways.end());
  CHECK(way->unknown_around->path.missing_facts ==
        std::vector<std::string>{"the address of host api.vendor.example"});
}

TEST_CASE("guard: a namespace is guarded from outside it, and says so; ask knows its own clients") {
  const auto engine = of_text(kNamespace + kPods + kWaypoint + service(true) + kOnlyWaypoint);
  CHECK(guard(engine, "Namespace/shop", "Waypoint/shop/wp").target.scope == "from outside it");
  CHECK(guard(engine, "Service/shop/api", "Waypoint/shop/wp").target.scope.empty());
  std::string error;
  const auto target = find_target(engine->cluster(), "Namespace/shop", "", std::nullopt, error);
  REQUIRE(target.has_value());
  const auto keep = client_filter(engine->cluster(), "shop/web", error);
  REQUIRE(keep.has_value());
  SearchOptions options;
  options.jobs = 1;
  const auto report = run_ask(*engine, *target, {}, *keep, options);
  CHECK(report.verdict == AskReport::Verdict::Some);
  CHECK(report.target.scope.empty());
  // Its own pod is no other's.
  for (const auto& row : report.rows)
    CHECK(report.search.addresses[report.search.ways[row.way].address].about.find("shop/web") ==
          std::string::npos);
}

TEST_CASE("ask: a host whose route leads to nothing that is given is named with its route") {
  const auto engine = of_text(
      "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: dash, namespace: "
      "shop}\nspec: "
      "{parentRefs: [{name: edge}], hostnames: [dash.example.com], rules: [{backendRefs: [{name: dash, port: "
      "80}]}]}\n---\n" +
      kPods + service(false));
  const auto error_of = [&](const std::string& text) {
    std::string error;
    CHECK_FALSE(find_target(engine->cluster(), text, "", std::nullopt, error).has_value());
    return error;
  };
  CHECK(error_of("dash.example.com") ==
        "host dash.example.com leads to no Service that is given: HTTPRoute/shop/dash names it; give what it "
        "leads "
        "to");
  CHECK(error_of("api.shop:80").find("; a port is given by --port 80") != std::string::npos);
  std::string error;
  CHECK(find_target(engine->cluster(), "service/shop/api", "", std::nullopt, error).has_value());
}

TEST_CASE("guard: what a proxy's own pods send passes that proxy") {
  const auto engine = of_text(kNamespace + kPods + kWaypoint + service(true));
  std::string error;
  const auto point = find_guard_point(*engine, "Waypoint/shop/wp", error);
  REQUIRE(point.has_value());
  const auto on = [&](const char* from) {
    sim::Flow flow;
    flow.from = from;
    flow.to = "http://10.0.0.1:8080/";
    model::Diagnostics diagnostics;
    const sim::Assume nothing;
    const auto paths = sim::build_paths(*engine, flow, nothing, diagnostics);
    REQUIRE(paths.size() == 1);
    return point->on(*engine, paths.front());
  };
  CHECK(on("shop/wp-1"));
  CHECK_FALSE(on("shop/web"));
}

TEST_CASE("guard: a spent budget proves nothing") {
  const auto engine = shipped("bigbang-waypoint");
  const auto report = guard(engine, "monitoring/monitoring-monitoring-kube-prometheus", "", 100);
  CHECK(report.verdict != Verdict::Guarded);
  CHECK_FALSE(report.search.complete());
}

TEST_CASE("guard: prometheus of the shipped cluster is reached around its waypoint from inside alone") {
  const auto engine = shipped("bigbang-waypoint");
  const auto report = guard(engine, "monitoring/monitoring-monitoring-kube-prometheus");
  CHECK(report.verdict == Verdict::Bypass);
  CHECK(report.graph.dominates);  // from outside every route leads by it
  confirm(engine, report);
  for (const auto& name : around(report)) CHECK(name.find("internet") == std::string::npos);
}

TEST_CASE("guard: the result is the same whatever the number of threads") {
  const auto engine = shipped("bigbang-gateway");
  std::string error;
  const auto run = [&](unsigned jobs) {
    auto target = find_target(engine->cluster(), "monitoring", "", std::nullopt, error);
    REQUIRE(target.has_value());
    auto point = find_guard_point(*engine, "ext_authz", error);
    REQUIRE(point.has_value());
    SearchOptions options;
    options.jobs = jobs;
    options.budget = 2000;
    const auto report = run_guard(*engine, std::move(*target), {std::move(*point)}, options);
    std::string out;
    for (const auto& way : report.search.ways)
      out += std::to_string(way.tried) + (way.around ? way.around->flow.to : "") + "\n";
    return out;
  };
  CHECK(run(1) == run(2));
}

TEST_CASE("guard: clients that nothing tells apart are one class, however many there are") {
  std::string many;
  for (int i = 0; i < 40; ++i)
    many += "apiVersion: v1\nkind: Pod\nmetadata: {name: job-" + std::to_string(i) +
            ", namespace: shop, labels: {run: r" + std::to_string(i) + "}}\nspec: {serviceAccountName: s" +
            std::to_string(i) +
            ", containers: [{name: c, image: c}]}\nstatus: {phase: Running, podIP: 10.0.9." +
            std::to_string(i + 1) + "}\n---\n";
  const auto few = guard(of_text(kNamespace + kPods + kWaypoint + service(true) + kOnlyWaypoint), "shop/api");
  const auto report =
      guard(of_text(kNamespace + kPods + kWaypoint + service(true) + kOnlyWaypoint + many), "shop/api");
  CHECK(report.search.clients.size() == few.search.clients.size());
  CHECK(report.search.tried == few.search.tried);
  CHECK(report.search.clients.front().members.size() == 42);
}

TEST_CASE("regex members: each is accepted by the expression, or there is none") {
  using sim::regex_members;
  const auto members = regex_members("/api/v[0-9]+/(users|orders)(/.*)?");
  CHECK(members.size() >= 4);
  CHECK(std::find(members.begin(), members.end(), "/api/v0/users") == members.end());  // picks read: v1
  CHECK(std::find(members.begin(), members.end(), "/api/v1/users") != members.end());
  CHECK(regex_members("(?i)get|post") == std::vector<std::string>{"get", "post"});
  CHECK(regex_members("[^/]{3}\\.html") == std::vector<std::string>{"xxx.html"});
  CHECK(regex_members("a\\bc").empty());  // a word boundary is not walked
  CHECK(regex_members("(unclosed").empty());
  CHECK(sim::regex_excludes_prefix("/api/.*", "/static"));
  CHECK_FALSE(sim::regex_excludes_prefix("/api/.*", "/api/v1"));
}

TEST_CASE("text members: a presence condition is fitted by the texts of others, or by a plain one") {
  for (const auto shape :
       {sim::TextShape::Path, sim::TextShape::Method, sim::TextShape::Host, sim::TextShape::Plain})
    for (const bool other : {false, true}) {
      std::vector<sim::TextPattern> patterns{sim::value_pattern("*")};
      if (other) patterns.push_back(sim::value_pattern("/a*"));
      const auto found = sim::text_members(patterns, shape);
      CHECK(found.left_out.empty());
      CHECK_FALSE(found.members.empty());
    }
  // What no text fits is still told.
  const auto none = sim::text_members({sim::regex_pattern("a\\bc", "a\\bc")}, sim::TextShape::Plain);
  CHECK(none.left_out == std::vector<std::string>{"\"a\\bc\": no text that fits was found"});
}

TEST_CASE("text members: every meeting of exact texts, prefixes and suffixes has one") {
  const std::vector<sim::TextPattern> patterns{sim::value_pattern("/a"), sim::value_pattern("/a*"),
                                               sim::value_pattern("/a/b*"), sim::value_pattern("*.css")};
  const auto found = sim::text_members(patterns, sim::TextShape::Path);
  CHECK(found.left_out.empty());
  std::vector<std::string> cells;
  for (const auto& member : found.members) {
    std::string bits;
    for (const auto& p : patterns) bits += p.matches(member.text) ? '1' : '0';
    cells.push_back(bits);
  }
  for (const char* wanted : {"0000", "1100", "0100", "0110", "0001", "0101", "0111"}) {
    CAPTURE(wanted);
    CHECK(std::find(cells.begin(), cells.end(), wanted) != cells.end());
  }
}

}  // namespace waypath::scenarios
