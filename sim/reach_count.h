#pragma once
// How many pairs of pods are connected: every row of the matrix, one at a time, on all cores.

#include <cstdint>
#include <vector>

#include "sim/reach_classes.h"
#include "sim/reach_matrix.h"

namespace waypath::sim {

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
