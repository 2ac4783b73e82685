#include "sim/policy/unenforced.h"

#include <algorithm>
#include <utility>

#include "sim/resolve/mesh.h"

namespace waypath::sim {
namespace {

using Kind = PolicyPoint::Kind;

std::string title_of(std::string_view kind, const model::ObjectMeta& meta) {
  return std::string(kind) + " " + meta.key.ns.str() + "/" + meta.key.name.str();
}

}  // namespace

UnenforcedPolicies::UnenforcedPolicies(const model::Cluster& cluster) : cluster_(&cluster), index_(cluster) {
  for (const auto& p : cluster.snapshot().all<model::AuthorizationPolicy>()) {
    const bool custom = p->action == model::AuthorizationAction::Custom;
    add(p->meta, p->attachment,
        {&p->meta, title_of(custom ? "AuthorizationPolicy CUSTOM" : "AuthorizationPolicy", p->meta),
         custom ? "ztunnel does not support the CUSTOM action, so nobody is asked here" : ""});
  }
  for (const auto& p : cluster.snapshot().all<model::RequestAuthentication>())
    add(p->meta, p->attachment,
        {&p->meta, title_of("RequestAuthentication", p->meta), "ztunnel verifies no tokens"});
}

void UnenforcedPolicies::add(const model::ObjectMeta& meta, const model::PolicyAttachment& attachment,
                             Policy policy) {
  const auto position = static_cast<std::uint32_t>(policies_.size());
  index_.add(position, meta, attachment);
  policies_.push_back(std::move(policy));
  if (attachment.target_refs.empty() && attachment.selector && attachment.selector->empty())
    without_labels_[meta.key.ns].push_back(position);
  for (const auto& ref : attachment.target_refs) {
    if (ref.kind != "Service" || !cluster_->profile().has(model::Feature::ServiceTargetRefInServiceNamespace))
      continue;
    const auto service = cluster_->find_service(meta.key.ns.view(), ref.name.view());
    if (service.valid() && !bind_service(*cluster_, service).bound())
      without_waypoint_[service.index].push_back(position);
  }
}

std::vector<std::pair<const model::ObjectMeta*, std::string>> UnenforcedPolicies::at(
    const PolicyPoint& point) const {
  std::vector<std::pair<const model::ObjectMeta*, std::string>> out;
  const auto say = [&](std::uint32_t position, const std::string& why) {
    out.emplace_back(policies_[position].meta, policies_[position].title + why);
  };
  if (point.kind == Kind::Waypoint)
    for (const auto i : index_.selecting_in_vain(point))
      say(i, " selects the pods of this waypoint; waypoints take policies by targetRefs only");
  if (point.kind != Kind::Ztunnel) return out;
  for (const auto i : index_.at(point))
    if (!policies_[i].at_ztunnel.empty()) say(i, " selects this pod; " + policies_[i].at_ztunnel);
  const auto root = cluster_->mesh().root_namespace;
  for (int turn = 0; turn < (point.ns == root ? 1 : 2); ++turn)
    if (const auto it = without_labels_.find(turn == 0 ? point.ns : root); it != without_labels_.end())
      for (const auto i : it->second)
        say(i, " has a selector without labels, which selects no pod at ztunnel");
  const auto pod = without_waypoint_.empty()
                       ? model::PodId{}
                       : cluster_->find_pod(point.ns.view(), point.workload_name.view());
  for (const auto service : pod.valid() ? cluster_->services_of_pod(pod) : std::vector<model::ServiceId>())
    if (const auto it = without_waypoint_.find(service.index); it != without_waypoint_.end())
      for (const auto i : it->second)
        say(i, " targets Service " + cluster_->service(service).ns.str() + "/" +
                   cluster_->service(service).name.str() + ", which has no waypoint: nothing enforces it");
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return out;
}

}  // namespace waypath::sim
