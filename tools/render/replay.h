#pragma once
// What `replay` prints.

#include <string>
#include <string_view>

#include "scenarios/replay/replay.h"

namespace waypath::tools {

/// `format`: text, json, markdown or csv (a line a flow and outcome).
[[nodiscard]] std::string replay_text(const scenarios::ReplayReport& report, std::string_view format,
                                      bool colour);

/// "1,204", "42 kB".
[[nodiscard]] std::string count_text(std::uint64_t n);
[[nodiscard]] std::string bytes_text(std::uint64_t n);

}  // namespace waypath::tools
