// AUDIT, DENY and ALLOW at every enforcement point: authorization.md sections 3, 4, 6, 7.

#include <algorithm>
#include <tuple>

#include "model/istio/proxy_ports.h"
#include "sim/policy/attachment.h"
#include "sim/policy/authorization_rule.h"
#include "sim/policy/families.h"
#include "sim/policy/unenforced.h"
#include "sim/reasons/authz.h"
#include "sim/resolve/mesh.h"

namespace waypath::sim {
namespace {

using model::AuthorizationAction;
using model::AuthorizationPolicy;

struct Compiled {
  const AuthorizationPolicy* policy = nullptr;
  std::vector<CompiledRule> rules;
  [[nodiscard]] ObjectAt at(std::size_t rule) const {
    return object_of(policy->meta, policy->rules[rule].pos, static_cast<int>(rule));
  }
};

std::string layer_of(AuthorizationAction action) {
  switch (action) {
    case AuthorizationAction::Allow:
      return "AuthorizationPolicy ALLOW";
    case AuthorizationAction::Deny:
      return "AuthorizationPolicy DENY";
    case AuthorizationAction::Audit:
      return "AuthorizationPolicy AUDIT";
    case AuthorizationAction::Custom:
      return "CUSTOM";
  }
  return {};
}

// Policy ports are those of the request at the point, never the tunnel's.
std::string port_hint(const AuthorizationPolicy& policy, std::size_t rule, std::uint16_t port) {
  for (const auto& operation : policy.rules[rule].to)
    for (const auto& p : operation.ports)
      if (p.text == "15008" && port != model::kHbonePort)
        return "; policy ports are inner ports: use " + std::to_string(port);
  return {};
}

// Over all forms that proxies give the policy.
Discriminator discriminator_of(const Compiled& policy) {
  Discriminator principal{Discriminator::Kind::Principal, {}, {}}, port{Discriminator::Kind::Port, {}, {}};
  bool principals = true, ports = true;
  for (const auto& rule : policy.rules) {
    for (const Dialect d : {Dialect::EnvoyHttp, Dialect::EnvoyTcp, Dialect::Ztunnel}) {
      const auto names = principals ? rule.only_principals(d) : std::nullopt;
      const auto numbers = ports ? rule.only_ports(d) : std::nullopt;
      principals = principals && names.has_value();
      ports = ports && numbers.has_value();
      if (names) principal.principals.insert(principal.principals.end(), names->begin(), names->end());
      if (numbers) port.ports.insert(port.ports.end(), numbers->begin(), numbers->end());
    }
  }
  return principals ? principal : ports ? port : Discriminator{};
}

/// A rule that did not admit the request.
struct Miss {
  const Compiled* policy;
  std::size_t rule;
  RuleMatch match;
  bool dropped;
};

class AuthorizationPolicies final : public PolicyEvaluator {
 public:
  explicit AuthorizationPolicies(ClusterPtr cluster)
      : cluster_(std::move(cluster)), index_(*cluster_), unenforced_(*cluster_) {
    for (const auto& p : cluster_->snapshot().all<AuthorizationPolicy>()) {  // sorted by namespace and name
      if (p->action == AuthorizationAction::Custom) continue;
      Compiled one{p.get(), {}};
      one.rules.reserve(p->rules.size());
      for (const auto& r : p->rules) one.rules.emplace_back(*cluster_, *p, r);
      index_.add(static_cast<std::uint32_t>(policies_.size()), p->meta, p->attachment, discriminator_of(one),
                 p->action == AuthorizationAction::Allow && !p->dry_run);
      policies_.push_back(std::move(one));
    }
    const auto& flags = cluster_->flags();
    auto_allow_waypoint_ = flags.boolean(flags.istiod, "PILOT_AUTO_ALLOW_WAYPOINT_POLICY").value_or(false);
  }
  [[nodiscard]] std::string_view name() const override { return "AuthorizationPolicy"; }

