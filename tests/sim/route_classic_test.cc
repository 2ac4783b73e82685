// Istio Gateway with VirtualService, and Ingress, at a gateway pod (routing.md 3.1 to 3.3, 4).

#include <catch2/catch.hpp>

#include "tests/sim/route_support.h"

namespace waypath::sim::tests {
namespace {

const std::string kBase = ingress_pod() + service("a", "web") + service("a", "api") + service("b", "far");

std::string istio_gateway(const std::string& name, const std::string& servers,
                          const std::string& created = "") {
  return "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: " + name +
         ", namespace: a" + (created.empty() ? "" : ", creationTimestamp: \"" + created + "\"") +
         "}\nspec: {selector: {istio: ingress}, servers: [" + servers + "]}\n";
}
std::string http_server(const std::string& hosts, const std::string& more = "") {
  return "{port: {number: 80, name: http, protocol: HTTP}, hosts: [" + hosts + "]" + more + "}";
}
std::string vs(const std::string& name, const std::string& host, const std::string& http,
               const std::string& created = "") {
  return virtual_service("a", name, "{hosts: [\"" + host + "\"], gateways: [gw], http: [" + http + "]}",
                         created);
}
std::string to(const std::string& host, const std::string& match = "") {
  return "{" + (match.empty() ? std::string() : "match: [" + match + "], ") +
         "route: [{destination: {host: " + host + "}}]}";
}
std::string get(const std::string& manifests, const std::string& url,
                const std::vector<std::string>& headers = {}, std::uint16_t pod_port = 8080) {
  return at_pod(*cluster_of(kBase + manifests), pod_port, request_of(url, headers));
}
const std::string kGateway = istio_gateway("gw", http_server("\"*\""));

}  // namespace

TEST_CASE("A server's port is the Service's; the pod listens on its target") {
  const std::string all = kGateway + vs("v", "*", to("web"));
  CHECK(get(all, "http://h/") == "web.a:80");
  CHECK(get(all, "http://h/", {}, 80) == "refused LISTENER_NONE");
  // No Service port of that number: the pod listens on the number itself.
  const std::string odd =
      istio_gateway("gw", "{port: {number: 9999, name: http, protocol: HTTP}, hosts: [\"*\"]}") +
      vs("v", "*", to("web"));
  CHECK(get(odd, "http://h/", {}, 9999) == "web.a:80");
}

TEST_CASE("VirtualService rules: the first in written order; catch-all rules kill what follows") {
  CHECK(get(kGateway + vs("v", "h.example.com",
                          to("web", "{uri: {prefix: /a}}") + ", " + to("api", "{uri: {exact: /a/b}}")),
            "http://h.example.com/a/b") == "web.a:80");
  CHECK(get(kGateway + vs("v", "h.example.com", to("web") + ", " + to("api", "{uri: {prefix: /a}}")),
            "http://h.example.com/a") == "web.a:80");
  CHECK(get(kGateway + vs("v", "h.example.com", to("web", "{uri: {prefix: /a}}")),
            "http://h.example.com/b") == "404 ROUTE_NO_RULE");
}

TEST_CASE("VirtualService conditions") {
  struct Row {
    const char* match;
    const char* url;
    std::vector<std::string> headers;
    bool matches;
  };
  const Row rows[] = {
      {"{uri: {prefix: /abc}}", "http://h/abcd", {}, true},  // by character
      {"{uri: {exact: /abc}}", "http://h/abc?x=1", {}, true},
      {"{uri: {exact: /abc}}", "http://h/ABC", {}, false},
      {"{uri: {exact: /abc}, ignoreUriCase: true}", "http://h/ABC", {}, true},
      {"{uri: {regex: \"/a.c\"}}", "http://h/abc", {}, true},
      {"{uri: {regex: \"/a.c\"}}", "http://h/abcd", {}, false},  // the whole path
      {"{headers: {x-user: {exact: joe}}}", "http://h/", {"X-User: joe"}, true},
      {"{headers: {\":method\": {exact: GET}}}", "http://h/", {}, true},  // pseudo headers count
      {"{headers: {\":method\": {exact: POST}}}", "http://h/", {}, false},
      {"{headers: {\":path\": {exact: \"/a?b=c\"}}}", "http://h/a?b=c", {}, true},
      {"{withoutHeaders: {\":authority\": {exact: h}}}", "http://h/", {}, false},
      {"{headers: {x-user: {}}}", "http://h/", {"x-user: any"}, true},
      {"{headers: {x-user: {regex: \"*\"}}}", "http://h/", {}, false},
      {"{withoutHeaders: {x-user: {}}}", "http://h/", {}, true},
      {"{withoutHeaders: {x-user: {}}}", "http://h/", {"x-user: joe"}, false},
      {"{withoutHeaders: {x-user: {exact: joe}}}", "http://h/", {}, true},
      {"{withoutHeaders: {x-user: {regex: \".*\"}}}",
       "http://h/",
       {},
       false},  // an absent header counts as empty
      {"{queryParams: {q: {exact: \"1\"}}}", "http://h/?p=0&q=1", {}, true},
      {"{queryParams: {q: {prefix: v}}}", "http://h/?q=value", {}, true},
      {"{authority: {exact: \"h:8080\"}}", "http://h:8080/", {}, true},
      {"{scheme: {exact: https}}", "http://h/", {}, false},
      {"{method: {exact: POST}}", "http://h/", {}, false},
      {"{port: 80}", "http://h/", {}, true},
      {"{port: 443}", "http://h/", {}, false},
      {"{gateways: [gw], sourceLabels: {app: nobody}}",
       "http://h/",
       {},
       true},  // gateways given: labels are not looked at
      {"{sourceLabels: {istio: ingress}}", "http://h/", {}, true},  // the proxy's own labels
      {"{sourceLabels: {app: nobody}}", "http://h/", {}, false},
      {"{gateways: [other]}", "http://h/", {}, false},
      {"{uri: {prefix: /x}}, {method: {exact: GET}}", "http://h/", {}, true},  // entries: any
  };
  for (const Row& row : rows) {
    INFO(row.match << " " << row.url);
    CHECK((get(kGateway + vs("v", "*", to("web", row.match)), row.url, row.headers) == "web.a:80") ==
          row.matches);
  }
}

TEST_CASE("Several VirtualServices on one host of a gateway are joined by age, catch-all rules last") {
  const std::string all =
      kGateway + vs("newer", "h.example.com", to("api", "{uri: {prefix: /api}}"), "2024-02-01T00:00:00Z") +
      vs("older", "h.example.com", to("web"), "2024-01-01T00:00:00Z");
  CHECK(get(all, "http://h.example.com/api") == "api.a:80");
  CHECK(get(all, "http://h.example.com/") == "web.a:80");
}

TEST_CASE("Short names resolve in the VirtualService's namespace; unknown destinations answer 503") {
  CHECK(get(kGateway + vs("v", "*", to("far")), "http://h/") == "503 ROUTE_BACKEND_NOT_FOUND");
  CHECK(get(kGateway + vs("v", "*", to("far.b.svc.cluster.local")), "http://h/") == "far.b:80");
  CHECK(get(kGateway + vs("v", "*", "{route: [{destination: {host: web, subset: v1}}]}"), "http://h/") ==
        "503 ROUTE_SUBSET_NOT_FOUND");
  CHECK(get(kGateway + vs("v", "*", "{route: [{destination: {host: web, port: {number: 81}}}]}"),
            "http://h/") == "503 ROUTE_BACKEND_PORT");
}

TEST_CASE("A server's hosts may limit the namespace of VirtualServices, and exportTo who sees them") {
  CHECK(get(istio_gateway("gw", http_server("\"a/*\"")) + vs("v", "h.example.com", to("web")),
            "http://h.example.com/") == "web.a:80");
  CHECK(get(istio_gateway("gw", http_server("\"b/*\"")) + vs("v", "h.example.com", to("web")),
            "http://h.example.com/") == "404 ROUTE_NO_VIRTUAL_HOST");
  CHECK(get(istio_gateway("gw", http_server("\"./*\"")) + vs("v", "h.example.com", to("web")),
            "http://h.example.com/") == "web.a:80");
  CHECK(get(istio_gateway("gw", http_server("\"*.other.com\"")) + vs("v", "h.example.com", to("web")),
            "http://h.example.com/") == "404 ROUTE_NO_VIRTUAL_HOST");
  CHECK(get(kGateway + virtual_service("a", "v",
                                       "{hosts: [h.example.com], gateways: [gw], exportTo: [\".\"], http: [" +
                                           to("web") + "]}"),
            "http://h.example.com/") == "404 ROUTE_NO_VIRTUAL_HOST");
}

TEST_CASE("httpsRedirect answers 301 for every plaintext request of its hosts") {
  const std::string all = istio_gateway("gw", http_server("\"*\"", ", tls: {httpsRedirect: true}")) +
                          vs("v", "h.example.com", to("web"));
  CHECK(get(all, "http://h.example.com/x?q=1") == "301 https://h.example.com/x?q=1");
  CHECK(get(all, "http://other/") == "301 https://other/");
}

TEST_CASE("TLS servers are told apart by SNI; MUTUAL demands a certificate; PASSTHROUGH follows tls rules") {
  const auto server = [](const std::string& mode, const std::string& host, const std::string& protocol) {
    return "{port: {number: 443, name: x" + mode.substr(0, 1) + ", protocol: " + protocol + "}, hosts: [\"" +
           host + "\"], tls: {mode: " + mode + ", credentialName: c}}";
  };
  const std::string all =
      istio_gateway("gw", server("SIMPLE", "*.simple.com", "HTTPS") + ", " +
                              server("MUTUAL", "m.com", "HTTPS") + ", " +
                              server("PASSTHROUGH", "p.com", "TLS")) +
      vs("v", "*", to("web")) +
      virtual_service("a", "p",
                      "{hosts: [p.com], gateways: [gw], tls: [{match: [{sniHosts: [p.com]}], route: "
                      "[{destination: {host: api, port: {number: 80}}}]}]}");
  CHECK(get(all, "https://x.simple.com/", {}, 8443) == "web.a:80");
  CHECK(get(all, "https://other.com/", {}, 8443) == "reset LISTENER_SNI_MISMATCH");
  CHECK(get(all, "http://x.simple.com/", {}, 8443) == "reset LISTENER_PLAINTEXT_TO_TLS");
  CHECK(get(all, "tls://p.com", {}, 8443) == "api.a:80");
  const auto cluster = cluster_of(kBase + all);
  RouteRequest request = request_of("https://m.com/");
  CHECK(at_pod(*cluster, 8443, request) == "reset LISTENER_CLIENT_CERTIFICATE");
  request.client_certificate = true;
  CHECK(at_pod(*cluster, 8443, request) == "web.a:80");
  request.client_certificate = std::nullopt;
  CHECK(at_pod(*cluster, 8443, request) == "unknown LISTENER_CLIENT_CERTIFICATE");
}

TEST_CASE("PASSTHROUGH: a match with a name that an earlier one has is left out whole") {
  const auto rule = [](const std::string& name, const std::string& hosts, const std::string& to_host,
                       const std::string& created) {
    return virtual_service("a", name,
                           "{hosts: [" + hosts + "], gateways: [gw], tls: [{match: [{sniHosts: [" + hosts +
                               "]}], route: [{destination: {host: " + to_host + ", port: {number: 80}}}]}]}",
                           created);
  };
  const std::string all =
      istio_gateway("gw",
                    "{port: {number: 443, name: t, protocol: TLS}, hosts: [\"*\"], tls: {mode: "
                    "PASSTHROUGH}}") +
      rule("one", "p.com", "web", "2024-01-01T00:00:00Z") +
      rule("two", "p.com, q.com", "api", "2025-01-01T00:00:00Z");
  CHECK(get(all, "tls://p.com", {}, 8443) == "web.a:80");
  CHECK(get(all, "tls://q.com", {}, 8443) == "reset LISTENER_SNI_MISMATCH");
}

TEST_CASE("A VirtualService without a rule at the port leaves its host to a wider one") {
  const std::string all =
      kGateway + vs("v", "h.example.com", to("web", "{port: 443}")) + vs("w", "*.example.com", to("api"));
  CHECK(get(all, "http://h.example.com/") == "api.a:80");
  const std::string own = kGateway + vs("v", "h.example.com", to("web", "{uri: {exact: /x}}")) +
                          vs("w", "*.example.com", to("api"));
  CHECK(get(own, "http://h.example.com/") == "404 ROUTE_NO_RULE");
}

TEST_CASE("A host's star may stand within a label; the longest pattern wins") {
  const std::string all = kGateway + vs("v", "*-in.org", to("web")) + vs("w", "*.org", to("api"));
  CHECK(get(all, "http://a-in.org/") == "web.a:80");
  CHECK(get(all, "http://a.b-in.org/") == "web.a:80");
  CHECK(get(all, "http://in.org/") == "api.a:80");
  CHECK(get(all, "http://-in.com/") == "404 ROUTE_NO_VIRTUAL_HOST");
}

TEST_CASE("HTTP and TCP servers on one port: the first, by age, then name, then namespace") {
  const std::string tcp = "{port: {number: 80, name: tcp, protocol: TCP}, hosts: [\"*\"]}";
  const std::string rule = virtual_service(
      "a", "t", "{hosts: [\"*\"], gateways: [gt], tcp: [{route: [{destination: {host: api}}]}]}");
  CHECK(get(istio_gateway("gt", tcp, "2024-01-01T00:00:00Z") +
                istio_gateway("gw", http_server("\"*\""), "2024-02-01T00:00:00Z") + rule +
                vs("v", "*", to("web")),
            "http://h/") == "api.a:80");
  CHECK(get(istio_gateway("gt", tcp, "2024-02-01T00:00:00Z") +
                istio_gateway("gw", http_server("\"*\""), "2024-01-01T00:00:00Z") + rule +
                vs("v", "*", to("web")),
            "http://h/") == "web.a:80");
}

TEST_CASE("VirtualService actions: redirect, direct response, fault, rewrite, weights") {
  const auto with = [&](const std::string& rule, const std::string& url = "http://h/p/x?q=1") {
    return get(kGateway + vs("v", "*", rule), url);
  };
  CHECK(with("{redirect: {uri: /new, authority: other.com}}") == "301 http://other.com/new?q=1");
  CHECK(with("{match: [{uri: {prefix: /p}}], redirect: {uriPrefixRewrite: /n}}") != "");
  CHECK(with("{redirect: {scheme: https, redirectCode: 308}}") == "308 https://h/p/x?q=1");
  CHECK(with("{redirect: {derivePort: FROM_REQUEST_PORT}}") == "301 http://h/p/x?q=1");
  CHECK(with("{directResponse: {status: 418}}") == "418 ROUTE_DIRECT_RESPONSE");
  CHECK(with("{fault: {abort: {httpStatus: 555, percentage: {value: 100}}}, route: [{destination: {host: "
             "web}}]}") == "555 ROUTE_FAULT");
  CHECK(with("{match: [{uri: {prefix: /p}}], rewrite: {uri: /r, authority: in.com}, route: [{destination: "
             "{host: web}}]}") == "web.a:80 path /r/x?q=1 host in.com");
  CHECK(with("{match: [{uri: {prefix: /p/}}], rewrite: {uri: /}, route: [{destination: {host: web}}]}") ==
        "web.a:80 path /x?q=1");
  CHECK(with("{rewrite: {uriRegexRewrite: {match: \"^/p/(.*)$\", rewrite: \"/\\\\1/p\"}}, route: "
             "[{destination: {host: web}}]}") == "web.a:80 path /x/p?q=1");
  CHECK(with("{route: [{destination: {host: web}, weight: 90}, {destination: {host: api}, weight: 10}]}") ==
        "web.a:80 90% + api.a:80 10%");
  // A Host set for the whole rule comes before that of the destination.
  CHECK(with("{headers: {request: {set: {Host: one.com}}}, route: [{destination: {host: web}, headers: "
             "{request: {set: {Host: "
             "two.com}}}}]}") == "web.a:80 host one.com");
  // One that is added is set, unless one is set beside it; pseudo headers stay as they are.
  CHECK(with("{headers: {request: {add: {\":authority\": one.com}}}, route: [{destination: {host: web}}]}") ==
        "web.a:80 host one.com");
  CHECK(with("{headers: {request: {set: {Host: two.com, \":path\": /n}, add: {host: one.com}, remove: "
             "[host]}}, route: [{destination: {host: web}}]}") == "web.a:80 host two.com");
}

TEST_CASE("Delegates: matches must be narrower than the root's, else the rule goes") {
  const auto with = [&](const std::string& root_match, const std::string& leaf, const std::string& url,
                        const std::string& more = "") {
    return get(
        kGateway +
            vs("root", "h.com", "{match: [" + root_match + "], delegate: {name: leaf, namespace: b}}") +
            virtual_service("b", "leaf", "{" + more + "http: [" + leaf + "]}"),
        url);
  };
  const std::string far = "route: [{destination: {host: far}}]}";
  CHECK(with("{uri: {prefix: /a}}", "{match: [{uri: {prefix: /a/b}}], " + far, "http://h.com/a/b") ==
        "far.b:80");
  CHECK(with("{uri: {prefix: /a}}", "{match: [{uri: {prefix: /c}}], " + far, "http://h.com/c") ==
        "404 ROUTE_NO_VIRTUAL_HOST");
  CHECK(with("{uri: {prefix: /a}}", "{" + far, "http://h.com/a/x") == "far.b:80");
  CHECK(with("{uri: {prefix: /a}}", "{match: [{headers: {k: {exact: v}}}], " + far, "http://h.com/a") ==
        "404 ROUTE_NO_RULE");
  CHECK(with("{uri: {prefix: /a}}", "{" + far, "http://h.com/a", "exportTo: [\".\"], ") ==
        "404 ROUTE_NO_VIRTUAL_HOST");
}

TEST_CASE("Ingress: taken by class, longest path first, prefixes by element, default backend ignored") {
  const auto ingress = [](const std::string& spec,
                          const std::string& annotations = "{kubernetes.io/ingress.class: istio}") {
    return "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: a, "
           "annotations: " +
           annotations + "}\nspec: " + spec + "\n";
  };
  const std::string pod =
      "---\napiVersion: v1\nkind: Pod\nmetadata: {name: ingress, namespace: istio-system, labels: {istio: "
      "ingressgateway}}\nspec: {containers: [{name: istio-proxy}]}\n" +
      service("a", "web") + service("a", "api");
  const auto path = [](const std::string& value, const std::string& type, const std::string& name) {
    return "{path: " + value + ", pathType: " + type + ", backend: {service: {name: " + name +
           ", port: {name: http}}}}";
  };
  const std::string spec =
      "{defaultBackend: {service: {name: web, port: {number: 80}}}, rules: [{host: h.com, http: {paths: [" +
      path("/x", "Prefix", "web") + ", " + path("/x/y", "Prefix", "api") + ", " + path("/x", "Exact", "api") +
      ", " + path("/star/*", "ImplementationSpecific", "web") + "]}}]}";
  const auto cluster = cluster_of(pod + ingress(spec));
  const auto ask = [&](const std::string& url) { return at_pod(*cluster, 80, request_of(url)); };
  CHECK(ask("http://h.com/x") == "api.a:80");
  CHECK(ask("http://h.com/x/z") == "web.a:80");
  CHECK(ask("http://h.com/x/y/z") == "api.a:80");
  CHECK(ask("http://h.com/xy") == "404 ROUTE_NO_RULE");
  CHECK(ask("http://h.com/star/1") == "web.a:80");
  CHECK(ask("http://h.com/starry") == "404 ROUTE_NO_RULE");
  CHECK(ask("http://other.com/x") == "404 ROUTE_NO_VIRTUAL_HOST");
  // What takes every path comes last, though it is written first.
  const std::string all = "{rules: [{http: {paths: [" + path("\"/*\"", "ImplementationSpecific", "web") +
                          ", " + path("/", "Prefix", "api") + "]}}]}";
  CHECK(at_pod(*cluster_of(pod + ingress(all)), 80, request_of("http://h.com/x")) == "api.a:80");
  const std::string off =
      "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata: {mesh: "
      "\"ingressControllerMode: 'OFF'\"}\n---\napiVersion: networking.k8s.io/v1\nkind: "
      "IngressClass\nmetadata: "
      "{name: istio}\nspec: {controller: istio.io/ingress-controller}\n";
  std::string classed = spec;
  classed.insert(1, "ingressClassName: istio, ");
  CHECK(at_pod(*cluster_of(pod + off + ingress(classed, "{}")), 80, request_of("http://h.com/x")) ==
        "refused LISTENER_NONE");
  CHECK(at_pod(*cluster_of(pod + ingress(spec, "{}")), 80, request_of("http://h.com/x")) ==
        "refused LISTENER_NONE");
  CHECK(at_pod(*cluster_of(pod + ingress(spec, "{kubernetes.io/ingress.class: nginx}")), 80,
               request_of("http://h.com/x")) == "refused LISTENER_NONE");
}

TEST_CASE(
    "Ingresses of one host: routes go to the Gateway of the oldest, the TLS server is that of the first by "
    "name") {
  const auto ingress = [](const std::string& name, const std::string& created) {
    return "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: " + name +
           ", namespace: a, creationTimestamp: \"" + created +
           "\", annotations: {kubernetes.io/ingress.class: istio}}\nspec: {rules: [{host: h.com, http: "
           "{paths: [{path: /" +
           name + ", pathType: Prefix, backend: {service: {name: " + name +
           ", port: {number: 80}}}}]}}], tls: [{hosts: [h.com], secretName: c}]}\n";
  };
  const std::string pod =
      "---\napiVersion: v1\nkind: Pod\nmetadata: {name: ingress, namespace: istio-system, labels: {istio: "
      "ingressgateway}}\nspec: {containers: [{name: istio-proxy}]}\n" +
      service("a", "api") + service("a", "web");
  const std::string old = "2010-01-01T00:00:00Z", young = "2020-01-01T00:00:00Z";
  const auto first_old = cluster_of(pod + ingress("api", old) + ingress("web", young));
  CHECK(at_pod(*first_old, 80, request_of("http://h.com/web")) == "web.a:80");
  CHECK(at_pod(*first_old, 443, request_of("https://h.com/web")) == "web.a:80");
  const auto first_young = cluster_of(pod + ingress("api", young) + ingress("web", old));
  CHECK(at_pod(*first_young, 80, request_of("http://h.com/api")) == "api.a:80");
  CHECK(at_pod(*first_young, 443, request_of("https://h.com/api")) == "404 ROUTE_NO_VIRTUAL_HOST");
}

TEST_CASE("A TLS server that repeats a host is dropped; the same SNI under two namespaces is not predicted") {
  const auto tls = [](const std::string& name, const std::string& host) {
    return istio_gateway(name, "{port: {number: 443, name: x, protocol: HTTPS}, hosts: [\"" + host +
                                   "\"], tls: {mode: SIMPLE, credentialName: c}}");
  };
  const std::string rule = vs("v", "h.com", to("web"));
  CHECK(get(tls("gw", "h.com") + tls("later", "h.com") + rule, "https://h.com/", {}, 8443) == "web.a:80");
  CHECK(get(tls("earlier", "h.com") + tls("gw", "h.com") + rule, "https://h.com/", {}, 8443) ==
        "404 ROUTE_NO_VIRTUAL_HOST");
  CHECK(get(tls("gw", "h.com") + tls("later", "a/h.com") + rule, "https://h.com/", {}, 8443) ==
        "unknown LISTENER_CONFLICTED");
}

TEST_CASE("Gateways for a host: those with a route for it, most specific listener first") {
  const auto cluster = cluster_of(kBase + istio_gateway("gw", http_server("\"*.example.com\"")) +
                                  vs("v", "h.example.com", to("web")));
  const auto found = gateways_for_host(*cluster, "h.example.com", 80, false);
  REQUIRE(found.size() == 1);
  CHECK(found[0].proxy.name == "ingress");
  CHECK(found[0].pod_port == 8080);
  CHECK(found[0].host_match == "*.example.com");
  CHECK(found[0].service == cluster->find_service("istio-system", "ingress"));
  CHECK(gateways_for_host(*cluster, "h.other.com", 80, false).empty());
  CHECK(gateways_for_host(*cluster, "h.example.com", 443, true).empty());
  CHECK(gateways_for_host(*cluster, "unrouted.example.com", 80, false).size() == 1);
}

}  // namespace waypath::sim::tests
