#pragma once
// One rule of an AuthorizationPolicy against one request, in the three forms that proxies give it: Envoy's
// HTTP chains, Envoy's TCP chains (HTTP-only fields removed) and ztunnel's L4 form. authorization.md sections
// 5 to 7.

#include <string>

#include "model/cluster.h"
#include "model/istio/security.h"
#include "sim/policy/policy_evaluator.h"

namespace waypath::sim {

enum class Tri : std::uint8_t { No, Yes, Unknown };
enum class Dialect : std::uint8_t { EnvoyHttp, EnvoyTcp, Ztunnel };

struct RuleMatch {
  Tri result = Tri::No;
  bool dropped = false;      // the proxy does not carry the rule at all
  std::string detail;        // No: the condition that failed with the values compared; dropped: why
  std::string missing_fact;  // Unknown
  model::SourcePos pos;      // of the value or condition that `detail` is about
  int depth = 0;             // how many conditions held before: the nearest miss has the most
};

[[nodiscard]] Dialect dialect_of(const PolicyPoint& point);
[[nodiscard]] RuleMatch match_rule(const model::Cluster& cluster, const model::AuthorizationPolicy& policy,
                                   const model::AuthorizationRule& rule, Dialect dialect,
                                   const RequestState& request);

}  // namespace waypath::sim
