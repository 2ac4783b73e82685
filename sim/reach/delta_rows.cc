// The rows that an edit of policies changes.

#include <algorithm>
#include <array>
#include <tuple>

#include "sim/reach/delta.h"

namespace waypath::sim {
namespace {

using model::ClusterPolicy;
using model::NetworkPolicy;

// The order of attach_net_policies.
bool asked_before(const ClusterPolicy* a, const ClusterPolicy* b) {
  const auto key = [](const ClusterPolicy& p) { return std::tuple(p.priority, p.meta.key.name.view()); };
  return key(*a) != key(*b) ? key(*a) < key(*b) : a->meta.key < b->meta.key;
}

}  // namespace

void ReachWhatIf::find_subjects(const ReachEdit& edit) {
  selected_.clear();
  const PodSelection& pods = base_->classes().pods();
  std::uint32_t number = 0;
  const auto add = [&](const std::vector<std::uint32_t>& classes) {
    for (const std::uint32_t c : classes) selected_.emplace_back(c, number);
    ++number;
  };
  for (const auto* policies : {&edit.gone, &edit.come}) {
    for (const NetworkPolicy* p : policies->network) add(pods.select(p->meta.key.ns, p->pod_selector));
    for (const ClusterPolicy* p : policies->cluster)
      add(pods.select(p->subject.namespace_selector,
                      p->subject.pod_selector ? &*p->subject.pod_selector : nullptr));
  }
  std::sort(selected_.begin(), selected_.end());
}

const void* ReachWhatIf::policy(const ReachEdit& edit, std::uint32_t number) {
  for (const auto* policies : {&edit.gone, &edit.come}) {
    if (number < policies->network.size()) return policies->network[number];
    number -= static_cast<std::uint32_t>(policies->network.size());
    if (number < policies->cluster.size()) return policies->cluster[number];
    number -= static_cast<std::uint32_t>(policies->cluster.size());
  }
  return nullptr;
}

// The policies [first, last) of `selected_` select the class.
void ReachWhatIf::regroup(const ReachEdit& edit, std::uint32_t subject, std::uint32_t first,
                          std::uint32_t last) {
  attached_ = base_->classes().classes()[subject].attached;
  std::array<bool, 2> touched{};
  const auto touch = [&](bool in, bool out) {
    touched[static_cast<std::size_t>(Direction::Ingress)] |= in;
    touched[static_cast<std::size_t>(Direction::Egress)] |= out;
  };
  const auto gone_network = static_cast<std::uint32_t>(edit.gone.network.size()),
             gone = gone_network + static_cast<std::uint32_t>(edit.gone.cluster.size()),
             come_network = gone + static_cast<std::uint32_t>(edit.come.network.size());
  for (std::uint32_t i = first; i < last; ++i) {
    const std::uint32_t p = selected_[i].second;
    if (p < gone_network) {
      const NetworkPolicy* policy = edit.gone.network[p];
      touch(policy->affects_ingress, policy->affects_egress);
      std::erase(attached_.ingress, policy);
      std::erase(attached_.egress, policy);
    } else if (p < gone) {
      const ClusterPolicy* policy = edit.gone.cluster[p - gone_network];
      touch(!policy->ingress.empty(), !policy->egress.empty());
      std::erase(attached_.admin, policy);
      std::erase(attached_.baseline, policy);
    } else if (p < come_network) {
      const NetworkPolicy* policy = edit.come.network[p - gone];
      touch(policy->affects_ingress, policy->affects_egress);
      if (policy->affects_ingress) attached_.ingress.push_back(policy);
      if (policy->affects_egress) attached_.egress.push_back(policy);
    } else {
      const ClusterPolicy* policy = edit.come.cluster[p - come_network];
      touch(!policy->ingress.empty(), !policy->egress.empty());
      auto& tier = policy->tier == model::PolicyTier::Admin ? attached_.admin : attached_.baseline;
      tier.insert(std::upper_bound(tier.begin(), tier.end(), policy, asked_before), policy);
    }
  }
  for (const Direction d : kDirections) {
    if (!touched[static_cast<std::size_t>(d)]) continue;
    // Classes of one row under the same policies of the edit have one row afterwards: whether they are
    // isolated is not in the number of the row, and what new rules name may be their own.
    key_.assign({base_->row_of(subject, d),
                 (d == Direction::Ingress ? attached_.ingress : attached_.egress).empty() ? 0U : 1U});
    for (std::uint32_t i = first; i < last; ++i) key_.push_back(selected_[i].second);
    for (const ReachRule& rule : resolved_.extra.rules) {
      if (rule.by_subject) key_.push_back(std::uint64_t{subject} << 32U);
      if (rule.named_ports) key_.push_back(std::uint64_t{base_->classes().classes()[subject].ports} << 32U);
    }
    Side& on = side(d);
    const auto [at, added] =
        groups_[static_cast<std::size_t>(d)].emplace(key_, static_cast<std::uint32_t>(on.groups.size()));
    if (added) {
      Group& group = on.groups.emplace_back();
      group.before = base_->row_of(subject, d);
      make_row(edit, d, subject, first, last, group);
      compare(group, d);
    }
    if (!on.groups[at->second].differs) continue;
    on.group_of[subject] = at->second;
    on.subjects.push_back(subject);
    on.changed[subject / kWordBits] |= std::uint64_t{1} << (subject % kWordBits);
  }
}

void ReachWhatIf::make_row(const ReachEdit& edit, Direction d, std::uint32_t subject, std::uint32_t first,
                           std::uint32_t last, Group& group) {
  const ReachRow& old = base_->rows().row_at(group.before, d);
  const auto gone = static_cast<std::uint32_t>(edit.gone.network.size() + edit.gone.cluster.size());
  group.whole = !find_ends(edit, d, subject, first, last, group.about);
  // NetworkPolicies add up: where none goes, and no tier comes before or after, the others need no asking.
  const bool adds = !group.whole && selected_[first].second >= gone && attached_.admin.empty() &&
                    attached_.baseline.empty();
  if (adds) {
    auto& of = d == Direction::Egress ? added_.egress : added_.ingress;
    of.clear();
    for (std::uint32_t i = first; i < last; ++i) {
      const NetworkPolicy* policy = edit.come.network[selected_[i].second - gone];
      if (d == Direction::Egress ? policy->affects_egress : policy->affects_ingress) of.push_back(policy);
    }
    rows_.terms(subject, d, added_, terms_);
    group.after = rows_.row_of_terms(terms_, {&group.about, &old});
  }
  if (adds && resolved_.extra.ends.empty()) return;
  rows_.terms(subject, d, attached_, terms_);
  if (!adds) group.after = rows_.row_of_terms(terms_, {group.whole ? nullptr : &group.about, nullptr});
  // What new rules say of pieces is not all that there is to say of them.
  while (!group.after.others.empty() && group.after.others.back().word >= base_->words())
    group.after.others.pop_back();
  for (std::uint32_t e = 0; e < resolved_.extra.ends.size(); ++e)
    group.pieces.push_back(rows_.at_extra(terms_, resolved_.extra.first_end + e));
}

// The ends that the policies [first, last) of `selected_` are about, when they cannot matter elsewhere: none
// is about every end, and the class is isolated as it was.
bool ReachWhatIf::find_ends(const ReachEdit& edit, Direction d, std::uint32_t subject, std::uint32_t first,
                            std::uint32_t last, BitWords& out) {
  const NetAttachment& was = base_->classes().classes()[subject].attached;
  const bool egress = d == Direction::Egress;
  if ((egress ? was.egress : was.ingress).empty() != (egress ? attached_.egress : attached_.ingress).empty())
    return false;
  for (std::uint32_t i = first; i < last; ++i)
    if (!rows_.add_ends(policy(edit, selected_[i].second), d, out)) return false;
  std::erase_if(out, [&](const BitWord& word) { return word.at >= base_->words(); });
  std::sort(out.begin(), out.end(), [](const BitWord& a, const BitWord& b) { return a.at < b.at; });
  std::size_t words = 0;
  for (const BitWord& word : out) {
    if (words != 0 && out[words - 1].at == word.at)
      out[words - 1].bits |= word.bits;
    else
      out[words++] = word;
  }
  out.resize(words);
  return true;
}

void ReachWhatIf::compare(Group& group, Direction d) {
  const ReachRow &old = base_->rows().row_at(group.before, d), &now = group.after;
  auto o = old.others.begin(), n = now.others.begin();
  const auto word = [&](std::uint32_t w, std::uint64_t limit) {
    const auto o_end = std::find_if(o, old.others.end(), [&](const auto& e) { return e.word != w; });
    const auto n_end = std::find_if(n, now.others.end(), [&](const auto& e) { return e.word != w; });
    const auto against = [&](std::uint64_t bits, ReachAnswers::Id before) {
      const auto add = [&](std::uint64_t both, ReachAnswers::Id after) {
        if (both != 0 && before != after) group.differences.push_back({w, both, before, after});
      };
      std::uint64_t rest = bits;
      for (auto e = n; e != n_end; ++e) {
        rest &= ~e->bits;
        add(bits & e->bits, e->answer);
      }
      add(rest, now.usual);
    };
    std::uint64_t rest = limit;
    for (auto e = o; e != o_end; ++e) {
      if ((e->bits & limit) == 0) continue;
      rest &= ~e->bits;
      against(e->bits & limit, e->answer);
    }
    if (rest != 0) against(rest, old.usual);
    o = o_end;
    n = n_end;
  };
  if (!group.whole) {
    for (const BitWord& about : group.about) {
      o = std::lower_bound(o, old.others.end(), about.at, [](const auto& e, auto w) { return e.word < w; });
      word(about.at, about.bits);
    }
  } else if (old.usual != now.usual) {
    for (std::uint32_t w = 0; w < base_->words(); ++w) word(w, base_->valid(w));
  } else {
    while (o != old.others.end() || n != now.others.end()) {
      const auto w =
          std::min(o != old.others.end() ? o->word : kNone, n != now.others.end() ? n->word : kNone);
      word(w, base_->valid(w));
    }
  }
  group.differs = !group.differences.empty();
  for (std::size_t e = 0; e < group.pieces.size(); ++e)
    group.differs = group.differs || group.pieces[e] != old.at(delta_.pieces[e].parent);
}

}  // namespace waypath::sim
