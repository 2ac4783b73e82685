#pragma once
// Which reason code a refusal by NetworkPolicies has: that of the rule that came nearest.

#include <vector>

#include "model/kube/network_policy.h"
#include "sim/policy/net_match.h"

namespace waypath::sim {

/// The rule, which fits the other end, admits the application's port: HBONE's is all that it lacks.
[[nodiscard]] bool admits_inner(const NetMatch& match, const Connection& connection,
                                const model::NetworkPolicyRule& rule);

/// A rule of address blocks alone was hardly written for a pod, even where a block holds its address.
[[nodiscard]] bool meant_for_outside(const NetPeer& other, const model::NetworkPolicyRule& rule);

/// `port_missed`: a rule fits the other end and lacks the port; `hbone`: it admits the application's.
[[nodiscard]] Code refusal_code(Direction direction, bool port_missed, bool hbone);

/// Of a connection that `policies`, all that isolate its end in the direction, refuse. What a trace shows,
/// without the words.
[[nodiscard]] Code refusal_code(const NetMatch& match, const Connection& connection, Direction direction,
                                const std::vector<const model::NetworkPolicy*>& policies);

}  // namespace waypath::sim
