#pragma once
// Where a policy is enforced, as sim/policy/enforcement.h and the evaluators that judge requests say.

#include "sim/engine.h"
#include "sim/topology.h"
#include "tools/render/diagram.h"
#include "tools/render/explanation.h"

namespace waypath::tools {

[[nodiscard]] Enforcement enforcement_of(const sim::Engine& engine, const model::ResourceKey& policy);

/// Every policy at every vertex of the topology that enforces it.
[[nodiscard]] std::vector<EnforcedAt> enforced_at(const sim::Engine& engine, const sim::Topology& topology);

}  // namespace waypath::tools
