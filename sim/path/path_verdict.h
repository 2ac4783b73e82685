#pragma once
// Judging one path that is already built: for simulate, and for callers that build many paths themselves.

#include "sim/engine.h"
#include "sim/path/path.h"
#include "sim/verdict.h"

namespace waypath::sim {

[[nodiscard]] PathVerdict judge_path(const Engine& engine, const Path& path);

}  // namespace waypath::sim
