#pragma once
// The rows of `reach` in a shard.

#include <optional>

#include "scenarios/reach_table.h"
#include "scenarios/shard/shard_file.h"

namespace waypath::scenarios {

void write_reach(const ReachTable& table, ShardWriter& out);

/// Of the whole run; `shards` outlives the table. Nullopt: a record is none of `reach`.
[[nodiscard]] std::optional<ReachTable> read_reach(const ShardSet& shards, ShardError& error);

}  // namespace waypath::scenarios
