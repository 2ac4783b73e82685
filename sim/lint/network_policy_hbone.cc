// NetworkPolicies and the port that the mesh connects on (ambient-path L1 to L27): policies see TCP 15008 and
// never the application's port.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "model/istio/proxy_ports.h"
#include "sim/lint/netpol_view.h"

namespace waypath::sim {

namespace {

using model::Protocol;

/// Peers that a list of rules lets connect on 15008.
class Admitted {
 public:
  Admitted(const NetpolView& view, const NetpolList& list) : all_(!list.isolated), in_(view.size(), false) {
    for (const ReachRule* rule : list.rules) {
      if (!view.ports(*rule, {}).contains(Protocol::Tcp, model::kHbonePort)) continue;
      if (rule->every_peer) all_ = true;
      for (const std::uint32_t peer : view.peers(*rule)) in_[peer] = true;
    }
  }
  [[nodiscard]] bool has(std::uint32_t cls) const { return all_ || in_[cls]; }

 private:
  bool all_;
  std::vector<bool> in_;
};

/// Looks for peers that a rule is written for, and that its list of ports keeps out.
class HboneCheck {
 public:
  HboneCheck(LintContext& c, const NetpolView& view) : c_(c), view_(view) {
    for (std::uint32_t i = 0; i < view.size(); ++i) served_.push_back(c.served_ports(view.pod(i)));
  }

  void check(const NetpolRule& rule) {
    if (rule.written().ports.empty() || !rule.selects_pods()) return;
    const PortSet tcp = view_.ports(*rule.rule, {}) & PortSet::protocol(Protocol::Tcp);
    if (tcp.contains(Protocol::Tcp, model::kHbonePort)) return;
    const bool egress = rule.direction == Direction::Egress;
    std::set<std::uint32_t> lists;
    std::vector<std::uint32_t> peers;
    std::vector<std::string> cut_off;
    std::optional<std::pair<std::uint32_t, std::uint32_t>> example;  // subject, peer
    for (const std::uint32_t subject : *rule.subjects) {
      const std::uint32_t list = view_.list_of(subject, rule.direction);
      if (!lists.insert(list).second) continue;
      if (peers.empty()) peers = view_.peers(*rule.rule);
      const Admitted& admitted = admitted_by(list);
      for (const std::uint32_t peer : peers) {
        if (admitted.has(peer)) continue;
        const std::uint32_t from = egress ? subject : peer, to = egress ? peer : subject;
        if (!meant(rule, to) || c_.wire_port(view_.pod(from), view_.pod(to), 1) != model::kHbonePort)
          continue;
        const auto port = served_[to].empty() ? std::uint16_t{80} : served_[to].front();
        if (!c_.refusal_at(c_.connection(view_.pod(from), view_.pod(to), port), rule.direction)) continue;
        if (!example) example.emplace(subject, peer);
        cut_off.push_back(c_.pod_text(view_.pod(peer)));
        if (cut_off.size() > 20) break;
      }
    }
    if (!example) return;
    std::sort(cut_off.begin(), cut_off.end());
    cut_off.erase(std::unique(cut_off.begin(), cut_off.end()), cut_off.end());
    const std::string own = c_.pod_text(view_.pod(example->first));
    c_.report(egress ? kLintHboneEgress : kLintHboneIngress, rule.at(),
              fmt::format("the rule lists {}; {} {} {} on TCP 15008, which no rule for {} allows",
                          ports_text(rule.written()), egress ? own : LintContext::list_text(cut_off),
                          egress || cut_off.size() == 1 ? "connects to" : "connect to",
                          egress ? LintContext::list_text(cut_off) : own, own),
              "add TCP 15008 to the ports of the rule; keep the others for peers outside the mesh");
  }

 private:
  // The rule's ports are among those the destination serves; what serves none that is known may serve any.
  [[nodiscard]] bool meant(const NetpolRule& rule, std::uint32_t destination) const {
    const auto& ports = served_[destination];
    if (ports.empty()) return !rule.written().peers.empty();
    const PortSet set = view_.ports(*rule.rule, view_.pod(destination));
    return std::any_of(ports.begin(), ports.end(),
                       [&](std::uint16_t port) { return set.contains(Protocol::Tcp, port); });
  }

