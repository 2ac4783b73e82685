#pragma once
// The question that is asked of many pairs of pods: no words, only the answer.

#include "sim/lint/context.h"

namespace waypath::sim {

/// Whether NetworkPolicies certainly drop a TCP connection to `port` of the destination pod, at either end.
[[nodiscard]] inline bool drops(const LintContext& c, model::PodId from, model::PodId to,
                                std::uint16_t port) {
  const auto refused = [](const PolicyResult& r) {
    return r.decision == Decision::Deny || r.decision == Decision::Drop;
  };
  const LegDecisions said = judge_leg(c.engine.policies(), c.connection(from, to, port), nullptr);
  return refused(said.egress) || refused(said.ingress);
}

}  // namespace waypath::sim
