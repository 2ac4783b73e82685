// A chosen rule applied to a request: destinations with shares, redirect, rewrite, fault
// (routing.md 2.5, 2.6, 3.2).

#include <fmt/format.h>

#include <algorithm>

#include "sim/match/forwarded_for.h"
#include "sim/match/policy_match.h"
#include "sim/reasons/route.h"
#include "sim/resolve/http_route.h"
#include "sim/resolve/protocol.h"
#include "sim/resolve/route_tables.h"

namespace waypath::sim {

namespace {

constexpr std::size_t kExplainAllUpTo = 24;  // rules: longer lists explain only those whose path can match

std::string rule_name(const HttpEntry& entry) {
  std::string out = entry.at.key.str();
  if (!entry.rule->name.empty()) out += fmt::format(" rule \"{}\"", entry.rule->name);
  if (entry.at.rule >= 0) out += fmt::format(" {}[{}]", entry.at.section, entry.at.rule);
  return out;
}

/// The part of the path that the rule's path condition covers.
std::size_t matched_prefix(const HttpMatch& match, const std::string& path) {
  if (!match.path) return 0;
  switch (match.path->kind) {
    case TextMatcher::Kind::Prefix:
      return match.path->value.size();
    case TextMatcher::Kind::PathPrefix:
      return match.path->value == "/" ? 0 : match.path->value.size();
    case TextMatcher::Kind::Exact:
    case TextMatcher::Kind::Regex:
    case TextMatcher::Kind::Present:
      return path.size();
  }
  return 0;
}

/// Source: istio pilot/pkg/config/kube/gateway/conversion.go createRewriteFilter: "/" removes the prefix, and
/// the parts join without a double slash. VirtualService replaces characters (envoy prefix_rewrite).
std::string replace_prefix(const HttpMatch& match, const std::string& path, std::string value,
                           bool by_element) {
  std::size_t length = std::min(matched_prefix(match, path), path.size());
  if (!by_element) {
    if (!match.path) length = 1;  // a rule without a path condition matches the prefix "/"
    return value + path.substr(std::min(length, path.size()));
  }
  while (value.ends_with('/')) value.pop_back();
  std::string rest = path.substr(length);
  if (!rest.empty() && !rest.starts_with('/')) rest.insert(rest.begin(), '/');
  const std::string joined = value + rest;
  return joined.empty() ? "/" : joined;
}

/// Host of a redirect that does not name one: the request's, its port dropped when the redirect sets one or
/// when it was the default of the scheme that is left. Source: envoy source/common/http/utility.cc (newUri,
/// processRequestHost).
std::string redirect_host(const RequestView& view, std::string_view new_scheme, bool new_port) {
  const std::size_t colon = view.authority.rfind(':');
  if (colon == std::string::npos || view.authority.find(']', colon) != std::string::npos)
    return view.authority;
  const std::string_view port = std::string_view(view.authority).substr(colon);
  const bool was_default =
      (view.scheme == "https" && port == ":443") || (view.scheme == "http" && port == ":80");
  if (new_port || (new_scheme != view.scheme && was_default)) return view.authority.substr(0, colon);
  return view.authority;
}

/// Source: istio pilot/pkg/networking/core/route/route.go ApplyRedirect; envoy source/common/http/utility.cc
/// newUri.
std::string location(const RuleRedirect& redirect, const HttpMatch& match, const RequestView& view,
                     const ProxyView& proxy) {
  const std::string scheme = redirect.scheme.value_or(view.scheme);
  const std::string listener_scheme = redirect.scheme.value_or(proxy.tls ? "https" : "http");
  std::uint16_t port = redirect.port.value_or(redirect.port_of_listener ? proxy.port : std::uint16_t{0});
  if ((port == 80 && listener_scheme == "http") || (port == 443 && listener_scheme == "https")) port = 0;
  const std::string host = redirect.hostname && !redirect.hostname->empty()
                               ? *redirect.hostname
                               : redirect_host(view, scheme, port != 0);
  std::string path = view.path;
  if (redirect.full_path) path = *redirect.full_path;
  if (redirect.prefix) path = replace_prefix(match, view.path, *redirect.prefix, redirect.by_element);
  const bool has_query = path.find('?') != std::string::npos;
  return fmt::format("{}://{}{}{}{}", scheme, host, port == 0 ? std::string() : fmt::format(":{}", port),
                     path, has_query ? std::string() : view.query_text);
}

/// Host goes through host_rewrite, `set` before `add`; other pseudo headers cannot be changed. Source: istio
/// pilot/pkg/networking/core/route/route.go TranslateHeadersOperations, isInternalHeader.
void add_changes(RouteTarget& target, const model::HeaderChange& change) {
  const auto authority = [](std::string_view key) { return key == "host" || key == ":authority"; };
  const auto changeable = [&](std::string_view key) { return !key.starts_with(':') && !authority(key); };
  for (const auto* list : {&change.add, &change.set}) {
    for (const auto& [name, value] : *list) {
      const std::string key = lower_case(name);
      if (authority(key) && !value.empty()) target.host_rewrite = value;
      if (changeable(key))
        (list == &change.set ? target.set_headers : target.add_headers).emplace_back(key, value);
    }
  }
  for (const std::string& name : change.remove) {
    if (std::string key = lower_case(name); changeable(key)) target.remove_headers.push_back(std::move(key));
  }
}

/// `to`: a RouteTarget or the RouteDecision.
void add_response(auto& to, const model::HeaderChange& change) {
  for (const auto& [name, value] : change.set) to.response_set.emplace_back(lower_case(name), value);
  for (const auto& [name, value] : change.add) to.response_add.emplace_back(lower_case(name), value);
  for (const std::string& name : change.remove) to.response_remove.push_back(lower_case(name));
}

void rewrite_target(RouteTarget& target, const RuleRewrite& rewrite, const HttpMatch& match,
                    const RequestView& view) {
  if (rewrite.hostname) target.host_rewrite = rewrite.hostname;
  std::optional<std::string> path;
  if (rewrite.full_path) path = *rewrite.full_path;
  if (rewrite.prefix) path = replace_prefix(match, view.path, *rewrite.prefix, rewrite.by_element);
  if (rewrite.regex != nullptr && rewrite.regex->valid()) {
    path = rewrite.regex->replace_all(view.path, rewrite.regex_rewrite);
  }
  if (path) target.path_rewrite = *path + view.query_text;
}

bool origin_allowed(const RuleCors& cors, std::string_view origin) {
  return std::any_of(cors.allow_origins.begin(), cors.allow_origins.end(),
                     [&](const TextMatcher& allowed) { return allowed.matches(origin); });
}

std::string service_name(const RouteTables::Impl& impl, const RouteTarget& target) {
  if (!target.service.valid()) return target.host;
  const model::RegistryService& s = impl.cluster.service(target.service);
  return s.service != nullptr ? fmt::format("{}/{}", s.ns.view(), s.name.view()) : s.host;
}

/// Applies one rule.
class RuleApplier {
 public:
  RuleApplier(RouteDecision& decision, const RouteTables::Impl& impl, const ProxyView& proxy,
              const HttpEntry& entry, const RequestView& view)
      : decision_(decision), impl_(impl), proxy_(proxy), entry_(entry), rule_(*entry.rule), view_(view) {}

