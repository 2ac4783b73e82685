// waypath test [FILE|DIR...]

#include <fmt/format.h>

#include <ostream>

#include "model/istio/profile.h"
#include "scenarios/runner.h"
#include "scenarios/shard/test_shard.h"
#include "sim/match/regex_match.h"
#include "tools/render/json.h"
#include "tools/render/report.h"
#include "tools/waypath/app.h"
#include "tools/waypath/results.h"
#include "tools/waypath/shard_run.h"

namespace waypath::tools {
namespace {

std::string rendered(const scenarios::Report& report, const Options& options, const Streams& streams) {
  const auto& format = options.common.format;
  if (format == "json") return report_json(report);
  if (format == "sarif") return report_sarif(report);
  if (format == "junit") return report_junit(report);
  if (format == "tap") return report_tap(report);
  if (format == "markdown") return report_markdown(report);
  if (format == "github") return report_github(report);
  return report_text(report, {use_colour(options, streams), options.common.verbose});
}

// A flow that stands for many is named once: which ones they are only the cluster tells.
std::string case_names(const std::vector<scenarios::Scenario>& read) {
  std::string out;
  for (const auto& scenario : read) {
    const auto add = [&](const std::string& variant) {
      std::string last;
      for (const auto& flow : scenario.flows) {
        const bool many = flow.from || flow.to;
        const std::string name = many ? flow.group + ": ..." : flow.flow.name;
        if (name != last) out += fmt::format("{} / {}{}\n", scenario.name, variant, name);
        last = name;
      }
      for (const auto& invariant : scenario.invariants)
        out += fmt::format("{} / {}{}\n", scenario.name, variant, invariant.name);
    };
    add("");
    for (const auto& variant : scenario.variants) add(variant.name + " / ");
  }
  return out;
}

// The scenarios that the flags name; what is wrong with them or the flags is reported.
std::optional<std::vector<scenarios::Scenario>> read_scenarios(const Options& options, const Streams& streams,
                                                               model::SourceFiles& files,
                                                               model::Diagnostics& diagnostics) {
  if (options.cluster.istio_version && !model::parse_istio_version(*options.cluster.istio_version)) {
    complain(streams,
             fmt::format("--istio-version: \"{}\" is no Istio version", *options.cluster.istio_version),
             "write 1.28 or 1.28.3");
    return std::nullopt;
  }
  if (!options.run.empty() && !sim::RegexMatch(options.run).valid()) {
    complain(streams, fmt::format("--run: \"{}\" is no regular expression", options.run),
             "RE2 syntax: github.com/google/re2/wiki/Syntax");
    return std::nullopt;
  }
  using Read = std::optional<std::vector<scenarios::Scenario>>;
  const auto give_up = [&]() {
    print_diagnostics(diagnostics, files, options, streams);
    return Read();
  };
  const auto paths = scenarios::find_scenarios(
      options.scenarios.empty() ? std::vector<std::string>{"."} : options.scenarios, diagnostics);
  if (diagnostics.has_errors()) return give_up();
  std::vector<scenarios::Scenario> read;
  for (const auto& path : paths)
    if (auto scenario = scenarios::read_scenario(path, files, diagnostics))
      read.push_back(std::move(*scenario));
  if (diagnostics.has_errors()) return give_up();
  if (read.empty()) {
    complain(streams, "no scenario file found",
             "a scenario is YAML with `kind: Scenario`; try `waypath test scenarios/`");
    return std::nullopt;
  }
  return read;
}

// What no case is no answer to. Exit 2.
int no_case(const Options& options, const Streams& streams) {
  complain(streams,
           options.tags.empty() ? fmt::format("no case matches --run '{}'", options.run)
                                : fmt::format("no case has the tags {} and matches --run '{}'",
                                              fmt::join(options.tags, ", "), options.run),
           "`waypath test --list` names the cases");
  return kExitUsage;
}

// `files`: those of the scenarios.
std::optional<scenarios::Report> run_cases(const Options& options, const Streams& streams,
                                           const std::optional<scenarios::Shard>& shard,
                                           model::SourceFiles& files, int& code) {
  code = kExitUsage;
  model::Diagnostics diagnostics;
  const auto read = read_scenarios(options, streams, files, diagnostics);
  if (!read) return std::nullopt;
  scenarios::RunOptions how;
  how.run = options.run;
  how.tags = options.tags;
  how.fail_fast = options.fail_fast;
  how.allow_exec = options.allow_exec;
  how.istio_version = options.cluster.istio_version;
  how.jobs = options.common.jobs;
  how.cache = cache_directory(options);
  how.shard = shard;
  scenarios::Report report;
  scenarios::Runner runner(diagnostics, files);
  bool loaded = true;
  const bool progress = streams.err_is_terminal && !options.common.quiet && read->size() > 1;
  for (std::size_t i = 0; i < read->size() && !report.stopped; ++i) {
    if (progress)
      streams.err << fmt::format("\r\x1b[K[{}/{}] {}", i + 1, read->size(), (*read)[i].path) << std::flush;
    loaded = runner.run((*read)[i], how, report) && loaded;
  }
  if (progress) streams.err << "\r\x1b[K";
  if (options.common.verbose)
    for (const auto& text : report.cache_remarks) streams.err << text << "\n";
  if (!options.common.quiet)
    for (const auto& text : report.cluster_diagnostics) streams.err << text;
  print_diagnostics(diagnostics, files, options, streams);
  if (loaded && report.cases.empty() && !shard) {
    code = no_case(options, streams);
    return std::nullopt;
  }
  if (loaded) code = report.failed > 0 ? kExitNegative : kExitFine;
  return report;
}

int run_shard(const Options& options, const ShardRun& run, const Streams& streams) {
  int code = kExitUsage;
  model::SourceFiles files;
  const auto report = run_cases(options, streams, run.shard, files, code);
  if (!report || code == kExitUsage) return kExitUsage;
  scenarios::Digest input;
  input.files(files);
  scenarios::ShardWriter out(run.path, shard_header(options, run, input));
  scenarios::write_cases(*report, out);
  return finish_shard(out, run, streams);
}

}  // namespace

std::optional<scenarios::Report> run_scenarios(const Options& options, const Streams& streams, int& code) {
  model::SourceFiles files;
  return run_cases(options, streams, std::nullopt, files, code);
}

int print_cases(const scenarios::Report& report, const Options& options, const Streams& streams) {
  if (report.cases.empty()) return no_case(options, streams);
  const int code = report.failed > 0 ? kExitNegative : kExitFine;
  return write_data(options, streams, rendered(report, options, streams)) ? code : kExitUsage;
}

int run_test(const Options& options, const Streams& streams) {
  const auto part = shard_choice(options, streams);
  if (!part.fine) return kExitUsage;
  if (part.run) return run_shard(options, *part.run, streams);
  if (options.list) {
    model::Diagnostics diagnostics;
    model::SourceFiles files;
    const auto read = read_scenarios(options, streams, files, diagnostics);
    return read && write_data(options, streams, case_names(*read)) ? kExitFine : kExitUsage;
  }
  int code = kExitUsage;
  const auto report = run_scenarios(options, streams, code);
  return report && write_data(options, streams, rendered(*report, options, streams)) ? code : kExitUsage;
}

}  // namespace waypath::tools
