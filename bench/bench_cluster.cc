// A generated cluster of 10,000 pods, 1,000 Services and 1,000 routes: one trace, and flows replayed one
// after the other.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "model/load/manifest_loader.h"
#include "sim/engine.h"

namespace waypath {
namespace {

constexpr int kServices = 1000, kPodsEach = 10, kNamespaces = 20;

std::string namespace_of(int service) { return fmt::format("team-{}", service % kNamespaces); }

// Every second Service is behind its namespace's waypoint, with an HTTPRoute there; the others have a route
// at the gateway, and an L4 policy of their own.
std::string generated() {
  std::string text;
  for (int n = 0; n < kNamespaces; ++n) {
    text += fmt::format(
        "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: team-{0}, labels: "
        "{{istio.io/dataplane-mode: "
        "ambient}}}}\n"
        "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: waypoint, "
        "namespace: "
        "team-{0}}}\nspec: {{gatewayClassName: istio-waypoint, listeners: [{{name: mesh, port: 15008, "
        "protocol: "
        "HBONE}}]}}\n",
        n);
  }
  text +=
      "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: public, namespace: "
      "edge}\nspec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP, "
      "allowedRoutes: "
      "{namespaces: {from: All}}}]}\n";
  for (int s = 0; s < kServices; ++s) {
    const std::string ns = namespace_of(s);
    const bool waypoint = s % 2 == 0;
    text += fmt::format(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: s{0}, namespace: {1}{2}}}\nspec: {{clusterIP: "
        "10.96.{3}.{4}, selector: {{app: s{0}}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}\n",
        s, ns, waypoint ? ", labels: {istio.io/use-waypoint: waypoint}" : "", s / 250, s % 250 + 1);
    text += fmt::format(
        "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: s{0}, namespace: "
        "{1}}}\nspec: {{parentRefs: [{2}]{3}, rules: [{{matches: [{{path: {{type: PathPrefix, value: /}}}}], "
        "backendRefs: [{{name: s{0}, port: 80}}]}}]}}\n",
        s, ns,
        waypoint ? fmt::format("{{group: \"\", kind: Service, name: s{}}}", s)
                 : "{name: public, namespace: edge}",
        waypoint ? std::string() : fmt::format(", hostnames: [s{}.example.com]", s));
    if (!waypoint) {
      text += fmt::format(
          "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: s{0}, "
          "namespace: "
          "{1}}}\nspec: {{selector: {{matchLabels: {{app: s{0}}}}}, rules: [{{from: [{{source: {{namespaces: "
          "[{1}, edge]}}}}]}}]}}\n",
          s, ns);
    }
    for (int p = 0; p < kPodsEach; ++p) {
      const int index = s * kPodsEach + p;
      text += fmt::format(
          "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: s{0}-{1}, namespace: {2}, labels: {{app: "
          "s{0}}}}}\nspec: {{serviceAccountName: s{0}, containers: [{{name: app, image: app, ports: "
          "[{{containerPort: 8080}}]}}]}}\nstatus: {{phase: Running, podIP: 10.{3}.{4}.{5}, conditions: "
          "[{{type: "
          "Ready, status: \"True\"}}]}}\n",
          s, p, ns, index / 40000 + 10, index / 200 % 200, index % 200 + 1);
    }
  }
  return text;
}

std::shared_ptr<const sim::Engine> engine() {
  static const std::shared_ptr<const sim::Engine> built = [] {
    model::Diagnostics diagnostics;
    model::Snapshot snapshot = model::load_texts({{"generated.yaml", generated()}}, {}, diagnostics);
    return sim::Engine::build(model::Cluster::build(std::move(snapshot), {}, diagnostics), {}, diagnostics);
  }();
  return built;
}

sim::Flow flow_to(int from, int to, bool outside) {
  sim::Flow flow;
  flow.from = outside ? "internet" : fmt::format("{}/s{}-0", namespace_of(from), from);
  flow.to = outside ? fmt::format("http://s{}.example.com/", to)
                    : fmt::format("http://s{}.{}/", to, namespace_of(to));
  return flow;
}

void trace_10k_pods(benchmark::State& state, int to, bool outside) {
  const auto built = engine();
  const sim::Flow flow = flow_to(0, to, outside);
  for (auto _ : state) {
    model::Diagnostics diagnostics;
    const sim::Verdict verdict = sim::simulate(*built, flow, {}, diagnostics);
    if (verdict.outcome != sim::Outcome::Allow) state.SkipWithError("unexpected outcome");
    benchmark::DoNotOptimize(verdict);
  }
}
BENCHMARK_CAPTURE(trace_10k_pods, through_waypoint, 20, false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(trace_10k_pods, through_gateway, 41, true)->Unit(benchmark::kMicrosecond);

// Flows between Services of one namespace, each another one.
void replay_10k_pods(benchmark::State& state) {
  const auto built = engine();
  std::vector<sim::Flow> flows;
  for (int i = 0; i < 200; ++i) flows.push_back(flow_to(i, (i + kNamespaces) % kServices, false));
  for (auto _ : state) {
    for (const sim::Flow& flow : flows) {
      model::Diagnostics diagnostics;
      benchmark::DoNotOptimize(sim::simulate(*built, flow, {}, diagnostics));
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(flows.size()));
}
BENCHMARK(replay_10k_pods)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace waypath
