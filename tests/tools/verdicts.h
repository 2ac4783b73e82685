#pragma once
// Verdicts made by hand, so that renderers are tested without a cluster.

#include <string>

#include "sim/verdict.h"

namespace waypath::tests {

[[nodiscard]] model::ResourceKey key(const std::string& kind, const std::string& ns, const std::string& name);

/// internet -> gateway edge/public -> waypoint app/wp -> ztunnel of app/server-0; the NetworkPolicy
/// app/`policy` drops the last leg.
[[nodiscard]] sim::Verdict dropped_at_last_leg(const std::string& policy = "only-9090");
/// A client in the mesh, allowed, past a waypoint that was meant to be passed.
[[nodiscard]] sim::Verdict allowed_with_bypass();

}  // namespace waypath::tests
