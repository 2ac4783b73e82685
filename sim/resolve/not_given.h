#pragma once
// Parts of the cluster that are not among the manifests: what they hold is not known, which is not the same
// as not existing.

#include "model/cluster.h"

namespace waypath::sim {

/// Whether the namespace is given: itself, or an object that runs or serves in it. Also where the list of
/// namespaces is whole, as a live cluster prints it, and a missing one does not exist.
[[nodiscard]] bool namespace_told(const model::Cluster& cluster, model::Symbol ns);

/// Whether `ns` can only be a namespace, not a domain of the world outside: the API server or kubeadm makes
/// it, a NetworkPolicy names it, or no top-level domain can be called so.
[[nodiscard]] bool surely_namespace(const model::Cluster& cluster, model::Symbol ns);

}  // namespace waypath::sim
