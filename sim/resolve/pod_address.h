#pragma once
// Pods of dual-stack clusters have an address of each family; a connection uses one.

#include <algorithm>
#include <optional>

#include "model/kube/workloads.h"

namespace waypath::sim {

/// The pod's first address of the family of `other`; its first one where the other end has none; nullopt: the
/// pod has none of that family, or its addresses are not known.
[[nodiscard]] inline std::optional<model::IpAddress> address_like(
    const model::Pod& pod, const std::optional<model::IpAddress>& other) {
  const auto it = std::find_if(pod.ips.begin(), pod.ips.end(), [&](const model::IpAddress& ip) {
    return !other || ip.is_v4() == other->is_v4();
  });
  return it == pod.ips.end() ? std::nullopt : std::optional(*it);
}

}  // namespace waypath::sim
