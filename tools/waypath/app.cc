#include "tools/waypath/app.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <ostream>

#include "model/base/edit_distance.h"
#include "model/load/manifest_loader.h"
#include "scenarios/git_tree.h"
#include "tools/waypath/next_steps.h"

namespace waypath::tools {

bool write_pieces(const Options& options, const Streams& streams,
                  const std::function<void(const std::function<bool(std::string_view)>&)>& fill) {
  const auto through = [&](std::ostream& out) {
    constexpr std::size_t kBuffer = std::size_t{1} << 16U;
    std::string held;
    const auto put = [&] {
      out.write(held.data(), static_cast<std::streamsize>(held.size()));
      held.clear();
      return out.good();
    };
    fill([&](std::string_view piece) {
      held += piece;
      return held.size() < kBuffer || put();
    });
    return out.good() && put() && out.flush().good();
  };
  errno = 0;
  if (options.common.out.empty() || options.common.out == "-") {
    if (through(streams.out) || errno == EPIPE) return true;
    complain(streams, fmt::format("standard output cannot be written: {}", std::strerror(errno)));
    return false;
  }
  std::ofstream file(options.common.out, std::ios::binary | std::ios::trunc);
  if (through(file)) return true;
  complain(streams, fmt::format("{} cannot be written: {}", options.common.out, std::strerror(errno)));
  return false;
}

bool write_data(const Options& options, const Streams& streams, const std::string& text) {
  return write_pieces(options, streams, [&](const auto& write) { static_cast<void>(write(text)); });
}

void print_diagnostics(const model::Diagnostics& diagnostics, const model::SourceFiles& files,
                       const Options& options, const Streams& streams) {
  std::size_t remarks = 0;
  for (const auto& d : diagnostics.sorted(files)) {
    if (d.severity == model::Severity::Warning && options.common.quiet) continue;
    if (d.severity == model::Severity::Info && !options.common.verbose) {
      ++remarks;
      continue;
    }
    streams.err << model::format_diagnostic(d, files);
  }
  if (remarks > 0 && !options.common.quiet && streams.err_is_terminal)
    streams.err << fmt::format("{} remark{} more with -v\n", remarks, remarks == 1 ? "" : "s");
}

bool use_colour(const Options& options, const Streams& streams) {
  if (options.common.colour != "auto") return options.common.colour == "always";
  // Source: no-color.org
  const char* no_colour = std::getenv("NO_COLOR");
  return options.common.out.empty() && streams.out_is_terminal &&
         (no_colour == nullptr || *no_colour == '\0');
}

void complain(const Streams& streams, const std::string& message, const std::string& hint) {
  streams.err << "error: " << message << "\n";
  if (!hint.empty()) streams.err << "  hint: " << hint << "\n";
}

std::vector<std::string> cluster_paths(const Options& options) {
  if (!options.cluster.files.empty()) return options.cluster.files;
  const char* fallback = std::getenv("WAYPATH_CLUSTER");
  if (fallback == nullptr || *fallback == '\0') return {};
  return {fallback};
}

std::string cache_directory(const Options& options) {
  if (!options.cluster.cache.empty()) return options.cluster.cache;
  const char* given = std::getenv("WAYPATH_CACHE");
  return given == nullptr ? std::string() : given;
}

std::shared_ptr<const sim::Engine> load_engine(const Options& options, const Streams& streams) {
  const auto paths = cluster_paths(options);
  if (paths.empty()) {
    const std::string example = example_cluster();
    complain(streams, "which cluster? No -f and no WAYPATH_CLUSTER",
             "give manifests with -f FILE|DIR, dump a live cluster with `waypath snapshot DIR`" +
                 (example.empty() ? std::string()
                                  : ", or try the example:\n        waypath trace internet "
                                    "https://prometheus.dev.bigbang.mil/graph -f " +
                                        example));
    return nullptr;
  }
  model::Diagnostics diagnostics;
  model::LoadOptions load;
  load.jobs = options.common.jobs;
  if (!options.cluster.default_namespace.empty()) load.default_namespace = options.cluster.default_namespace;
  load.cache_directory = cache_directory(options);
  std::vector<std::string> on_disk;
  std::vector<model::SourceFile> of_git;
  for (const auto& path : paths) {
    if (!scenarios::is_git_path(path)) {
      on_disk.push_back(path);
      continue;
    }
    std::string error;
    auto files = scenarios::read_git_tree(path, error);
    if (!files) {
      complain(streams, fmt::format("{}: {}", path, error),
               "`git ls-tree -r REVISION` lists what a revision holds");
      return nullptr;
    }
    of_git.insert(of_git.end(), std::make_move_iterator(files->begin()),
                  std::make_move_iterator(files->end()));
  }
  model::LoadStats stats;
  model::Snapshot snapshot = model::load_manifests(on_disk, of_git, load, diagnostics, &stats);
  if (options.common.verbose && !stats.cache_remark.empty()) streams.err << stats.cache_remark << "\n";
  const model::SourceFiles files = snapshot.files();
  const auto give_up = [&]() {
    print_diagnostics(diagnostics, files, options, streams);
    return std::shared_ptr<const sim::Engine>();
  };
  if (diagnostics.has_input_errors()) return give_up();
  if (stats.objects == 0) {
    give_up();
    if (diagnostics.has_errors()) {
      complain(streams, fmt::format("no object of {} is left: the API server would refuse each, see above",
                                    fmt::join(paths, ", ")));
    } else if (!snapshot.skipped().empty()) {
      std::vector<std::string> kinds;
      for (const auto& skipped : snapshot.skipped())
        kinds.push_back(fmt::format("{} {}", skipped.count, skipped.kind));
      complain(streams,
               fmt::format("nothing in {} has an effect on traffic: {}", fmt::join(paths, ", "),
                           fmt::join(kinds, ", ")),
               "give the manifests of workloads, Services and policies as well");
    } else {
      complain(
          streams, fmt::format("no Kubernetes object in {}", fmt::join(paths, ", ")),
          "-f takes manifests as `kubectl apply -f` does: *.yaml, *.yml, *.json, or - for standard input");
    }
    return nullptr;
  }
  model::ClusterOptions cluster_options;
  if (options.cluster.istio_version) {
    cluster_options.version = model::parse_istio_version(*options.cluster.istio_version);
    if (!cluster_options.version) {
      complain(
          streams, fmt::format("--istio-version: \"{}\" is no Istio version", *options.cluster.istio_version),
          fmt::format("write 1.28 or 1.28.3; the newest known is {}", model::newest_known_version().str()));
      return nullptr;
    }
  }
  for (const auto& text : options.cluster.pod_cidrs) {
    const auto cidr = model::parse_cidr(text);
    if (!cidr) {
      complain(streams, fmt::format("--pod-cidr: \"{}\" is no CIDR block", text), "write 10.42.0.0/16");
      return nullptr;
    }
    cluster_options.pod_cidrs.push_back(*cidr);
  }
  sim::SimOptions sim_options;
  if (options.cluster.cni) {
    sim_options.cni = *options.cluster.cni == "calico"   ? sim::Cni::Calico
                      : *options.cluster.cni == "cilium" ? sim::Cni::Cilium
                      : *options.cluster.cni == "ovn"    ? sim::Cni::Ovn
                                                         : sim::Cni::Generic;
  }
  auto cluster = model::Cluster::build(std::move(snapshot), cluster_options, diagnostics);
  auto engine = sim::Engine::build(std::move(cluster), sim_options, diagnostics);
  print_diagnostics(diagnostics, files, options, streams);
  if (options.common.strict && model::has_refusals(diagnostics)) {
    complain(streams, "--strict: the API server would refuse objects of the input, see above");
    return nullptr;
  }
  return engine;
}

std::optional<std::string> drawn(Picture picture, const Options& options, const Streams& streams) {
  const auto names = focus_names(picture);
  const auto missed = fit(picture, {options.diagram.focus, options.diagram.depth, options.diagram.each});
  if (missed.empty()) return write_picture(picture, options.common.format);
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto near = model::nearest(missed.front(), known);
  complain(streams,
           fmt::format("--focus: \"{}\" is nothing of this diagram{}", missed.front(),
                       near ? fmt::format(", did you mean \"{}\"?", *near) : ""),
           "write NAMESPACE or NAMESPACE/NAME; * stands for any text");
  return std::nullopt;
}

std::optional<sim::Verdict> verdict_of(const sim::Engine& engine, const sim::Flow& flow,
                                       const Options& options, const Streams& streams) {
  model::Diagnostics diagnostics;
  sim::Verdict verdict = sim::simulate(engine, flow, {}, diagnostics);
  print_diagnostics(diagnostics, engine.cluster().files(), options, streams);
  if (diagnostics.has_errors()) return std::nullopt;
  return verdict;
}

int run_app(const std::vector<std::string>& arguments, const std::string& program, const Streams& streams) {
  const ParseResult parsed = parse_options(arguments, program);
  streams.err << parsed.err;
  if (!parsed.options) {
    streams.out << parsed.out << std::flush;
    return parsed.exit_code;
  }
  switch (parsed.options->verb) {
    case Verb::Trace:
      return run_trace(*parsed.options, streams);
    case Verb::Test:
      return run_test(*parsed.options, streams);
    case Verb::Graph:
      return run_graph(*parsed.options, streams);
    case Verb::Reach:
      return run_reach(*parsed.options, streams);
    case Verb::Plan:
      return run_plan(*parsed.options, streams);
    case Verb::Diff:
      return run_diff(*parsed.options, streams);
    case Verb::Record:
      return run_record(*parsed.options, streams);
    case Verb::Lint:
      return run_lint(*parsed.options, streams);
    case Verb::Replay:
      return run_replay(*parsed.options, streams);
    case Verb::Guard:
      return run_guard(*parsed.options, streams);
    case Verb::Ask:
      return run_ask(*parsed.options, streams);
    case Verb::Sweep:
      return run_sweep(*parsed.options, streams);
    case Verb::Merge:
      return run_merge(*parsed.options, streams);
    case Verb::Explain:
      return run_explain(*parsed.options, streams);
    case Verb::Report:
      return run_report(*parsed.options, streams);
    case Verb::Snapshot:
      return run_snapshot(*parsed.options, streams);
    case Verb::None:
      break;
  }
  return kExitUsage;
}

}  // namespace waypath::tools