  [[nodiscard]] PolicyResult evaluate_hop(const HopContext& context, TraceRecorder* recorder) const override {
    const PolicyPoint& point = *context.point;
    if (recorder != nullptr)
      for (auto& [meta, text] : unenforced_.at(point)) note(*meta, std::move(text), *recorder);
    if (const auto layered = index_.layered_at(point); !layered.empty()) {
      // The filter stands where HBONE ends: it sees the tunnel's port, and a refusal is no answer to the
      // inner request.
      RequestState tunnel = *context.request;
      tunnel.port = model::kHbonePort;
      auto result =
          judge(layered, true, Dialect::EnvoyTcp, PolicyRequest(tunnel, {}, false), point, recorder);
      if (result.decision != Decision::Allow) return result;
    }
    // An explanation is about every policy, a decision about those that can match.
    const RequestState& request = *context.request;
    const bool all = recorder != nullptr;
    return judge(all ? index_.at(point) : index_.matching(point, request.peer.principal, request.port), all,
                 dialect_of(point), PolicyRequest(request, cluster_->mesh().path_normalization, point.http),
                 point, recorder);
  }

 private:
  // DENY, then ALLOW. Source: istio/ztunnel src/state.rs assert_rbac; envoy
  // source/extensions/filters/common/rbac/engine_impl.cc
  // `all`: the positions are every policy of the point, not those alone that can match.
  PolicyResult judge(const PolicyPositions& positions, bool all, Dialect dialect,
                     const PolicyRequest& request, const PolicyPoint& point, TraceRecorder* recorder) const {
    if (recorder != nullptr) note_unenforced(positions, dialect, request, *recorder);
    if (recorder != nullptr) note_changed(positions, dialect, *recorder);
    std::optional<PolicyResult> undecided;
    if (auto refusal = denied(positions, dialect, request, recorder, undecided)) return *refusal;
    PolicyResult result = allowed(positions, all, dialect, request, point, recorder);
    // A DENY that may match leaves open what ALLOW would let pass; what ALLOW refuses is refused either way.
    if (undecided && result.decision == Decision::Allow) {
      if (recorder != nullptr) recorder->missing_facts.push_back(undecided->reason.detail);
      return *undecided;
    }
    if (result.decision == Decision::Unknown && recorder != nullptr)
      recorder->missing_facts.push_back(result.reason.detail);
    return result;
  }

  // AUDIT and dry runs never change a verdict; what they would say belongs to the trace.
  void note_unenforced(const PolicyPositions& positions, Dialect dialect, const PolicyRequest& request,
                       TraceRecorder& recorder) const {
    for (const auto i : positions) {
      const Compiled& p = policies_[i];
      if (!p.policy->dry_run && p.policy->action != AuthorizationAction::Audit) continue;
      std::string detail = p.policy->dry_run ? "dry run, not enforced: " : "audit, not enforced: ";
      if (dialect == Dialect::Ztunnel && p.policy->action == AuthorizationAction::Audit)
        detail = "ztunnel does not support the AUDIT action: ";
      std::optional<std::size_t> hit;
      for (std::size_t r = 0; r < p.rules.size() && !hit; ++r)
        if (p.rules[r].matches(dialect, request, nullptr) == Tri::Yes) hit = r;
      detail += hit ? "rule " + std::to_string(*hit) + " matches" : "no rule matches";
      recorder.nodes.push_back(
          {layer_of(p.policy->action),
           Decision::NotApplicable,
           {kAuthzNotEnforced, hit ? p.at(*hit) : object_of(p.policy->meta), std::move(detail)},
           {}});
    }
  }

  static void note(const model::ObjectMeta& meta, std::string text, TraceRecorder& recorder) {
    recorder.nodes.push_back({"AuthorizationPolicy",
                              Decision::NotApplicable,
                              {kAuthzNotAsWritten, object_of(meta), std::move(text)},
                              {}});
  }

