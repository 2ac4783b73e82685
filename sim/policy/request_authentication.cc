// RequestAuthentication at Envoy's HTTP chains: authorization.md section 9.
// Source: istio pilot/pkg/security/authn/policy_applier.go convertToEnvoyJwtConfig; envoy jwt_authn filter

#include <algorithm>

#include "sim/jwt.h"
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

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

bool looks_at(const JwtRule& r, const Token& t) {
  const auto listed = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (default_locations(r))
    return (t.where == Token::Where::Header && lower(t.name) == "authorization") ||
           (t.where == Token::Where::Param && t.name == "access_token");
  switch (t.where) {
    case Token::Where::Header:
      return std::any_of(r.from_headers.begin(), r.from_headers.end(),
                         [&](const auto& h) { return lower(h.name) == lower(t.name); });
    case Token::Where::Param:
      return listed(r.from_params, t.name);
    case Token::Where::Cookie:
      return listed(r.from_cookies, t.name);
  }
  return false;
}

// Tokens that stand in headers as text only.
std::vector<Token> presented(const RequestState& request, const std::vector<Rule>& rules) {
  std::vector<Token> out = request.tokens;
  const auto known = [&](const std::string& name) {
    return std::any_of(out.begin(), out.end(), [&](const Token& t) {
      return t.where == Token::Where::Header && lower(t.name) == name;
    });
  };
  const auto take = [&](const std::string& name, const std::string& prefix) {
    if (known(name)) return;
    for (const auto& [header, value] : request.headers) {
      if (header != name || value.substr(0, prefix.size()) != prefix) continue;
      Token t = decode_jwt(std::string_view(value).substr(prefix.size()));
      t.name = name;
      t.prefix = prefix;
      out.push_back(std::move(t));
    }
  };
  for (const auto& [policy, rule] : rules) {
    if (default_locations(*rule)) take("authorization", "Bearer ");
    for (const auto& h : rule->from_headers) take(lower(h.name), h.prefix);
  }
  return out;
}

class RequestAuthentications final : public PolicyEvaluator {
 public:
  explicit RequestAuthentications(ClusterPtr cluster) : cluster_(std::move(cluster)), policies_(*cluster_) {}
  [[nodiscard]] std::string_view name() const override { return "RequestAuthentication"; }

  [[nodiscard]] PolicyResult evaluate_hop(const HopContext& context, TraceRecorder* recorder) const override {
    if (!is_envoy(*context.point) || !context.point->http) return {};
    const auto attached = policies_.at(*context.point);
    std::vector<Rule> rules;
    for (const auto* p : attached)
      for (const auto& r : p->jwt_rules) rules.push_back({p, &r});
    if (rules.empty()) return {};
    std::stable_sort(rules.begin(), rules.end(),
                     [](const Rule& a, const Rule& b) { return a.rule->issuer < b.rule->issuer; });
    auto& request = *context.request;
    // A CORS preflight passes unasked.
    const auto has = [&](std::string_view name) {
      return std::any_of(request.headers.begin(), request.headers.end(),
                         [&](const auto& h) { return h.first == name; });
    };
    if (request.method == "OPTIONS" && has("origin") && has("access-control-request-method")) return {};
    PolicyResult result;
    result.decision = Decision::Allow;
    bool seen = false;
    for (const auto& token : presented(request, rules)) {
      std::vector<Rule> looking;
      for (const auto& r : rules)
        if (looks_at(*r.rule, token)) looking.push_back(r);
      if (looking.empty()) continue;
      seen = true;
      result = verify(token, looking, request, recorder);
      if (result.decision != Decision::Allow) break;
    }
    if (!seen)
      result.reason = {kJwtMissing, object_of(rules.front().policy->meta),
                       "no token: the request goes on without a principal"};
    if (recorder != nullptr)
      recorder->nodes.push_back({"RequestAuthentication", result.decision, result.reason, {}});
    return result;
  }

