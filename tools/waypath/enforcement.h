#pragma once
// Where a policy is enforced: every proxy of the cluster is asked whether it has the policy, by the
// evaluators that judge requests.

#include "sim/engine.h"
#include "tools/render/explanation.h"

namespace waypath::tools {

[[nodiscard]] Enforcement enforcement_of(const sim::Engine& engine, const model::ResourceKey& policy);

}  // namespace waypath::tools
