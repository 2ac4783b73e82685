#pragma once
// NetworkPolicies as the checks look at them: each rule with the classes of pods it is about on both ends.

#include <cstdint>
#include <map>
#include <vector>

#include "sim/lint/context.h"
#include "sim/match/port_set.h"
#include "sim/reach/classes.h"

namespace waypath::sim {

struct NetpolRule {
  const model::NetworkPolicy* policy = nullptr;
  Direction direction = Direction::Ingress;
  std::size_t index = 0;
  const ReachRule* rule = nullptr;
  const std::vector<std::uint32_t>* subjects = nullptr;  // classes that the policy selects
  [[nodiscard]] ObjectAt at() const;
  [[nodiscard]] const model::NetworkPolicyRule& written() const { return *rule->network; }
  /// Whether some peer is a selector of pods, or the rule has no peers.
  [[nodiscard]] bool selects_pods() const;
};

/// The rules that judge one direction of a class; classes under the same policies share a list.
struct NetpolList {
  std::vector<const ReachRule*> rules;
  bool isolated = false;
  bool tiers = false;  // cluster-scoped policies have a say too
};

class NetpolView {
 public:
  explicit NetpolView(const LintContext& context);
  /// Rules of the policies that select a pod: by policy, ingress first.
  [[nodiscard]] const std::vector<NetpolRule>& rules() const { return rules_; }
  [[nodiscard]] std::uint32_t list_of(std::uint32_t cls, Direction direction) const {
    return (direction == Direction::Ingress ? ingress_ : egress_)[cls];
  }
  [[nodiscard]] const NetpolList& list(std::uint32_t id) const { return lists_[id]; }
  [[nodiscard]] model::PodId pod(std::uint32_t cls) const { return context_.classes().classes()[cls].pod; }
  [[nodiscard]] std::size_t size() const { return context_.classes().classes().size(); }
  /// Whether the rule certainly has the class as peer.
  [[nodiscard]] bool has_peer(const ReachRule& rule, std::uint32_t cls) const;
  /// Classes that the rule certainly has as peers, ascending.
  [[nodiscard]] std::vector<std::uint32_t> peers(const ReachRule& rule) const;
  [[nodiscard]] PortSet ports(const ReachRule& rule, model::PodId destination) const;

 private:
  const LintContext& context_;
  CniProfile profile_;
  NetMatch match_;
  std::vector<NetpolRule> rules_;
  std::map<const model::NetworkPolicy*, std::vector<std::uint32_t>> subjects_;
  std::vector<NetpolList> lists_;
  std::vector<std::uint32_t> ingress_, egress_;  // list of each class
};

}  // namespace waypath::sim
