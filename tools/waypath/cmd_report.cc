// waypath report [SCENARIO...]

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "model/base/parallel.h"
#include "scenarios/plan.h"
#include "sim/lint/lint.h"
#include "sim/reach/exposure.h"
#include "sim/reach/reach.h"
#include "tools/render/html_report.h"
#include "tools/render/lint.h"
#include "tools/render/words.h"
#include "tools/waypath/app.h"
#include "tools/waypath/comparison.h"

namespace waypath::tools {
namespace {

// Past these the page would be no page any more.
constexpr std::size_t kMostFlows = 20000, kMostPods = 20000;

std::vector<sim::Verdict> verdicts(const sim::Engine& engine, const std::vector<sim::Flow>& flows,
                                   const sim::Assume& assume, const Options& options) {
  std::vector<sim::Verdict> out(flows.size());
  model::parallel_for_index(flows.size(), options.common.jobs, [&](std::size_t i) {
    model::Diagnostics own;  // what is wrong with a flow makes its verdict unknown
    out[i] = sim::simulate(engine, flows[i], assume, own);
  });
  return out;
}

void add_reach(HtmlReport& report, const sim::Engine& engine, const Options& options,
               const Streams& streams) {
  if (engine.cluster().pods().size() > kMostPods) {
    if (!options.common.quiet)
      streams.err << fmt::format(
          "note: {} pods are too many for a matrix on a page; `waypath reach --to` asks for a part\n",
          engine.cluster().pods().size());
    return;
  }
  sim::ReachOptions how;
  how.layer = sim::ReachOptions::Layer::Mesh;
  how.sim = engine.options();
  model::Diagnostics diagnostics;
  const auto matrix = sim::reach(engine.cluster_ptr(), how, diagnostics);
  report.set_reach(matrix, sim::exposures(engine.cluster(), how, diagnostics), "path");
}

// What lint says of both sides, as far as it differs.
void add_lint_changes(HtmlReport& report, const sim::Engine& before, const sim::Engine& after) {
  const auto id = [](const sim::Finding& f) {
    return std::tuple(f.code.text, f.object.key.str(), f.object.section, f.object.rule, f.message);
  };
  const auto was = sim::lint(before, {}), is = sim::lint(after, {});
  std::size_t numbers[] = {0, 0};
  const auto add = [&](const sim::LintResult& of, const sim::LintResult& other, const sim::Engine& engine,
                       const char* change, std::size_t& number) {
    std::set<decltype(id(other.findings.front()))> known;
    for (const auto& f : other.findings) known.insert(id(f));
    for (const auto& f : of.findings) {
      if (known.contains(id(f))) continue;
      ++number;
      report.add_finding(f, engine.cluster().files(), change);
    }
  };
  add(is, was, after, "new", numbers[0]);
  add(was, is, before, "gone", numbers[1]);
  if (numbers[0] > 0)
    report.add_number(numbers[0] == 1 ? "new finding" : "new findings", numbers[0], "unknown");
  if (numbers[1] > 0)
    report.add_number(numbers[1] == 1 ? "finding gone" : "findings gone", numbers[1], "allow");
}

int write_report(const HtmlReport& report, const Options& options, const Streams& streams, int code) {
  return write_data(options, streams, report.html()) ? code : kExitUsage;
}

int of_scenarios(const Options& options, const Streams& streams) {
  int code = kExitFine;
  const auto run = run_scenarios(options, streams, code);
  if (!run) return code;
  HtmlReport report("waypath test", fmt::format("{} of {}.", counted(run->cases.size(), "case"),
                                                fmt::join(options.scenarios, ", ")));
  report.add_number("passed", run->passed, "allow");
  report.add_number("failed", run->failed, run->failed > 0 ? "refused" : "");
  if (run->skipped > 0) report.add_number("skipped", run->skipped, "unknown");
  for (const auto& result : run->cases) report.add_case(result);
  return write_report(report, options, streams, code);
}

int of_plan(const Options& options, const Streams& streams) {
  const auto sides = plan_sides(options, streams);
  const auto compared = sides ? comparison(options, streams, *sides->before, *sides->after) : std::nullopt;
  if (!compared) return kExitUsage;
  const auto& plan = compared->plan;
  HtmlReport report("waypath plan",
                    fmt::format("{} made to {}; {} compared.", fmt::join(options.plan.changes, ", "),
                                fmt::join(cluster_paths(options), ", "), counted(plan.compared, "flow")));
  std::map<std::string, std::size_t> kinds;
  std::vector<sim::Flow> flows;
  for (const auto& change : plan.changes) {
    ++kinds[change.loses_enforcement ? "unguarded" : std::string(to_string(change.kind))];
    flows.push_back(change.flow);
  }
  for (const auto& [kind, count] : kinds)
    report.add_number(kind, count,
                      kind == "opens"                           ? "allow"
                      : kind == "breaks" || kind == "unguarded" ? "refused"
                                                                : "unknown");
  report.add_number("unchanged", plan.unchanged, "");
  const auto was = verdicts(*sides->before, flows, compared->assume, options);
  const auto is = verdicts(*sides->after, flows, compared->assume, options);
  for (std::size_t i = 0; i < flows.size(); ++i)
    report.add_change(plan, plan.changes[i], was[i], sides->before->cluster().files(), is[i],
                      sides->after->cluster().files());
  add_reach(report, *sides->after, options, streams);
  add_lint_changes(report, *sides->before, *sides->after);
  return write_report(report, options, streams, plan.changes.empty() ? kExitFine : kExitNegative);
}

int of_cluster(const Options& options, const Streams& streams) {
  const auto engine = load_engine(options, streams);
  auto asked = engine ? questions(options, streams, *engine, *engine) : std::nullopt;
  if (!asked) return kExitUsage;
  std::string about =
      fmt::format("{}: {}", fmt::join(cluster_paths(options), ", "), counted(asked->flows.size(), "flow"));
  if (asked->flows.size() > kMostFlows) {
    about += fmt::format(", the first {} of them here: --scenario names those that matter", kMostFlows);
    asked->flows.resize(kMostFlows);
  }
  HtmlReport report("waypath report",
                    about + fmt::format(". Istio {}.", engine->cluster().profile().version().str()));
  const auto said = verdicts(*engine, asked->flows, asked->assume, options);
  std::map<sim::Outcome, std::size_t> outcomes;
  for (const auto& verdict : said) ++outcomes[verdict.outcome];
  for (const auto& [outcome, count] : outcomes)
    report.add_number(std::string(to_string(outcome)), count,
                      outcome == sim::Outcome::Allow     ? "allow"
                      : outcome == sim::Outcome::Unknown ? "unknown"
                                                         : "refused");
  for (std::size_t i = 0; i < said.size(); ++i)
    report.add_flow(asked->flows[i], said[i], engine->cluster().files());
  add_reach(report, *engine, options, streams);
  const auto linted = sim::lint(*engine, {});
  add_findings(report, {linted, engine->cluster().files(), model::Severity::Info});
  return write_report(report, options, streams, kExitFine);
}

}  // namespace

int run_report(const Options& options, const Streams& streams) {
  if (!options.scenarios.empty()) {
    if (options.plan.changes.empty() && options.cluster.files.empty()) return of_scenarios(options, streams);
    complain(streams, "report: scenario files bring their own cluster",
             "leave out -f and --change, or give --scenario FILE");
    return kExitUsage;
  }
  return options.plan.changes.empty() ? of_cluster(options, streams) : of_plan(options, streams);
}

}  // namespace waypath::tools
