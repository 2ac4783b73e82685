#include "sim/reach_rows.h"

#include <algorithm>

namespace waypath::sim {

ReachAnswer ReachRow::at(std::uint32_t end) const {
  const auto at = std::lower_bound(others.begin(), others.end(), end,
                                   [](const auto& o, std::uint32_t e) { return o.first < e; });
  return at != others.end() && at->first == end ? at->second : usual;
}

/// Per end: ports still open, ports that a Pass may have taken out of the tier, ports that may have been let
/// through or refused. A rule that matches or not by an unknown fact leaves its ports open as well. The set
/// form of what the evaluator does for one connection.
struct ReachRows::Worlds {
  std::vector<PortSetTable::Id> open, passed, allowed, refused;
};

template <class Fn>
void ReachRows::each_member(std::uint32_t rule, std::uint32_t subject, const Fn& fn) const {
  const ReachRule& r = classes_.rules()[rule];
  const auto ends = static_cast<std::uint32_t>(classes_.ends());
  if (r.every_peer) {
    for (std::uint32_t e = 0; e < ends; ++e) fn(e, Fit::Yes);
  } else if (r.by_subject) {
    for (std::uint32_t e = 0; e < ends; ++e) {
      const Fit fit = peers_fit(match_, classes_.end(subject), classes_.end(e), *r.cluster).fit;
      if (fit != Fit::No) fn(e, fit);
    }
  } else {
    for (const auto& m : r.members) fn(m.end, m.fit);
  }
}

// Names of ports are the destination's: the peer's on egress, the pod's own on ingress.
PortSetTable::Id ReachRows::ports(std::uint32_t rule, std::uint32_t subject, std::uint32_t end,
                                  Direction direction) {
  const ReachRule& r = classes_.rules()[rule];
  const std::uint32_t destination = !r.named_ports ? 0 : direction == Direction::Egress ? end : subject;
  const auto [at, added] = ports_.emplace(std::uint64_t{rule} << 32U | destination, PortSetTable::kNone);
  if (added) {
    const model::PodId pod = r.named_ports && destination < classes_.classes().size()
                                 ? classes_.classes()[destination].pod
                                 : model::PodId{};
    at->second =
        table_.id(r.network != nullptr ? match_.port_set(*r.network, pod) : match_.port_set(*r.cluster, pod));
  }
  return at->second;
}

void ReachRows::tier(const std::vector<const model::ClusterPolicy*>& policies, std::uint32_t subject,
                     Direction direction, Worlds& w) {
  for (const auto* policy : policies) {
    const ReachPolicy rules = classes_.policy(policy);
    const bool egress = direction == Direction::Egress;
    for (auto r = egress ? rules.egress_first : rules.ingress_first;
         r < (egress ? rules.egress_last : rules.ingress_last); ++r) {
      const auto action = classes_.rules()[r].cluster->action;
      auto& into = action == model::TierAction::Accept ? w.allowed
                   : action == model::TierAction::Deny ? w.refused
                                                       : w.passed;
      each_member(r, subject, [&](std::uint32_t end, Fit fit) {
        if (w.open[end] == PortSetTable::kNone) return;
        const auto part = table_.intersect(w.open[end], ports(r, subject, end, direction));
        into[end] = table_.unite(into[end], part);
        if (fit == Fit::Yes) w.open[end] = table_.subtract(w.open[end], part);
      });
    }
  }
  for (std::size_t e = 0; e < w.open.size(); ++e) {
    w.open[e] = table_.unite(w.open[e], w.passed[e]);
    w.passed[e] = PortSetTable::kNone;
  }
}

void ReachRows::network_policies(const std::vector<const model::NetworkPolicy*>& policies,
                                 std::uint32_t subject, Direction direction, Worlds& w) {
  if (policies.empty()) return;
  std::vector<PortSetTable::Id> sure(w.open.size(), PortSetTable::kNone), possible = sure;
  const bool egress = direction == Direction::Egress;
  PortSetTable::Id everyone = PortSetTable::kNone;
  for (const auto* policy : policies) {
    const ReachPolicy rules = classes_.policy(policy);
    for (auto r = egress ? rules.egress_first : rules.ingress_first;
         r < (egress ? rules.egress_last : rules.ingress_last); ++r) {
      const ReachRule& rule = classes_.rules()[r];
      if (rule.every_peer && (!rule.named_ports || !egress)) {
        everyone = table_.unite(everyone, ports(r, subject, subject, direction));
        continue;
      }
      each_member(r, subject, [&](std::uint32_t end, Fit fit) {
        const auto allowed = ports(r, subject, end, direction);
        possible[end] = table_.unite(possible[end], allowed);
        if (fit == Fit::Yes) sure[end] = table_.unite(sure[end], allowed);
      });
    }
  }
  for (std::size_t e = 0; e < w.open.size(); ++e) {
    if (w.open[e] == PortSetTable::kNone) continue;
    w.allowed[e] =
        table_.unite(w.allowed[e], table_.intersect(w.open[e], table_.unite(possible[e], everyone)));
    w.refused[e] = table_.unite(w.refused[e], table_.subtract(w.open[e], table_.unite(sure[e], everyone)));
    w.open[e] = PortSetTable::kNone;
  }
}

ReachRow ReachRows::compute(std::uint32_t subject, Direction direction) {
  const NetAttachment& attached = classes_.classes()[subject].attached;
  const std::size_t ends = classes_.ends();
  Worlds w;
  w.open.assign(ends, PortSetTable::kAll);
  w.passed.assign(ends, PortSetTable::kNone);
  w.allowed = w.refused = w.passed;
  tier(attached.admin, subject, direction, w);
  network_policies(direction == Direction::Egress ? attached.egress : attached.ingress, subject, direction,
                   w);
  tier(attached.baseline, subject, direction, w);

  std::vector<ReachAnswer> answers(ends);
  std::map<ReachAnswer, std::size_t> frequency;
  for (std::size_t e = 0; e < ends; ++e) {
    const auto possible = table_.unite(w.allowed[e], w.open[e]);
    answers[e] = {table_.subtract(possible, w.refused[e]), possible};
    ++frequency[answers[e]];
  }
  ReachRow row;
  std::size_t most = 0;
  for (const auto& [answer, count] : frequency) {
    if (count <= most) continue;
    most = count;
    row.usual = answer;
  }
  for (std::uint32_t e = 0; e < ends; ++e)
    if (answers[e] != row.usual) row.others.emplace_back(e, answers[e]);
  return row;
}

const ReachRow& ReachRows::row(std::uint32_t subject, Direction direction) {
  const NetAttachment& attached = classes_.classes()[subject].attached;
  std::vector<std::uintptr_t> key;
  bool own = false;  // the row depends on more than the policies
  const auto add = [&](const void* policy, bool isolates) {
    const ReachPolicy rules = classes_.policy(policy);
    if (!isolates && !rules.has(direction)) return;
    key.push_back(reinterpret_cast<std::uintptr_t>(policy));
    const bool egress = direction == Direction::Egress;
    for (auto r = egress ? rules.egress_first : rules.ingress_first;
         r < (egress ? rules.egress_last : rules.ingress_last); ++r)
      own = own || classes_.rules()[r].by_subject || (classes_.rules()[r].named_ports && !egress);
  };
  for (const auto* p : attached.admin) add(p, false);
  key.push_back(0);
  for (const auto* p : direction == Direction::Egress ? attached.egress : attached.ingress) add(p, true);
  key.push_back(0);
  for (const auto* p : attached.baseline) add(p, false);
  if (own) key.push_back(subject);
  auto& rows = rows_[static_cast<std::size_t>(direction)];
  if (const auto at = rows.find(key); at != rows.end()) return at->second;
  return rows.emplace(std::move(key), compute(subject, direction)).first->second;
}

}  // namespace waypath::sim
