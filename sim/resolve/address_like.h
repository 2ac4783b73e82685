#pragma once
// Pods and nodes of dual-stack clusters have an address of each family; a connection uses one.

#include <algorithm>
#include <optional>
#include <span>

#include "model/base/ip.h"

namespace waypath::sim {

/// The first of an end's addresses of the family of `other`; its first one where the other end has none;
/// nullopt: it has none of that family, or its addresses are not known.
[[nodiscard]] inline std::optional<model::IpAddress> address_like(
    std::span<const model::IpAddress> addresses, const std::optional<model::IpAddress>& other) {
  const auto it = std::find_if(addresses.begin(), addresses.end(), [&](const model::IpAddress& ip) {
    return !other || ip.is_v4() == other->is_v4();
  });
  return it == addresses.end() ? std::nullopt : std::optional(*it);
}

}  // namespace waypath::sim
