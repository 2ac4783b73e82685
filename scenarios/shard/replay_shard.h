#pragma once
// What `replay` found, in a shard: rows and flows by what makes them equal, so that equal ones meet in a
// merge.

#include <optional>

#include "scenarios/replay/findings.h"
#include "scenarios/shard/shard_file.h"

namespace waypath::scenarios {

void write_replay(const ReplayFindings& findings, ShardWriter& out);

/// The report of the whole run. Nullopt: a record is none of `replay`.
[[nodiscard]] std::optional<ReplayReport> read_replay(const ShardSet& shards, ShardError& error);

}  // namespace waypath::scenarios
