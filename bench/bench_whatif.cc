// One policy edited, judged over a compiled matrix, against the evaluation of all pairs: in turns, of one
// run. Edits are drawn: a policy is added, taken away or written anew, a third each. Counters named P8_ are
// those of the goal; `times_with_compile` also counts what compiling the edited cluster takes.

#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "bench/gen/objects.h"
#include "model/load/manifest_loader.h"
#include "sim/reach/count.h"
#include "sim/reach/delta.h"
#include "sim/reach/matrix.h"
#include "sim/reach/reach.h"

namespace {

using namespace waypath;
constexpr int kEdits = 1000, kTurns = 5;

/// Processor time of this thread: what other processes do does not count.
double now() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
double seconds_since(double begin) { return now() - begin; }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// A cluster of `teams`, and as many edits of its policies.
struct Input {
  explicit Input(int size) {
    gen::Parameters p = gen::profile("teams", "L");
    p.pods = size;
    p.namespaces = (size + 129) / 130;
    p.policies = static_cast<double>(size) / p.namespaces;
    p.managed_fields = p.services = p.controllers = false;
    p.noise = 0;
    p.authorization_policies = p.http_routes = 0;
    model::Diagnostics diagnostics;
    cluster = model::Cluster::build(
        model::load_texts({{"bench.json", gen::text(p, gen::Form::JsonList)}}, {}, diagnostics), {},
        diagnostics);
    const gen::Layout layout(p);
    const auto old = cluster->snapshot().all<model::NetworkPolicy>();
    // Policies beyond the last one are drawn as those before.
    gen::Json items = gen::Json::array();
    for (int e = 0; e < kEdits; ++e)
      items.push_back(gen::network_policy_object(layout, e % layout.namespaces(),
                                                 layout.first_policy(layout.namespaces()) + e));
    const gen::Json list{{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(items)}};
    drawn = model::load_texts({{"edits.json", list.dump()}}, {}, diagnostics);
    const auto fresh = drawn.all<model::NetworkPolicy>();
    for (std::size_t e = 0; e < fresh.size(); ++e) {
      sim::ReachEdit edit;
      if (e % 3 != 0) edit.gone.network.push_back(old[e * 7919 % old.size()].get());
      if (e % 3 != 1) edit.come.network.push_back(fresh[e].get());
      edits.push_back(std::move(edit));
    }
  }
  std::shared_ptr<const model::Cluster> cluster;
  model::Snapshot drawn;
  std::vector<sim::ReachEdit> edits;
};

void what_if(benchmark::State& state) {
  const Input input(static_cast<int>(state.range(0)));
  model::Diagnostics diagnostics;
  const auto begin = now();
  const sim::ReachResult whole = sim::reach(input.cluster, {}, diagnostics);
  const double compile = seconds_since(begin);
  sim::ReachWhatIf what_if(
      std::make_shared<const sim::ReachBase>(input.cluster, sim::ReachOptions(), diagnostics));
  std::vector<double> full, all_edits, one_edit;
  std::uint64_t changed = 0, runs = 0;
  const auto turn = [&] {
    auto start = now();
    benchmark::DoNotOptimize(sim::count_pairs(whole.classes(), whole.matrix(), 1));
    full.push_back(seconds_since(start));
    one_edit.clear();
    changed = runs = 0;
    start = now();
    for (const auto& edit : input.edits) {
      const auto each = now();
      const auto& delta = what_if.evaluate(edit);
      changed += delta.pod_pairs;
      runs += delta.runs.size();
      one_edit.push_back(seconds_since(each));
    }
    all_edits.push_back(seconds_since(start));
  };
  for (auto _ : state)
    for (int t = 0; t < kTurns; ++t) turn();
  const auto edits = static_cast<double>(input.edits.size());
  const double each = median(all_edits) / edits, evaluation = median(full);
  std::sort(one_edit.begin(), one_edit.end());
  // The goal's ratio is asked at 10,000 pods.
  state.counters[state.range(0) >= 10000 ? "P8_times_cheaper_than_all_pairs" : "P8_ratio_to_all_pairs"] =
      evaluation / each;
  state.counters["P8_s_for_1000_edits"] = each * 1000;
  state.counters["edits_per_second"] = 1 / each;
  state.counters["times_with_compile"] = (compile + evaluation) / each;
  state.counters["full_ms"] = evaluation * 1e3;
  state.counters["median_us"] = one_edit[one_edit.size() / 2] * 1e6;
  state.counters["p99_us"] = one_edit[one_edit.size() * 99 / 100] * 1e6;
  state.counters["changed_pairs"] = static_cast<double>(changed) / edits;
  state.counters["runs"] = static_cast<double>(runs) / edits;
  state.counters["classes"] = static_cast<double>(what_if.base().classes().classes().size());
}
BENCHMARK(what_if)->ArgName("pods")->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
