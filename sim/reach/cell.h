#pragma once
// One cell of the matrix of reach.

#include "sim/match/port_set.h"

namespace waypath::sim {

/// Ports that certainly pass, and ports that pass or not by a fact the manifests do not tell.
struct ReachCell {
  PortSetTable::Id sure = PortSetTable::kNone, possible = PortSetTable::kNone;
  PortSetTable::Id conditional = PortSetTable::kNone;  // part of `sure` that L7 rules narrow
  friend bool operator==(const ReachCell&, const ReachCell&) = default;
};

}  // namespace waypath::sim
