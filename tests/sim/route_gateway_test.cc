// Gateway API at a gateway: listeners, attachment, precedence, filters, backends (routing.md 2).

#include <catch2/catch.hpp>

#include "tests/sim/route_support.h"

namespace waypath::sim::tests {
namespace {

const std::string kHttp = "{name: http, port: 80, protocol: HTTP}";
const std::string kBackends = service("a", "web") + service("a", "api") + service("b", "far");

std::string route_to(const std::string& name, const std::string& matches, const std::string& backend,
                     const std::string& more = "", const std::string& created = "") {
  return http_route("a", name,
                    "{parentRefs: [{name: gw}]" + more + ", rules: [{matches: [" + matches +
                        "], backendRefs: [{name: " + backend + ", port: 80}]}]}",
                    created);
}

std::string get(const std::string& manifests, const std::string& url,
                const std::vector<std::string>& headers = {}, const std::string& method = "GET",
                std::uint16_t port = 80) {
  return at_gateway(*cluster_of(kBackends + manifests), port, request_of(url, headers, method));
}

}  // namespace

TEST_CASE("HTTPRoute precedence: exact path, longest prefix, method, headers, query, age, namespace/name") {
  const std::string gw = gateway(kHttp);
  const auto two = [&](const std::string& first, const std::string& second) {
    return gw + route_to("r1", first, "web") + route_to("r2", second, "api");
  };
  const auto path = [](const std::string& type, const std::string& value) {
    return "{path: {type: " + type + ", value: " + value + "}}";
  };
  CHECK(get(two(path("PathPrefix", "/x"), path("Exact", "/x")), "http://h/x") == "api.a:80");
  CHECK(get(two(path("PathPrefix", "/x"), path("PathPrefix", "/x/y")), "http://h/x/y/z") == "api.a:80");
  CHECK(get(two(path("RegularExpression", "\"/x/.*\""), path("PathPrefix", "/x")), "http://h/x/y") ==
        "api.a:80");
  CHECK(get(two("{path: {value: /}}", "{method: GET}"), "http://h/") == "api.a:80");
  CHECK(get(two("{method: GET}", "{headers: [{name: k, value: v}]}"), "http://h/", {"k: v"}) == "web.a:80");
  CHECK(get(two("{headers: [{name: k, value: v}]}", "{headers: [{name: k, value: v}, {name: l, value: w}]}"),
            "http://h/", {"K: v", "l: w"}) == "api.a:80");
  CHECK(get(two("{path: {value: /}}", "{queryParams: [{name: q, value: \"1\"}]}"), "http://h/?q=1") ==
        "api.a:80");
  CHECK(get(two("{path: {value: /}}", "{path: {value: /}}"), "http://h/") == "web.a:80");
  CHECK(get(gw + route_to("r1", "{path: {value: /}}", "web", "", "2024-02-01T00:00:00Z") +
                route_to("r2", "{path: {value: /}}", "api", "", "2024-01-01T00:00:00Z"),
            "http://h/") == "api.a:80");
}

TEST_CASE("A path prefix is compared by element, case-sensitively, without the query") {
  const std::string all = gateway(kHttp) + route_to("r", "{path: {type: PathPrefix, value: /abc/}}", "web");
  CHECK(get(all, "http://h/abc") == "web.a:80");
  CHECK(get(all, "http://h/abc/d?x=/") == "web.a:80");
  CHECK(get(all, "http://h/abcd") == "404 ROUTE_NO_RULE");
  CHECK(get(all, "http://h/ABC") == "404 ROUTE_NO_RULE");
  const std::string exact_path = gateway(kHttp) + route_to("r", "{path: {type: Exact, value: /abc}}", "web");
  CHECK(get(exact_path, "http://h/abc?q=1") == "web.a:80");
  CHECK(get(exact_path, "http://h/abc/") == "404 ROUTE_NO_RULE");
}

TEST_CASE("The virtual host is chosen first: its rules failing means 404, not a wider host") {
  const std::string all =
      gateway(kHttp) + route_to("narrow", "{path: {value: /only}}", "api", ", hostnames: [www.example.com]") +
      route_to("wide", "{path: {value: /}}", "web", ", hostnames: [\"*.example.com\"]");
  CHECK(get(all, "http://www.example.com/only") == "api.a:80");
  CHECK(get(all, "http://www.example.com/") == "404 ROUTE_NO_RULE");
  CHECK(get(all, "http://x.y.example.com:8080/") == "web.a:80");
  CHECK(get(all, "http://example.com/") == "404 ROUTE_NO_VIRTUAL_HOST");
}

TEST_CASE("A request belongs to the listener with the most specific hostname alone") {
  const std::string all =
      gateway(
          "{name: any, port: 80, protocol: HTTP}, {name: ex, port: 80, protocol: HTTP, hostname: "
          "\"*.example.com\"}") +
      http_route(
          "a", "on-any",
          "{parentRefs: [{name: gw, sectionName: any}], rules: [{backendRefs: [{name: web, port: 80}]}]}") +
      http_route("a", "on-ex",
                 "{parentRefs: [{name: gw, sectionName: ex}], rules: [{matches: [{path: {value: /ex}}], "
                 "backendRefs: [{name: api, "
                 "port: 80}]}]}");
  CHECK(get(all, "http://foo.com/") == "web.a:80");
  CHECK(get(all, "http://foo.example.com/ex") == "api.a:80");
  CHECK(get(all, "http://foo.example.com/") == "404 ROUTE_NO_RULE");
}

TEST_CASE("Attachment: section, port, namespace, kind and hostname must all fit") {
  struct Row {
    const char* listener;
    const char* parent;
    const char* expected;
  };
  const Row rows[] = {
      {"{name: http, port: 80, protocol: HTTP}", "{name: gw, namespace: a}",
       "404 ROUTE_NO_VIRTUAL_HOST"},  // Same is the default
      {"{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}",
       "{name: gw, namespace: a}", "far.b:80"},
      {"{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: Selector, selector: "
       "{matchLabels: "
       "{kubernetes.io/metadata.name: b}}}}}",
       "{name: gw, namespace: a}", "far.b:80"},
      {"{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}",
       "{name: gw, namespace: a, sectionName: other}", "404 ROUTE_NO_VIRTUAL_HOST"},
      {"{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}",
       "{name: gw, namespace: a, port: 81}", "404 ROUTE_NO_VIRTUAL_HOST"},
      {"{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}, kinds: [{kind: "
       "GRPCRoute}]}}",
       "{name: gw, namespace: a}", "404 ROUTE_NO_VIRTUAL_HOST"},
      {"{name: http, port: 80, protocol: HTTP, hostname: other.com, allowedRoutes: {namespaces: {from: "
       "All}}}",
       "{name: gw, namespace: a}", "404 ROUTE_NO_VIRTUAL_HOST"},
  };
  for (const Row& row : rows) {
    INFO(row.listener << " " << row.parent);
    const std::string all =
        gateway(row.listener) +
        http_route("b", "r",
                   std::string("{parentRefs: [") + row.parent +
                       "], hostnames: [h.example.com], rules: [{backendRefs: [{name: far, port: 80}]}]}");
    CHECK(get(all, "http://h.example.com/") == row.expected);
  }
}

TEST_CASE("Backends: shares by weight; an unusable one answers 500 for its share; none at all is 500") {
  const auto with = [&](const std::string& backends) {
    return get(
        gateway(kHttp) +
            http_route("a", "r", "{parentRefs: [{name: gw}], rules: [{backendRefs: [" + backends + "]}]}"),
        "http://h/");
  };
  CHECK(with("{name: web, port: 80, weight: 3}, {name: api, port: 80}, {name: api, port: 80, weight: 0}") ==
        "web.a:80 75% + api.a:80 25%");
  CHECK(with("{name: web, port: 80}, {name: gone, port: 80}") == "web.a:80 50% + gone.a:80 500 50%");
  CHECK(with("{name: far, namespace: b, port: 80}") == "500 ROUTE_BACKEND_NOT_PERMITTED");
  CHECK(with("{name: web, kind: Banana, port: 80}") == "500 ROUTE_BACKEND_KIND");
  CHECK(with("{name: web, port: 81}") == "500 ROUTE_BACKEND_PORT");
  CHECK(with("{name: web, port: 80, weight: 0}") == "500 ROUTE_NO_BACKEND");
  CHECK(with("") == "500 ROUTE_NO_BACKEND");
  CHECK(with("{name: web, kind: ServiceImport, group: multicluster.x-k8s.io, port: 80}") == "web.a:80");
  // A missing port is an error of the whole route, and so is a Hostname with a namespace; a backend that no
  // grant permits is none.
  CHECK(with("{name: far, namespace: b}") == "500 ROUTE_BACKEND_NOT_PERMITTED");
  CHECK(with("{name: h.example, kind: Hostname, group: networking.istio.io, namespace: a, port: 80}") ==
        "404 ROUTE_NO_VIRTUAL_HOST");
  CHECK(with("{name: web}") == "404 ROUTE_NO_VIRTUAL_HOST");
  // What has no weight harms nothing, and no more does a mirror that cannot be used.
  CHECK(with("{name: web, port: 80}, {name: api.x, port: 80, weight: 0}") == "web.a:80");
  CHECK(with("{name: web, port: 80}], filters: [{type: RequestMirror, requestMirror: {backendRef: {name: "
             "api.x, port: 80}}}") == "web.a:80");
}

TEST_CASE("A ReferenceGrant in the backend's namespace permits it: group, kind, namespace and name") {
  const auto with = [&](const std::string& from, const std::string& to) {
    return get(
        gateway(kHttp) +
            http_route(
                "a", "r",
                "{parentRefs: [{name: gw}], rules: [{backendRefs: [{name: far, namespace: b, port: 80}]}]}") +
            "---\napiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: {name: g, "
            "namespace: b}\nspec: "
            "{from: [" +
            from + "], to: [" + to + "]}\n",
        "http://h/");
  };
  const std::string from = "{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: a}";
  CHECK(with(from, "{group: \"\", kind: Service}") == "far.b:80");
  CHECK(with(from, "{group: \"\", kind: Service, name: far}") == "far.b:80");
  CHECK(with(from, "{group: \"\", kind: Service, name: other}") == "500 ROUTE_BACKEND_NOT_PERMITTED");
  CHECK(with(from, "{group: apps, kind: Service}") == "500 ROUTE_BACKEND_NOT_PERMITTED");
  CHECK(with("{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: c}",
             "{group: \"\", kind: Service}") == "500 ROUTE_BACKEND_NOT_PERMITTED");
  CHECK(with("{group: gateway.networking.k8s.io, kind: GRPCRoute, namespace: a}",
             "{group: \"\", kind: Service}") == "500 ROUTE_BACKEND_NOT_PERMITTED");
}

TEST_CASE(
    "Redirects: Location from scheme, host, port and path; ports that the scheme implies are left out") {
  struct Row {
    const char* filter;
    const char* url;
    const char* expected;
  };
  const Row rows[] = {
      {"{hostname: example.org}", "http://h/p?q=1", "302 http://example.org/p?q=1"},
      {"{scheme: https}", "http://h/p", "302 https://h/p"},
      {"{scheme: https, port: 8443, statusCode: 301}", "http://h/p", "301 https://h:8443/p"},
      {"{port: 80}", "http://h/p", "302 http://h/p"},
      {"{path: {type: ReplaceFullPath, replaceFullPath: /full}}", "http://h/p/x", "302 http://h/full"},
      {"{path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}", "http://h/p/x", "302 http://h/new/x"},
      {"{path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}", "http://h/p", "302 http://h/"},
  };
  for (const Row& row : rows) {
    INFO(row.filter);
    const std::string all =
        gateway(kHttp) +
        http_route("a", "r",
                   std::string("{parentRefs: [{name: gw}], rules: [{matches: [{path: {value: "
                               "/p}}], filters: [{type: RequestRedirect, requestRedirect: ") +
                       row.filter + "}]}]}");
    CHECK(get(all, row.url) == row.expected);
  }
  const std::string other_port =
      gateway("{name: http, port: 8080, protocol: HTTP}") +
      http_route("a", "r",
                 "{parentRefs: [{name: gw}], rules: [{filters: [{type: RequestRedirect, requestRedirect: "
                 "{hostname: example.org}}]}]}");
  CHECK(get(other_port, "http://h/", {}, "GET", 8080) == "302 http://example.org:8080/");
}

TEST_CASE("URLRewrite joins paths without a double slash") {
  const auto with = [&](const std::string& prefix, const std::string& url) {
    return get(
        gateway(kHttp) +
            http_route("a", "r",
                       "{parentRefs: [{name: gw}], rules: [{matches: [{path: {value: /p}}], backendRefs: "
                       "[{name: web, port: "
                       "80}], filters: [{type: URLRewrite, urlRewrite: {hostname: in.example, path: {type: "
                       "ReplacePrefixMatch, replacePrefixMatch: " +
                           prefix + "}}}]}]}"),
        url);
  };
  CHECK(with("/", "http://h/p/x?q=1") == "web.a:80 path /x?q=1 host in.example");
  CHECK(with("/", "http://h/p") == "web.a:80 path / host in.example");
  CHECK(with("/new/", "http://h/p/x") == "web.a:80 path /new/x host in.example");
}

TEST_CASE("A filter that Istio does not support takes the whole route") {
  const std::string all =
      gateway(kHttp) + http_route("a", "r",
                                  "{parentRefs: [{name: gw}], rules: [{matches: [{path: {value: /a}}], "
                                  "backendRefs: [{name: web, port: 80}]}, {filters: "
                                  "[{type: ExtensionRef, extensionRef: {group: x, kind: Y, name: z}}], "
                                  "backendRefs: [{name: web, port: 80}]}]}");
  CHECK(get(all, "http://h/a") == "404 ROUTE_NO_VIRTUAL_HOST");
}

TEST_CASE(
    "CORS: a preflight of an allowed origin is answered; others are forwarded; answers name the origin") {
  const auto cluster =
      cluster_of(kBackends + gateway(kHttp) +
                 http_route("a", "r",
                            "{parentRefs: [{name: gw}], rules: [{backendRefs: [{name: web, port: 80}], "
                            "filters: [{type: CORS, cors: {allowOrigins: "
                            "[\"https://*.x.org\"], allowMethods: [GET, PUT], allowCredentials: true}}]}]}"));
  GatewayProxy proxy;
  proxy.gateway = cluster->snapshot().find<model::Gateway>("a", "gw");
  proxy.ns = model::intern("a");
  const auto ask = [&](const std::string& method, const std::string& origin) {
    return route_at_gateway(
        *cluster, proxy, 80, 0,
        request_of("http://h/", {"origin: " + origin, "access-control-request-method: GET"}, method));
  };
  const RouteDecision preflight = ask("OPTIONS", "https://a.b.x.org");
  CHECK(text_of(preflight) == "200 ROUTE_CORS_PREFLIGHT");
  CHECK(preflight.response_set == Headers{{"access-control-allow-origin", "https://a.b.x.org"},
                                          {"access-control-allow-credentials", "true"},
                                          {"access-control-allow-methods", "GET,PUT"},
                                          {"access-control-max-age", "5"}});
  CHECK(text_of(ask("OPTIONS", "https://x.org")) == "web.a:80");
  CHECK(ask("OPTIONS", "https://x.org").response_set.empty());
  CHECK(text_of(ask("GET", "https://www.x.org")) == "web.a:80");
  CHECK(ask("GET", "https://www.x.org").response_set.size() == 2);
}

TEST_CASE("CORS: a star allows what the preflight asks for; an ignored origin gets no origin back") {
  const auto cluster = cluster_of(
      kBackends + gateway(kHttp) +
      http_route("a", "r",
                 "{parentRefs: [{name: gw}], rules: [{backendRefs: [{name: web, port: 80}], filters: [{type: "
                 "CORS, cors: {allowOrigins: [\"https://x.org\"], allowMethods: [\"*\"], allowHeaders: "
                 "[\"*\"], maxAge: 9}}]}]}") +
      virtual_service("a", "v",
                      "{hosts: [web], http: [{corsPolicy: {allowOrigins: [{exact: \"https://x.org\"}], "
                      "allowMethods: [GET], unmatchedPreflights: IGNORE, allowCredentials: true}, route: "
                      "[{destination: {host: web}}]}]}"));
  GatewayProxy proxy;
  proxy.gateway = cluster->snapshot().find<model::Gateway>("a", "gw");
  proxy.ns = model::intern("a");
  const auto preflight = [](const std::string& host, const std::string& origin) {
    return request_of("http://" + host + "/",
                      {"origin: " + origin, "access-control-request-method: PUT",
                       "access-control-request-headers: x-one, x-two"},
                      "OPTIONS");
  };
  CHECK(route_at_gateway(*cluster, proxy, 80, 0, preflight("h", "https://x.org")).response_set ==
        Headers{{"access-control-allow-origin", "https://x.org"},
                {"access-control-allow-methods", "PUT"},
                {"access-control-allow-headers", "x-one, x-two"},
                {"access-control-max-age", "9"}});
  const model::ServiceId web = cluster->find_service("a", "web");
  const RouteDecision ignored = route_at_sidecar(*cluster, model::intern("a"), {}, web, std::nullopt, 80,
                                                 preflight("web", "https://y.org"));
  CHECK(text_of(ignored) == "200 ROUTE_CORS_PREFLIGHT");
  CHECK(ignored.response_set ==
        Headers{{"access-control-allow-credentials", "true"}, {"access-control-allow-methods", "GET"}});
}

TEST_CASE("What is sent must fit the listener: TLS, SNI, plaintext, ports that nobody opens") {
  const std::string tls = "tls: {certificateRefs: [{name: cert}]}";
  const std::string all =
      gateway(
          "{name: http, port: 80, protocol: HTTP}, {name: one, port: 443, protocol: HTTPS, hostname: "
          "one.example.com, " +
          tls +
          "}, {name: pass, port: 8443, protocol: TLS, tls: {mode: Passthrough}}, {name: tcp, port: 9000, "
          "protocol: TCP}, {name: "
          "udp, port: 53, protocol: UDP}") +
      route_to("r", "{path: {value: /}}", "web") +
      "---\napiVersion: gateway.networking.k8s.io/v1\nkind: TLSRoute\nmetadata: {name: t, namespace: "
      "a}\nspec: {parentRefs: [{name: "
      "gw}], hostnames: [in.example.com], rules: [{backendRefs: [{name: api, port: 80}]}]}\n";
  CHECK(get(all, "https://one.example.com/", {}, "GET", 443) == "web.a:80");
  CHECK(get(all, "https://two.example.com/", {}, "GET", 443) == "reset LISTENER_SNI_MISMATCH");
  CHECK(get(all, "http://one.example.com/", {}, "GET", 443) == "reset LISTENER_PLAINTEXT_TO_TLS");
  CHECK(get(all, "https://one.example.com/", {}, "GET", 80) == "reset LISTENER_TLS_TO_PLAINTEXT");
  CHECK(get(all, "tcp://x", {}, "GET", 80) == "reset LISTENER_PROTOCOL_ERROR");
  CHECK(get(all, "tls://in.example.com", {}, "GET", 8443) == "api.a:80");
  CHECK(get(all, "tls://out.example.com", {}, "GET", 8443) == "reset LISTENER_SNI_MISMATCH");
  CHECK(get(all, "tcp://x", {}, "GET", 9000) == "refused LISTENER_NONE");
  CHECK(get(all, "http://x/", {}, "GET", 53) == "refused LISTENER_INVALID");
  CHECK(get(all, "http://x/", {}, "GET", 81) == "refused LISTENER_NONE");
}

TEST_CASE(
    "TLSRoutes: one whose name an earlier one has on a passthrough port is left out whole; what is "
    "terminated "
    "has one rule") {
  const auto route = [](const std::string& name, const std::string& hosts, const std::string& backend,
                        const std::string& created) {
    return "---\napiVersion: gateway.networking.k8s.io/v1\nkind: TLSRoute\nmetadata: {name: " + name +
           ", namespace: a, creationTimestamp: \"" + created +
           "\"}\nspec: {parentRefs: [{name: gw}], hostnames: [" + hosts +
           "], rules: [{backendRefs: [{name: " + backend + ", port: 80}]}]}\n";
  };
  const auto with = [&](const std::string& tls) {
    return gateway("{name: t, port: 443, protocol: TLS, hostname: \"*.x.com\", tls: {" + tls + "}}") +
           route("z", "a.x.com", "web", "2024-01-01T00:00:00Z") +
           route("a", "\"b.x.com\", a.x.com", "api", "2025-01-01T00:00:00Z");
  };
  const std::string pass = with("mode: Passthrough"), end = with("certificateRefs: [{name: c}]");
  CHECK(get(pass, "tls://a.x.com", {}, "GET", 443) == "web.a:80");
  CHECK(get(pass, "tls://b.x.com", {}, "GET", 443) == "reset LISTENER_SNI_MISMATCH");
  CHECK(get(end, "tls://a.x.com", {}, "GET", 443) == "web.a:80");
  CHECK(get(end, "tls://b.x.com", {}, "GET", 443) == "web.a:80");
  // A passthrough listener without a route of its own leaves its name to a wider one.
  const std::string two =
      gateway(
          "{name: own, port: 443, protocol: TLS, hostname: c.x.com, tls: {mode: Passthrough}}, {name: wide, "
          "port: 443, protocol: TLS, hostname: \"*.x.com\", tls: {mode: Passthrough}}") +
      "---\napiVersion: gateway.networking.k8s.io/v1\nkind: TLSRoute\nmetadata: {name: r, namespace: "
      "a}\nspec: "
      "{parentRefs: [{name: gw, sectionName: wide}], rules: [{backendRefs: [{name: api, port: 80}]}]}\n";
  CHECK(get(two, "tls://c.x.com", {}, "GET", 443) == "api.a:80");
}

TEST_CASE("Several TCPRoutes on one listener: the oldest") {
  const auto tcp = [](const std::string& name, const std::string& backend, const std::string& created) {
    return "---\napiVersion: gateway.networking.k8s.io/v1alpha2\nkind: TCPRoute\nmetadata: {name: " + name +
           ", namespace: a, creationTimestamp: \"" + created +
           "\"}\nspec: {parentRefs: [{name: gw}], rules: [{backendRefs: [{name: " + backend +
           ", port: 80}]}]}\n";
  };
  const std::string all = gateway("{name: tcp, port: 9000, protocol: TCP}") +
                          tcp("r1", "web", "2024-02-01T00:00:00Z") + tcp("r2", "api", "2024-01-01T00:00:00Z");
  CHECK(get(all, "tcp://x", {}, "GET", 9000) == "api.a:80");
  const std::string gone =
      gateway("{name: tcp, port: 9000, protocol: TCP}") + tcp("r1", "gone", "2024-02-01T00:00:00Z");
  CHECK(get(gone, "tcp://x", {}, "GET", 9000) == "closed ROUTE_NO_BACKEND");
}

TEST_CASE("A ListenerSet adds listeners when the Gateway allows it; routes of the Gateway stay off them") {
  const auto all = [&](const std::string& more) {
    return gateway(kHttp, more) +
           "---\napiVersion: gateway.networking.k8s.io/v1\nkind: ListenerSet\nmetadata: {name: ls, "
           "namespace: a}\nspec: {parentRef: "
           "{name: gw}, listeners: [{name: extra, port: 8080, protocol: HTTP}]}\n" +
           http_route("a", "on-set",
                      "{parentRefs: [{kind: ListenerSet, name: ls}], rules: [{matches: [{path: {value: "
                      "/set}}], backendRefs: [{name: "
                      "api, port: 80}]}]}") +
           route_to("on-gw", "{path: {value: /}}", "web");
  };
  const std::string allowed = all(", allowedListeners: {namespaces: {from: Same}}");
  CHECK(get(allowed, "http://h/set", {}, "GET", 8080) == "api.a:80");
  CHECK(get(allowed, "http://h/", {}, "GET", 8080) == "404 ROUTE_NO_RULE");
  CHECK(get(allowed, "http://h/set") == "web.a:80");
  CHECK(get(all(""), "http://h/set", {}, "GET", 8080) == "refused LISTENER_NOT_ALLOWED");
}

TEST_CASE("GRPCRoute methods become paths") {
  const auto with = [&](const std::string& method, const std::string& path) {
    const auto cluster = cluster_of(
        kBackends + gateway(kHttp) +
        "---\napiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {name: g, namespace: "
        "a}\nspec: {parentRefs: [{name: gw}], rules: [{matches: [{method: " +
        method + "}], backendRefs: [{name: web, port: 80}]}]}\n");
    RouteRequest request = request_of("http://h" + path, {}, "POST");
    request.app = RouteRequest::App::Grpc;
    return at_gateway(*cluster, 80, request);
  };
  CHECK(with("{service: pkg.Svc, method: Get}", "/pkg.Svc/Get") == "web.a:80");
  CHECK(with("{service: pkg.Svc, method: Get}", "/pkg.Svc/GetAll") == "404 ROUTE_NO_RULE");
  CHECK(with("{service: pkg.Svc}", "/pkg.Svc/Any") == "web.a:80");
  CHECK(with("{service: pkg.Svc}", "/pkg.Svc2/Any") == "404 ROUTE_NO_RULE");
  CHECK(with("{method: Get}", "/any.Svc/Get") == "web.a:80");
}

TEST_CASE("A Gateway of another controller is not predicted") {
  const std::string all =
      "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: gw, namespace: "
      "a}\nspec: {gatewayClassName: "
      "nginx, listeners: [{name: http, port: 80, protocol: HTTP}]}\n";
  CHECK(get(all, "http://h/") == "unknown LISTENER_CLASS_UNKNOWN");
}

// Source: istio pilot/pkg/config/kube/gateway/conversion.go extractGatewayServices.
TEST_CASE("A Gateway whose addresses are neither one IPAddress nor of type Hostname makes no listener") {
  const auto with = [](const std::string& addresses) {
    return service("a", "web") +
           gateway("{name: http, port: 80, protocol: HTTP}", ", addresses: [" + addresses + "]") +
           http_route("a", "r",
                      "{parentRefs: [{name: gw}], rules: [{backendRefs: [{name: web, port: 80}]}]}");
  };
  const std::string ip = "{type: IPAddress, value: 1.2.3.4}", host = "{type: Hostname, value: web}",
                    other = "{type: istio.io/Other, value: 1.2.3.4}";
  const auto ask = [&](const std::string& addresses) {
    return at_gateway(*cluster_of(with(addresses)), 80, request_of("http://h/"));
  };
  CHECK(ask(ip) == "web.a:80");
  CHECK(ask(host) == "web.a:80");
  CHECK(ask(other + ", " + host) == "web.a:80");
  CHECK(ask(other) == "refused LISTENER_NONE");
  CHECK(ask(ip + ", " + ip) == "refused LISTENER_NONE");
}

}  // namespace waypath::sim::tests
