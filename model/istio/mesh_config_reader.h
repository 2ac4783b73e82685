#pragma once
// Mesh configuration, feature flags and Istio's version as the manifests show them. SnapshotBuilder::build
// calls these once.

#include <memory>
#include <span>
#include <string>

#include "model/base/diagnostic.h"
#include "model/istio/mesh_config.h"
#include "model/kube/workloads.h"

namespace waypath::model {

/// Key `mesh` of ConfigMap `istio` (or `istio-<revision>`). `given` is false when there is none: all
/// defaults. Positions are those of the ConfigMap's file.
[[nodiscard]] MeshConfig read_mesh_config(std::span<const std::shared_ptr<const ConfigMap>> config_maps,
                                          const SourceFiles& files, Diagnostics& diagnostics);

/// Environment of istiod (container discovery), ztunnel and istio-cni, and data of ConfigMap
/// istio-cni-config.
[[nodiscard]] FeatureFlags read_feature_flags(std::span<const std::shared_ptr<const Workload>> workloads,
                                              std::span<const std::shared_ptr<const Pod>> pods,
                                              std::span<const std::shared_ptr<const ConfigMap>> config_maps);

/// "1.28.2" from the image tag of istiod, else ztunnel, else a proxy, else their labels; empty when nothing
/// shows it.
[[nodiscard]] std::string detect_istio_version(std::span<const std::shared_ptr<const Workload>> workloads,
                                               std::span<const std::shared_ptr<const Pod>> pods);

/// Whether a container is one of Istio's own: only of these are image, environment and arguments read, for
/// the version, the feature flags and the ports of a proxy.
[[nodiscard]] bool istio_component(const Container& container);

}  // namespace waypath::model
