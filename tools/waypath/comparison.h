#pragma once
// The two sides that plan, diff and report compare, and the flows they are asked about.

#include <memory>
#include <optional>
#include <vector>

#include "scenarios/plan.h"
#include "tools/waypath/app.h"
#include "tools/waypath/changed_cluster.h"

namespace waypath::tools {

/// The flows to ask about, and the facts that their scenario assumes.
struct Questions {
  std::vector<sim::Flow> flows;
  sim::Assume assume;
};
/// Flows of --scenario, else all that the two clusters suggest. Nullopt: reported.
[[nodiscard]] std::optional<Questions> questions(const Options& options, const Streams& streams,
                                                 const sim::Engine& before, const sim::Engine& after);

/// What lies between the two for these flows. Nullopt: reported.
struct Comparison {
  scenarios::Plan plan;
  sim::Assume assume;
};
[[nodiscard]] std::optional<Comparison> comparison(const Options& options, const Streams& streams,
                                                   const sim::Engine& before, const sim::Engine& after);

struct Sides {
  EnginePtr before, after;
};
/// The cluster of -f, and the same with every --change made. Nullopt: reported.
[[nodiscard]] std::optional<Sides> plan_sides(const Options& options, const Streams& streams);

}  // namespace waypath::tools
