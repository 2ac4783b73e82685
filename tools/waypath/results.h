#pragma once
// What a verb found, printed: by the verb itself, or by `merge` of its shards. Each gives the exit code.

#include "scenarios/reach_table.h"
#include "scenarios/replay/replay.h"
#include "scenarios/runner.h"
#include "scenarios/shard/sweep_shard.h"
#include "tools/waypath/app.h"

namespace waypath::tools {

[[nodiscard]] int print_cases(const scenarios::Report& report, const Options& options,
                              const Streams& streams);
[[nodiscard]] int print_reach(const scenarios::ReachTable& table, const Options& options,
                              const Streams& streams);
[[nodiscard]] int print_sweep(const scenarios::SweepOutcome& outcome, const Options& options,
                              const Streams& streams);
[[nodiscard]] int print_replay(const scenarios::ReplayReport& report, const Options& options,
                               const Streams& streams);

}  // namespace waypath::tools
