// The shipped Big Bang cluster: one trace with all its reasons, and every flow of its scenario.

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "scenarios/runner.h"
#include "sim/engine.h"

namespace waypath {
namespace {

struct Loaded {
  scenarios::Scenario scenario;
  std::shared_ptr<const sim::Engine> engine;
};

const Loaded& shipped() {
  static const Loaded loaded = [] {
    model::Diagnostics diagnostics;
    model::SourceFiles files;
    Loaded out;
    out.scenario =
        scenarios::read_scenario(std::string(WAYPATH_SOURCE_DIR) + "/scenarios/bigbang/waypoint-mode.yaml",
                                 files, diagnostics)
            .value();
    out.engine = scenarios::build_engine(scenarios::load_cluster(out.scenario, {}, diagnostics).value(),
                                         out.scenario, std::nullopt, diagnostics);
    return out;
  }();
  return loaded;
}

void build_engine(benchmark::State& state) {
  const Loaded& loaded = shipped();
  const model::Snapshot snapshot = loaded.engine->cluster().snapshot();
  for (auto _ : state) {
    model::Diagnostics diagnostics;
    benchmark::DoNotOptimize(scenarios::build_engine(snapshot, loaded.scenario, std::nullopt, diagnostics));
  }
}
BENCHMARK(build_engine)->Unit(benchmark::kMicrosecond);

// The browser with a valid session: gateway, waypoint with ext_authz, ztunnel, pod.
void trace_browser(benchmark::State& state) {
  const Loaded& loaded = shipped();
  for (auto _ : state) {
    model::Diagnostics diagnostics;
    benchmark::DoNotOptimize(sim::simulate(*loaded.engine, loaded.scenario.flows.front().flow,
                                           loaded.scenario.assume, diagnostics));
  }
}
BENCHMARK(trace_browser)->Unit(benchmark::kMicrosecond);

void all_flows(benchmark::State& state) {
  const Loaded& loaded = shipped();
  for (auto _ : state) {
    for (const auto& one : loaded.scenario.flows) {
      model::Diagnostics diagnostics;
      benchmark::DoNotOptimize(sim::simulate(*loaded.engine, one.flow, loaded.scenario.assume, diagnostics));
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(loaded.scenario.flows.size()));
}
BENCHMARK(all_flows)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace waypath
