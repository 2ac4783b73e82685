#pragma once
// What `plan` and `diff` print.

#include <string>
#include <string_view>

#include "scenarios/plan.h"

namespace waypath::tools {

/// `format`: text, json or markdown. Markdown is a pull-request comment of at most 60,000 characters: what
/// does not fit is counted in its last line.
[[nodiscard]] std::string plan_report(const scenarios::Plan& plan, std::string_view format, bool colour);

}  // namespace waypath::tools
