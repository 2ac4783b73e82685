#pragma once
// Extension providers of CUSTOM policies.

#include <string>
#include <string_view>

#include "model/cluster.h"

namespace waypath::sim {

/// The registry service that meshConfig names: "ns/host" or "host". Invalid when there is none.
/// Source: istio pilot/pkg/extensionproviders/extensionproviders.go LookupCluster
[[nodiscard]] model::ServiceId provider_service(const model::Cluster& cluster, std::string_view text);

/// Why no proxy can use the extension provider of this name; empty: it can be used.
[[nodiscard]] std::string provider_problem(const model::Cluster& cluster, std::string_view name);

/// Whether CUSTOM policies of several providers may meet at one proxy; else each of their rules refuses.
[[nodiscard]] bool several_providers_allowed(const model::Cluster& cluster);

}  // namespace waypath::sim
