// HTTPRoute and GRPCRoute -> ordered entries: backends, filters, precedence, mesh parents (routing.md 2.4
// to 2.9).

#include "sim/resolve/http_route.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "sim/reasons/route.h"
#include "sim/resolve/hostname.h"

namespace waypath::sim {

namespace {

using model::HttpFilter;
using model::MatchType;

constexpr std::string_view kGatewayGroup = "gateway.networking.k8s.io";
constexpr std::string_view kIstioNetworking = "networking.istio.io";

TextMatcher value_matcher(const model::NameValueMatch& m) {
  return m.type == MatchType::Regex ? regex(m.value) : exact(m.value);
}

/// Of several conditions on one name the last counts.
/// Source: istio pilot/pkg/config/kube/gateway/conversion.go createHeadersMatch (a map is filled in order).
void add_named(std::vector<NamedMatcher>& list, std::string name, TextMatcher matcher) {
  const auto it =
      std::find_if(list.begin(), list.end(), [&](const NamedMatcher& n) { return n.name == name; });
  if (it == list.end()) {
    list.push_back({std::move(name), std::move(matcher)});
  } else {
    it->match = std::move(matcher);
  }
}

HttpMatch http_match(const model::HttpRouteMatch& m) {
  HttpMatch out;
  out.pos = m.pos;
  TextMatcher path;
  switch (m.path_type) {
    case MatchType::Exact:
      path = exact(m.path);
      break;
    case MatchType::Prefix:
      path.kind = TextMatcher::Kind::PathPrefix;
      path.value = m.path;
      while (path.value.size() > 1 && path.value.ends_with('/')) path.value.pop_back();
      break;
    case MatchType::Regex:
      path = regex(m.path);
      break;
  }
  out.path = std::move(path);
  if (!m.method.empty()) out.method = exact(m.method);
  for (const model::NameValueMatch& h : m.headers)
    add_named(out.headers, lower_case(h.name), value_matcher(h));
  for (const model::NameValueMatch& q : m.query_params) add_named(out.query, q.name, value_matcher(q));
  return out;
}

RuleRedirect compile_redirect(const HttpFilter& filter) {
  RuleRedirect out;
  out.scheme = filter.scheme;
  out.hostname = filter.hostname;
  out.port = filter.port;
  // Source: istio pilot/pkg/config/kube/gateway/conversion.go createRedirectFilter: without port and scheme
  // the listener's port.
  out.port_of_listener = !filter.port && !filter.scheme;
  out.code = filter.status_code.value_or(302);
  if (filter.path) (filter.path->replace_full ? out.full_path : out.prefix) = filter.path->value;
  return out;
}

RuleRewrite compile_rewrite(const HttpFilter& filter) {
  RuleRewrite out;
  out.by_element = true;
  out.hostname = filter.hostname;
  if (filter.path) (filter.path->replace_full ? out.full_path : out.prefix) = filter.path->value;
  return out;
}

/// "*" allows every origin of the form scheme://host, other stars any text.
/// Source: istio pilot/pkg/config/kube/gateway/conversion.go createCorsFilter.
RuleCors compile_cors(const HttpFilter& filter) {
  RuleCors out;
  for (const std::string& origin : filter.allow_origins) {
    if (origin == "*") {
      out.allow_origins.push_back(regex("[a-zA-Z][a-zA-Z0-9+.-]*://[^/\\s?#]+"));
    } else if (origin.find('*') == std::string::npos) {
      out.allow_origins.push_back(exact(origin));
    } else {
      std::string pattern;
      for (const char c : origin) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (c == '*') {
          pattern += ".*";
        } else {
          if (!plain) pattern += '\\';
          pattern += c;
        }
      }
      out.allow_origins.push_back(regex(pattern));
    }
  }
  out.allow_methods = fmt::format("{}", fmt::join(filter.allow_methods, ","));
  out.allow_headers = fmt::format("{}", fmt::join(filter.allow_headers, ","));
  out.expose_headers = fmt::format("{}", fmt::join(filter.expose_headers, ","));
  if (filter.max_age && *filter.max_age > 0) out.max_age = fmt::to_string(*filter.max_age);
  out.allow_credentials = filter.allow_credentials;
  return out;
}

std::string_view filter_name(HttpFilter::Type type) {
  switch (type) {
    case HttpFilter::Type::RequestHeaderModifier:
      return "RequestHeaderModifier";
    case HttpFilter::Type::ResponseHeaderModifier:
      return "ResponseHeaderModifier";
    case HttpFilter::Type::RequestMirror:
      return "RequestMirror";
    case HttpFilter::Type::RequestRedirect:
      return "RequestRedirect";
    case HttpFilter::Type::UrlRewrite:
      return "URLRewrite";
    case HttpFilter::Type::Cors:
      return "CORS";
    case HttpFilter::Type::ExternalAuth:
      return "ExternalAuth";
    case HttpFilter::Type::ExtensionRef:
      return "ExtensionRef";
    case HttpFilter::Type::Unknown:
      return "unknown";
  }
  return "unknown";
}

/// Source: istio pilot/pkg/config/kube/gateway/conversion.go sortRoutesByCreationTime: age, then namespace,
/// then name.
bool route_before(const model::HttpRoute& a, const model::HttpRoute& b) {
  if (a.meta.creation_timestamp != b.meta.creation_timestamp) {
    return a.meta.creation_timestamp < b.meta.creation_timestamp;
  }
  if (a.meta.ns() != b.meta.ns()) return a.meta.ns().view() < b.meta.ns().view();
  if (a.meta.name() != b.meta.name()) return a.meta.name().view() < b.meta.name().view();
  return a.meta.key.kind.view() < b.meta.key.kind.view();
}

class RouteCompiler {
 public:
  RouteCompiler(const RouteTables::Impl& impl, const model::HttpRoute& route, bool check_grants)
      : impl_(impl), route_(route), check_grants_(check_grants) {}

