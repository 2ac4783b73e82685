#pragma once
// The two sides that plan, diff and report compare, and the flows they are asked about.

#include <memory>
#include <optional>
#include <vector>

#include "model/istio/profile.h"
#include "tools/waypath/app.h"

namespace waypath::tools {

using EnginePtr = std::shared_ptr<const sim::Engine>;

/// The flows to ask about, and the facts that their scenario assumes.
struct Questions {
  std::vector<sim::Flow> flows;
  sim::Assume assume;
};
/// Flows of --scenario, else all that the two clusters suggest. Nullopt: reported.
[[nodiscard]] std::optional<Questions> questions(const Options& options, const Streams& streams,
                                                 const sim::Engine& before, const sim::Engine& after);

struct Sides {
  EnginePtr before, after;
};
/// The cluster of -f, and the same with every --change made. Nullopt: reported.
[[nodiscard]] std::optional<Sides> plan_sides(const Options& options, const Streams& streams);

/// The same cluster options on another snapshot.
[[nodiscard]] EnginePtr rebuild(const sim::Engine& from, model::Snapshot snapshot,
                                const std::optional<model::IstioVersion>& version,
                                model::Diagnostics& diagnostics);
/// The version that a flag names. Nullopt: reported.
[[nodiscard]] std::optional<model::IstioVersion> version_of(const std::string& text, const char* flag,
                                                            const Streams& streams);

}  // namespace waypath::tools
