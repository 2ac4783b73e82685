#include "tools/waypath/enforcement.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "model/kube/network_policy.h"
#include "sim/policy/enforcement.h"
#include "sim/policy/policy_evaluator.h"
#include "sim/reasons/authz.h"
#include "tools/render/names.h"

namespace waypath::tools {
namespace {

using model::PodId;
using sim::PolicyPoint;

void collect(const std::vector<sim::TraceNode>& nodes, std::set<std::string>& out) {
  for (const auto& node : nodes) {
    const bool policy =
        node.reason.by && !node.reason.by->key.name.empty() && node.reason.by->key.kind.view() != "Secret" &&
        node.reason.code != sim::kAuthzNotEnforced && node.reason.code != sim::kAuthzNotAsWritten;
    if (policy) out.insert(node.reason.by->key.str());
    collect(node.children, out);
  }
}

// What the point considers whatever the request is.
std::set<std::string> policies_at(const sim::Engine& engine, const PolicyPoint& point) {
  std::set<std::string> out;
  for (const auto& family : engine.policies().hop) {
    sim::RequestState request;
    const sim::Assume nothing;
    request.assume = &nothing;
    sim::TraceRecorder recorder;
    (void)family->evaluate_hop({&point, &request}, &recorder);
    collect(recorder.nodes, out);
  }
  return out;
}

// In words what a proxy makes of the policy.
std::vector<std::string> notes_of(const sim::EnforcedAt& at) {
  auto out = at.changes;
  if (at.refuses_all)
    out.emplace_back("it admits nothing here: what no other ALLOW policy admits is refused");
  if (at.no_effect) out.emplace_back("it has no effect here");
  return out;
}

std::string title_of(const sim::EnforcementPoint& point) {
  std::string out = point.name;
  if (point.point.kind == PolicyPoint::Kind::Waypoint && !point.point.service.valid())
    out += " for traffic addressed to pods";
  if (point.pods.size() > 1)
    out += fmt::format(" and {} more pod{}", point.pods.size() - 1, point.pods.size() > 2 ? "s" : "");
  return out;
}

template <class Policy>
void istio_policy(const model::Cluster& cluster, const Policy& policy, Enforcement& out) {
  out.place = place_of(cluster.files(), policy.meta.pos);
  const auto points = sim::enforcement_points(cluster);
  const auto found = sim::enforcement_of(cluster, points, policy);
  for (const auto& at : found.enforced) out.enforced.push_back({title_of(*at.at), notes_of(at)});
  for (const auto& n : found.not_enforced)
    out.not_enforced.push_back({n.where, n.why, n.pos.known() ? place_of(cluster.files(), n.pos) : ""});
  for (const auto& c : found.conditions) out.conditions.push_back({c.type, c.reason, c.message, c.status});
}

}  // namespace

Enforcement enforcement_of(const sim::Engine& engine, const model::ResourceKey& key) {
  const auto& cluster = engine.cluster();
  const auto& snapshot = cluster.snapshot();
  Enforcement out;
  out.object = key.str();
  if (const auto policy = snapshot.find<model::AuthorizationPolicy>(key)) {
    istio_policy(cluster, *policy, out);
  } else if (const auto request = snapshot.find<model::RequestAuthentication>(key)) {
    istio_policy(cluster, *request, out);
  }
  return out;
}

std::vector<EnforcedAt> enforced_at(const sim::Engine& engine, const sim::Topology& topology) {
  const auto& cluster = engine.cluster();
  std::set<std::pair<std::uint32_t, std::string>> held;
  for (const auto& point : sim::enforcement_points(cluster)) {
    std::vector<sim::VertexId> vertices;
    if (point.point.kind == PolicyPoint::Kind::Waypoint)
      vertices.push_back(
          topology.find(sim::VertexKind::Waypoint, point.point.ns.view(), point.point.gateway_name.view()));
    for (const PodId pod : point.pods) vertices.push_back(topology.vertex_of(pod));
    for (const auto& policy : policies_at(engine, point.point))
      for (const sim::VertexId vertex : vertices)
        if (vertex.valid()) held.emplace(vertex.index, policy);
  }
  for (const auto& policy : cluster.snapshot().all<model::NetworkPolicy>())
    for (const PodId id : cluster.select(policy->meta.ns(), policy->pod_selector))
      if (!cluster.pod(id).spec.host_network)
        held.emplace(topology.vertex_of(id).index, policy->meta.key.str());
  std::vector<EnforcedAt> out;
  for (const auto& [vertex, policy] : held) out.push_back({sim::VertexId{vertex}, policy});
  return out;
}

}  // namespace waypath::tools
