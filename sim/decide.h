#pragma once
// A verdict without its words, for whoever compares many flows and shows few of them: about half the work.

#include "sim/engine.h"

namespace waypath::sim {

/// As `simulate` decides: outcome, symptom, response, the code of the reason, hops, legs of the request
/// itself, what is bypassed and what the backend receives are the same. What explains is left out: which
/// object decided, details, decisions of ztunnels and on legs, near misses, missing facts, legs beside the
/// request.
[[nodiscard]] Verdict decide(const Engine& engine, const Flow& flow, const Assume& assume,
                             model::Diagnostics& diagnostics);

}  // namespace waypath::sim
