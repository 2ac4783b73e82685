#include "tools/waypath/comparison.h"

#include <set>

#include "scenarios/flow_product.h"
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
  const scenarios::FlowProduct product(before.cluster(), after.cluster());
  for (const auto& row : product.rows())
    for (const auto target : *row.asked)
      out.flows.push_back(scenarios::flow_of(*row.client, (*row.targets)[target]));
  return out;
}

std::optional<Comparison> comparison(const Options& options, const Streams& streams,
                                     const sim::Engine& before, const sim::Engine& after) {
  Comparison out;
  model::Diagnostics diagnostics;
  if (options.plan.scenario.empty()) {
    const scenarios::FlowProduct product(before.cluster(), after.cluster());
    out.plan = scenarios::compare_clusters(before, after, product, {}, options.common.jobs, diagnostics);
  } else {
    auto asked = questions(options, streams, before, after);
    if (!asked) return std::nullopt;
    out.plan = scenarios::compare_clusters(before, after, asked->flows, asked->assume, options.common.jobs,
                                           diagnostics);
    out.assume = std::move(asked->assume);
  }
  print_diagnostics(diagnostics, after.cluster().files(), options, streams);
  if (diagnostics.has_errors()) return std::nullopt;
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
