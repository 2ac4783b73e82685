#pragma once
// The same cluster with something changed, compiled as it was.

#include <memory>
#include <optional>

#include "model/istio/profile.h"
#include "sim/engine.h"

namespace waypath::scenarios {

/// `from` with another snapshot or version; pod ranges and simulation options stay. `version` nullopt: as the
/// snapshot shows.
[[nodiscard]] std::shared_ptr<const sim::Engine> rebuild(const sim::Engine& from, model::Snapshot snapshot,
                                                         const std::optional<model::IstioVersion>& version,
                                                         model::Diagnostics& diagnostics);
/// The version that was given, if any: what a rebuild keeps.
[[nodiscard]] std::optional<model::IstioVersion> given_version(const sim::Engine& engine);

}  // namespace waypath::scenarios
