#pragma once
// The Service that answers names in the cluster.

#include <cstdint>

#include "model/cluster.h"

namespace waypath::sim {

/// Where name servers listen, on UDP first. Source: RFC 1035 4.2
inline constexpr std::uint16_t kDnsPort = 53;

/// The Service that kubeadm, k3s, RKE2 and the managed offerings label k8s-app=kube-dns; invalid: none is
/// given.
[[nodiscard]] model::ServiceId name_server(const model::Cluster& cluster);

}  // namespace waypath::sim
