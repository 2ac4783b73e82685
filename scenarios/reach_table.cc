#include "scenarios/reach_table.h"

#include <set>
#include <unordered_map>
#include <utility>

namespace waypath::scenarios {
namespace {

std::vector<std::string> workloads(const std::vector<sim::ReachEndpoint>& ends) {
  std::set<std::string> names;
  for (const auto& end : ends)
    if (!end.external()) names.insert(end.name);
  return {names.begin(), names.end()};
}

/// Sets of ports as text, each written once.
class Connections {
 public:
  explicit Connections(const sim::ReachResult& matrix) : matrix_(matrix) {}
  const std::string& operator()(sim::PortSetTable::Id id) {
    const auto [at, added] = known_.try_emplace(id);
    if (added) at->second = matrix_.connections(id);
    return at->second;
  }

 private:
  const sim::ReachResult& matrix_;
  std::unordered_map<sim::PortSetTable::Id, std::string> known_;
};

void each_row(const sim::ReachResult& matrix, const ReachTable::Take& take) {
  Connections connections(matrix);
  ReachTable::Row row;
  bool more = true;
  matrix.for_each_pair_while([&](const std::string& from, const std::string& to, const sim::ReachCell& cell) {
    if (row.pairs.empty() || from != row.from) {
      if (!row.pairs.empty()) more = take(row);
      if (!more) return false;
      row.from = from;
      row.outside = sim::is_outside(from);
      row.pairs.clear();
    }
    row.pairs.push_back({to, connections(cell.sure),
                         cell.sure == cell.possible ? "" : connections(cell.possible),
                         cell.conditional == sim::PortSetTable::kNone ? "" : connections(cell.conditional)});
    return true;
  });
  if (more && !row.pairs.empty()) static_cast<void>(take(row));
}

}  // namespace

ReachTable reach_table(const sim::ReachResult& matrix, std::vector<sim::WorkloadExposure> exposures,
                       std::string layer) {
  ReachTable out;
  out.layer = std::move(layer);
  out.sources = workloads(matrix.sources());
  out.destinations = workloads(matrix.destinations());
  out.excluded = matrix.excluded();
  out.missing_facts = matrix.missing_facts();
  out.exposures = std::move(exposures);
  out.each_row = [&matrix](const ReachTable::Take& take) { each_row(matrix, take); };
  return out;
}

bool reach_shard_has(const Shard& shard, const sim::ReachEndpoint& end) {
  return shard.has(end.external() ? "external" : end.name);
}

}  // namespace waypath::scenarios
