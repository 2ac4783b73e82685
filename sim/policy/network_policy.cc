#include "sim/policy/network_policy.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "model/diagnostic_codes.h"
#include "sim/cni_profile.h"
#include "sim/policy/net_match.h"
#include "sim/reason_codes_netpol.h"

namespace waypath::sim {
namespace {

using model::ClusterPolicy;
using model::ClusterPolicyRule;
using model::NetworkPolicy;
using model::NetworkPolicyRule;
using model::PodId;

constexpr std::string_view kLayer = "NetworkPolicy";

std::string_view section(Direction d) { return d == Direction::Egress ? "egress" : "ingress"; }

ObjectAt rule_at(const model::ObjectMeta& meta, model::SourcePos pos, int rule, Direction d) {
  return {meta.key, pos.known() ? pos : meta.pos, rule, rule < 0 ? std::string() : std::string(section(d))};
}

// Which policies bear on each pod, found once.
struct Attached {
  std::vector<const NetworkPolicy*> ingress, egress;  // by name
  std::vector<const ClusterPolicy*> admin, baseline;  // by priority, then name
};

class NetworkPolicies final : public PolicyEvaluator {
 public:
  NetworkPolicies(std::shared_ptr<const model::Cluster> cluster, const SimOptions& options,
                  model::Diagnostics& diagnostics)
      : cluster_(std::move(cluster)), profile_(cni_profile(options)), attached_(cluster_->pods().size()) {
    for (const auto& policy : cluster_->snapshot().all<NetworkPolicy>()) {
      for (const PodId pod : cluster_->select(policy->meta.key.ns, policy->pod_selector)) {
        if (cluster_->pod(pod).spec.host_network) continue;
        if (policy->affects_ingress) attached_[pod.index].ingress.push_back(policy.get());
        if (policy->affects_egress) attached_[pod.index].egress.push_back(policy.get());
      }
    }
    attach_cluster_policies(diagnostics);
  }

  [[nodiscard]] std::string_view name() const override { return kLayer; }
  [[nodiscard]] PolicyResult evaluate_leg(const LegContext& context, TraceRecorder* recorder) const override;

 private:
  void attach_cluster_policies(model::Diagnostics& diagnostics);
  [[nodiscard]] PolicyResult tier(const std::vector<const ClusterPolicy*>& policies,
                                  const LegContext& context, TraceRecorder* recorder) const;
  [[nodiscard]] PolicyResult network_policies(const std::vector<const NetworkPolicy*>& policies,
                                              const LegContext& context, TraceRecorder* recorder) const;
  [[nodiscard]] PolicyResult refuse(const std::vector<const NetworkPolicy*>& policies,
                                    const LegContext& context, TraceRecorder* recorder) const;
  [[nodiscard]] Decision refusal() const { return profile_.rejects ? Decision::Deny : Decision::Drop; }

