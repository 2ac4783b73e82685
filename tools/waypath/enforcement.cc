#include "tools/waypath/enforcement.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/kube/network_policy.h"
#include "sim/policy/policy_evaluator.h"
#include "sim/reason_codes_authz.h"
#include "sim/resolve/mesh.h"
#include "tools/render/names.h"

namespace waypath::tools {
namespace {

using model::PodId;
using sim::Dataplane;
using sim::PolicyPoint;

struct Point {
  std::string title;
  PolicyPoint point;
};

std::string pod_name(const model::Pod& pod) {
  return fmt::format("{}/{}", pod.meta.ns().view(), pod.meta.name().view());
}

std::optional<Point> point_of_pod(const model::Cluster& cluster, PodId id) {
  const auto& pod = cluster.pod(id);
  const auto capture = sim::capture_of(cluster, id);
  Point out;
  out.point.ns = pod.meta.ns();
  out.point.labels = pod.meta.labels;
  out.point.workload_name = pod.meta.name();
  switch (capture.dataplane) {
    case Dataplane::Ambient:
      out.point.kind = PolicyPoint::Kind::Ztunnel;
      out.point.http = false;
      out.title = "ztunnel of " + pod_name(pod);
      return out;
    case Dataplane::Sidecar:
      out.point.kind = PolicyPoint::Kind::Sidecar;
      out.title = "sidecar of " + pod_name(pod);
      return out;
    case Dataplane::Gateway: {
      const auto* gateway = sim::gateway_of_pod(cluster, id);
      out.point.kind = gateway != nullptr ? PolicyPoint::Kind::GatewayApi : PolicyPoint::Kind::ClassicGateway;
      if (gateway != nullptr) {
        out.point.gateway_name = gateway->meta.name();
        out.point.gateway_class = gateway->class_name;
      }
      out.title = "gateway pod " + pod_name(pod);
      return out;
    }
    case Dataplane::Waypoint:
    case Dataplane::None:
      break;
  }
  return std::nullopt;
}

// A waypoint has a chain for each service that is bound to it.
std::vector<Point> waypoint_points(const model::Cluster& cluster) {
  std::vector<Point> out;
  for (std::uint32_t i = 0; i < cluster.services().size(); ++i) {
    const model::ServiceId id{i};
    const auto binding = sim::bind_service(cluster, id);
    if (!binding.bound() || binding.gateway == nullptr) continue;
    Point p;
    p.point.kind = PolicyPoint::Kind::Waypoint;
    p.point.ns = binding.gateway->meta.ns();
    p.point.gateway_name = binding.gateway->meta.name();
    p.point.gateway_class = binding.gateway->class_name;
    p.point.workload_name = binding.gateway->meta.name();
    p.point.service = id;
    if (!binding.pods.empty()) p.point.labels = cluster.pod(binding.pods.front()).meta.labels;
    p.title = fmt::format("waypoint {}/{} for {}", p.point.ns.view(), p.point.gateway_name.view(),
                          cluster.service(id).host);
    out.push_back(std::move(p));
  }
  return out;
}

const sim::TraceNode* find_node(const std::vector<sim::TraceNode>& nodes, const model::ResourceKey& key) {
  for (const auto& node : nodes) {
    if (node.reason.by && node.reason.by->key == key) return &node;
    if (const auto* below = find_node(node.children, key)) return below;
  }
  return nullptr;
}

void ask(const sim::Engine& engine, const Point& p, const model::ResourceKey& policy, Enforcement& out) {
  for (const auto& family : engine.policies().hop) {
    // Whatever the request is: what counts is whether the family considers the policy here.
    sim::RequestState request;
    const sim::Assume nothing;
    request.assume = &nothing;
    sim::TraceRecorder recorder;
    (void)family->evaluate_hop({&p.point, &request}, &recorder);
    const auto* node = find_node(recorder.nodes, policy);
    if (node == nullptr) continue;
    if (node->reason.code == sim::kAuthzNotEnforced) {
      out.not_enforced.push_back({p.title, node->reason.detail});
    } else {
      out.enforced.push_back(p.title);
    }
    return;
  }
}

void network_policy(const model::Cluster& cluster, const model::NetworkPolicy& policy, Enforcement& out) {
  const std::string directions = policy.affects_ingress && policy.affects_egress ? "ingress and egress"
                                 : policy.affects_ingress                        ? "ingress"
                                                                                 : "egress";
  for (const PodId id : cluster.select(policy.meta.ns(), policy.pod_selector)) {
    const auto& pod = cluster.pod(id);
    if (pod.spec.host_network) {
      out.not_enforced.push_back({"pod " + pod_name(pod),
                                  "it uses the node's network: the API leaves open what a policy does there, "
                                  "and most CNIs do nothing"});
    } else {
      out.enforced.push_back(fmt::format("pod {}: {}", pod_name(pod), directions));
    }
  }
}

// Pods that a selector names although nothing there can enforce the policy.
void selected_without_proxy(const model::Cluster& cluster, const model::PolicyAttachment& attachment,
                            const model::ObjectMeta& meta, Enforcement& out) {
  if (!attachment.target_refs.empty()) return;
  const bool root = meta.ns() == cluster.mesh().root_namespace;
  for (std::uint32_t i = 0; i < cluster.pods().size(); ++i) {
    const auto& pod = cluster.pod({i});
    if (!attachment.selector || attachment.selector->empty()) return;
    if (!root && pod.meta.ns() != meta.ns()) continue;
    if (!attachment.selector->matches(pod.meta.labels)) continue;
    const auto capture = sim::capture_of(cluster, {i});
    if (capture.dataplane == Dataplane::None)
      out.not_enforced.push_back({"pod " + pod_name(pod), "it is not in the mesh: " + capture.reason.detail});
    if (capture.dataplane == Dataplane::Waypoint)
      out.not_enforced.push_back(
          {"waypoint pod " + pod_name(pod),
           "waypoints take policies by targetRefs only, a selector does not reach them"});
  }
}

}  // namespace

Enforcement enforcement_of(const sim::Engine& engine, const model::ResourceKey& key) {
  const auto& cluster = engine.cluster();
  const auto& snapshot = cluster.snapshot();
  Enforcement out;
  out.object = key.str();
  if (const auto policy = snapshot.find<model::NetworkPolicy>(key)) {
    out.place = place_of(cluster.files(), policy->meta.pos);
    network_policy(cluster, *policy, out);
    return out;
  }
  for (std::uint32_t i = 0; i < cluster.pods().size(); ++i)
    if (const auto point = point_of_pod(cluster, {i})) ask(engine, *point, key, out);
  for (const auto& point : waypoint_points(cluster)) ask(engine, point, key, out);
  if (const auto policy = snapshot.find<model::AuthorizationPolicy>(key)) {
    out.place = place_of(cluster.files(), policy->meta.pos);
    selected_without_proxy(cluster, policy->attachment, policy->meta, out);
  } else if (const auto request = snapshot.find<model::RequestAuthentication>(key)) {
    out.place = place_of(cluster.files(), request->meta.pos);
    selected_without_proxy(cluster, request->attachment, request->meta, out);
  } else if (const auto peer = snapshot.find<model::PeerAuthentication>(key)) {
    out.place = place_of(cluster.files(), peer->meta.pos);
  }
  return out;
}

}  // namespace waypath::tools
