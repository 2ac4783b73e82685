#include "scenarios/shard/sweep_shard.h"

#include <utility>
#include <vector>

#include "scenarios/shard/verdict_fields.h"

namespace waypath::scenarios {

template <class A>
void fields(A& a, Of<A, SweepCase> c) {
  a(c.index, c.group, c.name, c.place, c.skipped, c.plan);
}
template <class A>
void fields(A& a, Of<A, RolloutState> s) {
  a(s.parts, s.result, s.broken, s.open);
}

namespace {

/// What every shard knows of the whole.
struct Whole {
  std::string kind;
  std::size_t flows = 0, planned = 0;
  bool rollout = false, complete = true;
  std::vector<std::string> parts;
};
template <class A>
void fields(A& a, Of<A, Whole> w) {
  a(w.kind, w.flows, w.planned, w.rollout, w.complete, w.parts);
}

template <class T>
bool unarchived(std::string_view bytes, T& value) {
  ArchiveReader archive(bytes);
  archive(value);
  return archive.whole();
}

}  // namespace

void write_sweep(const SweepOutcome& o, ShardWriter& out) {
  Whole whole{o.kind, o.flows, o.report.planned, o.rollout.has_value(), true, {}};
  if (o.rollout) {
    whole.planned = o.rollout->planned;
    whole.complete = o.rollout->complete;
    whole.parts = o.rollout->parts;
  }
  out.add({}, archived(whole));
  if (o.rollout)
    for (const auto& state : o.rollout->states) out.add(shard_key({state.result.index}), archived(state));
  else
    for (const auto& one : o.report.cases) out.add(shard_key({one.index}), archived(one));
}

std::optional<SweepOutcome> read_sweep(const ShardSet& shards, ShardError& error) {
  Whole whole;
  bool fine = unarchived(shards.common(), whole);
  SweepOutcome out;
  out.kind = whole.kind;
  out.flows = whole.flows;
  if (whole.rollout) {
    out.rollout.emplace();
    out.rollout->parts = whole.parts;
    out.rollout->complete = whole.complete;
    out.rollout->planned = whole.planned;
  } else {
    out.report.planned = whole.planned;
  }
  if (fine)
    shards.for_each([&](std::string_view, std::string_view payload) {
      fine = out.rollout ? unarchived(payload, out.rollout->states.emplace_back())
                         : unarchived(payload, out.report.cases.emplace_back());
      return fine;
    });
  const std::size_t tried = out.rollout ? out.rollout->states.size() : out.report.cases.size();
  if (!fine || tried != whole.planned) {
    error = {"the records are not those of a whole `sweep`", "run the shards again"};
    return std::nullopt;
  }
  if (out.rollout) count_safe_orders(*out.rollout);
  return out;
}

}  // namespace waypath::scenarios
