#include "scenarios/runner.h"

#include <algorithm>
#include <utility>

#include "model/base/parallel.h"
#include "model/load/manifest_loader.h"
#include "scenarios/batch.h"
#include "scenarios/run_command.h"
#include "sim/match/regex_match.h"

namespace waypath::scenarios {
namespace {

using model::Diagnostics;

bool failed(const Batch& batch) {
  return std::any_of(batch.results.begin(), batch.results.end(),
                     [](const auto& r) { return r.status == CaseResult::Status::Failed; });
}

void report_input(Diagnostics& diagnostics, model::SourcePos pos, std::string message, std::string hint) {
  diagnostics.report({kScenarioInvalid,
                      model::Severity::Error,
                      model::Reach::Input,
                      pos,
                      {},
                      {},
                      {},
                      std::move(message),
                      std::move(hint)});
}

void refuse(Diagnostics& diagnostics, const ManifestCommand& command) {
  report_input(diagnostics, command.pos,
               "\"" + command.text + "\" would be run, and --allow-exec is not given",
               "read the command; then run again with --allow-exec");
}

}  // namespace

model::Snapshot load_snapshot(const Scenario& scenario, const RunOptions& options, Diagnostics& diagnostics,
                              model::LoadStats* stats) {
  model::LoadOptions load;
  load.jobs = options.jobs;
  load.cache_directory = options.cache;
  std::vector<model::SourceFile> texts;
  if (scenario.inline_cluster) texts.push_back(*scenario.inline_cluster);
  for (ManifestCommand command : scenario.commands) {
    command.pos = {};  // of another file table
    if (!options.allow_exec) {
      refuse(diagnostics, command);
      continue;
    }
    std::string error;
    if (auto output = output_of(command.words, command.directory, error))
      texts.push_back({command.text, std::move(*output)});
    else
      report_input(diagnostics, {}, "\"" + command.text + "\": " + error,
                   "run it yourself in " + (command.directory.empty() ? "." : command.directory));
  }
  return model::load_manifests(scenario.manifests, texts, load, diagnostics, stats);
}

std::optional<model::Snapshot> load_cluster(const Scenario& scenario, const RunOptions& options,
                                            Diagnostics& diagnostics) {
  auto snapshot = load_snapshot(scenario, options, diagnostics);
  if (diagnostics.has_input_errors()) return std::nullopt;
  return snapshot;
}

std::shared_ptr<const sim::Engine> build_engine(model::Snapshot snapshot, const Scenario& scenario,
                                                const std::optional<std::string>& version,
                                                Diagnostics& diagnostics) {
  model::ClusterOptions options;
  if (version) {
    options.version = model::parse_istio_version(*version);
    if (!options.version) {
      diagnostics.report({kScenarioInvalid,
                          model::Severity::Error,
                          model::Reach::Input,
                          {},
                          {},
                          {},
                          {},
                          "\"" + *version + "\" is no Istio version",
                          "write 1.28 or 1.28.3"});
      return nullptr;
    }
  }
  for (const auto& cidr : scenario.pod_cidrs)
    if (const auto parsed = model::parse_cidr(cidr)) options.pod_cidrs.push_back(*parsed);
  auto cluster = model::Cluster::build(std::move(snapshot), options, diagnostics);
  return sim::Engine::build(std::move(cluster), scenario.options, diagnostics);
}

void Report::add(CaseResult result) {
  passed += result.status == CaseResult::Status::Passed ? 1 : 0;
  failed += result.status == CaseResult::Status::Failed ? 1 : 0;
  skipped += result.status == CaseResult::Status::Skipped ? 1 : 0;
  cases.push_back(std::move(result));
}

bool Runner::run(const Scenario& scenario, const RunOptions& options, Report& report) {
  Filter filter;
  if (!options.run.empty()) {
    filter.emplace("(?s).*(?:" + options.run + ").*");
    if (!filter->valid()) {
      diagnostics_.report({kScenarioInvalid,
                           model::Severity::Error,
                           model::Reach::Input,
                           {},
                           {},
                           {},
                           {},
                           "\"" + options.run + "\" is no regular expression: " + filter->error(),
                           "it is searched for in \"scenario / variant / flow\""});
      return false;
    }
  }
  std::vector<Batch> batches;
  std::uint32_t cluster = 0;
  const auto add = [&](const Variant* variant) {
    auto batch = plan_batch(scenario, variant, filter, options, files_);
    batch.order = {scenarios_, cluster++};
    if (may_have_cases(batch, options)) batches.push_back(std::move(batch));
  };
  add(nullptr);
  for (const auto& variant : scenario.variants) add(&variant);
  ++scenarios_;
  if (batches.empty()) return true;
  if (!options.allow_exec && !scenario.commands.empty()) {
    for (const auto& command : scenario.commands) refuse(diagnostics_, command);
    return false;
  }

  Diagnostics loading;
  model::LoadStats stats;
  const auto base = load_snapshot(scenario, options, loading, &stats);
  if (!stats.cache_remark.empty()) report.cache_remarks.push_back(std::move(stats.cache_remark));
  keep(loading, base.files(), report.cluster_diagnostics);
  if (loading.has_input_errors()) {
    diagnostics_.report({kScenarioInvalid,
                         model::Severity::Error,
                         model::Reach::Input,
                         {},
                         {},
                         {},
                         {},
                         scenario.path + ": the cluster of \"" + scenario.name +
                             "\" cannot be loaded: " + first_error(loading, base.files()),
                         {}});
    return false;
  }
  if (options.fail_fast) {  // one after the other, so that what is reported does not depend on threads
    for (auto& batch : batches) {
      run_batch(scenario, base, files_, filter, options, options.jobs, batch);
      if (failed(batch)) break;
    }
  } else {
    // Variants side by side; a scenario without any spreads its flows instead.
    const unsigned inner = batches.size() == 1 ? options.jobs : 1;
    model::parallel_for_index(batches.size(), options.jobs, [&](std::size_t i) {
      run_batch(scenario, base, files_, filter, options, inner, batches[i]);
    });
  }
  for (auto& batch : batches) {
    for (auto& text : batch.diagnostics)
      if (std::find(report.cluster_diagnostics.begin(), report.cluster_diagnostics.end(), text) ==
          report.cluster_diagnostics.end())
        report.cluster_diagnostics.push_back(std::move(text));
    for (auto& r : batch.results) {
      const bool stop = options.fail_fast && r.status == CaseResult::Status::Failed;
      report.add(std::move(r));
      if (stop) {
        report.stopped = true;
        return true;
      }
    }
  }
  return true;
}

}  // namespace waypath::scenarios
