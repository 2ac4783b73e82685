// Three fixed workloads on one thread, for callgrind to count the instructions of: loading a generated
// cluster, all pairs of it, and every flow of a shipped scenario. What is counted is the function `counted`
// alone. tools/dev/check_instructions.sh runs it and holds the counts against bench/instructions/counts.json.
//   waypath_instructions input FILE       writes the generated cluster
//   waypath_instructions load|reach FILE  on it
//   waypath_instructions trace            the shipped Big Bang cluster

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "bench/gen/generator.h"
#include "model/load/manifest_loader.h"
#include "scenarios/runner.h"
#include "sim/engine.h"
#include "sim/reach/reach.h"

/// Callgrind starts and stops counting at this name; its value keeps the work from being left out.
extern "C" [[gnu::noinline]] std::size_t counted(const std::function<std::size_t()>& work) { return work(); }

namespace waypath {
namespace {

constexpr int kRounds = 10;  // of the scenario's flows

std::shared_ptr<const model::Cluster> load(const std::string& path) {
  model::Diagnostics diagnostics;
  model::LoadOptions options;
  options.jobs = 1;
  model::Snapshot snapshot = model::load_manifests({path}, options, diagnostics);
  if (diagnostics.has_input_errors()) throw std::runtime_error("the generated cluster has errors");
  return model::Cluster::build(std::move(snapshot), {}, diagnostics);
}

std::size_t count_load(const std::string& path) {
  return counted([&] { return load(path)->pods().size(); });
}

std::size_t count_reach(const std::string& path) {
  const auto cluster = load(path);
  return counted([&] {
    model::Diagnostics diagnostics;
    const auto matrix = sim::reach(cluster, {}, diagnostics);
    std::size_t pairs = 0;
    matrix.for_each_pair([&](const auto&, const auto&, const auto&) { ++pairs; });
    return pairs;
  });
}

std::size_t count_trace() {
  model::Diagnostics diagnostics;
  model::SourceFiles files;
  const auto scenario = scenarios::read_scenario(
      std::string(WAYPATH_SOURCE_DIR) + "/scenarios/bigbang/waypoint-mode.yaml", files, diagnostics);
  if (!scenario) throw std::runtime_error("the shipped scenario cannot be read");
  scenarios::RunOptions options;
  options.jobs = 1;
  auto snapshot = scenarios::load_cluster(*scenario, options, diagnostics);
  if (!snapshot) throw std::runtime_error("the shipped cluster cannot be loaded");
  const auto engine = scenarios::build_engine(std::move(*snapshot), *scenario, std::nullopt, diagnostics);
  return counted([&] {
    std::size_t paths = 0;
    for (int i = 0; i < kRounds; ++i)
      for (const auto& one : scenario->flows)
        paths += sim::simulate(*engine, one.flow, scenario->assume, diagnostics).paths.size();
    return paths;
  });
}

void write_input(const std::string& path) {
  auto parameters = gen::profile("teams", "M");
  std::ofstream out(path, std::ios::binary);
  gen::write(parameters, gen::Form::List, [&](std::string_view piece) { out << piece; });
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

int run(std::span<char*> arguments) {
  const std::string_view what = arguments.size() > 1 ? arguments[1] : "";
  const std::string path = arguments.size() > 2 ? arguments[2] : "";
  if (what == "input" && !path.empty())
    write_input(path);
  else if (what == "load" && !path.empty())
    fmt::print("{} pods\n", count_load(path));
  else if (what == "reach" && !path.empty())
    fmt::print("{} pairs\n", count_reach(path));
  else if (what == "trace")
    fmt::print("{} paths\n", count_trace());
  else
    throw std::invalid_argument("usage: waypath_instructions input FILE | load FILE | reach FILE | trace");
  return 0;
}

}  // namespace
}  // namespace waypath

int main(int argc, char** argv) {
  try {
    return waypath::run({argv, static_cast<std::size_t>(argc)});
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 2;
  }
}