  CompiledHttpRoute compile() {
    for (std::size_t i = 0; i < route_.rules.size(); ++i) {
      const model::HttpRouteRule& rule = route_.rules[i];
      at_ = object_at(route_.meta, rule.pos, static_cast<int>(i), "rules");
      const std::shared_ptr<const HttpRule> compiled = compile_rule(rule);
      if (compiled == nullptr) {
        out_.entries.clear();
        return std::move(out_);
      }
      for (const model::HttpRouteMatch& m : rule.matches) {
        SortableEntry entry;
        entry.route = &route_;
        entry.entry.match = http_match(m);
        entry.entry.rule = compiled;
        entry.entry.at = at_;
        entry.entry.age_known = !route_.meta.creation_timestamp.empty();
        if (m.pos.known()) entry.entry.at.pos = m.pos;
        out_.entries.push_back(std::move(entry));
      }
    }
    return std::move(out_);
  }

 private:
  bool fail(std::string why) {
    out_.failure = trace_node("route", Decision::NotApplicable, kRouteUnsupportedFilter, at_,
                              fmt::format("{}; Istio then drops every rule of this route", why));
    return false;
  }

  std::shared_ptr<const HttpRule> compile_rule(const model::HttpRouteRule& rule) {
    auto out = std::make_shared<HttpRule>();
    out->at = at_;
    out->name = rule.name;
    out->gateway_semantics = true;
    for (const HttpFilter& filter : rule.filters) {
      if (!add_filter(*out, filter)) return nullptr;
    }
    if (!add_backends(*out, rule)) return nullptr;
    add_timeouts(*out, rule);
    return out;
  }

  bool add_filter(HttpRule& out, const HttpFilter& filter) {
    switch (filter.type) {
      case HttpFilter::Type::RequestHeaderModifier:
        out.request_headers.push_back(filter.headers);
        return true;
      case HttpFilter::Type::ResponseHeaderModifier:
        out.response_headers.push_back(filter.headers);
        return true;
      case HttpFilter::Type::RequestRedirect:
        out.redirect = compile_redirect(filter);
        return true;
      case HttpFilter::Type::UrlRewrite:
        out.rewrite = compile_rewrite(filter);
        return true;
      case HttpFilter::Type::RequestMirror:
        add_mirror(out, filter);
        return true;
      case HttpFilter::Type::Cors:
        out.cors = compile_cors(filter);
        return true;
      case HttpFilter::Type::ExternalAuth:
      case HttpFilter::Type::ExtensionRef:
      case HttpFilter::Type::Unknown:
        break;
    }
    return fail(fmt::format("filter {} is not supported by Istio", filter_name(filter.type)));
  }

