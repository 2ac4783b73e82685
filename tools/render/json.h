#pragma once
// The stable JSON of `trace` and `test`: camelCase keys, a top-level apiVersion.

#include <string>

#include "model/base/source_pos.h"
#include "scenarios/runner.h"
#include "sim/verdict.h"

namespace waypath::tools {

inline constexpr const char* kApiVersion = "waypath.dev/v1";

[[nodiscard]] std::string trace_json(const sim::Verdict& verdict, const model::SourceFiles& files);
[[nodiscard]] std::string report_json(const scenarios::Report& report);

}  // namespace waypath::tools
