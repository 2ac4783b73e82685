#pragma once
// What is wrong with scenario files, told at length for `waypath explain`. The codes stand in scenario.h.

#include <span>

#include "model/base/codes.h"

namespace waypath::scenarios {

[[nodiscard]] std::span<const model::CodeInfo> scenario_codes();

}  // namespace waypath::scenarios
