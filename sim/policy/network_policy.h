#pragma once
// The leg family: NetworkPolicy and its cluster-scoped kin (AdminNetworkPolicy, BaselineAdminNetworkPolicy,
// ClusterNetworkPolicy) on both ends of a connection. Specification: network-policy.md sections 2 and 3.

#include <memory>

#include "sim/policy/policy_evaluator.h"

namespace waypath::sim {

[[nodiscard]] std::unique_ptr<const PolicyEvaluator> compile_network_policies(
    std::shared_ptr<const model::Cluster> cluster, const SimOptions& options,
    model::Diagnostics& diagnostics);

/// The first of the NetworkPolicies that isolate the pod's egress, when none of them admits the port to
/// anyone, so that it does not matter who listens there. Null when one does, and when policies of the cluster
/// or of another API may admit it.
[[nodiscard]] const model::NetworkPolicy* admitted_to_nobody(const model::Cluster& cluster, model::PodId pod,
                                                             model::Protocol protocol, std::uint16_t port);

}  // namespace waypath::sim
