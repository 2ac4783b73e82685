#pragma once
// The Service that answers names in the cluster.

#include "model/cluster.h"

namespace waypath::sim {

/// The Service that kubeadm, k3s, RKE2 and the managed offerings label k8s-app=kube-dns; invalid: none is
/// given.
[[nodiscard]] model::ServiceId name_server(const model::Cluster& cluster);

}  // namespace waypath::sim
