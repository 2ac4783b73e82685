#pragma once
// The cases of `sweep` in a shard.

#include <cstddef>
#include <optional>
#include <string>

#include "scenarios/rollout.h"
#include "scenarios/shard/shard_file.h"
#include "scenarios/sweep.h"

namespace waypath::scenarios {

/// What was swept over how many flows, and what came out: a report, or a rollout.
struct SweepOutcome {
  std::string kind;  // failures, versions, rollout, policies
  SweepReport report;
  std::optional<RolloutReport> rollout;
  std::size_t flows = 0;
};

void write_sweep(const SweepOutcome& outcome, ShardWriter& out);

/// Of the whole run. Nullopt: a record is none of `sweep`.
[[nodiscard]] std::optional<SweepOutcome> read_sweep(const ShardSet& shards, ShardError& error);

}  // namespace waypath::scenarios
