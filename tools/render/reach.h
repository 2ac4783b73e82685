#pragma once
// The connectivity matrix as text, JSON, CSV and Markdown, and as a picture.

#include <string>
#include <string_view>

#include "scenarios/reach_table.h"
#include "tools/render/picture.h"

namespace waypath::tools {

/// The pairs as a graph, grouped by namespace.
[[nodiscard]] Picture reach_picture(const scenarios::ReachTable& table);

/// `format`: "text", "json", "csv", "markdown".
[[nodiscard]] std::string reach_report(const scenarios::ReachTable& table, std::string_view format,
                                       bool colour);

}  // namespace waypath::tools
