#include "scenarios/rollout.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <utility>

#include "sim/resolve/mesh.h"

namespace waypath::scenarios {
namespace {

constexpr std::size_t kMostParts = 63;

std::vector<std::uint64_t> states_of(std::size_t parts, std::size_t limit, bool& complete) {
  const std::uint64_t all = parts >= kMostParts ? ~std::uint64_t{0} >> 1 : (std::uint64_t{1} << parts) - 1;
  std::vector<std::uint64_t> out;
  complete = parts <= 20 && (std::size_t{1} << parts) - 2 <= limit;
  if (complete) {
    for (std::uint64_t s = 1; s < all; ++s) out.push_back(s);
  } else {
    for (std::size_t i = 0; i < parts; ++i) out.push_back(std::uint64_t{1} << i);
    for (std::size_t i = 0; i < parts; ++i)
      for (std::size_t j = i + 1; j < parts; ++j)
        out.push_back((std::uint64_t{1} << i) | (std::uint64_t{1} << j));
    if (out.size() > limit) out.resize(limit);
  }
  std::stable_sort(out.begin(), out.end(),
                   [](std::uint64_t a, std::uint64_t b) { return std::popcount(a) < std::popcount(b); });
  out.push_back(all);
  return out;
}

bool opens(const FlowChange& change) {
  return change.kind == FlowChangeKind::Opens || change.loses_enforcement;
}

// Flows of the end that are broken, or open, there too.
struct Final {
  std::set<std::string> broken, open;
};

void judge(RolloutState& state, const Final& end) {
  const auto& changes = state.result.plan.changes;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (changes[i].kind == FlowChangeKind::Breaks && !end.broken.contains(changes[i].flow.name))
      state.broken.push_back(i);
    if (opens(changes[i]) && !end.open.contains(changes[i].flow.name)) state.open.push_back(i);
  }
}

}  // namespace

// Orders whose states in between are all good, counted over subsets.
void count_safe_orders(RolloutReport& report) {
  if (!report.complete || report.states.size() != report.planned) return;
  const std::size_t parts = report.parts.size();
  std::vector<bool> bad(std::size_t{1} << parts, false);
  for (const auto& state : report.states)
    if (state.bad()) bad[state.parts] = true;
  const std::size_t all = bad.size() - 1;
  bad[all] = false;  // the end is what is wanted
  std::vector<std::uint64_t> ways(bad.size(), 0), any(bad.size(), 0);
  ways[0] = any[0] = 1;
  for (std::size_t s = 1; s < bad.size(); ++s)
    for (std::size_t i = 0; i < parts; ++i) {
      if ((s >> i & 1U) == 0) continue;
      any[s] += any[s ^ (std::size_t{1} << i)];
      if (!bad[s]) ways[s] += ways[s ^ (std::size_t{1} << i)];
    }
  report.safe_orders = ways[all];
  report.all_orders = any[all];
  if (ways[all] == 0) return;
  // From the end: the way back that has safe orders, then turned round.
  std::vector<std::uint64_t> onward(bad.size(), 0);
  onward[all] = 1;
  for (std::size_t s = all; s-- > 0;)
    for (std::size_t i = 0; i < parts && !bad[s]; ++i)
      if ((s >> i & 1U) == 0) onward[s] += onward[s | (std::size_t{1} << i)];
  for (std::size_t s = 0; s != all;)
    for (std::size_t i = 0; i < parts; ++i)
      if ((s >> i & 1U) == 0 && onward[s | (std::size_t{1} << i)] > 0) {
        report.safe_order.push_back(i);
        s |= std::size_t{1} << i;
        break;
      }
}

RolloutReport run_rollout(const sim::Engine& engine, const std::vector<RolloutPart>& parts,
                          const std::vector<FlowGroup>& flows, std::size_t limit, const SweepOptions& options,
                          model::Diagnostics& diagnostics) {
  RolloutReport out;
  for (const auto& part : parts) out.parts.push_back(part.name);
  auto states = states_of(parts.size(), limit, out.complete);
  // The end first: what is broken there is no matter of the order.
  std::rotate(states.begin(), states.end() - 1, states.end());
  SweepSteps steps;
  steps.count = states.size();
  steps.at = [&](std::size_t index) {
    SweepStep step;
    step.group = "state";
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if ((states[index] >> i & 1U) == 0) continue;
      step.name += (step.name.empty() ? "" : " + ") + parts[i].name;
      step.changes.insert(step.changes.end(), parts[i].changes.begin(), parts[i].changes.end());
    }
    return step;
  };
  const auto own = [&](std::size_t index) {
    return !options.shard || options.shard->has(fmt::format("state {:x}", states[index]));
  };
  steps.own = [&](std::size_t index) { return index == 0 || own(index); };
  Final end;
  SweepOptions how = options;
  bool first = true;
  // A state is judged as soon as it is known, so that --fail-fast can end the sweep.
  how.enough = [&](const SweepCase& one) {
    RolloutState state;
    state.parts = states[one.index];
    state.result = one;
    // In the order of the report: the end is the last.
    state.result.index = (first ? states.size() : one.index) - 1;
    if (first)
      for (const auto& change : one.plan.changes) {
        if (change.kind == FlowChangeKind::Breaks) end.broken.insert(change.flow.name);
        if (opens(change)) end.open.insert(change.flow.name);
      }
    judge(state, end);
    const bool bad = state.bad();
    if (!first || own(0)) out.states.push_back(std::move(state));
    first = false;
    return bad && options.enough && options.enough(one);
  };
  const SweepReport swept = run_sweep(engine, steps, flows, how, false, diagnostics);
  out.stopped = swept.stopped;
  out.planned = states.size();
  if (!out.states.empty() && own(0))
    std::rotate(out.states.begin(), out.states.begin() + 1, out.states.end());
  count_safe_orders(out);
  return out;
}

std::vector<RolloutPart> enrolment_parts(const sim::Engine& engine, const std::vector<std::string>& names) {
  const auto& cluster = engine.cluster();
  std::vector<RolloutPart> out;
  const std::string root = cluster.mesh().root_namespace.str();
  for (const auto& ns : cluster.namespaces()) {
    const std::string name = ns->meta.name().str();
    const bool named = std::find(names.begin(), names.end(), name) != names.end();
    if (!names.empty() && !named) continue;
    const auto pods = cluster.pods_in(ns->meta.name());
    const bool plain = std::any_of(pods.begin(), pods.end(), [&](model::PodId pod) {
      return sim::capture_of(cluster, pod).dataplane == sim::Dataplane::None &&
             !cluster.pod(pod).spec.host_network;
    });
    // The control plane and the cluster's own namespaces are not enrolled.
    if (!named && (!plain || name == root || name == "kube-system")) continue;
    RolloutPart part;
    part.name = "enrol " + name;
    model::SourcePos pos = ns->meta.pos;
    pos.column = 0;
    if (pos.known()) part.place = cluster.files().format(pos);
    part.changes.push_back(
        {model::LabelChange{{"Namespace/" + name, {}}, {{"istio.io/dataplane-mode", std::string("ambient")}}},
         {}});
    out.push_back(std::move(part));
  }
  return out;
}

}  // namespace waypath::scenarios
