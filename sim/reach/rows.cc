#include "sim/reach/rows.h"

#include <algorithm>

namespace waypath::sim {
namespace {

constexpr PortSetTable::Id kUnset = UINT32_MAX;

}  // namespace

ReachRows::ReachRows(const model::Cluster& cluster, const CniProfile& profile, const ReachClasses& classes,
                     PortSetTable& table)
    : match_{cluster, profile, false}, classes_(classes), table_(table) {
  own_ports_.of_rule.assign(own_rules(), kUnset);
}

ReachRows::ReachRows(const ReachRows& other, PortSetTable& table)
    : match_(other.match_),
      classes_(other.classes_),
      table_(table),
      answers_(other.answers_),
      own_ports_(other.own_ports_) {}

void ReachRows::use(const ReachExtra* extra) {
  extra_ = extra;
  extra_ports_.of_rule.assign(extra == nullptr ? 0 : extra->rules.size(), kUnset);
  extra_ports_.named.clear();
  extra_ports_.by_destination.clear();
}

ReachPolicy ReachRows::policy(const void* policy) const {
  if (extra_ != nullptr)
    for (const auto& [of, rules] : extra_->policies)
      if (of == policy) return rules;
  return classes_.policy(policy);
}

// Names of ports are the destination's: the peer's on egress, the pod's own on ingress.
PortSetTable::Id ReachRows::ports(std::uint32_t number, std::uint32_t destination) {
  const ReachRule& r = rule(number);
  Ports& found = number < own_rules() ? own_ports_ : extra_ports_;
  PortSetTable::Id& known =
      r.named_ports
          ? found.named.emplace(std::uint64_t{number} << 32U | profile(destination), kUnset).first->second
          : found.of_rule[number < own_rules() ? number : number - own_rules()];
  if (known == kUnset) {
    const std::uint32_t of = parent(destination);
    const model::PodId pod =
        r.named_ports && of < classes_.classes().size() ? classes_.classes()[of].pod : model::PodId{};
    known =
        table_.id(r.network != nullptr ? match_.port_set(*r.network, pod) : match_.port_set(*r.cluster, pod));
  }
  return known;
}

void ReachRows::each_end(std::uint32_t number, std::uint32_t subject, Direction direction,
                         std::vector<Part>& out) {
  const ReachRule& r = rule(number);
  std::uint32_t of_profile = UINT32_MAX - 1;  // what the end before has
  PortSetTable::Id allowed = PortSetTable::kNone;
  const auto add = [&](std::uint32_t end, Fit fit) {
    const std::uint32_t destination = direction == Direction::Egress ? end : subject;
    if (profile(destination) != of_profile) {
      of_profile = profile(destination);
      allowed = ports(number, destination);
    }
    auto at = std::find_if(out.begin(), out.end(),
                           [&](const Part& p) { return p.ports == allowed && p.fit == fit; });
    if (at == out.end()) at = out.insert(out.end(), {allowed, fit, {}});
    append_bit(at->ends, end);
  };
  const auto each = [&](const auto& fit_of) {
    const auto ask = [&](std::uint32_t end, const NetPeer& peer) {
      if (const Fit fit = fit_of(peer); fit != Fit::No) add(end, fit);
    };
    for (std::uint32_t e = 0; e < classes_.ends(); ++e) ask(e, classes_.end(e));
    if (number < own_rules()) return;
    for (std::uint32_t e = 0; e < extra_->ends.size(); ++e) ask(extra_->first_end + e, extra_->ends[e].peer);
  };
  if (r.every_peer) {
    each([](const NetPeer&) { return Fit::Yes; });
  } else if (r.by_subject) {
    each([&](const NetPeer& other) {
      return peers_fit(match_, classes_.end(subject), other, *r.cluster).fit;
    });
  } else {
    const ReachPeerBits& ends = bits(number);
    for (const BitWord& w : ends.sure) each_bit(w.at, w.bits, [&](std::uint32_t e) { add(e, Fit::Yes); });
    for (const BitWord& w : ends.maybe)
      each_bit(w.at, w.bits, [&](std::uint32_t e) { add(e, Fit::Unknown); });
  }
}

void ReachRows::add_terms(std::uint32_t number, std::uint32_t subject, Direction direction, std::uint8_t step,
                          std::vector<ReachTerm>& out) {
  const ReachRule& r = rule(number);
  const bool extra = number >= own_rules();
  const bool by_destination = r.named_ports && direction == Direction::Egress;
  if (r.by_subject || by_destination) {
    auto& parts = (extra ? extra_ports_ : own_ports_).by_destination[number];
    if (r.by_subject) parts.clear();
    if (parts.empty()) each_end(number, subject, direction, parts);
    for (const Part& part : parts) out.push_back({step, false, part.fit, extra, part.ports, &part.ends});
    return;
  }
  const auto allowed = ports(number, subject);
  if (r.every_peer) {
    out.push_back({step, true, Fit::Yes, extra, allowed, nullptr});
    return;
  }
  const ReachPeerBits& ends = bits(number);
  if (!ends.sure.empty()) out.push_back({step, false, Fit::Yes, extra, allowed, &ends.sure});
  if (!ends.maybe.empty()) out.push_back({step, false, Fit::Unknown, extra, allowed, &ends.maybe});
}

void ReachRows::terms(std::uint32_t subject, Direction direction, const NetAttachment& attached,
                      std::vector<ReachTerm>& out) {
  out.clear();
  const bool egress = direction == Direction::Egress;
  const auto each_rule = [&](const void* of, const auto& fn) {
    const ReachPolicy rules = policy(of);
    for (auto r = egress ? rules.egress_first : rules.ingress_first;
         r < (egress ? rules.egress_last : rules.ingress_last); ++r)
      fn(r);
  };
  const auto end_of = [&](ReachTerm::Step step) {
    out.push_back({step, true, Fit::Yes, false, PortSetTable::kNone, nullptr});
  };
  const auto tier = [&](const std::vector<const model::ClusterPolicy*>& policies) {
    for (const auto* of : policies)
      each_rule(of, [&](std::uint32_t r) {
        const auto action = rule(r).cluster->action;
        add_terms(r, subject, direction,
                  action == model::TierAction::Accept ? ReachTerm::Accept
                  : action == model::TierAction::Deny ? ReachTerm::Deny
                                                      : ReachTerm::Pass,
                  out);
      });
    if (!policies.empty()) end_of(ReachTerm::EndOfTier);
  };
  tier(attached.admin);
  const auto& network = egress ? attached.egress : attached.ingress;
  for (const auto* of : network)
    each_rule(of, [&](std::uint32_t r) { add_terms(r, subject, direction, ReachTerm::Network, out); });
  if (!network.empty()) end_of(ReachTerm::EndOfNetwork);
  tier(attached.baseline);
}

bool ReachRows::add_ends(const void* of, Direction direction, BitWords& out) const {
  const ReachPolicy rules = policy(of);
  const bool egress = direction == Direction::Egress;
  for (auto r = egress ? rules.egress_first : rules.ingress_first;
       r < (egress ? rules.egress_last : rules.ingress_last); ++r) {
    if (rule(r).every_peer || rule(r).by_subject) return false;
    for (const auto* ends : {&bits(r).sure, &bits(r).maybe})
      out.insert(out.end(), ends->begin(), ends->end());
  }
  return true;
}

ReachAnswers::Id ReachRows::at_extra(const std::vector<ReachTerm>& terms, std::uint32_t end) {
  return answer_of(terms, table_, answers_,
                   [&](const ReachTerm& t) { return has_bit(*t.ends, t.extra ? end : parent(end)); });
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
  if (added) {
    std::vector<ReachTerm> said;
    terms(subject, direction, attached, said);
    rows_[d].push_back(row_of_terms(said));
    rows_[d].back().others.shrink_to_fit();
  }
  return at->second;
}

}  // namespace waypath::sim
