#pragma once
// Where a policy is enforced, as sim/policy/enforcement.h and the evaluators that judge requests say.

#include "sim/engine.h"
#include "tools/render/explanation.h"

namespace waypath::tools {

[[nodiscard]] Enforcement enforcement_of(const sim::Engine& engine, const model::ResourceKey& policy);

}  // namespace waypath::tools
