#include "tests/scenarios/shipped_flows.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "model/change.h"
#include "tests/support/corpus.h"

namespace waypath::tests {
namespace {

using Check = std::function<void(const sim::Engine&, const sim::Flow&, const sim::Assume&)>;

void check_flows(const scenarios::Scenario& scenario, const model::Snapshot& snapshot,
                 const std::vector<std::string>& only, const Check& check) {
  model::Diagnostics diagnostics;
  const auto engine = scenarios::build_engine(snapshot, scenario, scenario.istio_version, diagnostics);
  REQUIRE(engine);
  for (const auto& flow : scenario.flows) {
    if (!only.empty() && std::find(only.begin(), only.end(), flow.flow.name) == only.end()) continue;
    INFO(flow.flow.name);
    check(*engine, flow.flow, scenario.assume);
  }
}

}  // namespace

void each_shipped_cluster(
    const std::function<void(const scenarios::Scenario&, const model::Snapshot&)>& visit) {
  model::Diagnostics diagnostics;
  const auto files = scenarios::find_scenarios({source_dir() + "/scenarios"}, diagnostics);
  REQUIRE(files.size() > 10);
  for (const auto& path : files) {
    INFO(path);
    model::SourceFiles sources;
    const auto scenario = scenarios::read_scenario(path, sources, diagnostics);
    REQUIRE(scenario);
    const auto base = scenarios::load_cluster(*scenario, {}, diagnostics);
    REQUIRE(base);
    visit(*scenario, *base);
  }
}

void each_shipped_flow(const Check& check) {
  each_shipped_cluster([&](const scenarios::Scenario& scenario, const model::Snapshot& base) {
    check_flows(scenario, base, {}, check);
    for (const auto& variant : scenario.variants) {
      INFO(variant.name);
      model::Diagnostics of_change;
      check_flows(scenario, model::apply_changes(base, variant.changes, of_change), variant.flows, check);
    }
  });
}

}  // namespace waypath::tests
