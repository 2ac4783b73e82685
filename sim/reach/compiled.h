#pragma once
// What every question of the matrix starts from: pods grouped into classes, rows of their policies, and what
// the mesh makes of these.

#include <functional>
#include <memory>

#include "sim/cni_profile.h"
#include "sim/reach/classes.h"
#include "sim/reach/mesh.h"
#include "sim/reach/mesh_keys.h"
#include "sim/reach/reach.h"
#include "sim/reach/rows.h"

namespace waypath::sim {

/// Of `options` only the layer, the meshing and the CNI are asked. Members refer to those before them: it
/// stays where it is made.
struct ReachCompiled {
  /// `keep_labels`: see ReachClasses. `classes_made` is called before the mesh's policies are compiled, for
  /// benchmarks.
  ReachCompiled(std::shared_ptr<const model::Cluster> of, const ReachOptions& options,
                model::Diagnostics& diagnostics, bool keep_labels = false,
                const std::function<void()>& classes_made = nullptr);
  ReachCompiled(const ReachCompiled&) = delete;
  ReachCompiled& operator=(const ReachCompiled&) = delete;

  std::shared_ptr<const model::Cluster> cluster;
  CniProfile profile;
  PortSetTable table;
  std::unique_ptr<ReachMeshKeys> keys;  // null: NetworkPolicies alone
  ReachClasses classes;
  ReachRows rows;
  std::unique_ptr<ReachMesh> mesh;  // null as `keys` is
};

}  // namespace waypath::sim