  /// A mirror that cannot be used does not harm the request itself; one of 0 % is none. Source: istio
  /// pilot/pkg/networking/core/route/route.go MirrorPercent.
  void add_mirror(HttpRule& out, const HttpFilter& filter) {
    for (const model::BackendRef& ref : filter.mirror) {
      std::string why;
      std::optional<RuleDestination> mirror = compile_backend(impl_, ref, route_.meta, check_grants_, why);
      if (!mirror) {
        out.facts.push_back(fmt::format("mirror to {} cannot be used: {}", ref.name.view(), why));
        continue;
      }
      if (filter.mirror_percent && *filter.mirror_percent <= 0) continue;
      if (filter.mirror_percent) mirror->weight = *filter.mirror_percent / 100.0;
      out.mirrors.push_back(std::move(*mirror));
    }
  }

  bool add_backends(HttpRule& out, const model::HttpRouteRule& rule) {
    for (const model::BackendRef& ref : rule.backends) {
      std::string why;
      std::optional<RuleDestination> destination =
          compile_backend(impl_, ref, route_.meta, check_grants_, why);
      // What has no weight is not looked at, whatever is wrong with it.
      if (ref.weight <= 0) {
        if (!destination) destination.emplace();
        destination->weight = 0;
        out.destinations.push_back(std::move(*destination));
        continue;
      }
      if (!destination) return fail(std::move(why));
      for (const HttpFilter& filter : ref.filters) {
        // Source: istio pilot/pkg/config/kube/gateway/conversion.go buildHTTPDestination: only header
        // modifiers.
        const auto join = [](model::HeaderChange& to, const model::HeaderChange& from) {
          to.set.insert(to.set.end(), from.set.begin(), from.set.end());
          to.add.insert(to.add.end(), from.add.begin(), from.add.end());
          to.remove.insert(to.remove.end(), from.remove.begin(), from.remove.end());
        };
        if (filter.type == HttpFilter::Type::RequestHeaderModifier) {
          join(destination->request_headers, filter.headers);
        } else if (filter.type == HttpFilter::Type::ResponseHeaderModifier) {
          join(destination->response_headers, filter.headers);
        } else {
          return fail(
              fmt::format("filter {} on a backendRef is not supported by Istio", filter_name(filter.type)));
        }
      }
      out.destinations.push_back(std::move(*destination));
    }
    return true;
  }

  /// Source: istio pilot/pkg/config/kube/gateway/conversion.go convertHTTPRoute: backendRequest is the time
  /// of each try when there are retries, else of the request. What is zero is as if not given.
  static void add_timeouts(HttpRule& out, const model::HttpRouteRule& rule) {
    const auto given = [](const std::optional<std::string>& duration) {
      return duration && duration->find_first_of("123456789") != std::string::npos;
    };
    if (given(rule.request_timeout)) out.timeout = *rule.request_timeout;
    if (given(rule.backend_request_timeout)) {
      (rule.retry_attempts ? out.try_timeout : out.timeout) = *rule.backend_request_timeout;
    }
    if (rule.retry_attempts) out.facts.push_back(fmt::format("up to {} retries", *rule.retry_attempts));
    if (rule.session_persistence)
      out.facts.emplace_back("session persistence: chooses the endpoint, never whether");
  }

  const RouteTables::Impl& impl_;
  const model::HttpRoute& route_;
  bool check_grants_;
  ObjectAt at_;
  CompiledHttpRoute out_;
};

struct MeshParent {
  std::string host;
  model::Symbol route_ns;
  friend bool operator<(const MeshParent& a, const MeshParent& b) {
    return std::pair(a.host, a.route_ns.view()) < std::pair(b.host, b.route_ns.view());
  }
};

}  // namespace

