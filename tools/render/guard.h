#pragma once
// `guard` as text, JSON or Markdown.

#include <string>
#include <string_view>
#include <vector>

#include "model/base/source_pos.h"
#include "scenarios/guard.h"

namespace waypath::tools {

/// `cluster`: the flags that name the cluster, for the commands that confirm. `all`: every way, not the first
/// few of a kind.
[[nodiscard]] std::string guard_text(const scenarios::GuardReport& report,
                                     const std::vector<std::string>& cluster, const model::SourceFiles& files,
                                     std::string_view format, bool colour, bool all);

}  // namespace waypath::tools
