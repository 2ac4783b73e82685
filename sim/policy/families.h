#pragma once
// The hop families, in the order of a proxy's chain: PeerAuthentication, CUSTOM, RequestAuthentication,
// AuthorizationPolicy.

#include <memory>

#include "model/istio/security.h"
#include "sim/policy/policy_evaluator.h"

namespace waypath::sim {

using ClusterPtr = std::shared_ptr<const model::Cluster>;

[[nodiscard]] std::unique_ptr<const PolicyEvaluator> compile_request_paths(ClusterPtr cluster);
[[nodiscard]] std::unique_ptr<const PolicyEvaluator> compile_peer_authentication(ClusterPtr cluster);
[[nodiscard]] std::unique_ptr<const PolicyEvaluator> compile_ext_authz(ClusterPtr cluster,
                                                                       model::Diagnostics& diagnostics);
[[nodiscard]] std::unique_ptr<const PolicyEvaluator> compile_request_authentication(ClusterPtr cluster);
[[nodiscard]] std::unique_ptr<const PolicyEvaluator> compile_authorization_policies(ClusterPtr cluster);

/// All of them, without those of legs.
[[nodiscard]] EvaluatorTable compile_hop_policies(const ClusterPtr& cluster, model::Diagnostics& diagnostics);

/// Of several PeerAuthentications of one scope the oldest counts; ties and unknown ages go by name.
[[nodiscard]] bool older(const model::PeerAuthentication& a, const model::PeerAuthentication& b);

[[nodiscard]] inline ObjectAt object_of(const model::ObjectMeta& meta, model::SourcePos pos = {},
                                        int rule = -1) {
  return {meta.key, pos.known() ? pos : meta.pos, rule, rule < 0 ? std::string() : std::string("rules")};
}
[[nodiscard]] inline bool is_envoy(const PolicyPoint& point) {
  return point.kind != PolicyPoint::Kind::Ztunnel;
}

}  // namespace waypath::sim
