#include "scenarios/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "model/base/parallel.h"
#include "scenarios/expectation.h"
#include "scenarios/object_difference.h"
#include "scenarios/touched_flows.h"
#include "sim/reason_codes_walk.h"

namespace waypath::scenarios {
namespace {

using model::ObjectMeta;
using Keys = std::set<std::string>;

// ---- objects ----

// The text of a manifest object; an object that an overlay patched has its patched form.
std::string content(const model::Snapshot& snapshot, const ObjectMeta& meta) {
  if (meta.raw == 0) return {};
  const model::RawObject& raw = snapshot.raw(meta.raw);
  if (!raw.patched_json.empty()) return raw.patched_json;
  const auto text = snapshot.files().text(raw.file);
  return fmt::format("{} {}", raw.item, text.substr(std::min(raw.offset, text.size()), raw.length));
}

std::map<std::string, const ObjectMeta*> by_name(const std::vector<const ObjectMeta*>& objects) {
  std::map<std::string, const ObjectMeta*> out;
  for (const ObjectMeta* meta : objects) out.emplace(meta->key.str(), meta);
  return out;
}

std::string place(const model::Snapshot& snapshot, const ObjectMeta& meta) {
  // A patched object stands where the change was written.
  const model::SourcePos changed = meta.raw == 0 ? model::SourcePos{} : snapshot.raw(meta.raw).patch_pos;
  model::SourcePos pos = changed.known() ? changed : meta.pos;
  pos.column = 0;
  return snapshot.files().format(pos);
}

// A pod that stands for what a workload or Gateway makes is down: the change is theirs, whatever side it is
// on.
bool stands_for_owner(const ObjectMeta& meta) {
  return meta.key.kind == std::string_view("Pod") && !meta.derived_from.name.empty();
}

// Of a pod given as a live object a `fail` changes nothing that is written.
bool readiness_differs(const model::Snapshot& a, const model::Snapshot& b, const ObjectMeta& meta) {
  if (meta.key.kind != std::string_view("Pod")) return false;
  const auto one = a.find<model::Pod>(meta.key), other = b.find<model::Pod>(meta.key);
  return one != nullptr && other != nullptr && one->ready != other->ready;
}

std::vector<ChangedObject> changed_objects(const sim::Engine& before, const sim::Engine& after) {
  using How = ChangedObject::How;
  const auto &a = before.cluster().snapshot(), &b = after.cluster().snapshot();
  const ObjectDifference objects = object_difference(a, b);
  const auto old_objects = by_name(objects.gone), new_objects = by_name(objects.come);
  std::vector<ChangedObject> out;
  std::set<std::string> owners;
  const auto of_owner = [&](const model::Snapshot& snapshot, const ObjectMeta& meta) {
    auto owner = meta.derived_from.str();
    if (owners.insert(owner).second) out.push_back({How::Changed, std::move(owner), place(snapshot, meta)});
  };
  for (const auto& [key, meta] : old_objects) {
    if (new_objects.contains(key)) continue;
    if (stands_for_owner(*meta))
      of_owner(a, *meta);
    else
      out.push_back({How::Removed, key, place(a, *meta)});
  }
  for (const auto& [key, meta] : new_objects) {
    const auto it = old_objects.find(key);
    if (it == old_objects.end() && stands_for_owner(*meta))
      of_owner(b, *meta);
    else if (it == old_objects.end())
      out.push_back({How::Added, key, place(b, *meta)});
    else if (content(a, *it->second) != content(b, *meta) || readiness_differs(a, b, *meta))
      out.push_back({How::Changed, key, place(b, *meta)});
  }
  const auto old_version = before.cluster().profile().version(),
             new_version = after.cluster().profile().version();
  if (old_version != new_version)
    out.push_back({How::Changed, fmt::format("Istio {} -> {}", old_version.str(), new_version.str()), {}});
  std::stable_sort(out.begin(), out.end(), [](const auto& x, const auto& y) { return x.object < y.object; });
  // The owner itself may have changed, too.
  out.erase(
      std::unique(out.begin(), out.end(), [](const auto& x, const auto& y) { return x.object == y.object; }),
      out.end());
  return out;
}

// ---- flows ----

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
  auto verdict = sim::simulate(engine, flow, assume, diagnostics);
  for (const auto& d : diagnostics.items())
    if (d.severity == model::Severity::Error) out.error = d.message;
  if (out.error.empty()) out.verdict = std::move(verdict);
  return out;
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

std::string_view to_string(ChangedObject::How how) {
  switch (how) {
    case ChangedObject::How::Added:
      return "added";
    case ChangedObject::How::Removed:
      return "removed";
    case ChangedObject::How::Changed:
      return "changed";
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
    const std::size_t i = asked[n];
    const Side a = ask(before, flows[i], assume), b = ask(after, flows[i], assume);
    out[i].before = a.verdict.has_value();
    out[i].after = b.verdict.has_value();
    out[i].error = a.error;
    if (!a.verdict || !b.verdict) return;
    out[i].change = difference(flows[i], *a.verdict, *b.verdict);
    if (out[i].change) out[i].change->causes = causes(objects, *a.verdict, *b.verdict);
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
    if (!fate.before && !fate.after)
      diagnostics.report(
          {sim::kFlowInvalid, model::Severity::Error, model::Reach::Input, {}, {}, {}, {}, fate.error, {}});
    count_in(out, std::move(fate));
  }
  return out;
}

}  // namespace waypath::scenarios