  void apply() {
    decision_.rule_name = rule_.name;
    decision_.facts.insert(decision_.facts.end(), rule_.facts.begin(), rule_.facts.end());
    if (!weighed())
      for (const model::HeaderChange& change : rule_.response_headers) add_response(decision_, change);
    if (preflight()) return;
    if (aborted()) return;
    if (rule_.redirect) {
      decision_.redirect = location(*rule_.redirect, entry_.match, view_, proxy_);
      return respond(rule_.redirect->code, kRouteRedirect,
                     fmt::format("{} redirects to {}", rule_name(entry_), decision_.redirect));
    }
    if (rule_.direct_response) {
      return respond(*rule_.direct_response, kRouteDirectResponse,
                     fmt::format("{} answers {} itself", rule_name(entry_), *rule_.direct_response));
    }
    forward();
  }

 private:
  void respond(int status, Code code, std::string detail) {
    decision_.kind = RouteDecision::Kind::Respond;
    decision_.status = status;
    decision_.reason = {code, entry_.at, std::move(detail)};
  }

  void unknown(Code code, std::string missing) {
    decision_.kind = RouteDecision::Kind::Unknown;
    decision_.reason = {code, entry_.at, missing};
    decision_.missing_facts.push_back(std::move(missing));
  }

  /// A preflight of an allowed origin is answered here, another is forwarded unless told otherwise; answers
  /// to allowed origins say so. Source: envoy source/extensions/filters/http/cors/cors_filter.cc
  /// decodeHeaders, encodeHeaders.
  bool preflight() {
    const std::string* origin = view_.header("origin");
    if (!rule_.cors || origin == nullptr || origin->empty()) return false;
    const RuleCors& cors = *rule_.cors;
    const bool asks = view_.method == "OPTIONS" && view_.header("access-control-request-method") != nullptr;
    const bool allowed = origin_allowed(cors, *origin);
    const auto add = [&](std::string_view name, const std::string& value) {
      if (!value.empty()) decision_.response_set.emplace_back(std::string(name), value);
    };
    // What the request asks for is what "*" allows.
    const auto listed = [&](const std::string& list, std::string_view asked) {
      if (list != "*") return list;
      const std::string* value = view_.header(asked);
      return value == nullptr ? std::string() : *value;
    };
    const bool answers = asks && (allowed || cors.ignore_unmatched);
    if (allowed) {
      add("access-control-allow-origin", *origin);
      add("access-control-expose-headers", cors.expose_headers);
    }
    if (allowed || answers) add("access-control-allow-credentials", cors.allow_credentials ? "true" : "");
    if (!answers) return false;
    add("access-control-allow-methods", listed(cors.allow_methods, "access-control-request-method"));
    add("access-control-allow-headers", listed(cors.allow_headers, "access-control-request-headers"));
    add("access-control-max-age", cors.max_age);
    respond(200, kRouteCorsPreflight,
            fmt::format("{} answers the preflight of origin {}", rule_name(entry_), *origin));
    return true;
  }

