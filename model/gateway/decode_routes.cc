// HTTPRoute, GRPCRoute, TLSRoute, TCPRoute and UDPRoute with the CRDs' defaults.
// Source: kubernetes-sigs/gateway-api apis/v1/{httproute,grpcroute}_types.go, apis/v1alpha2

#include <algorithm>
#include <cctype>

#include "model/load/decoders.h"

namespace waypath::model {
namespace {

constexpr std::string_view kGatewayGroup = "gateway.networking.k8s.io";

std::vector<ParentRef> decode_parents(const Field& list, Symbol route_ns) {
  std::vector<ParentRef> out;
  list.each([&](const Field& f) {
    f.only({"group", "kind", "namespace", "name", "sectionName", "port"});
    ParentRef p;
    p.pos = f.pos();
    // An empty group is the core group: absence alone means the default.
    p.group = f["group"].text(kGatewayGroup);
    p.kind = f["kind"].text("Gateway");
    p.ns = f["namespace"].symbol(route_ns.view());
    if (!f["name"]) f["name"].reject(error_type::kRequired, "a parentRef needs its name");
    p.name = f["name"].symbol();
    p.section_name = f["sectionName"].text();
    p.port = f["port"].port();
    out.push_back(std::move(p));
  });
  return out;
}

HeaderChange decode_header_change(const Field& f) {
  HeaderChange change;
  f.only({"set", "add", "remove"});
  f["set"].each([&](const Field& h) { change.set.emplace_back(h["name"].text(), h["value"].text()); });
  f["add"].each([&](const Field& h) { change.add.emplace_back(h["name"].text(), h["value"].text()); });
  change.remove = f["remove"].texts();
  return change;
}

std::optional<PathModifier> decode_path_modifier(const Field& f) {
  if (!f) return std::nullopt;
  const auto type = f["type"].one_of({"ReplaceFullPath", "ReplacePrefixMatch"});
  if (type == "ReplaceFullPath") return PathModifier{true, f["replaceFullPath"].text()};
  return PathModifier{false, f["replacePrefixMatch"].text()};
}

HttpFilter decode_filter(const Field& f, Symbol route_ns);

BackendRef decode_backend(const Field& f, Symbol route_ns) {
  BackendRef b;
  b.pos = f.pos();
  f.only({"group", "kind", "namespace", "name", "port", "weight", "filters"});
  b.group = f["group"].text();
  b.kind = f["kind"].text("Service");
  b.ns = f["namespace"].symbol(route_ns.view());
  b.ns_given = f["namespace"].present();
  b.name = f["name"].symbol();
  b.port = f["port"].port();
  if (const auto weight = f["weight"].integer()) {
    if (*weight < 0 || *weight > 1'000'000) {
      f["weight"].reject(error_type::kInvalid,
                         "expected a weight from 0 to 1000000, found " + std::to_string(*weight));
    } else {
      b.weight = static_cast<int>(*weight);
    }
  }
  f["filters"].each([&](const Field& filter) { b.filters.push_back(decode_filter(filter, route_ns)); });
  return b;
}

void decode_mirror(const Field& f, HttpFilter& out, Symbol route_ns) {
  out.mirror.push_back(decode_backend(f["backendRef"], route_ns));
  if (const auto percent = f["percent"].number()) out.mirror_percent = *percent;
  if (const Field fraction = f["fraction"]) {
    const double denominator = fraction["denominator"].number().value_or(100);
    if (denominator > 0) out.mirror_percent = fraction["numerator"].number().value_or(0) * 100 / denominator;
  }
}

HttpFilter decode_filter(const Field& f, Symbol route_ns) {
  using Type = HttpFilter::Type;
  HttpFilter out;
  out.pos = f.pos();
  f.only({"type", "requestHeaderModifier", "responseHeaderModifier", "requestMirror", "requestRedirect",
          "urlRewrite", "cors", "extensionRef", "externalAuth"});
  const auto type = f["type"].text();
  if (type == "RequestHeaderModifier") {
    out.type = Type::RequestHeaderModifier;
    out.headers = decode_header_change(f["requestHeaderModifier"]);
  } else if (type == "ResponseHeaderModifier") {
    out.type = Type::ResponseHeaderModifier;
    out.headers = decode_header_change(f["responseHeaderModifier"]);
  } else if (type == "RequestMirror") {
    out.type = Type::RequestMirror;
    decode_mirror(f["requestMirror"], out, route_ns);
  } else if (type == "RequestRedirect") {
    out.type = Type::RequestRedirect;
    const Field r = f["requestRedirect"];
    r.only({"scheme", "hostname", "path", "port", "statusCode"});
    out.scheme = r["scheme"].optional_text();
    out.hostname = r["hostname"].optional_text();
    out.path = decode_path_modifier(r["path"]);
    out.port = r["port"].port();
    out.status_code = static_cast<int>(r["statusCode"].integer().value_or(302));
  } else if (type == "URLRewrite") {
    out.type = Type::UrlRewrite;
    const Field r = f["urlRewrite"];
    r.only({"hostname", "path"});
    out.hostname = r["hostname"].optional_text();
    out.path = decode_path_modifier(r["path"]);
  } else if (type == "CORS") {
    out.type = Type::Cors;
    const Field c = f["cors"];
    out.allow_origins = c["allowOrigins"].texts();
    out.allow_methods = c["allowMethods"].texts();
    out.allow_headers = c["allowHeaders"].texts();
    out.expose_headers = c["exposeHeaders"].texts();
    out.allow_credentials = c["allowCredentials"].boolean();
    out.max_age = c["maxAge"].integer().value_or(5);
  } else if (type == "ExtensionRef") {
    out.type = Type::ExtensionRef;
    const Field e = f["extensionRef"];
    out.extension = e["group"].text() + "/" + e["kind"].text() + "/" + e["name"].text();
  } else if (type == "ExternalAuth") {
    out.type = Type::ExternalAuth;
  } else {
    f["type"].reject(error_type::kNotSupported, "unknown filter type \"" + type + "\"");
  }
  return out;
}

MatchType decode_match_type(const Field& f, MatchType fallback) {
  const auto type = f.one_of({"Exact", "PathPrefix", "RegularExpression"});
  if (type == "Exact") return MatchType::Exact;
  if (type == "PathPrefix") return MatchType::Prefix;
  if (type == "RegularExpression") return MatchType::Regex;
  return fallback;
}

std::vector<NameValueMatch> decode_name_values(const Field& list) {
  std::vector<NameValueMatch> out;
  list.each([&](const Field& f) {
    f.only({"name", "type", "value"});
    out.push_back(
        {f["name"].text(), decode_match_type(f["type"], MatchType::Exact), f["value"].text(), f.pos()});
  });
  return out;
}

HttpRouteMatch decode_http_match(const Field& f) {
  HttpRouteMatch m;
  m.pos = f.pos();
  f.only({"path", "headers", "queryParams", "method"});
  m.path_type = decode_match_type(f["path"]["type"], MatchType::Prefix);
  m.path = f["path"]["value"].text("/");
  if (m.path_type != MatchType::Regex && (m.path.empty() || m.path.front() != '/'))
    f["path"]["value"].reject(error_type::kInvalid, "a path starts with \"/\", found \"" + m.path + "\"");
  m.headers = decode_name_values(f["headers"]);
  m.query_params = decode_name_values(f["queryParams"]);
  m.method = f["method"].text();
  return m;
}

// A gRPC call is an HTTP/2 POST to /package.Service/Method.
// Source: istio pilot/pkg/config/kube/gateway/conversion.go createGRPCURIMatch
HttpRouteMatch decode_grpc_match(const Field& f) {
  HttpRouteMatch m;
  m.pos = f.pos();
  f.only({"method", "headers"});
  m.headers = decode_name_values(f["headers"]);
  const Field method = f["method"];
  if (!method) return m;
  const auto service = method["service"].text(), name = method["method"].text();
  const bool regex = method["type"].one_of({"Exact", "RegularExpression"}) == "RegularExpression";
  if (service.empty() && name.empty()) {
    method.reject(error_type::kInvalid, "a method match needs service, method or both");
  } else if (regex) {
    m.path_type = MatchType::Regex;
    m.path = "/" + (service.empty() ? "[^/]+" : service) + "/" + (name.empty() ? "[^/]+" : name);
  } else if (service.empty()) {
    m.path_type = MatchType::Regex;
    m.path = "/[^/]+/" + name;
  } else if (name.empty()) {
    m.path_type = MatchType::Prefix;
    m.path = "/" + service + "/";
  } else {
    m.path_type = MatchType::Exact;
    m.path = "/" + service + "/" + name;
  }
  return m;
}

void decode_http_like(const Field& root, ObjectMeta meta, Decoded& out, bool grpc) {
  HttpRoute route;
  route.meta = std::move(meta);
  root.only({"apiVersion", "kind", "metadata", "spec"}, {"status"});
  const Field spec = root["spec"];
  spec.only({"parentRefs", "hostnames", "rules"}, {"useDefaultGateways"});
  route.parents = decode_parents(spec["parentRefs"], route.meta.key.ns);
  route.hostnames = spec["hostnames"].texts();
  const auto add_rule = [&](const Field& f) {
    HttpRouteRule rule;
    rule.pos = f.pos();
    f.only({"name", "matches", "filters", "backendRefs", "timeouts", "retry", "sessionPersistence"});
    rule.name = f["name"].text();
    f["matches"].each(
        [&](const Field& m) { rule.matches.push_back(grpc ? decode_grpc_match(m) : decode_http_match(m)); });
    if (rule.matches.empty()) {
      rule.matches.emplace_back();
      rule.matches.back().pos = f.pos();
    }
    f["filters"].each([&](const Field& x) { rule.filters.push_back(decode_filter(x, route.meta.key.ns)); });
    f["backendRefs"].each(
        [&](const Field& x) { rule.backends.push_back(decode_backend(x, route.meta.key.ns)); });
    rule.request_timeout = f["timeouts"]["request"].optional_text();
    rule.backend_request_timeout = f["timeouts"]["backendRequest"].optional_text();
    if (const auto n = f["retry"]["attempts"].integer()) rule.retry_attempts = static_cast<int>(*n);
    rule.session_persistence = f["sessionPersistence"].present();
    route.rules.push_back(std::move(rule));
  };
  if (spec["rules"].size() != 0) {
    spec["rules"].each(add_rule);
  } else if (!grpc && !spec["rules"].written()) {
    // The CRD's default: one rule that matches "/" and has no backend.
    HttpRouteRule rule;
    rule.pos = spec.pos();
    rule.matches.emplace_back();
    rule.matches.back().pos = spec.pos();
    route.rules.push_back(std::move(rule));
  }
  out.emplace_back(std::move(route));
}

}  // namespace

void decode_http_route(const Field& root, ObjectMeta meta, Decoded& out) {
  decode_http_like(root, std::move(meta), out, false);
}
void decode_grpc_route(const Field& root, ObjectMeta meta, Decoded& out) {
  decode_http_like(root, std::move(meta), out, true);
}

void decode_l4_route(const Field& root, ObjectMeta meta, Decoded& out) {
  L4Route route;
  route.meta = std::move(meta);
  root.only({"apiVersion", "kind", "metadata", "spec"}, {"status"});
  const Field spec = root["spec"];
  spec.only({"parentRefs", "hostnames", "rules"}, {"useDefaultGateways"});
  route.parents = decode_parents(spec["parentRefs"], route.meta.key.ns);
  route.hostnames = spec["hostnames"].texts();
  spec["rules"].each([&](const Field& f) {
    L4RouteRule rule;
    rule.pos = f.pos();
    f.only({"name", "backendRefs"});
    f["backendRefs"].each(
        [&](const Field& x) { rule.backends.push_back(decode_backend(x, route.meta.key.ns)); });
    route.rules.push_back(std::move(rule));
  });
  out.emplace_back(std::move(route));
}

}  // namespace waypath::model
