// Route matching: tables built once, then requests against a thousand routes.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <string>

#include "model/load/manifest_loader.h"
#include "sim/resolve/route.h"

namespace waypath {
namespace {

constexpr int kRoutes = 1000;

std::shared_ptr<const model::Cluster> cluster_with_routes() {
  std::string text =
      "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: a}\nspec: {ports: [{name: http, port: "
      "80}]}\n"
      "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: gw, namespace: "
      "a}\nspec: {gatewayClassName: istio, "
      "listeners: [{name: http, port: 80, protocol: HTTP}]}\n";
  for (int i = 0; i < kRoutes; ++i) {
    // Half share one host and are told apart by path, half have a host of their own.
    const std::string host = i % 2 == 0 ? "shared.example.com" : fmt::format("h{}.example.com", i);
    text += fmt::format(
        "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: r{}, namespace: "
        "a}}\nspec: {{parentRefs: "
        "[{{name: gw}}], hostnames: [{}], rules: [{{matches: [{{path: {{type: PathPrefix, value: /p{}}}}}], "
        "backendRefs: [{{name: web, "
        "port: 80}}]}}]}}\n",
        i, host, i);
  }
  model::Diagnostics diagnostics;
  model::Snapshot snapshot = model::load_texts({{"routes.yaml", text}}, {}, diagnostics);
  return model::Cluster::build(std::move(snapshot), {}, diagnostics);
}

void route_tables_build(benchmark::State& state) {
  const auto cluster = cluster_with_routes();
  for (auto _ : state) benchmark::DoNotOptimize(sim::RouteTables::build(*cluster));
}
BENCHMARK(route_tables_build)->Unit(benchmark::kMillisecond);

void route_at_gateway_1k(benchmark::State& state, const std::string& host, const std::string& path,
                         int status) {
  const auto cluster = cluster_with_routes();
  const auto tables = sim::RouteTables::build(*cluster);
  sim::GatewayProxy proxy;
  proxy.gateway = cluster->snapshot().find<model::Gateway>("a", "gw");
  proxy.ns = model::intern("a");
  sim::RouteRequest request;
  request.host = host;
  request.path = path;
  for (auto _ : state) {
    const sim::RouteDecision decision = sim::route_at_gateway(*tables, proxy, 80, 80, request);
    if (decision.status != status) state.SkipWithError("unexpected decision");
    benchmark::DoNotOptimize(decision);
  }
}
BENCHMARK_CAPTURE(route_at_gateway_1k, shared_host, "shared.example.com", "/p998/x", 0);
BENCHMARK_CAPTURE(route_at_gateway_1k, own_host, "h999.example.com", "/p999", 0);
BENCHMARK_CAPTURE(route_at_gateway_1k, no_rule, "shared.example.com", "/nothing", 404);

}  // namespace
}  // namespace waypath
