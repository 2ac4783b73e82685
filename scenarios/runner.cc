#include "scenarios/runner.h"

#include <algorithm>
#include <utility>

#include "model/base/parallel.h"
#include "model/load/manifest_loader.h"
#include "sim/match/regex_match.h"

namespace waypath::scenarios {
namespace {

using model::Diagnostics;

std::string first_error(const Diagnostics& diagnostics, const model::SourceFiles& files) {
  for (const auto& d : diagnostics.sorted(files)) {
    if (d.severity != model::Severity::Error) continue;
    auto text = model::format_diagnostic(d, files);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  return {};
}

void keep(const Diagnostics& found, const model::SourceFiles& files, std::vector<std::string>& out) {
  for (const auto& d : found.sorted(files)) {
    auto text = model::format_diagnostic(d, files);
    if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(std::move(text));
  }
}

// What has to be run of one cluster: the scenario's own, or a variant of it.
struct Batch {
  const Variant* variant = nullptr;
  std::vector<std::pair<const FlowCase*, const Expectation*>> flows;
  std::vector<CaseResult> results;
  std::vector<std::string> diagnostics;
};

std::optional<std::string> version_of(const Scenario& scenario, const Variant* variant,
                                      const RunOptions& options) {
  auto version = options.istio_version ? options.istio_version : scenario.istio_version;
  if (variant == nullptr) return version;
  for (const auto& change : variant->changes)
    if (const auto* v = std::get_if<model::VersionChange>(&change.what)) version = v->istio_version;
  return version;
}

void run_flow(const sim::Engine& engine, const Scenario& scenario, const FlowCase& flow,
              const Expectation* expected, CaseResult& r) {
  Diagnostics found;
  r.files = engine.cluster().files();
  r.predicted = sim::simulate(engine, flow.flow, scenario.assume, found);
  for (const auto& d : found.items()) {
    if (d.severity != model::Severity::Error) continue;
    r.status = CaseResult::Status::Failed;
    r.message = d.message + (d.hint.empty() ? "" : "; " + d.hint);
    return;
  }
  if (expected == nullptr) {
    r.status = CaseResult::Status::Skipped;
    r.message = "nothing is expected of this flow";
    return;
  }
  r.mismatches = compare(*expected, r.predicted);
  r.status = r.mismatches.empty() ? CaseResult::Status::Passed : CaseResult::Status::Failed;
}

// The changes with their places in the file table of the snapshot that they are made to.
std::vector<model::Change> changes_in(std::vector<model::Change> changes, std::uint32_t file) {
  for (auto& change : changes) {
    change.pos.file = file;
    std::visit(
        [&](auto& what) {
          if constexpr (requires { what.ref; }) what.ref.pos.file = file;
        },
        change.what);
  }
  return changes;
}

void run_batch(const Scenario& scenario, const model::Snapshot& base, std::uint32_t scenario_file,
               const RunOptions& options, unsigned jobs, Batch& batch) {
  std::shared_ptr<const sim::Engine> engine;
  std::string broken;
  Diagnostics building;
  const auto version = version_of(scenario, batch.variant, options);
  if (batch.variant == nullptr) {
    engine = build_engine(base, scenario, version, building);
    if (engine == nullptr || building.has_input_errors()) broken = first_error(building, base.files());
    keep(building, base.files(), batch.diagnostics);
  } else {
    // A change that cannot be made, or that makes an object which the API server would refuse, tests nothing.
    auto changed = model::apply_changes(base, changes_in(batch.variant->changes, scenario_file), building);
    const auto files = changed.files();
    const bool applied = !building.has_errors();
    if (applied) engine = build_engine(std::move(changed), scenario, version, building);
    if (engine == nullptr || building.has_input_errors()) broken = first_error(building, files);
    keep(building, files, batch.diagnostics);
  }
  if (engine == nullptr && broken.empty()) broken = "the cluster cannot be built";
  model::parallel_for_index(batch.flows.size(), jobs, [&](std::size_t i) {
    auto& r = batch.results[i];
    if (broken.empty()) {
      run_flow(*engine, scenario, *batch.flows[i].first, batch.flows[i].second, r);
    } else {
      r.status = CaseResult::Status::Failed;
      r.message = broken;
    }
  });
}

Batch plan_batch(const Scenario& scenario, const Variant* variant,
                 const std::optional<sim::RegexMatch>& filter, const model::SourceFiles& files) {
  Batch batch;
  batch.variant = variant;
  for (const auto& flow : scenario.flows) {
    const Expectation* expected = flow.expect ? &*flow.expect : nullptr;
    if (variant != nullptr) {
      if (!variant->flows.empty() &&
          std::find(variant->flows.begin(), variant->flows.end(), flow.flow.name) == variant->flows.end())
        continue;
      const auto it = variant->expect.find(flow.flow.name);
      if (it != variant->expect.end()) expected = &it->second;
      if (expected == nullptr) continue;  // asked neither here nor of the cluster as it is
    }
    // Stated for variants alone: no question about the cluster as it is.
    if (expected == nullptr &&
        std::any_of(scenario.variants.begin(), scenario.variants.end(),
                    [&](const Variant& v) { return v.expect.contains(flow.flow.name); }))
      continue;
    CaseResult r;
    r.scenario = scenario.name;
    r.path = scenario.path;
    r.variant = variant == nullptr ? "" : variant->name;
    r.flow = flow.flow.name;
    r.tags = variant == nullptr ? flow.tags : variant->tags;
    if (filter && !filter->full_match(r.scenario + " / " + r.variant + " / " + r.flow)) continue;
    if (expected != nullptr) {
      r.expected = *expected;
      r.place = files.format(expected->pos);
    }
    batch.flows.emplace_back(&flow, expected);
    batch.results.push_back(std::move(r));
  }
  return batch;
}

}  // namespace

model::Snapshot load_snapshot(const Scenario& scenario, const RunOptions& options, Diagnostics& diagnostics) {
  model::LoadOptions load;
  load.jobs = options.jobs;
  return scenario.inline_cluster ? model::load_texts({{scenario.path, scenario.text}}, load, diagnostics)
                                 : model::load_manifests(scenario.manifests, load, diagnostics);
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

bool Runner::run(const Scenario& scenario, const RunOptions& options, Report& report) {
  std::optional<sim::RegexMatch> filter;
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
  const auto add = [&](const Variant* variant) {
    auto batch = plan_batch(scenario, variant, filter, files_);
    if (!batch.flows.empty()) batches.push_back(std::move(batch));
  };
  add(nullptr);
  for (const auto& variant : scenario.variants) add(&variant);
  if (batches.empty()) return true;

  Diagnostics loading;
  std::uint32_t scenario_file = 0;
  const auto base =
      load_snapshot(scenario, options, loading).with_file(scenario.path, scenario.text, scenario_file);
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
  // Variants side by side; a scenario without any spreads its flows instead.
  const unsigned inner = batches.size() == 1 ? options.jobs : 1;
  model::parallel_for_index(batches.size(), options.jobs, [&](std::size_t i) {
    run_batch(scenario, base, scenario_file, options, inner, batches[i]);
  });
  for (auto& batch : batches) {
    for (auto& text : batch.diagnostics)
      if (std::find(report.cluster_diagnostics.begin(), report.cluster_diagnostics.end(), text) ==
          report.cluster_diagnostics.end())
        report.cluster_diagnostics.push_back(std::move(text));
    for (auto& r : batch.results) {
      report.passed += r.status == CaseResult::Status::Passed ? 1 : 0;
      report.failed += r.status == CaseResult::Status::Failed ? 1 : 0;
      report.skipped += r.status == CaseResult::Status::Skipped ? 1 : 0;
      report.cases.push_back(std::move(r));
    }
  }
  return true;
}

}  // namespace waypath::scenarios