/// Exact paths, then prefixes by length, then regexes by length; method; headers; query.
/// Source: istio pilot/pkg/config/kube/gateway/conversion.go sortHTTPRoutes, getURIRank, getURILength.
bool match_before(const HttpMatch& a, const HttpMatch& b) {
  const auto rank = [](const HttpMatch& m) {
    switch (m.path->kind) {
      case TextMatcher::Kind::Exact:
        return 3;
      case TextMatcher::Kind::Prefix:
      case TextMatcher::Kind::PathPrefix:
        return 2;
      case TextMatcher::Kind::Regex:
      case TextMatcher::Kind::Present:
        return 1;
    }
    return 0;
  };
  if (rank(a) != rank(b)) return rank(a) > rank(b);
  if (a.path->value.size() != b.path->value.size()) return a.path->value.size() > b.path->value.size();
  if (a.method.has_value() != b.method.has_value()) return a.method.has_value();
  if (a.headers.size() != b.headers.size()) return a.headers.size() > b.headers.size();
  return a.query.size() > b.query.size();
}

std::vector<std::string> mesh_parent_hosts(const RouteTables::Impl& impl, const model::ParentRef& parent) {
  if (parent.group.empty() && parent.kind == "Service") return {impl.cluster.host_of(parent.ns, parent.name)};
  if (parent.group != kIstioNetworking || parent.kind != "ServiceEntry") return {};
  const auto* entry = impl.cluster.snapshot().find<model::ServiceEntry>(parent.ns.view(), parent.name.view());
  if (entry == nullptr) return {};
  std::vector<std::string> out;
  for (const std::string& host : entry->hosts)
    if (std::find(out.begin(), out.end(), host) == out.end()) out.push_back(host);
  return out;
}

bool reference_granted(const model::Cluster& cluster, const Reference& ref) {
  // Source: istio release note reference-grant-to-or-semantics: before 1.30 only the last `to` counted.
  const bool all_to = cluster.profile().has(model::Feature::ReferenceGrantAllTo);
  for (const auto& grant : cluster.snapshot().all<model::ReferenceGrant>()) {
    if (!(grant->meta.ns() == ref.to_ns)) continue;
    const bool from =
        std::any_of(grant->from.begin(), grant->from.end(), [&](const model::ReferenceGrant::From& f) {
          return f.group == ref.from_group && f.kind == ref.from_kind && f.ns == ref.from_ns;
        });
    if (!from) continue;
    const auto first = all_to || grant->to.empty() ? grant->to.begin() : grant->to.end() - 1;
    if (std::any_of(first, grant->to.end(), [&](const model::ReferenceGrant::To& t) {
          return t.group == ref.to_group && t.kind == ref.to_kind && (!t.name || *t.name == ref.to_name);
        })) {
      return true;
    }
  }
  return false;
}

