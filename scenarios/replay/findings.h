#pragma once
// What was found of the rows and flows of a log, or of a shard's part of it, before they are laid together:
// everything that no other row is needed for.

#include <cstddef>
#include <string>
#include <vector>

#include "scenarios/replay/replay.h"

namespace waypath::scenarios {

/// Equal lines, judged.
struct RowFinding {
  std::string key;   // what makes lines equal: FlowTable::key
  std::string flow;  // identity of its flow, "" when it cannot be simulated
  LogPlace first;
  ReplayRow row;  // without `flow` and `both_ends`
};

/// A flow that rows stand for.
struct FlowFinding {
  std::string identity;
  sim::Flow flow;     // of several rows, the one whose name sorts first
  bool valid = true;  // the simulation takes it
  FlowFate fate;      // with a change
};

struct ReplayFindings {
  LogLines lines;
  std::vector<RowFinding> rows;    // by key
  std::vector<FlowFinding> flows;  // by identity
  Traffic beyond;
  std::size_t most_flows = 0, shown_unreadable = 0;
  bool with_change = false;
  std::vector<ChangedObject> objects;
};

/// Of two findings of the same row or flow, in two parts of a log.
void merge(RowFinding& to, const RowFinding& from);
void merge(FlowFinding& to, FlowFinding from);
/// Counts the lines of another part. The first unreadable ones of all stay.
void merge(LogLines& to, const LogLines& from, std::size_t shown_unreadable);

[[nodiscard]] ReplayReport report_of(ReplayFindings findings);

}  // namespace waypath::scenarios
