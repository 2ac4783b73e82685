// What is never asked, or asked in vain, because a rule of a cluster-scoped policy decides first
// (network-policy.md 3.1 to 3.4). Only what is certain for every pod and peer of a rule is told.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "sim/lint/context.h"
#include "sim/reach/classes.h"

namespace waypath::sim {

namespace {

using model::ClusterPolicy;
using model::ClusterPolicyRule;
using model::Severity;
using model::TierAction;

class Order {
 public:
  explicit Order(LintContext& c) : c_(c), profile_(cni_profile(c.engine.options())) {
    const auto& classes = c.classes().classes();
    for (std::uint32_t i = 0; i < classes.size(); ++i) {
      for (const auto* list : {&classes[i].attached.admin, &classes[i].attached.baseline})
        for (const auto* policy : *list) subjects_[policy].push_back(i);
      for (const auto* policy : classes[i].attached.ingress) subjects_[policy].push_back(i);
      for (const auto* policy : classes[i].attached.egress)
        if (auto& of = subjects_[policy]; of.empty() || of.back() != i) of.push_back(i);
    }
  }

  void shadowed();
  void baseline_unasked();
  void overruled();
  void two_kinds();

 private:
  [[nodiscard]] const std::vector<std::uint32_t>& subjects(const void* policy) const {
    static const std::vector<std::uint32_t> none;
    const auto it = subjects_.find(policy);
    return it == subjects_.end() ? none : it->second;
  }
  [[nodiscard]] const NetAttachment& attached(std::uint32_t cls) const {
    return c_.classes().classes()[cls].attached;
  }

  // Rules whose ends are all among the classes and ranges: not of names, nodes or fields of a newer API.
  [[nodiscard]] static bool ends_known(const ReachRule& rule) {
    if (rule.every_peer || rule.by_subject || rule.members.empty()) return false;
    return rule.cluster == nullptr ||
           std::all_of(rule.cluster->peers.begin(), rule.cluster->peers.end(), [](const auto& peer) {
             return peer.domain_names.empty() && !peer.nodes && !peer.unknown_field;
           });
  }
  [[nodiscard]] PortSet ports(const ReachRule& rule) const {
    const NetMatch match{c_.cluster, profile_, false};
    return rule.cluster != nullptr ? match.port_set(*rule.cluster, {}) : match.port_set(*rule.network, {});
  }
  [[nodiscard]] static bool all_ports(const ReachRule& rule) {
    return rule.cluster != nullptr ? rule.cluster->all_ports : rule.network->ports.empty();
  }
  /// Whether `first` certainly matches all that `then` may match.
  [[nodiscard]] bool covers(const ReachRule& first, const ReachRule& then) const {
    if (!ends_known(first) || !ends_known(then)) return false;
    if (!all_ports(first)) {
      if (first.named_ports || then.named_ports || all_ports(then)) return false;
      if (!(ports(then) - ports(first)).empty()) return false;
    }
    auto at = first.members.begin();
    for (const auto& member : then.members) {
      while (at != first.members.end() && (at->end < member.end || at->fit != Fit::Yes)) ++at;
      if (at == first.members.end() || at->end != member.end) return false;
    }
    return true;
  }
  [[nodiscard]] static bool may_meet(const ReachRule& a, const ReachRule& b) {
    if (!ends_known(a) || !ends_known(b)) return true;
    auto at = a.members.begin();
    for (const auto& member : b.members) {
      while (at != a.members.end() && at->end < member.end) ++at;
      if (at != a.members.end() && at->end == member.end) return true;
    }
    return false;
  }
  [[nodiscard]] const ReachRule& reach_rule(const void* policy, bool ingress, std::size_t i) const {
    const ReachPolicy of = c_.classes().policy(policy);
    return c_.classes().rules()[(ingress ? of.ingress_first : of.egress_first) + i];
  }
  [[nodiscard]] static const std::vector<ClusterPolicyRule>& rules(const ClusterPolicy& p, bool ingress) {
    return ingress ? p.ingress : p.egress;
  }
  [[nodiscard]] static std::string rule_text(const ClusterPolicy& p, bool ingress, std::size_t i) {
    return fmt::format("{} rule {} of {}", ingress ? "ingress" : "egress", i,
                       LintContext::object_text(p.meta.key));
  }
  [[nodiscard]] const ClusterPolicyRule* decides_first(const ClusterPolicy& policy, bool ingress,
                                                       std::size_t index, std::string& who) const;
  [[nodiscard]] std::optional<std::string> denied_first(const model::NetworkPolicy& policy,
                                                        const ReachRule& rule, bool ingress) const;