  // Rules that this proxy cannot carry as they are written.
  void note_changed(const PolicyPositions& positions, Dialect dialect, TraceRecorder& recorder) const {
    for (const auto i : positions) {
      const Compiled& p = policies_[i];
      if (p.policy->dry_run || p.policy->action == AuthorizationAction::Audit) continue;
      const bool allow = p.policy->action == AuthorizationAction::Allow;
      std::string idle, wider, why;
      for (std::size_t r = 0; r < p.rules.size(); ++r) {
        const auto changes = p.rules[r].changes(dialect);
        if (changes.empty()) continue;
        auto& list = p.rules[r].dropped(dialect) || p.rules[r].dead(dialect) ? idle : wider;
        list.append(list.empty() ? "" : ", ").append(std::to_string(r));
        if (why.empty()) why = changes.front();
      }
      if (why.empty()) continue;
      std::string text = layer_of(p.policy->action) + " " + p.policy->meta.key.ns.str() + "/" +
                         p.policy->meta.key.name.str() +
                         (dialect == Dialect::Ztunnel ? " at ztunnel:" : " on a TCP port:");
      if (!idle.empty()) text += std::string(allow ? " admits" : " denies") + " nothing by rules " + idle;
      if (!wider.empty())
        text += std::string(idle.empty() ? "" : ",") + " denies more than written by rules " + wider;
      note(p.policy->meta, text + " (" + why + ")", recorder);
    }
  }

  std::optional<PolicyResult> denied(const PolicyPositions& positions, Dialect dialect,
                                     const PolicyRequest& request, TraceRecorder* recorder,
                                     std::optional<PolicyResult>& undecided) const {
    for (const auto i : positions) {
      const Compiled& p = policies_[i];
      if (p.policy->action != AuthorizationAction::Deny || p.policy->dry_run) continue;
      TraceNode node{layer_of(p.policy->action),
                     Decision::NotApplicable,
                     {kAuthzNoMatch, object_of(p.policy->meta), "no rule matches"},
                     {}};
      if (p.rules.empty()) node.reason.detail = "a DENY policy without rules never denies";
      for (std::size_t r = 0; r < p.rules.size(); ++r) {
        RuleMatch why;
        const Tri t = p.rules[r].matches(dialect, request, recorder == nullptr ? nullptr : &why);
        const bool dropped = p.rules[r].dropped(dialect).has_value();
        if (recorder != nullptr)
          node.children.push_back(
              {node.layer,
               t == Tri::Yes       ? Decision::Deny
               : t == Tri::Unknown ? Decision::Unknown
                                   : Decision::NotApplicable,
               {t == Tri::Yes       ? (dialect == Dialect::Ztunnel ? kZtunnelDenyMatch : kRbacDenyMatch)
                : t == Tri::Unknown ? kAuthzFactMissing
                : dropped           ? kAuthzRuleUnusable
                                    : kAuthzNoMatch,
                p.at(r), t == Tri::Unknown ? why.missing_fact : why.detail},
               {}});
        if (t == Tri::Unknown && !undecided) {
          undecided.emplace();
          undecided->decision = Decision::Unknown;
          undecided->reason = {kAuthzFactMissing, p.at(r), why.missing_fact};
        }
        if (t != Tri::Yes) continue;
        PolicyResult result;
        result.decision = Decision::Deny;
        result.reason = {dialect == Dialect::Ztunnel ? kZtunnelDenyMatch : kRbacDenyMatch, p.at(r),
                         std::move(why.detail)};
        if (dialect == Dialect::EnvoyHttp) result.status = 403;
        if (recorder != nullptr) {
          if (const auto changes = p.rules[r].changes(dialect); !changes.empty())
            result.reason.detail += " (" + changes.front() + ")";
          result.deciders.push_back(p.at(r));
          node.decision = Decision::Deny;
          node.reason = result.reason;
          recorder->nodes.push_back(std::move(node));
        }
        return result;
      }
      if (recorder != nullptr) recorder->nodes.push_back(std::move(node));
    }
    return std::nullopt;
  }

