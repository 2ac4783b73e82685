// Lint of generated ambient clusters: pods, Services behind waypoints, NetworkPolicies and
// AuthorizationPolicies that grow together. `exponent` is the growth in pods against the smallest cluster of
// the same run.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <string>

#include "model/load/manifest_loader.h"
#include "sim/lint/lint.h"

namespace {

using namespace waypath;

constexpr std::size_t kReplicas = 10, kWorkloads = 10;  // of a namespace

// One namespace: ten workloads of ten pods, each with a Service, two NetworkPolicies and an
// AuthorizationPolicy.
std::string team(std::size_t n, std::size_t namespaces) {
  std::string out = fmt::format(
      "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: n{}, labels: {{istio.io/dataplane-mode: "
      "ambient, "
      "istio.io/use-waypoint: waypoint}}}}\n"
      "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: waypoint, namespace: "
      "n{}}}\n"
      "spec: {{gatewayClassName: istio-waypoint, listeners: [{{name: mesh, port: 15008, protocol: "
      "HBONE}}]}}\n",
      n, n);
  for (std::size_t w = 0; w < kWorkloads; ++w) {
    for (std::size_t i = 0; i < kReplicas; ++i)
      out += fmt::format(
          "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: w{}-{}, namespace: n{}, labels: {{app: w{}}}, "
          "ownerReferences: [{{apiVersion: apps/v1, kind: ReplicaSet, name: w{}, uid: u}}]}}\n"
          "spec: {{serviceAccountName: w{}, containers: [{{name: c, image: c, ports: [{{containerPort: "
          "8080}}]}}]}}\n"
          "status: {{phase: Running, podIP: 10.{}.{}.{}}}\n",
          w, i, n, w, w, w, n / 250, n % 250, w * kReplicas + i + 1);
    out += fmt::format(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: w{}, namespace: n{}}}\n"
        "spec: {{selector: {{app: w{}}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}\n"
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: in{}, namespace: "
        "n{}}}\n"
        "spec: {{podSelector: {{matchLabels: {{app: w{}}}}}, ingress: [{{from: [{{podSelector: "
        "{{matchLabels: "
        "{{app: w{}}}}}}}, {{podSelector: {{matchLabels: {{gateway.networking.k8s.io/gateway-name: "
        "waypoint}}}}}}], "
        "ports: [{{port: 8080}}, {{port: 15008}}]}}]}}\n"
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: out{}, namespace: "
        "n{}}}\n"
        "spec: {{podSelector: {{matchLabels: {{app: w{}}}}}, policyTypes: [Egress], egress: [{{to: "
        "[{{namespaceSelector: "
        "{{matchLabels: {{kubernetes.io/metadata.name: n{}}}}}}}], ports: [{{port: 15008}}]}}]}}\n"
        "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: w{}, namespace: "
        "n{}}}\n"
        "spec: {{selector: {{matchLabels: {{app: w{}}}}}, rules: [{{from: [{{source: {{principals: "
        "[cluster.local/ns/n{}/sa/w{}, cluster.local/ns/n{}/sa/waypoint]}}}}]}}]}}\n",
        w, n, w, w, n, w, (w + 1) % kWorkloads, w, n, w, (n + 1) % namespaces, w, n, w, n,
        (w + 1) % kWorkloads, n);
  }
  return out;
}

std::shared_ptr<const sim::Engine> world(std::size_t pods) {
  const std::size_t namespaces = pods / (kReplicas * kWorkloads);
  std::string text;
  for (std::size_t n = 0; n < namespaces; ++n) text += team(n, namespaces);
  model::Diagnostics diagnostics;
  auto cluster =
      model::Cluster::build(model::load_texts({{"bench.yaml", text}}, {}, diagnostics), {}, diagnostics);
  return sim::Engine::build(std::move(cluster), {}, diagnostics);
}

void lint_cluster(benchmark::State& state) {
  static std::map<std::int64_t, double> seconds;
  const auto engine = world(static_cast<std::size_t>(state.range(0)));
  std::size_t findings = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (auto _ : state) {
    const auto result = sim::lint(*engine, {});
    findings = result.findings.size();
    benchmark::DoNotOptimize(findings);
  }
  const double each = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() /
                      static_cast<double>(state.iterations());
  state.counters["findings"] = static_cast<double>(findings);
  seconds[state.range(0)] = each;
  if (const auto base = seconds.find(1000); base != seconds.end() && state.range(0) != 1000)
    state.counters["exponent"] =
        std::log(each / base->second) / std::log(static_cast<double>(state.range(0)) / 1000.0);
}
BENCHMARK(lint_cluster)->ArgName("pods")->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

}  // namespace
