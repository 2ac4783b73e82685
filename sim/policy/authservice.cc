#include "sim/policy/authservice.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim/match/regex_match.h"
#include "sim/match/route_match.h"
#include "sim/reasons/authz.h"

namespace waypath::sim {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& object, std::string_view key) {
  const auto it = object.is_object() ? object.find(std::string(key)) : object.end();
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

const Json& member(const Json& object, std::string_view key) {
  static const Json none;
  const auto it = object.is_object() ? object.find(std::string(key)) : object.end();
  return it != object.end() && object.is_object() ? *it : none;
}

// A filter's settings over those of default_oidc_config. Source: authservice internal/config.go
// mergeAndValidateOIDCConfigs
AuthserviceConfig::Oidc oidc_of(const Json& defaults, const Json& own) {
  Json merged = defaults.is_object() ? defaults : Json::object();
  if (own.is_object()) merged.merge_patch(own);
  AuthserviceConfig::Oidc o;
  o.authorization_uri = text_of(merged, "authorization_uri");
  o.configuration_uri = text_of(merged, "configuration_uri");
  o.callback_uri = text_of(merged, "callback_uri");
  o.client_id = text_of(merged, "client_id");
  o.cookie_prefix = text_of(merged, "cookie_name_prefix");
  o.logout_path = text_of(member(merged, "logout"), "path");
  o.logout_redirect = text_of(member(merged, "logout"), "redirect_uri");
  o.jwks_uri = text_of(member(merged, "jwks_fetcher"), "jwks_uri");
  if (const auto header = text_of(member(merged, "id_token"), "header"); !header.empty())
    o.token_header = lower_case(header);
  o.token_preamble = text_of(member(merged, "id_token"), "preamble");
  o.access_token_header = lower_case(text_of(member(merged, "access_token"), "header"));
  o.access_token_preamble = text_of(member(merged, "access_token"), "preamble");
  o.jwks = text_of(merged, "jwks");
  if (const Json& scopes = member(merged, "scopes"); scopes.is_array())
    for (const auto& scope : scopes)
      if (scope.is_string()) o.scopes.push_back(scope.get<std::string>());
  return o;
}

std::vector<AuthserviceConfig::Path> paths_of(const Json& list) {
  std::vector<AuthserviceConfig::Path> out;
  using Kind = AuthserviceConfig::Path::Kind;
  if (!list.is_array()) return out;
  for (const auto& item : list)
    for (const auto& [key, kind] : {std::pair{"exact", Kind::Exact}, std::pair{"prefix", Kind::Prefix},
                                    std::pair{"suffix", Kind::Suffix}, std::pair{"regex", Kind::Regex}})
      if (!text_of(item, key).empty()) out.push_back({kind, text_of(item, key)});
  return out;
}

bool fits(const AuthserviceConfig::Path& p, const std::string& path) {
  using Kind = AuthserviceConfig::Path::Kind;
  switch (p.kind) {
    case Kind::Exact:
      return path == p.text;
    case Kind::Prefix:
      return path.substr(0, p.text.size()) == p.text;
    case Kind::Suffix:
      return path.size() >= p.text.size() && path.substr(path.size() - p.text.size()) == p.text;
    case Kind::Regex:
      return RegexMatch(p.text).full_match(path);
  }
  return false;
}

// Source: authservice internal/server/authz.go mustTriggerCheck: any satisfied rule triggers, exclusion wins
// inside a rule.
bool triggered(const AuthserviceConfig& config, const std::string& path) {
  if (config.triggers.empty()) return true;
  return std::any_of(config.triggers.begin(), config.triggers.end(), [&](const auto& rule) {
    const auto fit = [&](const auto& p) { return fits(p, path); };
    if (std::any_of(rule.excluded.begin(), rule.excluded.end(), fit)) return false;
    return rule.included.empty() || std::any_of(rule.included.begin(), rule.included.end(), fit);
  });
}

std::optional<std::string> header_of(const RequestState& request, const std::string& name) {
  if (name == ":authority") return request.host;
  if (name == ":path") return request.path;
  if (name == ":method") return request.method;
  for (const auto& [key, value] : request.headers)
    if (key == name) return value;
  return std::nullopt;
}

bool session_cookie(const RequestState& request, const AuthserviceConfig::Oidc& oidc) {
  const auto cookies = header_of(request, "cookie");
  return cookies && cookies->find((oidc.cookie_prefix.empty() ? "" : oidc.cookie_prefix + "-") +
                                  "authservice-session-id-cookie") != std::string::npos;
}

// The issuer that the cluster's policies expect of tokens signed with these keys.
std::string issuer_of(const model::Cluster& cluster, const AuthserviceConfig::Oidc& oidc) {
  for (const auto& policy : cluster.snapshot().all<model::RequestAuthentication>())
    for (const auto& rule : policy->jwt_rules)
      if ((!oidc.jwks_uri.empty() && rule.jwks_uri == oidc.jwks_uri) ||
          (!oidc.jwks.empty() && rule.jwks == oidc.jwks))
        return rule.issuer;
  return {};
}

// Source: Go net/url QueryEscape
std::string escaped(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
        c == '.' || c == '~') {
      out.push_back(c);
    } else if (c == ' ') {
      out.push_back('+');
    } else {
      out.push_back('%');
      out.push_back(kHex[static_cast<unsigned char>(c) >> 4U]);
      out.push_back(kHex[static_cast<unsigned char>(c) & 15U]);
    }
  }
  return out;
}

