#pragma once
// What `replay` prints.

#include <string>
#include <string_view>

#include "scenarios/replay/replay.h"

namespace waypath::tools {

/// `format`: text, json, markdown or csv (a line a flow and outcome).
[[nodiscard]] std::string replay_text(const scenarios::ReplayReport& report, std::string_view format,
                                      bool colour);

}  // namespace waypath::tools
