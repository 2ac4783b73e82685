// waypath record

#include <fmt/format.h>

#include <filesystem>

#include "model/load/manifest_loader.h"
#include "scenarios/flow_enumeration.h"
#include "scenarios/git_tree.h"
#include "scenarios/record.h"
#include "scenarios/runner.h"
#include "tools/waypath/app.h"

namespace waypath::tools {

namespace {

namespace fs = std::filesystem;

// Scenario files name what they use from where they lie.
fs::path home(const Options& options) {
  return options.common.out.empty() ? fs::current_path() : fs::absolute(options.common.out).parent_path();
}

std::string seen_from(const fs::path& folder, const std::string& path) {
  std::error_code error;
  const fs::path relative = fs::relative(fs::absolute(path), folder, error);
  return error || relative.empty() ? path : relative.generic_string();
}

int record_scenario_flows(const Options& options, const Streams& streams) {
  if (!options.cluster.files.empty()) {
    complain(streams, "record: a scenario names its cluster itself", "leave out -f, or --scenario");
    return kExitUsage;
  }
  const std::string& path = options.plan.scenario;
  model::Diagnostics diagnostics;
  model::SourceFiles files;
  const auto scenario = scenarios::read_scenario(path, files, diagnostics);
  print_diagnostics(diagnostics, files, options, streams);
  if (!scenario) return kExitUsage;
  scenarios::RunOptions how;
  how.jobs = options.common.jobs;
  how.cache = cache_directory(options);
  model::Diagnostics loading;
  model::LoadStats stats;
  auto snapshot = scenarios::load_snapshot(*scenario, how, loading, &stats);
  if (options.common.verbose && !stats.cache_remark.empty()) streams.err << stats.cache_remark << "\n";
  const model::SourceFiles manifests = snapshot.files();
  const auto engine = loading.has_input_errors() ? nullptr
                                                 : scenarios::build_engine(std::move(snapshot), *scenario,
                                                                           scenario->istio_version, loading);
  print_diagnostics(loading, manifests, options, streams);
  if (engine == nullptr) return kExitUsage;
  const auto text = scenarios::record_flows(*engine, *scenario, scenario->name + "-recorded",
                                            seen_from(home(options), path), options.common.jobs);
  return write_data(options, streams, text) ? kExitFine : kExitUsage;
}

}  // namespace

int run_record(const Options& options, const Streams& streams) {
  if (!options.plan.scenario.empty()) return record_scenario_flows(options, streams);
  const auto engine = load_engine(options, streams);
  if (!engine) return kExitUsage;
  const auto flows = scenarios::enumerate_flows(engine->cluster());
  if (flows.empty()) {
    complain(streams, "no flow to record: no workload meets a Service, and no gateway routes a host",
             "give the whole cluster with -f: workloads, Services, gateways and routes");
    return kExitUsage;
  }
  scenarios::RecordHeader header;
  for (const auto& path : cluster_paths(options)) {
    if (path == "-" || scenarios::is_git_path(path)) {
      complain(streams, "record: a scenario cannot name standard input or a git revision",
               "write the manifests to a file first");
      return kExitUsage;
    }
    header.manifests.push_back(seen_from(home(options), path));
  }
  header.name = fs::path(header.manifests.front()).filename().string();
  if (header.name.empty() || header.name == ".") header.name = "recorded";
  header.istio_version = options.cluster.istio_version.value_or("");
  header.cni = options.cluster.cni.value_or("");
  return write_data(options, streams, scenarios::record_scenario(*engine, flows, header, options.common.jobs))
             ? kExitFine
             : kExitUsage;
}

}  // namespace waypath::tools
