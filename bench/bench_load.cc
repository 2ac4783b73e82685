// Loading a generated cluster as `kubectl get` prints it, with managedFields, status and noise: the ratios
// that the goals of the project name, each of times taken in turns in one run (medians), and the counts
// behind them.
//
//   P1  YAML, against yaml-cpp's bare event parse of the same bytes: at least 40 a core, 1.7 times more on
//   two P2  JSON, against simdjson's bare parse: at least 0.5 P3  peak memory, in parts of half the input and
//   1 KB for each kept object: at most 1 P4  the same input again from the cache, as a share of the first
//   load: at most 0.01
//   P10 growth of loading in bytes over four sizes: an exponent of 1
//
// WAYPATH_BENCH_SIZE (S, M, L, XL) and WAYPATH_BENCH_PROFILE (teams, tenants) choose the cluster; M and teams
// else.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <simdjson.h>
#include <unistd.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "bench/gen/generator.h"
#include "model/load/manifest_loader.h"

namespace waypath {
namespace {

namespace fs = std::filesystem;

std::string setting(const char* name, const char* otherwise) {
  const char* given = std::getenv(name);
  return given == nullptr ? otherwise : given;
}

/// Files of one cluster, gone with the program.
class Dump {
 public:
  Dump(const gen::Parameters& p, const std::vector<gen::Form>& forms)
      : folder_(fs::temp_directory_path() / fmt::format("waypath-bench-load-{}-{}", ::getpid(), p.pods)) {
    fs::create_directories(folder_);
    for (const gen::Form form : forms) {
      std::ofstream out(form == gen::Form::Documents ? yaml() : json(), std::ios::binary);
      gen::write(p, form, [&](std::string_view text) { out << text; });
    }
  }
  Dump(const Dump&) = delete;
  Dump& operator=(const Dump&) = delete;
  ~Dump() { fs::remove_all(folder_); }
  [[nodiscard]] std::string yaml() const { return (folder_ / "cluster.yaml").string(); }
  [[nodiscard]] std::string json() const { return (folder_ / "cluster.json").string(); }
  [[nodiscard]] std::string cache() const { return (folder_ / "cache").string(); }

 private:
  fs::path folder_;
};

const Dump& dump() {
  static const Dump made(
      gen::profile(setting("WAYPATH_BENCH_PROFILE", "teams"), setting("WAYPATH_BENCH_SIZE", "M")),
      {gen::Form::Documents, gen::Form::JsonList});
  return made;
}

std::string read_file(const std::string& path, std::size_t most = std::string::npos) {
  std::string text(std::min<std::size_t>(fs::file_size(path), most), '\0');
  std::ifstream(path, std::ios::binary).read(text.data(), static_cast<std::streamsize>(text.size()));
  return text;
}

double processor_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <class F>
double seconds(double (*clock)(), F fn) {
  const double start = clock();
  fn();
  return clock() - start;
}
double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Until the snapshot is there; it is thrown away afterwards.
double load(double (*clock)(), const std::string& path, unsigned jobs, model::LoadStats& stats,
            const std::string& cache = {}) {
  model::Diagnostics diagnostics;
  model::LoadOptions options;
  options.jobs = jobs;
  options.cache_directory = cache;
  stats = {};
  const double start = clock();
  const model::Snapshot snapshot = model::load_manifests({path}, options, diagnostics, &stats);
  return clock() - start;
}

// What the ratio is taken to: the events of yaml-cpp, thrown away.
class Nothing final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
};

void yaml_cpp_events(const std::string& text) {
  std::istringstream in(text);
  YAML::Parser parser(in);
  Nothing handler;
  while (parser.HandleNextDocument(handler)) {
  }
}

constexpr int kRounds = 5;

void counters_of(benchmark::State& state, const model::LoadStats& stats) {
  state.counters["bytes"] = static_cast<double>(stats.bytes);
  state.counters["objects"] = static_cast<double>(stats.objects);
  state.counters["documents"] = static_cast<double>(stats.documents);
  state.counters["skipped"] = static_cast<double>(stats.skipped_documents);
  state.counters["by_yaml_cpp"] = static_cast<double>(stats.reference_documents);
}

void p1_yaml(benchmark::State& state) {
  for (auto _ : state) {
    // yaml-cpp takes seconds for what we take milliseconds: a part of the text is enough for its speed.
    std::string part = read_file(dump().yaml(), std::size_t{8} << 20);
    if (const auto end = part.rfind("\n---\n"); end != std::string::npos) part.resize(end + 1);
    std::vector<double> ours, theirs, one, two;
    model::LoadStats stats;
    for (int i = 0; i < kRounds; ++i) {
      ours.push_back(load(processor_seconds, dump().yaml(), 1, stats));
      theirs.push_back(seconds(processor_seconds, [&] { yaml_cpp_events(part); }));
      one.push_back(load(wall_seconds, dump().yaml(), 1, stats));
      two.push_back(load(wall_seconds, dump().yaml(), 2, stats));
    }
    counters_of(state, stats);
    const double speed = static_cast<double>(stats.bytes) / median(ours);
    state.counters["MB_per_core_second"] = speed / 1e6;
    state.counters["P1_times_yaml_cpp"] = speed / (static_cast<double>(part.size()) / median(theirs));
    state.counters["P1_two_cores"] = median(one) / median(two);
  }
}
BENCHMARK(p1_yaml)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

void p2_json(benchmark::State& state) {
  for (auto _ : state) {
    const simdjson::padded_string text(read_file(dump().json()));
    std::vector<double> ours, theirs;
    model::LoadStats stats;
    for (int i = 0; i < kRounds; ++i) {
      ours.push_back(load(processor_seconds, dump().json(), 1, stats));
      simdjson::dom::parser parser;  // gets its memory then, as a load has to get its own
      theirs.push_back(
          seconds(processor_seconds, [&] { benchmark::DoNotOptimize(parser.parse(text).error()); }));
    }
    counters_of(state, stats);
    state.counters["MB_per_core_second"] = static_cast<double>(stats.bytes) / median(ours) / 1e6;
    state.counters["P2_of_simdjson"] = median(theirs) / median(ours);
  }
}
BENCHMARK(p2_json)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

// A line of /proc/self/status in bytes.
double status_bytes(std::string_view name) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name)) return std::stod(line.substr(name.size() + 1)) * 1024;
  return 0;
}

