#pragma once
// What the transport itself depends on of PeerAuthentication; the evaluator is compiled in families.h.

#include <cstdint>

#include "model/cluster.h"

namespace waypath::sim {

/// Mode of a sidecar's inbound port: clients that choose by themselves send plaintext where it is DISABLE.
/// Looks at every PeerAuthentication of the pod's and the root namespace.
/// Source: istio pilot/pkg/xds/endpoints/mtls_checker.go checkMtlsEnabled.
[[nodiscard]] model::MtlsMode sidecar_mtls_mode(const model::Cluster& cluster, const model::Pod& pod,
                                                std::uint16_t port);

/// Mode of a namespace as istiod writes it into a client's clusters: the mesh's, or the namespace's own.
/// Source: istio pilot/pkg/model/authentication.go GetNamespaceMutualTLSMode.
[[nodiscard]] model::MtlsMode namespace_mtls_mode(const model::Cluster& cluster, model::Symbol ns);

}  // namespace waypath::sim
