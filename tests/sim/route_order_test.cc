// The order of documents never decides: age and names do.

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "tests/sim/route_support.h"

namespace waypath::sim::tests {

TEST_CASE("Routing is the same for any order of documents") {
  std::vector<std::string> documents{
      service("a", "web"), service("a", "api"), service("b", "far"), ingress_pod(),
      gateway("{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}, {name: "
              "ex, port: 80, protocol: HTTP, hostname: \"*.ex.com\"}")};
  for (const std::string ns : {"a", "b"}) {
    for (const std::string name : {"r1", "r2", "r3"}) {
      documents.push_back(http_route(
          ns, name,
          "{parentRefs: [{name: gw, namespace: a}], rules: [{matches: [{path: {value: /p}}], backendRefs: "
          "[{name: " +
              std::string(name == "r2" ? "web" : "api") + ", port: 80}]}]}"));
      documents.push_back(virtual_service(
          ns, name,
          "{hosts: [web.a.svc.cluster.local, \"*.org\"], gateways: [mesh, a/igw], http: [{match: [{uri: "
          "{prefix: /" +
              name + "}}], route: [{destination: {host: " + (ns == "a" ? "api" : "far") + "}}]}]}"));
    }
  }
  documents.push_back(
      "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: igw, namespace: a}\nspec: "
      "{selector: "
      "{istio: ingress}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [\"*\"]}]}\n");
  const auto answers = [&] {
    std::string text;
    for (const std::string& d : documents) text += d;
    const auto cluster = cluster_of(text);
    std::string out;
    for (const char* url :
         {"http://h/p", "http://x.ex.com/p", "http://web.a/r1", "http://web.a/r2/x", "http://x.org/r3"}) {
      out += at_gateway(*cluster, 80, request_of(url)) + "\n" + at_pod(*cluster, 8080, request_of(url)) +
             "\n" + at_sidecar(*cluster, "a", 80, request_of(url)) + "\n" +
             at_waypoint(*cluster, "a", "a/web", 80, request_of(url)) + "\n";
    }
    return out;
  };
  const std::string first = answers();
  std::mt19937 random(1);
  for (int round = 0; round < 8; ++round) {
    // Not std::shuffle: its order differs between standard libraries.
    for (std::size_t i = documents.size() - 1; i > 0; --i)
      std::swap(documents[i], documents[random() % (i + 1)]);
    CHECK(answers() == first);
  }
}

TEST_CASE(
    "An order that only absent timestamps would settle is said, for the rules that concern the request") {
  const auto route = [](const std::string& name, const std::string& path, const std::string& created = "") {
    return http_route("a", name,
                      "{parentRefs: [{name: gw}], rules: [{matches: [{path: {value: " + path +
                          "}}], backendRefs: [{name: web, port: 80}]}]}",
                      created);
  };
  const auto assumptions = [&](const std::string& routes) {
    const auto cluster =
        cluster_of(service("a", "web") + gateway("{name: http, port: 80, protocol: HTTP}") + routes);
    GatewayProxy proxy;
    proxy.gateway = cluster->snapshot().find<model::Gateway>("a", "gw");
    proxy.ns = model::intern("a");
    return route_at_gateway(*cluster, proxy, 80, 0, request_of("http://h/x/y")).assumptions.size();
  };
  CHECK(assumptions(route("r1", "/x") + route("r2", "/x")) == 1);
  CHECK(assumptions(route("r1", "/x") + route("r2", "/z")) == 0);
  CHECK(assumptions(route("r1", "/x/y") + route("r2", "/x")) == 0);
  CHECK(assumptions(route("r1", "/x", "2024-01-01T00:00:00Z") + route("r2", "/x", "2024-01-02T00:00:00Z")) ==
        0);
}

TEST_CASE("The path index gives the same rule as trying every rule") {
  std::string rules;
  for (int i = 0; i < 60; ++i) {
    const std::string n = std::to_string(i % 20);
    rules += (i == 0 ? "" : ", ") + std::string("{match: [{uri: {") +
             (i % 3 == 0   ? "exact"
              : i % 3 == 1 ? "prefix"
                           : "regex") +
             ": \"/s" + n +
             (i % 3 == 2   ? "/.*"
              : i % 3 == 1 ? "/"
                           : "") +
             "\"}, headers: {k: {exact: v" + std::to_string(i) +
             "}}}], route: [{destination: {host: web, port: {number: " + std::to_string(1000 + i) + "}}}]}";
  }
  const auto cluster =
      cluster_of(service("a", "web") + virtual_service("a", "v", "{hosts: [web], http: [" + rules + "]}"));
  for (int i = 0; i < 60; ++i) {
    const std::string n = std::to_string(i % 20);
    const std::string url = "http://web/s" + n + (i % 3 == 0 ? "" : "/x");
    INFO(i << " " << url);
    // The port does not exist, so that the decision names the rule and ends there.
    const auto tables = RouteTables::build(*cluster);
    const auto decision = route_at_sidecar(*tables, model::intern("a"), {}, cluster->find_service("a", "web"),
                                           std::nullopt, 80, request_of(url, {"k: v" + std::to_string(i)}));
    REQUIRE(decision.targets.size() == 1);
    CHECK(decision.targets[0].port == 1000 + i);
  }
}

}  // namespace waypath::sim::tests
