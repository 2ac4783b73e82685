// RequestAuthentication at Envoy's HTTP chains: authorization.md section 9.
// Source: istio pilot/pkg/security/authn/policy_applier.go convertToEnvoyJwtConfig; envoy jwt_authn filter

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "sim/jwks.h"
#include "sim/jwt.h"
#include "sim/match/route_match.h"
#include "sim/policy/attachment.h"
#include "sim/policy/families.h"
#include "sim/policy/token_extraction.h"
#include "sim/reasons/authz.h"

namespace waypath::sim {
namespace {

using model::JwtRule;
using model::RequestAuthentication;

struct Rule {
  const RequestAuthentication* policy;
  const JwtRule* rule;
  const KeySet* keys;  // inline in the manifest; null: fetched from jwksUri, so nobody knows them here
};

/// What is wrong with a token.
struct Refusal {
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
      for (const auto& r : p->jwt_rules)
        if (!r.jwks.empty()) keys_.emplace(&r, KeySet(r.jwks));
    }
  }
  [[nodiscard]] std::string_view name() const override { return "RequestAuthentication"; }

  // {P1, P2, ..., all of (P1 or missing), (P2 or missing), ...}: any of them will do. Of several refusals the
  // last one answers that says more than "not my issuer".
  // Source: istio pilot/pkg/security/authn/policy_applier.go convertToEnvoyJwtConfig; envoy
  // source/extensions/filters/http/jwt_authn/verifier.cc AnyVerifierImpl
  [[nodiscard]] PolicyResult evaluate_hop(const HopContext& context, TraceRecorder* recorder) const override {
    if (!is_envoy(*context.point) || !context.point->http || policies_.empty()) return {};
    if (context.request->unsettled) return {};  // the tokens may be others by then
    const std::vector<Rule> rules = rules_at(*context.point);
    if (rules.empty()) return {};
    RequestState& request = *context.request;
    for (const auto& rule : rules) sanitize(*rule.rule, request);
    if (preflight(request)) return {};
    std::optional<PolicyResult> good, telling, unknown;  // what the rules said
    const auto keep = [&](PolicyResult one) {
      if (one.decision == Decision::Allow) good = std::move(one);
      if (one.decision == Decision::Deny)
        (one.reason.code == kJwtIssuerUnknown ? unknown : telling) = std::move(one);
    };
    for (const auto& rule : rules) {
      PolicyResult one = verify(rule, request, recorder);
      if (one.decision == Decision::Allow) return told(std::move(one), recorder);
      keep(std::move(one));
    }
    // No rule is content. A token that is still there has to be good for every rule that sees it.
    bool refused = false;
    for (std::size_t i = 0; i < rules.size() && !refused; ++i) {
      if (!telling && !unknown) break;
      for (int turn = 0; turn < 2; ++turn) {  // the rule alone, then the rule where a token may be missing
        PolicyResult one = verify(rules[i], request, recorder);
        refused = one.decision == Decision::Deny;
        keep(std::move(one));
        if (!refused) break;
      }
    }
    if (refused) {
      request.verified.reset();
      return told(telling ? std::move(*telling) : std::move(*unknown), recorder);
    }
    if (good) return told(std::move(*good), recorder);
    PolicyResult result;
    result.decision = Decision::Allow;
    result.reason = {kJwtMissing, object_of(rules.front().policy->meta),
                     "no token where a rule looks for one: the request goes on without a principal"};
    return told(std::move(result), recorder);
  }

