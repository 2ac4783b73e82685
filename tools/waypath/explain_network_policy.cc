// NetworkPolicy and its cluster-scoped kin: the pods they are for, and whom each rule is about.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sim/cni_profile.h"
#include "sim/lint/netpol_view.h"
#include "tools/waypath/explain_object.h"

namespace waypath::tools {

namespace {

using Item = ObjectExplanation::Item;
using Section = ObjectExplanation::Section;
using sim::Direction;
using sim::LintContext;

std::string directions(bool ingress, bool egress) {
  return ingress && egress ? "ingress and egress" : ingress ? "ingress" : egress ? "egress" : "no direction";
}

// Everyone that a rule is about: workloads by name, address blocks as written.
std::string peers_text(const LintContext& c, const sim::NetpolView& view, const sim::ReachRule& rule) {
  if (rule.every_peer) return "everyone, from outside the cluster too";
  std::set<std::string> names;
  for (const std::uint32_t peer : view.peers(rule)) names.insert(c.pod_text(view.pod(peer)));
  std::vector<std::string> out(names.begin(), names.end());
  if (out.size() > 6) {
    const std::size_t more = out.size() - 5;
    out.resize(5);
    out.push_back(fmt::format("{} more workloads", more));
  }
  for (const auto& peer : rule.network->peers) {
    if (!peer.ip_block) continue;
    std::string block = peer.ip_block->cidr.str();
    for (std::size_t i = 0; i < peer.ip_block->except.size(); ++i)
      block += (i == 0 ? " except " : ", ") + peer.ip_block->except[i].str();
    out.push_back(std::move(block));
  }
  return out.empty() ? "nobody: no pod matches its peers" : fmt::format("{}", fmt::join(out, ", "));
}

Sections of_policy(const LintContext& c, const model::NetworkPolicy& policy) {
  Section enforced{"enforced at", "enforced", "nothing: it selects no pod", {}};
  Section not_enforced{"not enforced at", "notEnforced", {}, {}};
  std::set<std::string> told;
  for (const model::PodId id : c.cluster.select(policy.meta.ns(), policy.pod_selector)) {
    const std::string who = c.pod_text(id);
    if (!told.insert(who).second) continue;
    if (c.cluster.pod(id).spec.host_network) {
      not_enforced.items.push_back(
          {who,
           {"it uses the node's network: the API leaves open what a policy does there, and "
            "most CNIs do nothing"}});
      continue;
    }
    Item item{fmt::format("{}: {}", who, directions(policy.affects_ingress, policy.affects_egress)), {}};
    if (c.capture(id).redirected() && policy.affects_ingress)
      item.notes.emplace_back("meshed clients arrive on TCP 15008, whatever port they mean");
    enforced.items.push_back(std::move(item));
  }
  const sim::NetpolView view(c);
  Section rules{"what its rules allow", "rules", {}, {}};
  for (const sim::NetpolRule& rule : view.rules()) {
    if (rule.policy != &policy) continue;
    const bool ingress = rule.direction == Direction::Ingress;
    rules.items.push_back({fmt::format("{} rule {}: {} {} on {}", ingress ? "ingress" : "egress", rule.index,
                                       ingress ? "from" : "to", peers_text(c, view, *rule.rule),
                                       sim::ports_text(rule.written())),
                           {}});
  }
  if (rules.items.empty() && !enforced.items.empty())
    rules.items.push_back({fmt::format("nothing: it isolates its pods for {}",
                                       directions(policy.affects_ingress, policy.affects_egress)),
                           {}});
  return {enforced, not_enforced, rules};
}

std::string_view action_text(model::TierAction action) {
  switch (action) {
    case model::TierAction::Accept:
      return "accepts";
    case model::TierAction::Deny:
      return "denies";
    case model::TierAction::Pass:
      return "passes on";
  }
  return {};
}

Sections of_policy(const LintContext& c, const model::ClusterPolicy& policy) {
  const bool admin = policy.tier == model::PolicyTier::Admin;
  Section enforced{"enforced at", "enforced", "nothing: its subject is no pod", {}};
  std::set<std::string> told;
  for (const sim::ReachClass& cls : c.classes().classes()) {
    const auto& list = admin ? cls.attached.admin : cls.attached.baseline;
    const auto at = std::find(list.begin(), list.end(), &policy);
    if (at == list.end() || !told.insert(c.pod_text(cls.pod)).second) continue;
    Item item{c.pod_text(cls.pod), {}};
    if (at != list.begin())
      item.notes.push_back(fmt::format("asked after {}", LintContext::object_text((*(at - 1))->meta.key)));
    if (!admin && (!cls.attached.ingress.empty() || !cls.attached.egress.empty()))
      item.notes.push_back(
          fmt::format("not asked for {}: NetworkPolicies isolate it",
                      directions(!cls.attached.ingress.empty(), !cls.attached.egress.empty())));
    enforced.items.push_back(std::move(item));
  }
  Section order{"when it is asked", "order", {}, {}};
  order.items.push_back(
      {admin ? fmt::format("in the Admin tier with priority {}, before every NetworkPolicy", policy.priority)
             : "in the Baseline tier, for pods that no NetworkPolicy isolates in a direction",
       {}});
  Section rules{"its rules, in order", "rules", "none: it decides nothing", {}};
  for (const bool ingress : {true, false}) {
    const auto& list = ingress ? policy.ingress : policy.egress;
    for (std::size_t i = 0; i < list.size(); ++i)
      rules.items.push_back(
          {fmt::format("{} rule {}{} {} {} of {} peer{}", ingress ? "ingress" : "egress", i,
                       list[i].name.empty() ? "" : " \"" + list[i].name + "\"", action_text(list[i].action),
                       list[i].all_ports ? "all ports" : "listed ports", list[i].peers.size(),
                       list[i].peers.size() == 1 ? "" : "s"),
           {}});
  }
  return {enforced, order, rules};
}

}  // namespace

std::optional<Sections> explain_network_policy(const LintContext& c, const model::ResourceKey& key) {
  if (const auto p = c.snapshot.find<model::NetworkPolicy>(key)) return of_policy(c, *p);
  if (const auto p = c.snapshot.find<model::ClusterPolicy>(key)) return of_policy(c, *p);
  return std::nullopt;
}

}  // namespace waypath::tools
