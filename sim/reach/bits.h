#pragma once
// Sets of ends as the 64-bit words that hold any of them. Ends are numbered by namespace, so that what
// policies of one namespace are about comes in a word or two.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace waypath::sim {

inline constexpr std::uint32_t kWordBits = 64;

struct BitWord {
  std::uint32_t at = 0;  // ends at * 64 .. at * 64 + 63
  std::uint64_t bits = 0;
  friend bool operator==(const BitWord&, const BitWord&) = default;
};
/// Ascending, without empty words.
using BitWords = std::vector<BitWord>;

/// Adds an end that is not below those already in.
inline void append_bit(BitWords& words, std::uint32_t end) {
  if (words.empty() || words.back().at != end / kWordBits) words.push_back({end / kWordBits, 0});
  words.back().bits |= std::uint64_t{1} << (end % kWordBits);
}

[[nodiscard]] inline bool has_bit(const BitWords& words, std::uint32_t end) {
  const auto at = std::lower_bound(words.begin(), words.end(), end / kWordBits,
                                   [](const BitWord& w, std::uint32_t word) { return w.at < word; });
  return at != words.end() && at->at == end / kWordBits && (at->bits >> (end % kWordBits) & 1U) != 0;
}

/// Calls `fn(end)` for each bit of a word, ascending.
template <class Fn>
void each_bit(std::uint32_t at, std::uint64_t bits, const Fn& fn) {
  for (; bits != 0; bits &= bits - 1) fn(at * kWordBits + static_cast<std::uint32_t>(std::countr_zero(bits)));
}

}  // namespace waypath::sim
