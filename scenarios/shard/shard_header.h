#pragma once
// The header line of a shard's file.

#include <optional>
#include <string>
#include <string_view>

#include "scenarios/shard/shard_file.h"

namespace waypath::scenarios {

/// One line with its end. Its length does not depend on `records` and `checksum`: they are known last.
[[nodiscard]] std::string write_header(const ShardHeader& header);
/// Nullopt: the line is none.
[[nodiscard]] std::optional<ShardHeader> read_header(std::string_view line, int& format);

inline constexpr int kShardFormat = 1;

}  // namespace waypath::scenarios
