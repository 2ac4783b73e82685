// waypath plan, waypath diff

#include <fmt/format.h>

#include "tools/render/diagram.h"
#include "tools/render/plan.h"
#include "tools/waypath/comparison.h"

namespace waypath::tools {
namespace {

int answer(const Options& options, const Streams& streams, const sim::Engine& before,
           const sim::Engine& after) {
  const auto compared = comparison(options, streams, before, after);
  if (!compared) return kExitUsage;
  const auto& plan = compared->plan;
  if (options.common.format == "mermaid" || options.common.format == "dot") {
    const auto picture = drawn(plan_picture(plan), options, streams);
    if (!picture || !write_data(options, streams, *picture)) return kExitUsage;
    return plan.changes.empty() ? kExitFine : kExitNegative;
  }
  const bool colour = options.common.format == "text" && use_colour(options, streams);
  if (!write_data(options, streams, plan_report(plan, options.common.format, colour))) return kExitUsage;
  return plan.changes.empty() ? kExitFine : kExitNegative;
}

}  // namespace

int run_plan(const Options& options, const Streams& streams) {
  const auto sides = plan_sides(options, streams);
  return sides ? answer(options, streams, *sides->before, *sides->after) : kExitUsage;
}

int run_diff(const Options& options, const Streams& streams) {
  const auto& sides = options.plan.sides;
  const bool versions = !options.plan.from_version.empty() || !options.plan.to_version.empty();
  if (versions == !sides.empty() || (!versions && sides.size() != 2) ||
      (versions && (options.plan.from_version.empty() || options.plan.to_version.empty()))) {
    complain(streams, "diff compares two clusters, or two Istio versions of one",
             "waypath diff A/ B/, or waypath diff -f cluster/ --from-version 1.27 --to-version 1.28");
    return kExitUsage;
  }
  if (!versions) {
    Options one = options, other = options;
    one.cluster.files = {sides[0]};
    other.cluster.files = {sides[1]};
    const auto before = load_engine(one, streams);
    const auto after = before ? load_engine(other, streams) : nullptr;
    return after ? answer(options, streams, *before, *after) : kExitUsage;
  }
  const auto base = load_engine(options, streams);
  if (!base) return kExitUsage;
  const auto from = version_of(options.plan.from_version, "--from-version", streams);
  const auto to = from ? version_of(options.plan.to_version, "--to-version", streams) : std::nullopt;
  if (!to) return kExitUsage;
  model::Diagnostics diagnostics;
  const auto before = rebuild(*base, base->cluster().snapshot(), from, diagnostics);
  const auto after = rebuild(*base, base->cluster().snapshot(), to, diagnostics);
  return answer(options, streams, *before, *after);
}

}  // namespace waypath::tools