std::optional<RuleDestination> compile_backend(const RouteTables::Impl& impl, const model::BackendRef& ref,
                                               const model::ObjectMeta& route, bool check_grants,
                                               std::string& why) {
  RuleDestination out;
  out.at = object_at(route, ref.pos);
  out.weight = ref.weight;
  out.port = ref.port;
  const auto invalid = [&](Code code, std::string detail) {
    out.error_status = 500;
    out.error = code;
    out.error_detail = std::move(detail);
    return out;
  };
  const bool service = (ref.group.empty() || ref.group == "core") && ref.kind == "Service";
  // Without ENABLE_MCS_HOST a ServiceImport stands for the Service of its name.
  const bool import = ref.group == "multicluster.x-k8s.io" && ref.kind == "ServiceImport";
  const bool hostname = ref.group == kIstioNetworking && ref.kind == "Hostname";
  if (!service && !hostname && !import) {
    return invalid(kRouteBackendKind, fmt::format("backendRef to {}/{} {}: Istio serves Service and Hostname",
                                                  ref.group, ref.kind, ref.name.view()));
  }
  const std::string_view group = service ? std::string_view() : std::string_view(ref.group);
  if (check_grants && !(ref.ns == route.ns()) &&
      !reference_granted(impl.cluster, {kGatewayGroup, route.key.kind.view(), route.ns().view(), group,
                                        ref.kind, ref.ns.view(), ref.name.view()})) {
    return invalid(
        kRouteBackendNotPermitted,
        fmt::format("no ReferenceGrant in namespace {} lets a {} of namespace {} use {} {}", ref.ns.view(),
                    route.key.kind.view(), route.ns().view(), ref.kind, ref.name.view()));
  }
  // Source: istio pilot/pkg/config/kube/gateway/conversion.go buildDestination: these are errors of the whole
  // route.
  if (!ref.port) {
    why = fmt::format("backendRef {} has no port", ref.name.view());
    return std::nullopt;
  }
  if (hostname) {
    if (ref.ns_given) {
      why = fmt::format("backendRef Hostname {} names a namespace", ref.name.view());
      return std::nullopt;
    }
    out.host = ref.name.str();
    return out;
  }
  if (service && ref.name.view().find('.') != std::string_view::npos) {
    why = fmt::format("backendRef {} has a dot: no Service name", ref.name.view());
    return std::nullopt;
  }
  out.host = impl.cluster.host_of(ref.ns, ref.name);
  const model::ServiceId id = impl.cluster.find_service(ref.ns.view(), ref.name.view());
  if (!id.valid()) {
    return invalid(kRouteBackendNotFound, fmt::format("no Service {}/{}", ref.ns.view(), ref.name.view()));
  }
  return out;
}

CompiledHttpRoute compile_http_route(const RouteTables::Impl& impl, const model::HttpRoute& route,
                                     bool check_grants) {
  return RouteCompiler(impl, route, check_grants).compile();
}

std::vector<HttpEntry> sort_entries(std::vector<SortableEntry> entries) {
  std::stable_sort(entries.begin(), entries.end(), [](const SortableEntry& a, const SortableEntry& b) {
    if (match_before(a.entry.match, b.entry.match)) return true;
    if (match_before(b.entry.match, a.entry.match)) return false;
    return a.route != b.route && route_before(*a.route, *b.route);
  });
  std::vector<HttpEntry> out;
  for (SortableEntry& e : entries) out.push_back(std::move(e.entry));
  return out;
}

/// Routes whose parent is a Service or ServiceEntry: one config for each (host, namespace of the routes).
/// Hostnames of the routes are ignored and no grants are needed. Source: istio
/// pilot/pkg/config/kube/gateway/conversion.go HTTPRouteCollection.
void build_http_routes(RouteTables::Impl& impl) {
  std::map<MeshParent, std::vector<SortableEntry>> groups;
  for (const auto& route : impl.cluster.snapshot().all<model::HttpRoute>()) {
    std::optional<CompiledHttpRoute> compiled;
    for (const model::ParentRef& parent : route->parents) {
      for (const std::string& host : mesh_parent_hosts(impl, parent)) {
        if (!compiled) compiled = compile_http_route(impl, *route, false);
        if (compiled->failure) impl.ignored_mesh_routes[host].push_back(*compiled->failure);
        for (const SortableEntry& entry : compiled->entries) {
          SortableEntry copy = entry;
          copy.entry.port = parent.port;
          groups[{host, route->meta.ns()}].push_back(std::move(copy));
        }
      }
    }
  }
  for (auto& [parent, entries] : groups) {
    const model::HttpRoute* oldest = entries.front().route;
    for (const SortableEntry& e : entries) {
      if (route_before(*e.route, *oldest)) oldest = e.route;
    }
    RouteConfig config;
    config.kind = oldest->meta.key.kind.str();
    config.key = oldest->meta.key;
    config.pos = oldest->meta.pos;
    config.ns = parent.route_ns;
    config.created = oldest->meta.creation_timestamp;
    config.gateway_semantics = true;
    config.hosts = {parent.host};
    config.gateways = {"mesh"};
    config.export_to = {"*"};
    config.http = sort_entries(std::move(entries));
    impl.configs.push_back(std::move(config));
  }
}

}  // namespace waypath::sim
