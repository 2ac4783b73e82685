// The connectivity matrix as CSV, pair by pair.

#include "tools/render/reach.h"
#include "tools/render/reach_fields.h"

namespace waypath::tools {

void write_reach_csv(const sim::ReachResult& matrix, const ReachSink& write) {
  if (!write(kReachCsvHead)) return;
  matrix.for_each_pair_while([&](const std::string& from, const std::string& to, const sim::ReachCell& cell) {
    return write(reach_csv_row(from, to, reach_fields(matrix, cell)));
  });
}

}  // namespace waypath::tools
