#pragma once
// The leg family: NetworkPolicy and its cluster-scoped kin (AdminNetworkPolicy, BaselineAdminNetworkPolicy,
// ClusterNetworkPolicy) on both ends of a connection. Specification: network-policy.md sections 2 and 3.

#include <memory>

#include "sim/policy/policy_evaluator.h"

namespace waypath::sim {

[[nodiscard]] std::unique_ptr<const PolicyEvaluator> compile_network_policies(
    std::shared_ptr<const model::Cluster> cluster, const SimOptions& options,
    model::Diagnostics& diagnostics);

}  // namespace waypath::sim
