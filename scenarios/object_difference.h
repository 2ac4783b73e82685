#pragma once
// The objects that are not the same on two sides.

#include <vector>

#include "model/snapshot.h"

namespace waypath::scenarios {

/// Manifest objects of `before` that `after` does not share, and the other way round. Overlays share what no
/// change speaks of; of two loaded clusters every object is listed.
struct ObjectDifference {
  std::vector<const model::ObjectMeta*> gone, come;
};
[[nodiscard]] ObjectDifference object_difference(const model::Snapshot& before, const model::Snapshot& after);

}  // namespace waypath::scenarios
