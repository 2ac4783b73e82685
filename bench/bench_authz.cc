// One authorization decision: at ztunnel (L4), at a sidecar and at a waypoint (L7), with more and more
// policies attached or merely present.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <memory>
#include <string>

#include "model/load/manifest_loader.h"
#include "sim/policy/policy_evaluator.h"

namespace {

using namespace waypath;

/// `attached` policies select the pod, `others` select pods of the same namespace that are not asked about.
/// The last one admits the caller.
std::string policies(std::int64_t attached, std::int64_t others, bool l7) {
  std::string out;
  const auto add = [&](std::int64_t i, const std::string& app, bool admits) {
    const std::string caller = admits ? "frontend" : fmt::format("client-{}", i);
    const std::string to = l7 ? "{methods: [GET], paths: ['/api/*']}" : "{ports: ['8080']}";
    out += fmt::format(
        "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: p{:06}, "
        "namespace: shop}}\nspec: {{selector: {{matchLabels: {{app: {}}}}}, "
        "rules: [{{from: [{{source: {{principals: [cluster.local/ns/shop/sa/{}]}}}}], to: [{{operation: "
        "{}}}]}}]}}\n",
        i, app, caller, to);
  };
  for (std::int64_t i = 0; i < attached; ++i) add(i, "web", i + 1 == attached);
  for (std::int64_t i = 0; i < others; ++i) add(attached + i, fmt::format("other-{}", i), false);
  return out;
}

struct World {
  std::shared_ptr<const model::Cluster> cluster;
  sim::EvaluatorTable table;
  explicit World(const std::string& yaml) {
    model::Diagnostics diagnostics;
    cluster =
        model::Cluster::build(model::load_texts({{"bench.yaml", yaml}}, {}, diagnostics), {}, diagnostics);
    table = sim::compile_policies(cluster, {}, diagnostics);
  }
};

sim::PolicyPoint point(bool l7) {
  sim::PolicyPoint p;
  p.kind = l7 ? sim::PolicyPoint::Kind::Sidecar : sim::PolicyPoint::Kind::Ztunnel;
  p.ns = model::intern("shop");
  p.labels = model::Labels({{model::intern("app"), model::intern("web"), {}}});
  p.http = l7;
  return p;
}

sim::RequestState request() {
  sim::RequestState r;
  r.peer.principal = "cluster.local/ns/shop/sa/frontend";
  r.peer.ns = model::intern("shop");
  r.peer.service_account = model::intern("frontend");
  r.port = 8080;
  r.method = "GET";
  r.host = "web.shop";
  r.path = "/api/v1/items";
  return r;
}

void decide(benchmark::State& state, bool l7, std::int64_t attached, std::int64_t others) {
  const World world(policies(attached, others, l7));
  const auto where = point(l7);
  auto what = request();
  for (auto _ : state) benchmark::DoNotOptimize(sim::judge_hop(world.table, where, what, nullptr));
}

void attached_l4(benchmark::State& state) { decide(state, false, state.range(0), 0); }
void attached_l7(benchmark::State& state) { decide(state, true, state.range(0), 0); }
void present_l4(benchmark::State& state) { decide(state, false, 1, state.range(0)); }

void explain_l4(benchmark::State& state) {
  const World world(policies(state.range(0), 0, false));
  const auto where = point(false);
  auto what = request();
  for (auto _ : state) {
    sim::TraceRecorder recorder;
    benchmark::DoNotOptimize(sim::judge_hop(world.table, where, what, &recorder));
  }
}

void compile(benchmark::State& state) {
  const World world(policies(1, state.range(0), true));
  for (auto _ : state) {
    model::Diagnostics diagnostics;
    benchmark::DoNotOptimize(sim::compile_policies(world.cluster, {}, diagnostics));
  }
}

}  // namespace

BENCHMARK(attached_l4)->Name("authz/attached_l4")->Arg(1)->Arg(100)->Arg(10000);
BENCHMARK(attached_l7)->Name("authz/attached_l7")->Arg(1)->Arg(100)->Arg(10000);
BENCHMARK(present_l4)->Name("authz/present_l4")->Arg(1)->Arg(100)->Arg(10000);
BENCHMARK(explain_l4)->Name("authz/explain_l4")->Arg(1)->Arg(100);
BENCHMARK(compile)->Name("authz/compile")->Arg(100)->Arg(10000);
