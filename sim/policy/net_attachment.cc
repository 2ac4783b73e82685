#include "sim/policy/net_attachment.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "model/diagnostic_codes.h"

namespace waypath::sim {
namespace {

using model::ClusterPolicy;
using model::NetworkPolicy;
using model::PodId;

// Source: kubernetes-sigs/network-policy-api apis/v1alpha1 (AdminNetworkPolicySpec.Priority), apis/v1alpha2:
// lower numbers first; the order of equal ones is not defined. BaselineAdminNetworkPolicy has no priority:
// there is one of it.
std::vector<const ClusterPolicy*> in_order(const model::Cluster& cluster, model::Diagnostics* diagnostics) {
  std::vector<const ClusterPolicy*> policies;
  for (const auto& p : cluster.snapshot().all<ClusterPolicy>()) policies.push_back(p.get());
  std::stable_sort(policies.begin(), policies.end(), [](const ClusterPolicy* a, const ClusterPolicy* b) {
    return std::tuple(a->tier, a->priority, a->meta.key.name.view()) <
           std::tuple(b->tier, b->priority, b->meta.key.name.view());
  });
  const auto has_priority = [](const ClusterPolicy& p) {
    return !(p.meta.key.kind == std::string_view("BaselineAdminNetworkPolicy"));
  };
  for (std::size_t i = 1; i < policies.size() && diagnostics != nullptr; ++i) {
    const ClusterPolicy &a = *policies[i - 1], &b = *policies[i];
    if (a.tier != b.tier || a.priority != b.priority || !has_priority(a) || !has_priority(b)) continue;
    diagnostics->report({model::kPolicySamePriority,
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
  return policies;
}

bool by_address(const std::vector<model::NetworkPolicyRule>& rules) {
  return std::any_of(rules.begin(), rules.end(), [](const auto& rule) {
    return std::any_of(rule.peers.begin(), rule.peers.end(),
                       [](const auto& peer) { return peer.ip_block.has_value(); });
  });
}

bool by_address(const std::vector<model::ClusterPolicyRule>& rules) {
  return std::any_of(rules.begin(), rules.end(), [](const auto& rule) {
    return std::any_of(rule.peers.begin(), rule.peers.end(),
                       [](const auto& peer) { return !peer.networks.empty(); });
  });
}

/// `pods` says how many there are, and selects by namespace and by cluster policies' subject.
template <class Pods>
std::vector<NetAttachment> attach(const model::Cluster& cluster, const Pods& pods,
                                  model::Diagnostics* diagnostics) {
  std::vector<NetAttachment> out(pods.size());
  // Source: kubernetes staging/src/k8s.io/api/networking/v1/types.go NetworkPolicySpec.PodSelector: pods of
  // the policy's own namespace.
  for (const auto& policy : cluster.snapshot().all<NetworkPolicy>()) {
    const bool blocks = by_address(policy->ingress) || by_address(policy->egress);
    for (const std::uint32_t pod : pods.select(policy->meta.key.ns, policy->pod_selector)) {
      NetAttachment& at = out[pod];
      at.address_blocks = at.address_blocks || blocks;
      if (policy->affects_ingress) at.ingress.push_back(policy.get());
      if (policy->affects_egress) at.egress.push_back(policy.get());
    }
  }
  for (const ClusterPolicy* policy : in_order(cluster, diagnostics)) {
    const bool blocks = by_address(policy->ingress) || by_address(policy->egress);
    const auto& subject = policy->subject;
    for (const std::uint32_t pod :
         pods.select(subject.namespace_selector, subject.pod_selector ? &*subject.pod_selector : nullptr)) {
      NetAttachment& at = out[pod];
      at.address_blocks = at.address_blocks || blocks;
      (policy->tier == model::PolicyTier::Admin ? at.admin : at.baseline).push_back(policy);
    }
  }
  return out;
}

/// Every pod, by PodId; those on the host network are selected by nothing.
struct EveryPod {
  const model::Cluster& cluster;
  [[nodiscard]] std::size_t size() const { return cluster.pods().size(); }
  [[nodiscard]] std::vector<std::uint32_t> select(model::Symbol ns,
                                                  const model::LabelSelector& selector) const {
    std::vector<std::uint32_t> out;
    for (const PodId pod : cluster.select(ns, selector))
      if (!cluster.pod(pod).spec.host_network) out.push_back(pod.index);
    return out;
  }
  [[nodiscard]] std::vector<std::uint32_t> select(const model::LabelSelector& namespaces,
                                                  const model::LabelSelector* pods) const {
    static const model::LabelSelector every;
    std::vector<std::uint32_t> out;
    for (const auto& ns : cluster.namespaces()) {
      if (!namespaces.matches(ns->meta.labels)) continue;
      const auto some = select(ns->meta.key.name, pods != nullptr ? *pods : every);
      out.insert(out.end(), some.begin(), some.end());
    }
    return out;
  }
};

}  // namespace

std::vector<NetAttachment> attach_net_policies(const model::Cluster& cluster,
                                               model::Diagnostics* diagnostics) {
  return attach(cluster, EveryPod{cluster}, diagnostics);
}

std::vector<NetAttachment> attach_net_policies(const model::Cluster& cluster, const PodSelection& pods,
                                               model::Diagnostics* diagnostics) {
  return attach(cluster, pods, diagnostics);
}

}  // namespace waypath::sim
