#pragma once
// `ask` as text, JSON or Markdown.

#include <string>
#include <string_view>
#include <vector>

#include "model/base/source_pos.h"
#include "scenarios/ask.h"

namespace waypath::tools {

/// `cluster`: the flags that name the cluster, for the commands that confirm. `all`: every address and cause.
[[nodiscard]] std::string ask_text(const scenarios::AskReport& report,
                                   const std::vector<std::string>& cluster, const model::SourceFiles& files,
                                   std::string_view format, bool colour, bool all);
/// "some", "none", "undecided", "unproven".
[[nodiscard]] std::string_view ask_verdict(const scenarios::AskReport& report);

}  // namespace waypath::tools
