#pragma once
// One function for each kind, listed in kind_table.cc. A decoder reads the fields that matter, reports the
// rest, and puts what it made into `out` unless the API server would refuse it (DecodeContext::rejected).

#include <vector>

#include "model/any_resource.h"
#include "model/load/decode.h"

namespace waypath::model {

using Decoded = std::vector<AnyResource>;

// model/kube
void decode_namespace(const Field& root, ObjectMeta meta, Decoded& out);
void decode_node(const Field& root, ObjectMeta meta, Decoded& out);
void decode_pod(const Field& root, ObjectMeta meta, Decoded& out);
void decode_workload(const Field& root, ObjectMeta meta, Decoded& out);
/// Its pods are those of its template; with a workloadRef the object is kept as a name.
void decode_rollout(const Field& root, ObjectMeta meta, Decoded& out);
void decode_service_account(const Field& root, ObjectMeta meta, Decoded& out);
void decode_config_map(const Field& root, ObjectMeta meta, Decoded& out);  // and Secret
void decode_service(const Field& root, ObjectMeta meta, Decoded& out);
void decode_endpoint_slice(const Field& root, ObjectMeta meta, Decoded& out);
void decode_endpoints(const Field& root, ObjectMeta meta, Decoded& out);
void decode_ingress(const Field& root, ObjectMeta meta, Decoded& out);
void decode_openshift_route(const Field& root, ObjectMeta meta, Decoded& out);  // as an Ingress
void decode_ingress_class(const Field& root, ObjectMeta meta, Decoded& out);
void decode_network_policy(const Field& root, ObjectMeta meta, Decoded& out);
void decode_admin_network_policy(const Field& root, ObjectMeta meta,
                                 Decoded& out);  // AdminNetworkPolicy, BaselineAdminNetworkPolicy
void decode_cluster_network_policy(const Field& root, ObjectMeta meta, Decoded& out);
// model/gateway
void decode_gateway_class(const Field& root, ObjectMeta meta, Decoded& out);
void decode_gateway(const Field& root, ObjectMeta meta, Decoded& out);
void decode_listener_set(const Field& root, ObjectMeta meta, Decoded& out);
void decode_reference_grant(const Field& root, ObjectMeta meta, Decoded& out);
void decode_backend_tls_policy(const Field& root, ObjectMeta meta, Decoded& out);
void decode_http_route(const Field& root, ObjectMeta meta, Decoded& out);
void decode_grpc_route(const Field& root, ObjectMeta meta, Decoded& out);
void decode_l4_route(const Field& root, ObjectMeta meta, Decoded& out);
// model/istio
void decode_authorization_policy(const Field& root, ObjectMeta meta, Decoded& out);
void decode_request_authentication(const Field& root, ObjectMeta meta, Decoded& out);
void decode_peer_authentication(const Field& root, ObjectMeta meta, Decoded& out);
void decode_istio_gateway(const Field& root, ObjectMeta meta, Decoded& out);
void decode_virtual_service(const Field& root, ObjectMeta meta, Decoded& out);
void decode_destination_rule(const Field& root, ObjectMeta meta, Decoded& out);
void decode_service_entry(const Field& root, ObjectMeta meta, Decoded& out);
void decode_workload_entry(const Field& root, ObjectMeta meta, Decoded& out);
void decode_sidecar(const Field& root, ObjectMeta meta, Decoded& out);
/// A kind that affects traffic and has no model: its selector and targets only.
void decode_unmodelled(const Field& root, ObjectMeta meta, Decoded& out);

}  // namespace waypath::model
