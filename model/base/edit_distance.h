#pragma once
// "Did you mean": the nearest of a few candidates.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace waypath::model {

[[nodiscard]] std::size_t edit_distance(std::string_view a,
                                        std::string_view b);  // Damerau (adjacent swaps count 1)

/// The candidate nearest to `word`, if it is near enough to be a slip (at most a third of the length, at
/// least 1).
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

}  // namespace waypath::model
