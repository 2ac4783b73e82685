#include "scenarios/runner.h"

#include <algorithm>

#include "model/base/parallel.h"
#include "model/load/manifest_loader.h"
#include "sim/match/regex_match.h"

namespace waypath::scenarios {
namespace {

// What a loaded cluster reports is told with the texts it was read from.
std::string first_error(const model::Diagnostics& diagnostics, const model::SourceFiles& files) {
  for (const auto& d : diagnostics.sorted(files))
    if (d.severity == model::Severity::Error) return model::format_diagnostic(d, files);
  return {};
}

struct Job {
  const FlowCase* flow;
  const Expectation* expected;
  CaseResult result;
};

}  // namespace

std::optional<model::Snapshot> load_cluster(const Scenario& scenario, const RunOptions& options,
                                            model::Diagnostics& diagnostics) {
  model::LoadOptions load;
  load.jobs = options.jobs;
  const auto paths = scenario.inline_cluster ? std::vector<std::string>{scenario.path} : scenario.manifests;
  auto snapshot = model::load_manifests(paths, load, diagnostics);
  if (diagnostics.has_input_errors()) return std::nullopt;
  return snapshot;
}

std::shared_ptr<const sim::Engine> build_engine(model::Snapshot snapshot, const Scenario& scenario,
                                                const std::optional<std::string>& version,
                                                model::Diagnostics& diagnostics) {
  model::ClusterOptions options;
  if (version) {
    options.version = model::parse_istio_version(*version);
    if (!options.version) {
      diagnostics.report({kScenarioInvalid,
                          model::Severity::Error,
                          model::Reach::Input,
                          {},
                          {},
                          "cluster.istioVersion",
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

bool Runner::run(const Scenario& scenario, const RunOptions& options, Report& report) {
  std::optional<sim::RegexMatch> filter;
  if (!options.run.empty()) filter.emplace(".*(" + options.run + ").*");
  model::Diagnostics loading;
  auto base = load_cluster(scenario, options, loading);
  if (!base) {
    for (const auto& d : loading.items())
      if (d.severity == model::Severity::Error)
        diagnostics_.report({d.code,
                             d.severity,
                             d.reach,
                             {},
                             d.object,
                             d.field,
                             d.error_type,
                             scenario.path + ": " + d.message,
                             d.hint});
    return false;
  }
  const auto run_variant = [&](const Variant* variant) {
    std::vector<Job> jobs;
    for (const auto& flow : scenario.flows) {
      const Expectation* expected = flow.expect ? &*flow.expect : nullptr;
      if (variant != nullptr && !variant->flows.empty() &&
          std::find(variant->flows.begin(), variant->flows.end(), flow.flow.name) == variant->flows.end())
        continue;
      if (variant != nullptr) {
        const auto it = variant->expect.find(flow.flow.name);
        if (it != variant->expect.end()) expected = &it->second;
      }
      Job job{&flow, expected, {}};
      job.result.scenario = scenario.name;
      job.result.path = scenario.path;
      job.result.variant = variant == nullptr ? "" : variant->name;
      job.result.flow = flow.flow.name;
      job.result.tags = variant == nullptr ? flow.tags : variant->tags;
      if (filter && !filter->full_match(scenario.name + " / " + job.result.variant + " / " + job.result.flow))
        continue;
      if (expected != nullptr) {
        job.result.expected = *expected;
        job.result.place = files_.format(expected->pos);
      }
      jobs.push_back(std::move(job));
    }
    if (jobs.empty()) return;
    model::Diagnostics found;
    std::shared_ptr<const sim::Engine> engine;
    auto version = options.istio_version ? options.istio_version : scenario.istio_version;
    model::SourceFiles variant_files;
    if (variant == nullptr) {
      engine = build_engine(*base, scenario, version, found);
      variant_files = base->files();
    } else {
      for (const auto& change : variant->changes)
        if (const auto* v = std::get_if<model::VersionChange>(&change.what)) version = v->istio_version;
      auto changed = model::apply_changes(*base, variant->changes, found);
      variant_files = changed.files();
      if (!found.has_errors()) engine = build_engine(std::move(changed), scenario, version, found);
    }
    const std::string broken =
        engine == nullptr || found.has_errors() ? first_error(found, variant_files) : std::string();
    model::parallel_for_index(jobs.size(), options.jobs, [&](std::size_t i) {
      auto& job = jobs[i];
      auto& r = job.result;
      if (engine == nullptr || !broken.empty()) {
        r.status = CaseResult::Status::Failed;
        r.message = broken.empty() ? "the variant cannot be built" : broken;
        return;
      }
      model::Diagnostics flow_errors;
      r.predicted = sim::simulate(*engine, job.flow->flow, scenario.assume, flow_errors);
      if (flow_errors.has_errors()) {
        r.status = CaseResult::Status::Failed;
        r.message = flow_errors.items().front().message +
                    (flow_errors.items().front().hint.empty() ? "" : "; " + flow_errors.items().front().hint);
        return;
      }
      if (job.expected == nullptr) {
        r.status = CaseResult::Status::Skipped;
        r.message = "nothing is expected of this flow";
        return;
      }
      r.mismatches = compare(*job.expected, r.predicted);
      r.status = r.mismatches.empty() ? CaseResult::Status::Passed : CaseResult::Status::Failed;
    });
    for (auto& job : jobs) {
      const auto status = job.result.status;
      report.passed += status == CaseResult::Status::Passed ? 1 : 0;
      report.failed += status == CaseResult::Status::Failed ? 1 : 0;
      report.skipped += status == CaseResult::Status::Skipped ? 1 : 0;
      report.cases.push_back(std::move(job.result));
    }
  };
  run_variant(nullptr);
  for (const auto& variant : scenario.variants) run_variant(&variant);
  return true;
}

}  // namespace waypath::scenarios
