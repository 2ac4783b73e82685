#include "sim/match/route_match.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace waypath::sim {

namespace {

constexpr std::string_view kClaimPrefix = "@request.auth.claims";

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

/// "/abc" covers "/abc", "/abc/" and "/abc/d", not "/abcd"; a trailing slash of the pattern does not count.
/// Source: gateway-api apis/v1/httproute_types.go PathMatchPathPrefix; istio
/// pilot/pkg/networking/core/route/route.go TranslateRouteMatch (path_separated_prefix).
bool path_prefix_matches(std::string_view pattern, std::string_view path) {
  while (pattern.ends_with('/')) pattern.remove_suffix(1);
  if (!path.starts_with(pattern)) return false;
  return pattern.empty() || path.size() == pattern.size() || path[pattern.size()] == '/';
}

/// "@request.auth.claims.a.b" or "@request.auth.claims[a][b]".
/// Source: istio pilot/pkg/networking/util/util.go and pkg/jwt/routing_claim.go (ToRoutingClaim).
std::vector<std::string> claim_path(std::string_view header) {
  header.remove_prefix(kClaimPrefix.size());
  std::vector<std::string> out;
  const bool brackets = header.starts_with('[');
  while (!header.empty()) {
    header.remove_prefix(1);  // '.' or '['
    const std::size_t end = std::min(header.find(brackets ? ']' : '.'), header.size());
    out.emplace_back(header.substr(0, end));
    header.remove_prefix(end);
    if (brackets && !header.empty()) header.remove_prefix(1);
  }
  return out;
}

const Claim* find_claim(const Token& token, const std::vector<std::string>& path) {
  const std::map<std::string, Claim, std::less<>>* level = &token.claims;
  const Claim* claim = nullptr;
  for (const std::string& key : path) {
    if (level == nullptr) return nullptr;
    const auto it = level->find(key);
    if (it == level->end()) return nullptr;
    claim = &it->second;
    level = claim->kind == Claim::Kind::Object ? &claim->object : nullptr;
  }
  return claim;
}

bool claim_matches(const NamedMatcher& wanted, const RequestView& request) {
  if (request.claims == nullptr) return false;
  const std::vector<std::string> path = claim_path(wanted.name);
  for (const Token& token : *request.claims) {
    if (path.size() == 1 && (path[0] == "iss" || path[0] == "sub")) {
      if (wanted.match.matches(path[0] == "iss" ? token.issuer : token.subject)) return true;
      continue;
    }
    if (path.size() == 1 && path[0] == "aud") {
      if (std::any_of(token.audiences.begin(), token.audiences.end(),
                      [&](const std::string& a) { return wanted.match.matches(a); })) {
        return true;
      }
      continue;
    }
    const Claim* claim = find_claim(token, path);
    if (claim == nullptr) continue;
    if (wanted.match.kind == TextMatcher::Kind::Present) return true;
    if (claim->kind == Claim::Kind::String && wanted.match.matches(claim->text)) return true;
    if (claim->kind == Claim::Kind::List &&
        std::any_of(claim->list.begin(), claim->list.end(),
                    [&](const std::string& v) { return wanted.match.matches(v); })) {
      return true;
    }
  }
  return false;
}

/// Value of a header or of a pseudo header (":method"), which Envoy matches alike, with "host" as another
/// name of ":authority"; nullopt: absent. Source: envoy source/common/http/header_map_impl.cc
/// (RequestHeaderMap).
std::optional<std::string> header_value(std::string_view name, const RequestView& request) {
  if (name == ":method") return request.method;
  if (name == ":authority" || name == "host") return request.authority;
  if (name == ":scheme") return request.scheme;
  if (name == ":path") return request.path + request.query_text;
  const std::string* value = request.header(name);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

bool header_matches(const NamedMatcher& wanted, const RequestView& request) {
  if (wanted.name.starts_with(kClaimPrefix)) return claim_matches(wanted, request);
  const std::optional<std::string> value = header_value(wanted.name, request);
  return value && wanted.match.matches(*value);
}

/// withoutHeaders: an absent header counts as empty, except that "present" then does not hold.
/// Source: istio pilot/pkg/networking/core/route/route.go translateHeaderMatch
/// (treat_missing_header_as_empty).
bool forbidden_header_matches(const NamedMatcher& unwanted, const RequestView& request) {
  if (unwanted.name.starts_with(kClaimPrefix)) return claim_matches(unwanted, request);
  const std::optional<std::string> value = header_value(unwanted.name, request);
  if (value) return unwanted.match.matches(*value);
  return unwanted.match.kind != TextMatcher::Kind::Present && unwanted.match.matches("");
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string host_without_port(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  const std::size_t bracket = authority.rfind(']');
  const bool one_colon = colon != std::string_view::npos && authority.find(':') == colon;
  if (colon != std::string_view::npos &&
      (one_colon || (bracket != std::string_view::npos && colon > bracket))) {
    authority = authority.substr(0, colon);
  }
  return lower_case(authority);
}

const std::string* RequestView::header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_name) return &value;
  }
  return nullptr;
}