  static PolicyResult default_allow(std::string detail, TraceRecorder* recorder) {
    PolicyResult result;
    result.decision = Decision::Allow;
    result.reason.code = kAuthzDefaultAllow;
    if (recorder == nullptr) return result;
    result.reason.detail = std::move(detail);
    recorder->nodes.push_back({"AuthorizationPolicy", Decision::Allow, result.reason, {}});
    return result;
  }

  [[nodiscard]] bool isolates(std::uint32_t position) const {
    const auto& p = *policies_[position].policy;
    return p.action == AuthorizationAction::Allow && !p.dry_run;
  }

  PolicyResult allowed(const PolicyPositions& positions, bool all, Dialect dialect,
                       const PolicyRequest& request, const PolicyPoint& point,
                       TraceRecorder* recorder) const {
    PolicyResult out;
    std::optional<Reason> undecided;
    std::vector<Miss> misses;
    std::vector<const Compiled*> policies;
    const std::vector<std::string> implicit = dialect == Dialect::Ztunnel && auto_allow_waypoint_
                                                  ? waypoint_identities(point)
                                                  : std::vector<std::string>();
    if (std::find(implicit.begin(), implicit.end(), request.state.peer.principal) != implicit.end() &&
        request.state.peer.present())
      return default_allow(
          "PILOT_AUTO_ALLOW_WAYPOINT_POLICY admits the waypoint " + request.state.peer.principal, recorder);
    for (const auto i : positions) {
      const Compiled& p = policies_[i];
      if (!isolates(i)) continue;
      if (recorder != nullptr) policies.push_back(&p);
      for (std::size_t r = 0; r < p.rules.size(); ++r) {
        RuleMatch why;
        const Tri t = p.rules[r].matches(dialect, request, recorder == nullptr ? nullptr : &why);
        if (t == Tri::Yes) {
          // The first that matches admits; an explanation names the others that would have as well.
          const Reason reason{kAuthzAllowMatch, p.at(r), std::move(why.detail)};
          if (out.decision != Decision::Allow) out.reason = reason;
          out.decision = Decision::Allow;
          if (recorder == nullptr) return out;
          out.deciders.push_back(p.at(r));
          recorder->nodes.push_back({layer_of(p.policy->action), Decision::Allow, reason, {}});
          policies.pop_back();
          break;
        }
        if (t == Tri::Unknown && !undecided) undecided = Reason{kAuthzFactMissing, p.at(r), why.missing_fact};
        if (recorder != nullptr)
          misses.push_back({&p, r, std::move(why), p.rules[r].dropped(dialect).has_value()});
      }
    }
    if (out.decision == Decision::Allow) {
      for (const Compiled* p : policies) recorder->nodes.push_back(considered(*p, misses));
      return out;
    }
    const auto isolated = [&] {
      return all ? std::any_of(positions.begin(), positions.end(), [&](auto i) { return isolates(i); })
                 : index_.isolated(point);
    };
    if (implicit.empty() && !isolated())
      return default_allow(positions.empty() ? "no policy applies here"
                                             : "no DENY policy matches and there is no ALLOW policy",
                           recorder);
    if (undecided) {
      out.decision = Decision::Unknown;
      out.reason = *undecided;
      if (recorder != nullptr)
        recorder->nodes.push_back({"AuthorizationPolicy ALLOW", Decision::Unknown, *undecided, {}});
      return out;
    }
    out.decision = Decision::Deny;
    if (dialect == Dialect::EnvoyHttp) out.status = 403;
    out.reason.code = dialect == Dialect::Ztunnel ? kZtunnelNoAllowMatch : kRbacNoAllowMatch;
    if (recorder != nullptr) explain_refusal(out, policies, misses, request.state, *recorder);
    return out;
  }

