// AUDIT, DENY and ALLOW at every enforcement point: authorization.md sections 3, 4, 6, 7.

#include <algorithm>

#include "sim/policy/attachment.h"
#include "sim/policy/authorization_rule.h"
#include "sim/policy/families.h"
#include "sim/reason_codes_authz.h"

namespace waypath::sim {
namespace {

using model::AuthorizationAction;
using model::AuthorizationPolicy;

class AuthorizationPolicies final : public PolicyEvaluator {
 public:
  explicit AuthorizationPolicies(ClusterPtr cluster) : cluster_(std::move(cluster)), policies_(*cluster_) {}
  [[nodiscard]] std::string_view name() const override { return "AuthorizationPolicy"; }

  [[nodiscard]] PolicyResult evaluate_hop(const HopContext& context, TraceRecorder* recorder) const override {
    std::vector<const AuthorizationPolicy*> deny, allow;
    for (const auto* p : policies_.at(*context.point)) {
      // A dry run is never enforced, and a dry-run ALLOW isolates nothing.
      if (p->dry_run) continue;
      if (p->action == AuthorizationAction::Deny) deny.push_back(p);
      if (p->action == AuthorizationAction::Allow) allow.push_back(p);
    }
    if (deny.empty() && allow.empty()) {
      if (recorder != nullptr)
        recorder->nodes.push_back(
            {"AuthorizationPolicy",
             Decision::Allow,
             {kAuthzDefaultAllow, std::nullopt, "no policy applies here: allowed by default"},
             {}});
      PolicyResult r;
      r.decision = Decision::Allow;
      r.reason = {kAuthzDefaultAllow, std::nullopt, "no policy applies here: allowed by default"};
      return r;
    }
    const Dialect dialect = dialect_of(*context.point);
    std::optional<PolicyResult> unknown;
    if (auto r = denied(deny, dialect, context, recorder, unknown)) return *r;
    if (unknown) return *unknown;
    if (allow.empty()) {
      PolicyResult r;
      r.decision = Decision::Allow;
      r.reason = {kAuthzDefaultAllow, std::nullopt, "no DENY policy matches and there is no ALLOW policy"};
      if (recorder != nullptr)
        recorder->nodes.push_back({"AuthorizationPolicy", Decision::Allow, r.reason, {}});
      return r;
    }
    return allowed(allow, dialect, context, recorder);
  }

 private:
  std::optional<PolicyResult> denied(const std::vector<const AuthorizationPolicy*>& policies, Dialect dialect,
                                     const HopContext& context, TraceRecorder* recorder,
                                     std::optional<PolicyResult>& unknown) const {
    for (const auto* p : policies) {
      for (std::size_t i = 0; i < p->rules.size(); ++i) {
        const auto match = match_rule(*cluster_, *p, p->rules[i], dialect, *context.request);
        const ObjectAt at = object_of(p->meta, p->rules[i].pos, static_cast<int>(i));
        if (match.result == Tri::Unknown && !unknown) {
          unknown.emplace();
          unknown->decision = Decision::Unknown;
          unknown->reason = {kAuthzFactMissing, at, match.missing_fact};
          if (recorder != nullptr) recorder->missing_facts.push_back(match.missing_fact);
        }
        if (match.result != Tri::Yes) continue;
        PolicyResult r;
        r.decision = Decision::Deny;
        r.reason = {dialect == Dialect::Ztunnel ? kZtunnelDenyMatch : kRbacDenyMatch, at,
                    refusal_detail(*p, p->rules[i], *context.request)};
        r.deciders.push_back(at);
        if (dialect == Dialect::EnvoyHttp) r.status = 403;
        if (recorder != nullptr)
          recorder->nodes.push_back({"AuthorizationPolicy DENY", Decision::Deny, r.reason, {}});
        unknown.reset();
        return r;
      }
      if (recorder != nullptr)
        recorder->nodes.push_back({"AuthorizationPolicy DENY",
                                   Decision::NotApplicable,
                                   {kAuthzNoMatch, object_of(p->meta), "no rule matches"},
                                   {}});
    }
    return std::nullopt;
  }

  static std::string refusal_detail(const AuthorizationPolicy&, const model::AuthorizationRule& rule,
                                    const RequestState& request) {
    const std::string caller =
        request.peer.present() ? "caller is " + request.peer.principal : "caller has no identity";
    if (rule.from.empty()) return caller;
    const auto& s = rule.from.front();
    if (!s.not_request_principals.empty() || !s.request_principals.empty())
      return request.verified
                 ? "request principal is " + request.verified->issuer + "/" + request.verified->subject
                 : "the request has no verified token";
    if (!s.not_principals.empty()) return "notPrincipals: " + s.not_principals.front().text + "; " + caller;
    return caller;
  }

