#pragma once
// Where each authorization policy is enforced, what each proxy makes of it there, and where it looks enforced
// and is not. For `explain` and lint: reads the cluster once more, never on the way of a verdict.

#include <string>
#include <vector>

#include "model/cluster.h"
#include "model/istio/security.h"
#include "sim/policy/policy_evaluator.h"

namespace waypath::sim {

/// Every proxy of the cluster that can enforce policies. Pods that policies cannot tell apart (namespace,
/// labels, kind of proxy) are one point; a waypoint has one for each bound service and one for pod-addressed
/// traffic. Sorted by name.
struct EnforcementPoint {
  PolicyPoint point;
  std::string name;  // "ztunnel of shop/api-0", "waypoint shop/waypoint for Service/shop/api"
  std::vector<model::PodId> pods;
};
[[nodiscard]] std::vector<EnforcementPoint> enforcement_points(const model::Cluster& cluster);

struct EnforcedAt {
  const EnforcementPoint* at = nullptr;
  std::vector<std::string> changes;  // "rules[0]: paths: left out; ...": what differs from what is written
  bool no_effect = false;            // attached, and can never change a verdict here
  bool refuses_all = false;  // an ALLOW that admits nothing here: all that no other policy allows is refused
};

/// A place that the policy seems to mean and does not reach.
struct NotEnforcedAt {
  std::string where, why;
  model::SourcePos pos;
};

/// As istiod writes it into .status.conditions.
/// Source: istio pilot/pkg/model/service.go flattenConditions; pilot/pkg/serviceregistry/ambient/policies.go
struct PolicyCondition {
  std::string type, reason, message;  // "ZtunnelAccepted", "Accepted", "attached to ztunnel"
  bool status = false;
};

/// The condition of one targetRef of an AuthorizationPolicy or RequestAuthentication. `why` says in words
/// what keeps it from being bound.
[[nodiscard]] PolicyCondition target_condition(const model::Cluster& cluster, const model::ObjectMeta& policy,
                                               const model::PolicyTargetRef& ref, std::string& why);

struct Enforcement {
  std::vector<EnforcedAt> enforced;
  std::vector<NotEnforcedAt> not_enforced;
  std::vector<PolicyCondition> conditions;
};
[[nodiscard]] Enforcement enforcement_of(const model::Cluster& cluster,
                                         const std::vector<EnforcementPoint>& points,
                                         const model::AuthorizationPolicy& policy);
[[nodiscard]] Enforcement enforcement_of(const model::Cluster& cluster,
                                         const std::vector<EnforcementPoint>& points,
                                         const model::RequestAuthentication& policy);

}  // namespace waypath::sim