const std::string* RequestView::query_value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return &value;
  }
  return nullptr;
}

RequestView view_of(std::string method, std::string scheme, std::string authority, std::string_view path,
                    const Headers& headers, const std::vector<Token>* claims) {
  RequestView view;
  view.method = std::move(method);
  view.scheme = std::move(scheme);
  view.authority = std::move(authority);
  view.claims = claims;
  const std::size_t question = std::min(path.find('?'), path.size());
  view.path = std::string(path.substr(0, question));
  view.query_text = std::string(path.substr(question));
  std::string_view rest = view.query_text;
  if (!rest.empty()) rest.remove_prefix(1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view item = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (item.empty()) continue;
    const std::size_t equals = std::min(item.find('='), item.size());
    view.query.emplace_back(std::string(item.substr(0, equals)),
                            std::string(item.substr(std::min(equals + 1, item.size()))));
  }
  for (const auto& [name, value] : headers) {
    const std::string key = lower_case(name);
    const auto it = std::find_if(view.headers.begin(), view.headers.end(),
                                 [&](const auto& header) { return header.first == key; });
    if (it == view.headers.end()) {
      view.headers.emplace_back(key, value);
    } else {
      it->second += "," + value;
    }
  }
  return view;
}

bool TextMatcher::matches(std::string_view text) const {
  if (ignore_case && (kind == Kind::Exact || kind == Kind::Prefix)) {
    const std::string a = lower_case(value), b = lower_case(text);
    return kind == Kind::Exact ? a == b : b.starts_with(a);
  }
  switch (kind) {
    case Kind::Exact:
      return text == value;
    case Kind::Prefix:
      return text.starts_with(value);
    case Kind::PathPrefix:
      return path_prefix_matches(value, text);
    case Kind::Regex:
      return regex != nullptr && regex->full_match(text);
    case Kind::Present:
      return true;
  }
  return false;
}

std::string TextMatcher::describe() const {
  switch (kind) {
    case Kind::Exact:
      return fmt::format("exact {}{}", value, ignore_case ? " (any case)" : "");
    case Kind::Prefix:
      return fmt::format("prefix {}{}", value, ignore_case ? " (any case)" : "");
    case Kind::PathPrefix:
      return fmt::format("path prefix {}", value);
    case Kind::Regex:
      return fmt::format("regex {}", value);
    case Kind::Present:
      return "present";
  }
  return {};
}

TextMatcher exact(std::string value) {
  TextMatcher out;
  out.value = std::move(value);
  return out;
}

TextMatcher regex(std::string value) {
  TextMatcher out;
  out.kind = TextMatcher::Kind::Regex;
  out.regex = std::make_shared<const RegexMatch>(value);
  out.value = std::move(value);
  return out;
}

/// Source: istio pilot/pkg/networking/core/route/route.go IsCatchAllRoute.
bool HttpMatch::catch_all() const {
  if (method || scheme || authority || !headers.empty() || !without_headers.empty() || !query.empty())
    return false;
  if (!path) return true;
  switch (path->kind) {
    case TextMatcher::Kind::Prefix:
    case TextMatcher::Kind::PathPrefix:
      return path->value == "/" || path->value.empty();
    case TextMatcher::Kind::Regex:
      return path->value == ".*";
    case TextMatcher::Kind::Exact:
    case TextMatcher::Kind::Present:
      return false;
  }
  return false;
}

