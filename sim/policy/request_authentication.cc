// RequestAuthentication at Envoy's HTTP chains: authorization.md section 9.
// Source: istio pilot/pkg/security/authn/policy_applier.go convertToEnvoyJwtConfig; envoy jwt_authn filter

#include <algorithm>

#include "sim/jwt.h"
#include "sim/match/route_match.h"
#include "sim/policy/attachment.h"
#include "sim/policy/families.h"
#include "sim/reason_codes_authz.h"

namespace waypath::sim {
namespace {

using model::JwtRule;
using model::RequestAuthentication;

struct Rule {
  const RequestAuthentication* policy;
  const JwtRule* rule;
};

bool default_locations(const JwtRule& r) {
  return r.from_headers.empty() && r.from_params.empty() && r.from_cookies.empty();
}

/// What a proxy takes for the token that `t` is, when it looks where `r` tells it to.
enum class Sight : std::uint8_t { NotThere, There, Garbled };

Sight look(const JwtRule& r, const Token& t) {
  const auto listed = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), t.name) != names.end() ? Sight::There : Sight::NotThere;
  };
  if (t.where == Token::Where::Cookie) return listed(r.from_cookies);
  if (t.where == Token::Where::Param)
    return default_locations(r) ? (t.name == "access_token" ? Sight::There : Sight::NotThere)
                                : listed(r.from_params);
  const std::string name = lower_case(t.name);
  if (default_locations(r))
    return name == "authorization" && t.prefix == "Bearer " ? Sight::There : Sight::NotThere;
  Sight best = Sight::NotThere;
  for (const auto& h : r.from_headers) {
    if (lower_case(h.name) != name) continue;
    if (h.prefix == t.prefix) return Sight::There;
    // Without a prefix the whole value is taken for the token.
    if (h.prefix.empty()) best = Sight::Garbled;
  }
  return best;
}