  // An ALLOW policy none of whose rules admitted the request, with what each lacked.
  static TraceNode considered(const Compiled& policy, const std::vector<Miss>& misses) {
    const std::string layer = layer_of(policy.policy->action);
    TraceNode node{layer,
                   Decision::NotApplicable,
                   {kAuthzNoMatch, object_of(policy.policy->meta),
                    policy.rules.empty() ? "no rules: matches nothing" : "no rule matches"},
                   {}};
    for (const auto& m : misses) {
      if (m.policy != &policy) continue;
      node.children.push_back(
          {layer,
           Decision::NotApplicable,
           {m.dropped ? kAuthzRuleUnusable : kAuthzNoMatch, policy.at(m.rule), m.match.detail},
           {}});
    }
    std::sort(node.children.begin(), node.children.end(),
              [](const TraceNode& a, const TraceNode& b) { return a.reason.by->rule < b.reason.by->rule; });
    return node;
  }

  static void explain_refusal(PolicyResult& out, const std::vector<const Compiled*>& policies,
                              std::vector<Miss>& misses, const RequestState& request,
                              TraceRecorder& recorder) {
    std::stable_sort(misses.begin(), misses.end(), [](const Miss& a, const Miss& b) {
      return a.dropped != b.dropped ? b.dropped : a.match.nearer_than(b.match);
    });
    for (auto& m : misses) m.match.detail += port_hint(*m.policy->policy, m.rule, request.port);
    if (!misses.empty()) {
      const Miss& near = misses.front();
      out.reason.by = near.policy->at(near.rule);
      out.reason.detail = near.match.detail;
      out.deciders.push_back(*out.reason.by);
    } else if (!policies.empty()) {
      out.reason.by = object_of(policies.front()->policy->meta);
      out.reason.detail = "an ALLOW policy without rules refuses everything that no other policy allows";
    } else {
      out.reason.detail = "only waypoints are allowed (PILOT_AUTO_ALLOW_WAYPOINT_POLICY)";
    }
    TraceNode node{"AuthorizationPolicy ALLOW", Decision::Deny, out.reason, {}};
    for (const Compiled* p : policies) {
      const ObjectAt whole = object_of(p->policy->meta);
      if (out.deciders.empty() || !(out.deciders.front().key == whole.key)) out.deciders.push_back(whole);
      node.children.push_back(considered(*p, misses));
    }
    recorder.nodes.push_back(std::move(node));
    for (const auto& m : misses) {
      ObjectAt at = m.policy->at(m.rule);
      if (m.match.pos.known()) at.pos = m.match.pos;
      recorder.near_misses.push_back({std::move(at), m.match.detail});
    }
  }

  // Source: istio pilot/pkg/serviceregistry/ambient/policies.go implicitWaypointPolicy
  std::vector<std::string> waypoint_identities(const PolicyPoint& point) const {
    std::vector<std::string> out;
    const auto pod = cluster_->find_pod(point.ns.view(), point.workload_name.view());
    if (!pod.valid()) return out;
    const auto add = [&](const WaypointBinding& binding) {
      if (!binding.bound()) return;
      for (const auto proxy : binding.pods) {
        const auto identity = identity_of(*cluster_, proxy).principal;
        if (std::find(out.begin(), out.end(), identity) == out.end()) out.push_back(identity);
      }
    };
    add(bind_pod(*cluster_, pod));
    for (const auto service : cluster_->services_of_pod(pod)) add(bind_service(*cluster_, service));
    return out;
  }

  ClusterPtr cluster_;
  std::vector<Compiled> policies_;
  AttachmentIndex index_;
  UnenforcedPolicies unenforced_;
  bool auto_allow_waypoint_ = false;
};

}  // namespace

std::unique_ptr<const PolicyEvaluator> compile_authorization_policies(ClusterPtr cluster) {
  return std::make_unique<const AuthorizationPolicies>(std::move(cluster));
}

}  // namespace waypath::sim
