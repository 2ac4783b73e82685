#pragma once
// What the policies of one pod let through in one direction, towards every class and address range at once.

#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/match/port_set.h"
#include "sim/reach_classes.h"

namespace waypath::sim {

/// Ports that pass whatever the unknown facts are, and ports that pass for some value of them.
struct ReachAnswer {
  PortSetTable::Id sure = PortSetTable::kAll, possible = PortSetTable::kAll;
  friend auto operator<=>(const ReachAnswer&, const ReachAnswer&) = default;
};

/// A row with the most frequent answer left out.
struct ReachRow {
  ReachAnswer usual;
  std::vector<std::pair<std::uint32_t, ReachAnswer>> others;  // by end
  [[nodiscard]] ReachAnswer at(std::uint32_t end) const;
};

class ReachRows {
 public:
  ReachRows(const model::Cluster& cluster, const CniProfile& profile, const ReachClasses& classes,
            PortSetTable& table)
      : match_{cluster, profile, false}, classes_(classes), table_(table) {}

  /// The row of a class; equal policies share it. Valid until the object goes.
  [[nodiscard]] const ReachRow& row(std::uint32_t subject, Direction direction);
  [[nodiscard]] std::size_t count(Direction d) const { return rows_[static_cast<std::size_t>(d)].size(); }

 private:
  struct Worlds;
  [[nodiscard]] ReachRow compute(std::uint32_t subject, Direction direction);
  void tier(const std::vector<const model::ClusterPolicy*>& policies, std::uint32_t subject,
            Direction direction, Worlds& w);
  void network_policies(const std::vector<const model::NetworkPolicy*>& policies, std::uint32_t subject,
                        Direction direction, Worlds& w);
  [[nodiscard]] PortSetTable::Id ports(std::uint32_t rule, std::uint32_t subject, std::uint32_t end,
                                       Direction direction);
  template <class Fn>
  void each_member(std::uint32_t rule, std::uint32_t subject, const Fn& fn) const;

  NetMatch match_;
  const ReachClasses& classes_;
  PortSetTable& table_;
  std::map<std::vector<std::uintptr_t>, ReachRow> rows_[2];  // by policies, for lookup only
  std::unordered_map<std::uint64_t, PortSetTable::Id> ports_;
};

}  // namespace waypath::sim
