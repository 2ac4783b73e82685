// NetworkPolicy rules that another rule covers, whatever pods there are.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sim/lint/context.h"

namespace waypath::sim {

namespace {

using model::LabelSelector;
using model::NetworkPolicy;
using model::NetworkPolicyPeer;
using model::NetworkPolicyRule;
using model::SelectorRequirement;

bool same(const SelectorRequirement& a, const SelectorRequirement& b) {
  return a.key == b.key && a.op == b.op && a.values == b.values;
}

// Every pod that `narrow` selects, `wide` selects too: all that it asks is asked there as well.
bool covers(const LabelSelector& wide, const LabelSelector& narrow) {
  return std::all_of(wide.requirements.begin(), wide.requirements.end(), [&](const auto& asked) {
    return std::any_of(narrow.requirements.begin(), narrow.requirements.end(),
                       [&](const auto& other) { return same(asked, other); });
  });
}

// Absent: the policy's own namespace, or every pod.
bool covers(const NetworkPolicyPeer& wide, const NetworkPolicyPeer& narrow) {
  if (wide.ip_block || narrow.ip_block) {
    return wide.ip_block && narrow.ip_block && wide.ip_block->cidr.contains(narrow.ip_block->cidr) &&
           (wide.ip_block->except.empty() || (wide.ip_block->cidr == narrow.ip_block->cidr &&
                                              wide.ip_block->except == narrow.ip_block->except));
  }
  if (wide.namespace_selector.has_value() != narrow.namespace_selector.has_value()) return false;
  const LabelSelector every;
  const auto pods = [&](const NetworkPolicyPeer& p) -> const LabelSelector& {
    return p.pod_selector ? *p.pod_selector : every;
  };
  return covers(pods(wide), pods(narrow)) &&
         (!wide.namespace_selector || covers(*wide.namespace_selector, *narrow.namespace_selector));
}

bool covers(const model::NetworkPolicyPort& wide, const model::NetworkPolicyPort& narrow) {
  if (wide.protocol != narrow.protocol) return false;
  if (std::holds_alternative<std::monostate>(wide.port)) return true;
  const auto* from = std::get_if<std::uint16_t>(&wide.port);
  const auto* other = std::get_if<std::uint16_t>(&narrow.port);
  if (from == nullptr || other == nullptr) return wide.port == narrow.port;
  return *from <= *other && wide.end_port.value_or(*from) >= narrow.end_port.value_or(*other);
}

bool covers(const NetworkPolicyRule& wide, const NetworkPolicyRule& narrow) {
  const auto all = [](const auto& wides, const auto& narrows) {
    if (wides.empty()) return true;
    return !narrows.empty() && std::all_of(narrows.begin(), narrows.end(), [&](const auto& n) {
      return std::any_of(wides.begin(), wides.end(), [&](const auto& w) { return covers(w, n); });
    });
  };
  return all(wide.peers, narrow.peers) && all(wide.ports, narrow.ports);
}

/// The policies of a namespace, found by one label that their selector asks.
class Candidates {
 public:
  void add(const NetworkPolicy* policy) {
    if (policy->pod_selector.empty()) {
      everything_.push_back(policy);
    } else {
      by_key_[policy->pod_selector.requirements.front().key].push_back(policy);
    }
  }
  /// Policies that select at least the pods of this one.
  [[nodiscard]] std::vector<const NetworkPolicy*> covering(const NetworkPolicy& policy) const {
    std::vector<const NetworkPolicy*> out = everything_;
    for (const auto& requirement : policy.pod_selector.requirements) {
      const auto it = by_key_.find(requirement.key);
      if (it == by_key_.end()) continue;
      for (const auto* p : it->second)
        if (covers(p->pod_selector, policy.pod_selector)) out.push_back(p);
    }
    std::sort(out.begin(), out.end(), [](const auto* a, const auto* b) { return a->meta.key < b->meta.key; });
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

 private:
  std::vector<const NetworkPolicy*> everything_;
  std::map<model::Symbol, std::vector<const NetworkPolicy*>, model::TextLess> by_key_;
};

void check(LintContext& c, const NetworkPolicy& policy, const std::vector<const NetworkPolicy*>& others,
           bool ingress) {
  const std::string section = ingress ? "ingress" : "egress";
  const auto rules_of = [&](const NetworkPolicy& p) -> const std::vector<NetworkPolicyRule>& {
    static const std::vector<NetworkPolicyRule> none;
    if (!(ingress ? p.affects_ingress : p.affects_egress)) return none;
    return ingress ? p.ingress : p.egress;
  };
  const auto& rules = rules_of(policy);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto covered_by = [&]() -> std::optional<std::string> {
      for (const NetworkPolicy* other : others) {
        const auto& theirs = rules_of(*other);
        for (std::size_t j = 0; j < theirs.size(); ++j) {
          if (other == &policy && j == i) continue;
          if (!covers(theirs[j], rules[i])) continue;
          // Of two that cover each other the first stays.
          const bool mutual = covers(rules[i], theirs[j]) && covers(policy.pod_selector, other->pod_selector);
          const bool earlier = other == &policy ? j < i : other->meta.key < policy.meta.key;
          if (mutual && !earlier) continue;
          return other == &policy
                     ? fmt::format("{} rule {} of the same policy", section, j)
                     : fmt::format("{} rule {} of {}", section, j, LintContext::object_text(other->meta.key));
        }
      }
      return std::nullopt;
    }();
    if (!covered_by) continue;
    c.report(kLintNetpolRedundant, lint_at(policy.meta, rules[i].pos, static_cast<int>(i), section),
             fmt::format("{} already allows all that the rule allows", *covered_by),
             "remove the rule, or narrow the other");
  }
}

}  // namespace

void lint_network_policy_rules(LintContext& c) {
  std::map<model::Symbol, Candidates, model::TextLess> by_namespace;
  const auto policies = c.snapshot.all<NetworkPolicy>();
  for (const auto& policy : policies) by_namespace[policy->meta.ns()].add(policy.get());
  for (const auto& policy : policies) {
    const auto others = by_namespace[policy->meta.ns()].covering(*policy);
    check(c, *policy, others, true);
    check(c, *policy, others, false);
  }
}

}  // namespace waypath::sim
