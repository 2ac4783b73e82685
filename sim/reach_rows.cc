#include "sim/reach_rows.h"

#include <algorithm>

namespace waypath::sim {
namespace {

constexpr PortSetTable::Id kUnset = UINT32_MAX;

}  // namespace

ReachAnswers::ReachAnswers() {
  static_cast<void>(id({PortSetTable::kNone, PortSetTable::kNone}));
  static_cast<void>(id({PortSetTable::kAll, PortSetTable::kAll}));
}

ReachAnswers::Id ReachAnswers::id(const ReachAnswer& answer) {
  const auto [at, added] =
      ids_.emplace(std::uint64_t{answer.sure} << 32U | answer.possible, static_cast<Id>(answers_.size()));
  if (added) answers_.push_back(answer);
  return at->second;
}

std::uint32_t ReachRow::at(std::uint32_t end) const {
  const std::uint32_t word = end / kWordBits;
  auto at = std::lower_bound(others.begin(), others.end(), word,
                             [](const Entry& e, std::uint32_t w) { return e.word < w; });
  for (; at != others.end() && at->word == word; ++at)
    if ((at->bits >> (end % kWordBits) & 1U) != 0) return at->answer;
  return usual;
}

/// Ports still open, ports that a Pass may have taken out of the tier, ports that may have been let through
/// or refused; and what NetworkPolicies let through. A rule that matches or not by an unknown fact leaves its
/// ports open as well. The set form of what the evaluator does for one connection.
struct ReachRows::Worlds {
  PortSetTable::Id open = PortSetTable::kAll, passed = PortSetTable::kNone, allowed = PortSetTable::kNone,
                   refused = PortSetTable::kNone, sure = PortSetTable::kNone, possible = PortSetTable::kNone;
};

/// One part of a rule in the order in which it is asked.
struct ReachRows::Term {
  enum Step : std::uint8_t { Accept, Deny, Pass, Network, EndOfTier, EndOfNetwork };
  std::uint8_t step = Network;
  bool every = false;  // all ends; also the ends of steps
  Fit fit = Fit::Yes;
  PortSetTable::Id ports = PortSetTable::kNone;
  const BitWords* ends = nullptr;