  PolicyResult allowed(const std::vector<const AuthorizationPolicy*>& policies, Dialect dialect,
                       const HopContext& context, TraceRecorder* recorder) const {
    PolicyResult out;
    std::optional<Reason> unknown;
    struct Miss {
      const AuthorizationPolicy* policy;
      std::size_t rule;
      RuleMatch match;
    };
    std::vector<Miss> misses;
    for (const auto* p : policies) {
      for (std::size_t i = 0; i < p->rules.size(); ++i) {
        auto match = match_rule(*cluster_, *p, p->rules[i], dialect, *context.request);
        const ObjectAt at = object_of(p->meta, p->rules[i].pos, static_cast<int>(i));
        if (match.result == Tri::Yes) {
          out.decision = Decision::Allow;
          out.reason = {
              kAuthzAllowMatch, at,
              context.request->peer.present() ? "caller is " + context.request->peer.principal : ""};
          out.deciders.push_back(at);
          if (recorder != nullptr)
            recorder->nodes.push_back({"AuthorizationPolicy ALLOW", Decision::Allow, out.reason, {}});
          return out;
        }
        if (match.result == Tri::Unknown && !unknown)
          unknown = Reason{kAuthzFactMissing, at, match.missing_fact};
        misses.push_back({p, i, std::move(match)});
      }
    }
    if (unknown) {
      out.decision = Decision::Unknown;
      out.reason = *unknown;
      if (recorder != nullptr) {
        recorder->missing_facts.push_back(unknown->detail);
        recorder->nodes.push_back({"AuthorizationPolicy ALLOW", Decision::Unknown, *unknown, {}});
      }
      return out;
    }
    // The nearest rule held the most conditions before one failed.
    std::stable_sort(misses.begin(), misses.end(), [](const Miss& a, const Miss& b) {
      return std::pair(a.match.dropped, -a.match.depth) < std::pair(b.match.dropped, -b.match.depth);
    });
    out.decision = Decision::Deny;
    if (dialect == Dialect::EnvoyHttp) out.status = 403;
    const Code code = dialect == Dialect::Ztunnel ? kZtunnelNoAllowMatch : kRbacNoAllowMatch;
    if (misses.empty()) {
      out.reason = {code, object_of(policies.front()->meta),
                    "an ALLOW policy without rules denies everything that no other allows"};
    } else {
      const auto& near = misses.front();
      out.reason = {
          code, object_of(near.policy->meta, near.policy->rules[near.rule].pos, static_cast<int>(near.rule)),
          near.match.detail + hint(near.match, dialect, *context.request)};
      out.deciders.push_back(*out.reason.by);
    }
    for (const auto* p : policies)
      if (out.deciders.empty() || !(out.deciders.front().key == p->meta.key))
        out.deciders.push_back(object_of(p->meta));
    if (recorder != nullptr) {
      recorder->nodes.push_back({"AuthorizationPolicy ALLOW", Decision::Deny, out.reason, {}});
      auto& children = recorder->nodes.back().children;
      for (const auto& m : misses) {
        const ObjectAt at = object_of(m.policy->meta, m.match.pos, static_cast<int>(m.rule));
        children.push_back({"AuthorizationPolicy ALLOW",
                            Decision::NotApplicable,
                            {m.match.dropped ? kAuthzRuleUnusable : kAuthzNoMatch, at, m.match.detail},
                            {}});
        recorder->near_misses.push_back({at, m.match.detail + hint(m.match, dialect, *context.request)});
      }
    }
    return out;
  }

  // Policy ports are those of the request at the point, never the tunnel's.
  static std::string hint(const RuleMatch& match, Dialect dialect, const RequestState& request) {
    if (match.detail.substr(0, 5) == "ports" && match.detail.find("15008") != std::string::npos)
      return dialect == Dialect::Ztunnel
                 ? "; policy ports are inner ports: use " + std::to_string(request.port)
                 : "; policy ports are not the tunnel's";
    return {};
  }

  ClusterPtr cluster_;
  PoliciesByNamespace<AuthorizationPolicy> policies_;
};

}  // namespace

std::unique_ptr<const PolicyEvaluator> compile_authorization_policies(ClusterPtr cluster) {
  return std::make_unique<const AuthorizationPolicies>(std::move(cluster));
}

}  // namespace waypath::sim