 private:
  PolicyResult verify(const Token& token, const std::vector<Rule>& rules, RequestState& request,
                      TraceRecorder* recorder) const {
    PolicyResult out;
    const auto refuse = [&](Code code, int status, const Rule& rule, std::string detail) {
      out.decision = Decision::Deny;
      out.status = status;
      const ObjectAt at = object_of(rule.policy->meta, rule.rule->pos);
      out.reason = {code, at, std::move(detail)};
      out.deciders = {at};
    };
    if (token.state == Token::State::Malformed) {
      refuse(kJwtInvalid, 401, rules.front(), "the token is no JWT");
      return out;
    }
    refuse(kJwtIssuerUnknown, 401, rules.front(), "no rule has issuer " + token.issuer);
    for (const auto& rule : rules) {
      const auto& r = *rule.rule;
      if (!r.issuer.empty() && r.issuer != token.issuer) continue;
      const bool audience =
          r.audiences.empty() ||
          std::any_of(token.audiences.begin(), token.audiences.end(), [&](const auto& a) {
            return std::find(r.audiences.begin(), r.audiences.end(), a) != r.audiences.end();
          });
      if (token.state == Token::State::Expired) {
        refuse(kJwtInvalid, 401, rule, "the token is expired");
      } else if (token.state == Token::State::NotYetValid) {
        refuse(kJwtInvalid, 401, rule, "the token is not yet valid");
      } else if (!audience) {
        refuse(kJwtAudience, 403, rule,
               "audiences: " + r.audiences.front() + "; the token is for " +
                   (token.audiences.empty() ? std::string("nobody") : token.audiences.front()));
      } else if (unavailable(r, request)) {
        refuse(kJwksUnavailable, 401, rule,
               "the keys of " + r.issuer + " cannot be fetched from " + r.jwks_uri);
      } else if (token.state == Token::State::BadSignature) {
        refuse(kJwtInvalid, 401, rule, "the signature does not verify");
      } else {
        accept(token, rule, request, out, recorder);
        return out;
      }
    }
    return out;
  }

  static bool unavailable(const JwtRule& r, const RequestState& request) {
    if (request.assume == nullptr || r.jwks_uri.empty()) return false;
    const auto& list = request.assume->jwks_unavailable;
    return std::find(list.begin(), list.end(), "*") != list.end() ||
           std::find(list.begin(), list.end(), r.jwks_uri) != list.end();
  }

  static void accept(const Token& token, const Rule& rule, RequestState& request, PolicyResult& out,
                     TraceRecorder* recorder) {
    if (token.state == Token::State::Unverified && recorder != nullptr)
      recorder->assumptions.push_back(
          {kAssumeSignature, "the signature and times of the token given as text are taken as valid", {}});
    request.verified = token;
    request.verified->state = Token::State::Valid;
    const ObjectAt at = object_of(rule.policy->meta, rule.rule->pos);
    out.decision = Decision::Allow;
    out.status = 0;
    out.reason = {kJwtValid, at, "request principal is " + token.issuer + "/" + token.subject};
    out.deciders.clear();
    if (!rule.rule->forward_original_token) {
      std::erase_if(request.headers, [&](const auto& h) {
        return token.where == Token::Where::Header && h.first == lower(token.name);
      });
      std::erase_if(request.tokens,
                    [&](const Token& t) { return t.where == token.where && t.name == token.name; });
    }
    for (const auto& [header, claim] : rule.rule->output_claim_to_headers) {
      const auto it = token.claims.find(claim);
      const std::string value = claim == "sub"             ? token.subject
                                : claim == "iss"           ? token.issuer
                                : it != token.claims.end() ? it->second.text
                                                           : "";
      std::erase_if(request.headers, [&](const auto& h) { return h.first == lower(header); });
      if (!value.empty()) request.headers.emplace_back(lower(header), value);
    }
  }

  ClusterPtr cluster_;
  PoliciesByNamespace<RequestAuthentication> policies_;
};

}  // namespace

std::unique_ptr<const PolicyEvaluator> compile_request_authentication(ClusterPtr cluster) {
  return std::make_unique<const RequestAuthentications>(std::move(cluster));
}

}  // namespace waypath::sim