  std::shared_ptr<const model::Cluster> cluster_;
  CniProfile profile_;
  std::vector<Attached> attached_;
};

// Source: kubernetes-sigs/network-policy-api: lower numbers first; the order of equal ones is undefined, by
// name here.
void NetworkPolicies::attach_cluster_policies(model::Diagnostics& diagnostics) {
  std::vector<const ClusterPolicy*> policies;
  for (const auto& p : cluster_->snapshot().all<ClusterPolicy>()) policies.push_back(p.get());
  std::stable_sort(policies.begin(), policies.end(), [](const ClusterPolicy* a, const ClusterPolicy* b) {
    return std::tuple(a->tier, a->priority, a->meta.key.name.view()) <
           std::tuple(b->tier, b->priority, b->meta.key.name.view());
  });
  for (std::size_t i = 1; i < policies.size(); ++i) {
    const auto &a = *policies[i - 1], &b = *policies[i];
    const bool prioritised = b.meta.key.kind != std::string_view("BaselineAdminNetworkPolicy") &&
                             a.meta.key.kind != std::string_view("BaselineAdminNetworkPolicy");
    if (prioritised && a.tier == b.tier && a.priority == b.priority)
      diagnostics.report({model::kPolicySamePriority,
                          model::Severity::Warning,
                          model::Reach::Input,
                          b.meta.pos,
                          b.meta.key.str(),
                          "spec.priority",
                          {},
                          b.meta.key.str() + " and " + a.meta.key.str() + " both have priority " +
                              std::to_string(b.priority) + ": their order is undefined, taken by name",
                          "give each its own priority"});
  }
  for (const auto* policy : policies) {
    for (std::uint32_t i = 0; i < attached_.size(); ++i) {
      const auto& pod = cluster_->pod({i});
      if (pod.spec.host_network) continue;
      if (!policy->subject.namespace_selector.matches(cluster_->namespace_labels(pod.meta.key.ns))) continue;
      if (policy->subject.pod_selector && !policy->subject.pod_selector->matches(pod.meta.labels)) continue;
      (policy->tier == model::PolicyTier::Admin ? attached_[i].admin : attached_[i].baseline)
          .push_back(policy);
    }
  }
}

PolicyResult NetworkPolicies::tier(const std::vector<const ClusterPolicy*>& policies,
                                   const LegContext& context, TraceRecorder* recorder) const {
  const auto& c = *context.connection;
  const bool egress = context.direction == Direction::Egress;
  const NetPeer& subject = egress ? c.source : c.destination;
  const NetPeer& other = egress ? c.destination : c.source;
  const NetMatch match{*cluster_, profile_, recorder != nullptr};
  PolicyResult result;
  for (const auto* policy : policies) {
    const auto& rules = egress ? policy->egress : policy->ingress;
    const bool admin = policy->tier == model::PolicyTier::Admin;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const ClusterPolicyRule& rule = rules[i];
      if (!match.ports(rule, c.protocol, c.port, c.destination)) continue;
      FitResult fit;
      for (const auto& peer : rule.peers) {
        // A peer of a newer CRD fails closed: it accepts nothing and denies everything.
        FitResult one = peer.unknown_field
                            ? FitResult{rule.action == model::TierAction::Accept ? Fit::No : Fit::Yes, {}}
                            : match.peer(subject, other, peer);
        if (one.fit == Fit::Yes || fit.fit != Fit::Unknown) fit = std::move(one);
        if (fit.fit == Fit::Yes) break;
      }
      if (fit.fit == Fit::No) continue;
      const ObjectAt at = rule_at(policy->meta, rule.pos, static_cast<int>(i), context.direction);
      if (fit.fit == Fit::Unknown) {
        result.decision = Decision::Unknown;
        result.reason = {kNetpolAddressUnknown, at, fit.detail};
        if (recorder != nullptr) recorder->missing_facts.push_back(fit.detail);
        return result;
      }
      const std::string detail = rule.name.empty() ? std::string() : "rule \"" + rule.name + "\"";
      TraceNode node{policy->meta.key.kind.str(), Decision::NotApplicable, {kAdminPass, at, detail}, {}};
      if (rule.action == model::TierAction::Pass) {
        if (recorder != nullptr) recorder->nodes.push_back(std::move(node));
        return {};
      }
      const bool accept = rule.action == model::TierAction::Accept;
      result.decision = accept ? Decision::Allow : refusal();
      result.reason = {
          accept ? (admin ? kAdminAccept : kBaselineAccept) : (admin ? kAdminDeny : kBaselineDeny), at,
          detail};
      result.deciders.push_back(at);
      node.decision = result.decision;
      node.reason = result.reason;
      if (recorder != nullptr) recorder->nodes.push_back(std::move(node));
      return result;
    }
  }
  return result;
}

PolicyResult NetworkPolicies::network_policies(const std::vector<const NetworkPolicy*>& policies,
                                               const LegContext& context, TraceRecorder* recorder) const {
  PolicyResult result;
  if (policies.empty()) return result;
  const auto& c = *context.connection;
  const bool egress = context.direction == Direction::Egress;
  const NetPeer& other = egress ? c.destination : c.source;
  const NetMatch match{*cluster_, profile_, recorder != nullptr};
  std::optional<Reason> undecided;
  for (const auto* policy : policies) {
    const auto& rules = egress ? policy->egress : policy->ingress;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (!match.ports(rules[i], c.protocol, c.port, c.destination)) continue;
      const auto fit = match.peers(other, rules[i], policy->meta.key.ns);
      if (fit.fit == Fit::No) continue;
      const ObjectAt at = rule_at(policy->meta, rules[i].pos, static_cast<int>(i), context.direction);
      if (fit.fit == Fit::Unknown) {
        if (!undecided) undecided = Reason{kNetpolAddressUnknown, at, fit.detail};
        continue;
      }
      result.decision = Decision::Allow;
      result.reason = {kNetpolAllow, at, recorder != nullptr ? "allows " + ports_text(rules[i]) : ""};
      result.deciders.push_back(at);
      if (recorder != nullptr)
        recorder->nodes.push_back({std::string(kLayer), Decision::Allow, result.reason, {}});
      return result;
    }
  }
  if (undecided) {
    result.decision = Decision::Unknown;
    result.reason = *undecided;
    if (recorder != nullptr) {
      recorder->missing_facts.push_back(undecided->detail);
      recorder->nodes.push_back({std::string(kLayer), Decision::Unknown, *undecided, {}});
    }
    return result;
  }
  return refuse(policies, context, recorder);
}

