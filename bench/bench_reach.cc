// NetworkPolicy: one connection judged, and the whole matrix of generated clusters. Pods of one workload are
// one class, so that the matrix grows with classes; `exponent` is the growth in pods against the smallest
// cluster of the same run.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <string>

#include "model/load/manifest_loader.h"
#include "sim/policy/policy_evaluator.h"
#include "sim/reach.h"

namespace {

using namespace waypath;

constexpr std::size_t kReplicas = 10, kWorkloadsOfNamespace = 10;

std::string policy(std::size_t i, std::size_t namespaces) {
  // Odd ones admit a neighbour of the namespace, even ones a whole other namespace.
  const std::string peer =
      i % 2 == 1 ? fmt::format("podSelector: {{matchLabels: {{app: w{}}}}}", (i + 1) % kWorkloadsOfNamespace)
                 : fmt::format("namespaceSelector: {{matchLabels: {{team: t{}}}}}", (i * 7) % namespaces);
  return fmt::format(
      "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p{}, namespace: n{}}}\n"
      "spec: {{podSelector: {{matchLabels: {{app: w{}}}}}, ingress: [{{from: [{{{}}}], ports: [{{port: "
      "{}}}]}}]}}\n",
      i, i % namespaces, (i / namespaces) % kWorkloadsOfNamespace, peer, 8000 + i % 5);
}

std::shared_ptr<const model::Cluster> cluster(std::size_t pods, std::size_t policies) {
  const std::size_t per_namespace = kReplicas * kWorkloadsOfNamespace,
                    namespaces = std::max<std::size_t>(1, pods / per_namespace);
  std::string text;
  for (std::size_t n = 0; n < namespaces; ++n) {
    text += fmt::format(
        "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: n{}, labels: {{team: t{}}}}}\n", n, n);
    for (std::size_t i = 0; i < per_namespace; ++i)
      text += fmt::format(
          "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: w{}-{}, namespace: n{}, labels: {{app: w{}}}, "
          "ownerReferences: [{{apiVersion: apps/v1, kind: StatefulSet, name: w{}, uid: u}}]}}\n"
          "spec: {{containers: [{{name: c, image: c}}]}}\n"
          "status: {{phase: Running, podIP: 10.{}.{}.{}}}\n",
          i % kWorkloadsOfNamespace, i / kWorkloadsOfNamespace, n, i % kWorkloadsOfNamespace,
          i % kWorkloadsOfNamespace, n / 250, n % 250, i + 1);
  }
  for (std::size_t i = 0; i < policies; ++i) text += policy(i, namespaces);
  model::Diagnostics diagnostics;
  return model::Cluster::build(model::load_texts({{"bench.yaml", text}}, {}, diagnostics), {}, diagnostics);
}

const std::shared_ptr<const model::Cluster>& cached(std::size_t pods, std::size_t policies) {
  static std::map<std::pair<std::size_t, std::size_t>, std::shared_ptr<const model::Cluster>> known;
  auto& one = known[{pods, policies}];
  if (!one) one = cluster(pods, policies);
  return one;
}

void judge_connection(benchmark::State& state) {
  const auto& world = cached(1000, static_cast<std::size_t>(state.range(0)));
  model::Diagnostics diagnostics;
  const auto table = sim::compile_policies(world, {}, diagnostics);
  sim::Connection c;
  c.source.pod = world->find_pod("n0", "w1-0");
  c.destination.pod = world->find_pod("n0", "w0-0");
  c.port = 8000;
  for (auto _ : state) benchmark::DoNotOptimize(sim::judge_leg(table, c, nullptr));
}
BENCHMARK(judge_connection)->ArgName("policies")->Arg(1)->Arg(100)->Arg(1000)->Unit(benchmark::kNanosecond);

void reach_matrix(benchmark::State& state) {
  static std::map<std::int64_t, double> seconds;
  const auto& world = cached(static_cast<std::size_t>(state.range(0)), 1000);
  sim::ReachOptions options;
  if (state.range(1) != 0) {
    options.layer = sim::ReachOptions::Layer::Mesh;
    options.assume_meshed = true;
  }
  sim::ReachResult::Counts counts;
  const auto begin = std::chrono::steady_clock::now();
  for (auto _ : state) {
    model::Diagnostics diagnostics;
    const auto matrix = sim::reach(world, options, diagnostics);
    counts = matrix.counts;
    benchmark::DoNotOptimize(matrix.complete());
  }
  const double each = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() /
                      static_cast<double>(state.iterations());
  state.counters["classes"] = static_cast<double>(counts.classes);
  const auto key = [](std::int64_t pods, std::int64_t layer) { return pods * 2 + layer; };
  seconds[key(state.range(0), state.range(1))] = each;
  const auto base = seconds.find(key(1000, state.range(1)));
  if (base != seconds.end() && state.range(0) != 1000)
    state.counters["exponent"] =
        std::log(each / base->second) / std::log(static_cast<double>(state.range(0)) / 1000.0);
}
BENCHMARK(reach_matrix)
    ->ArgNames({"pods", "path"})
    ->Args({1000, 0})
    ->Args({10000, 0})
    ->Args({1000, 1})
    ->Args({10000, 1})
    ->Unit(benchmark::kMillisecond);

}  // namespace
