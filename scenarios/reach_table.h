#pragma once
// The matrix of `reach` as names and connection strings: what reports are made of.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/shard/shard.h"
#include "sim/reach.h"
#include "sim/reach_exposure.h"

namespace waypath::scenarios {

struct ReachTable {
  struct Pair {
    std::string to, sure, possible, conditional;  // `possible` where it differs, `conditional` where some
  };
  /// What one source reaches.
  struct Row {
    std::uint64_t number = 0;  // among the rows of the whole matrix
    std::string from;
    std::vector<Pair> pairs;  // in the order of destinations; at least one
  };
  struct Exposure {
    std::uint64_t number = 0;
    std::string workload;
    sim::PortSet any_pod, internet, ingress;
  };
  std::string layer;                               // "netpol" or "path"
  std::vector<std::string> sources, destinations;  // workloads that are asked about, sorted
  std::vector<sim::ReachResult::Excluded> excluded;
  std::vector<std::string> missing_facts;
  bool complete = true;
  std::vector<Row> rows;
  std::vector<Exposure> exposures;
};

/// The rows and workloads of a shard by their names, or all.
[[nodiscard]] ReachTable reach_table(const sim::ReachResult& matrix,
                                     const std::vector<sim::WorkloadExposure>& exposures, std::string layer,
                                     const std::optional<Shard>& shard = std::nullopt);

}  // namespace waypath::scenarios
