// Plan of a one-policy change on a generated cluster: what the change touches against full evaluation of both
// sides. `ratio` is full over cut, of the same run.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "model/change.h"
#include "model/load/manifest_loader.h"
#include "scenarios/flow_product.h"
#include "scenarios/plan.h"
#include "scenarios/rebuild.h"

namespace {

using namespace waypath;

constexpr std::size_t kReplicas = 10, kWorkloadsOfNamespace = 10, kServicesOfNamespace = 1;

// Namespaces of ten workloads with ten replicas, one Service each; one policy a workload.
std::string manifests(std::size_t namespaces) {
  std::string text;
  for (std::size_t n = 0; n < namespaces; ++n) {
    text += fmt::format(
        "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: n{0}, labels: {{team: t{0}, "
        "istio.io/dataplane-mode: ambient}}}}\n",
        n);
    for (std::size_t w = 0; w < kWorkloadsOfNamespace; ++w) {
      text += fmt::format(
          "---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: w{0}, namespace: n{1}}}\n"
          "spec: {{replicas: {2}, selector: {{matchLabels: {{app: w{0}}}}}, template: {{metadata: {{labels: "
          "{{app: "
          "w{0}}}}}, spec: {{containers: [{{name: c, image: c}}]}}}}}}\n"
          "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: w{0}, namespace: "
          "n{1}}}\n"
          "spec: {{podSelector: {{matchLabels: {{app: w{0}}}}}, ingress: [{{from: [{{namespaceSelector: "
          "{{matchLabels: "
          "{{team: t{3}}}}}}}], ports: [{{port: 8080}}, {{port: 15008}}]}}]}}\n",
          w, n, kReplicas, (n * 7 + w) % namespaces);
      if (w < kServicesOfNamespace)
        text += fmt::format(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: w{0}, namespace: n{1}}}\n"
            "spec: {{clusterIP: 10.96.{2}.{3}, selector: {{app: w{0}}}, ports: [{{name: http, port: 80, "
            "targetPort: "
            "8080}}]}}\n",
            w, n, n / 250, n % 250 + 1);
    }
  }
  return text;
}

struct Sides {
  std::shared_ptr<const sim::Engine> before, after;
  std::unique_ptr<const scenarios::FlowProduct> flows;
};

const Sides& sides(std::size_t pods) {
  static std::map<std::size_t, Sides> known;
  Sides& out = known[pods];
  if (out.before) return out;
  model::Diagnostics diagnostics;
  auto snapshot = model::load_texts({{"bench.yaml", manifests(pods / kReplicas / kWorkloadsOfNamespace)}}, {},
                                    diagnostics);
  const model::Change change{model::DeleteChange{{"NetworkPolicy/n0/w0", {}}}, {}};
  auto changed = model::apply_changes(snapshot, {&change, 1}, diagnostics);
  out.before =
      sim::Engine::build(model::Cluster::build(std::move(snapshot), {}, diagnostics), {}, diagnostics);
  out.after = scenarios::rebuild(*out.before, std::move(changed), std::nullopt, diagnostics);
  out.flows = std::make_unique<const scenarios::FlowProduct>(out.before->cluster(), out.after->cluster());
  return out;
}

double seconds(const Sides& s, scenarios::Thoroughness how, std::size_t& changes) {
  model::Diagnostics diagnostics;
  const auto start = std::chrono::steady_clock::now();
  const auto plan = scenarios::compare_clusters(*s.before, *s.after, *s.flows, {}, 1, diagnostics, how);
  changes = plan.changes.size();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void plan_one_policy(benchmark::State& state) {
  const Sides& s = sides(static_cast<std::size_t>(state.range(0)));
  std::size_t changes = 0, all_changes = 0;
  double cut = 0;
  for (auto _ : state) cut += seconds(s, scenarios::Thoroughness::WhatTheChangeTouches, changes);
  cut /= static_cast<double>(state.iterations());
  const double full = seconds(s, scenarios::Thoroughness::Everything, all_changes);
  if (changes != all_changes) state.SkipWithError("the cut plan is not the full one");
  state.counters["flows"] = static_cast<double>(s.flows->size());
  state.counters["changed"] = static_cast<double>(changes);
  state.counters["full_s"] = full;
  state.counters["ratio"] = full / cut;
}
BENCHMARK(plan_one_policy)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond)->Iterations(3);

}  // namespace
