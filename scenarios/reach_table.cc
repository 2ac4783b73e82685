#include "scenarios/reach_table.h"

#include <set>
#include <utility>

namespace waypath::scenarios {
namespace {

std::vector<std::string> workloads(const std::vector<sim::ReachEndpoint>& ends) {
  std::set<std::string> names;
  for (const auto& end : ends)
    if (!end.external()) names.insert(end.name);
  return {names.begin(), names.end()};
}

}  // namespace

ReachTable reach_table(const sim::ReachResult& matrix, const std::vector<sim::WorkloadExposure>& exposures,
                       std::string layer, const std::optional<Shard>& shard) {
  const auto own = [&](const std::string& name) { return !shard || shard->has(name); };
  ReachTable out;
  out.layer = std::move(layer);
  out.sources = workloads(matrix.sources());
  out.destinations = workloads(matrix.destinations());
  out.excluded = matrix.excluded();
  out.missing_facts = matrix.missing_facts();
  out.complete = matrix.complete();
  std::string last;
  std::uint64_t number = 0;
  bool wanted = false;
  matrix.for_each_pair(
      [&](const std::string& from, const std::string& to, const sim::ReachResult::Cell& cell) {
        if (number == 0 || from != last) {
          last = from;
          wanted = own(from);
          if (wanted) out.rows.push_back({number, from, {}});
          ++number;
        }
        if (!wanted) return;
        out.rows.back().pairs.push_back(
            {to, matrix.connections(cell.sure),
             cell.sure == cell.possible ? "" : matrix.connections(cell.possible),
             cell.conditional == sim::PortSetTable::kNone ? "" : matrix.connections(cell.conditional)});
      });
  number = 0;
  for (const auto& e : exposures) {
    if (own(e.workload)) out.exposures.push_back({number, e.workload, e.any_pod, e.internet, e.ingress});
    ++number;
  }
  return out;
}

}  // namespace waypath::scenarios
