#pragma once
// What `guard` and `ask` share of the command line.

#include <optional>
#include <string>
#include <vector>

#include "scenarios/ask_target.h"
#include "scenarios/guard_point.h"
#include "tools/waypath/app.h"

namespace waypath::tools {

/// What is asked about. Nullopt: reported.
[[nodiscard]] std::optional<scenarios::AskTarget> asked_target(const sim::Engine& engine,
                                                               const Options& options,
                                                               const Streams& streams);

/// The points that --by or --avoiding name. Nullopt: reported.
[[nodiscard]] std::optional<std::vector<scenarios::GuardPoint>> guard_points(
    const sim::Engine& engine, const std::vector<std::string>& texts, const char* flag,
    const Streams& streams);

/// The flags that name the cluster, word by word, as the command that confirms a finding repeats them.
[[nodiscard]] std::vector<std::string> cluster_words(const Options& options);

}  // namespace waypath::tools
