#include "sim/policy/authservice.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim/match/regex_match.h"
#include "sim/reason_codes_authz.h"

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

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

// A filter's settings over those of default_oidc_config. Source: authservice internal/config.go
// mergeAndValidateOIDCConfigs
AuthserviceConfig::Oidc oidc_of(const Json& defaults, const Json& own) {
  Json merged = defaults.is_object() ? defaults : Json::object();
  if (own.is_object()) merged.merge_patch(own);
  AuthserviceConfig::Oidc o;
  o.authorization_uri = text_of(merged, "authorization_uri");
  o.callback_uri = text_of(merged, "callback_uri");
  o.client_id = text_of(merged, "client_id");
  o.cookie_prefix = text_of(merged, "cookie_name_prefix");
  o.logout_path = text_of(member(merged, "logout"), "path");
  o.logout_redirect = text_of(member(merged, "logout"), "redirect_uri");
  o.jwks_uri = text_of(member(merged, "jwks_fetcher"), "jwks_uri");
  if (const auto header = text_of(member(merged, "id_token"), "header"); !header.empty())
    o.token_header = lower(header);
  o.token_preamble = text_of(member(merged, "id_token"), "preamble");
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

// The issuer that policies of the cluster expect of tokens signed with these keys.
std::string issuer_of(const model::Cluster& cluster, const AuthserviceConfig::Oidc& oidc) {
  for (const auto& policy : cluster.snapshot().all<model::RequestAuthentication>())
    for (const auto& rule : policy->jwt_rules)
      if (!oidc.jwks_uri.empty() && rule.jwks_uri == oidc.jwks_uri) return rule.issuer;
  // OpenID Connect: endpoints stand below the issuer in the common servers.
  const auto end = oidc.authorization_uri.find("/protocol/openid-connect");
  return end == std::string::npos ? std::string() : oidc.authorization_uri.substr(0, end);
}

AuthserviceAnswer login(const AuthserviceConfig::Oidc& oidc, const std::string& chain, std::string why) {
  AuthserviceAnswer out;
  out.kind = AuthserviceAnswer::Kind::Redirect;
  out.status = 302;
  out.redirect = oidc.authorization_uri + "?client_id=" + oidc.client_id +
                 "&redirect_uri=" + oidc.callback_uri + "&response_type=code";
  out.detail = "chain " + chain + ": " + std::move(why);
  return out;
}

AuthserviceAnswer oidc_filter(const AuthserviceConfig::Oidc& oidc, const std::string& chain,
                              const model::Cluster& cluster, const RequestState& request) {
  const std::string path = request.path.substr(0, request.path.find('?'));
  AuthserviceAnswer out;
  if (!oidc.logout_path.empty() && path == oidc.logout_path) {
    out.kind = AuthserviceAnswer::Kind::Redirect;
    out.status = 302;
    out.redirect = oidc.logout_redirect;
    out.detail = "chain " + chain + ": logout";
    return out;
  }
  Session session = request.session;
  if (session == Session::Unstated) {
    if (session_cookie(request, oidc)) {
      out.kind = AuthserviceAnswer::Kind::Unknown;
      out.missing_fact = "whether the session of the cookie is valid (authservice chain " + chain + ")";
      out.detail = out.missing_fact;
      return out;
    }
    out.assumption =
        Assumption{kAssumeNoSession, "the request carries no session of authservice chain " + chain, {}};
    session = Session::None;
  }
  if (session == Session::None || session == Session::Expired) {
    auto answer =
        login(oidc, chain,
              session == Session::None ? "no session" : "the session is expired and cannot be refreshed");
    answer.assumption = out.assumption;
    return answer;
  }
  out.kind = AuthserviceAnswer::Kind::Allow;
  out.detail = "chain " + chain + ": valid session";
  Token token;
  if (request.session_token) {
    token = *request.session_token;
  } else {
    token.issuer = issuer_of(cluster, oidc);
    token.subject = "session-user";
    if (!oidc.client_id.empty()) token.audiences.push_back(oidc.client_id);
    out.assumption = Assumption{kAssumeSessionToken,
                                "the session yields an id token of issuer " +
                                    (token.issuer.empty() ? std::string("unknown") : token.issuer) +
                                    " for client " + oidc.client_id,
                                {}};
  }
  token.where = Token::Where::Header;
  token.name = oidc.token_header;
  token.prefix = oidc.token_preamble.empty() ? "" : oidc.token_preamble + " ";
  out.token = std::move(token);
  return out;
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
    chain.header = lower(text_of(match, "header"));
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

std::optional<AuthserviceConfig> find_authservice_config(const model::Cluster& cluster, model::Symbol ns) {
  for (const auto& map : cluster.snapshot().all<model::ConfigMap>()) {
    if (map->meta.key.ns != ns) continue;
    for (const auto& [key, value] : map->data) {
      if (value.find("\"chains\"") == std::string::npos) continue;
      if (auto config = parse_authservice_config(value)) {
        config->source = map->meta.key;
        config->pos = map->meta.pos;
        return config;
      }
    }
  }
  return std::nullopt;
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
        return out;
      }
      out = oidc_filter(filter.oidc, chain.name, cluster, request);
      if (out.kind != AuthserviceAnswer::Kind::Allow) return out;
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
