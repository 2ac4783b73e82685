#pragma once
// The cases of `test` in a shard.

#include <optional>
#include <string>
#include <string_view>

#include "scenarios/runner.h"
#include "scenarios/shard/shard_file.h"

namespace waypath::scenarios {

/// Of a case that passed, only what reports say of it: not the trace.
void write_cases(const Report& report, ShardWriter& out);

/// The report of the whole run. Nullopt: a record is not one of `test`, or two shards saw different clusters.
[[nodiscard]] std::optional<Report> read_cases(const ShardSet& shards, ShardError& error);

}  // namespace waypath::scenarios