// Nothing matched. Names what came nearest: a rule that fits the peer and lacks the port, else the isolating
// policies.
PolicyResult NetworkPolicies::refuse(const std::vector<const NetworkPolicy*>& policies,
                                     const LegContext& context, TraceRecorder* recorder) const {
  const auto& c = *context.connection;
  const bool egress = context.direction == Direction::Egress;
  const NetPeer& other = egress ? c.destination : c.source;
  const NetMatch match{*cluster_, profile_, recorder != nullptr};
  const std::string port_text = std::string(model::to_string(c.protocol)) + " " + std::to_string(c.port);
  struct Near {
    ObjectAt at;
    std::string detail;
    bool hbone = false;
  };
  std::vector<Near> port_misses, peer_misses;
  const NetworkPolicy* isolating = policies.front();
  for (const auto* policy : policies) {
    const auto& rules = egress ? policy->egress : policy->ingress;
    const auto& chosen = egress ? isolating->egress : isolating->ingress;
    if (rules.empty() && !chosen.empty()) isolating = policy;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const ObjectAt at = rule_at(policy->meta, rules[i].pos, static_cast<int>(i), context.direction);
      const auto fit = match.peers(other, rules[i], policy->meta.key.ns);
      if (fit.fit == Fit::Yes) {
        const bool lists_inner =
            c.hbone && c.inner_port != 0 && match.ports(rules[i], c.protocol, c.inner_port, c.destination);
        port_misses.push_back({at,
                               "matches the peer, lists only " + ports_text(rules[i]) +
                                   (c.hbone ? "; meshed peers connect on TCP " + std::to_string(c.port)
                                            : "; the connection is " + port_text),
                               lists_inner});
      } else if (match.ports(rules[i], c.protocol, c.port, c.destination)) {
        peer_misses.push_back({at, "allows " + port_text + " to other peers: " + fit.detail, false});
      }
    }
  }
  std::stable_sort(port_misses.begin(), port_misses.end(),
                   [](const Near& a, const Near& b) { return a.hbone && !b.hbone; });
  PolicyResult result;
  result.decision = refusal();
  const ObjectAt isolating_at{isolating->meta.key, isolating->meta.pos, -1, {}};
  if (port_misses.empty()) {
    result.reason = {egress ? kNetpolEgressDefaultDeny : kNetpolIngressDefaultDeny, isolating_at,
                     std::string(section(context.direction)) + " is isolated by " +
                         std::to_string(policies.size()) + (policies.size() == 1 ? " policy" : " policies") +
                         " and no rule matches the peer on " + port_text};
  } else {
    const auto& near = port_misses.front();
    const Code code = near.hbone ? (egress ? kNetpolEgressHbonePort : kNetpolIngressHbonePort)
                                 : (egress ? kNetpolEgressPort : kNetpolIngressPort);
    result.reason = {code, near.at, near.detail};
    for (const auto& n : port_misses) result.deciders.push_back(n.at);
  }
  result.deciders.push_back(isolating_at);
  for (const auto* policy : policies)
    if (policy != isolating) result.deciders.push_back({policy->meta.key, policy->meta.pos, -1, {}});
  if (recorder != nullptr) {
    recorder->nodes.push_back({std::string(kLayer), result.decision, result.reason, {}});
    for (const auto& n : port_misses) recorder->near_misses.push_back({n.at, n.detail});
    for (const auto& n : peer_misses) recorder->near_misses.push_back({n.at, n.detail});
  }
  return result;
}