  const Admitted& admitted_by(std::uint32_t list) {
    const auto it = admitted_.find(list);
    if (it != admitted_.end()) return it->second;
    return admitted_.emplace(list, Admitted(view_, view_.list(list))).first->second;
  }

  LintContext& c_;
  const NetpolView& view_;
  std::vector<std::vector<std::uint16_t>> served_;  // by class
  std::map<std::uint32_t, Admitted> admitted_;      // by list
};

// ---- 15008 opens every port ----

// Whether ports are restricted where the tunnel ends.
bool ports_restricted(const LintContext& c, model::PodId pod) {
  const auto policies = c.policies_at(c.ztunnel_point(pod));
  return std::any_of(policies.begin(), policies.end(), [](const model::AuthorizationPolicy* p) {
    return !p->dry_run &&
           std::any_of(p->rules.begin(), p->rules.end(), [](const model::AuthorizationRule& r) {
             return std::any_of(r.to.begin(), r.to.end(),
                                [](const auto& to) { return !to.ports.empty() || !to.not_ports.empty(); });
           });
  });
}

void opens_all(LintContext& c, const NetpolView& view) {
  const model::NetworkPolicy* last = nullptr;
  for (const NetpolRule& rule : view.rules()) {
    if (rule.direction != Direction::Ingress || rule.policy == last || !rule.selects_pods()) continue;
    const PortSet tcp = view.ports(*rule.rule, {}) & PortSet::protocol(Protocol::Tcp);
    const PortSet others = tcp - PortSet::one(Protocol::Tcp, model::kHbonePort);
    if (!tcp.contains(Protocol::Tcp, model::kHbonePort) || others.empty() ||
        tcp == PortSet::protocol(Protocol::Tcp))
      continue;
    const auto open = std::find_if(rule.subjects->begin(), rule.subjects->end(), [&](std::uint32_t subject) {
      return c.capture(view.pod(subject)).redirected() && !ports_restricted(c, view.pod(subject));
    });
    if (open == rule.subjects->end()) continue;
    last = rule.policy;
    c.report(
        kLintHboneOpensAll, rule.at(),
        fmt::format("{} limits nothing for meshed peers: through 15008 they reach every port of {}, and no "
                    "AuthorizationPolicy there names ports",
                    ports_text(rule.written()), c.pod_text(view.pod(*open))),
        "allow the ports with an AuthorizationPolicy at the pods (to.operation.ports)");
  }
}

// ---- the injector's label ----

void injected_label(LintContext& c) {
  // Written by bb-common's template when it adds the port.
  constexpr std::string_view kLabel = "ambient.istio.network-policies.bigbang.dev/hbone-injected";
  for (const auto& policy : c.snapshot.all<model::NetworkPolicy>()) {
    const auto* label = policy->meta.labels.find(kLabel);
    if (label == nullptr || label->value != std::string_view("true")) continue;
    const CniProfile profile;
    const NetMatch match{c.cluster, profile, false};
    const auto lists_it = [&](const auto& rules) {
      return std::any_of(rules.begin(), rules.end(), [&](const model::NetworkPolicyRule& rule) {
        return match.port_set(rule, {}).contains(Protocol::Tcp, model::kHbonePort);
      });
    };
    if (lists_it(policy->ingress) || lists_it(policy->egress)) continue;
    c.report(kLintHboneLabel, lint_at(policy->meta, label->pos),
             fmt::format("{} says that 15008 was added, and no rule of it allows TCP 15008",
                         LintContext::object_text(policy->meta.key)),
             "add TCP 15008 to the ports; the label itself changes nothing");
  }
}

}  // namespace

void lint_network_policy_hbone(LintContext& c, const NetpolView& view) {
  injected_label(c);
  if (!c.ambient()) return;
  HboneCheck check(c, view);
  for (const NetpolRule& rule : view.rules()) check.check(rule);
  opens_all(c, view);
}

}  // namespace waypath::sim
