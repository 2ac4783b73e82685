// Paths are walks of the graph: every leg of every flow that is shipped takes edges of the Topology that the
// engine was built with, from the vertex of its first hop to that of its second.

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "model/change.h"
#include "scenarios/runner.h"
#include "sim/topology.h"
#include "tests/support/corpus.h"

namespace waypath {
namespace {

std::size_t check_legs(const sim::Engine& engine, const sim::Path& path) {
  const auto& graph = engine.topology();
  for (const auto& leg : path.legs) {
    const auto from = path.hops[leg.from].vertex, to = path.hops[leg.to].vertex;
    INFO(to_string(path.hops[leg.from].kind)
         << " -> " << to_string(path.hops[leg.to].kind) << " " << to_string(leg.transport));
    REQUIRE(from.valid());
    REQUIRE(to.valid());
    REQUIRE(leg.edges[0].valid());
    CHECK(graph.edge(leg.edges[0]).from == from);
    if (leg.transport == sim::Transport::InPod) {
      CHECK(graph.edge(leg.edges[0]).to == to);
      continue;
    }
    REQUIRE(leg.edges[1].valid());
    CHECK(graph.edge(leg.edges[0]).to == graph.network());
    CHECK(graph.edge(leg.edges[1]).from == graph.network());
    CHECK(graph.edge(leg.edges[1]).to == to);
  }
  std::size_t legs = path.legs.size();
  for (const auto& call : path.lookups) legs += check_legs(engine, call->path);
  for (const auto& hop : path.hops)
    for (const auto& call : hop.providers) legs += check_legs(engine, call->path);
  return legs;
}

std::size_t check_flows(const scenarios::Scenario& scenario, const model::Snapshot& snapshot,
                        const std::vector<std::string>& only) {
  model::Diagnostics diagnostics;
  const auto engine = scenarios::build_engine(snapshot, scenario, scenario.istio_version, diagnostics);
  REQUIRE(engine);
  std::size_t legs = 0;
  for (const auto& flow : scenario.flows) {
    if (!only.empty() && std::find(only.begin(), only.end(), flow.flow.name) == only.end()) continue;
    INFO(flow.flow.name);
    model::Diagnostics of_flow;
    for (const auto& path : sim::build_paths(*engine, flow.flow, scenario.assume, of_flow))
      legs += check_legs(*engine, path);
  }
  return legs;
}

}  // namespace

TEST_CASE("every leg of every shipped flow takes edges of the graph") {
  model::Diagnostics diagnostics;
  const auto files = scenarios::find_scenarios({tests::source_dir() + "/scenarios"}, diagnostics);
  REQUIRE(files.size() > 10);
  std::size_t legs = 0;
  for (const auto& path : files) {
    INFO(path);
    model::SourceFiles sources;
    const auto scenario = scenarios::read_scenario(path, sources, diagnostics);
    REQUIRE(scenario);
    const auto base = scenarios::load_cluster(*scenario, {}, diagnostics);
    REQUIRE(base);
    legs += check_flows(*scenario, *base, {});
    for (const auto& variant : scenario->variants) {
      INFO(variant.name);
      model::Diagnostics of_change;
      legs += check_flows(*scenario, model::apply_changes(*base, variant.changes, of_change), variant.flows);
    }
  }
  CHECK(legs > 1000);
}

}  // namespace waypath
