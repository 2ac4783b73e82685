#include "scenarios/batch.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "model/base/parallel.h"
#include "model/change.h"
#include "scenarios/flow_identity.h"
#include "scenarios/flow_selector.h"

namespace waypath::scenarios {
namespace {

using model::Diagnostics;

bool wanted(const Filter& filter, const CaseResult& r) {
  return !filter || filter->full_match(r.scenario + " / " + r.variant + " / " + r.flow);
}

// By what the case is called: that is known, whatever becomes of it.
bool own(const RunOptions& options, const CaseResult& r) {
  return !options.shard ||
         options.shard->has(r.path + '\x1f' + r.scenario + '\x1f' + r.variant + '\x1f' + r.flow);
}

bool wanted(const std::vector<std::string>& tags, const CaseResult& r) {
  bool any = false, chosen = false;
  for (const auto& tag : tags) {
    const bool without = tag.front() == '!';
    const bool has = std::find(r.tags.begin(), r.tags.end(), without ? tag.substr(1) : tag) != r.tags.end();
    if (without && has) return false;
    if (without) continue;
    any = true;
    chosen = chosen || has;
  }
  return !any || chosen;
}

std::optional<std::string> version_of(const Scenario& scenario, const Variant* variant,
                                      const RunOptions& options) {
  auto version = options.istio_version ? options.istio_version : scenario.istio_version;
  if (variant == nullptr) return version;
  for (const auto& change : variant->changes)
    if (const auto* v = std::get_if<model::VersionChange>(&change.what)) version = v->istio_version;
  return version;
}

std::string error_of(const Diagnostics& found) {
  for (const auto& d : found.items())
    if (d.severity == model::Severity::Error) return d.message + (d.hint.empty() ? "" : "; " + d.hint);
  return {};
}

void judge_flow(const sim::Verdict& verdict, const std::string& error, const Expectation* expected,
                CaseResult& r) {
  r.predicted = verdict;
  r.message = error;
  if (!error.empty()) {
    r.status = CaseResult::Status::Failed;
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

// Whether a path comes out as must never be; what the manifests do not tell may, too.
bool breaks(const Invariant& invariant, const sim::PathVerdict& path) {
  const auto mismatches = compare(invariant.what, path);
  if (!invariant.never) return !mismatches.empty();
  const bool undecided = path.outcome == sim::Outcome::Unknown && invariant.what.outcome != "unknown";
  return mismatches.empty() || undecided;
}

/// A case and the flows that it asks about.
struct Run {
  const Question* question;  // null: it chooses no flow
  std::vector<FlowCase> flows;
  const Expectation* expected = nullptr;
  struct Slot {  // invariant: of each flow
    bool broken = false;
    std::string error;
  };
  std::vector<Slot> slots;
};

void judge_invariant(const sim::Engine& engine, const Scenario& scenario, const Run& run, CaseResult& r) {
  const Question& q = *run.question;
  const auto& flows = run.flows;
  const auto& slots = run.slots;
  r.files = engine.cluster().files();
  r.checked = flows.size();
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (!slots[i].error.empty()) {
      r.status = CaseResult::Status::Failed;
      r.message = flows[i].flow.name + ": " + slots[i].error;
      return;
    }
    if (!slots[i].broken) continue;
    if (!first) first = i;
    r.violations.push_back(flows[i].flow.from + " -> " + flows[i].flow.to);
  }
  r.status = r.violations.empty() == q.violated ? CaseResult::Status::Failed : CaseResult::Status::Passed;
  if (flows.empty()) {
    r.status = CaseResult::Status::Failed;
    r.message = "no flow to ask: its from and to choose nothing in this cluster";
  } else if (q.violated && r.violations.empty()) {
    r.message = "all " + std::to_string(flows.size()) + " flows keep it, and the variant says violates";
  } else if (first) {
    Diagnostics found;
    r.predicted = sim::simulate(engine, flows[*first].flow, scenario.assume, found);
    r.message = "broken by " + std::to_string(r.violations.size()) + " of " + std::to_string(flows.size()) +
                (flows.size() == 1 ? " flow" : " flows");
    if (!q.invariant->never) r.mismatches = compare(q.invariant->what, r.predicted);
    if (r.predicted.outcome == sim::Outcome::Unknown && q.invariant->never)
      r.message += ": the manifests do not tell, and never has to be certain";
  } else {
    r.message = "holds for " + std::to_string(flows.size()) + (flows.size() == 1 ? " flow" : " flows");
  }
}

bool listed(const std::vector<std::string>& names, const FlowCase& flow) {
  return std::any_of(names.begin(), names.end(),
                     [&](const auto& name) { return name == flow.flow.name || name == flow.group; });
}

// A flow's own name goes before its group's.
const Expectation* stated(const std::map<std::string, Expectation>& expect, const FlowCase& flow) {
  for (const auto& name : {flow.flow.name, flow.group})
    if (const auto it = expect.find(name); it != expect.end()) return &it->second;
  return nullptr;
}

// Whether one of the flows that this one stands for is named.
bool stated_for_some(const std::map<std::string, Expectation>& expect, const FlowCase& flow) {
  const std::string prefix = flow.group + ": ";
  const auto it = expect.lower_bound(prefix);
  return (flow.from || flow.to) && it != expect.end() && it->first.compare(0, prefix.size(), prefix) == 0;
}

// What is stated beside the flows: of the cluster as it is, or of a variant.
const std::map<std::string, Expectation>& beside_flows(const Scenario& scenario, const Variant* variant) {
  return variant == nullptr ? scenario.expect : variant->expect;
}

// Of `flow`, which is one of those that `written` stands for. The pointer is into the scenario.
const Expectation* expected_of(const Scenario& scenario, const Variant* variant, const FlowCase& written,
                               const FlowCase& flow) {
  const Expectation* out = stated(beside_flows(scenario, variant), flow);
  return out == nullptr && written.expect ? &*written.expect : out;
}

// Every flow of the runs, equal ones once: cases take the verdict, invariants what they look for in it.
void simulate_once(const sim::Engine& engine, const Scenario& scenario, unsigned jobs, std::vector<Run>& runs,
                   std::vector<CaseResult>& results) {
  struct Asked {
    std::size_t run, slot;
  };
  std::vector<std::vector<Asked>> distinct;
  std::unordered_map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < runs.size(); ++i)
    for (std::size_t slot = 0; slot < runs[i].flows.size(); ++slot) {
      const auto [at, added] = known.emplace(flow_identity(runs[i].flows[slot].flow), distinct.size());
      if (added) distinct.emplace_back();
      distinct[at->second].push_back({i, slot});
    }
  model::parallel_for_index(distinct.size(), jobs, [&](std::size_t n) {
    const Asked& first = distinct[n].front();
    Diagnostics found;
    const auto verdict =
        sim::simulate(engine, runs[first.run].flows[first.slot].flow, scenario.assume, found);
    const std::string error = error_of(found);
    for (const auto& [i, slot] : distinct[n]) {
      Run& run = runs[i];
      if (run.question->invariant == nullptr) {
        results[i].files = engine.cluster().files();
        judge_flow(verdict, error, run.expected, results[i]);
        continue;
      }
      run.slots[slot].error = error;
      run.slots[slot].broken =
          error.empty() && std::any_of(verdict.paths.begin(), verdict.paths.end(), [&](const auto& path) {
            return breaks(*run.question->invariant, path);
          });
    }
  });
}

// The cases of a batch in a cluster that stands: selectors become flows.
void run_questions(const sim::Engine& engine, const Scenario& scenario, const Filter& filter,
                   const RunOptions& options, const model::SourceFiles& places, unsigned jobs, Batch& batch) {
  FlowSelection selection(engine.cluster());
  std::vector<Run> runs;
  std::set<std::string> names;
  const auto add = [&](CaseResult r, Run run) {
    if (!own(options, r)) return;
    batch.results.push_back(std::move(r));
    runs.push_back(std::move(run));
  };
  for (const auto& q : batch.questions) {
    if (q.invariant != nullptr) {
      if (!own(options, q.head)) continue;
      Run run{&q, {}, nullptr, {}};
      for (const auto& flow : q.invariant->flows)
        for (auto& one : selection.expand(flow)) run.flows.push_back(std::move(one));
      run.slots.resize(run.flows.size());
      add(q.head, std::move(run));
      continue;
    }
    auto flows = selection.expand(*q.flow);
    std::uint32_t number = 0;
    for (auto& flow : flows) {
      CaseResult r = q.head;
      r.order[3] = number++;
      r.flow = flow.flow.name;
      // Selectors of one flow may overlap.
      if (!names.insert(r.flow).second || !wanted(filter, r)) continue;
      const auto* expected = expected_of(scenario, batch.variant, *q.flow, flow);
      if (expected != nullptr) {
        r.expected = *expected;
        r.place = places.format(expected->pos);
      }
      add(std::move(r), {&q, {std::move(flow)}, expected, {}});
    }
    if (!flows.empty()) continue;
    CaseResult r = q.head;
    r.status = CaseResult::Status::Failed;
    r.message = "no flow to ask: its from and to choose nothing in this cluster";
    add(std::move(r), {nullptr, {}, nullptr, {}});
  }
  simulate_once(engine, scenario, jobs, runs, batch.results);
  model::parallel_for_index(runs.size(), jobs, [&](std::size_t i) {
    if (runs[i].question != nullptr && runs[i].question->invariant != nullptr)
      judge_invariant(engine, scenario, runs[i], batch.results[i]);
  });
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

void append(std::vector<std::string>& tags, const std::vector<std::string>& more) {
  for (const auto& tag : more)
    if (std::find(tags.begin(), tags.end(), tag) == tags.end()) tags.push_back(tag);
}

Question question(const Scenario& scenario, const Variant* variant, const std::string& name,
                  const std::vector<std::string>& tags) {
  Question q;
  q.head.scenario = scenario.name;
  q.head.path = scenario.path;
  q.head.variant = variant == nullptr ? "" : variant->name;
  q.head.flow = name;
  q.head.tags = scenario.tags;
  if (variant != nullptr) append(q.head.tags, variant->tags);
  append(q.head.tags, tags);
  return q;
}

}  // namespace

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

bool may_have_cases(const Batch& batch, const RunOptions& options) {
  return std::any_of(batch.questions.begin(), batch.questions.end(), [&](const Question& q) {
    const bool many = q.flow != nullptr && (q.flow->from || q.flow->to);
    return many || own(options, q.head);
  });
}

void run_batch(const Scenario& scenario, const model::Snapshot& base, const model::SourceFiles& read_from,
               const Filter& filter, const RunOptions& options, unsigned jobs, Batch& batch) {
  for (std::size_t i = 0; i < batch.questions.size(); ++i)
    batch.questions[i].head.order = {batch.order[0], batch.order[1], static_cast<std::uint32_t>(i), 0};
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
    const auto written = batch.variant->pos.file;
    std::uint32_t file = 0;
    const auto with_text =
        base.with_file(std::string(read_from.path(written)), std::string(read_from.text(written)), file);
    auto changed = model::apply_changes(with_text, changes_in(batch.variant->changes, file), building);
    const auto files = changed.files();
    const bool applied = !building.has_errors();
    if (applied) engine = build_engine(std::move(changed), scenario, version, building);
    if (engine == nullptr || building.has_input_errors()) broken = first_error(building, files);
    keep(building, files, batch.diagnostics);
  }
  if (engine == nullptr && broken.empty()) broken = "the cluster cannot be built";
  if (broken.empty()) {
    run_questions(*engine, scenario, filter, options, read_from, jobs, batch);
    return;
  }
  for (const auto& q : batch.questions) {
    if (!own(options, q.head)) continue;
    batch.results.push_back(q.head);
    batch.results.back().status = CaseResult::Status::Failed;
    batch.results.back().message = broken;
  }
}

Batch plan_batch(const Scenario& scenario, const Variant* variant, const Filter& filter,
                 const RunOptions& options, const model::SourceFiles& files) {
  Batch batch;
  batch.variant = variant;
  for (const auto& flow : scenario.flows) {
    const Expectation* expected = expected_of(scenario, variant, flow, flow);
    const bool some = stated_for_some(beside_flows(scenario, variant), flow);
    if (variant != nullptr) {
      if (!variant->flows.empty() && !listed(variant->flows, flow)) continue;
      if (expected == nullptr && !some) continue;  // asked neither here nor of the cluster as it is
    }
    // Stated for variants alone: no question about the cluster as it is.
    if (expected == nullptr && !some &&
        std::any_of(scenario.variants.begin(), scenario.variants.end(), [&](const Variant& v) {
          return stated(v.expect, flow) != nullptr || stated_for_some(v.expect, flow);
        }))
      continue;
    auto q = question(scenario, variant, flow.flow.name, flow.tags);
    const bool many = flow.from || flow.to;  // names are known when the cluster is
    if (!wanted(options.tags, q.head) || (!many && !wanted(filter, q.head))) continue;
    q.flow = &flow;
    if (expected != nullptr) {
      q.head.expected = *expected;
      q.head.place = files.format(expected->pos);
    }
    batch.questions.push_back(std::move(q));
  }
  for (const auto& invariant : scenario.invariants) {
    auto q = question(scenario, variant, invariant.name, invariant.tags);
    if (!wanted(options.tags, q.head) || !wanted(filter, q.head)) continue;
    q.invariant = &invariant;
    q.violated = variant != nullptr && std::find(variant->violates.begin(), variant->violates.end(),
                                                 invariant.name) != variant->violates.end();
    q.head.invariant = true;
    q.head.expected = invariant.what;
    q.head.place = files.format(invariant.what.pos);
    batch.questions.push_back(std::move(q));
  }
  return batch;
}

}  // namespace waypath::scenarios
