// waypath guard X --by Y

#include <fmt/format.h>

#include "scenarios/guard.h"
#include "tools/render/guard.h"
#include "tools/waypath/app.h"
#include "tools/waypath/ask_options.h"

namespace waypath::tools {

int run_guard(const Options& options, const Streams& streams) {
  const auto engine = load_engine(options, streams);
  if (!engine) return kExitUsage;
  auto target = asked_target(*engine, options, streams);
  if (!target) return kExitUsage;
  auto given = guard_points(*engine, options.ask.points, "--by", streams);
  if (!given) return kExitUsage;
  auto points = given->empty() ? scenarios::waypoints_of(*engine, *target) : std::move(*given);
  if (points.empty()) {
    complain(streams, fmt::format("{} is bound to no waypoint", target->title),
             "name what has to be passed: --by Waypoint/ns/name, Gateway/ns/name, ext_authz or a policy");
    return kExitUsage;
  }
  scenarios::SearchOptions how;
  how.budget = options.ask.budget;
  how.jobs = options.common.jobs;
  const auto report = scenarios::run_guard(*engine, std::move(*target), std::move(points), how);
  const bool colour = options.common.format == "text" && use_colour(options, streams);
  if (!write_data(options, streams,
                  guard_text(report, cluster_words(options), engine->cluster().files(), options.common.format,
                             colour, options.common.verbose)))
    return kExitUsage;
  const bool fine = report.verdict == scenarios::GuardReport::Verdict::Guarded ||
                    report.verdict == scenarios::GuardReport::Verdict::Unreached;
  return fine ? kExitFine : kExitNegative;
}

}  // namespace waypath::tools
