// waypath replay

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "scenarios/replay/findings.h"
#include "scenarios/shard/replay_shard.h"
#include "tools/render/replay.h"
#include "tools/render/words.h"
#include "tools/waypath/app.h"
#include "tools/waypath/changed_cluster.h"
#include "tools/waypath/results.h"
#include "tools/waypath/shard_run.h"

namespace waypath::tools {

int print_replay(const scenarios::ReplayReport& report, const Options& options, const Streams& streams) {
  const bool colour = options.common.format == "text" && use_colour(options, streams);
  if (!write_data(options, streams, replay_text(report, options.common.format, colour))) return kExitUsage;
  if (report.lines.records == 0) {
    complain(streams, "no record of an access log was read",
             "replay reads access logs of ztunnel and of Istio's Envoys: the default text format, or JSON; "
             "for example kubectl logs -n istio-system -l app=ztunnel --prefix --tail=-1");
    return kExitUsage;
  }
  const bool changes = report.plan && !report.plan->changes.empty();
  return changes || report.disagree.flows > 0 ? kExitNegative : kExitFine;
}

int run_replay(const Options& options, const Streams& streams) {
  const auto part = shard_choice(options, streams);
  if (!part.fine) return kExitUsage;
  const auto& logs = options.replay.logs;
  const auto cluster = cluster_paths(options);
  if (std::count(logs.begin(), logs.end(), "-") + std::count(cluster.begin(), cluster.end(), "-") > 1) {
    complain(streams, "standard input can be read once", "give the manifests or the log as a file");
    return kExitUsage;
  }
  const auto before = load_engine(options, streams);
  if (!before) return kExitUsage;
  EnginePtr after;
  if (!options.plan.changes.empty()) {
    after = changed_engine(*before, options.plan.changes, options, streams);
    if (!after) return kExitUsage;
  }
  const bool show_progress = streams.err_is_terminal && !options.common.quiet;
  scenarios::ReplayOptions how;
  how.jobs = options.common.jobs;
  how.most_flows = options.replay.most_flows;
  scenarios::Digest input;
  if (part.run) {
    input.files((after ? after : before)->cluster().files());
    how.shard = part.run->shard;
    how.input = &input;
  }
  if (show_progress)
    how.progress = [&](std::uint64_t lines) {
      streams.err << "\r" << count_text(lines) << " lines" << std::flush;
    };
  scenarios::Replay replay(before, how);
  bool whole = true;
  for (const auto& log : logs) {
    const auto error = replay.read(log);
    if (show_progress) streams.err << "\r\x1b[K" << std::flush;
    if (!error) continue;
    whole = false;
    complain(streams, fmt::format("{} cannot be read: {}", log == "-" ? "standard input" : log, *error),
             "a log is a file, gzip or plain, or - for standard input");
  }
  if (!whole) return kExitUsage;
  if (!part.run) return print_replay(replay.report(after.get()), options, streams);
  const auto findings = replay.findings(after.get());
  if (findings.beyond.count > 0) {
    complain(streams,
             fmt::format("this shard alone has more than {} different flows (--max-flows): which of them are "
                         "the first of all, only the whole log tells",
                         options.replay.most_flows),
             "cut the run into more shards, or raise --max-flows for all of them");
    return kExitUsage;
  }
  scenarios::ShardWriter out(part.run->path, shard_header(options, *part.run, input));
  scenarios::write_replay(findings, out);
  return finish_shard(out, *part.run, streams);
}

}  // namespace waypath::tools
