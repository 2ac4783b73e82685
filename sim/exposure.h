#pragma once
// What manifests intend, compiled once: which gateways lead to which services, and which policies mean to
// guard a request where no proxy enforces them. Bypasses are found by comparing a path with this.

#include <string>
#include <unordered_set>
#include <vector>

#include "model/cluster.h"
#include "sim/resolve/mesh.h"
#include "sim/verdict.h"

namespace waypath::sim {

/// A policy that asks for authentication: CUSTOM, or RequestAuthentication. Only an Envoy can enforce these.
struct AuthenticationPolicy {
  const model::ObjectMeta* meta = nullptr;
  const model::PolicyAttachment* attachment = nullptr;
  bool custom = false;
  [[nodiscard]] bool by_selector() const { return attachment->target_refs.empty(); }
  /// Whether the selector, taken alone, fits these labels (an absent or empty selector fits all).
  [[nodiscard]] bool selects(const model::Labels& labels) const;
  /// Whether it attaches to a sidecar or classic gateway pod: selector, and its own namespace or the root
  /// namespace.
  [[nodiscard]] bool selects_pod(const model::Pod& pod, model::Symbol root_namespace) const;
};

class Exposure {
 public:
  explicit Exposure(const model::Cluster& cluster);
  /// CUSTOM policies first, each kind sorted by namespace and name.
  [[nodiscard]] const std::vector<AuthenticationPolicy>& authentication() const { return authentication_; }
  /// Gateway pods (one a gateway) whose routes lead to `service`; sorted.
  [[nodiscard]] const std::vector<model::PodId>& gateways_to(model::ServiceId service) const;
  /// Whether a selector of any policy or route mentions this label key: pods that differ only in others are
  /// alike.
  [[nodiscard]] bool label_matters(model::Symbol key) const { return selector_keys_.contains(key); }
  /// Distinguishes addresses that the ipBlocks of the cluster tell apart.
  [[nodiscard]] std::string address_class(const std::vector<model::IpAddress>& ips) const;
  /// What policies tell pods apart by: the class of the addresses, and the labels that matter.
  [[nodiscard]] std::string trait(const model::Pod& pod) const;
  /// Whether both sides take the same pods for alike.
  [[nodiscard]] bool tells_apart_like(const Exposure& other) const {
    return selector_keys_ == other.selector_keys_ && blocks_ == other.blocks_;
  }

 private:
  void collect_keys(const model::Cluster& cluster);
  void collect_gateways(const model::Cluster& cluster);
  std::vector<AuthenticationPolicy> authentication_;
  std::vector<std::vector<model::PodId>> gateways_;  // by service index
  std::unordered_set<model::Symbol> selector_keys_;
  std::vector<model::Cidr> blocks_;  // sorted, without repeats
  std::vector<std::size_t> around_;  // by block: the narrowest of the others that holds it; itself for none
};

}  // namespace waypath::sim