 private:
  std::vector<Rule> rules_at(const PolicyPoint& point) const {
    std::vector<Rule> rules;
    const bool across = cluster_->profile().has(model::Feature::RequestAuthenticationCrossNamespaceWaypoint);
    for (const auto i : index_.at(point)) {
      const auto* p = policies_[i];
      if (!across && point.kind == PolicyPoint::Kind::Waypoint && p->meta.key.ns != point.ns) continue;
      for (const auto& r : p->jwt_rules) {
        const auto keys = keys_.find(&r);
        rules.push_back({p, &r, keys == keys_.end() ? nullptr : &keys->second});
      }
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

  static PolicyResult told(PolicyResult result, TraceRecorder* recorder) {
    if (recorder != nullptr)
      recorder->nodes.push_back({"RequestAuthentication", result.decision, result.reason, {}});
    return result;
  }

  // Headers that the rule writes cannot be sent by clients.
  // Source: envoy source/extensions/filters/http/jwt_authn/extractor.cc sanitizeHeaders
  static void sanitize(const JwtRule& r, RequestState& request) {
    const auto drop = [&](const std::string& header) {
      std::erase_if(request.headers, [&](const auto& h) { return h.first == lower_case(header); });
    };
    if (!r.output_payload_to_header.empty()) drop(r.output_payload_to_header);
    for (const auto& [header, claim] : r.output_claim_to_headers) drop(header);
  }

  // All tokens that the rule sees have to be good; NotApplicable: it sees none. The last in order is looked
  // at first, and a good one counts at once: it is taken out of the request before the others are looked at.
  // Source: envoy source/extensions/filters/http/jwt_authn/authenticator.cc
  static PolicyResult verify(const Rule& rule, RequestState& request, TraceRecorder* recorder) {
    const auto tokens = tokens_seen(*rule.rule, request);
    PolicyResult out;
    for (auto t = tokens.rbegin(); t != tokens.rend(); ++t) {
      if (const auto why = refuse(rule, *t, request)) {
        const ObjectAt at = object_of(rule.policy->meta, rule.rule->pos);
        out = {};
        out.decision = Decision::Deny;
        out.status = why->status;
        out.reason = {why->code, at, why->detail};
        out.deciders = {at};
        return out;
      }
      out = accepted(rule, *t, request, recorder);
    }
    return out;
  }

  // In the order of envoy source/extensions/filters/http/jwt_authn/authenticator.cc startVerify.
  static std::optional<Refusal> refuse(const Rule& rule, const Token& t, const RequestState& request) {
    const JwtRule& r = *rule.rule;
    const auto no = [&](Code code, int status, std::string detail) {
      return std::optional(Refusal{code, status, std::move(detail)});
    };
    using State = Token::State;
    if (t.state == State::Malformed) return no(kJwtInvalid, 401, "the token is no JWT");
    if (!r.issuer.empty() && r.issuer != t.issuer)
      return no(kJwtIssuerUnknown, 401, "issuer: " + r.issuer + "; the token's is " + t.issuer);
    if (t.state == State::Expired) return no(kJwtInvalid, 401, "the token is expired" + end_of(t));
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
    if (t.state != State::Unverified || rule.keys == nullptr) return std::nullopt;
    if (!rule.keys->usable())
      return no(kJwksUnavailable, 401, "the jwks in the policy cannot be used: " + rule.keys->problem());
    switch (rule.keys->verify(t.raw)) {
      case KeySet::Answer::Verified:
        return std::nullopt;
      case KeySet::Answer::NoKey:
        return no(kJwtInvalid, 401, "no key of the jwks in the policy has the token's kid and alg");
      case KeySet::Answer::BadSignature:
        return no(kJwtInvalid, 401, "the signature does not verify with the jwks in the policy");
    }
    return std::nullopt;
  }

  static std::string end_of(const Token& t) {
    const auto it = t.claims.find("exp");
    std::int64_t end = 0;
    if (it == t.claims.end() || it->second.kind != Claim::Kind::Other) return {};
    const auto& text = it->second.text;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), end);
    return error == std::errc() && end > 0 ? " (exp is " + time_text(end) + ")" : std::string();
  }

  static bool unavailable(const JwtRule& r, const RequestState& request) {
    if (request.assume == nullptr || r.jwks_uri.empty()) return false;
    const auto& list = request.assume->jwks_unavailable;
    return std::find(list.begin(), list.end(), "*") != list.end() ||
           std::find(list.begin(), list.end(), r.jwks_uri) != list.end();
  }

  // What is taken for granted of a token that passes.
  static void assume(const Rule& rule, const Token& token, TraceRecorder& recorder) {
    const auto pos = rule.rule->pos;
    if (token.state == Token::State::Unverified && rule.keys == nullptr) {
      recorder.assumptions.push_back(
          {kAssumeSignature,
           "the signature of the token that is given as text is taken as valid: its keys are at " +
               (rule.rule->jwks_uri.empty() ? "the issuer" : rule.rule->jwks_uri),
           pos});
    } else if (rule.keys != nullptr && !rule.keys->usable()) {
      recorder.assumptions.push_back(
          {kAssumeSignature,
           "the token is stated as valid, though no token can be verified: the jwks "
           "in the policy cannot be used: " +
               rule.keys->problem(),
           pos});
    }
    if (token.state == Token::State::Unverified)
      if (const auto end = end_of(token); !end.empty())
        recorder.assumptions.push_back({kAssumeTokenTime, "the token is taken as not expired" + end, pos});
  }

  static PolicyResult accepted(const Rule& rule, const Token& token, RequestState& request,
                               TraceRecorder* recorder) {
    const JwtRule& r = *rule.rule;
    if (recorder != nullptr) assume(rule, token, *recorder);
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
    if (!r.forward_original_token) remove(token, request);
    PolicyResult out;
    out.decision = Decision::Allow;
    out.reason = {kJwtValid, object_of(rule.policy->meta, r.pos),
                  "request principal is " + token.issuer + "/" + token.subject};
    request.verified = std::move(verified);
    return out;
  }

  // Source: envoy source/extensions/filters/http/jwt_authn/extractor.cc removeJwt (cookies stay)
  static void remove(const Token& token, RequestState& request) {
    if (token.where == Token::Where::Cookie) return;
    const bool header = token.where == Token::Where::Header;
    std::erase_if(request.headers, [&](const auto& h) { return header && h.first == token.name; });
    std::erase_if(request.tokens, [&](const Token& t) {
      return t.where == token.where && (header ? lower_case(t.name) : t.name) == token.name;
    });
    if (token.where == Token::Where::Param) request.path = without_parameter(request.path, token.name);
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
  std::unordered_map<const JwtRule*, KeySet> keys_;
};

}  // namespace

std::unique_ptr<const PolicyEvaluator> compile_request_authentication(ClusterPtr cluster) {
  return std::make_unique<const RequestAuthentications>(std::move(cluster));
}

}  // namespace waypath::sim
