#include "sim/lint/netpol_view.h"

#include <algorithm>

#include "sim/cni_profile.h"

namespace waypath::sim {

ObjectAt NetpolRule::at() const {
  return lint_at(policy->meta, written().pos, static_cast<int>(index),
                 direction == Direction::Ingress ? "ingress" : "egress");
}

bool NetpolRule::selects_pods() const {
  const auto& peers = written().peers;
  return peers.empty() ||
         std::any_of(peers.begin(), peers.end(), [](const auto& p) { return !p.ip_block.has_value(); });
}

NetpolView::NetpolView(const LintContext& context)
    : context_(context),
      profile_(cni_profile(context.engine.options())),
      match_{context.cluster, profile_, false} {
  const ReachClasses& classes = context.classes();
  std::map<std::pair<bool, std::vector<const model::NetworkPolicy*>>, std::uint32_t> known;
  const auto list_for = [&](const std::vector<const model::NetworkPolicy*>& policies, bool tiers,
                            bool ingress) {
    const auto [it, added] =
        known.emplace(std::pair(ingress, policies), static_cast<std::uint32_t>(lists_.size()));
    if (added) {
      NetpolList list;
      list.isolated = !policies.empty();
      for (const auto* policy : policies) {
        const ReachPolicy of = classes.policy(policy);
        const auto first = ingress ? of.ingress_first : of.egress_first;
        const auto last = ingress ? of.ingress_last : of.egress_last;
        for (auto i = first; i < last; ++i) list.rules.push_back(&classes.rules()[i]);
      }
      lists_.push_back(std::move(list));
    }
    lists_[it->second].tiers = lists_[it->second].tiers || tiers;
    return it->second;
  };
  for (std::uint32_t i = 0; i < classes.classes().size(); ++i) {
    const NetAttachment& attached = classes.classes()[i].attached;
    const bool tiers = !attached.admin.empty() || !attached.baseline.empty();
    ingress_.push_back(list_for(attached.ingress, tiers, true));
    egress_.push_back(list_for(attached.egress, tiers, false));
    for (const auto* policy : attached.ingress) subjects_[policy].push_back(i);
    for (const auto* policy : attached.egress) subjects_[policy].push_back(i);
  }
  for (auto& [policy, subjects] : subjects_) {
    std::sort(subjects.begin(), subjects.end());
    subjects.erase(std::unique(subjects.begin(), subjects.end()), subjects.end());
  }
  for (const auto& policy : context.snapshot.all<model::NetworkPolicy>()) {
    const auto it = subjects_.find(policy.get());
    if (it == subjects_.end()) continue;
    const ReachPolicy of = classes.policy(policy.get());
    for (auto i = of.ingress_first; i < of.ingress_last; ++i)
      rules_.push_back(
          {policy.get(), Direction::Ingress, i - of.ingress_first, &classes.rules()[i], &it->second});
    for (auto i = of.egress_first; i < of.egress_last; ++i)
      rules_.push_back(
          {policy.get(), Direction::Egress, i - of.egress_first, &classes.rules()[i], &it->second});
  }
}

bool NetpolView::has_peer(const ReachRule& rule, std::uint32_t cls) const {
  if (rule.every_peer) return true;
  const auto it = std::lower_bound(rule.members.begin(), rule.members.end(), cls,
                                   [](const auto& member, std::uint32_t end) { return member.end < end; });
  return it != rule.members.end() && it->end == cls && it->fit == Fit::Yes;
}

std::vector<std::uint32_t> NetpolView::peers(const ReachRule& rule) const {
  std::vector<std::uint32_t> out;
  if (rule.every_peer) {
    out.resize(size());
    for (std::uint32_t i = 0; i < out.size(); ++i) out[i] = i;
    return out;
  }
  for (const auto& member : rule.members)
    if (member.end < size() && member.fit == Fit::Yes) out.push_back(member.end);
  return out;
}

PortSet NetpolView::ports(const ReachRule& rule, model::PodId destination) const {
  return match_.port_set(*rule.network, destination);
}

}  // namespace waypath::sim
