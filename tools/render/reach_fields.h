#pragma once
// Fields that the forms of reach share.

#include <string>
#include <string_view>

#include "sim/reach/reach.h"
#include "tools/render/words.h"

namespace waypath::tools {

/// The connections of a cell in words. `possible` where it differs from `sure`, `conditional` where there are
/// some.
struct ReachFields {
  std::string sure, possible, conditional;
};
[[nodiscard]] inline ReachFields reach_fields(const sim::ReachResult& matrix, const sim::ReachCell& cell) {
  return {matrix.connections(cell.sure), cell.sure == cell.possible ? "" : matrix.connections(cell.possible),
          cell.conditional == sim::PortSetTable::kNone ? "" : matrix.connections(cell.conditional)};
}

/// For people: "every UDP and SCTP port" says what "UDP 1-65535; SCTP 1-65535" means.
[[nodiscard]] std::string spoken(const std::string& connections);
/// For people: a range of outside addresses as CIDR block where it is one.
[[nodiscard]] std::string spoken_end(const std::string& name);

inline constexpr std::string_view kReachCsvHead = "src,dst,connections,possible,conditional\r\n";
[[nodiscard]] inline std::string reach_csv_row(const std::string& from, const std::string& to,
                                               const ReachFields& f) {
  return csv_field(from) + "," + csv_field(to) + "," + csv_field(f.sure) + "," + csv_field(f.possible) + "," +
         csv_field(f.conditional) + "\r\n";
}

}  // namespace waypath::tools