  LintContext& c_;
  CniProfile profile_;
  std::map<const void*, std::vector<std::uint32_t>> subjects_;  // classes, ascending; for lookup only
};

std::string_view done(TierAction action) {
  switch (action) {
    case TierAction::Accept:
      return "accepts";
    case TierAction::Deny:
      return "denies";
    case TierAction::Pass:
      return "passes on";
  }
  return {};
}

// A rule asked before that matches all of it: of the policy itself, or of one of the same kind with a lower
// priority that has all of its subjects.
const ClusterPolicyRule* Order::decides_first(const ClusterPolicy& policy, bool ingress, std::size_t index,
                                              std::string& who) const {
  const auto& own = subjects(&policy);
  const ReachRule& rule = reach_rule(&policy, ingress, index);
  const NetAttachment& sample = attached(own.front());
  for (const auto* other : policy.tier == model::PolicyTier::Admin ? sample.admin : sample.baseline) {
    const bool self = other == &policy;
    if (!self && (other->meta.key.kind != policy.meta.key.kind || other->priority >= policy.priority))
      continue;
    const auto& theirs = subjects(other);
    if (!self && !std::includes(theirs.begin(), theirs.end(), own.begin(), own.end())) continue;
    const auto& asked = rules(*other, ingress);
    for (std::size_t j = 0; j < (self ? index : asked.size()); ++j) {
      if (!covers(reach_rule(other, ingress, j), rule)) continue;
      who = self ? fmt::format("{} rule {} of the same policy", ingress ? "ingress" : "egress", j)
                 : rule_text(*other, ingress, j);
      return &asked[j];
    }
  }
  return nullptr;
}

void Order::shadowed() {
  for (const auto& policy : c_.snapshot.all<ClusterPolicy>()) {
    if (subjects(policy.get()).empty()) continue;
    for (const bool ingress : {true, false}) {
      const auto& own = rules(*policy, ingress);
      for (std::size_t i = 0; i < own.size(); ++i) {
        std::string who;
        const auto* first = decides_first(*policy, ingress, i, who);
        if (first == nullptr) continue;
        const bool same = first->action == own[i].action;
        c_.report(kLintAdminShadowed,
                  lint_at(policy->meta, own[i].pos, static_cast<int>(i), ingress ? "ingress" : "egress"),
                  fmt::format("the rule is never reached: {} is asked before and {} all that it matches", who,
                              done(first->action)),
                  same ? "remove the rule" : "move the rule before the other, or narrow the other",
                  same ? Severity::Info : Severity::Warning);
      }
    }
  }
}

// Source: sigs.k8s.io/network-policy-api ClusterNetworkPolicy Tier (Baseline): asked when no NetworkPolicy
// isolates the pod.
void Order::baseline_unasked() {
  for (const auto& policy : c_.snapshot.all<ClusterPolicy>()) {
    const auto& own = subjects(policy.get());
    if (policy->tier != model::PolicyTier::Baseline || own.empty()) continue;
    for (const bool ingress : {true, false}) {
      const auto& asked = rules(*policy, ingress);
      if (asked.empty()) continue;
      const bool isolated = std::all_of(own.begin(), own.end(), [&](std::uint32_t cls) {
        return !(ingress ? attached(cls).ingress : attached(cls).egress).empty();
      });
      if (!isolated) continue;
      const std::string way = ingress ? "ingress" : "egress";
      c_.report(kLintAdminShadowed, lint_at(policy->meta, asked.front().pos, 0, way),
                fmt::format("no {} rule of {} is ever asked: NetworkPolicies isolate every pod of its "
                            "subject for {}, and they decide",
                            way, LintContext::object_text(policy->meta.key), way),
                "nothing, when it waits for pods to come; to hold for these pods, use the Admin tier",
                Severity::Info);
    }
  }
}

// The rule of the Admin tier that denies all that a NetworkPolicy's rule allows, at every pod of its policy.
std::optional<std::string> Order::denied_first(const model::NetworkPolicy& policy, const ReachRule& rule,
                                               bool ingress) const {
  std::optional<std::string> out;
  for (const std::uint32_t cls : subjects(&policy)) {
    const auto by = [&]() -> std::optional<std::string> {
      for (const auto* admin : attached(cls).admin) {
        const auto& asked = rules(*admin, ingress);
        for (std::size_t j = 0; j < asked.size(); ++j) {
          const ReachRule& first = reach_rule(admin, ingress, j);
          if (asked[j].action == TierAction::Deny) {
            if (covers(first, rule)) return rule_text(*admin, ingress, j);
          } else if (may_meet(first, rule)) {
            return std::nullopt;
          }
        }
      }
      return std::nullopt;
    }();
    if (!by) return std::nullopt;
    if (!out) out = by;
  }
  return out;
}

void Order::overruled() {
  for (const auto& policy : c_.snapshot.all<model::NetworkPolicy>()) {
    for (const bool ingress : {true, false}) {
      if (!(ingress ? policy->affects_ingress : policy->affects_egress)) continue;
      const auto& own = ingress ? policy->ingress : policy->egress;
      if (subjects(policy.get()).empty()) continue;
      for (std::size_t i = 0; i < own.size(); ++i) {
        const ReachRule& rule = reach_rule(policy.get(), ingress, i);
        if (!ends_known(rule)) continue;
        const auto by = denied_first(*policy, rule, ingress);
        if (!by) continue;
        c_.report(kLintNetpolOverruled,
                  lint_at(policy->meta, own[i].pos, static_cast<int>(i), ingress ? "ingress" : "egress"),
                  fmt::format("{} denies all that the rule allows, and the Admin tier is asked first", *by),
                  "remove the rule, or pass this traffic on (action Pass) before the Deny");
      }
    }
  }
}

// No rule of the APIs orders them: sigs.k8s.io/network-policy-api apis/v1alpha1, apis/v1alpha2.
void Order::two_kinds() {
  for (const bool admin : {true, false}) {
    for (const ReachClass& cls : c_.classes().classes()) {
      const auto& list = admin ? cls.attached.admin : cls.attached.baseline;
      const auto newer = std::find_if(list.begin(), list.end(), [](const auto* p) {
        return p->meta.key.kind == std::string_view("ClusterNetworkPolicy");
      });
      const auto older = std::find_if(list.begin(), list.end(), [](const auto* p) {
        return p->meta.key.kind != std::string_view("ClusterNetworkPolicy");
      });
      if (newer == list.end() || older == list.end()) continue;
      c_.report(kLintAdminMixed, lint_at((*newer)->meta),
                fmt::format("{} and {} both apply to {}: nothing says which of the two kinds is asked first "
                            "(here: by priority)",
                            LintContext::object_text((*older)->meta.key),
                            LintContext::object_text((*newer)->meta.key), c_.pod_text(cls.pod)),
                "use one of the two APIs in a cluster");
      break;
    }
  }
}

}  // namespace

void lint_cluster_policy_order(LintContext& c) {
  if (c.snapshot.all<ClusterPolicy>().empty()) return;
  Order order(c);
  order.shadowed();
  order.baseline_unasked();
  order.overruled();
  order.two_kinds();
}

}  // namespace waypath::sim
