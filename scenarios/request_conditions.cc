#include "scenarios/request_conditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sim/match/policy_match.h"
#include "sim/match/route_match.h"

namespace waypath::scenarios {
namespace {

using Kind = RequestAttribute::Kind;

sim::TextShape shape_of(Kind kind) {
  switch (kind) {
    case Kind::Path:
      return sim::TextShape::Path;
    case Kind::Method:
      return sim::TextShape::Method;
    case Kind::Host:
    case Kind::Sni:
      return sim::TextShape::Host;
    case Kind::Query:
    case Kind::Header:
    case Kind::Token:
    case Kind::Session:
      return sim::TextShape::Plain;
  }
  return sim::TextShape::Plain;
}

sim::TextPattern path_pattern(const std::string& written) {
  return sim::is_path_template(written) ? sim::regex_pattern(sim::path_template_regex(written), written)
                                        : sim::value_pattern(written);
}

sim::TextPattern pattern(sim::TextPattern::Kind kind, const std::string& text, const std::string& written) {
  sim::TextPattern out;
  out.kind = kind;
  out.text = text;
  out.written = written;
  return out;
}

constexpr const char* kForwardedFor = "x-forwarded-for";
// Source: RFC 5737 (198.51.100.0/24 stands for any public address)
constexpr const char* kSomeAddress = "198.51.100.7";

}  // namespace

// Names that stand for another attribute of the request.
RequestConditions::Key RequestConditions::of_header(const std::string& name) {
  if (name == ":authority" || name == "host") return {Kind::Host, ""};
  if (name == ":method") return {Kind::Method, ""};
  if (name != ":path") return {Kind::Header, name};
  whole_path_ = true;
  return {Kind::Path, ""};
}

void RequestConditions::add_pattern(Kind kind, const std::string& key, sim::TextPattern one) {
  auto& group = groups_[{kind, key}];
  group.alone.push_back(group.patterns.size());
  group.patterns.push_back(std::move(one));
}

void RequestConditions::add(const sim::Condition& c) {
  Key key;
  switch (c.attribute) {
    case sim::Attribute::Method:
      key = {Kind::Method, ""};
      break;
    case sim::Attribute::Path:
      key = {Kind::Path, ""};
      break;
    case sim::Attribute::Host:
      key = {Kind::Host, ""};
      break;
    case sim::Attribute::Header:
      key = of_header(c.key);
      break;
    case sim::Attribute::Sni:
      key = {Kind::Sni, ""};
      break;
    case sim::Attribute::RemoteIp:
      groups_[{Kind::Header, kForwardedFor}].remote.push_back(&c);
      return;
    default:
      return;
  }
  auto& group = groups_[key];
  group.conditions.push_back(&c);
  for (const auto* values : {c.written, c.not_written}) {
    if (values == nullptr) continue;
    for (const auto& value : *values) {
      auto one =
          c.attribute == sim::Attribute::Path ? path_pattern(value.text) : sim::value_pattern(value.text);
      if (c.attribute == sim::Attribute::Host) {
        one.ignore_case = true;
        one.text = sim::lower_case(one.text);
      }
      group.patterns.push_back(std::move(one));
    }
  }
}

void RequestConditions::add(const sim::AuthserviceConfig& config) {
  using Path = sim::AuthserviceConfig::Path;
  using TextKind = sim::TextPattern::Kind;
  for (const auto& trigger : config.triggers)
    for (const auto* list : {&trigger.excluded, &trigger.included})
      for (const auto& path : *list) {
        if (path.kind == Path::Kind::Regex) {
          add_pattern(Kind::Path, "", sim::regex_pattern(path.text, path.text));
          continue;
        }
        const auto kind = path.kind == Path::Kind::Exact    ? TextKind::Exact
                          : path.kind == Path::Kind::Prefix ? TextKind::Prefix
                                                            : TextKind::Suffix;
        add_pattern(Kind::Path, "", pattern(kind, path.text, path.text));
      }
  for (const auto& chain : config.chains) {
    if (chain.header.empty()) continue;
    const auto [kind, name] = of_header(chain.header);
    const std::string& text = chain.equality.empty() ? chain.prefix : chain.equality;
    add_pattern(kind, name, pattern(chain.equality.empty() ? TextKind::Prefix : TextKind::Exact, text, text));
  }
}

void RequestConditions::add_string(Kind kind, const std::string& key, const model::StringMatch& match,
                                   bool ignore_case) {
  using TextKind = sim::TextPattern::Kind;
  sim::TextPattern one;
  switch (match.kind) {
    case model::StringMatch::Kind::Exact:
      one = pattern(TextKind::Exact, match.value, match.value);
      break;
    case model::StringMatch::Kind::Prefix:
      one = pattern(TextKind::Prefix, match.value, match.value + "*");
      break;
    case model::StringMatch::Kind::Regex:
      one = sim::regex_pattern(match.value, match.value);
      break;
    case model::StringMatch::Kind::Present:
      one = pattern(TextKind::Present, "", "*");
      break;
  }
  if (ignore_case) {
    one.ignore_case = true;
    one.text = sim::lower_case(one.text);
  }
  add_pattern(kind, key, std::move(one));
}

void RequestConditions::add_virtual_service(const model::VirtualService& vs, bool delegates) {
  for (const auto& route : vs.http) {
    std::vector<std::string> prefixes;
    for (const auto& match : route.matches) {
      if (match.uri) add_string(Kind::Path, "", *match.uri, match.ignore_uri_case);
      if (match.uri && match.uri->kind == model::StringMatch::Kind::Prefix)
        prefixes.push_back(match.uri->value);
      if (match.ignore_uri_case && route.rewrite) rewritten_anyhow_ = true;
      if (match.method) add_string(Kind::Method, "", *match.method, false);
      if (match.authority) add_string(Kind::Host, "", *match.authority, false);
      for (const auto* list : {&match.headers, &match.without_headers})
        for (const auto& h : *list) {
          if (h.name.front() == '@') {
            by_claims_ = true;
            left_out_.push_back(fmt::format("claims that {} routes by ({})", vs.meta.key.str(), h.name));
            continue;
          }
          const auto [kind, name] = of_header(sim::lower_case(h.name));
          add_string(kind, name, h.match, false);
        }
      for (const auto& q : match.query_params) add_string(Kind::Query, q.name, q.match, false);
    }
    if (route.rewrite && route.rewrite->uri) {
      rewritten_ = true;
      // What a delegate takes is narrowed by its root; which part is exchanged then is not said here.
      if (!delegates) rewritten_anyhow_ = true;
      const bool any_path = std::any_of(route.matches.begin(), route.matches.end(),
                                        [](const auto& match) { return !match.uri.has_value(); });
      if (prefixes.empty() || any_path) prefixes.emplace_back("/");
      for (const auto& prefix : prefixes) rewrites_.push_back({prefix, *route.rewrite->uri});
    }
    if (route.rewrite && route.rewrite->uri_regex) {
      rewritten_ = rewritten_anyhow_ = true;
      left_out_.push_back(fmt::format("paths that {} rewrites by a regular expression", vs.meta.key.str()));
    }
    if (!delegates || !route.delegate) continue;
    const auto* next = cluster_.snapshot().find<model::VirtualService>(route.delegate->first.view(),
                                                                       route.delegate->second.view());
    if (next != nullptr) add_virtual_service(*next, false);
  }
}

// Source: gateway-api apis/v1/httproute_types.go PathMatchPathPrefix (by path element)
void RequestConditions::add_path_prefix(const std::string& path) {
  using TextKind = sim::TextPattern::Kind;
  std::string prefix = path;
  while (!prefix.empty() && prefix.back() == '/') prefix.pop_back();
  if (prefix.empty()) return;
  add_pattern(Kind::Path, "", pattern(TextKind::Exact, prefix, prefix));
  add_pattern(Kind::Path, "", pattern(TextKind::Prefix, prefix + "/", prefix + "/*"));
}

void RequestConditions::add_http_route(const model::HttpRoute& route) {
  using TextKind = sim::TextPattern::Kind;
  const auto named = [&](Kind kind, const std::string& key, const model::NameValueMatch& match) {
    add_pattern(kind, key,
                match.type == model::MatchType::Regex ? sim::regex_pattern(match.value, match.value)
                                                      : pattern(TextKind::Exact, match.value, match.value));
  };
  for (const auto& rule : route.rules) {
    for (const auto& match : rule.matches) {
      if (match.path_type == model::MatchType::Prefix)
        add_path_prefix(match.path);
      else if (match.path_type == model::MatchType::Regex)
        add_pattern(Kind::Path, "", sim::regex_pattern(match.path, match.path));
      else
        add_pattern(Kind::Path, "", pattern(TextKind::Exact, match.path, match.path));
      if (!match.method.empty())
        add_pattern(Kind::Method, "", pattern(TextKind::Exact, match.method, match.method));
      for (const auto& h : match.headers) {
        const auto [kind, name] = of_header(sim::lower_case(h.name));
        named(kind, name, h);
      }
      for (const auto& q : match.query_params) named(Kind::Query, q.name, q);
    }
    for (const auto& filter : rule.filters) {
      if (filter.type != model::HttpFilter::Type::UrlRewrite || !filter.path) continue;
      rewritten_ = true;
      if (filter.path->replace_full) continue;
      for (const auto& match : rule.matches) rewrites_.push_back({match.path, filter.path->value});
    }
  }
}

void RequestConditions::add(const RouteHosts& route) {
  if (route.virtual_service != nullptr) add_virtual_service(*route.virtual_service, true);
  if (route.http_route != nullptr) add_http_route(*route.http_route);
  if (route.ingress == nullptr) return;
  for (const auto& path : route.ingress->paths) {
    if (path.path.empty()) continue;
    if (path.type == model::IngressPathType::Prefix)
      add_path_prefix(path.path);
    else
      add_pattern(Kind::Path, "", sim::value_pattern(path.path));
  }
}

std::vector<std::string> RequestConditions::names(Kind kind) const {
  std::vector<std::string> out;
  for (const auto& [key, group] : groups_)
    if (key.first == kind) out.push_back(key.second);
  return out;
}

// What the conditions answer for a value. A list of values is one condition: which of them matched is the
// same to it.
std::string RequestConditions::signature(const Group& group, Kind kind, const std::string& key,
                                         const std::string& text) const {
  sim::RequestState state;
  switch (kind) {
    case Kind::Method:
      state.method = text;
      break;
    case Kind::Path:
      state.path = text;
      break;
    case Kind::Host:
      state.host = text;
      break;
    case Kind::Sni:
      state.sni = text;
      break;
    default:
      state.headers.emplace_back(key, text);
      state.remote_ip = model::parse_ip(text);
      break;
  }
  std::string out;
  const sim::PolicyRequest request(state, cluster_.mesh().path_normalization, true);
  for (const auto* list : {&group.conditions, &group.remote})
    for (const auto* c : *list)
      out += static_cast<char>(
          '0' + static_cast<int>(sim::match_condition(*c, sim::Dialect::EnvoyHttp, request, nullptr)));
  for (const auto i : group.alone) out += group.patterns[i].matches(text) ? '1' : '0';
  return out;
}

std::string RequestConditions::answers(Kind kind, const std::string& key,
                                       const std::vector<std::string>& texts) const {
  std::string out;
  const auto it = groups_.find({kind, key});
  if (it == groups_.end()) return out;
  std::map<std::string_view, std::string> known;
  for (const auto& text : texts) {
    const auto [at, fresh] = known.try_emplace(text);
    if (fresh && !text.empty()) at->second = signature(it->second, kind, key, text);
    out += at->second + ' ';
  }
  return out;
}

// As sim/resolve/route_apply.cc replace_prefix does it for either kind of route; "" where the prefix is
// another.
std::optional<std::vector<std::string>> RequestConditions::rewritten(const std::string& path) const {
  if (rewritten_anyhow_) return std::nullopt;
  std::vector<std::string> out{path};
  for (const auto& rewrite : rewrites_) {
    std::string matched = rewrite.matched, element = rewrite.replaced;
    while (!element.empty() && element.back() == '/') element.pop_back();
    for (bool stripped = false;; stripped = true) {
      if (path.compare(0, matched.size(), matched) == 0) {
        const std::string rest = path.substr(matched.size());
        out.push_back(rewrite.replaced + rest);
        out.push_back(element + (rest.empty() || rest.front() == '/' ? "" : "/") + rest);
        if (out.back().empty()) out.back() = "/";
      } else {
        out.insert(out.end(), 2, "");
      }
      if (stripped) break;
      while (!matched.empty() && matched.back() == '/') matched.pop_back();
    }
  }
  return out;
}

// Policies behind a rewrite compare what it made: the path that becomes the one they name is one more value.
std::vector<RequestConditions::Undone> RequestConditions::undo_rewrites(
    const std::vector<sim::TextMembers::Member>& members) const {
  std::vector<Undone> out;
  std::set<std::string> known;
  for (const auto& member : members) known.insert(member.text);
  for (const auto& rewrite : rewrites_)
    for (const auto& member : members) {
      if (member.text.compare(0, rewrite.replaced.size(), rewrite.replaced) != 0) continue;
      const std::string rest = member.text.substr(rewrite.replaced.size());
      const bool slash = !rewrite.matched.empty() && rewrite.matched.back() == '/';
      std::vector<std::string> texts{rewrite.matched + rest};
      if (!slash && !rest.empty() && rest.front() != '/') texts.push_back(rewrite.matched + "/" + rest);
      for (auto& text : texts)
        if (text.front() == '/' && known.insert(text).second) out.push_back({std::move(text), member.text});
    }
  return out;
}

RequestAttribute RequestConditions::attribute(Kind kind, const std::string& key,
                                              std::vector<std::string>& left_out) const {
  RequestAttribute out{kind, key, {}};
  const bool optional =
      kind == Kind::Header || kind == Kind::Query || kind == Kind::Host || kind == Kind::Sni;
  if (optional) out.values.push_back({"", true, std::nullopt});
  const auto it = groups_.find({kind, key});
  if (it == groups_.end()) {
    if (!optional) out.values.push_back({kind == Kind::Path ? "/" : "GET", false, std::nullopt});
    return out;
  }
  const Group& group = it->second;
  auto found = sim::text_members(group.patterns, shape_of(kind));
  for (auto& text : found.left_out)
    left_out.push_back(fmt::format("{}{} {}",
                                   kind == Kind::Path     ? "path"
                                   : kind == Kind::Host   ? "host"
                                   : kind == Kind::Method ? "method"
                                   : kind == Kind::Query  ? "query "
                                   : kind == Kind::Sni    ? "server name"
                                                          : "header ",
                                   key, text));
  for (const auto* c : group.remote) {
    found.members.push_back({kSomeAddress, ""});
    for (const auto* values : {&c->values, &c->not_values})
      for (const auto& v : *values)
        if (v.cidr) found.members.push_back({v.cidr->network.to_string(), v.cidr->str()});
  }
  std::map<std::string, std::size_t> known;
  const auto fitted = [&](const std::string& text) {
    std::vector<std::string> fits;
    for (const auto& p : group.patterns)
      if (p.matches(text) && std::find(fits.begin(), fits.end(), p.written) == fits.end())
        fits.push_back(p.written);
    return fits;
  };
  const auto take = [&](const std::string& text, std::vector<std::string> fits) {
    // What a route makes of a path depends on the path itself.
    const auto [at, fresh] =
        known.emplace(signature(group, kind, key, text) + (kind == Kind::Path && rewritten_ ? text : ""),
                      out.values.size());
    if (fresh) out.values.push_back({text, false, std::nullopt});
    auto& all = out.values[at->second].fits;
    if (std::none_of(all.begin(), all.end(), [&](const auto& one) { return one.conditions == fits; }))
      all.push_back({std::move(fits), text});
  };
  for (const auto& member : found.members) {
    auto fits = fitted(member.text);
    if (fits.empty() && !member.written.empty()) fits.push_back(member.written);
    take(member.text, std::move(fits));
  }
  if (kind == Kind::Path)
    for (const auto& [text, becomes] : undo_rewrites(found.members)) {
      auto fits = fitted(text);
      for (const auto& one : fitted(becomes))
        if (std::find(fits.begin(), fits.end(), one) == fits.end())
          fits.push_back(one + " after the rewrite");
      take(text, std::move(fits));
    }
  return out;
}

}  // namespace waypath::scenarios
