// AdminNetworkPolicy, BaselineAdminNetworkPolicy and ClusterNetworkPolicy (network-policy.md section 3).

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "model/istio/proxy_ports.h"
#include "sim/lint/context.h"
#include "sim/reach/classes.h"

namespace waypath::sim {

namespace {

using model::ClusterPolicy;
using model::TierAction;

bool has_priority(const ClusterPolicy& p) {
  return p.meta.key.kind != std::string_view("BaselineAdminNetworkPolicy");
}

// Whether two policies say different things about some traffic: an action of one that the other lacks.
bool actions_differ(const ClusterPolicy& a, const ClusterPolicy& b) {
  const auto actions = [](const std::vector<model::ClusterPolicyRule>& rules) {
    std::set<TierAction> out;
    for (const auto& rule : rules) out.insert(rule.action);
    return out;
  };
  const auto differ = [&](const auto& x, const auto& y) {
    const auto p = actions(x), q = actions(y);
    return !p.empty() && !q.empty() && (p != q || p.size() > 1);
  };
  return differ(a.ingress, b.ingress) || differ(a.egress, b.egress);
}

void order(LintContext& c) {
  std::map<std::pair<const ClusterPolicy*, const ClusterPolicy*>, model::PodId> together;
  const auto note = [&](const std::vector<const ClusterPolicy*>& policies, model::PodId pod) {
    for (std::size_t i = 1; i < policies.size(); ++i) {
      const ClusterPolicy &a = *policies[i - 1], &b = *policies[i];
      if (a.priority == b.priority && has_priority(a) && has_priority(b))
        together.emplace(std::pair(&a, &b), pod);
    }
  };
  for (const ReachClass& cls : c.classes().classes()) {
    note(cls.attached.admin, cls.pod);
    note(cls.attached.baseline, cls.pod);
  }
  std::map<std::string, std::pair<ObjectAt, std::string>> sorted;
  for (const auto& [pair, pod] : together) {
    const auto& [a, b] = pair;
    if (!actions_differ(*a, *b)) continue;
    sorted.emplace(
        b->meta.key.str() + a->meta.key.str(),
        std::pair(lint_at(b->meta),
                  fmt::format("{} and {} have priority {} and both apply to {}: which is asked first is "
                              "undefined",
                              LintContext::object_text(a->meta.key), LintContext::object_text(b->meta.key),
                              b->priority, c.pod_text(pod))));
  }
  for (const auto& [key, finding] : sorted)
    c.report(kLintAdminPriority, finding.first, finding.second, "give each policy its own priority");
}

void subjects(LintContext& c) {
  std::set<const ClusterPolicy*> attached;
  for (const ReachClass& cls : c.classes().classes()) {
    attached.insert(cls.attached.admin.begin(), cls.attached.admin.end());
    attached.insert(cls.attached.baseline.begin(), cls.attached.baseline.end());
  }
  for (const auto& policy : c.snapshot.all<ClusterPolicy>()) {
    if (attached.contains(policy.get())) continue;
    c.report(kLintAdminSelectsNothing, lint_at(policy->meta),
             fmt::format("the subject of {} is no pod", LintContext::object_text(policy->meta.key)),
             "correct the selectors of the subject");
  }
}

// A rule that denies application ports never sees meshed traffic, which comes on 15008.
void past_hbone(LintContext& c) {
  if (!c.ambient()) return;
  const ReachClasses& classes = c.classes();
  const CniProfile profile;
  const NetMatch match{c.cluster, profile, false};
  std::map<const ClusterPolicy*, std::vector<std::uint32_t>> subjects;
  for (std::uint32_t i = 0; i < classes.classes().size(); ++i)
    for (const auto* list : {&classes.classes()[i].attached.admin, &classes.classes()[i].attached.baseline})
      for (const auto* policy : *list) subjects[policy].push_back(i);
  for (const auto& policy : c.snapshot.all<ClusterPolicy>()) {
    const auto it = subjects.find(policy.get());
    if (it == subjects.end()) continue;
    for (const bool ingress : {true, false}) {
      const auto& rules = ingress ? policy->ingress : policy->egress;
      const ReachPolicy of = classes.policy(policy.get());
      for (std::size_t i = 0; i < rules.size(); ++i) {
        if (rules[i].action != TierAction::Deny || rules[i].all_ports) continue;
        const ReachRule& rule = classes.rules()[(ingress ? of.ingress_first : of.egress_first) + i];
        const auto passes = [&]() -> std::optional<std::pair<model::PodId, model::PodId>> {
          for (const std::uint32_t subject : it->second) {
            const model::PodId own = classes.classes()[subject].pod;
            for (const auto& member : rule.members) {
              if (member.end >= classes.classes().size() || member.fit != Fit::Yes) continue;
              const model::PodId other = classes.classes()[member.end].pod;
              const model::PodId from = ingress ? other : own, to = ingress ? own : other;
              if (from == to || c.wire_port(from, to, 1) != model::kHbonePort) continue;
              if (match.port_set(rules[i], to).contains(model::Protocol::Tcp, model::kHbonePort)) continue;
              if (!c.refusal(from, to, 1)) return std::pair(from, to);
            }
          }
          return std::nullopt;
        }();
        if (!passes) continue;
        c.report(
            kLintAdminHbone,
            lint_at(policy->meta, rules[i].pos, static_cast<int>(i), ingress ? "ingress" : "egress"),
            fmt::format(
                "the rule denies ports that meshed pods do not connect on: {} still reaches {} through "
                "TCP 15008",
                c.pod_text(passes->first), c.pod_text(passes->second)),
            "deny TCP 15008 as well, or refuse the ports with an AuthorizationPolicy at the destination");
      }
    }
  }
}

}  // namespace

void lint_cluster_policies(LintContext& c) {
  if (c.snapshot.all<ClusterPolicy>().empty()) return;
  order(c);
  subjects(c);
  past_hbone(c);
}

}  // namespace waypath::sim
