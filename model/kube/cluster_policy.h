#pragma once
// policy.networking.k8s.io: AdminNetworkPolicy and BaselineAdminNetworkPolicy (v1alpha1),
// ClusterNetworkPolicy (v1alpha2), in one shape: a tier, a priority, ordered rules. key.kind tells the kinds
// apart.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/base/ip.h"
#include "model/kube/label_selector.h"
#include "model/kube/workloads.h"

namespace waypath::model {

enum class PolicyTier : std::uint8_t { Admin, Baseline };
enum class TierAction : std::uint8_t { Accept, Deny, Pass };

/// `namespaces` (pod_selector absent) or `pods` (both present). Selectors may be empty.
struct NamespacedPodSelector {
  LabelSelector namespace_selector;
  std::optional<LabelSelector> pod_selector;
  std::vector<Symbol> same_labels, not_same_labels;  // removed from the API; older CRDs
};

struct ClusterPolicyPeer {
  // exactly one is set; none: a field this version does not know, see network-policy.md 3.5
  std::optional<NamespacedPodSelector> pods;
  std::vector<Cidr> networks;
  std::optional<LabelSelector> nodes;
  std::vector<std::string> domain_names;
  bool unknown_field = false;
  SourcePos pos;
};

struct ClusterPolicyPort {
  std::optional<Protocol> protocol;  // absent for a named port: it has no protocol of its own
  std::uint16_t start = 0, end = 0;  // inclusive; 0,0 with a protocol and no number: every port of it
  Symbol named;
  SourcePos pos;
};

struct ClusterPolicyRule {
  std::string name;
  TierAction action = TierAction::Accept;
  std::vector<ClusterPolicyPeer> peers;
  bool all_ports = true;  // `ports`/`protocols` missing
  std::vector<ClusterPolicyPort> ports;
  SourcePos pos;
};

struct ClusterPolicy {
  ObjectMeta meta;
  PolicyTier tier = PolicyTier::Admin;
  int priority = 0;
  NamespacedPodSelector subject;
  std::vector<ClusterPolicyRule> ingress, egress;
};

}  // namespace waypath::model
