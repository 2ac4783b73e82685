// Paths are walks of the graph: every leg of every flow that is shipped takes edges of the Topology that the
// engine was built with, from the vertex of its first hop to that of its second.

#include <catch2/catch.hpp>

#include "sim/topology.h"
#include "tests/scenarios/shipped_flows.h"

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

}  // namespace

TEST_CASE("every leg of every shipped flow takes edges of the graph") {
  std::size_t legs = 0;
  tests::each_shipped_flow([&](const sim::Engine& engine, const sim::Flow& flow, const sim::Assume& assume) {
    model::Diagnostics diagnostics;
    for (const auto& path : sim::build_paths(engine, flow, assume, diagnostics))
      legs += check_legs(engine, path);
  });
  CHECK(legs > 1000);
}

}  // namespace waypath