PolicyResult NetworkPolicies::evaluate_leg(const LegContext& asked, TraceRecorder* recorder) const {
  // A probe reaches the pod with the address that istio-cni gives the kubelet. Source: istio cni/pkg/iptables
  // (HostProbeSNAT)
  Connection probe = *asked.connection;
  if (probe.kubelet_probe) probe.source = {{}, {}, model::parse_ip("169.254.7.127"), {}};
  const LegContext context{&probe, asked.direction};
  const auto& c = *context.connection;
  const bool egress = context.direction == Direction::Egress;
  const NetPeer& subject = egress ? c.source : c.destination;
  // Nodes, hostNetwork pods and outside addresses are never isolated.
  if (!subject.pod.valid() || cluster_->pod(subject.pod).spec.host_network) return {};
  const auto fixed = [&](Code code, std::string detail) {
    PolicyResult r;
    r.decision = Decision::Allow;
    r.reason = {code, std::nullopt, std::move(detail)};
    if (recorder != nullptr) recorder->nodes.push_back({std::string(kLayer), Decision::Allow, r.reason, {}});
    return r;
  };
  if (c.self && !c.self_via_service) return fixed(kNetpolSelf, "a pod always reaches its own address");
  if (c.self && recorder != nullptr)
    recorder->assumptions.push_back(
        {kAssumeSelfPluginDependent,
         "a pod that reaches itself through a Service is judged as any other connection",
         {}});

  const auto& attached = attached_[subject.pod.index];
  auto result = tier(attached.admin, context, recorder);
  if (result.decision == Decision::NotApplicable)
    result = network_policies(egress ? attached.egress : attached.ingress, context, recorder);
  if (result.decision == Decision::NotApplicable) result = tier(attached.baseline, context, recorder);

  // What comes from the pod's own node passes, whatever policies say; probes of captured pods are the
  // exception on some CNIs. Source: kubernetes staging/src/k8s.io/api/networking/v1/types.go (Ingress:
  // "traffic ... from the pod's local node")
  const bool refused = result.decision == Decision::Deny || result.decision == Decision::Drop ||
                       result.decision == Decision::Unknown;
  const auto node = cluster_->node_of(subject.pod);
  const bool node_local =
      !egress && ((c.kubelet_probe && !profile_.probes_judged) ||
                  (!c.kubelet_probe && c.source.node.valid() && node && *node == c.source.node));
  if (refused && node_local) {
    if (recorder != nullptr) {
      recorder->missing_facts.clear();
      recorder->assumptions.push_back(
          {kAssumeNodeLocal,
           "the CNI lets a pod's own node through, as the Kubernetes API says; without that: " +
               std::string(result.reason.code.text),
           {}});
    }
    return fixed(kNetpolNodeLocal, "traffic from the pod's own node is not judged");
  }
  if (result.decision == Decision::NotApplicable && recorder != nullptr) {
    recorder->nodes.push_back({std::string(kLayer),
                               Decision::NotApplicable,
                               {kNetpolNotIsolated, std::nullopt,
                                std::string(section(context.direction)) + " of this pod is not isolated"},
                               {}});
  }
  return result;
}

}  // namespace

std::unique_ptr<const PolicyEvaluator> compile_network_policies(std::shared_ptr<const model::Cluster> cluster,
                                                                const SimOptions& options,
                                                                model::Diagnostics& diagnostics) {
  return std::make_unique<const NetworkPolicies>(std::move(cluster), options, diagnostics);
}

}  // namespace waypath::sim
