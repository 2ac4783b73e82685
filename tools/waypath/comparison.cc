#include "tools/waypath/comparison.h"

#include <algorithm>
#include <set>

#include "scenarios/flow_enumeration.h"
#include "scenarios/flow_selector.h"
#include "scenarios/scenario.h"

namespace waypath::tools {
// Flows of --scenario, else all that the two clusters suggest.
std::optional<Questions> questions(const Options& options, const Streams& streams, const sim::Engine& before,
                                   const sim::Engine& after) {
  Questions out;
  model::Diagnostics diagnostics;
  model::SourceFiles files;
  if (!options.plan.scenario.empty()) {
    const auto scenario = scenarios::read_scenario(options.plan.scenario, files, diagnostics);
    print_diagnostics(diagnostics, files, options, streams);
    if (!scenario || diagnostics.has_errors()) return std::nullopt;
    std::set<std::string> known;
    for (const auto* side : {&before, &after}) {
      scenarios::FlowSelection selection(side->cluster());
      for (const auto& written : scenario->flows)
        for (auto& one : selection.expand(written))
          if (known.insert(one.flow.name).second) out.flows.push_back(std::move(one.flow));
    }
    out.assume = scenario->assume;
    return out;
  }
  out.flows = scenarios::enumerate_flows(before.cluster());
  std::vector<std::string> known;
  for (const auto& flow : out.flows) known.push_back(flow.name);
  std::sort(known.begin(), known.end());
  for (auto& flow : scenarios::enumerate_flows(after.cluster()))
    if (!std::binary_search(known.begin(), known.end(), flow.name)) out.flows.push_back(std::move(flow));
  return out;
}

std::optional<Sides> plan_sides(const Options& options, const Streams& streams) {
  if (options.plan.changes.empty()) {
    complain(streams, "which change? No --change",
             "--change takes manifests to apply, or a file with a `change:` list (scenarios/FORMAT.md)");
    return std::nullopt;
  }
  const auto before = load_engine(options, streams);
  if (!before) return std::nullopt;
  const auto after = changed_engine(*before, options.plan.changes, options, streams);
  if (!after) return std::nullopt;
  return Sides{before, after};
}

}  // namespace waypath::tools
