#pragma once
// What `sweep` prints.

#include <string>
#include <string_view>

#include "scenarios/shard/sweep_shard.h"

namespace waypath::tools {

using SweepResult = scenarios::SweepOutcome;

/// `format`: text, json or markdown. `all`: every changed flow, not the first of each case.
[[nodiscard]] std::string sweep_text(const SweepResult& result, std::string_view format, bool colour,
                                     bool all);

/// Whether the sweep found what its kind looks for: a failure that fails open, a version that changes a flow,
/// a bad state in between, a policy without effect.
[[nodiscard]] bool sweep_found(const SweepResult& result);

}  // namespace waypath::tools
