#include "sim/policy/enforcement.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "model/derive.h"
#include "sim/policy/attachment.h"
#include "sim/policy/authorization_rule.h"
#include "sim/resolve/captures.h"
#include "sim/resolve/mesh.h"

namespace waypath::sim {
namespace {

using model::AuthorizationAction;
using Kind = PolicyPoint::Kind;

std::string label_text(const model::Labels& labels) {
  std::string out;
  for (const auto& l : labels.all()) out.append(l.key.view()).append("=").append(l.value.view()).append(",");
  return out;
}

std::string proxy_word(Kind kind) {
  switch (kind) {
    case Kind::Ztunnel:
      return "ztunnel of ";
    case Kind::Sidecar:
      return "sidecar of ";
    case Kind::GatewayApi:
      return "gateway ";
    case Kind::ClassicGateway:
      return "gateway ";
    case Kind::Waypoint:
      return "waypoint ";
  }
  return {};
}

bool selects(const model::PolicyAttachment& attachment, const model::Labels& labels) {
  return !attachment.selector || attachment.selector->matches(labels);
}

struct Subject {
  const model::ObjectMeta& meta;
  const model::PolicyAttachment& attachment;
  const model::AuthorizationPolicy* authorization;  // null: RequestAuthentication
  /// Why ztunnel is not sent the policy at all; empty: it is.
  [[nodiscard]] std::string unsupported_at_ztunnel() const {
    if (authorization == nullptr) return "ztunnel verifies no tokens";
    if (authorization->action == AuthorizationAction::Custom)
      return "ztunnel does not support the CUSTOM action";
    if (authorization->action == AuthorizationAction::Audit)
      return "ztunnel does not support the AUDIT action";
    if (authorization->dry_run) return "ztunnel does not enforce dry runs";
    return {};
  }
};

EnforcedAt describe(const model::Cluster& cluster, const Subject& subject, const EnforcementPoint& point) {
  EnforcedAt out;
  out.at = &point;
  const auto* policy = subject.authorization;
  if (policy == nullptr) return out;
  const Dialect dialect = dialect_of(point.point);
  bool usable = false;
  for (std::size_t i = 0; i < policy->rules.size(); ++i) {
    const CompiledRule rule(cluster, *policy, policy->rules[i]);
    usable |= !rule.dropped(dialect) && !rule.dead(dialect);
    for (const auto& change : rule.changes(dialect))
      out.changes.push_back("rules[" + std::to_string(i) + "]: " + change);
  }
  const bool enforced = !policy->dry_run && policy->action != AuthorizationAction::Audit;
  out.refuses_all = enforced && policy->action == AuthorizationAction::Allow && !usable;
  out.no_effect = !enforced || (policy->action != AuthorizationAction::Allow && !usable);
  return out;
}

// ---- targets ----

const model::RegistryService* find_target(const model::Cluster& cluster, const model::PolicyTargetRef& ref,
                                          model::Symbol ns, model::ServiceId& id) {
  for (std::uint32_t i = 0; i < cluster.services().size(); ++i) {
    const auto& s = cluster.services()[i];
    if (s.ns != ns || s.name != ref.name || (ref.kind == "ServiceEntry") != (s.entry != nullptr)) continue;
    id = {i};
    return &s;
  }
  return nullptr;
}

// As istiod names a target that it could not bind. Source: istio
// pilot/pkg/serviceregistry/ambient/policies.go WaypointPolicyStatusCollection (Ancestor)
std::string ancestor(const model::PolicyTargetRef& ref, model::Symbol ns) {
  return ref.kind + "." + (ref.group.empty() ? "core" : ref.group) + ":" + ns.str() + "/" + ref.name.str();
}

// Source: istio pilot/pkg/model/service.go flattenConditions
PolicyCondition fold(const std::vector<PolicyCondition>& all, const std::vector<std::string>& unbound) {
  PolicyCondition out = all.front();
  if (all.size() == 1) return out;
  out.status = unbound.size() < all.size();
  out.reason = !out.status ? "Invalid" : unbound.empty() ? "Accepted" : "PartiallyInvalid";
  out.message.clear();
  for (const auto& one : unbound) out.message += (out.message.empty() ? "Invalid targetRefs: " : ", ") + one;
  return out;
}

void targets(const model::Cluster& cluster, const Subject& subject, Enforcement& out) {
  std::vector<PolicyCondition> conditions;
  std::vector<std::string> unbound;
  for (const auto& ref : subject.attachment.target_refs) {
    std::string why;
    conditions.push_back(target_condition(cluster, subject.meta, ref, why));
    if (!conditions.back().status) unbound.push_back(ancestor(ref, subject.meta.key.ns));
    if (!why.empty())
      out.not_enforced.push_back(
          {ref.kind + "/" + subject.meta.key.ns.str() + "/" + ref.name.str(), why, ref.pos});
  }
  out.conditions.push_back(fold(conditions, unbound));
}

// ---- selectors ----

// A policy that is sent to ztunnel without its HTTP attributes is bound all the same. Source: istio
// pilot/pkg/serviceregistry/ambient/authorization.go convertAuthorizationPolicy, policies.go
// PolicyCollections (Bound: pol != nil)
PolicyCondition ztunnel_condition(const model::Cluster& cluster, const Subject& subject) {
  if (const auto why = subject.unsupported_at_ztunnel(); !why.empty())
    return {"ZtunnelAccepted", "UnsupportedValue", why, false};
  const auto& policy = *subject.authorization;
  bool changed = false, alive = false;
  for (const auto& r : policy.rules) {
    const CompiledRule rule(cluster, policy, r);
    changed |= !rule.changes(Dialect::Ztunnel).empty();
    alive |= !rule.dropped(Dialect::Ztunnel) && !rule.dead(Dialect::Ztunnel);
  }
  if (!changed) return {"ZtunnelAccepted", "Accepted", "attached to ztunnel", true};
  std::string message = "ztunnel does not support HTTP attributes: ";
  if (policy.action == AuthorizationAction::Allow) {
    message += "rules that use them are left out, and what no other rule allows is refused";
  } else {
    message += alive ? "the policy is enforced without them and refuses more than written"
                     : "no rule can match, the policy has no effect";
  }
  return {"ZtunnelAccepted", "UnsupportedValue", std::move(message), true};
}

void selected_in_vain(const model::Cluster& cluster, const Subject& subject,
                      const std::vector<EnforcementPoint>& points, Enforcement& out) {
  const auto ns = subject.meta.key.ns, root = cluster.mesh().root_namespace;
  const auto pos = subject.attachment.selector ? subject.attachment.selector->pos : subject.meta.pos;
  const bool empty = subject.attachment.selector && subject.attachment.selector->empty();
  const bool named = subject.attachment.selector && !empty;
  for (const auto& p : points) {
    if ((p.point.ns != ns && ns != root) || !selects(subject.attachment, p.point.labels) ||
        attaches(cluster, subject.meta, subject.attachment, p.point)) {
      if (p.point.kind != Kind::Ztunnel || !attaches(cluster, subject.meta, subject.attachment, p.point))
        continue;
      if (const auto why = subject.unsupported_at_ztunnel(); !why.empty())
        out.not_enforced.push_back({p.name, why, pos});
      continue;
    }
    if (p.point.kind == Kind::Ztunnel && empty)
      out.not_enforced.push_back({p.name, "a selector without labels is attached to no pod at ztunnel", pos});
    if (p.point.kind == Kind::Waypoint && named && !p.point.service.valid())
      out.not_enforced.push_back(
          {p.name, "the policy selects pods; waypoints ignore selectors: use targetRefs", pos});
    if (p.point.kind == Kind::GatewayApi)
      out.not_enforced.push_back(
          {p.name, "ENABLE_SELECTOR_BASED_K8S_GATEWAY_POLICY is false: Gateway API gateways ignore selectors",
           pos});
  }
  if (!named) return;
  std::size_t here = 0, elsewhere = 0;
  std::string outside;
  for (std::uint32_t i = 0; i < cluster.pods().size(); ++i) {
    const auto& pod = *cluster.pods()[i];
    if (!selects(subject.attachment, pod.meta.labels)) continue;
    const bool reached = pod.meta.key.ns == ns || ns == root;
    (reached ? here : elsewhere) += 1;
    if (reached && outside.empty() && capture_of(cluster, {i}).dataplane == Dataplane::None)
      outside = pod.meta.key.ns.str() + "/" + pod.meta.key.name.str();
  }
  if (!outside.empty())
    out.not_enforced.push_back(
        {"pod " + outside, "the pod is not in the mesh: no proxy enforces the policy", pos});
  if (here != 0) return;
  std::string why = "no pod has the labels of the selector " + subject.attachment.selector->str();
  if (elsewhere != 0)
    why = std::to_string(elsewhere) +
          " pods with the labels are in other namespaces; a selector reaches its own namespace, or all from "
          "the root namespace " +
          root.str();
  out.not_enforced.push_back({"namespace " + ns.str(), std::move(why), pos});
}

Enforcement enforcement(const model::Cluster& cluster, const std::vector<EnforcementPoint>& points,
                        const Subject& subject) {
  Enforcement out;
  const bool targeted = !subject.attachment.target_refs.empty();
  for (const auto& p : points) {
    if (!attaches(cluster, subject.meta, subject.attachment, p.point)) continue;
    if (p.point.kind == Kind::Ztunnel && !subject.unsupported_at_ztunnel().empty()) continue;
    out.enforced.push_back(describe(cluster, subject, p));
  }
  if (targeted) {
    targets(cluster, subject, out);
    if (subject.attachment.selector)
      out.not_enforced.push_back(
          {"selector", "a policy with targetRefs ignores its selector: sidecars and ztunnel leave it out",
           subject.attachment.selector->pos});
  } else {
    if (subject.authorization != nullptr) out.conditions.push_back(ztunnel_condition(cluster, subject));
    selected_in_vain(cluster, subject, points, out);
  }
  return out;
}

}  // namespace

// The condition of one target reference. Source: istio pilot/pkg/serviceregistry/ambient/policies.go
// WaypointPolicyStatusCollection
PolicyCondition target_condition(const model::Cluster& cluster, const model::ObjectMeta& policy,
                                 const model::PolicyTargetRef& ref, std::string& why) {
  PolicyCondition c{"WaypointAccepted", "Accepted", {}, true};
  const auto ns = policy.key.ns;
  const std::string name = ns.str() + "/" + ref.name.str();
  const auto refuse = [&](std::string reason, std::string message) {
    c.status = false;
    c.reason = std::move(reason);
    c.message = std::move(message);
    why = c.message;
    return c;
  };
  if (ref.kind == "GatewayClass") {
    if (ns != cluster.mesh().root_namespace)
      return refuse("Invalid", "AuthorizationPolicy must be in the root namespace `" +
                                   cluster.mesh().root_namespace.str() + "` when referencing a GatewayClass");
    const auto controller =
        model::gateway_controller(ref.name, cluster.snapshot().all<model::GatewayClass>());
    if (controller.empty()) {
      (void)refuse("TargetNotFound", "not bound");
      why = "GatewayClass " + ref.name.str() + " was not found";
      return c;
    }
    if (controller != model::kMeshController)
      return refuse("Invalid", "GatewayClass must use controller name `" +
                                   std::string(model::kMeshController) + "` for waypoints");
    c.message = "bound to " + ref.name.str();
    return c;
  }
  if (ref.kind == "Gateway") {
    const auto* gateway = cluster.snapshot().find<model::Gateway>(ns.view(), ref.name.view());
    if (gateway == nullptr) {
      (void)refuse("TargetNotFound", "Gateway " + name + " was not found");
      for (const auto& other : cluster.snapshot().all<model::Gateway>())
        if (other->meta.key.name == ref.name)
          why = c.message + "; " + other->meta.key.ns.str() + "/" + ref.name.str() +
                " exists, but a policy attaches to Gateways of its own namespace only";
      return c;
    }
    c.message = "bound to " + name;
    return c;
  }
  if (ref.kind != "Service" && ref.kind != "ServiceEntry")
    return refuse("Invalid", ref.kind + " cannot be a target");
  model::ServiceId id;
  if (find_target(cluster, ref, ns, id) == nullptr)
    return refuse("TargetNotFound", ref.kind + " " + name + " was not found");
  const auto binding = bind_service(cluster, id);
  if (!binding.bound()) {
    (void)refuse("AncestorNotBound", ref.kind + " " + name + " is not bound to a waypoint");
    if (!binding.reason.detail.empty()) why = c.message + ": " + binding.reason.detail;
    return c;
  }
  c.message = "bound to " + binding.gateway->meta.key.ns.str() + "/" + binding.gateway->meta.key.name.str();
  return c;
}

std::vector<EnforcementPoint> enforcement_points(const model::Cluster& cluster) {
  std::map<std::string, EnforcementPoint> by_key;
  std::vector<std::pair<const model::Gateway*, model::ServiceId>> bound;
  for (std::uint32_t s = 0; s < cluster.services().size(); ++s)
    if (const auto binding = bind_service(cluster, {s}); binding.bound())
      bound.emplace_back(binding.gateway, model::ServiceId{s});
  const auto add = [&](PolicyPoint point, model::PodId pod, const std::string& name, std::string key) {
    auto& entry = by_key[std::move(key)];
    if (entry.pods.empty()) {
      entry.name = name;
      entry.point = std::move(point);
    }
    entry.pods.push_back(pod);
  };
  const std::vector<Capture> captures = captures_of(cluster);
  for (std::uint32_t i = 0; i < cluster.pods().size(); ++i) {
    const model::PodId id{i};
    const auto& pod = cluster.pod(id);
    PolicyPoint point;
    point.ns = pod.meta.key.ns;
    point.labels = pod.meta.labels;
    point.workload_name = pod.meta.key.name;
    std::string name = pod.meta.key.ns.str() + "/" + pod.meta.key.name.str();
    const auto* gateway = gateway_of_pod(cluster, id);
    if (gateway != nullptr) {
      point.gateway_name = gateway->meta.key.name;
      point.gateway_class = gateway->class_name;
      name = gateway->meta.key.ns.str() + "/" + gateway->meta.key.name.str();
    }
    switch (captures[i].dataplane) {
      case Dataplane::None:
        continue;
      case Dataplane::Ambient:
        point.kind = Kind::Ztunnel;
        point.http = false;
        break;
      case Dataplane::Sidecar:
        point.kind = Kind::Sidecar;
        break;
      case Dataplane::Gateway:
        point.kind = gateway != nullptr ? Kind::GatewayApi : Kind::ClassicGateway;
        break;
      case Dataplane::Waypoint:
        point.kind = Kind::Waypoint;
        break;
    }
    const std::string full = proxy_word(point.kind) + name;
    const std::string labels = label_text(pod.meta.labels);
    const std::string key =
        proxy_word(point.kind) + pod.meta.key.ns.str() + "/" + (gateway != nullptr ? name : labels);
    if (point.kind == Kind::Waypoint) {
      for (const auto& [waypoint, service] : bound) {
        if (waypoint != gateway) continue;
        PolicyPoint chain = point;
        chain.service = service;
        const auto& s = cluster.service(service);
        const std::string target = s.meta().key.str() + (s.entry != nullptr ? " (" + s.host + ")" : "");
        add(std::move(chain), id, full + " for " + target, key + " " + target);
      }
    }
    add(std::move(point), id, full, key);
  }
  std::vector<EnforcementPoint> out;
  for (auto& [key, entry] : by_key) out.push_back(std::move(entry));
  std::stable_sort(out.begin(), out.end(),
                   [](const EnforcementPoint& a, const EnforcementPoint& b) { return a.name < b.name; });
  return out;
}

Enforcement enforcement_of(const model::Cluster& cluster, const std::vector<EnforcementPoint>& points,
                           const model::AuthorizationPolicy& policy) {
  return enforcement(cluster, points, {policy.meta, policy.attachment, &policy});
}
Enforcement enforcement_of(const model::Cluster& cluster, const std::vector<EnforcementPoint>& points,
                           const model::RequestAuthentication& policy) {
  return enforcement(cluster, points, {policy.meta, policy.attachment, nullptr});
}

}  // namespace waypath::sim
