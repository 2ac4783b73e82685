// waypath reach

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/base/edit_distance.h"
#include "model/base/ip.h"
#include "scenarios/reach_table.h"
#include "scenarios/shard/reach_shard.h"
#include "sim/reach/exposure.h"
#include "sim/reach/reach.h"
#include "tools/render/reach.h"
#include "tools/render/reach_changes.h"
#include "tools/waypath/app.h"
#include "tools/waypath/changed_cluster.h"
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

std::optional<sim::ReachOptions> reach_options(const sim::Engine& engine, const Options& options,
                                               const Streams& streams) {
  sim::ReachOptions how;
  how.layer =
      options.reach.layer == "netpol" ? sim::ReachOptions::Layer::Netpol : sim::ReachOptions::Layer::Mesh;
  how.sim = engine.options();
  const auto select = [&](const char* flag, const std::string& text,
                          std::function<bool(const sim::ReachEndpoint&)>& to) {
    if (text.empty()) return true;
    std::string error;
    const auto selector = sim::reach_selector(text, engine.cluster(), error);
    if (selector) to = *selector;
    if (!selector)
      complain(streams, fmt::format("{}: \"{}\": {}", flag, text, error),
               "write NAMESPACE, NAMESPACE/NAME, external, an address, or labels as app=web");
    return selector.has_value();
  };
  if (!select("--from", options.reach.from, how.from) || !select("--to", options.reach.to, how.to))
    return std::nullopt;
  return how;
}

bool no_end(const char* flag, const std::string& text, const sim::Engine& engine, const Streams& streams) {
  complain(streams, fmt::format("{}: \"{}\" fits no workload and no range", flag, text),
           no_end_hint(engine.cluster(), text));
  return false;
}

bool fits_some_end(const sim::Engine& engine,
                   const std::function<bool(const sim::ReachEndpoint&)>& condition) {
  for (std::uint32_t i = 0; i < engine.cluster().pods().size(); ++i)
    if (condition({sim::workload_text(engine.cluster().pod({i})), {i}, {}, {}})) return true;
  const auto outside = [&](const char* low, const char* high) {
    return condition({"", {}, *model::parse_ip(low), *model::parse_ip(high)});
  };
  return outside("0.0.0.0", "255.255.255.255") || outside("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

// What the changes of --change open and close.
int reach_changes(const sim::Engine& engine, const sim::ReachOptions& how, const Options& options,
                  const Streams& streams) {
  const auto after = changed_engine(engine, options.plan.changes, options, streams);
  const auto how_after = after ? reach_options(*after, options, streams) : std::nullopt;
  if (!how_after) return kExitUsage;
  const auto kept = [&](const char* flag, const std::string& text, const auto& condition,
                        const auto& condition_after) {
    return text.empty() || fits_some_end(engine, condition) || fits_some_end(*after, condition_after) ||
           no_end(flag, text, engine, streams);
  };
  if (!kept("--from", options.reach.from, how.from, how_after->from) ||
      !kept("--to", options.reach.to, how.to, how_after->to))
    return kExitUsage;
  model::Diagnostics diagnostics;
  bool changes = false;
  const auto source = [&](const std::function<bool(const scenarios::ReachChange&)>& fn) {
    return scenarios::each_reach_change(engine.cluster_ptr(), after->cluster_ptr(), how, *how_after,
                                        diagnostics, [&](const scenarios::ReachChange& change) {
                                          changes = true;
                                          return fn(change);
                                        });
  };
  const bool written = write_pieces(options, streams, [&](const ReachSink& write) {
    write_reach_changes(source, options.reach.layer, options.common.format, write);
  });
  print_diagnostics(diagnostics, engine.cluster().files(), options, streams);
  return !written ? kExitUsage : changes ? kExitNegative : kExitFine;
}

}  // namespace

int print_reach(const scenarios::ReachTable& table, const Options& options, const Streams& streams) {
  if (options.common.format == "mermaid" || options.common.format == "dot") {
    const auto picture = drawn(reach_picture(table), options, streams);
    return picture && write_data(options, streams, *picture) ? kExitFine : kExitUsage;
  }
  const bool colour = options.common.format == "text" && use_colour(options, streams);
  return write_pieces(
             options, streams,
             [&](const ReachSink& write) { write_reach(table, options.common.format, colour, write); })
             ? kExitFine
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
  const bool change = !options.plan.changes.empty();
  if (change && (part.run || options.reach.classes || format == "mermaid" || format == "dot")) {
    complain(streams,
             part.run                ? std::string("--change is not sharded")
             : options.reach.classes ? std::string("--change has no form for --classes")
                                     : fmt::format("--change has no form \"{}\"", format),
             part.run ? "leave --shard or --change out"
             : options.reach.classes
                 ? "leave --classes or --change out"
                 : "use text, json, csv or markdown; plan draws what a change does to flows");
    return kExitUsage;
  }
  const auto engine = load_engine(options, streams);
  if (!engine) return kExitUsage;
  auto how = reach_options(*engine, options, streams);
  if (!how) return kExitUsage;
  if (change) return reach_changes(*engine, *how, options, streams);
  if (part.run)
    how->part = [&](const sim::ReachEndpoint& end) {
      return scenarios::reach_shard_has(part.run->shard, end);
    };
  model::Diagnostics diagnostics;
  const auto matrix = sim::reach(engine->cluster_ptr(), *how, diagnostics);
  const auto kept = [&](const char* flag, const std::string& text, const auto& ends) {
    return text.empty() || !ends.empty() || no_end(flag, text, *engine, streams);
  };
  if (!kept("--from", options.reach.from, matrix.sources()) ||
      !kept("--to", options.reach.to, matrix.destinations()))
    return kExitUsage;
  if (options.reach.classes) {
    print_diagnostics(diagnostics, engine->cluster().files(), options, streams);
    return write_pieces(options, streams,
                        [&](const ReachSink& write) {
                          write_reach_classes(matrix, options.reach.layer, format, write);
                        })
               ? kExitFine
               : kExitUsage;
  }
  std::vector<sim::WorkloadExposure> open;
  // A shard can be asked for any form; exposure is no part of some.
  const bool with_exposure = part.run || (format != "csv" && format != "mermaid" && format != "dot");
  if (options.reach.from.empty() && with_exposure) {
    auto exposed = *how;
    if (part.run)
      exposed.to = [&](const sim::ReachEndpoint& end) {
        return !end.external() && scenarios::reach_shard_has(part.run->shard, end) &&
               (!how->to || how->to(end));
      };
    open = sim::exposures(engine->cluster(), exposed, diagnostics);
  }
  print_diagnostics(diagnostics, engine->cluster().files(), options, streams);
  const auto table = scenarios::reach_table(matrix, std::move(open), options.reach.layer);
  if (!part.run) return print_reach(table, options, streams);
  scenarios::Digest input;
  input.files(engine->cluster().files());
  scenarios::ShardWriter out(part.run->path, shard_header(options, *part.run, input));
  scenarios::write_reach(table, out);
  return finish_shard(out, *part.run, streams);
}

}  // namespace waypath::tools
