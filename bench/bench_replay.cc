// Replay on one core: a log of connections (text and JSON of ztunnel) and one of requests (a waypoint's
// Envoy) is read, counted, and its distinct flows are evaluated and compared. Goals: 300 MB/s with parsing; 2
// million flows a second at L4, half a million at L7, for what comes behind parsing: the same log is read
// once more by the reader of lines alone, and that time is taken off.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "model/load/manifest_loader.h"
#include "scenarios/replay/log_record.h"
#include "scenarios/replay/log_stream.h"
#include "scenarios/replay/replay.h"

namespace {

using namespace waypath;

constexpr std::size_t kWorkloads = 100, kLines = 2'000'000;
enum Form : std::int64_t { kText, kJson, kEnvoy };

std::shared_ptr<const sim::Engine> cluster(bool waypoint) {
  std::string text = fmt::format(
      "apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {{istio.io/dataplane-mode: "
      "ambient{}}}}}\n",
      waypoint ? ", istio.io/use-waypoint: waypoint" : "");
  if (waypoint)
    text +=
        "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: waypoint, namespace: "
        "shop}\n"
        "spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}\n"
        "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: api, namespace: "
        "shop}\n"
        "spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}],\n"
        "  rules: [{to: [{operation: {methods: [GET], paths: [\"/api/*\"]}}]}]}\n";
  for (std::size_t i = 0; waypoint && i < kWorkloads; ++i)
    text += fmt::format(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: c{0}, namespace: shop, labels: {{app: c{0}}}}}\n"
        "spec: {{containers: [{{name: c, image: c}}]}}\nstatus: {{podIP: 10.43.0.{0}}}\n",
        i);
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

double processor_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::string line(std::size_t i, Form form) {
  const std::size_t from = i * 7 % kWorkloads, to = (from * 31 + i / kWorkloads % 20 * 17 + 1) % kWorkloads;
  if (form == kEnvoy)
    return fmt::format(
        "[2026-08-20T09:15:01.006Z] \"GET /api/{2} HTTP/1.1\" 200 - via_upstream - \"-\" 0 {3} 8 7 \"-\" "
        "\"agent/1.0\" "
        "\"0f6d7f38-4d3b-9c55-8a4b-0e4f3c4c1a10\" \"w{1}.shop\" \"10.42.{1}.9:8080\" "
        "inbound-vip|80|http|w{1}.shop.svc.cluster.local - 10.96.0.{4}:80 10.43.0.{0}:40000 - default",
        from, to, i % 3, i % 9000, to + 1);
  if (form == kJson)
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

/// Seconds of the processor for the lines of a log alone.
double parse_seconds(const std::string& path) {
  scenarios::LogLineReader reader;
  scenarios::LogRecord record;
  std::string why;
  const double start = processor_seconds();
  const auto error = scenarios::for_each_log_block(path, [&](scenarios::LogBlock block) {
    scenarios::for_each_line(block, [&](const scenarios::LogLine& line) {
      benchmark::DoNotOptimize(reader.read(line.text, record, why, true));
    });
  });
  return error ? 0 : processor_seconds() - start;
}

void replay_log(benchmark::State& state) {
  const auto form = static_cast<Form>(state.range(0));
  const auto engine = cluster(form == kEnvoy);
  const auto path = std::filesystem::temp_directory_path() / fmt::format("waypath-bench-{}.log", ::getpid());
  {
    std::ofstream out(path, std::ios::binary);
    for (std::size_t i = 0; i < kLines; ++i) out << line(i, form) << "\n";
  }
  const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(path));
  scenarios::ReplayOptions options;
  options.jobs = 1;
  std::size_t rows = 0, undetermined = 0;
  double parsing = 0, all = 0;
  for (auto _ : state) {
    state.PauseTiming();
    parsing += parse_seconds(path.string());
    state.ResumeTiming();
    const double start = processor_seconds();
    scenarios::Replay replay(engine, options);
    if (replay.read(path.string())) state.SkipWithError("the log cannot be read");
    const auto report = replay.report(nullptr);
    rows = report.rows.size();
    undetermined = report.undetermined.flows;
    all += processor_seconds() - start;
  }
  std::filesystem::remove(path);
  const double lines = static_cast<double>(kLines) * static_cast<double>(state.iterations());
  state.counters[form == kEnvoy ? "P6_l7_per_s" : "P6_flows_per_s"] = lines / (all - parsing);
  state.counters["P6_MB_per_s"] =
      static_cast<double>(bytes) * static_cast<double>(state.iterations()) / all / 1e6;
  state.counters["parse_MB_per_s"] =
      static_cast<double>(bytes) * static_cast<double>(state.iterations()) / parsing / 1e6;
  state.counters["distinct"] = static_cast<double>(rows);
  state.counters["undetermined"] = static_cast<double>(undetermined);
}
BENCHMARK(replay_log)
    ->ArgName("text_json_envoy")
    ->Arg(kText)
    ->Arg(kJson)
    ->Arg(kEnvoy)
    ->Unit(benchmark::kMillisecond);

}  // namespace
