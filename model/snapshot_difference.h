#pragma once
// The objects that are not the same in two snapshots, however each was loaded.

#include <span>
#include <vector>

#include "model/snapshot.h"

namespace waypath::model {

/// Manifest objects of `before` that `after` lacks or has otherwise, and the other way round; by kind of
/// struct and key. Two objects are the same when all that is read of them is: what no evaluator can see
/// (files, lines, formatting, fields without effect) makes no difference. Points into the snapshots, which
/// have to outlive it.
struct SnapshotDifference {
  std::vector<const ObjectMeta*> gone, come;
};
/// One walk over both, in the order of keys. Labels of the keys given make no difference.
[[nodiscard]] SnapshotDifference snapshot_difference(const Snapshot& before, const Snapshot& after,
                                                     std::span<const Symbol> ignored_labels = {});

}  // namespace waypath::model
