#pragma once
// What lies between two clusters: every flow whose verdict, path or enforcement differs, with the object that
// is the cause.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/changed_objects.h"
#include "scenarios/flow_product.h"
#include "sim/engine.h"

namespace waypath::scenarios {

/// How a flow changed. Both sides allow: the path, the backend or who enforces differs.
enum class FlowChangeKind : std::uint8_t { Opens, Breaks, Enforcement, Rerouted, Symptom };
[[nodiscard]] std::string_view to_string(FlowChangeKind kind);

/// One side of a changed flow, in the words of a verdict.
struct FlowState {
  std::string outcome, symptom, reason, backend;
  std::string by;                     // "Kind/ns/name", "" for none
  std::vector<std::string> enforced;  // L7 enforcement points passed: "waypoint/ns/name"
  std::vector<std::string> bypassed;  // "waypoint ns/name": points that are skipped
};

struct FlowChange {
  sim::Flow flow;
  FlowChangeKind kind = FlowChangeKind::Symptom;
  FlowState before, after;
  bool loses_enforcement = false;   // allowed afterwards; an L7 enforcement point is gone or skipped
  std::vector<std::size_t> causes;  // indices of Plan::objects; empty: no single object explains it
};

struct Plan {
  std::vector<ChangedObject> objects;  // sorted by name
  std::vector<FlowChange> changes;     // in the order of the flows
  std::size_t compared = 0, unchanged = 0;
  std::size_t only_before = 0, only_after = 0;  // whose client is on one side alone
};

/// What becomes of one flow.
struct FlowFate {
  bool before = false, after = false;  // whether it has a client there
  std::optional<FlowChange> change;    // nullopt: none, or one side lacks it
  std::string error;                   // why it cannot be read, when neither side has it
};

/// What is simulated. Both give the same plan; flows that a change cannot touch (touched_flows.h) need no
/// simulation.
enum class Thoroughness : std::uint8_t { WhatTheChangeTouches, Everything };

/// Simulates flows on both sides. Pure; `jobs` threads, 0 = all cores. Flows that cannot be read on either
/// side are errors in `diagnostics`.
[[nodiscard]] Plan compare_clusters(const sim::Engine& before, const sim::Engine& after,
                                    const std::vector<sim::Flow>& flows, const sim::Assume& assume,
                                    unsigned jobs, model::Diagnostics& diagnostics,
                                    Thoroughness thoroughness = Thoroughness::WhatTheChangeTouches);

/// The same of all flows that the two clusters suggest. Spells out what it simulates, and keeps what changed.
[[nodiscard]] Plan compare_clusters(const sim::Engine& before, const sim::Engine& after,
                                    const FlowProduct& flows, const sim::Assume& assume, unsigned jobs,
                                    model::Diagnostics& diagnostics,
                                    Thoroughness thoroughness = Thoroughness::WhatTheChangeTouches);

/// The first flow by flow, in their order. `objects`: as in a plan.
[[nodiscard]] std::vector<FlowFate> flow_fates(
    const sim::Engine& before, const sim::Engine& after, const std::vector<sim::Flow>& flows,
    const sim::Assume& assume, unsigned jobs, std::vector<ChangedObject>& objects,
    Thoroughness thoroughness = Thoroughness::WhatTheChangeTouches);

/// Counts a flow in.
void count_in(Plan& plan, FlowFate fate);

}  // namespace waypath::scenarios