std::vector<std::pair<std::string, std::string>> pairs_of(std::string_view text, char separator) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!text.empty()) {
    const auto end = text.find(separator);
    auto one = text.substr(0, end);
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    if (const auto equals = one.find('='); equals != std::string_view::npos)
      out.emplace_back(one.substr(0, equals), one.substr(equals + 1));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

/// The request's tokens: those that were stated, and those that stand as text where some rule looks.
class Presented {
 public:
  Presented(const RequestState& request, const std::vector<Rule>& rules) {
    for (const auto& t : request.tokens) {
      // Given as text only: its contents stand in the text.
      const bool text_only =
          !t.raw.empty() && t.issuer.empty() && t.subject.empty() && t.state == Token::State::Valid;
      Token token = text_only ? decode_jwt(t.raw) : t;
      token.where = t.where;
      token.name = t.where == Token::Where::Header ? lower_case(t.name) : t.name;
      token.prefix = t.prefix;
      all_.push_back(std::move(token));
    }
    for (const auto& [policy, rule] : rules) {
      if (default_locations(*rule)) header(request, "authorization", "Bearer ");
      for (const auto& h : rule->from_headers) header(request, lower_case(h.name), h.prefix);
      if (default_locations(*rule)) params(request, {"access_token"});
      params(request, rule->from_params);
      cookies(request, rule->from_cookies);
    }
  }
  [[nodiscard]] const std::vector<Token>& all() const { return all_; }

 private:
  void take(Token::Where where, const std::string& name, const std::string& prefix, std::string_view text) {
    const auto same = [&](const Token& t) {
      return t.where == where && t.name == name && (where != Token::Where::Header || t.prefix == prefix);
    };
    if (std::any_of(all_.begin(), all_.end(), same)) return;
    Token t = decode_jwt(text);
    t.where = where;
    t.name = name;
    t.prefix = prefix;
    all_.push_back(std::move(t));
  }
  void header(const RequestState& request, const std::string& name, const std::string& prefix) {
    for (const auto& [key, value] : request.headers)
      if (key == name && std::string_view(value).substr(0, prefix.size()) == prefix)
        take(Token::Where::Header, name, prefix, std::string_view(value).substr(prefix.size()));
  }
  void params(const RequestState& request, const std::vector<std::string>& names) {
    const auto query = request.path.find('?');
    if (query == std::string::npos || names.empty()) return;
    for (const auto& [key, value] : pairs_of(std::string_view(request.path).substr(query + 1), '&'))
      if (std::find(names.begin(), names.end(), key) != names.end())
        take(Token::Where::Param, key, {}, value);
  }
  void cookies(const RequestState& request, const std::vector<std::string>& names) {
    if (names.empty()) return;
    for (const auto& [header, text] : request.headers) {
      if (header != "cookie") continue;
      for (const auto& [key, value] : pairs_of(text, ';'))
        if (std::find(names.begin(), names.end(), key) != names.end())
          take(Token::Where::Cookie, key, {}, value);
    }
  }
  std::vector<Token> all_;
};

/// What one rule makes of the tokens it sees.
struct Finding {
  enum class Kind : std::uint8_t { Missing, Accepted, Refused } kind = Kind::Missing;
  const Token* token = nullptr;
  Code code{};
  int status = 0;
  std::string detail;
};

const Claim* nested(const std::map<std::string, Claim, std::less<>>& claims, std::string_view path) {
  const auto dot = path.find('.');
  const auto it = claims.find(path.substr(0, dot));
  if (it == claims.end()) return nullptr;
  return dot == std::string_view::npos ? &it->second : nested(it->second.object, path.substr(dot + 1));
}

class RequestAuthentications final : public PolicyEvaluator {
 public:
  explicit RequestAuthentications(ClusterPtr cluster) : cluster_(std::move(cluster)), index_(*cluster_) {
    for (const auto& p : cluster_->snapshot().all<RequestAuthentication>()) {
      index_.add(static_cast<std::uint32_t>(policies_.size()), p->meta, p->attachment);
      policies_.push_back(p.get());
    }
  }
  [[nodiscard]] std::string_view name() const override { return "RequestAuthentication"; }

  [[nodiscard]] PolicyResult evaluate_hop(const HopContext& context, TraceRecorder* recorder) const override {
    if (!is_envoy(*context.point) || !context.point->http || policies_.empty()) return {};
    const std::vector<Rule> rules = rules_at(*context.point);
    if (rules.empty()) return {};
    RequestState& request = *context.request;
    if (preflight(request)) return {};
    const Presented presented(request, rules);
    std::optional<std::pair<Rule, Finding>> refusal;
    PolicyResult result;
    for (const auto& rule : rules) {
      Finding one = verify(rule, presented.all(), request);
      if (one.kind == Finding::Kind::Accepted) {
        result = accepted(rule, *one.token, request, recorder);
        if (recorder != nullptr)
          recorder->nodes.push_back({"RequestAuthentication", result.decision, result.reason, {}});
        return result;
      }
      // A reason that is about the token says more than "not my issuer".
      if (one.kind == Finding::Kind::Refused &&
          (!refusal || (refusal->second.code == kJwtIssuerUnknown && one.code != kJwtIssuerUnknown)))
        refusal.emplace(rule, std::move(one));
    }
    if (!refusal) {
      result.decision = Decision::Allow;
      result.reason = {kJwtMissing, object_of(rules.front().policy->meta),
                       "no token where a rule looks for one: the request goes on without a principal"};
    } else {
      const auto& [rule, why] = *refusal;
      const ObjectAt at = object_of(rule.policy->meta, rule.rule->pos);
      result.decision = Decision::Deny;
      result.status = why.status;
      result.reason = {why.code, at, why.detail};
      result.deciders = {at};
    }
    if (recorder != nullptr)
      recorder->nodes.push_back({"RequestAuthentication", result.decision, result.reason, {}});
    return result;
  }

 private:
  std::vector<Rule> rules_at(const PolicyPoint& point) const {
    std::vector<Rule> rules;
    const bool across = cluster_->profile().has(model::Feature::RequestAuthenticationCrossNamespaceWaypoint);
    for (const auto i : index_.at(point)) {
      const auto* p = policies_[i];
      if (!across && point.kind == PolicyPoint::Kind::Waypoint && p->meta.key.ns != point.ns) continue;
      for (const auto& r : p->jwt_rules) rules.push_back({p, &r});
    }
    std::stable_sort(rules.begin(), rules.end(),
                     [](const Rule& a, const Rule& b) { return a.rule->issuer < b.rule->issuer; });
    return rules;
  }

  // Source: envoy source/extensions/filters/http/jwt_authn/filter.cc (bypass_cors_preflight)
  static bool preflight(const RequestState& request) {
    const auto has = [&](std::string_view name) {
      return std::any_of(request.headers.begin(), request.headers.end(),
                         [&](const auto& h) { return h.first == name && !h.second.empty(); });
    };
    return request.method == "OPTIONS" && has("origin") && has("access-control-request-method");
  }

  // All tokens at a rule's locations have to be good. Source: envoy
  // source/extensions/filters/http/jwt_authn/authenticator.cc
  static Finding verify(const Rule& rule, const std::vector<Token>& tokens, const RequestState& request) {
    Finding out;
    for (const auto& t : tokens) {
      const Sight sight = look(*rule.rule, t);
      if (sight == Sight::NotThere) continue;
      if (const auto bad = refuse(*rule.rule, t, sight == Sight::Garbled, request);
          bad.kind == Finding::Kind::Refused)
        return bad;
      out.kind = Finding::Kind::Accepted;
      out.token = &t;
    }
    return out;
  }

  static Finding refuse(const JwtRule& r, const Token& t, bool garbled, const RequestState& request) {
    const auto no = [&](Code code, int status, std::string detail) {
      return Finding{Finding::Kind::Refused, &t, code, status, std::move(detail)};
    };
    using State = Token::State;
    if (garbled || t.state == State::Malformed) return no(kJwtInvalid, 401, "the token is no JWT");
    if (!r.issuer.empty() && r.issuer != t.issuer)
      return no(kJwtIssuerUnknown, 401, "issuer: " + r.issuer + "; the token's is " + t.issuer);
    if (t.state == State::Expired) return no(kJwtInvalid, 401, "the token is expired");
    if (t.state == State::NotYetValid) return no(kJwtInvalid, 401, "the token is not yet valid");
    const auto listed = [&](const std::string& a) {
      return std::find(r.audiences.begin(), r.audiences.end(), a) != r.audiences.end();
    };
    if (!r.audiences.empty() && std::none_of(t.audiences.begin(), t.audiences.end(), listed))
      return no(kJwtAudience, 403,
                "audiences: " + r.audiences.front() + (r.audiences.size() > 1 ? ", ..." : "") +
                    "; the token is for " +
                    (t.audiences.empty() ? std::string("nobody") : t.audiences.front()));
    if (unavailable(r, request))
      return no(kJwksUnavailable, 401, "the keys of " + r.issuer + " cannot be fetched from " + r.jwks_uri);
    if (t.state == State::BadSignature) return no(kJwtInvalid, 401, "the signature does not verify");
    return {};
  }

  static bool unavailable(const JwtRule& r, const RequestState& request) {
    if (request.assume == nullptr || r.jwks_uri.empty()) return false;
    const auto& list = request.assume->jwks_unavailable;
    return std::find(list.begin(), list.end(), "*") != list.end() ||
           std::find(list.begin(), list.end(), r.jwks_uri) != list.end();
  }

  static PolicyResult accepted(const Rule& rule, const Token& token, RequestState& request,
                               TraceRecorder* recorder) {
    const JwtRule& r = *rule.rule;
    if (token.state == Token::State::Unverified && recorder != nullptr)
      recorder->assumptions.push_back(
          {kAssumeSignature, "signature and times of the token that is given as text are taken as valid",
           r.pos});
    // Headers get the claims as they stand in the token; policies get some of them as lists.
    for (const auto& [header, claim] : r.output_claim_to_headers) {
      const Claim* found = nested(token.claims, claim);
      std::string value = claim == "sub" ? token.subject : claim == "iss" ? token.issuer : std::string();
      if (found != nullptr && (found->kind == Claim::Kind::String || found->kind == Claim::Kind::Other))
        value = found->text;
      set_header(request, lower_case(header), value);
    }
    if (!r.output_payload_to_header.empty())
      set_header(request, lower_case(r.output_payload_to_header), payload_of(token));
    Token verified = token;
    verified.state = Token::State::Valid;
    for (auto& [name, claim] : verified.claims) split_claim(r, name, claim);
    if (!r.forward_original_token) {
      std::erase_if(request.headers, [&](const auto& h) {
        return token.where == Token::Where::Header && h.first == token.name;
      });
      std::erase_if(request.tokens, [&](const Token& t) {
        return t.where == token.where &&
               (t.where == Token::Where::Header ? lower_case(t.name) : t.name) == token.name;
      });
    }
    PolicyResult out;
    out.decision = Decision::Allow;
    out.reason = {kJwtValid, object_of(rule.policy->meta, r.pos),
                  "request principal is " + token.issuer + "/" + token.subject};
    request.verified = std::move(verified);
    return out;
  }

  static void set_header(RequestState& request, const std::string& name, const std::string& value) {
    std::erase_if(request.headers, [&](const auto& h) { return h.first == name; });
    if (!value.empty()) request.headers.emplace_back(name, value);
  }

  static std::string payload_of(const Token& token) {
    const auto first = token.raw.find('.'),
               second = first == std::string::npos ? first : token.raw.find('.', first + 1);
    return second == std::string::npos ? "<payload of the token>"
                                       : token.raw.substr(first + 1, second - first - 1);
  }

  // Source: istio pilot/pkg/security/authn/policy_applier.go
  // (NormalizePayloadInMetadata.space_delimited_claims)
  static void split_claim(const JwtRule& r, const std::string& name, Claim& claim) {
    if (claim.kind != Claim::Kind::String) return;
    const auto& more = r.space_delimited_claims;
    if (name != "scope" && name != "permission" && std::find(more.begin(), more.end(), name) == more.end())
      return;
    claim.kind = Claim::Kind::List;
    std::string_view text = claim.text;
    while (!text.empty()) {
      const auto end = std::min(text.find(' '), text.size());
      if (end > 0) claim.list.emplace_back(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    claim.text.clear();
  }

  ClusterPtr cluster_;
  AttachmentIndex index_;
  std::vector<const RequestAuthentication*> policies_;
};

}  // namespace

std::unique_ptr<const PolicyEvaluator> compile_request_authentication(ClusterPtr cluster) {
  return std::make_unique<const RequestAuthentications>(std::move(cluster));
}

}  // namespace waypath::sim
