#pragma once
// What `sweep` prints.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "scenarios/rollout.h"
#include "scenarios/sweep.h"

namespace waypath::tools {

struct SweepResult {
  std::string kind;               // failures, versions, rollout, policies
  scenarios::SweepReport report;  // unless rollout
  std::optional<scenarios::RolloutReport> rollout;
  std::size_t flows = 0;  // asked in each case
};

/// `format`: text, json or markdown. `all`: every changed flow, not the first of each case.
[[nodiscard]] std::string sweep_text(const SweepResult& result, std::string_view format, bool colour,
                                     bool all);

/// Whether the sweep found what its kind looks for: a failure that fails open, a version that changes a flow,
/// a bad state in between, a policy without effect.
[[nodiscard]] bool sweep_found(const SweepResult& result);

}  // namespace waypath::tools
