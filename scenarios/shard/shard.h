#pragma once
// One part of a verb's work: which items (cases, sources, states, blocks of lines) a process of a fleet
// takes.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace waypath::scenarios {

/// Part `index` of `count`; from 0, as Kubernetes counts the completion indexes of a Job.
struct Shard {
  std::uint32_t index = 0, count = 1;
  /// Whether the item of this id is its: every id belongs to one of `count` shards, on every machine the
  /// same.
  [[nodiscard]] bool has(std::string_view id) const;
  friend bool operator==(const Shard&, const Shard&) = default;
};

/// The most shards that a run is cut into.
inline constexpr std::uint32_t kMostShards = 1U << 20;

/// "2/16"; "auto/16" takes the index from JOB_COMPLETION_INDEX, "auto" the count from WAYPATH_SHARDS, too.
/// `variable` reads the environment. Nullopt and what is wrong.
struct ShardError {
  std::string message, hint;
};
[[nodiscard]] std::optional<Shard> parse_shard(
    std::string_view text, const std::function<std::optional<std::string>(const char*)>& variable,
    ShardError& error);

/// FNV-1a, finished so that its low bits depend on all of the text.
[[nodiscard]] std::uint64_t stable_hash(std::string_view text);

}  // namespace waypath::scenarios
