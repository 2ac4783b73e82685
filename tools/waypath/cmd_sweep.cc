// waypath sweep failures|versions|rollout|policies

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <ostream>

#include "scenarios/flow_enumeration.h"
#include "scenarios/flow_selector.h"
#include "scenarios/rollout.h"
#include "scenarios/scenario.h"
#include "scenarios/sweep.h"
#include "tools/render/sweep.h"
#include "tools/waypath/app.h"
#include "tools/waypath/changed_cluster.h"
#include "tools/waypath/results.h"
#include "tools/waypath/shard_run.h"

namespace waypath::tools {
namespace {

// What a shell makes of a program that SIGINT ended.
constexpr int kExitInterrupted = 130;

std::atomic<bool> interrupted{false};
void on_interrupt(int) { interrupted = true; }

/// Takes SIGINT for as long as it lives: the first one ends the sweep after the case at hand, a second one
/// the program.
class Interruptible {
 public:
  Interruptible() {
    interrupted = false;
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &before_);
  }
  ~Interruptible() { sigaction(SIGINT, &before_, nullptr); }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  struct sigaction before_ {};
};

// Flows of the scenarios, else all that the cluster suggests.
std::optional<std::vector<scenarios::FlowGroup>> flow_groups(const sim::Engine& engine,
                                                             const Options& options, const Streams& streams,
                                                             scenarios::Digest& input) {
  std::vector<scenarios::FlowGroup> out;
  for (const auto& path : options.sweep.scenarios) {
    model::Diagnostics diagnostics;
    model::SourceFiles files;
    const auto scenario = scenarios::read_scenario(path, files, diagnostics);
    print_diagnostics(diagnostics, files, options, streams);
    if (!scenario || diagnostics.has_errors()) return std::nullopt;
    input.files(files);
    scenarios::FlowGroup group;
    group.assume = scenario->assume;
    scenarios::FlowSelection selection(engine.cluster());
    for (const auto& written : scenario->flows)
      for (auto& one : selection.expand(written)) group.flows.push_back(std::move(one.flow));
    out.push_back(std::move(group));
  }
  if (out.empty()) out.push_back({scenarios::enumerate_flows(engine.cluster()), {}});
  return out;
}

std::optional<std::vector<scenarios::RolloutPart>> rollout_parts(const sim::Engine& engine,
                                                                 const Options& options,
                                                                 const Streams& streams,
                                                                 scenarios::Digest& input) {
  std::vector<scenarios::RolloutPart> out;
  for (const auto& path : options.plan.changes) {
    const auto change = read_change(path, options, streams);
    if (!change) return std::nullopt;
    add_change(input, *change);
    scenarios::RolloutPart part;
    part.name = path;
    part.changes = change->changes;
    for (auto& one : part.changes) one.pos = {};  // places are of the change's own file
    out.push_back(std::move(part));
  }
  if (out.empty() || !options.sweep.enrol.empty()) {
    const auto more = scenarios::enrolment_parts(engine, options.sweep.enrol);
    for (const auto& name : options.sweep.enrol)
      if (std::none_of(more.begin(), more.end(), [&](const auto& p) { return p.name == "enrol " + name; })) {
        complain(streams, fmt::format("--enrol: there is no namespace {}", name),
                 "name a namespace of the manifests");
        return std::nullopt;
      }
    out.insert(out.end(), more.begin(), more.end());
  }
  if (out.size() >= 2) return out;
  complain(streams,
           out.empty()
               ? "nothing to roll out: every namespace with workloads is enrolled already"
               : fmt::format("nothing lies between: {} is the only part of the rollout", out.front().name),
           "give two or more --change, or --enrol NAMESPACE");
  return std::nullopt;
}

}  // namespace

int print_sweep(const scenarios::SweepOutcome& outcome, const Options& options, const Streams& streams) {
  const bool colour = options.common.format == "text" && use_colour(options, streams);
  if (!write_data(options, streams,
                  sweep_text(outcome, options.common.format, colour, options.common.verbose)))
    return kExitUsage;
  return sweep_found(outcome) ? kExitNegative : kExitFine;
}