  bool aborted() {
    if (!rule_.fault) return false;
    if (rule_.fault->delay && rule_.fault->delay_percent > 0) {
      decision_.facts.push_back(fmt::format("{} delays {}% of requests by {}", rule_name(entry_),
                                            rule_.fault->delay_percent, *rule_.fault->delay));
    }
    if (rule_.fault->abort_percent < 100) return false;
    if (rule_.fault->abort_grpc_status) {
      // Source: envoy source/extensions/filters/http/fault/fault_filter.cc abortWithStatus: HTTP 200 with the
      // gRPC status.
      decision_.grpc_status = rule_.fault->abort_grpc_status;
      respond(200, kRouteFault,
              fmt::format("{} aborts every request with gRPC status {}", rule_name(entry_),
                          *rule_.fault->abort_grpc_status));
      return true;
    }
    if (!rule_.fault->abort_status) return false;
    respond(*rule_.fault->abort_status, kRouteFault,
            fmt::format("{} aborts every request with {}", rule_name(entry_), *rule_.fault->abort_status));
    return true;
  }

  void refuse(int status, Code code, std::string detail) {
    decision_.kind = RouteDecision::Kind::Refuse;
    decision_.status = status;
    decision_.reason = {code, entry_.at, std::move(detail)};
  }

  void forward() {
    double sum = 0;
    for (const RuleDestination& d : rule_.destinations) sum += d.weight;
    if (rule_.destinations.empty() || sum <= 0) {
      if (!rule_.gateway_semantics && rule_.destinations.empty()) {
        return unknown(kRouteNoAction,
                       fmt::format("{} has neither route, redirect nor directResponse", rule_name(entry_)));
      }
      // Source: istio release notes 59356 and 60787: no backendRefs at all was 404 in 1.30 only.
      const bool is404 =
          rule_.destinations.empty() && impl_.cluster.profile().has(model::Feature::NoBackendRefsIs404);
      return refuse(is404                     ? 404
                    : rule_.gateway_semantics ? 500
                                              : 503,
                    kRouteNoBackend, fmt::format("{} has no backend with a weight", rule_name(entry_)));
    }
    decision_.kind = RouteDecision::Kind::Forward;
    for (const RuleDestination& d : rule_.destinations) {
      if (d.weight <= 0) continue;
      decision_.targets.push_back(target(d, d.weight / sum));
    }
    inject_partial_abort();
    add_facts();
    decision_.reason = {kRouteMatched, entry_.at,
                        fmt::format("{} matches ({})", rule_name(entry_), entry_.match.describe())};
    const RouteTarget& first = decision_.targets.front();
    if (first.error_status != 0 &&
        std::all_of(decision_.targets.begin(), decision_.targets.end(),
                    [&](const RouteTarget& t) { return t.error_status == first.error_status; })) {
      refuse(first.error_status, first.error, first.error_detail);
      decision_.reason.by = first.by;
    }
  }

