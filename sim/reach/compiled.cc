#include "sim/reach/compiled.h"

#include <utility>

namespace waypath::sim {

ReachCompiled::ReachCompiled(std::shared_ptr<const model::Cluster> of, const ReachOptions& options,
                             model::Diagnostics& diagnostics, bool keep_labels,
                             const std::function<void()>& classes_made)
    : cluster(std::move(of)),
      profile(cni_profile(options.sim)),
      keys(options.layer == ReachOptions::Layer::Mesh
               ? std::make_unique<ReachMeshKeys>(*cluster, options.assume_meshed)
               : nullptr),
      classes(keys != nullptr ? ReachClasses(*cluster, profile, *keys, diagnostics, keep_labels)
                              : ReachClasses(*cluster, profile, false, diagnostics, keep_labels)),
      rows(*cluster, profile, classes, table) {
  if (classes_made) classes_made();
  if (keys != nullptr) mesh = std::make_unique<ReachMesh>(cluster, classes, *keys, table, diagnostics);
}

}  // namespace waypath::sim
