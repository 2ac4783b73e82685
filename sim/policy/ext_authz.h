#pragma once
// Extension providers of CUSTOM policies.

#include <string_view>

#include "model/cluster.h"

namespace waypath::sim {

/// The registry service that meshConfig names: "ns/host" or "host". Invalid when there is none.
/// Source: istio pilot/pkg/extensionproviders/extensionproviders.go LookupCluster
[[nodiscard]] model::ServiceId provider_service(const model::Cluster& cluster, std::string_view text);

}  // namespace waypath::sim