  /// Several destinations are weighed against each other; changes of the chosen one then come before those of
  /// the rule. With one they become part of the rule's and come after. Source: istio
  /// pilot/pkg/networking/core/route/route.go applyHTTPRouteDestination (of a Gateway API route those without
  /// weight are left out before: conversion.go buildHTTPDestination); envoy
  /// source/common/router/weighted_cluster_specifier.cc finalizeRequestHeaders, finalizeResponseHeaders.
  bool weighed() const {
    return std::count_if(rule_.destinations.begin(), rule_.destinations.end(), [&](const RuleDestination& d) {
             return !rule_.gateway_semantics || d.weight > 0;
           }) > 1;
  }

  RouteTarget target(const RuleDestination& d, double share) {
    RouteTarget out = resolve_target(impl_, proxy_, d, rule_.gateway_semantics);
    out.share = share;
    if (weighed()) {
      add_changes(out, d.request_headers);
      add_response(out, d.response_headers);
    }
    for (const model::HeaderChange& change : rule_.request_headers) add_changes(out, change);
    if (rule_.rewrite) rewrite_target(out, *rule_.rewrite, entry_.match, view_);
    if (weighed()) {
      for (const model::HeaderChange& change : rule_.response_headers) add_response(out, change);
      return out;
    }
    // Source: istio pilot/pkg/networking/core/route/route.go processDestination: a Host of the whole rule
    // comes first.
    const std::optional<std::string> of_rule = out.host_rewrite;
    add_changes(out, d.request_headers);
    if (of_rule) out.host_rewrite = of_rule;
    add_response(out, d.response_headers);
    return out;
  }

  void inject_partial_abort() {
    if (!rule_.fault || rule_.fault->abort_percent <= 0) return;
    if (rule_.fault->abort_grpc_status) {
      decision_.facts.push_back(fmt::format("{} aborts {}% of requests with gRPC status {}",
                                            rule_name(entry_), rule_.fault->abort_percent,
                                            *rule_.fault->abort_grpc_status));
      return;
    }
    if (!rule_.fault->abort_status) return;
    const double aborted_share = rule_.fault->abort_percent / 100.0;
    for (RouteTarget& t : decision_.targets) t.share *= 1.0 - aborted_share;
    RouteTarget abort;
    abort.share = aborted_share;
    abort.error_status = *rule_.fault->abort_status;
    abort.error = kRouteFault;
    abort.error_detail =
        fmt::format("{} aborts {}% of requests", rule_name(entry_), rule_.fault->abort_percent);
    abort.by = entry_.at;
    decision_.targets.push_back(std::move(abort));
  }

