// VirtualService. Source: istio/api networking/v1alpha3/virtual_service.proto

#include <algorithm>

#include "model/diagnostic_codes.h"
#include "model/load/decoders.h"

namespace waypath::model {
namespace {

std::optional<StringMatch> decode_string_match(const Field& f) {
  if (!f.written()) return std::nullopt;
  StringMatch m;
  if (f.size() == 0) {  // `{}`: present
    m.kind = StringMatch::Kind::Present;
    return m;
  }
  f.only({"exact", "prefix", "regex"});
  for (const auto& [key, kind] :
       {std::pair{"exact", StringMatch::Kind::Exact}, std::pair{"prefix", StringMatch::Kind::Prefix},
        std::pair{"regex", StringMatch::Kind::Regex}}) {
    if (!f[key].present()) continue;
    m.kind = kind;
    m.value = f[key].text();
  }
  return m;
}

std::vector<NamedStringMatch> decode_named_matches(const Field& map) {
  std::vector<NamedStringMatch> out;
  map.each_member([&](std::string_view key, const Field& f) {
    out.push_back(
        {std::string(key), decode_string_match(f).value_or(StringMatch{StringMatch::Kind::Present, {}})});
  });
  return out;
}

HeaderChange decode_headers(const Field& f) {
  HeaderChange change;
  f["set"].each_member(
      [&](std::string_view key, const Field& v) { change.set.emplace_back(std::string(key), v.text()); });
  f["add"].each_member(
      [&](std::string_view key, const Field& v) { change.add.emplace_back(std::string(key), v.text()); });
  change.remove = f["remove"].texts();
  return change;
}

VsHttpMatch decode_http_match(const Field& f) {
  VsHttpMatch m;
  m.pos = f.pos();
  f.only({"name", "uri", "scheme", "method", "authority", "headers", "withoutHeaders", "queryParams",
          "ignoreUriCase", "port", "sourceLabels", "sourceNamespace", "gateways"},
         {"statPrefix"});
  m.name = f["name"].text();
  m.uri = decode_string_match(f["uri"]);
  m.scheme = decode_string_match(f["scheme"]);
  m.method = decode_string_match(f["method"]);
  m.authority = decode_string_match(f["authority"]);
  m.headers = decode_named_matches(f["headers"]);
  m.without_headers = decode_named_matches(f["withoutHeaders"]);
  m.query_params = decode_named_matches(f["queryParams"]);
  m.ignore_uri_case = f["ignoreUriCase"].boolean();
  if (f["port"] && f["port"].integer() != 0) m.port = f["port"].port();
  m.source_labels = f["sourceLabels"].string_map();
  m.source_namespace = f["sourceNamespace"].symbol();
  m.gateways = f["gateways"].texts();
  return m;
}

VsDestination decode_destination(const Field& f) {
  VsDestination d;
  d.pos = f.pos();
  f.only({"destination", "weight", "headers"});
  const Field destination = f["destination"];
  destination.only({"host", "subset", "port"});
  d.host = destination["host"].text();
  if (d.host.empty()) destination["host"].reject(error_type::kRequired, "a destination needs its host");
  d.subset = destination["subset"].text();
  if (destination["port"]["number"]) d.port = destination["port"]["number"].port();
  if (const auto weight = f["weight"].integer()) {
    d.weight_given = true;
    d.weight = static_cast<int>(std::clamp<std::int64_t>(*weight, 0, 1'000'000));
  }
  d.request_headers = decode_headers(f["headers"]["request"]);
  d.response_headers = decode_headers(f["headers"]["response"]);
  return d;
}

/// Without a percentage nothing is delayed or aborted. Source: istio/api
/// networking/v1alpha3/virtual_service.proto HTTPFaultInjection.
double decode_percent(const Field& percentage, const Field& percent) {
  if (const auto value = percentage["value"].number()) return *value;
  if (const auto value = percent.number()) return *value;
  return 0;
}

/// Source: istio pkg/util/grpc SupportedGRPCStatus; the numbers are those of google.rpc
/// Code.
std::optional<int> grpc_status(const std::string& text) {
  constexpr std::string_view kNames[] = {
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (text == kNames[i]) return static_cast<int>(i);
  }
  return std::nullopt;
}

VsFault decode_fault(const Field& f) {
  VsFault fault;
  f.only({"abort", "delay"});
  const Field abort = f["abort"], delay = f["delay"];
  abort.only({"httpStatus", "grpcStatus", "percentage"}, {}, {"http2Error"});
  if (const auto status = abort["httpStatus"].integer()) fault.abort_status = static_cast<int>(*status);
  if (abort["grpcStatus"].present()) {
    fault.abort_grpc_status = grpc_status(abort["grpcStatus"].text());
    if (!fault.abort_grpc_status) {
      abort["grpcStatus"].reject(error_type::kInvalid,
                                 "\"" + abort["grpcStatus"].text() + "\" is no gRPC status code");
    }
  }
  fault.abort_percent = abort["percentage"]["value"].number().value_or(0);
  delay.only({"fixedDelay", "percentage", "percent"}, {}, {"exponentialDelay"});
  fault.delay = delay["fixedDelay"].optional_text();
  fault.delay_percent = decode_percent(delay["percentage"], delay["percent"]);
  return fault;
}

VsRedirect decode_redirect(const Field& f) {
  VsRedirect r;
  f.only({"uri", "authority", "scheme", "port", "derivePort", "redirectCode", "prefixRewrite"});
  r.uri = f["uri"].optional_text();
  r.authority = f["authority"].optional_text();
  r.scheme = f["scheme"].optional_text();
  r.prefix_rewrite = f["prefixRewrite"].optional_text();
  r.port = f["port"].port();
  r.derive_port = f["derivePort"].text();
  if (const auto code = f["redirectCode"].integer(); code && *code != 0) r.code = static_cast<int>(*code);
  return r;
}

VsHttpRoute decode_http(const Field& f, Symbol ns) {
  VsHttpRoute r;
  r.pos = f.pos();
  f.only({"name", "match", "route", "redirect", "directResponse", "rewrite", "delegate", "fault", "mirror",
          "mirrors", "mirrorPercentage", "mirrorPercent", "mirror_percent", "timeout", "retries",
          "corsPolicy", "headers"});
  r.name = f["name"].text();
  f["match"].each([&](const Field& m) { r.matches.push_back(decode_http_match(m)); });
  f["route"].each([&](const Field& d) { r.route.push_back(decode_destination(d)); });
  if (f["redirect"]) r.redirect = decode_redirect(f["redirect"]);
  if (const Field direct = f["directResponse"]) {
    r.direct_response_status = static_cast<int>(direct["status"].integer().value_or(0));
    r.direct_response_body = direct["body"]["string"].text();
  }
  if (const Field rewrite = f["rewrite"]) {
    rewrite.only({"uri", "authority", "uriRegexRewrite"});
    VsRewrite w;
    w.uri = rewrite["uri"].optional_text();
    w.authority = rewrite["authority"].optional_text();
    if (const Field regex = rewrite["uriRegexRewrite"])
      w.uri_regex = std::pair(regex["match"].text(), regex["rewrite"].text());
    r.rewrite = std::move(w);
  }
  if (const Field delegate = f["delegate"])
    r.delegate = std::pair(delegate["namespace"].symbol(ns.view()), delegate["name"].symbol());
  if (f["fault"]) r.fault = decode_fault(f["fault"]);
  // A mirror of 0 % is none. Source: istio pilot/pkg/networking/core/route/route.go MirrorPercent,
  // MirrorPercentByPolicy.
  const auto mirror = [&](const Field& m, std::optional<double> percent) {
    if (percent && *percent <= 0) return;
    VsDestination d;
    d.pos = m.pos();
    d.host = m["host"].text();
    d.subset = m["subset"].text();
    if (m["port"]["number"]) d.port = m["port"]["number"].port();
    r.mirrors.push_back(std::move(d));
  };
  const auto percentage = [](const Field& p) {
    return p ? std::optional(p["value"].number().value_or(0)) : std::nullopt;
  };
  std::optional<double> percent = percentage(f["mirrorPercentage"]);
  for (const std::string_view old : {"mirrorPercent", "mirror_percent"})
    if (!percent) percent = f[old].number();
  if (f["mirror"]) mirror(f["mirror"], percent);
  f["mirrors"].each([&](const Field& m) { mirror(m["destination"], percentage(m["percentage"])); });
  r.timeout = f["timeout"].optional_text();
  if (const auto n = f["retries"]["attempts"].integer()) r.retry_attempts = static_cast<int>(*n);
  if (const Field cors = f["corsPolicy"]) {
    cors.only({"allowOrigins", "allowMethods", "allowHeaders", "exposeHeaders", "allowCredentials", "maxAge",
               "unmatchedPreflights"},
              {"allowOrigin"});
    VsCors c;
    cors["allowOrigins"].each([&](const Field& o) {
      c.allow_origins.push_back(decode_string_match(o).value_or(StringMatch{StringMatch::Kind::Present, {}}));
    });
    for (std::string& origin : cors["allowOrigin"].texts()) {
      c.allow_origins.push_back({StringMatch::Kind::Exact, std::move(origin)});
    }
    c.allow_methods = cors["allowMethods"].texts();
    c.allow_headers = cors["allowHeaders"].texts();
    c.expose_headers = cors["exposeHeaders"].texts();
    if (cors["allowCredentials"]) c.allow_credentials = cors["allowCredentials"].boolean();
    c.max_age = cors["maxAge"].optional_text();
    c.ignore_unmatched = cors["unmatchedPreflights"].text() == "IGNORE";
    r.cors = std::move(c);
  }
  r.request_headers = decode_headers(f["headers"]["request"]);
  r.response_headers = decode_headers(f["headers"]["response"]);
  return r;
}

VsL4Route decode_l4(const Field& f) {
  VsL4Route r;
  r.pos = f.pos();
  f.only({"match", "route"});
  f["match"].each([&](const Field& x) {
    x.only({"sniHosts", "destinationSubnets", "port", "sourceLabels", "sourceNamespace", "gateways"},
           {"sourceSubnet", "sourceSubnets"});
    VsL4Match m;
    m.pos = x.pos();
    m.sni_hosts = x["sniHosts"].texts();
    m.destination_subnets = x["destinationSubnets"].texts();
    if (x["port"] && x["port"].integer() != 0) m.port = x["port"].port();
    m.source_labels = x["sourceLabels"].string_map();
    m.source_namespace = x["sourceNamespace"].symbol();
    m.gateways = x["gateways"].texts();
    r.matches.push_back(std::move(m));
  });
  f["route"].each([&](const Field& d) { r.route.push_back(decode_destination(d)); });
  return r;
}

}  // namespace

void decode_virtual_service(const Field& root, ObjectMeta meta, Decoded& out) {
  VirtualService vs;
  vs.meta = std::move(meta);
  root.only({"apiVersion", "kind", "metadata", "spec"}, {"status"});
  const Field spec = root["spec"];
  spec.only({"hosts", "gateways", "exportTo", "http", "tls", "tcp"});
  vs.hosts = spec["hosts"].texts();
  vs.gateways = spec["gateways"].texts();
  vs.export_to = spec["exportTo"].texts();
  spec["http"].each([&](const Field& f) { vs.http.push_back(decode_http(f, vs.meta.key.ns)); });
  spec["tls"].each([&](const Field& f) { vs.tls.push_back(decode_l4(f)); });
  spec["tcp"].each([&](const Field& f) { vs.tcp.push_back(decode_l4(f)); });
  out.emplace_back(std::move(vs));
}

}  // namespace waypath::model
