#pragma once
// The matrix of `reach` as names and connection strings: what reports are made of. Its rows are given one
// after the other; they are never held together.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/shard/shard.h"
#include "sim/reach/exposure.h"
#include "sim/reach/reach.h"

namespace waypath::scenarios {

struct ReachTable {
  struct Pair {
    std::string to, sure, possible, conditional;  // `possible` where it differs, `conditional` where some
  };
  /// What one source reaches.
  struct Row {
    std::string from;
    std::vector<Pair> pairs;  // in the order of destinations; at least one
    bool outside = false;     // `from` is a range of addresses: these come last
  };
  /// False: no more rows are wanted.
  using Take = std::function<bool(const Row&)>;
  std::string layer;                               // "netpol" or "path"
  std::vector<std::string> sources, destinations;  // workloads that are asked about, sorted
  std::vector<sim::ReachResult::Excluded> excluded;
  std::vector<std::string> missing_facts;  // of the whole; of a shard those of its rows
  /// Gives the rows in order, as often as it is called. What they are read from outlives the table.
  std::function<void(const Take&)> each_row;
  std::vector<sim::WorkloadExposure> exposures;  // by name
  [[nodiscard]] bool complete() const { return missing_facts.empty(); }
};

/// The rows of a shard by the names of their sources, or all. `matrix` outlives the table.
[[nodiscard]] ReachTable reach_table(const sim::ReachResult& matrix,
                                     std::vector<sim::WorkloadExposure> exposures, std::string layer);

/// Whether a row or an exposure is a shard's: by name; all ranges of addresses are one shard's, for a row of
/// theirs joins neighbours.
[[nodiscard]] bool reach_shard_has(const Shard& shard, const sim::ReachEndpoint& end);

}  // namespace waypath::scenarios
