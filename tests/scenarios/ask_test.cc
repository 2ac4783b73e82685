// ask X: request classes against every request of a grid, on drawn policies.

#include "scenarios/ask.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "model/load/manifest_loader.h"
#include "sim/path/path_verdict.h"
#include "tests/support/dice.h"
#include "tests/support/rounds.h"

namespace waypath::scenarios {
namespace {

using tests::Dice;

const std::vector<std::string> kMethods{"GET", "POST", "PUT", "DELETE"};
const std::vector<std::string> kPaths{"/",    "/a",     "/ab",       "/a/b",     "/a/bc",
                                      "/b/x", "/b/x/y", "/x.css",    "/a/x.css", "/a/b.css",
                                      "/z",   "/v1/z",  "/v1/x.css", "/b/x.css"};

std::string list(Dice& d, const std::vector<std::string>& from) {
  std::set<std::string> some{d.pick(from)};
  if (d.coin()) some.insert(d.pick(from));
  std::string out;
  for (const auto& one : some) out += fmt::format("{}'{}'", out.empty() ? "" : ", ", one);
  return "[" + out + "]";
}

std::string rule(Dice& d) {
  std::string to, from, when;
  if (d.coin()) to += fmt::format("methods: {}, ", list(d, {"GET", "POST", "P*", "PUT"}));
  if (d.coin())
    to += fmt::format("paths: {}, ", list(d, {"/a", "/a*", "/a/b*", "*.css", "/b/{*}", "/v1/{**}"}));
  if (d.one_in(3)) to += fmt::format("notPaths: {}, ", list(d, {"/a/b*", "*.css", "/b/{**}"}));
  if (d.one_in(3))
    from += fmt::format("requestPrincipals: {}, ", list(d, {"*", "https://sso/ann", "https://sso/b*"}));
  if (d.one_in(3)) from += fmt::format("namespaces: {}, ", list(d, {"shop", "plain"}));
  if (d.one_in(3))
    when = fmt::format("{{key: 'request.headers[x-k]', values: {}}}", list(d, {"1", "2*", "*"}));
  std::string out;
  if (!from.empty()) out += fmt::format("from: [{{source: {{{}}}}}], ", from);
  if (!to.empty()) out += fmt::format("to: [{{operation: {{{}}}}}], ", to);
  if (!when.empty()) out += fmt::format("when: [{}], ", when);
  return "{" + out + "}";
}

std::string cluster(Dice& d) {
  std::string out =
      "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio.io/dataplane-mode: "
      "ambient}}\n---\n"
      "apiVersion: v1\nkind: Namespace\nmetadata: {name: plain}\n---\n"
      "apiVersion: v1\nkind: Pod\nmetadata: {name: api, namespace: shop, labels: {app: api}}\n"
      "spec: {serviceAccountName: api, containers: [{name: c, image: c, ports: [{containerPort: 8080}]}]}\n"
      "status: {phase: Running, podIP: 10.0.0.1}\n---\n"
      "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\n"
      "spec: {serviceAccountName: web, containers: [{name: c, image: c}]}\n"
      "status: {phase: Running, podIP: 10.0.0.2}\n---\n"
      "apiVersion: v1\nkind: Pod\nmetadata: {name: old, namespace: plain, labels: {app: old}}\n"
      "spec: {containers: [{name: c, image: c}]}\nstatus: {phase: Running, podIP: 10.0.0.4}\n---\n"
      "apiVersion: v1\nkind: Pod\nmetadata: {name: wp-1, namespace: shop, labels: "
      "{gateway.networking.k8s.io/gateway-name: wp, gateway.istio.io/managed: istio.io-mesh-controller}}\n"
      "spec: {serviceAccountName: wp, containers: [{name: istio-proxy, image: proxyv2}]}\n"
      "status: {phase: Running, podIP: 10.0.0.3}\n---\n"
      "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: wp, namespace: shop}\n"
      "spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: "
      "HBONE}]}\n---\n"
      "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: sso, namespace: "
      "shop}\n"
      "spec: {targetRefs: [{kind: Service, group: '', name: api}], jwtRules: [{issuer: 'https://sso', "
      "jwksUri: "
      "'https://sso/keys'}]}\n---\n";
  out += fmt::format(
      "apiVersion: v1\nkind: Service\nmetadata: {{name: api, namespace: shop{}}}\nspec: {{clusterIP: "
      "10.96.0.9, "
      "selector: {{app: api}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}\n---\n",
      d.one_in(5) ? "" : ", labels: {istio.io/use-waypoint: wp}");
  const std::size_t policies = 1 + d.roll(3);
  for (std::size_t i = 0; i < policies; ++i) {
    std::string rules = rule(d);
    if (d.coin()) rules += ", " + rule(d);
    out += fmt::format(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: p{}, namespace: "
        "shop}}\n"
        "spec: {{targetRefs: [{{kind: Service, group: '', name: api}}], action: {}, rules: [{}]}}\n---\n",
        i, d.one_in(3) ? "DENY" : "ALLOW", rules);
  }
  // ztunnel admits the waypoint alone, or everybody.
  if (!d.one_in(3))
    out +=
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: l4, namespace: shop}\n"
        "spec: {selector: {matchLabels: {app: api}}, rules: [{from: [{source: {principals: "
        "[cluster.local/ns/shop/sa/wp]}}]}]}\n---\n";
  return out;
}

// A gateway before three sidecars: routes by path, some of which rewrite it, and policies at the gateway and
// behind the routes.
std::string fronted(Dice& d) {
  std::string out =
      "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n"
      "apiVersion: v1\nkind: Pod\nmetadata: {name: gw, namespace: shop, labels: {istio: ingress}}\n"
      "spec: {containers: [{name: istio-proxy, image: proxyv2, args: [proxy, router]}]}\n"
      "status: {phase: Running, podIP: 10.0.0.9}\n---\n"
      "apiVersion: v1\nkind: Service\nmetadata: {name: ingress, namespace: shop}\n"
      "spec: {type: LoadBalancer, clusterIP: 10.96.0.8, selector: {istio: ingress}, ports: [{name: http, "
      "port: 80, targetPort: 8080}]}\nstatus: {loadBalancer: {ingress: [{ip: 203.0.113.20}]}}\n---\n"
      "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: gw, namespace: shop}\n"
      "spec: {selector: {istio: ingress}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: "
      "['*']}]}\n---\n"
      "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: sso, namespace: "
      "shop}\n"
      "spec: {selector: {matchLabels: {istio: ingress}}, jwtRules: [{issuer: 'https://sso', "
      "forwardOriginalToken: "
      "true, jwksUri: 'https://sso/keys', outputClaimToHeaders: [{claim: sub, header: x-k}]}]}\n---\n";
  const std::vector<std::string> prefixes{"/", "/a", "/a/", "/a/b", "/b/"};
  std::size_t number = 0;
  for (const char* name : {"api", "web", "old"}) {
    ++number;
    out += fmt::format(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {0}, namespace: shop, labels: {{app: {0}, "
        "security.istio.io/tlsMode: istio}}, annotations: {{sidecar.istio.io/status: '{{}}'}}}}\n"
        "spec: {{containers: [{{name: c, image: c, ports: [{{containerPort: 8080}}]}}, {{name: istio-proxy, "
        "image: proxyv2}}]}}\nstatus: {{phase: Running, podIP: 10.0.0.{1}}}\n---\n"
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {0}, namespace: shop}}\nspec: {{clusterIP: "
        "10.96.0.{1}, selector: {{app: {0}}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: {0}, namespace: shop}}\n"
        "spec: {{hosts: ['*'], gateways: [gw], http: [{{match: [{{uri: {{prefix: {2}}}{3}}}], {4}route: "
        "[{{destination: {{host: {0}.shop.svc.cluster.local}}}}]}}]}}\n---\n",
        name, number, d.pick(prefixes), d.one_in(4) ? ", headers: {x-k: {exact: '1'}}" : "",
        d.coin() ? fmt::format("rewrite: {{uri: {}}}, ", d.pick(prefixes)) : "");
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const char* where = d.pick(std::vector<const char*>{"istio: ingress", "app: api", "app: web"});
    out += fmt::format(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: p{}, namespace: "
        "shop}}\n"
        "spec: {{selector: {{matchLabels: {{{}}}}}, action: {}, rules: [{}]}}\n---\n",
        i, where, d.one_in(3) ? "DENY" : "ALLOW", rule(d));
  }
  return out;
}

std::shared_ptr<const sim::Engine> engine_of(const std::string& text) {
  model::Diagnostics diagnostics;
  auto built =
      model::Cluster::build(model::load_texts({{"drawn.yaml", text}}, {}, diagnostics), {}, diagnostics);
  INFO(text);
  REQUIRE_FALSE(diagnostics.has_errors());
  return sim::Engine::build(std::move(built), {}, diagnostics);
}

bool allowed(const sim::Engine& engine, const sim::Flow& flow) {
  model::Diagnostics diagnostics;
  return sim::simulate(engine, flow, {}, diagnostics).outcome == sim::Outcome::Allow;
}

// Whether it reaches the target, by whatever path.
bool allowed(const sim::Engine& engine, const AskTarget& target, const sim::Flow& flow) {
  model::Diagnostics diagnostics;
  const sim::Assume nothing;
  const auto paths = sim::build_paths(engine, flow, nothing, diagnostics);
  return std::any_of(paths.begin(), paths.end(), [&](const auto& path) {
    return target.reached_by(path) && sim::judge_path(engine, path).outcome == sim::Outcome::Allow;
  });
}

// Whether any request of the grid gets through from this client at this address.
bool any_of_grid(const sim::Engine& engine, const sim::Flow& ends, const std::string& base) {
  for (const auto& method : kMethods)
    for (const auto& path : kPaths)
      for (const char* header : {"", "1", "22", "other"})
        for (const char* subject : {"", "ann", "bob", "zoe"}) {
          sim::Flow flow;
          flow.from = ends.from;
          flow.source_ip = ends.source_ip;
          flow.method = method;
          flow.to = base + path;
          if (*header != '\0') flow.headers.emplace_back("x-k", header);
          if (*subject != '\0') {
            sim::Token token;
            token.issuer = "https://sso";
            token.subject = subject;
            flow.tokens.push_back(std::move(token));
          }
          if (allowed(engine, flow)) return true;
        }
  return false;
}

AskReport ask(const sim::Engine& engine, const std::string& target, SearchOptions options = {}) {
  options.all = true;
  std::string error;
  auto found = find_target(engine.cluster(), target, "", std::nullopt, error);
  INFO(error);
  REQUIRE(found.has_value());
  options.jobs = 1;
  return run_ask(engine, std::move(*found), {}, {}, options);
}

}  // namespace

TEST_CASE("property: ask finds a request exactly where a grid over the values has one") {
  std::size_t open = 0, shut = 0, complete = 0;
  for (std::uint64_t seed = 0; seed < tests::rounds(10, 1); ++seed) {
    Dice dice(seed);
    const std::string text = cluster(dice);
    const auto engine = engine_of(text);
    const auto report = ask(*engine, "shop/api");
    CAPTURE(seed, text);
    complete += report.search.complete() ? 1 : 0;
    for (const auto& way : report.search.ways) {
      const auto& client = report.search.clients[way.client];
      const auto& address = report.search.addresses[way.address];
      if (client.kind == ClientClass::Kind::Node) continue;
      CAPTURE(client.from, address.url);
      sim::Flow ends;
      ends.from = client.from;
      ends.source_ip = client.source_ip;
      CHECK(way.around.has_value() == any_of_grid(*engine, ends, address.url));
      if (way.around) CHECK(allowed(*engine, way.around->flow));
      ++(way.around ? open : shut);
    }
  }
  if (tests::kSanitized) return;
  CHECK(open > 10);
  CHECK(shut > 10);
  CHECK(complete > 5);
}

TEST_CASE("property: what ask says a client needs is what each of its requests needs") {
  for (std::uint64_t seed = 100; seed < 106; ++seed) {
    Dice dice(seed);
    const auto engine = engine_of(cluster(dice));
    const auto report = ask(*engine, "shop/api");
    for (const auto& row : report.rows) {
      const Way& way = report.search.ways[row.way];
      std::size_t covered = 0;
      for (const auto& [choice, answer] : way.answers) {
        const bool in_box =
            std::any_of(row.boxes.begin(), row.boxes.end(), [&, key = choice](const RequestBox& box) {
              for (std::size_t i = 0; i < key.size(); ++i)
                if (!std::binary_search(box.values[i].begin(), box.values[i].end(), key[i])) return false;
              return true;
            });
        CAPTURE(seed);
        CHECK(in_box == answer.around);
        covered += in_box ? 1 : 0;
      }
      CHECK(covered > 0);
    }
  }
}

TEST_CASE("property: requests that are answered without being simulated are answered as they would be") {
  std::size_t shared = 0, open = 0, grids = 0;
  for (std::uint64_t seed = 200; seed < 200 + tests::rounds(16, 2); ++seed) {
    Dice dice(seed);
    const std::string text = fronted(dice);
    const auto engine = engine_of(text);
    const auto report = ask(*engine, dice.coin() ? "shop/api" : "shop");
    CAPTURE(seed, text);
    for (const auto& way : report.search.ways) {
      const auto& client = report.search.clients[way.client];
      const auto& address = report.search.addresses[way.address];
      if (client.kind == ClientClass::Kind::Node) continue;
      CAPTURE(client.from, address.url, address.connect_to);
      shared += way.answers.size() - std::min(way.answers.size(), way.tried);
      for (const auto& [choice, answer] : way.answers) {
        const auto flow = flow_of(client, address, way.classes, choice, {});
        std::string shown = flow.method + " " + flow.to;
        for (const auto& [name, value] : flow.headers) shown += fmt::format(" {}={}", name, value);
        CAPTURE(shown, flow.tokens.size());
        CHECK(answer.around == allowed(*engine, report.target, flow));
        open += answer.around ? 1 : 0;
      }
      // Nothing of a grid gets through that no class does.
      if (way.around || !way.complete || !way.classes.left_out.empty()) continue;
      ++grids;
      for (const auto& path : kPaths)
        for (const char* header : {"", "1", "22", "other"}) {
          sim::Flow flow;
          flow.from = client.from;
          flow.source_ip = client.source_ip;
          flow.connect_to = address.connect_to;
          flow.to = address.url + path;
          if (*header != '\0') flow.headers.emplace_back("x-k", header);
          CHECK_FALSE(allowed(*engine, report.target, flow));
        }
    }
  }
  if (tests::kSanitized) return;
  CHECK(open > 100);
  CHECK(grids > 10);
  CHECK(shared > 50);
}

TEST_CASE("ask: what other applications behind the gateway tell apart is not simulated") {
  const auto with = [](int applications) {
    Dice dice(1);
    std::string text = fronted(dice);
    text = text.substr(0, text.find("apiVersion: security.istio.io/v1\nkind: RequestAuthentication"));
    for (int i = 0; i < applications; ++i)
      text += fmt::format(
          "apiVersion: v1\nkind: Pod\nmetadata: {{name: app-{0}, namespace: shop, labels: {{app: "
          "app-{0}}}}}\n"
          "spec: {{containers: [{{name: c, image: c}}]}}\nstatus: {{phase: Running, podIP: "
          "10.0.1.{0}}}\n---\n"
          "apiVersion: v1\nkind: Service\nmetadata: {{name: app-{0}, namespace: shop}}\nspec: {{clusterIP: "
          "10.96.1.{0}, selector: {{app: app-{0}}}, ports: [{{name: http, port: 80}}]}}\n---\n"
          "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: app-{0}, namespace: "
          "shop}}\nspec: {{hosts: ['*'], gateways: [gw], http: [{{match: [{{uri: {{prefix: /app-{0}/}}}}], "
          "rewrite: {{uri: /}}, route: [{{destination: {{host: "
          "app-{0}.shop.svc.cluster.local}}}}]}}]}}\n---\n",
          i);
    text +=
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, namespace: shop}\n"
        "spec: {selector: {matchLabels: {istio: ingress}}, action: DENY, rules: [{to: [{operation: "
        "{notPaths: "
        "['/app-1/*', '/app-2/*']}}], when: [{key: 'request.headers[x-k]', notValues: ['*']}]}]}\n---\n";
    const auto report = ask(*engine_of(text), "shop/app-0");
    CHECK(report.search.complete());
    std::size_t tried = 0;
    for (const auto& way : report.search.ways) {
      if (report.search.addresses[way.address].kind != TargetAddress::Kind::GatewayHost) continue;
      CHECK(way.around.has_value());
      tried += way.tried;
    }
    return tried;
  };
  CHECK(with(24) <= with(3) + 2 * (24 - 3));
}

TEST_CASE("ask: a constraint is kept by every request") {
  Dice dice(3);
  const auto engine = engine_of(cluster(dice));
  SearchOptions options;
  options.constraint.method = "DELETE";
  options.constraint.path = "/a/b";
  const auto report = ask(*engine, "shop/api", options);
  for (const auto& way : report.search.ways) {
    if (!way.around) continue;
    CHECK(way.around->flow.method == "DELETE");
    CHECK(way.around->flow.to.substr(way.around->flow.to.size() - 4) == "/a/b");
  }
}

}  // namespace waypath::scenarios
