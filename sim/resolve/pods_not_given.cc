#include "sim/resolve/pods_not_given.h"

#include <algorithm>

#include "model/load/kind_table.h"

namespace waypath::sim {

const model::Workload* idle_workload(const model::Cluster& cluster, model::ServiceId service) {
  const model::RegistryService& registered = cluster.service(service);
  if (registered.service == nullptr) return nullptr;
  const auto& selector = registered.service->selector;
  for (const auto& w : cluster.snapshot().all<model::Workload>()) {
    if (w->meta.ns() != registered.ns || (w->replicas.value_or(1) != 0 && !w->suspended)) continue;
    const bool selected = std::all_of(selector.begin(), selector.end(), [&](const auto& l) {
      const auto* label = w->template_labels.find(l.first);
      return label != nullptr && label->value == l.second;
    });
    if (selected) return w.get();
  }
  return nullptr;
}

std::vector<std::string> pods_not_given(const model::Cluster& cluster, model::ServiceId service) {
  const model::RegistryService& registered = cluster.service(service);
  if (registered.service == nullptr || registered.service->selector.empty()) return {};
  const bool idle = idle_workload(cluster, service) != nullptr;
  std::vector<std::string> out;
  for (const auto& object : cluster.snapshot().all<model::UnmodelledPolicy>()) {
    const auto& key = object->meta.key;
    if (key.ns == registered.ns && model::makes_pods(key.group.view(), key.kind.view()) &&
        (!idle || key.kind == std::string_view("Rollout")))
      out.push_back("the pods that are made for " + key.str());
  }
  // Pods with a status are those of a running cluster, where what is made is there.
  const auto pods = cluster.pods_in(registered.ns);
  if (std::any_of(pods.begin(), pods.end(), [&](auto pod) { return cluster.pod(pod).has_status; })) return {};
  return out;
}

}  // namespace waypath::sim
