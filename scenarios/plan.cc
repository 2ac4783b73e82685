#include "scenarios/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "model/base/parallel.h"
#include "scenarios/expectation.h"
#include "scenarios/touched_flows.h"
#include "sim/decide.h"
#include "sim/reasons/walk.h"

namespace waypath::scenarios {
namespace {

using Keys = std::set<std::string>;

bool enforces_l7(const sim::HopResult& hop) {
  return hop.kind == sim::HopKind::Waypoint || hop.kind == sim::HopKind::Gateway ||
         hop.kind == sim::HopKind::Sidecar;
}

// The path without names of pods, which differ from dump to dump.
std::string route(const sim::Verdict& verdict) {
  std::string out;
  for (const auto& path : verdict.paths) {
    for (const auto& hop : path.hops)
      out += (enforces_l7(hop) ? hop_name(hop) : std::string(sim::to_string(hop.kind))) + " ";
    for (const auto& leg : path.legs)
      if (!leg.auxiliary) out += fmt::format("{}:{} ", sim::to_string(leg.transport), leg.wire_port);
    out += path.backend + "\n";
  }
  return out;
}

const sim::PathVerdict& deciding(const sim::Verdict& verdict) {
  for (const auto& path : verdict.paths)
    if (path.outcome == verdict.outcome) return path;
  return verdict.paths.front();
}

FlowState state(const sim::Verdict& verdict) {
  FlowState out;
  const auto& path = deciding(verdict);
  out.outcome = sim::to_string(verdict.outcome);
  out.symptom = verdict.symptom;
  out.reason = path.reason.code.text;
  out.backend = path.backend;
  if (path.reason.by) out.by = path.reason.by->key.str();
  for (const auto& hop : path.hops)
    if (enforces_l7(hop)) out.enforced.push_back(hop_name(hop));
  // What is skipped; a trace explains why.
  for (const auto& what : path.bypassed) out.bypassed.push_back(what.substr(0, what.find(": ")));
  return out;
}

void collect(const std::vector<sim::TraceNode>& nodes, Keys& out) {
  for (const auto& node : nodes) {
    if (node.reason.by) out.insert(node.reason.by->key.str());
    collect(node.children, out);
  }
}

void add(const std::vector<sim::ObjectAt>& objects, Keys& out) {
  for (const auto& object : objects) out.insert(object.key.str());
}

/// What decided, and what was looked at on the way.
struct Evidence {
  Keys decided, considered;
};

void gather(const sim::Verdict& verdict, Evidence& out) {
  for (const auto& path : verdict.paths) {
    add(path.deciders, out.decided);
    add(path.bypass_causes, out.decided);
    if (path.reason.by) out.decided.insert(path.reason.by->key.str());
    for (const auto& hop : path.hops) {
      collect(hop.decisions, out.considered);
      if (!hop.name.empty()) out.considered.insert(fmt::format("Gateway/{}/{}", hop.ns, hop.name));
    }
    for (const auto& leg : path.legs) {
      collect(leg.egress, out.considered);
      collect(leg.ingress, out.considered);
    }
    if (!path.backend.empty()) out.considered.insert("Service/" + path.backend);
  }
}

std::vector<std::size_t> causes(const std::vector<ChangedObject>& objects, const sim::Verdict& before,
                                const sim::Verdict& after) {
  if (objects.size() == 1) return {0};
  Evidence evidence;
  gather(before, evidence);
  gather(after, evidence);
  std::vector<std::size_t> out;
  for (const Keys* keys : {&evidence.decided, &evidence.considered}) {
    for (std::size_t i = 0; i < objects.size(); ++i)
      if (keys->contains(objects[i].object)) out.push_back(i);
    if (!out.empty()) return out;
  }
  return out;
}

// `now` lacks something of `then` and has nothing in its place.
bool lost(const std::vector<std::string>& then, const std::vector<std::string>& now) {
  return now.size() < then.size() && std::any_of(then.begin(), then.end(), [&](const std::string& point) {
           return std::find(now.begin(), now.end(), point) == now.end();
         });
}

std::optional<FlowChange> difference(const sim::Flow& flow, const sim::Verdict& before,
                                     const sim::Verdict& after) {
  FlowChange out;
  out.flow = flow;
  out.before = state(before);
  out.after = state(after);
  const bool was = before.outcome == sim::Outcome::Allow, is = after.outcome == sim::Outcome::Allow;
  const bool points = out.before.enforced != out.after.enforced || out.before.bypassed != out.after.bypassed;
  if (was != is)
    out.kind = is ? FlowChangeKind::Opens : FlowChangeKind::Breaks;
  else if (out.before.outcome != out.after.outcome)
    out.kind = FlowChangeKind::Symptom;
  else if (was && points)
    out.kind = FlowChangeKind::Enforcement;
  else if (was && route(before) != route(after))
    out.kind = FlowChangeKind::Rerouted;
  else if (out.before.symptom != out.after.symptom || out.before.reason != out.after.reason)
    out.kind = FlowChangeKind::Symptom;
  else
    return std::nullopt;
  // What opens because its guard is gone is as bad as what stays open without it.
  out.loses_enforcement =
      is && (lost(out.before.enforced, out.after.enforced) || lost(out.after.bypassed, out.before.bypassed));
  return out;
}

struct Side {
  std::optional<sim::Verdict> verdict;  // nullopt: the flow has no client there
  std::string error;
};

Side ask(const sim::Engine& engine, const sim::Flow& flow, const sim::Assume& assume) {
  Side out;
  model::Diagnostics diagnostics;
  auto verdict = sim::decide(engine, flow, assume, diagnostics);
  for (const auto& d : diagnostics.items())
    if (d.severity == model::Severity::Error) out.error = d.message;
  if (out.error.empty()) out.verdict = std::move(verdict);
  return out;
}

FlowFate fate_of(const sim::Engine& before, const sim::Engine& after, const sim::Flow& flow,
                 const sim::Assume& assume, const std::vector<ChangedObject>& objects) {
  FlowFate out;
  const Side a = ask(before, flow, assume), b = ask(after, flow, assume);
  out.before = a.verdict.has_value();
  out.after = b.verdict.has_value();
  out.error = a.error;
  if (!a.verdict || !b.verdict) return out;
  if (!difference(flow, *a.verdict, *b.verdict)) return out;
  // Few flows change: who decided is asked for these alone.
  model::Diagnostics known;
  const auto was = sim::simulate(before, flow, assume, known), is = sim::simulate(after, flow, assume, known);
  out.change = difference(flow, was, is);
  if (out.change) out.change->causes = causes(objects, was, is);
  return out;
}

void report_unread(const FlowFate& fate, model::Diagnostics& diagnostics) {
  if (fate.before || fate.after) return;
  diagnostics.report(
      {sim::kFlowInvalid, model::Severity::Error, model::Reach::Input, {}, {}, {}, {}, fate.error, {}});
}

}  // namespace

std::string_view to_string(FlowChangeKind kind) {
  switch (kind) {
    case FlowChangeKind::Opens:
      return "opens";
    case FlowChangeKind::Breaks:
      return "breaks";
    case FlowChangeKind::Enforcement:
      return "enforcement";
    case FlowChangeKind::Rerouted:
      return "rerouted";
    case FlowChangeKind::Symptom:
      return "symptom";
  }
  return {};
}

std::vector<FlowFate> flow_fates(const sim::Engine& before, const sim::Engine& after,
                                 const std::vector<sim::Flow>& flows, const sim::Assume& assume,
                                 unsigned jobs, std::vector<ChangedObject>& objects,
                                 Thoroughness thoroughness) {
  objects = changed_objects(before, after);
  std::vector<FlowFate> out(flows.size());
  std::vector<std::size_t> asked;
  std::optional<TouchedFlows> touched;
  if (thoroughness == Thoroughness::WhatTheChangeTouches) touched.emplace(before, after);
  for (std::size_t i = 0; i < flows.size(); ++i) {
    if (!touched || touched->touches(flows[i]))
      asked.push_back(i);
    else
      out[i].before = out[i].after = true;
  }
  model::parallel_for_index(asked.size(), jobs, [&](std::size_t n) {
    out[asked[n]] = fate_of(before, after, flows[asked[n]], assume, objects);
  });
  return out;
}

void count_in(Plan& plan, FlowFate fate) {
  if (fate.before != fate.after) ++(fate.before ? plan.only_before : plan.only_after);
  if (!fate.before || !fate.after) return;
  ++plan.compared;
  if (fate.change)
    plan.changes.push_back(std::move(*fate.change));
  else
    ++plan.unchanged;
}

Plan compare_clusters(const sim::Engine& before, const sim::Engine& after,
                      const std::vector<sim::Flow>& flows, const sim::Assume& assume, unsigned jobs,
                      model::Diagnostics& diagnostics, Thoroughness thoroughness) {
  Plan out;
  for (FlowFate& fate : flow_fates(before, after, flows, assume, jobs, out.objects, thoroughness)) {
    report_unread(fate, diagnostics);
    count_in(out, std::move(fate));
  }
  return out;
}

Plan compare_clusters(const sim::Engine& before, const sim::Engine& after, const FlowProduct& flows,
                      const sim::Assume& assume, unsigned jobs, model::Diagnostics& diagnostics,
                      Thoroughness thoroughness) {
  constexpr std::size_t kBatch = 8192;
  Plan out;
  out.objects = changed_objects(before, after);
  std::optional<TouchedFlows> touched;
  if (thoroughness == Thoroughness::WhatTheChangeTouches) touched.emplace(before, after);
  const bool some = touched && !touched->everything();
  std::vector<std::pair<const FlowClient*, const FlowTarget*>> batch;
  std::vector<FlowFate> fates;
  const auto simulate_batch = [&] {
    fates.assign(batch.size(), {});
    model::parallel_for_index(batch.size(), jobs, [&](std::size_t i) {
      fates[i] = fate_of(before, after, flow_of(*batch[i].first, *batch[i].second), assume, out.objects);
    });
    batch.clear();
    for (FlowFate& fate : fates) {
      report_unread(fate, diagnostics);
      count_in(out, std::move(fate));
    }
  };
  std::map<const std::vector<FlowTarget>*, std::vector<TouchedFlows::Receiver>> receivers;
  for (const auto& row : flows.rows()) {
    TouchedFlows::Sender sender;
    std::vector<TouchedFlows::Receiver>& known = receivers[row.targets];
    if (some) {
      sender = touched->sender(flow_of(*row.client, {}));
      for (const auto& target : *row.targets)
        if (known.size() < row.targets->size()) known.push_back(touched->receiver(flow_of({}, target)));
    }
    for (const auto target : *row.asked) {
      if (!some || touched->touches(sender, known[target])) {
        batch.emplace_back(row.client, &(*row.targets)[target]);
        if (batch.size() == kBatch) simulate_batch();
        continue;
      }
      ++out.compared;
      ++out.unchanged;
    }
  }
  simulate_batch();
  return out;
}

}  // namespace waypath::scenarios