int run_sweep(const Options& options, const Streams& streams) {
  const auto part = shard_choice(options, streams);
  if (!part.fine) return kExitUsage;
  const std::string& kind = options.sweep.kind;
  const auto& versions = options.plan;
  if (kind == "versions" && (versions.from_version.empty() || versions.to_version.empty())) {
    complain(streams, "sweep versions goes from one Istio version to another",
             "waypath sweep versions -f cluster/ --from-version 1.26 --to-version 1.29");
    return kExitUsage;
  }
  auto engine = load_engine(options, streams);
  if (!engine) return kExitUsage;
  scenarios::Digest input;
  input.files(engine->cluster().files());
  std::vector<scenarios::SweepStep> steps;
  std::vector<scenarios::RolloutPart> parts;
  model::Diagnostics diagnostics;
  if (kind == "failures") {
    steps = scenarios::failure_steps(*engine);
  } else if (kind == "policies") {
    steps = scenarios::policy_steps(*engine);
  } else if (kind == "versions") {
    const auto from = version_of(versions.from_version, "--from-version", streams);
    const auto to = from ? version_of(versions.to_version, "--to-version", streams) : std::nullopt;
    if (!to) return kExitUsage;
    if (!(*from < *to)) {
      complain(streams,
               fmt::format("--from-version {} is not before --to-version {}", from->str(), to->str()));
      return kExitUsage;
    }
    steps = scenarios::version_steps(*from, *to);
    model::Diagnostics quiet;
    engine = scenarios::rebuild(*engine, engine->cluster().snapshot(), from, quiet);
  } else {
    auto read = rollout_parts(*engine, options, streams, input);
    if (!read) return kExitUsage;
    parts = std::move(*read);
  }
  const auto flows = flow_groups(*engine, options, streams, input);
  if (!flows) return kExitUsage;
  SweepResult result;
  result.kind = kind;
  for (const auto& group : *flows) result.flows += group.flows.size();

  const Interruptible guard;
  scenarios::SweepOptions how;
  how.jobs = options.common.jobs;
  if (part.run) how.shard = part.run->shard;
  how.stop = [] { return interrupted.load(); };
  const bool show_progress = streams.err_is_terminal && !options.common.quiet;
  if (show_progress)
    how.progress = [&](std::size_t done, std::size_t all) {
      streams.err << fmt::format("\r{} of {} cases", done, all) << std::flush;
    };
  if (options.sweep.fail_fast)
    how.enough = [&](const scenarios::SweepCase& one) {
      if (kind == "rollout") return true;  // asked about bad states alone
      return sweep_found({kind, {{one}, 1, false}, std::nullopt, 0});
    };
  if (kind == "rollout")
    result.rollout = scenarios::run_rollout(*engine, parts, *flows, options.sweep.limit, how, diagnostics);
  else
    result.report = scenarios::run_sweep(*engine, steps, *flows, how, kind == "versions", diagnostics);
  if (show_progress) streams.err << "\r\x1b[K" << std::flush;
  print_diagnostics(diagnostics, engine->cluster().files(), options, streams);
  const bool stopped = result.rollout ? result.rollout->stopped : result.report.stopped;
  if (part.run) {
    if (stopped) return kExitInterrupted;  // the shard is not whole: it is not written
    if (diagnostics.has_errors()) return kExitUsage;
    scenarios::ShardWriter out(part.run->path, shard_header(options, *part.run, input));
    scenarios::write_sweep(result, out);
    return finish_shard(out, *part.run, streams);
  }
  const int code = print_sweep(result, options, streams);
  if (code == kExitUsage) return code;
  if (stopped) return kExitInterrupted;
  return diagnostics.has_errors() ? kExitUsage : code;
}

}  // namespace waypath::tools
