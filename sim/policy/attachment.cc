#include "sim/policy/attachment.h"

namespace waypath::sim {
namespace {

using model::Feature;
using model::Symbol;
using Kind = PolicyPoint::Kind;

constexpr std::string_view kGatewayGroup = "gateway.networking.k8s.io";

bool selects(const model::PolicyAttachment& attachment, const model::Labels& labels) {
  return !attachment.selector || attachment.selector->matches(labels);
}

// Source: istio pilot/pkg/model/policyattachment.go PolicyMatcher.ShouldAttachPolicy
bool target_fits(const model::Cluster& cluster, const model::ObjectMeta& meta,
                 const model::PolicyTargetRef& ref, const PolicyPoint& point) {
  const auto& profile = cluster.profile();
  const bool in_root = meta.key.ns == cluster.mesh().root_namespace;
  if (ref.kind == "Gateway" && ref.group == kGatewayGroup) {
    if (ref.name != point.gateway_name) return false;
    if (!ref.ns.empty() && ref.ns != point.ns.view()) return false;
    return meta.key.ns == point.ns || (in_root && !profile.has(Feature::GatewayTargetRefSameNamespaceOnly));
  }
  if (point.kind != Kind::Waypoint) return false;
  if (ref.kind == "GatewayClass" && ref.group == kGatewayGroup)
    return profile.has(Feature::GatewayClassTargetRef) && in_root && ref.name == point.gateway_class;
  // The direct chain of a waypoint has no service.
  if (!point.service.valid()) return false;
  const auto& service = cluster.service(point.service);
  const bool kubernetes = ref.kind == "Service" && (ref.group.empty() || ref.group == "core");
  if (!profile.has(Feature::ServiceTargetRefInServiceNamespace))
    return kubernetes && service.service != nullptr && ref.name == service.name &&
           (meta.key.ns == point.ns || in_root);
  if (meta.key.ns != service.ns || ref.name != service.name) return false;
  return kubernetes
             ? service.service != nullptr
             : ref.kind == "ServiceEntry" && ref.group == "networking.istio.io" && service.entry != nullptr;
}

bool any_target_fits(const model::Cluster& cluster, const model::ObjectMeta& meta,
                     const model::PolicyAttachment& attachment, const PolicyPoint& point) {
  return std::any_of(attachment.target_refs.begin(), attachment.target_refs.end(),
                     [&](const auto& ref) { return target_fits(cluster, meta, ref, point); });
}

bool istiod_flag(const model::Cluster& cluster, std::string_view name, bool otherwise) {
  return cluster.flags().boolean(cluster.flags().istiod, name).value_or(otherwise);
}

}  // namespace

bool attaches(const model::Cluster& cluster, const model::ObjectMeta& meta,
              const model::PolicyAttachment& attachment, const PolicyPoint& point) {
  const bool near = meta.key.ns == point.ns || meta.key.ns == cluster.mesh().root_namespace;
  const bool targeted = !attachment.target_refs.empty();
  switch (point.kind) {
    case Kind::Ztunnel:
      // A selector without labels is attached to no pod here, though Envoy reads it as the whole namespace.
      // Source: istio ambient/authorization.go convertAuthorizationPolicy, ambient/workloads.go
      // buildWorkloadPolicies
      return !targeted && near && !(attachment.selector && attachment.selector->empty()) &&
             selects(attachment, point.labels);
    case Kind::Sidecar:
    case Kind::ClassicGateway:
      return !targeted && near && selects(attachment, point.labels);
    case Kind::GatewayApi:
      if (targeted) return any_target_fits(cluster, meta, attachment, point);
      return near && selects(attachment, point.labels) &&
             istiod_flag(cluster, "ENABLE_SELECTOR_BASED_K8S_GATEWAY_POLICY", true);
    case Kind::Waypoint:
      return targeted && any_target_fits(cluster, meta, attachment, point);
  }
  return false;
}

bool layered_waypoint_policies(const model::Cluster& cluster) {
  return istiod_flag(cluster, "ENABLE_LAYERED_WAYPOINT_AUTHORIZATION_POLICIES", false);
}

// Source: istio pilot/pkg/networking/core/listener_waypoint.go buildHCMConnectTerminateChain, plugin/authz
// NewWaypointTerminationBuilder
bool attaches_layered(const model::Cluster& cluster, const model::ObjectMeta& meta,
                      const model::PolicyAttachment& attachment, const PolicyPoint& waypoint) {
  const bool near = meta.key.ns == waypoint.ns || meta.key.ns == cluster.mesh().root_namespace;
  return waypoint.kind == Kind::Waypoint && near && attachment.target_refs.empty() &&
         selects(attachment, waypoint.labels);
}

void AttachmentIndex::Bucket::add(const Entry& entry, const Discriminator& discriminator, bool isolates) {
  const auto once = [&](Entries& list) {
    if (list.empty() || list.back().position != entry.position) list.push_back(entry);
  };
  once(all);
  if (isolates) once(isolating);
  switch (discriminator.kind) {
    case Discriminator::Kind::None:
      once(any_request);
      break;
    case Discriminator::Kind::Principal:
      for (const auto& principal : discriminator.principals) once(by_principal[principal]);
      break;
    case Discriminator::Kind::Port:
      for (const auto port : discriminator.ports) once(by_port[port]);
      break;
  }
}

void AttachmentIndex::add(std::uint32_t position, const model::ObjectMeta& meta,
                          const model::PolicyAttachment& attachment, const Discriminator& discriminator,
                          bool isolates) {
  const Entry entry{position, &meta, &attachment};
  if (!attachment.target_refs.empty()) {
    for (const auto& ref : attachment.target_refs)
      targeting_[{meta.key.ns, model::intern(ref.kind), ref.name}].add(entry, discriminator, isolates);
    return;
  }
  Key key{meta.key.ns, {}, {}};
  // matchLabels only: each requirement has one value.
  if (attachment.selector && !attachment.selector->empty()) {
    const auto& first = attachment.selector->requirements.front();
    key.first = first.key;
    if (!first.values.empty()) key.second = first.values.front();
  }
  selecting_[key].add(entry, discriminator, isolates);
}

template <class Use>
bool AttachmentIndex::by_selector(const PolicyPoint& point, const Use& use) const {
  const auto try_key = [&](const Key& key) {
    const auto it = selecting_.find(key);
    return it == selecting_.end() || use(it->second);
  };
  const Symbol root = cluster_->mesh().root_namespace;
  for (int i = 0; i < (root == point.ns ? 1 : 2); ++i) {
    const Symbol ns = i == 0 ? point.ns : root;
    if (!try_key({ns, {}, {}})) return false;
    for (const auto& label : point.labels.all())
      if (!try_key({ns, label.key, label.value})) return false;
  }
  return true;
}

template <class Use>
void AttachmentIndex::each_bucket(const PolicyPoint& point, const Use& use) const {
  if (point.kind != Kind::Waypoint && !by_selector(point, use)) return;
  if (point.kind != Kind::Waypoint && point.kind != Kind::GatewayApi) return;
  static const Symbol gateway = model::intern("Gateway"), gateway_class = model::intern("GatewayClass"),
                      service = model::intern("Service"), entry = model::intern("ServiceEntry");
  const auto try_key = [&](const Key& key) {
    const auto it = targeting_.find(key);
    return it == targeting_.end() || use(it->second);
  };
  const Symbol root = cluster_->mesh().root_namespace;
  boost::container::small_vector<Symbol, 3> namespaces{point.ns};
  if (root != point.ns) namespaces.push_back(root);
  const auto* target = point.service.valid() ? &cluster_->service(point.service) : nullptr;
  if (target != nullptr && target->ns != point.ns && target->ns != root) namespaces.push_back(target->ns);
  for (const Symbol ns : namespaces) {
    if (!try_key({ns, gateway, point.gateway_name}) || !try_key({ns, gateway_class, point.gateway_class}))
      return;
    if (target == nullptr) continue;
    if (!try_key({ns, service, target->name}) || !try_key({ns, entry, target->name})) return;
  }
}

bool AttachmentIndex::fits(const Entry& e, const PolicyPoint& point) const {
  return attaches(*cluster_, *e.meta, *e.attachment, point);
}

namespace {

PolicyPositions sorted(PolicyPositions positions) {
  if (!std::is_sorted(positions.begin(), positions.end())) std::sort(positions.begin(), positions.end());
  positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
  return positions;
}

}  // namespace

PolicyPositions AttachmentIndex::at(const PolicyPoint& point) const {
  PolicyPositions out;
  each_bucket(point, [&](const Bucket& bucket) {
    for (const auto& e : bucket.all)
      if (fits(e, point)) out.push_back(e.position);
    return true;
  });
  return sorted(std::move(out));
}

PolicyPositions AttachmentIndex::matching(const PolicyPoint& point, const std::string& principal,
                                          std::uint16_t port) const {
  if (port == 0) return at(point);  // any port may be meant
  PolicyPositions out;
  const auto take = [&](const Entries& entries) {
    for (const auto& e : entries)
      if (fits(e, point)) out.push_back(e.position);
  };
  each_bucket(point, [&](const Bucket& bucket) {
    take(bucket.any_request);
    if (const auto it = bucket.by_principal.find(principal); it != bucket.by_principal.end())
      take(it->second);
    if (const auto it = bucket.by_port.find(port); it != bucket.by_port.end()) take(it->second);
    return true;
  });
  return sorted(std::move(out));
}

bool AttachmentIndex::isolated(const PolicyPoint& point) const {
  bool found = false;
  each_bucket(point, [&](const Bucket& bucket) {
    found = std::any_of(bucket.isolating.begin(), bucket.isolating.end(),
                        [&](const Entry& e) { return fits(e, point); });
    return !found;
  });
  return found;
}

PolicyPositions AttachmentIndex::layered_at(const PolicyPoint& waypoint) const {
  PolicyPositions out;
  if (!layered_ || waypoint.kind != Kind::Waypoint) return out;
  by_selector(waypoint, [&](const Bucket& bucket) {
    for (const auto& e : bucket.all)
      if (attaches_layered(*cluster_, *e.meta, *e.attachment, waypoint)) out.push_back(e.position);
    return true;
  });
  return sorted(std::move(out));
}

PolicyPositions AttachmentIndex::selecting_in_vain(const PolicyPoint& waypoint) const {
  PolicyPositions out;
  if (layered_ || waypoint.kind != Kind::Waypoint) return out;
  by_selector(waypoint, [&](const Bucket& bucket) {
    for (const auto& e : bucket.all)
      if (e.attachment->selector && !e.attachment->selector->empty() &&
          e.attachment->selector->matches(waypoint.labels))
        out.push_back(e.position);
    return true;
  });
  return sorted(std::move(out));
}

}  // namespace waypath::sim