  void add_facts() {
    const auto set = [](const std::string& text) { return !text.empty() && text != "0" && text != "0s"; };
    if (set(rule_.timeout)) {
      decision_.request_timeout = rule_.timeout;
      decision_.facts.push_back(fmt::format("{}: 504 after {}", rule_name(entry_), rule_.timeout));
    }
    if (set(rule_.try_timeout)) {
      decision_.try_timeout = rule_.try_timeout;
      decision_.facts.push_back(
          fmt::format("{}: each try ends after {}", rule_name(entry_), rule_.try_timeout));
    }
    for (const RuleDestination& d : rule_.mirrors) {
      const RouteTarget mirror = resolve_target(impl_, proxy_, d, rule_.gateway_semantics);
      const std::string name = service_name(impl_, mirror);
      if (mirror.error_status != 0) {
        decision_.facts.push_back(fmt::format("mirror to {} cannot be used: {}", name, mirror.error_detail));
        continue;
      }
      decision_.mirrored_to.push_back(name);
      decision_.facts.push_back(fmt::format("copies go to {}", name));
    }
  }

  RouteDecision& decision_;
  const RouteTables::Impl& impl_;
  const ProxyView& proxy_;
  const HttpEntry& entry_;
  const HttpRule& rule_;
  const RequestView& view_;
};

/// Whether the match asks for what the request's x-forwarded-for does not tell: a proxy added an address that
/// is not known; the rest of the match has to hold for it to count.
bool asks_untold_address(const HttpMatch& match, const RequestView& view) {
  constexpr std::string_view kForwardedFor = "x-forwarded-for";
  const std::string* value = view.header(kForwardedFor);
  if (value == nullptr || value->find(kUntoldAddress) == std::string::npos) return false;
  const auto asks = [&](const NamedMatcher& m) {
    return m.name == kForwardedFor && m.match.kind != TextMatcher::Kind::Present;
  };
  HttpMatch rest = match;
  if (std::erase_if(rest.headers, asks) + std::erase_if(rest.without_headers, asks) == 0) return false;
  return match_request(rest, view, false).result == MatchAnswer::Result::Yes;
}

TraceNode entry_node(const HttpEntry& entry, Decision decision, Code code, std::string detail) {
  return trace_node("route", decision, code, entry.at, fmt::format("{}: {}", rule_name(entry), detail));
}

/// Both rules match; where only the age of their objects puts one before the other and it is not given, that
/// is said.
void note_order(RouteDecision& decision, const HttpEntry& chosen, const HttpEntry& other) {
  if ((chosen.age_known && other.age_known) || chosen.at.key == other.at.key) return;
  if (chosen.rule->gateway_semantics && other.rule->gateway_semantics) {
    if (match_before(chosen.match, other.match)) return;
  } else if (other.match.catch_all() && !chosen.match.catch_all()) {
    return;  // moved to the end
  }
  Assumption assumption{
      kRouteOrderAssumed,
      fmt::format(
          "{} before {}: only their age orders them, and creationTimestamp is not given; taken by name",
          chosen.at.key.str(), other.at.key.str()),
      other.at.pos};
  auto& list = decision.assumptions;
  if (std::find(list.begin(), list.end(), assumption) == list.end()) list.push_back(std::move(assumption));
}

// To a proxy an ExternalName Service is another name of the service that it names, which must be in the
// registry itself; one alias is followed, and waypoints follow none. Source: istio
// pilot/pkg/networking/core/route/route.go GetDestinationCluster, listener_waypoint.go
// getWaypointDestinationCluster; releasenotes/notes/external-name-on.yaml.
model::ServiceId aliased_service(const RouteTables::Impl& impl, const ProxyView& proxy,
                                 const model::RegistryService& alias, std::string& why) {
  const std::string host = lower_case(alias.service->external_name);
  if (proxy.waypoint) {
    why = fmt::format("{} is an alias of {} (ExternalName), which a waypoint does not follow", alias.host,
                      host);
    return {};
  }
  const model::ServiceId id = find_registry_service(impl, host, proxy.ns);
  const bool known = id.valid() && impl.cluster.service(id).host == host;
  if (known && !impl.cluster.service(id).external_name()) return id;
  why = known ? fmt::format("{} is an alias of {} (ExternalName), which is an alias itself", alias.host, host)
              : fmt::format(
                    "{} is an alias of {} (ExternalName), which is no host of the registry that "
                    "namespace {} sees",
                    alias.host, host, proxy.ns.view());
  return {};
}

}  // namespace

bool parses_as_http(RouteRequest::App app) {
  return app == RouteRequest::App::Http || app == RouteRequest::App::Http2 || app == RouteRequest::App::Grpc;
}

// Routes see the path as the proxy makes it, and so does what lies behind them.
// Source: istio pilot/pkg/networking/core/listener_builder.go (NormalizePath, MergeSlashes,
// PathWithEscapedSlashesAction of every HTTP connection manager)
RequestView view_request(const model::Cluster& cluster, const RouteRequest& request, bool tls) {
  const bool grpc = request.app == RouteRequest::App::Grpc;
  RequestView out = view_of(grpc && request.method == "GET" ? "POST" : request.method, tls ? "https" : "http",
                            request.host, request.path, request.headers, &request.verified_claims);
  out.path = normalized_path(out.path, cluster.mesh().path_normalization);
  return out;
}

RouteTarget resolve_target(const RouteTables::Impl& impl, const ProxyView& proxy,
                           const RuleDestination& destination, bool gateway_semantics) {
  RouteTarget out;
  out.host = destination.host;
  out.port = destination.port.value_or(proxy.port);
  out.subset = destination.subset;
  out.by = destination.at;
  // Source: istio pilot/pkg/networking/core/route/route.go ClusterNotFoundResponseCode: 500 for Gateway API,
  // else 503.
  const int not_found = gateway_semantics ? 500 : 503;
  const auto fail = [&](int status, Code code, std::string detail) {
    out.error_status = status;
    out.error = code;
    out.error_detail = std::move(detail);
    return out;
  };
  if (destination.error_status != 0)
    return fail(destination.error_status, destination.error, destination.error_detail);
  out.service = find_registry_service(impl, destination.host, proxy.ns);
  if (!out.service.valid()) {
    return fail(
        not_found, kRouteBackendNotFound,
        fmt::format("{} is not in the registry that namespace {} sees", destination.host, proxy.ns.view()));
  }
  const model::RegistryService& named = impl.cluster.service(out.service);
  // Source: istio pilot/pkg/networking/core/route/route.go GetDestinationCluster: without a port the
  // Service's only one.
  if (!destination.port && named.ports.size() == 1) out.port = named.ports.front().port;
  if (named.external_name()) {
    std::string why;
    out.service = aliased_service(impl, proxy, named, why);
    if (!out.service.valid()) return fail(not_found, kRouteBackendNotFound, std::move(why));
    out.host = impl.cluster.service(out.service).host;
  }
  if (impl.cluster.service(out.service).find_port(out.port) == nullptr) {
    return fail(not_found, kRouteBackendPort, fmt::format("{} has no port {}", out.host, out.port));
  }
  apply_destination_rule(impl, proxy, out);
  return out;
}

RouteTarget service_target(const RouteTables::Impl& impl, const ProxyView& proxy, model::ServiceId service,
                           std::uint16_t port) {
  const model::RegistryService& s = impl.cluster.service(service);
  RouteTarget out;
  out.service = service;
  out.host = s.host;
  out.port = port;
  out.by = object_at(s.meta());
  apply_destination_rule(impl, proxy, out);
  return out;
}

void decide_http(RouteDecision& decision, const RouteTables::Impl& impl, const ProxyView& proxy,
                 const VirtualHost& host, const RouteRequest& request, const RequestView& view,
                 std::string_view name) {
  if (name.empty()) name = host.host;
  decision.http = true;
  decision.virtual_host = std::string(name);
  const std::vector<HttpEntry>& entries = host.rules.entries();
  TraceNode node = trace_node("virtual host", Decision::NotApplicable, kRouteNoRule, std::nullopt,
                              fmt::format("host {}: {} rules", name, entries.size()));
  std::vector<std::uint32_t> order;
  if (entries.size() <= kExplainAllUpTo) {
    for (std::uint32_t i = 0; i < entries.size(); ++i) order.push_back(i);
  } else {
    order = host.rules.index().candidates(view.path);
  }
  const HttpEntry* chosen = nullptr;
  for (const std::uint32_t i : order) {
    const HttpEntry& entry = entries[i];
    if (const RegexMatch* bad = entry.match.invalid_regex(); bad != nullptr && chosen == nullptr) {
      decision.kind = RouteDecision::Kind::Unknown;
      decision.missing_facts.push_back(fmt::format("what Envoy does with the invalid regex {} of {}: {}",
                                                   bad->pattern(), rule_name(entry), bad->error()));
      decision.reason = {kRouteUnknown, entry.at, decision.missing_facts.back()};
      decision.trace.push_back(std::move(node));
      return;
    }
    if (chosen == nullptr && asks_untold_address(entry.match, view)) {
      decision.kind = RouteDecision::Kind::Unknown;
      decision.missing_facts.push_back(fmt::format(
          "the client's address, which {} matches as x-forwarded-for (sourceIp)", rule_name(entry)));
      decision.reason = {kRouteUnknown, entry.at, decision.missing_facts.back()};
      decision.trace.push_back(std::move(node));
      return;
    }
    const MatchAnswer answer = match_request(entry.match, view, true);
    if (answer.result != MatchAnswer::Result::Yes) {
      node.children.push_back(entry_node(entry, Decision::NotApplicable, kRouteNotMatched, answer.detail));
    } else if (chosen == nullptr) {
      chosen = &entry;
      node.children.push_back(entry_node(entry, Decision::Allow, kRouteMatched, entry.match.describe()));
    } else {
      note_order(decision, *chosen, entry);
      node.children.push_back(entry_node(entry, Decision::NotApplicable, kRouteShadowed,
                                         "would match too; an earlier rule is taken"));
    }
  }
  node.children.insert(node.children.end(), host.losers.begin(), host.losers.end());
  if (chosen == nullptr) {
    node.decision = Decision::Deny;
    decision.kind = RouteDecision::Kind::Refuse;
    decision.status = 404;
    // There is no fall-back to a wider host: a proxy chooses one virtual host.
    decision.reason = {kRouteNoRule, std::nullopt,
                       fmt::format("no rule of host {} matches {} {}", name, view.method, view.path)};
    if (!entries.empty()) decision.reason.by = entries.front().at;
    decision.trace.push_back(std::move(node));
    return;
  }
  node.decision = Decision::Allow;
  node.reason.code = kRouteMatched;
  decision.trace.push_back(std::move(node));
  RuleApplier(decision, impl, proxy, *chosen, view).apply();
  if (request.path == view.path + view.query_text) return;
  for (RouteTarget& target : decision.targets)
    if (!target.path_rewrite) target.path_rewrite = view.path + view.query_text;
}

void decide_l4(RouteDecision& decision, const RouteTables::Impl& impl, const ProxyView& proxy,
               const L4Rule& rule) {
  decision.http = false;
  double sum = 0;
  for (const RuleDestination& d : rule.destinations) sum += d.weight;
  for (const RuleDestination& d : rule.destinations) {
    if (d.weight <= 0) continue;
    RouteTarget target = resolve_target(impl, proxy, d, rule.gateway_semantics);
    target.share = d.weight / sum;
    decision.targets.push_back(std::move(target));
  }
  const bool usable = std::any_of(decision.targets.begin(), decision.targets.end(),
                                  [](const RouteTarget& t) { return t.error_status == 0; });
  if (!usable) {
    decision.kind = RouteDecision::Kind::Close;
    decision.reason = {kRouteNoBackend, rule.at,
                       decision.targets.empty() ? std::string("the rule has no backend with a weight")
                                                : decision.targets.front().error_detail};
  } else {
    decision.kind = RouteDecision::Kind::Forward;
    decision.reason = {kRouteL4, rule.at, fmt::format("{} takes the connection", rule.at.key.str())};
  }
  decision.trace.push_back(trace_node("route", usable ? Decision::Allow : Decision::Deny,
                                      decision.reason.code, rule.at, decision.reason.detail));
}

}  // namespace waypath::sim
