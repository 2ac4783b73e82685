#pragma once
// Policies that touch a proxy and do nothing there, although they seem to: for the notes of a trace.

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/policy/attachment.h"

namespace waypath::sim {

class UnenforcedPolicies {
 public:
  explicit UnenforcedPolicies(const model::Cluster& cluster);
  /// "AuthorizationPolicy CUSTOM shop/login selects this pod; ztunnel does not support the CUSTOM action":
  /// one text a policy, by kind, namespace and name.
  [[nodiscard]] std::vector<std::pair<const model::ObjectMeta*, std::string>> at(
      const PolicyPoint& point) const;

 private:
  struct Policy {
    const model::ObjectMeta* meta;
    std::string title, at_ztunnel;  // why ztunnel does nothing with it; empty: it does
  };
  void add(const model::ObjectMeta& meta, const model::PolicyAttachment& attachment, Policy policy);

  const model::Cluster* cluster_;
  AttachmentIndex index_;
  std::vector<Policy> policies_;
  std::unordered_map<model::Symbol, std::vector<std::uint32_t>> without_labels_;    // by namespace
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> without_waypoint_;  // by Service
};

}  // namespace waypath::sim