// state, nonce and code challenge are random and left out. Source: authservice internal/authz/oidc.go
// redirectToIDP
AuthserviceAnswer login(const AuthserviceConfig::Oidc& oidc, const std::string& chain, std::string why) {
  AuthserviceAnswer out;
  out.kind = AuthserviceAnswer::Kind::Redirect;
  out.status = 302;
  out.detail = "chain " + chain + ": " + std::move(why);
  std::string scopes = "openid";
  for (const auto& s : oidc.scopes)
    if (s != "openid") scopes += " " + s;
  if (oidc.authorization_uri.empty()) {
    out.detail += "; the address of the login is discovered at " + oidc.configuration_uri;
  } else {
    out.redirect = oidc.authorization_uri + "?client_id=" + escaped(oidc.client_id) +
                   "&redirect_uri=" + escaped(oidc.callback_uri) +
                   "&response_type=code&scope=" + escaped(scopes);
  }
  return out;
}

bool at_callback(const AuthserviceConfig::Oidc& oidc, const RequestState& request, const std::string& path) {
  std::string_view uri = oidc.callback_uri;
  if (const auto scheme = uri.find("://"); scheme != std::string_view::npos) uri.remove_prefix(scheme + 3);
  const auto slash = uri.find('/');
  if (slash == std::string_view::npos) return false;
  const auto host = uri.substr(0, slash);
  return uri.substr(slash) == path &&
         (request.host == host || request.host.substr(0, request.host.find(':')) == host);
}

AuthserviceAnswer unknown(std::string fact) {
  AuthserviceAnswer out;
  out.kind = AuthserviceAnswer::Kind::Unknown;
  out.detail = out.missing_fact = std::move(fact);
  return out;
}

// The id token of a session that nobody described: its issuer and audience follow from the configuration,
// nothing else does.
AuthserviceAnswer admit(const AuthserviceConfig::Oidc& oidc, const std::string& chain,
                        const model::Cluster& cluster, const RequestState& request) {
  AuthserviceAnswer out;
  out.detail = "chain " + chain + ": valid session";
  if (!oidc.access_token_header.empty() && oidc.access_token_header != oidc.token_header)
    out.headers.emplace_back(oidc.access_token_header,
                             (oidc.access_token_preamble.empty() ? "" : oidc.access_token_preamble + " ") +
                                 "<access token of the session>");
  Token token;
  if (request.session_token) {
    token = *request.session_token;
  } else {
    token.issuer = issuer_of(cluster, oidc);
    const bool wanted = !cluster.snapshot().all<model::RequestAuthentication>().empty();
    if (token.issuer.empty() && wanted)
      return unknown("the issuer of the session's token: no jwtRule has the keys of authservice chain " +
                     chain + " (" + (oidc.jwks_uri.empty() ? "inline" : oidc.jwks_uri) + ")");
    token.complete = false;
    if (!oidc.client_id.empty()) token.audiences.push_back(oidc.client_id);
    out.assumption = Assumption{kAssumeSessionToken,
                                "the session of chain " + chain + " yields an id token" +
                                    (token.issuer.empty() ? "" : " of issuer " + token.issuer) +
                                    " for client " + oidc.client_id,
                                {}};
  }
  token.where = Token::Where::Header;
  token.name = oidc.token_header;
  token.prefix = oidc.token_preamble.empty() ? "" : oidc.token_preamble + " ";
  out.token = std::move(token);
  return out;
}