void p3_memory(benchmark::State& state, bool json) {
  const std::string path = json ? dump().json() : dump().yaml();
  for (auto _ : state) {
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak starts anew
    const double before = status_bytes("VmRSS");
    model::LoadStats stats;
    load(wall_seconds, path, 2, stats);
    const double peak = status_bytes("VmHWM") - before;
    counters_of(state, stats);
    state.counters["peak_bytes"] = peak;
    state.counters["P3_of_allowance"] =
        peak / (0.5 * static_cast<double>(stats.bytes) + 1024 * static_cast<double>(stats.objects));
  }
}
BENCHMARK_CAPTURE(p3_memory, yaml, false)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(p3_memory, json, true)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

void p4_cache(benchmark::State& state) {
  for (auto _ : state) {
    std::vector<double> first, second;
    model::LoadStats stats;
    for (int i = 0; i < kRounds; ++i) first.push_back(load(processor_seconds, dump().yaml(), 1, stats));
    load(wall_seconds, dump().yaml(), 1, stats, dump().cache());
    for (int i = 0; i < kRounds; ++i)
      second.push_back(load(processor_seconds, dump().yaml(), 1, stats, dump().cache()));
    if (!stats.cache_remark.starts_with("cache: read from")) state.SkipWithError("the image was not used");
    counters_of(state, stats);
    state.counters["P4_share_of_first"] = median(second) / median(first);
  }
}
BENCHMARK(p4_cache)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

// Least squares of log against log.
double exponent(const std::vector<std::pair<double, double>>& points) {
  double mx = 0, my = 0, xy = 0, xx = 0;
  const auto n = static_cast<double>(points.size());
  for (const auto& [x, y] : points) {
    mx += std::log(x) / n;
    my += std::log(y) / n;
  }
  for (const auto& [x, y] : points) {
    xy += (std::log(x) - mx) * (std::log(y) - my);
    xx += (std::log(x) - mx) * (std::log(x) - mx);
  }
  return xy / xx;
}

void p10_load(benchmark::State& state) {
  for (auto _ : state) {
    std::vector<std::pair<double, double>> points;
    for (const int pods : {260, 1'040, 4'160, 16'640}) {
      gen::Parameters p = gen::profile("teams", "M");
      p.pods = pods;
      p.namespaces = pods / 130;
      const Dump sized(p, {gen::Form::Documents});
      std::vector<double> took;
      model::LoadStats stats;
      for (int i = 0; i < kRounds; ++i) took.push_back(load(processor_seconds, sized.yaml(), 1, stats));
      points.emplace_back(static_cast<double>(stats.bytes), median(took));
      state.counters[fmt::format("ms_of_{}_pods", pods)] = points.back().second * 1e3;
    }
    state.counters["P10_load_exponent"] = exponent(points);
  }
}
BENCHMARK(p10_load)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace waypath
