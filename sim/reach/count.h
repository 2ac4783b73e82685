#pragma once
// How many pairs of pods are connected: every row of the matrix, one at a time, on all cores.

#include <bit>
#include <cstdint>
#include <vector>

#include "sim/reach/classes.h"
#include "sim/reach/matrix.h"

namespace waypath::sim {

/// The sizes of classes as one set of ends for each binary digit, so that pods are counted word by word.
class ReachWeights {
 public:
  ReachWeights(const std::vector<std::uint32_t>& sizes, std::uint32_t words);
  /// Pods of the classes among `bits` of a word; ranges have none.
  [[nodiscard]] std::uint64_t of(std::uint32_t word, std::uint64_t bits) const {
    std::uint64_t sum = 0;
    for (std::size_t digit = 0; digit < digits_.size(); ++digit)
      sum += static_cast<std::uint64_t>(std::popcount(digits_[digit][word] & bits)) << digit;
    return sum;
  }

 private:
  std::vector<std::vector<std::uint64_t>> digits_;
};

struct ReachCount {
  std::uint64_t pod_pairs = 0;    // ordered pairs of two pods with a connection, certain or possible
  std::uint64_t from_ranges = 0;  // pairs of an address range and a pod that it reaches
  std::uint64_t to_ranges = 0;    // pairs of a pod and an address range that it reaches
  std::uint64_t runs = 0;         // words of ends with one answer: the work there was
  friend bool operator==(const ReachCount&, const ReachCount&) = default;
};

/// Over all ends; `jobs` threads, 0 = all cores. The same numbers for any of them.
[[nodiscard]] ReachCount count_pairs(const ReachClasses& classes, ReachMatrix& matrix, unsigned jobs);

}  // namespace waypath::sim
