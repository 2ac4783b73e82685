// VirtualService -> RouteConfig: short names, matches, actions, delegates (routing.md 3.2).

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "sim/reasons/route.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/route_tables.h"

namespace waypath::sim {

namespace {

using model::StringMatch;
using model::VsHttpMatch;
using model::VsHttpRoute;

TextMatcher text_matcher(const StringMatch& match) {
  // Source: istio pilot/pkg/networking/core/route/route.go: an empty matcher and the regex "*" mean
  // "present".
  TextMatcher out;
  switch (match.kind) {
    case StringMatch::Kind::Exact:
      return exact(match.value);
    case StringMatch::Kind::Prefix:
      out.kind = TextMatcher::Kind::Prefix;
      out.value = match.value;
      return out;
    case StringMatch::Kind::Regex:
      if (match.value == "*") break;
      return regex(match.value);
    case StringMatch::Kind::Present:
      break;
  }
  out.kind = TextMatcher::Kind::Present;
  return out;
}

std::vector<NamedMatcher> named_matchers(const std::vector<model::NamedStringMatch>& list, bool lower_names) {
  std::vector<NamedMatcher> out;
  for (const model::NamedStringMatch& m : list) {
    // Claim names are case-sensitive; header names are not.
    const bool claim = m.name.starts_with("@request.auth.claims");
    out.push_back({lower_names && !claim ? lower_case(m.name) : m.name, text_matcher(m.match)});
  }
  return out;
}

HttpMatch http_match(const VsHttpMatch& m) {
  HttpMatch out;
  out.pos = m.pos;
  const auto set = [](std::optional<TextMatcher>& to, const std::optional<StringMatch>& from) {
    if (from && from->kind != StringMatch::Kind::Present) to = text_matcher(*from);
  };
  set(out.path, m.uri);
  set(out.scheme, m.scheme);
  set(out.method, m.method);
  set(out.authority, m.authority);
  if (out.path && out.path->kind != TextMatcher::Kind::Regex) out.path->ignore_case = m.ignore_uri_case;
  out.headers = named_matchers(m.headers, true);
  out.without_headers = named_matchers(m.without_headers, true);
  out.query = named_matchers(m.query_params, false);
  return out;
}

/// "1h30m", "500ms" in seconds; nullopt for what is no duration. Source: Go time.ParseDuration.
std::optional<double> duration_seconds(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 6> kUnits = {
      {{"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}, {"s", 1}, {"m", 60}, {"h", 3600}}};
  double total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const auto unit =
        std::find_if(kUnits.begin(), kUnits.end(), [&](const auto& u) { return text.starts_with(u.first); });
    if (unit == kUnits.end()) return std::nullopt;
    total += number * unit->second;
    text.remove_prefix(unit->first.size());
  }
  return total;
}

/// "name" is a gateway of the VirtualService's own namespace. Source: istio pilot/pkg/model/virtualservice.go
/// resolveGatewayName.
std::string gateway_name(std::string_view written, model::Symbol ns) {
  if (written == "mesh" || written.find('/') != std::string_view::npos) {
    return written.starts_with("./") ? fmt::format("{}/{}", ns.view(), written.substr(2))
                                     : std::string(written);
  }
  return fmt::format("{}/{}", ns.view(), written);
}

bool narrower(const std::optional<StringMatch>& root, const std::optional<StringMatch>& leaf) {
  if (!root || !leaf) return true;
  using Kind = StringMatch::Kind;
  if (root->kind == Kind::Present || leaf->kind == Kind::Present) return false;
  if (root->kind == Kind::Regex || leaf->kind == Kind::Regex) return false;
  if (root->kind == Kind::Exact) return leaf->kind == Kind::Exact && leaf->value == root->value;
  return leaf->value.starts_with(root->value);
}

bool narrower(const std::vector<model::NamedStringMatch>& root,
              const std::vector<model::NamedStringMatch>& leaf) {
  for (const model::NamedStringMatch& l : leaf) {
    for (const model::NamedStringMatch& r : root) {
      if (r.name == l.name && !narrower(std::optional(r.match), std::optional(l.match))) return false;
    }
  }
  return true;
}

void overlay(std::vector<model::NamedStringMatch>& root, const std::vector<model::NamedStringMatch>& leaf) {
  for (const model::NamedStringMatch& l : leaf) {
    const auto it = std::find_if(root.begin(), root.end(), [&](const auto& r) { return r.name == l.name; });
    if (it == root.end()) {
      root.push_back(l);
    } else {
      it->match = l.match;
    }
  }
}

/// Source: istio pilot/pkg/model/virtualservice.go mergeHTTPMatchRequest, hasConflict: the delegate's
/// condition must be narrower.
std::optional<VsHttpMatch> merge_match(const VsHttpMatch& root, const VsHttpMatch& leaf) {
  const bool fits =
      narrower(root.uri, leaf.uri) && narrower(root.scheme, leaf.scheme) &&
      narrower(root.method, leaf.method) && narrower(root.authority, leaf.authority) &&
      narrower(root.headers, leaf.headers) && narrower(root.without_headers, leaf.without_headers) &&
      narrower(root.query_params, leaf.query_params) && root.ignore_uri_case == leaf.ignore_uri_case &&
      (!root.port || !leaf.port || root.port == leaf.port) &&
      (root.source_namespace.empty() || root.source_namespace == leaf.source_namespace);
  if (!fits) return std::nullopt;
  for (const auto& [key, value] : leaf.source_labels) {
    for (const auto& [root_key, root_value] : root.source_labels) {
      if (root_key == key && !(root_value == value)) return std::nullopt;
    }
  }
  if (!root.gateways.empty() && !leaf.gateways.empty()) {
    if (root.gateways.size() < leaf.gateways.size()) return std::nullopt;
    for (const std::string& gateway : leaf.gateways) {
      if (std::find(root.gateways.begin(), root.gateways.end(), gateway) == root.gateways.end())
        return std::nullopt;
    }
  }
  VsHttpMatch out = root;
  const auto take = [](auto& to, const auto& from) {
    if (from) to = from;
  };
  take(out.uri, leaf.uri);
  take(out.scheme, leaf.scheme);
  take(out.method, leaf.method);
  take(out.authority, leaf.authority);
  take(out.port, leaf.port);
  overlay(out.headers, leaf.headers);
  overlay(out.without_headers, leaf.without_headers);
  overlay(out.query_params, leaf.query_params);
  for (const auto& label : leaf.source_labels) {
    if (std::find(out.source_labels.begin(), out.source_labels.end(), label) == out.source_labels.end()) {
      out.source_labels.push_back(label);
    }
  }
  if (!leaf.source_namespace.empty()) out.source_namespace = leaf.source_namespace;
  if (!leaf.gateways.empty()) out.gateways = leaf.gateways;
  out.pos = leaf.pos;
  return out;
}

/// The rule's own settings, completed by those of the root that delegates to it.
/// Source: istio pilot/pkg/model/virtualservice.go mergeHTTPRoute.
VsHttpRoute merge_route(const VsHttpRoute& root, VsHttpRoute leaf) {
  if (!leaf.name.empty() && !root.name.empty()) leaf.name = root.name + "-" + leaf.name;
  if (leaf.name.empty()) leaf.name = root.name;
  if (!leaf.rewrite) leaf.rewrite = root.rewrite;
  if (!leaf.fault) leaf.fault = root.fault;
  if (!leaf.direct_response_status) leaf.direct_response_status = root.direct_response_status;
  if (!leaf.timeout) leaf.timeout = root.timeout;
  if (!leaf.retry_attempts) leaf.retry_attempts = root.retry_attempts;
  if (leaf.mirrors.empty()) leaf.mirrors = root.mirrors;
  if (!leaf.cors) leaf.cors = root.cors;
  const auto none = [](const model::HeaderChange& h) {
    return h.set.empty() && h.add.empty() && h.remove.empty();
  };
  if (none(leaf.request_headers) && none(leaf.response_headers)) {
    leaf.request_headers = root.request_headers;
    leaf.response_headers = root.response_headers;
  }
  return leaf;
}

class Compiler {
 public:
  Compiler(RouteTables::Impl& impl, const model::VirtualService& vs) : impl_(impl), vs_(vs) {}

  RouteConfig compile() {
    const model::Symbol ns = vs_.meta.ns();
    config_.kind = "VirtualService";
    config_.key = vs_.meta.key;
    config_.pos = vs_.meta.pos;
    config_.ns = ns;
    config_.created = vs_.meta.creation_timestamp;
    config_.export_to = vs_.export_to;
    config_.vs = &vs_;
    for (const std::string& host : vs_.hosts) {
      config_.hosts.push_back(
          resolve_short_host(lower_case(host), ns.view(), impl_.cluster.mesh().cluster_domain));
    }
    for (const std::string& gateway : vs_.gateways) config_.gateways.push_back(gateway_name(gateway, ns));
    if (config_.gateways.empty()) config_.gateways.emplace_back("mesh");
    for (std::size_t i = 0; i < vs_.http.size(); ++i) {
      const VsHttpRoute& route = vs_.http[i];
      const ObjectAt at = object_at(vs_.meta, route.pos, static_cast<int>(i), "http");
      if (route.delegate) {
        add_delegate(route, at);
      } else {
        add_route(route, route.matches, at, ns);
      }
    }
    return std::move(config_);
  }

 private:
  void add_delegate(const VsHttpRoute& root, const ObjectAt& root_at) {
    const model::Symbol delegate_ns = root.delegate->first.empty() ? vs_.meta.ns() : root.delegate->first;
    const auto* delegate = impl_.cluster.snapshot().find<model::VirtualService>(delegate_ns.view(),
                                                                                root.delegate->second.view());
    const std::string name =
        fmt::format("VirtualService/{}/{}", delegate_ns.view(), root.delegate->second.view());
    const auto lost = [&](const ObjectAt& at, std::string detail) {
      config_.losers.push_back(
          trace_node("route", Decision::NotApplicable, kRouteIgnoredHere, at, std::move(detail)));
    };
    if (delegate == nullptr)
      return lost(root_at, fmt::format("delegate {} does not exist: the rule yields nothing", name));
    if (!delegate->hosts.empty()) {
      return lost(root_at, fmt::format("delegate {} has hosts: it is no delegate", name));
    }
    if (!visible_to(delegate->export_to, impl_.cluster.mesh().default_virtual_service_export_to, delegate_ns,
                    vs_.meta.ns())) {
      return lost(root_at,
                  fmt::format("delegate {} is not exported to namespace {}", name, vs_.meta.ns().view()));
    }
    for (std::size_t i = 0; i < delegate->http.size(); ++i) {
      const VsHttpRoute& leaf = delegate->http[i];
      const ObjectAt at = object_at(delegate->meta, leaf.pos, static_cast<int>(i), "http");
      std::vector<VsHttpMatch> matches;
      bool conflict = false;
      if (root.matches.empty()) {
        matches = leaf.matches;
      } else if (leaf.matches.empty()) {
        matches = root.matches;
      } else {
        // Source: istio pilot/pkg/model/virtualservice.go mergeHTTPMatchRequests: each match of the delegate
        // must be narrower than one of the root's, else the whole rule goes.
        for (const VsHttpMatch& l : leaf.matches) {
          bool found = false;
          for (const VsHttpMatch& r : root.matches) {
            std::optional<VsHttpMatch> merged = merge_match(r, l);
            found = found || merged.has_value();
            if (merged) matches.push_back(std::move(*merged));
          }
          conflict = conflict || !found;
        }
        if (conflict) {
          lost(at, "a match of the delegate is narrower than none of the root's: Istio drops this rule");
          continue;
        }
      }
      add_route(merge_route(root, leaf), matches, at, delegate_ns);
    }
  }

  void add_route(const VsHttpRoute& route, const std::vector<VsHttpMatch>& matches, const ObjectAt& at,
                 model::Symbol ns) {
    const std::shared_ptr<const HttpRule> rule = compile_rule(route, at, ns);
    if (matches.empty()) {
      HttpEntry entry;
      entry.rule = rule;
      entry.at = at;
      entry.age_known = !config_.created.empty();
      config_.http.push_back(std::move(entry));
      return;
    }
    for (const VsHttpMatch& m : matches) {
      HttpEntry entry;
      entry.match = http_match(m);
      entry.rule = rule;
      entry.at = at;
      if (m.pos.known()) entry.at.pos = m.pos;
      entry.age_known = !config_.created.empty();
      entry.port = m.port;
      entry.source_labels = m.source_labels;
      entry.source_namespace = m.source_namespace;
      for (const std::string& gateway : m.gateways)
        entry.gateways.push_back(gateway_name(gateway, vs_.meta.ns()));
      config_.http.push_back(std::move(entry));
    }
  }

  std::shared_ptr<const HttpRule> compile_rule(const VsHttpRoute& route, const ObjectAt& at,
                                               model::Symbol ns) {
    auto rule = std::make_shared<HttpRule>();
    rule->at = at;
    rule->name = route.name;
    rule->direct_response = route.direct_response_status;
    rule->fault = route.fault;
    if (route.redirect) rule->redirect = compile_redirect(*route.redirect);
    if (route.rewrite) rule->rewrite = compile_rewrite(*route.rewrite);
    if (route.cors) rule->cors = compile_cors(*route.cors);
    rule->request_headers.push_back(route.request_headers);
    rule->response_headers.push_back(route.response_headers);
    // Source: istio pilot/pkg/networking/core/route/route.go processDestination: among several, weight 0 is
    // skipped; a single destination needs no weight.
    for (const model::VsDestination& d : route.route) {
      RuleDestination destination = compile_destination(impl_, d, ns, at);
      destination.weight = route.route.size() == 1 ? 1 : d.weight;
      rule->destinations.push_back(std::move(destination));
    }
    for (const model::VsDestination& d : route.mirrors)
      rule->mirrors.push_back(compile_destination(impl_, d, ns, at));
    rule->timeout = route.timeout.value_or("");
    if (route.retry_attempts) rule->facts.push_back(fmt::format("up to {} retries", *route.retry_attempts));
    return rule;
  }

  static RuleRedirect compile_redirect(const model::VsRedirect& r) {
    RuleRedirect out;
    out.scheme = r.scheme;
    out.hostname = r.authority;
    out.full_path = r.uri;
    out.by_element = false;
    out.port = r.port;
    out.port_of_listener = !r.port && r.derive_port == "FROM_REQUEST_PORT";
    out.code = r.code == 0 ? 301 : r.code;
    if (!r.uri) out.prefix = r.prefix_rewrite;
    return out;
  }

  /// Source: istio pilot/pkg/networking/core/route/route.go TranslateCORSPolicy.
  static RuleCors compile_cors(const model::VsCors& cors) {
    RuleCors out;
    for (const StringMatch& origin : cors.allow_origins) out.allow_origins.push_back(text_matcher(origin));
    out.allow_methods = fmt::format("{}", fmt::join(cors.allow_methods, ","));
    out.allow_headers = fmt::format("{}", fmt::join(cors.allow_headers, ","));
    out.expose_headers = fmt::format("{}", fmt::join(cors.expose_headers, ","));
    if (cors.max_age) {
      const std::optional<double> age = duration_seconds(*cors.max_age);
      if (age) out.max_age = fmt::format("{}", static_cast<long>(*age));
    }
    out.allow_credentials = cors.allow_credentials.value_or(false);
    out.ignore_unmatched = cors.ignore_unmatched;
    return out;
  }

  static RuleRewrite compile_rewrite(const model::VsRewrite& r) {
    RuleRewrite out;
    out.hostname = r.authority;
    out.prefix = r.uri;
    if (r.uri_regex) {
      out.regex = std::make_shared<const RegexMatch>(r.uri_regex->first);
      out.regex_rewrite = r.uri_regex->second;
    }
    return out;
  }

  RouteTables::Impl& impl_;
  const model::VirtualService& vs_;
  RouteConfig config_;
};

/// Labels that a VirtualService asks of the client; tested against the proxy itself.
bool labels_hold(const HttpEntry& entry, const ProxyView& proxy) {
  return std::all_of(entry.source_labels.begin(), entry.source_labels.end(), [&](const auto& wanted) {
    const model::Label* label = proxy.labels == nullptr ? nullptr : proxy.labels->find(wanted.first);
    return label != nullptr && label->value == wanted.second;
  });
}

/// Why an entry does not count at this proxy; empty when it does.
std::string excluded(const HttpEntry& entry, const ProxyView& proxy, const RouteTables::Impl& impl) {
  if (!entry.gateways.empty()) {
    if (std::find(entry.gateways.begin(), entry.gateways.end(), proxy.gateway) == entry.gateways.end()) {
      return fmt::format("match.gateways does not name {}", proxy.gateway);
    }
  } else if (proxy.waypoint) {
    // Source: istio pilot/pkg/networking/core/listener_waypoint.go: matches on sourceLabels are dropped
    // (before 1.25 they applied to everybody).
    if (!entry.source_labels.empty() &&
        impl.cluster.profile().has(model::Feature::WaypointDropsSourceLabels)) {
      return "match.sourceLabels does not work at waypoints: this match is dropped";
    }
  } else if (!labels_hold(entry, proxy)) {
    return "match.sourceLabels does not fit the proxy's own labels";
  }
  if (entry.gateways.empty() && !entry.source_namespace.empty() && !(entry.source_namespace == proxy.ns)) {
    return fmt::format("match.sourceNamespace {} is compared with the proxy's own namespace {}",
                       entry.source_namespace.view(), proxy.ns.view());
  }
  if (entry.port && *entry.port != proxy.port) {
    return fmt::format("match.port {} is not {}", *entry.port, proxy.port);
  }
  return {};
}

}  // namespace

RuleDestination compile_destination(const RouteTables::Impl& impl, const model::VsDestination& destination,
                                    model::Symbol ns, const ObjectAt& at) {
  RuleDestination out;
  out.host = resolve_short_host(lower_case(destination.host), ns.view(), impl.cluster.mesh().cluster_domain);
  out.port = destination.port;
  out.subset = destination.subset;
  out.weight = destination.weight;
  out.request_headers = destination.request_headers;
  out.response_headers = destination.response_headers;
  out.at = at;
  if (destination.pos.known()) out.at.pos = destination.pos;
  return out;
}

std::vector<HttpEntry> entries_at(const RouteConfig& config, const ProxyView& proxy,
                                  const RouteTables::Impl& impl, std::vector<TraceNode>* losers) {
  std::vector<HttpEntry> out;
  bool closed = false;
  for (const HttpEntry& entry : config.http) {
    std::string why = closed ? "" : excluded(entry, proxy, impl);
    if (!closed && why.empty()) {
      closed = entry.match.catch_all();
      out.push_back(entry);
      continue;
    }
    if (losers == nullptr) continue;
    losers->push_back(trace_node(
        "route", Decision::NotApplicable, closed ? kRouteShadowed : kRouteIgnoredHere, entry.at,
        closed
            ? fmt::format("dead rule: an earlier one ({}) matches every request", out.back().match.describe())
            : std::move(why)));
  }
  return out;
}

void build_virtual_services(RouteTables::Impl& impl) {
  for (const auto& vs : impl.cluster.snapshot().all<model::VirtualService>()) {
    if (vs->hosts.empty()) continue;  // a delegate: compiled with its roots
    impl.configs.push_back(Compiler(impl, *vs).compile());
  }
}

}  // namespace waypath::sim
