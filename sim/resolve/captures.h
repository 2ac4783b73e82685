#pragma once
// Mesh membership of every pod at once: linear in pods, where asking pod by pod looks at the others each
// time.

#include <span>
#include <vector>

#include "sim/resolve/mesh.h"

namespace waypath::sim {

/// capture_of() of each pod, by PodId.
[[nodiscard]] std::vector<Capture> captures_of(const model::Cluster& cluster);
/// Of some pods, in their order.
[[nodiscard]] std::vector<Capture> captures_of(const model::Cluster& cluster,
                                               std::span<const model::PodId> pods);

}  // namespace waypath::sim
