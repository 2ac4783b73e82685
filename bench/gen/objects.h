#pragma once
// The objects of a generated cluster, kind by kind, as the API server keeps them.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "bench/gen/layout.h"

namespace waypath::gen {

using Json = nlohmann::json;

/// Numbers of the streams of chance and of uids: one for each kind.
enum class Stream : std::uint8_t {
  Namespace,
  Node,
  Pod,
  Labels,
  Deployment,
  ReplicaSet,
  Service,
  EndpointSlice,
  ServiceAccount,
  NetworkPolicy,
  ClusterWide,
  Gateway,
  Route,
  Authorization,
  Noise,
  Platform,
  Log,
};

[[nodiscard]] inline std::uint64_t number(Stream stream) { return static_cast<std::uint64_t>(stream); }

/// apiVersion, kind and what the API server writes into metadata. `ns` empty: cluster-scoped.
[[nodiscard]] Json new_object(const Layout& layout, Stream stream, int index, std::string_view api_version,
                              std::string_view kind, std::string_view ns, std::string_view name);
/// metadata.managedFields as server-side apply records them for what the object holds.
void add_managed_fields(Json& object);

// Workloads: workload_objects.cc
[[nodiscard]] Json namespace_object(const Layout& layout, int ns);
[[nodiscard]] Json node_object(const Layout& layout, int node);
[[nodiscard]] Json pod_object(const Layout& layout, int pod);
[[nodiscard]] Json deployment_object(const Layout& layout, int workload);
[[nodiscard]] Json replica_set_object(const Layout& layout, int workload);
// Services: service_objects.cc
[[nodiscard]] Json service_object(const Layout& layout, int workload);
[[nodiscard]] Json endpoint_slice_object(const Layout& layout, int workload);
[[nodiscard]] Json service_account_object(const Layout& layout, int workload);
// Policies: policy_objects.cc
[[nodiscard]] Json network_policy_object(const Layout& layout, int ns, int policy);
[[nodiscard]] Json cluster_wide_policy_object(const Layout& layout, int policy);
// The mesh: mesh_objects.cc
[[nodiscard]] Json gateway_class_object(const Layout& layout, bool waypoint);
[[nodiscard]] Json mesh_config_object(const Layout& layout);
[[nodiscard]] Json istiod_object(const Layout& layout);
[[nodiscard]] Json ext_authz_service_object(const Layout& layout);
[[nodiscard]] Json waypoint_object(const Layout& layout, int ns);
[[nodiscard]] Json gateway_object(const Layout& layout, int gateway);
[[nodiscard]] Json http_route_object(const Layout& layout, int route);
[[nodiscard]] Json authorization_policy_object(const Layout& layout, int policy);
// Without effect on traffic: noise_objects.cc
[[nodiscard]] Json noise_object(const Layout& layout, int index);

/// Pods of one label value of the `labels` beside app: "label-2" has "v0" to "v9".
[[nodiscard]] std::string label_key(int label);
[[nodiscard]] std::string label_value(const Layout& layout, int workload, int label);

}  // namespace waypath::gen
