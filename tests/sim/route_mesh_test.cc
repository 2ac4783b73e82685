// Routes inside the mesh: waypoints and sidecars (routing.md 2.9, 3.3 to 3.9).

#include <catch2/catch.hpp>

#include "tests/sim/route_support.h"

namespace waypath::sim::tests {
namespace {

const std::string kBase = service("a", "web",
                                  "{name: http, port: 80}, {name: tcp-db, port: 5432}, {name: auto, port: "
                                  "81}, {name: https, port: 443}") +
                          service("a", "v1") + service("a", "v2") + service("b", "far");

std::string mesh_route(const std::string& ns, const std::string& rule,
                       const std::string& parent = "{group: \"\", kind: Service, name: web, namespace: a}") {
  return http_route(ns, "r", "{parentRefs: [" + parent + "], rules: [" + rule + "]}");
}
const std::string kToV1 = "{backendRefs: [{name: v1, namespace: a, port: 80}]}";
const std::string kOnlyX =
    "{matches: [{path: {value: /x}}], backendRefs: [{name: v1, namespace: a, port: 80}]}";

std::string waypoint(const std::string& manifests, const std::string& url, std::uint16_t port = 80,
                     const std::string& ns = "a", const std::string& target = "a/web") {
  return at_waypoint(*cluster_of(kBase + manifests), ns, target, port, request_of(url));
}
std::string sidecar(const std::string& manifests, const std::string& ns, const std::string& url,
                    std::uint16_t port = 80) {
  return at_sidecar(*cluster_of(kBase + manifests), ns, port, request_of(url));
}
std::string vs(const std::string& ns, const std::string& name, const std::string& host, const std::string& to,
               const std::string& created = "", const std::string& more = "") {
  return virtual_service(
      ns, name,
      "{hosts: [\"" + host + "\"], " + more + "http: [{route: [{destination: {host: " + to + "}}]}]}",
      created);
}
const std::string kRegistryOnly =
    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: "
    "|\n    "
    "outboundTrafficPolicy:\n      mode: REGISTRY_ONLY\n";

}  // namespace

TEST_CASE("A waypoint finds routes by the Service, not by Host; unmatched requests get 404") {
  CHECK(waypoint("", "http://anything/") == "web.a:80");
  CHECK(waypoint(mesh_route("a", kToV1), "http://anything/") == "v1.a:80");
  CHECK(waypoint(mesh_route("a", kOnlyX), "http://web/y") == "404 ROUTE_NO_RULE");
  CHECK(waypoint(mesh_route("a", kToV1, "{group: \"\", kind: Service, name: web, namespace: a, port: 8080}"),
                 "http://web/") == "web.a:80");
  CHECK(waypoint(mesh_route("a", "{backendRefs: [{name: gone, port: 80}]}"), "http://web/") ==
        "500 ROUTE_BACKEND_NOT_FOUND");
}

TEST_CASE("A waypoint serves routes of the Service's and of its own namespace only") {
  CHECK(waypoint(mesh_route("b", kToV1), "http://web/") == "web.a:80");
  CHECK(waypoint(mesh_route("b", kToV1), "http://web/", 80, "b") == "v1.a:80");
  CHECK(waypoint(vs("b", "v", "web.a.svc.cluster.local", "v1.a.svc.cluster.local"), "http://web/") ==
        "web.a:80");
}

TEST_CASE(
    "At a waypoint several VirtualServices of a host are joined in order, sourceLabels matches are dropped") {
  const auto two = [&](const std::string& version) {
    return kBase +
           virtual_service(
               "a", "old",
               "{hosts: [web], http: [{match: [{uri: {prefix: /x}}], route: [{destination: {host: v1}}]}]}",
               "2024-01-01T00:00:00Z") +
           vs("a", "new", "web", "v2", "2024-02-01T00:00:00Z") + version;
  };
  CHECK(at_waypoint(*cluster_of(two("")), "a", "a/web", 80, request_of("http://web/x")) == "v1.a:80");
  CHECK(at_waypoint(*cluster_of(two("")), "a", "a/web", 80, request_of("http://web/y")) == "v2.a:80");
  CHECK(waypoint(virtual_service("a", "v",
                                 "{hosts: [web], http: [{match: [{sourceLabels: {app: x}}], route: "
                                 "[{destination: {host: v1}}]}, "
                                 "{route: [{destination: {host: v2}}]}]}"),
                 "http://web/") == "v2.a:80");
  CHECK(waypoint(virtual_service("a", "v",
                                 "{hosts: [web], http: [{match: [{sourceNamespace: b}], route: "
                                 "[{destination: {host: v1}}]}, {route: "
                                 "[{destination: {host: v2}}]}]}"),
                 "http://web/", 80, "b") == "v1.a:80");  // compared with the waypoint's own namespace
}

TEST_CASE("The declared protocol decides whether HTTP rules work") {
  const std::string rules = vs("a", "v", "web", "v1");
  CHECK(waypoint(rules, "http://web/", 5432) == "web.a:5432");
  CHECK(waypoint(rules, "http://web/", 443) == "web.a:443");
  CHECK(waypoint(rules, "http://web/", 81) == "v1.a:80");
  CHECK(waypoint(rules, "tcp://web", 81) == "web.a:81");
  CHECK(waypoint(rules, "tcp://web", 80) == "reset LISTENER_PROTOCOL_ERROR");
  CHECK(waypoint(rules, "http://web/", 7777) == "reset LISTENER_NONE");
}

TEST_CASE("TCP rules at a waypoint: the first whose port fits, all its destinations") {
  const std::string rule = virtual_service(
      "a", "v",
      "{hosts: [web], tcp: [{match: [{port: 1}], route: [{destination: {host: v2}}]}, {match: "
      "[{port: 5432}], route: [{destination: {host: v1, port: {number: 80}}, weight: 1}, "
      "{destination: {host: v2, port: {number: 80}}, weight: 3}]}]}");
  CHECK(waypoint(rule, "tcp://web", 5432) == "v1.a:80 25% + v2.a:80 75%");
}

TEST_CASE(
    "Sidecars: consumer routes of the client's namespace, else producer routes; a third namespace concerns "
    "nobody") {
  const std::string producer = mesh_route("a", kToV1);
  const std::string consumer = mesh_route("c", "{backendRefs: [{name: v2, namespace: a, port: 80}]}");
  CHECK(sidecar(producer + consumer, "c", "http://web.a/") == "v2.a:80");
  CHECK(sidecar(producer + consumer, "b", "http://web.a/") == "v1.a:80");
  CHECK(sidecar(consumer, "b", "http://web.a/") == "web.a:80");
}

TEST_CASE(
    "Sidecars do not merge: the oldest VirtualService of a host; an exact host before a wildcard; the "
    "longest wildcard") {
  CHECK(sidecar(vs("a", "first", "web", "v1", "2024-02-01T00:00:00Z") +
                    vs("a", "second", "web", "v2", "2024-01-01T00:00:00Z"),
                "a", "http://web/") == "v2.a:80");
  CHECK(sidecar(vs("a", "first", "*.cluster.local", "v1", "2023-01-01T00:00:00Z") +
                    vs("a", "second", "web", "v2", "2024-01-01T00:00:00Z"),
                "a", "http://web/") == "v2.a:80");
  CHECK(sidecar(vs("a", "first", "*.cluster.local", "v1", "2023-01-01T00:00:00Z") +
                    vs("a", "second", "*.svc.cluster.local", "v2", "2024-01-01T00:00:00Z"),
                "a", "http://web/") == "v2.a:80");
}

TEST_CASE("Names of a Service at a sidecar: full, short ones by namespace") {
  const std::string rule = vs("a", "v", "web", "v1");
  for (const char* host : {"web", "web.a", "web.a.svc", "web.a.svc.cluster.local", "web.a:80"}) {
    INFO(host);
    CHECK(sidecar(rule, "a", std::string("http://") + host + "/") == "v1.a:80");
  }
  CHECK(sidecar(rule, "b", "http://web/") == "passthrough");
}

TEST_CASE("exportTo and the Sidecar resource limit what a sidecar sees") {
  CHECK(sidecar(vs("a", "v", "web", "v1", "", "exportTo: [\".\"], "), "b", "http://web.a/") == "web.a:80");
  CHECK(sidecar(vs("a", "v", "web", "v1", "", "exportTo: [b], "), "b", "http://web.a/") == "v1.a:80");
  const std::string limited =
      "---\napiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: default, namespace: "
      "b}\nspec: "
      "{egress: [{hosts: [\"./*\"]}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}}\n";
  CHECK(sidecar(limited, "b", "http://web.a/") == "502 ROUTE_BLOCKED");
  CHECK(sidecar(limited, "b", "http://far/") == "far.b:80");
  CHECK(sidecar(limited, "c", "http://web.a/") == "web.a:80");
}

TEST_CASE(
    "Unknown destinations at a sidecar: ALLOW_ANY passes them on, REGISTRY_ONLY answers 502 or resets") {
  CHECK(sidecar("", "a", "http://example.com/") == "passthrough");
  CHECK(sidecar("", "a", "https://example.com/", 443) == "passthrough");
  CHECK(sidecar(kRegistryOnly, "a", "http://example.com/") == "502 ROUTE_BLOCKED");
  CHECK(sidecar(kRegistryOnly, "a", "https://example.com/", 8443) == "closed ROUTE_BLOCKED");
  CHECK(sidecar("", "a", "tcp://x", 15001) == "closed ROUTE_BLOCKED");
}

TEST_CASE("Bytes that are not HTTP on an HTTP port of a sidecar go to the dialled address") {
  CHECK(sidecar(vs("a", "v", "web", "v1"), "a", "tcp://web") == "passthrough");
  CHECK(sidecar(vs("a", "v", "web", "v1"), "a", "tcp://web", 5432) == "web.a:5432");
}

TEST_CASE("A sidecar's TLS port: a tls rule leaves no way beside it; tcp rules do not count there") {
  const std::string tls = virtual_service(
      "a", "v",
      "{hosts: [web], tls: [{match: [{sniHosts: [x.example]}], route: [{destination: {host: v1, port: "
      "{number: 80}}}]}]}");
  const auto dialled = [&](const std::string& manifests, const std::string& sni) {
    const auto cluster = cluster_of(kBase + manifests);
    RouteRequest request = request_of("https://web.a/");
    request.sni = sni;
    return at_sidecar(*cluster, "a", 443, request);
  };
  CHECK(dialled(tls, "x.example") == "v1.a:80");
  CHECK(dialled(tls, "y.example") == "passthrough");
  CHECK(dialled("", "y.example") == "web.a:443");
  CHECK(dialled(virtual_service("a", "v",
                                "{hosts: [web], tcp: [{route: [{destination: {host: v1, port: {number: "
                                "80}}}]}]}"),
                "y.example") == "web.a:443");
}

TEST_CASE("A sidecar that dials the address of a headless Service's endpoint finds that Service") {
  const std::string headless =
      "---\napiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: a}\nspec: {clusterIP: None, "
      "ports: "
      "[{name: tcp, port: 5432}]}\n"
      "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: db, namespace: a, labels: "
      "{kubernetes.io/service-name: db}}\naddressType: IPv4\nendpoints: [{addresses: [10.0.0.7]}]\nports: "
      "[{name: tcp, port: 5432}]\n";
  CHECK(sidecar(headless, "b", "tcp://10.0.0.7", 5432) == "db.a:5432");
  CHECK(sidecar(headless, "b", "tcp://10.0.0.8", 5432) == "passthrough");
  CHECK(sidecar(headless, "b", "tcp://10.0.0.7", 5433) == "passthrough");
}

TEST_CASE("A range of addresses with TLS is told apart by SNI") {
  const std::string range =
      "---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: e, namespace: a}\nspec: "
      "{hosts: [e.example], addresses: [100.64.0.0/16], ports: [{number: 9999, name: tls, protocol: TLS}]}\n";
  const auto dialled = [&](const std::string& sni) {
    const auto cluster = cluster_of(kBase + range);
    RouteRequest request = request_of("https://100.64.1.2/");
    request.sni = sni;
    return at_sidecar(*cluster, "a", 9999, request);
  };
  CHECK(dialled("e.example") == "e.example:9999");
  CHECK(dialled("other.example") == "passthrough");
}

TEST_CASE(
    "DestinationRule: the client's namespace, then the Service's, then root; subsets are united, TLS is the "
    "oldest's") {
  const auto rule = [](const std::string& ns, const std::string& name, const std::string& spec,
                       const std::string& created = "") {
    return "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: " + name +
           ", namespace: " + ns + (created.empty() ? "" : ", creationTimestamp: \"" + created + "\"") +
           "}\nspec: {host: web.a.svc.cluster.local, " + spec + "}\n";
  };
  const std::string tls = "trafficPolicy: {tls: {mode: SIMPLE, sni: s1}}",
                    other = "trafficPolicy: {tls: {mode: SIMPLE, sni: s2}}";
  CHECK(sidecar(rule("a", "d", tls), "b", "http://web.a/") == "web.a:80 tls s1");
  CHECK(sidecar(rule("a", "d", tls) + rule("b", "d", other), "b", "http://web.a/") == "web.a:80 tls s2");
  CHECK(sidecar(rule("istio-system", "d", tls), "b", "http://web.a/") == "web.a:80 tls s1");
  CHECK(sidecar(rule("a", "d", tls + ", exportTo: [\".\"]"), "b", "http://web.a/") == "web.a:80");
  const std::string to_subset =
      virtual_service("a", "v", "{hosts: [web], http: [{route: [{destination: {host: web, subset: two}}]}]}");
  CHECK(sidecar(to_subset + rule("a", "d1", "subsets: [{name: one}]", "2024-01-01T00:00:00Z") +
                    rule("a", "d2", "subsets: [{name: two}]", "2024-02-01T00:00:00Z"),
                "a", "http://web/") == "web.a:80/two");
  CHECK(sidecar(to_subset + rule("a", "d1", "subsets: [{name: one}]"), "a", "http://web/") ==
        "503 ROUTE_SUBSET_NOT_FOUND");
}

namespace {

std::string destination_rule(const std::string& ns, const std::string& name, const std::string& spec,
                             const std::string& created = "2024-01-01T00:00:00Z",
                             const std::string& host = "web.a.svc.cluster.local") {
  return "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: " + name +
         ", namespace: " + ns + ", creationTimestamp: \"" + created + "\"}\nspec: {host: \"" + host + "\", " +
         spec + "}\n";
}
std::string simple_tls(const std::string& sni) {
  return "trafficPolicy: {tls: {mode: SIMPLE, sni: " + sni + "}}";
}
const std::string kLater = "2025-01-01T00:00:00Z";
const std::string kToTwo =
    virtual_service("a", "v", "{hosts: [web], http: [{route: [{destination: {host: web, subset: two}}]}]}");
const std::string kTwo = "subsets: [{name: two}]";

std::string backend_tls(const std::string& target,
                        const std::string& more = "wellKnownCACertificates: System",
                        const std::string& created = kLater) {
  return "---\napiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: {name: p, "
         "namespace: "
         "a, creationTimestamp: \"" +
         created + "\"}\nspec: {targetRefs: [{" + target + "}], validation: {hostname: p.test, " + more +
         "}}\n";
}
const std::string kWeb = "group: \"\", kind: Service, name: web";

}  // namespace

// Source: istio pilot/pkg/model/push_context.go setDestinationRules; destination_rule.go
// mergeDestinationRule.
TEST_CASE("DestinationRules of one host stay apart when their exportTo differ; the last one counts") {
  const std::string hidden = destination_rule("a", "d1", "exportTo: [\".\"], " + simple_tls("s1"));
  const std::string open = destination_rule("a", "d2", "exportTo: [\"*\"], " + kTwo, kLater);
  CHECK(sidecar(kToTwo + hidden + open, "b", "http://web.a/") == "web.a:80/two");
  CHECK(sidecar(kToTwo + hidden + open, "a", "http://web/") == "web.a:80/two");
  CHECK(sidecar(kToTwo + hidden + destination_rule("a", "d2", "exportTo: [\".\"], " + kTwo, kLater), "a",
                "http://web/") == "web.a:80/two tls s1");
}

TEST_CASE("A DestinationRule that is hidden from a proxy ends the search in its namespace") {
  const std::string hidden = destination_rule("a", "d1", "exportTo: [c], " + simple_tls("s1"));
  const std::string wide = destination_rule("a", "d2", simple_tls("s2"), kLater, "*.a.svc.cluster.local");
  CHECK(sidecar(wide, "b", "http://web.a/") == "web.a:80 tls s2");
  CHECK(sidecar(hidden + wide, "b", "http://web.a/") == "web.a:80");
  CHECK(sidecar(hidden + wide, "c", "http://web.a/") == "web.a:80 tls s1");
  CHECK(sidecar(hidden + wide + destination_rule("istio-system", "r", simple_tls("s3")), "b",
                "http://web.a/") == "web.a:80 tls s3");
}

TEST_CASE("A DestinationRule with a workloadSelector stands alone, before others, in its own namespace") {
  const std::string selects = "workloadSelector: {matchLabels: {}}, ";
  const std::string all = destination_rule("a", "d1", simple_tls("s1") + ", " + kTwo);
  const std::string some = destination_rule("a", "d2", selects + simple_tls("s2"), kLater);
  CHECK(sidecar(all + some, "a", "http://web/") == "web.a:80 tls s2");
  CHECK(sidecar(all + some, "b", "http://web.a/") == "web.a:80 tls s1");
  CHECK(sidecar(some, "b", "http://web.a/") == "web.a:80");
  CHECK(sidecar(kToTwo + all + some, "a", "http://web/") == "503 ROUTE_SUBSET_NOT_FOUND");
  const std::string others =
      destination_rule("a", "d2", "workloadSelector: {matchLabels: {app: x}}, " + simple_tls("s2"), kLater);
  CHECK(sidecar(all + others, "a", "http://web/") == "web.a:80 tls s1");
}

// Source: istio pilot/pkg/networking/util/util.go GetPortLevelTrafficPolicy, MergeSubsetTrafficPolicy.
TEST_CASE("A port's own level has its own SNI and inherits nothing") {
  const auto level = [](const std::string& settings) {
    return "portLevelSettings: [{port: {number: 80}, " + settings + "}]";
  };
  const std::string own = level("tls: {mode: SIMPLE, sni: s2}"),
                    none = level("loadBalancer: {simple: RANDOM}");
  const auto with = [](const std::string& levels) {
    return "trafficPolicy: {tls: {mode: SIMPLE, sni: s1}, " + levels + "}";
  };
  CHECK(sidecar(destination_rule("a", "d", with(own)), "a", "http://web/") == "web.a:80 tls s2");
  CHECK(sidecar(destination_rule("a", "d", with(none)), "a", "http://web/") == "web.a:80");
  CHECK(sidecar(destination_rule("a", "d", with(none)), "a", "http://web:81/", 81) == "web.a:81 tls s1");
  const auto subset = [&](const std::string& policy) {
    return simple_tls("s1") + ", subsets: [{name: two, trafficPolicy: {" + policy + "}}]";
  };
  CHECK(sidecar(kToTwo + destination_rule("a", "d", subset(none)), "a", "http://web/") == "web.a:80/two");
  CHECK(sidecar(kToTwo + destination_rule("a", "d", subset(own)), "a", "http://web/") ==
        "web.a:80/two tls s2");
  CHECK(sidecar(kToTwo + destination_rule("a", "d", subset("loadBalancer: {simple: RANDOM}")), "a",
                "http://web/") == "web.a:80/two tls s1");
}

// Source: istio pilot/pkg/config/kube/gateway/backend_policies.go DestinationRuleCollection.
TEST_CASE("A BackendTLSPolicy is a DestinationRule of its target's namespace, for every kind of proxy") {
  const std::string policy = backend_tls(kWeb);
  CHECK(sidecar(policy, "b", "http://web.a/") == "web.a:80 tls p.test");
  CHECK(waypoint(policy, "http://web/") == "web.a:80 tls p.test");
  const std::string of_port = backend_tls(kWeb + ", sectionName: auto");
  CHECK(sidecar(of_port, "a", "http://web/") == "web.a:80");
  CHECK(sidecar(of_port, "a", "http://web:81/", 81) == "web.a:81 tls p.test");
  // The namespace of the client comes first; of the policy's own namespace written fields come first.
  CHECK(sidecar(policy + destination_rule("b", "d", "subsets: []"), "b", "http://web.a/") == "web.a:80");
  CHECK(sidecar(policy + destination_rule("a", "d", simple_tls("s1")), "b", "http://web.a/") ==
        "web.a:80 tls s1");
  CHECK(sidecar(policy + destination_rule("a", "d", "subsets: []"), "b", "http://web.a/") ==
        "web.a:80 tls p.test");
  const std::string entry =
      "---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: out, namespace: "
      "a}\nspec: "
      "{hosts: [out.test], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}\n";
  CHECK(sidecar(entry + backend_tls("group: networking.istio.io, kind: ServiceEntry, name: out"), "a",
                "http://out.test/") == "out.test:80 tls p.test");
}

// Source: istio pilot/pkg/config/kube/gateway/backend_policies.go getBackendTLSCredentialName;
// pilot/pkg/networking/core/cluster_tls.go buildUpstreamClusterTLSContext.
TEST_CASE("Certificates of a BackendTLSPolicy are a ConfigMap's; others block, a sidecar drops the TLS") {
  const std::string policy = backend_tls(kWeb, "caCertificateRefs: [{group: \"\", kind: Secret, name: ca}]");
  CHECK(waypoint(policy, "http://web/") == "web.a:80 tls p.test 503");
  CHECK(waypoint(policy + mesh_route("a", "{backendRefs: [{name: web, port: 80}]}"), "http://web/") ==
        "503 ROUTE_BACKEND_TLS_INVALID");
  CHECK(sidecar(policy, "b", "http://web.a/") == "web.a:80");
  CHECK(waypoint(backend_tls(kWeb, "caCertificateRefs: [{group: \"\", kind: ConfigMap, name: ca}]"),
                 "http://web/") == "web.a:80 tls p.test");
}

namespace {

RouteDecision decided(const std::string& manifests) {
  const auto cluster = cluster_of(kBase + manifests);
  const model::ServiceId web = cluster->find_service("a", "web");
  return route_at_sidecar(*cluster, model::intern("a"), {}, web, cluster->service(web).vips.front(), 80,
                          request_of("http://web/"));
}
std::string http_rule(const std::string& rule) {
  return virtual_service("a", "v", "{hosts: [web], http: [{" + rule + "}]}");
}

}  // namespace

// Source: istio pilot/pkg/config/kube/gateway/conversion.go convertHTTPRoute.
TEST_CASE("A timeout of zero in an HTTPRoute takes nothing from the other one") {
  const auto timeout = [](const std::string& timeouts) {
    return decided(mesh_route("a", "{timeouts: {" + timeouts + "}, backendRefs: [{name: v1, port: 80}]}"))
        .request_timeout;
  };
  CHECK(timeout("request: 500ms, backendRequest: 0s") == "500ms");
  CHECK(timeout("request: 0s, backendRequest: 500ms") == "500ms");
  CHECK(timeout("request: 10s, backendRequest: 500ms") == "500ms");
  CHECK(timeout("request: 0s").empty());
}

// Source: istio pilot/pkg/networking/core/route/route.go MirrorPercent, MirrorPercentByPolicy.
TEST_CASE("A mirror of 0 % is none") {
  using Names = std::vector<std::string>;
  const std::string to_web = "route: [{destination: {host: web}}], ";
  CHECK(decided(http_rule(to_web + "mirror: {host: v1}")).mirrored_to == Names{"a/v1"});
  CHECK(decided(http_rule(to_web + "mirror: {host: v1}, mirrorPercentage: {value: 0}")).mirrored_to.empty());
  CHECK(decided(http_rule(to_web + "mirror: {host: v1}, mirrorPercentage: {}")).mirrored_to.empty());
  CHECK(decided(http_rule(to_web + "mirror: {host: v1}, mirrorPercent: 0")).mirrored_to.empty());
  CHECK(decided(http_rule(to_web + "mirrors: [{destination: {host: v1}, percentage: {value: 0}}, "
                                   "{destination: {host: v2}, percentage: {value: 0.1}}]"))
            .mirrored_to == Names{"a/v2"});
  const auto of_route = [](const std::string& percent) {
    return decided(mesh_route("a",
                              "{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: v2, "
                              "port: 80}, " +
                                  percent + "}}], backendRefs: [{name: v1, port: 80}]}"))
        .mirrored_to;
  };
  CHECK(of_route("percent: 0").empty());
  CHECK(of_route("fraction: {numerator: 1, denominator: 3}") == Names{"a/v2"});
}

// Source: envoy source/common/router/weighted_cluster_specifier.cc finalizeRequestHeaders,
// finalizeResponseHeaders; istio pilot/pkg/networking/core/route/route.go applyHTTPRouteDestination.
TEST_CASE("Of several destinations the chosen one changes headers before the rule does, a single one after") {
  using Headers = std::vector<std::pair<std::string, std::string>>;
  const auto sets = [](const std::string& value) {
    return "headers: {request: {set: {x: " + value + "}}, response: {set: {y: " + value + "}}}";
  };
  const auto last = [](const Headers& headers) {
    return headers.empty() ? std::string() : headers.back().second;
  };
  const auto to = [&](const std::string& weight) {
    return "{destination: {host: v1}, " + sets("own") + weight + "}";
  };
  const RouteDecision one = decided(http_rule(sets("rule") + ", route: [" + to("") + "]"));
  CHECK(last(one.targets.front().set_headers) == "own");
  CHECK(last(one.targets.front().response_set) == "own");
  CHECK(last(one.response_set) == "rule");
  const RouteDecision two =
      decided(http_rule(sets("rule") + ", route: [" + to(", weight: 50") + ", " + to(", weight: 50") + "]"));
  CHECK(last(two.targets.front().set_headers) == "rule");
  CHECK(last(two.targets.front().response_set) == "rule");
  CHECK(two.response_set.empty());
  // Of a VirtualService those without weight count, of an HTTPRoute they do not.
  const RouteDecision none =
      decided(http_rule(sets("rule") + ", route: [" + to(", weight: 100") + ", " + to(", weight: 0") + "]"));
  CHECK(last(none.targets.front().set_headers) == "rule");
  const auto filter = [](const std::string& value) {
    return "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x, value: " + value +
           "}]}}]";
  };
  const RouteDecision route =
      decided(mesh_route("a", "{" + filter("rule") + ", backendRefs: [{name: v1, port: 80, " + filter("own") +
                                  "}, {name: v2, port: 80, weight: 0}]}"));
  CHECK(last(route.targets.front().set_headers) == "own");
}

}  // namespace waypath::sim::tests
