#pragma once
// Flows that differ in nothing that a simulation sees.

#include <string>

#include "sim/flow.h"

namespace waypath::scenarios {

/// Equal for two flows exactly when all but their names is equal: bytes, not for people.
[[nodiscard]] std::string flow_identity(const sim::Flow& flow);

}  // namespace waypath::scenarios
