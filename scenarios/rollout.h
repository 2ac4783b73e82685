#pragma once
// Rolling out a set of changes: whether a state in between is worse than both ends.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/sweep.h"

namespace waypath::scenarios {

/// One part of a rollout: it is made as a whole.
struct RolloutPart {
  std::string name, place;
  std::vector<model::Change> changes;
};

/// A state: some of the parts are made. Changes are made in the order of the parts, whatever the order of the
/// rollout.
struct RolloutState {
  std::uint64_t parts = 0;          // bit i: part i is made
  SweepCase result;                 // against the start
  std::vector<std::size_t> broken;  // of result.plan.changes: flows that break here and are whole at the end
  std::vector<std::size_t> open;    // flows that open or lose enforcement here and do not at the end
  [[nodiscard]] bool bad() const { return !broken.empty() || !open.empty() || !result.skipped.empty(); }
};

struct RolloutReport {
  std::vector<std::string> parts;
  std::vector<RolloutState> states;  // fewest parts first; the last one has all
  bool complete = true;              // every state was tried; else those of one and two parts, and the end
  bool stopped = false;
  std::size_t planned = 0;
  /// Orders without a bad state in between, of all orders; nullopt unless complete.
  std::optional<std::uint64_t> safe_orders, all_orders;
  std::vector<std::size_t> safe_order;  // one of them, the first by position; empty: there is none
};

/// Counts the safe orders of a report that has all states.
void count_safe_orders(RolloutReport& report);

/// All states when there are at most `limit` between the ends, else those of one and two parts (as many as
/// `limit`). A shard tries the end, too: states are judged by it. The report then has what is its own, and no
/// orders.
[[nodiscard]] RolloutReport run_rollout(const sim::Engine& engine, const std::vector<RolloutPart>& parts,
                                        const std::vector<FlowGroup>& flows, std::size_t limit,
                                        const SweepOptions& options, model::Diagnostics& diagnostics);

/// Namespaces with pods that are not enrolled in ambient mode and could be: each is a part that labels it.
/// `names`: these instead.
[[nodiscard]] std::vector<RolloutPart> enrolment_parts(const sim::Engine& engine,
                                                       const std::vector<std::string>& names);

}  // namespace waypath::scenarios
