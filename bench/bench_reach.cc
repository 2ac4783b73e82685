// NetworkPolicy: one connection judged, one flow traced, and the whole matrix of generated clusters, one row
// at a time. `compile_ms` is what selectors, classes and rows of policies take, `classes_ms` its first part;
// the time of the benchmark is that of the evaluation, every pair of pods on every port. `goal_ms` is what it
// may take; `times_netpol` what it takes with the mesh, against NetworkPolicy alone in the same run.
// `exponent` is the growth in pods at equally many policies, against the smallest cluster of the same run.

#include <benchmark/benchmark.h>
#ifdef WAYPATH_MIMALLOC
#include <mimalloc.h>
#else
#include <malloc.h>
#endif

#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/gen/generator.h"
#include "model/load/manifest_loader.h"
#include "sim/engine.h"
#include "sim/policy/policy_evaluator.h"
#include "sim/reach/compiled.h"
#include "sim/reach/count.h"
#include "sim/reach/matrix.h"
#include "sim/reach/reach.h"

namespace {

using namespace waypath;
using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

std::shared_ptr<const model::Cluster> load(gen::Parameters p) {
  p.managed_fields = p.services = p.controllers = false;
  p.noise = 0;
  model::Diagnostics diagnostics;
  return model::Cluster::build(
      model::load_texts({{"bench.json", gen::text(p, gen::Form::JsonList)}}, {}, diagnostics), {},
      diagnostics);
}

gen::Parameters parameters(std::int64_t pods, double policies) {
  gen::Parameters p = gen::profile("teams", "L");
  p.pods = static_cast<int>(pods);
  p.namespaces = static_cast<int>((pods + 129) / 130);
  p.policies = policies / p.namespaces;
  p.authorization_policies = static_cast<int>(policies) / 10;
  p.l7_share = p.custom_share = 0;
  p.http_routes = 0;
  return p;
}

/// Of what is allocated, in bytes.
double heap() {
#ifdef WAYPATH_MIMALLOC
  std::size_t used = 0;
  const auto add = [](const mi_heap_t*, const mi_heap_area_t* area, void*, std::size_t, void* sum) {
    *static_cast<std::size_t*>(sum) += area->used * area->block_size;
    return true;
  };
  mi_heap_visit_blocks(mi_heap_get_default(), false, add, &used);
  return static_cast<double>(used);
#else
  const auto info = mallinfo2();  // in the heap, and large pieces of their own
  return static_cast<double>(info.uordblks + info.hblkhd);
#endif
}

/// Pods and NetworkPolicies of `teams`; the last one asked for is kept.
const std::shared_ptr<const model::Cluster>& cluster(std::int64_t pods, std::int64_t policies) {
  static std::pair<std::int64_t, std::int64_t> of;
  static std::shared_ptr<const model::Cluster> kept;
  if (kept == nullptr || of != std::pair(pods, policies)) {
    kept = load(parameters(pods, static_cast<double>(policies)));
    of = {pods, policies};
  }
  return kept;
}

void judge_connection(benchmark::State& state) {
  const auto& world = cluster(state.range(0), state.range(1));
  model::Diagnostics diagnostics;
  const auto table = sim::compile_policies(world, {}, diagnostics);
  const auto count = static_cast<std::uint32_t>(world->pods().size());
  std::uint32_t next = 0;
  for (auto _ : state) {
    sim::Connection c;
    c.source.pod = {next % count};
    c.destination.pod = {(next * 7919 + 1) % count};
    c.port = 8080;
    next += 104729;
    benchmark::DoNotOptimize(sim::judge_leg(table, c, nullptr));
  }
  state.counters["goal_us"] = 10;
}
BENCHMARK(judge_connection)
    ->ArgNames({"pods", "policies"})
    ->Args({1000, 1000})
    ->Args({10000, 10000})
    ->Unit(benchmark::kMicrosecond);

// Policies of the whole cluster are a share of all: only at equally many policies does a trace show whether
// pods that it does not meet cost anything.
void trace_connection(benchmark::State& state) {
  const auto& world = cluster(state.range(0), state.range(1));
  model::Diagnostics diagnostics;
  const auto engine = sim::Engine::build(world, {}, diagnostics);
  std::vector<model::PodId> pods;  // those of Gateways are derived: nobody has given them an address
  for (std::uint32_t i = 0; i < world->pods().size(); ++i)
    if (!world->pod({i}).ips.empty()) pods.push_back({i});
  const auto count = static_cast<std::uint32_t>(pods.size());
  std::uint32_t next = 0;
  for (auto _ : state) {
    const auto &from = world->pod(pods[next % count]), &to = world->pod(pods[(next * 7919 + 1) % count]);
    next += 104729;
    sim::Flow flow;
    flow.from = from.meta.ns().str() + "/" + from.meta.name().str();
    flow.to = to.ips.front().to_string() + ":8080";
    flow.protocol = "tcp";
    model::Diagnostics own;
    benchmark::DoNotOptimize(sim::simulate(*engine, flow, {}, own));
  }
  state.counters["goal_us"] = 100;
}
BENCHMARK(trace_connection)
    ->ArgNames({"pods", "policies"})
    ->Args({1000, 1000})
    ->Args({3000, 1000})
    ->Args({10000, 1000})
    ->Args({30000, 1000})
    ->Args({10000, 10000})
    ->Unit(benchmark::kMicrosecond);

sim::ReachOptions options(bool path) {
  sim::ReachOptions out;
  if (path) out.layer = sim::ReachOptions::Layer::Mesh;
  return out;
}

/// What `reach` compiles, in its steps.
struct Compiled {
  Compiled(const std::shared_ptr<const model::Cluster>& world, bool path)
      : reach(world, options(path), diagnostics, false, [this] { classes_ms = ms_since(begin); }) {
    const std::vector<bool> all(reach.classes.ends(), true);
    matrix.emplace(reach.classes, reach.rows, reach.mesh.get(), reach.table, all, all);
    all_ms = ms_since(begin);
  }
  Clock::time_point begin = Clock::now();
  double classes_ms = 0, all_ms = 0;
  model::Diagnostics diagnostics;
  sim::ReachCompiled reach;
  std::optional<sim::ReachMatrix> matrix;
};

// pods, policies, path, goal in ms
void all_pairs(benchmark::State& state) {
  static std::map<std::pair<std::int64_t, std::int64_t>, std::pair<std::int64_t, double>> smallest;
  static std::map<std::pair<std::int64_t, std::int64_t>, double> netpol_ms;  // by pods and policies
  const auto& world = cluster(state.range(0), state.range(1));
  const bool path = state.range(2) != 0;
  const double before = heap();
  double compile = 0, classes = 0, evaluate = 0, used = 0;
  sim::ReachCount count;
  std::size_t number = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto c = std::make_unique<Compiled>(world, path);
    compile += c->all_ms;
    classes += c->classes_ms;
    number = c->reach.classes.classes().size();
    state.ResumeTiming();
    const auto begin = Clock::now();
    count = sim::count_pairs(c->reach.classes, *c->matrix, 1);
    evaluate += ms_since(begin);
    state.PauseTiming();
    used = (heap() - before) / 1e6;
    c.reset();
    state.ResumeTiming();
  }
  const auto n = static_cast<double>(state.iterations());
  state.counters["compile_ms"] = compile / n;
  state.counters["classes_ms"] = classes / n;
  state.counters["goal_ms"] = static_cast<double>(state.range(3)) * (path ? 1.5 : 1.0);
  state.counters["classes"] = static_cast<double>(number);
  state.counters["runs"] = static_cast<double>(count.runs);
  state.counters["connected"] = static_cast<double>(count.pod_pairs);
  state.counters["heap_mb"] = used;
  const auto size = std::pair(state.range(0), state.range(1));
  if (!path)
    netpol_ms[size] = evaluate / n;
  else if (const auto at = netpol_ms.find(size); at != netpol_ms.end())
    state.counters["times_netpol"] = evaluate / n / at->second;
  const auto key = std::pair(state.range(1), state.range(2));
  const auto [base, added] = smallest.emplace(key, std::pair(state.range(0), evaluate / n));
  if (!added && base->second.first != state.range(0))
    state.counters["exponent"] =
        std::log(evaluate / n / base->second.second) /
        std::log(static_cast<double>(state.range(0)) / static_cast<double>(base->second.first));
}
BENCHMARK(all_pairs)
    ->ArgNames({"pods", "policies", "path", "goal"})
    ->Args({1000, 1000, 0, 1})
    ->Args({1000, 1000, 1, 1})
    ->Args({3000, 1000, 0, 30})
    ->Args({10000, 1000, 0, 30})
    ->Args({30000, 1000, 0, 300})
    ->Args({10000, 10000, 0, 30})
    ->Args({10000, 10000, 1, 30})
    ->Args({100000, 10000, 0, 300})
    ->Args({100000, 10000, 1, 300})
    ->Unit(benchmark::kMillisecond);

}  // namespace
