// NetworkPolicies that select nothing, name nothing, or say something that is not read (network-policy.md 2.3
// to 2.12).

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "model/base/edit_distance.h"
#include "sim/lint/netpol_view.h"
#include "sim/lint/selector_slip.h"

namespace waypath::sim {

namespace {

using model::NetworkPolicy;
using model::PodId;
using model::Severity;
using model::Symbol;

ObjectAt rule_at(const NetworkPolicy& policy, const model::NetworkPolicyRule& rule, std::size_t index,
                 Direction direction, model::SourcePos pos = {}) {
  return lint_at(policy.meta, pos.known() ? pos : rule.pos, static_cast<int>(index),
                 direction == Direction::Ingress ? "ingress" : "egress");
}

/// Pods that a selector finds in some namespaces, told apart as policies tell them apart.
struct Selected {
  bool pods = false, host_network = false;
};
void add(const LintContext& c, std::span<const PodId> pods, Selected& out) {
  for (const PodId id : pods) (c.cluster.pod(id).spec.host_network ? out.host_network : out.pods) = true;
}

void subjects(LintContext& c, const NetworkPolicy& policy) {
  const Symbol ns = policy.meta.ns();
  const auto pods = c.cluster.select(ns, policy.pod_selector);
  Selected found;
  add(c, pods, found);
  if (found.pods) return;
  if (found.host_network) {
    c.report(kLintNetpolHostNetwork, lint_at(policy.meta, policy.pod_selector.pos),
             fmt::format("{} selects hostNetwork pods alone ({}): policies do not apply to them",
                         LintContext::object_text(policy.meta.key), c.pod_text(pods.front())),
             "protect them where their traffic enters or leaves the node, or take hostNetwork off");
    return;
  }
  if (policy.pod_selector.empty() || names_generated_label(c, policy.pod_selector)) return;
  const std::array here{ns};
  const auto slip = selector_slip(c, here, policy.pod_selector);
  c.report(kLintNetpolSelectsNothing, lint_at(policy.meta, policy.pod_selector.pos),
           fmt::format("{} selects {}, which no pod of namespace {} is{}{}",
                       LintContext::object_text(policy.meta.key), policy.pod_selector.str(), ns.view(),
                       slip ? "; " : "", slip.value_or("")),
           slip ? "correct the selector, or the namespace" : "delete the policy if its pods are gone",
           slip ? Severity::Warning : Severity::Info);
}

// ---- peers ----

/// What to do when no namespace has the labels of a selector. Its own name is none to label it with: every
/// namespace carries that.
std::string namespace_fix(const LintContext& c, const model::LabelSelector& selector) {
  const auto& namespaces = c.cluster.namespaces();
  const bool unknown_name =
      std::any_of(selector.requirements.begin(), selector.requirements.end(), [&](const auto& requirement) {
        model::LabelSelector alone;
        alone.requirements.push_back(requirement);
        return requirement.key == std::string_view("kubernetes.io/metadata.name") &&
               std::none_of(namespaces.begin(), namespaces.end(),
                            [&](const auto& ns) { return alone.matches(ns->meta.labels); });
      });
  return fmt::format("nothing to do if the namespace is not among the manifests; else {}",
                     unknown_name ? "correct the name: the API server alone sets this label" : "label it");
}

void peer(LintContext& c, const NetworkPolicy& policy, const model::NetworkPolicyPeer& peer,
          const ObjectAt& at) {
  if (peer.ip_block) return;
  Selected found;
  std::vector<Symbol> namespaces;
  const model::LabelSelector every;
  const model::LabelSelector& pods = peer.pod_selector ? *peer.pod_selector : every;
  const auto look = [&](Symbol ns) {
    namespaces.push_back(ns);
    add(c, c.cluster.select(ns, pods), found);
  };
  if (!peer.namespace_selector) look(policy.meta.ns());
  for (const auto& ns : c.cluster.namespaces()) {
    if (found.pods) return;
    if (peer.namespace_selector && peer.namespace_selector->matches(ns->meta.labels)) look(ns->meta.name());
  }
  if (found.pods || names_generated_label(c, pods)) return;
  const std::string text = fmt::format(
      "{}{}", pods.empty() ? std::string("any pod") : pods.str(),
      peer.namespace_selector ? fmt::format(" in namespaces with {}", peer.namespace_selector->str())
                              : fmt::format(" in namespace {}", policy.meta.ns().view()));
  if (found.host_network) {
    c.report(kLintNetpolPeerNothing, at,
             fmt::format("the peer {} is hostNetwork pods alone: their traffic has the node's address, which "
                         "selectors do not match",
                         text),
             "use an ipBlock with the addresses of the nodes", Severity::Warning);
    return;
  }
  if (namespaces.empty()) {
    const auto slip = [&]() -> std::optional<std::string> {
      for (const auto& requirement : peer.namespace_selector->requirements) {
        if (requirement.op != model::SelectorOperator::In || requirement.values.size() != 1) continue;
        std::vector<std::string_view> values;
        for (const auto& ns : c.cluster.namespaces())
          if (const auto value = ns->meta.labels.get(requirement.key.view())) values.push_back(*value);
        const auto wanted = requirement.values.front().view();
        const auto near = model::nearest(wanted, values);
        if (near && *near != wanted) return fmt::format("{}={} exists", requirement.key.view(), *near);
      }
      return std::nullopt;
    }();
    c.report(kLintNetpolPeerNothing, at,
             fmt::format("the peer {} is nobody: no namespace has these labels{}{}", text, slip ? "; " : "",
                         slip.value_or("")),
             slip ? "correct the namespaceSelector" : namespace_fix(c, *peer.namespace_selector),
             slip ? Severity::Warning : Severity::Info);
    return;
  }
  if (namespaces.size() > 20) namespaces.resize(20);
  const auto slip = selector_slip(c, namespaces, pods);
  c.report(kLintNetpolPeerNothing, at,
           fmt::format("the peer {} is nobody{}{}", text, slip ? ": " : "", slip.value_or("")),
           slip ? "correct the selector" : "remove the peer if its pods are gone",
           slip ? Severity::Warning : Severity::Info);
}

void peers(LintContext& c, const NetworkPolicy& policy) {
  for (const Direction direction : {Direction::Ingress, Direction::Egress}) {
    const bool ingress = direction == Direction::Ingress;
    if (!(ingress ? policy.affects_ingress : policy.affects_egress)) continue;
    const auto& rules = ingress ? policy.ingress : policy.egress;
    for (std::size_t i = 0; i < rules.size(); ++i)
      for (const auto& p : rules[i].peers) peer(c, policy, p, rule_at(policy, rules[i], i, direction, p.pos));
  }
}

void sections(LintContext& c, const NetworkPolicy& policy) {
  const auto check = [&](const auto& rules, bool counts, std::string_view name, std::string_view type) {
    if (counts || rules.empty()) return;
    c.report(kLintNetpolSection, lint_at(policy.meta, rules.front().pos, 0, std::string(name)),
             fmt::format("{} has {} rules, and policyTypes does not list {}: they are not read",
                         LintContext::object_text(policy.meta.key), name, type),
             fmt::format("add {} to policyTypes, or remove the rules", type));
  };
  check(policy.ingress, policy.affects_ingress, "ingress", "Ingress");
  check(policy.egress, policy.affects_egress, "egress", "Egress");
}

// ---- named ports ----

void named_ports(LintContext& c, const NetpolView& view, const NetpolRule& rule) {
  for (const auto& port : rule.written().ports) {
    const auto* name = std::get_if<Symbol>(&port.port);
    if (name == nullptr) continue;
    const auto destinations = rule.direction == Direction::Ingress ? *rule.subjects : view.peers(*rule.rule);
    std::set<std::string> declared;
    bool known = false, other_protocol = false;
    for (const std::uint32_t cls : destinations) {
      const model::Pod& pod = c.cluster.pod(view.pod(cls));
      known = known || model::Cluster::named_port(pod, *name, port.protocol).has_value();
      if (known) break;
      other_protocol = other_protocol || model::Cluster::named_port(pod, *name, std::nullopt).has_value();
      for (const auto& container : pod.spec.containers)
        for (const auto& p : container.ports)
          if (!p.name.empty() && p.protocol == port.protocol) declared.insert(p.name.str());
    }
    if (known) continue;
    ObjectAt at = rule.at();
    if (port.pos.known()) at.pos = port.pos;
    const auto& peers = rule.written().peers;
    const bool blocks = !peers.empty() && !rule.selects_pods();
    if (destinations.empty() && (!blocks || rule.direction == Direction::Ingress)) continue;
    if (blocks && rule.direction == Direction::Egress) {
      c.report(kLintNetpolNamedPort, std::move(at),
               fmt::format("port {} is a name, and an ipBlock has no container that could declare it",
                           name->view()),
               "write the number");
      continue;
    }
    const std::vector<std::string_view> names(declared.begin(), declared.end());
    const auto near = model::nearest(name->view(), names);
    c.report(
        kLintNetpolNamedPort, std::move(at),
        fmt::format("no container of {} declares a {} port named {}{}: the entry matches nothing",
                    c.pod_text(view.pod(destinations.front())), model::to_string(port.protocol), name->view(),
                    other_protocol ? ", only one of another protocol"
                    : near         ? fmt::format(", there is {}", *near)
                                   : std::string()),
        "write the number, or the name that the containers give");
  }
}

}  // namespace

void lint_network_policy_selectors(LintContext& c, const NetpolView& view) {
  for (const auto& policy : c.snapshot.all<NetworkPolicy>()) {
    subjects(c, *policy);
    peers(c, *policy);
    sections(c, *policy);
  }
  for (const NetpolRule& rule : view.rules()) named_ports(c, view, rule);
}

}  // namespace waypath::sim