// Source: authservice internal/authz/oidc.go Process
AuthserviceAnswer oidc_filter(const AuthserviceConfig::Oidc& oidc, const std::string& chain,
                              const model::Cluster& cluster, const RequestState& request) {
  const std::string path = request.path.substr(0, request.path.find_first_of("?#"));
  if (!oidc.logout_path.empty() && path == oidc.logout_path) {
    AuthserviceAnswer out;
    out.kind = AuthserviceAnswer::Kind::Redirect;
    out.status = 302;
    out.redirect = oidc.logout_redirect;
    out.detail = "chain " + chain + ": logout";
    return out;
  }
  const bool cookie = session_cookie(request, oidc);
  if (request.session == Session::None || (request.session == Session::Unstated && !cookie)) {
    auto out = login(oidc, chain, "no session");
    if (request.session == Session::Unstated)
      out.assumption =
          Assumption{kAssumeNoSession, "the request carries no session of authservice chain " + chain, {}};
    return out;
  }
  if (at_callback(oidc, request, path))
    return unknown("what the identity provider answers to the code of the login (authservice chain " + chain +
                   ", callback " + oidc.callback_uri + ")");
  switch (request.session) {
    case Session::Unstated:
      return unknown("whether the session of the cookie is valid (authservice chain " + chain + ")");
    case Session::Expired:
      return login(oidc, chain, "the session is expired and cannot be refreshed");
    case Session::None:
    case Session::Valid:
    case Session::ExpiredRefreshable:
      break;
  }
  return admit(oidc, chain, cluster, request);
}

}  // namespace

std::optional<AuthserviceConfig> parse_authservice_config(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false, true);
  if (!json.is_object() || !member(json, "chains").is_array()) return std::nullopt;
  AuthserviceConfig config;
  const Json& unmatched = member(json, "allow_unmatched_requests");
  config.allow_unmatched = unmatched.is_boolean() && unmatched.get<bool>();
  const Json& defaults = member(json, "default_oidc_config");
  if (const Json& rules = member(json, "trigger_rules"); rules.is_array())
    for (const auto& r : rules)
      config.triggers.push_back(
          {paths_of(member(r, "excluded_paths")), paths_of(member(r, "included_paths"))});
  for (const auto& c : member(json, "chains")) {
    AuthserviceConfig::Chain chain;
    chain.name = text_of(c, "name");
    const Json& match = member(c, "match");
    chain.header = lower_case(text_of(match, "header"));
    chain.prefix = text_of(match, "prefix");
    chain.equality = text_of(match, "equality");
    if (const Json& filters = member(c, "filters"); filters.is_array()) {
      for (const auto& f : filters) {
        AuthserviceConfig::Filter filter;
        if (const Json& mock = member(f, "mock"); mock.is_object()) {
          filter.mock = true;
          filter.mock_allows = member(mock, "allow").is_boolean() && member(mock, "allow").get<bool>();
        } else {
          filter.oidc = oidc_of(
              defaults, member(f, "oidc").is_object() ? member(f, "oidc") : member(f, "oidc_override"));
        }
        chain.filters.push_back(std::move(filter));
      }
    }
    config.chains.push_back(std::move(chain));
  }
  return config;
}

std::optional<AuthserviceConfig> find_authservice_config(const model::Cluster& cluster,
                                                         const model::RegistryService& service) {
  std::optional<AuthserviceConfig> found;
  bool several = false;
  for (const auto& map : cluster.snapshot().all<model::ConfigMap>()) {
    if (map->meta.key.ns != service.ns) continue;
    for (const auto& [key, value] : map->data) {
      if (value.find("\"chains\"") == std::string::npos) continue;
      auto config = parse_authservice_config(value);
      if (!config) continue;
      config->source = map->meta.key;
      config->pos = map->meta.pos;
      if (map->meta.key.name == service.name) return config;
      several = found.has_value();
      found = std::move(config);
    }
  }
  return several ? std::nullopt : found;
}

AuthserviceAnswer ask_authservice(const AuthserviceConfig& config, const model::Cluster& cluster,
                                  const RequestState& request) {
  AuthserviceAnswer out;
  const std::string path = request.path.substr(0, request.path.find_first_of("?#"));
  if (!triggered(config, path)) {
    out.detail = "no trigger rule covers the path";
    return out;
  }
  for (const auto& chain : config.chains) {
    if (!chain.header.empty()) {
      const auto value = header_of(request, chain.header);
      const bool match =
          value && (chain.equality.empty() ? value->substr(0, chain.prefix.size()) == chain.prefix
                                           : *value == chain.equality);
      if (!match) continue;
    }
    out.detail = "chain " + chain.name;
    for (const auto& filter : chain.filters) {
      if (filter.mock) {
        if (filter.mock_allows) continue;
        out.kind = AuthserviceAnswer::Kind::Deny;
        out.detail += ": mock refuses";
        return out;
      }
      auto answer = oidc_filter(filter.oidc, chain.name, cluster, request);
      if (answer.kind != AuthserviceAnswer::Kind::Allow) return answer;
      out = std::move(answer);
    }
    return out;
  }
  out.kind = config.allow_unmatched ? AuthserviceAnswer::Kind::Allow : AuthserviceAnswer::Kind::Deny;
  out.detail = "no chain matches host " + request.host +
               (config.allow_unmatched ? ": allowed (allow_unmatched_requests)"
                                       : ": refused (allow_unmatched_requests is false)");
  return out;
}

}  // namespace waypath::sim
