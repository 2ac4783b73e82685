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

}  // namespace

std::vector<NetAttachment> attach_net_policies(const model::Cluster& cluster,
                                               model::Diagnostics* diagnostics) {
  std::vector<NetAttachment> out(cluster.pods().size());
  // Source: kubernetes staging/src/k8s.io/api/networking/v1/types.go NetworkPolicySpec.PodSelector: pods of
  // the policy's own namespace.
  for (const auto& policy : cluster.snapshot().all<NetworkPolicy>()) {
    const bool blocks = by_address(policy->ingress) || by_address(policy->egress);
    for (const PodId pod : cluster.select(policy->meta.key.ns, policy->pod_selector)) {
      if (cluster.pod(pod).spec.host_network) continue;
      out[pod.index].address_blocks = out[pod.index].address_blocks || blocks;
      if (policy->affects_ingress) out[pod.index].ingress.push_back(policy.get());
      if (policy->affects_egress) out[pod.index].egress.push_back(policy.get());
    }
  }
  for (const ClusterPolicy* policy : in_order(cluster, diagnostics)) {
    const bool blocks = by_address(policy->ingress) || by_address(policy->egress);
    for (const auto& ns : cluster.namespaces()) {
      if (!policy->subject.namespace_selector.matches(ns->meta.labels)) continue;
      for (const PodId pod : cluster.pods_in(ns->meta.key.name)) {
        const model::Pod& p = cluster.pod(pod);
        if (p.spec.host_network ||
            (policy->subject.pod_selector && !policy->subject.pod_selector->matches(p.meta.labels)))
          continue;
        NetAttachment& at = out[pod.index];
        at.address_blocks = at.address_blocks || blocks;
        (policy->tier == model::PolicyTier::Admin ? at.admin : at.baseline).push_back(policy);
      }
    }
  }
  return out;
}

}  // namespace waypath::sim
