// Replay: lines of a ztunnel log a second, text and JSON, and that memory follows distinct flows, not lines.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "model/load/manifest_loader.h"
#include "scenarios/replay/replay.h"

namespace {

using namespace waypath;

constexpr std::size_t kWorkloads = 100, kLines = 20000;

std::shared_ptr<const sim::Engine> cluster() {
  std::string text =
      "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}\n";
  for (std::size_t i = 0; i < kWorkloads; ++i)
    text += fmt::format(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: w{0}, namespace: shop}}\n"
        "spec: {{selector: {{matchLabels: {{app: w{0}}}}}, template: {{metadata: {{labels: {{app: w{0}}}}}, "
        "spec: "
        "{{containers: [{{name: c, image: c}}]}}}}}}\n"
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: w{0}, namespace: shop}}\n"
        "spec: {{clusterIP: 10.96.0.{1}, selector: {{app: w{0}}}, ports: [{{port: 80, targetPort: "
        "8080}}]}}\n",
        i, i + 1);
  model::Diagnostics diagnostics;
  return sim::Engine::build(
      model::Cluster::build(model::load_texts({{"bench.yaml", text}}, {}, diagnostics), {}, diagnostics), {},
      diagnostics);
}

std::string line(std::size_t i, bool json) {
  const std::size_t from = i * 7 % kWorkloads, to = i * 13 % kWorkloads;
  if (json)
    return fmt::format(
        R"({{"level":"info","time":"2026-08-20T09:15:07.311905Z","scope":"access","message":"connection complete",)"
        R"("src.addr":"10.42.{0}.{1}:40000","src.workload":"w{0}-5f4f9bd98c-{2:05}","src.namespace":"shop",)"
        R"("src.identity":"spiffe://cluster.local/ns/shop/sa/default","dst.addr":"10.42.{3}.9:15008",)"
        R"("dst.hbone_addr":"10.42.{3}.9:8080","dst.service":"w{3}.shop.svc.cluster.local",)"
        R"("dst.workload":"w{3}-5f4f9bd98c-abcde","dst.namespace":"shop","direction":"outbound",)"
        R"("bytes_sent":{4},"bytes_recv":{4},"duration":"{5}ms"}})",
        from, i % 250, i % 50, to, i % 9000, i % 90);
  return fmt::format(
      "2026-08-20T09:15:07.311905Z\tinfo\taccess\tconnection complete\tsrc.addr=10.42.{0}.{1}:40000 "
      "src.workload=\"w{0}-5f4f9bd98c-{2:05}\" src.namespace=\"shop\" "
      "src.identity=\"spiffe://cluster.local/ns/shop/sa/default\" dst.addr=10.42.{3}.9:15008 "
      "dst.hbone_addr=10.42.{3}.9:8080 dst.service=\"w{3}.shop.svc.cluster.local\" "
      "dst.workload=\"w{3}-5f4f9bd98c-abcde\" dst.namespace=\"shop\" direction=\"outbound\" bytes_sent={4} "
      "bytes_recv={4} duration=\"{5}ms\"",
      from, i % 250, i % 50, to, i % 9000, i % 90);
}

void replay_lines(benchmark::State& state) {
  const bool json = state.range(0) == 1;
  const auto engine = cluster();
  std::vector<std::string> lines;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < kLines; ++i) {
    lines.push_back(line(i, json));
    bytes += lines.back().size();
  }
  std::size_t rows = 0;
  for (auto _ : state) {
    scenarios::Replay replay(engine, {});
    std::uint64_t number = 0;
    for (const auto& text : lines) replay.add_line("bench.log", ++number, text);
    model::Diagnostics diagnostics;
    state.PauseTiming();
    rows = replay.report(nullptr).rows.size();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kLines));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
  state.counters["rows"] = static_cast<double>(rows);
}
BENCHMARK(replay_lines)->ArgName("json")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
