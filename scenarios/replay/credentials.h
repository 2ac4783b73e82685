#pragma once
// What access logs do not show of a request: sessions, tokens, headers.

#include <optional>
#include <string>

#include "scenarios/replay/observation.h"
#include "sim/engine.h"

namespace waypath::scenarios {

/// Why a disagreement may come from what the log leaves out: a session under which the prediction agrees, or
/// a policy that decided by tokens or headers. Nullopt: it does not.
[[nodiscard]] std::optional<std::string> hidden_credentials(const sim::Engine& engine, const sim::Flow& flow,
                                                            const sim::Verdict& verdict, Observer observer,
                                                            const Observation& seen);

}  // namespace waypath::scenarios