std::string HttpMatch::describe() const {
  std::string out;
  const auto add = [&out](std::string_view what, const std::string& text) {
    if (!out.empty()) out += ", ";
    out += fmt::format("{} {}", what, text);
  };
  if (path) add("path", path->describe());
  if (method) add("method", method->describe());
  if (scheme) add("scheme", scheme->describe());
  if (authority) add("authority", authority->describe());
  for (const NamedMatcher& h : headers) add("header", h.name + " " + h.match.describe());
  for (const NamedMatcher& h : without_headers) add("without header", h.name + " " + h.match.describe());
  for (const NamedMatcher& q : query) add("query", q.name + " " + q.match.describe());
  return out.empty() ? "every request" : out;
}

const RegexMatch* HttpMatch::invalid_regex() const {
  const auto bad = [](const TextMatcher& m) {
    return m.kind == TextMatcher::Kind::Regex && m.regex != nullptr && !m.regex->valid() ? m.regex.get()
                                                                                         : nullptr;
  };
  for (const auto* one : {&path, &method, &scheme, &authority}) {
    if (*one) {
      if (const RegexMatch* r = bad(**one)) return r;
    }
  }
  for (const auto* list : {&headers, &without_headers, &query}) {
    for (const NamedMatcher& m : *list) {
      if (const RegexMatch* r = bad(m.match)) return r;
    }
  }
  return nullptr;
}

MatchAnswer match_request(const HttpMatch& match, const RequestView& request, bool explain) {
  MatchAnswer answer;
  const auto no = [&](std::string_view what, const std::string& wanted, std::string_view got) {
    answer.result = MatchAnswer::Result::No;
    if (explain)
      answer.detail = fmt::format("{} {}; request has {}", what, wanted, got.empty() ? "none" : got);
    return answer;
  };
  if (match.path && !match.path->matches(request.path))
    return no("path", match.path->describe(), request.path);
  if (match.method && !match.method->matches(request.method)) {
    return no("method", match.method->describe(), request.method);
  }
  if (match.scheme && !match.scheme->matches(request.scheme)) {
    return no("scheme", match.scheme->describe(), request.scheme);
  }
  if (match.authority && !match.authority->matches(request.authority)) {
    return no("authority", match.authority->describe(), request.authority);
  }
  for (const NamedMatcher& wanted : match.headers) {
    if (header_matches(wanted, request)) continue;
    return no("header", wanted.name + " " + wanted.match.describe(),
              header_value(wanted.name, request).value_or(""));
  }
  for (const NamedMatcher& unwanted : match.without_headers) {
    if (!forbidden_header_matches(unwanted, request)) continue;
    return no("without header", unwanted.name + " " + unwanted.match.describe(),
              header_value(unwanted.name, request).value_or(""));
  }
  for (const NamedMatcher& wanted : match.query) {
    const std::string* got = request.query_value(wanted.name);
    if (got != nullptr && wanted.match.matches(*got)) continue;
    return no("query parameter", wanted.name + " " + wanted.match.describe(), got == nullptr ? "" : *got);
  }
  answer.result = MatchAnswer::Result::Yes;
  return answer;
}

void MatchIndex::add(const HttpMatch& match) {
  const std::uint32_t position = size_++;
  const bool simple = match.path && !match.path->ignore_case && match.invalid_regex() == nullptr;
  if (simple && match.path->kind == TextMatcher::Kind::Exact) {
    exact_[match.path->value].push_back(position);
    return;
  }
  if (simple &&
      (match.path->kind == TextMatcher::Kind::Prefix || match.path->kind == TextMatcher::Kind::PathPrefix)) {
    std::string value = match.path->value;
    if (match.path->kind == TextMatcher::Kind::PathPrefix) {
      while (value.ends_with('/')) value.pop_back();
    }
    const auto at = std::lower_bound(prefix_lengths_.begin(), prefix_lengths_.end(), value.size());
    if (at == prefix_lengths_.end() || *at != value.size()) prefix_lengths_.insert(at, value.size());
    prefix_[std::move(value)].push_back(position);
    return;
  }
  others_.push_back(position);
}

std::vector<std::uint32_t> MatchIndex::candidates(std::string_view path) const {
  std::vector<std::uint32_t> out = others_;
  const auto take = [&out](const std::vector<std::uint32_t>& more) {
    out.insert(out.end(), more.begin(), more.end());
  };
  if (const auto it = exact_.find(path); it != exact_.end()) take(it->second);
  for (const std::size_t length : prefix_lengths_) {
    if (length > path.size()) break;
    if (const auto it = prefix_.find(path.substr(0, length)); it != prefix_.end()) take(it->second);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace waypath::sim
