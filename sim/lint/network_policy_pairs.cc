// One half of a connection is allowed by a NetworkPolicy and the other half by none.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "model/istio/proxy_ports.h"
#include "sim/lint/netpol_view.h"

namespace waypath::sim {

namespace {

/// Looks for rules that name peers none of which lets the connection through at its own end.
class PairCheck {
 public:
  PairCheck(LintContext& c, const NetpolView& view) : c_(c), view_(view) {}

  void check(const NetpolRule& rule) {
    // A rule for everyone, or for addresses, is no half of a pair.
    const auto& peers_written = rule.written().peers;
    const bool named =
        !peers_written.empty() && std::all_of(peers_written.begin(), peers_written.end(), [](const auto& p) {
          return !p.ip_block && ((p.pod_selector && !p.pod_selector->empty()) ||
                                 (p.namespace_selector && !p.namespace_selector->empty()));
        });
    if (!named) return;
    const auto peers = view_.peers(*rule.rule);
    if (peers.empty()) return;
    const bool egress = rule.direction == Direction::Egress;
    const Direction other = egress ? Direction::Ingress : Direction::Egress;
    std::set<std::uint32_t> lists;  // the peers' rules, each asked once
    for (const std::uint32_t peer : peers) {
      const std::uint32_t list = view_.list_of(peer, other);
      if (!lists.insert(list).second && !depends_on_pod(rule)) continue;
      if (meets(rule, view_.list(list), peer)) return;
    }
    // Confirmed by the evaluator on one pair, which also tells the near miss.
    const std::uint32_t subject = rule.subjects->front(), peer = peers.front();
    const model::PodId from = view_.pod(egress ? subject : peer), to = view_.pod(egress ? peer : subject);
    if (from == to) return;
    Connection connection = c_.connection(from, to, port_of(rule, to));
    const auto refused = c_.refusal_at(connection, other);
    if (!refused) return;
    const std::string who = c_.pod_text(view_.pod(peer));
    const std::string more =
        peers.size() > 1 ? fmt::format(" (as {} more)", peers.size() - 1) : std::string();
    c_.report(
        kLintNetpolOneSided, rule.at(),
        egress ? fmt::format("{} may send to {}{}, whose ingress no policy opens for it: {}",
                             c_.pod_text(from), who, more, because(*refused))
               : fmt::format("{} lets {}{} in, whose egress no policy opens towards it: {}", c_.pod_text(to),
                             who, more, because(*refused)),
        egress
            ? fmt::format("allow {} into {} with an ingress rule on the same ports", c_.pod_text(from), who)
            : fmt::format("allow {} out to {} with an egress rule on the same ports", who, c_.pod_text(to)));
  }

 private:
  static bool depends_on_pod(const NetpolRule& rule) { return rule.rule->named_ports; }

  static std::string because(const PolicyResult& refused) {
    std::string by;
    if (refused.reason.by) by = LintContext::object_text(refused.reason.by->key) + ": ";
    return by + refused.reason.detail;
  }

  // A port that the rule allows, as the destination serves it where known.
  [[nodiscard]] std::uint16_t port_of(const NetpolRule& rule, model::PodId destination) const {
    const PortSet ports = view_.ports(*rule.rule, destination) & PortSet::protocol(model::Protocol::Tcp);
    for (const std::uint16_t port : c_.served_ports(destination))
      if (ports.contains(model::Protocol::Tcp, port)) return port;
    return ports.empty() ? model::kHbonePort : static_cast<std::uint16_t>(ports.ports().begin()->lower());
  }

  // Whether a rule at the peer's end has some subject of `rule` as peer, on a port that both allow.
  [[nodiscard]] bool meets(const NetpolRule& rule, const NetpolList& list, std::uint32_t peer) const {
    if (!list.isolated || list.tiers) return true;
    const bool egress = rule.direction == Direction::Egress;
    for (const ReachRule* theirs : list.rules) {
      // Addresses may stand for pods whose address nothing tells.
      if (std::any_of(theirs->members.begin(), theirs->members.end(),
                      [](const auto& m) { return m.fit == Fit::Unknown; }))
        return true;
      const bool has = theirs->every_peer ||
                       std::any_of(rule.subjects->begin(), rule.subjects->end(),
                                   [&](std::uint32_t subject) { return view_.has_peer(*theirs, subject); });
      if (!has) continue;
      const model::PodId destination = egress ? view_.pod(peer) : view_.pod(rule.subjects->front());
      if (!(view_.ports(*rule.rule, destination) & view_.ports(*theirs, destination)).empty()) return true;
    }
    return false;
  }

  LintContext& c_;
  const NetpolView& view_;
};

}  // namespace

void lint_network_policy_pairs(LintContext& c, const NetpolView& view) {
  PairCheck check(c, view);
  for (const NetpolRule& rule : view.rules()) check.check(rule);
}

}  // namespace waypath::sim