  void apply(Worlds& w, PortSetTable& table) const {
    switch (step) {
      case Network:
        w.possible = table.unite(w.possible, ports);
        if (fit == Fit::Yes) w.sure = table.unite(w.sure, ports);
        return;
      case EndOfTier:
        w.open = table.unite(w.open, w.passed);
        w.passed = PortSetTable::kNone;
        return;
      case EndOfNetwork:
        if (w.open == PortSetTable::kNone) return;
        w.allowed = table.unite(w.allowed, table.intersect(w.open, w.possible));
        w.refused = table.unite(w.refused, table.subtract(w.open, w.sure));
        w.open = PortSetTable::kNone;
        return;
      default:
        break;
    }
    if (w.open == PortSetTable::kNone) return;
    const auto part = table.intersect(w.open, ports);
    auto& into = step == Accept ? w.allowed : step == Deny ? w.refused : w.passed;
    into = table.unite(into, part);
    if (fit == Fit::Yes) w.open = table.subtract(w.open, part);
  }
};

ReachRows::ReachRows(const model::Cluster& cluster, const CniProfile& profile, const ReachClasses& classes,
                     PortSetTable& table)
    : match_{cluster, profile, false},
      classes_(classes),
      table_(table),
      rule_ports_(classes.rules().size(), kUnset) {}

// Names of ports are the destination's: the peer's on egress, the pod's own on ingress.
PortSetTable::Id ReachRows::ports(std::uint32_t rule, std::uint32_t destination) {
  const ReachRule& r = classes_.rules()[rule];
  PortSetTable::Id& known =
      r.named_ports
          ? named_ports_.emplace(std::uint64_t{rule} << 32U | profile(destination), kUnset).first->second
          : rule_ports_[rule];
  if (known == kUnset) {
    const model::PodId pod = r.named_ports && destination < classes_.classes().size()
                                 ? classes_.classes()[destination].pod
                                 : model::PodId{};
    known =
        table_.id(r.network != nullptr ? match_.port_set(*r.network, pod) : match_.port_set(*r.cluster, pod));
  }
  return known;
}

void ReachRows::each_end(std::uint32_t rule, std::uint32_t subject, Direction direction,
                         std::vector<Part>& out) {
  const ReachRule& r = classes_.rules()[rule];
  std::uint32_t of_profile = UINT32_MAX - 1;  // what the end before has
  PortSetTable::Id allowed = PortSetTable::kNone;
  const auto add = [&](std::uint32_t end, Fit fit) {
    const std::uint32_t destination = direction == Direction::Egress ? end : subject;
    if (profile(destination) != of_profile) {
      of_profile = profile(destination);
      allowed = ports(rule, destination);
    }
    auto at = std::find_if(out.begin(), out.end(),
                           [&](const Part& p) { return p.ports == allowed && p.fit == fit; });
    if (at == out.end()) at = out.insert(out.end(), {allowed, fit, {}});
    append_bit(at->ends, end);
  };
  const auto ends = static_cast<std::uint32_t>(classes_.ends());
  if (r.every_peer) {
    for (std::uint32_t e = 0; e < ends; ++e) add(e, Fit::Yes);
  } else if (r.by_subject) {
    for (std::uint32_t e = 0; e < ends; ++e) {
      const Fit fit = peers_fit(match_, classes_.end(subject), classes_.end(e), *r.cluster).fit;
      if (fit != Fit::No) add(e, fit);
    }
  } else {
    for (const auto& m : r.members) add(m.end, m.fit);
  }
}

void ReachRows::add_terms(std::uint32_t rule, std::uint32_t subject, Direction direction, std::uint8_t step,
                          std::vector<Term>& out) {
  const ReachRule& r = classes_.rules()[rule];
  const bool by_destination = r.named_ports && direction == Direction::Egress;
  if (r.by_subject || by_destination) {
    auto& parts = by_destination_[rule];
    if (r.by_subject) parts.clear();
    if (parts.empty()) each_end(rule, subject, direction, parts);
    for (const Part& part : parts) out.push_back({step, false, part.fit, part.ports, &part.ends});
    return;
  }
  const auto allowed = ports(rule, subject);
  if (r.every_peer) {
    out.push_back({step, true, Fit::Yes, allowed, nullptr});
    return;
  }
  const ReachPeerBits& bits = classes_.bits(r);
  if (!bits.sure.empty()) out.push_back({step, false, Fit::Yes, allowed, &bits.sure});
  if (!bits.maybe.empty()) out.push_back({step, false, Fit::Unknown, allowed, &bits.maybe});
}

ReachRow ReachRows::compute(std::uint32_t subject, Direction direction) {
  const NetAttachment& attached = classes_.classes()[subject].attached;
  const bool egress = direction == Direction::Egress;
  std::vector<Term> terms;
  const auto each_rule = [&](const void* policy, const auto& fn) {
    const ReachPolicy rules = classes_.policy(policy);
    for (auto r = egress ? rules.egress_first : rules.ingress_first;
         r < (egress ? rules.egress_last : rules.ingress_last); ++r)
      fn(r);
  };
  const auto tier = [&](const std::vector<const model::ClusterPolicy*>& policies) {
    for (const auto* policy : policies)
      each_rule(policy, [&](std::uint32_t r) {
        const auto action = classes_.rules()[r].cluster->action;
        add_terms(r, subject, direction,
                  action == model::TierAction::Accept ? Term::Accept
                  : action == model::TierAction::Deny ? Term::Deny
                                                      : Term::Pass,
                  terms);
      });
    if (!policies.empty()) terms.push_back({Term::EndOfTier, true, Fit::Yes, PortSetTable::kNone, nullptr});
  };
  tier(attached.admin);
  const auto& network = egress ? attached.egress : attached.ingress;
  for (const auto* policy : network)
    each_rule(policy, [&](std::uint32_t r) { add_terms(r, subject, direction, Term::Network, terms); });
  if (!network.empty()) terms.push_back({Term::EndOfNetwork, true, Fit::Yes, PortSetTable::kNone, nullptr});
  tier(attached.baseline);

  const auto answer_of = [&](const Worlds& w) {
    const auto possible = table_.unite(w.allowed, w.open);
    return answers_.id({table_.subtract(possible, w.refused), possible});
  };
  ReachRow row;
  Worlds untouched;
  for (const Term& t : terms)
    if (t.every) t.apply(untouched, table_);
  row.usual = answer_of(untouched);

  // The words that some term is about, each with its terms in order.
  struct Touch {
    std::uint64_t order;  // word, term
    std::uint64_t bits;
  };
  std::vector<Touch> touches;
  for (std::uint32_t t = 0; t < terms.size(); ++t)
    if (terms[t].ends != nullptr)
      for (const BitWord& word : *terms[t].ends)
        touches.push_back({std::uint64_t{word.at} << 32U | t, word.bits});
  const auto in_order = [](const Touch& a, const Touch& b) { return a.order < b.order; };
  if (!std::is_sorted(touches.begin(), touches.end(), in_order))
    std::sort(touches.begin(), touches.end(), in_order);

  struct Open {
    Worlds worlds;
    std::uint64_t bits;
  };
  std::vector<Open> parts;
  for (std::size_t i = 0; i < touches.size();) {
    const auto word = static_cast<std::uint32_t>(touches[i].order >> 32U);
    std::uint64_t any = 0;
    for (std::size_t j = i; j < touches.size() && touches[j].order >> 32U == word; ++j)
      any |= touches[j].bits;
    parts.assign(1, {Worlds{}, any});
    for (std::uint32_t t = 0; t < terms.size(); ++t) {
      std::uint64_t bits = any;
      if (!terms[t].every) {
        if (i == touches.size() || touches[i].order != (std::uint64_t{word} << 32U | t)) continue;
        bits = touches[i++].bits;
      }
      for (std::size_t p = 0, before = parts.size(); p < before; ++p) {
        const std::uint64_t in = parts[p].bits & bits;
        if (in == 0) continue;
        std::size_t of = p;
        if (in != parts[p].bits) {
          parts[p].bits &= ~in;
          of = parts.size();
          parts.push_back({parts[p].worlds, in});
        }
        terms[t].apply(parts[of].worlds, table_);
      }
    }
    const std::size_t first = row.others.size();
    for (const Open& part : parts) {
      const auto answer = answer_of(part.worlds);
      if (answer == row.usual) continue;
      const auto same = std::find_if(row.others.begin() + static_cast<std::ptrdiff_t>(first),
                                     row.others.end(), [&](const auto& e) { return e.answer == answer; });
      if (same != row.others.end())
        same->bits |= part.bits;
      else
        row.others.push_back({word, answer, part.bits});
    }
  }
  row.others.shrink_to_fit();
  return row;
}

std::uint32_t ReachRows::row(std::uint32_t subject, Direction direction) {
  const NetAttachment& attached = classes_.classes()[subject].attached;
  ReachTokens key;
  const bool egress = direction == Direction::Egress;
  bool own = false, named = false;  // the row depends on more than the policies
  const auto add = [&](const void* policy, bool isolates) {
    const ReachPolicy rules = classes_.policy(policy);
    if (!isolates && !rules.has(direction)) return;
    // A policy without rules has no position of its own, and nothing but isolation to tell.
    const auto first = egress ? rules.egress_first : rules.ingress_first,
               last = egress ? rules.egress_last : rules.ingress_last;
    if (first != last) key.push_back(first + 1);
    for (auto r = first; r < last; ++r) {
      own = own || classes_.rules()[r].by_subject;
      named = named || (classes_.rules()[r].named_ports && !egress);
    }
  };
  for (const auto* p : attached.admin) add(p, false);
  key.push_back(0);
  const auto& network = egress ? attached.egress : attached.ingress;
  if (!network.empty()) key.push_back(UINT64_MAX);
  for (const auto* p : network) add(p, true);
  key.push_back(0);
  for (const auto* p : attached.baseline) add(p, false);
  if (named) key.push_back(std::uint64_t{profile(subject)} << 32U);
  if (own) key.push_back(std::uint64_t{subject} << 32U);
  const auto d = static_cast<std::size_t>(direction);
  const auto [at, added] = known_[d].emplace(std::move(key), static_cast<std::uint32_t>(rows_[d].size()));
  if (added) rows_[d].push_back(compute(subject, direction));
  return at->second;
}

}  // namespace waypath::sim
