#include "sim/policy/attachment.h"

namespace waypath::sim {
namespace {

using model::Feature;
using Kind = PolicyPoint::Kind;

bool selects(const model::PolicyAttachment& attachment, const model::Labels& labels) {
  return !attachment.selector || attachment.selector->matches(labels);
}

// Source: istio pilot/pkg/model/policyattachment.go PolicyMatcher.ShouldAttachPolicy
bool target_fits(const model::Cluster& cluster, const model::ObjectMeta& meta,
                 const model::PolicyTargetRef& ref, const PolicyPoint& point) {
  const auto& profile = cluster.profile();
  const bool in_root = meta.key.ns == cluster.mesh().root_namespace;
  if (ref.kind == "Gateway" && ref.group == "gateway.networking.k8s.io") {
    if (ref.name != point.gateway_name) return false;
    if (!ref.ns.empty() && ref.ns != point.ns.view()) return false;
    // Up to 1.24 a policy of the root namespace attached to any Gateway of that name.
    return meta.key.ns == point.ns || (in_root && !profile.has(Feature::GatewayTargetRefSameNamespaceOnly));
  }
  if (point.kind != Kind::Waypoint) return false;
  if (ref.kind == "GatewayClass" && ref.group == "gateway.networking.k8s.io")
    return profile.has(Feature::GatewayClassTargetRef) && in_root && ref.name == point.gateway_class;
  if (!point.service.valid()) return false;
  const auto& service = cluster.service(point.service);
  const auto ns = profile.has(Feature::ServiceTargetRefInServiceNamespace) ? service.ns : point.ns;
  if (ref.kind == "Service" && (ref.group.empty() || ref.group == "core"))
    return service.service != nullptr && ref.name == service.name && meta.key.ns == ns;
  if (ref.kind == "ServiceEntry" && ref.group == "networking.istio.io")
    return service.entry != nullptr && ref.name == service.name && meta.key.ns == ns;
  return false;
}

}  // namespace

bool attaches(const model::Cluster& cluster, const model::ObjectMeta& meta,
              const model::PolicyAttachment& attachment, const PolicyPoint& point) {
  const bool own = meta.key.ns == point.ns, root = meta.key.ns == cluster.mesh().root_namespace;
  const bool targeted = !attachment.target_refs.empty();
  const auto any_target = [&] {
    return std::any_of(attachment.target_refs.begin(), attachment.target_refs.end(),
                       [&](const auto& ref) { return target_fits(cluster, meta, ref, point); });
  };
  switch (point.kind) {
    case Kind::Ztunnel:
      // Source: istio ambient/authorization.go convertAuthorizationPolicy, ambient/workloads.go
      // buildWorkloadPolicies. A selector without labels is attached to no pod here, though Envoy reads it as
      // the whole namespace.
      if (targeted || (attachment.selector && attachment.selector->empty())) return false;
      return (own || root) && selects(attachment, point.labels);
    case Kind::Sidecar:
    case Kind::ClassicGateway:
      return !targeted && (own || root) && selects(attachment, point.labels);
    case Kind::GatewayApi: {
      if (targeted) return any_target();
      const bool by_selector =
          cluster.flags()
              .boolean(cluster.flags().istiod, "ENABLE_SELECTOR_BASED_K8S_GATEWAY_POLICY")
              .value_or(true);
      return by_selector && (own || root) && selects(attachment, point.labels);
    }
    case Kind::Waypoint:
      return targeted && any_target();
  }
  return false;
}

}  // namespace waypath::sim
