// waypath reach

#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

#include "model/base/edit_distance.h"
#include "scenarios/reach_table.h"
#include "scenarios/shard/reach_shard.h"
#include "sim/reach.h"
#include "sim/reach_exposure.h"
#include "tools/render/reach.h"
#include "tools/waypath/app.h"
#include "tools/waypath/results.h"
#include "tools/waypath/shard_run.h"

namespace waypath::tools {
namespace {

// A selector that keeps no end is a slip of the pen more often than an answer.
std::string no_end_hint(const model::Cluster& cluster, std::string_view wanted) {
  std::set<std::string> names;
  for (const auto* pod : cluster.pods()) {
    const std::string name = sim::workload_text(*pod);
    names.insert(name.substr(0, name.find('[')));
    names.insert(pod->meta.ns().str());
  }
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto near = model::nearest(wanted, known);
  return near ? fmt::format("did you mean \"{}\"?", *near)
              : std::string("`waypath reach` without --from and --to lists all workloads");
}

}  // namespace

int print_reach(const scenarios::ReachTable& table, const Options& options, const Streams& streams) {
  if (options.common.format == "mermaid" || options.common.format == "dot") {
    const auto picture = drawn(reach_picture(table), options, streams);
    return picture && write_data(options, streams, *picture) ? kExitFine : kExitUsage;
  }
  const bool colour = options.common.format == "text" && use_colour(options, streams);
  return write_data(options, streams, reach_report(table, options.common.format, colour)) ? kExitFine
                                                                                          : kExitUsage;
}

int run_reach(const Options& options, const Streams& streams) {
  const auto part = shard_choice(options, streams);
  if (!part.fine) return kExitUsage;
  const std::string& format = options.common.format;
  if (options.reach.classes && (part.run || (format != "text" && format != "json" && format != "csv"))) {
    complain(streams,
             part.run ? std::string("--classes is not sharded")
                      : fmt::format("--classes has no form \"{}\"", format),
             part.run ? "leave --shard or --classes out" : "use text, json or csv, or leave --classes out");
    return kExitUsage;
  }
  const auto engine = load_engine(options, streams);
  if (!engine) return kExitUsage;
  sim::ReachOptions how;
  how.layer =
      options.reach.layer == "netpol" ? sim::ReachOptions::Layer::Netpol : sim::ReachOptions::Layer::Mesh;
  how.sim = engine->options();
  const auto select = [&](const char* flag, const std::string& text,
                          std::function<bool(const sim::ReachEndpoint&)>& to) {
    if (text.empty()) return true;
    std::string error;
    const auto selector = sim::reach_selector(text, engine->cluster(), error);
    if (selector) to = *selector;
    if (!selector)
      complain(streams, fmt::format("{}: \"{}\": {}", flag, text, error),
               "write NAMESPACE, NAMESPACE/NAME, external, an address, or labels as app=web");
    return selector.has_value();
  };
  if (!select("--from", options.reach.from, how.from) || !select("--to", options.reach.to, how.to))
    return kExitUsage;
  model::Diagnostics diagnostics;
  const auto matrix = sim::reach(engine->cluster_ptr(), how, diagnostics);
  const auto kept = [&](const char* flag, const std::string& text, const auto& ends) {
    if (text.empty() || !ends.empty()) return true;
    complain(streams, fmt::format("{}: \"{}\" fits no workload and no range", flag, text),
             no_end_hint(engine->cluster(), text));
    return false;
  };
  if (!kept("--from", options.reach.from, matrix.sources()) ||
      !kept("--to", options.reach.to, matrix.destinations()))
    return kExitUsage;
  // Large answers are written as they are found; exposure is no part of these forms.
  if (options.reach.classes || (format == "csv" && !part.run)) {
    print_diagnostics(diagnostics, engine->cluster().files(), options, streams);
    return write_pieces(options, streams,
                        [&](const ReachSink& write) {
                          options.reach.classes
                              ? write_reach_classes(matrix, options.reach.layer, format, write)
                              : write_reach_csv(matrix, write);
                        })
               ? kExitFine
               : kExitUsage;
  }
  std::vector<sim::WorkloadExposure> open;
  if (options.reach.from.empty()) open = sim::exposures(engine->cluster(), how, diagnostics);
  print_diagnostics(diagnostics, engine->cluster().files(), options, streams);
  const auto shard = part.run ? std::optional(part.run->shard) : std::nullopt;
  const auto table = scenarios::reach_table(matrix, open, options.reach.layer, shard);
  if (!part.run) return print_reach(table, options, streams);
  scenarios::Digest input;
  input.files(engine->cluster().files());
  scenarios::ShardWriter out(part.run->path, shard_header(options, *part.run, input));
  scenarios::write_reach(table, out);
  return finish_shard(out, *part.run, streams);
}

}  // namespace waypath::tools
