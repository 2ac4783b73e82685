#pragma once
// A verdict as text: one line a leg, below it what the policies on it said, last what decided and what nearly
// did.

#include <cstddef>
#include <string>

#include "model/base/source_pos.h"
#include "sim/verdict.h"

namespace waypath::tools {

struct TextOptions {
  bool colour = false;
  bool verbose = false;  // every policy considered, rule by rule, and the legs that were not reached
  std::string indent;    // before every line
};

[[nodiscard]] std::string trace_text(const sim::Verdict& verdict, const model::SourceFiles& files,
                                     const TextOptions& options);

/// "TIMEOUT   client sees: http 503 UC after 10s", "ALLOW (bypasses waypoint ...)".
[[nodiscard]] std::string outcome_words(const sim::PathVerdict& path);

}  // namespace waypath::tools
