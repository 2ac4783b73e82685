#pragma once
// The connectivity matrix as text, JSON, CSV and Markdown, and as a picture.

#include <functional>
#include <string>
#include <string_view>

#include "scenarios/reach_table.h"
#include "tools/render/picture.h"

namespace waypath::tools {

/// The pairs as a graph, grouped by namespace.
[[nodiscard]] Picture reach_picture(const scenarios::ReachTable& table);

/// Takes a piece of output; false when no more is wanted.
using ReachSink = std::function<bool(std::string_view)>;
/// Row by row: they are never held together. `format`: "text", "json", "csv", "markdown".
void write_reach(const scenarios::ReachTable& table, std::string_view format, bool colour,
                 const ReachSink& write);

/// The compressed answer: classes of endpoints with equal connections, and what connects the classes.
/// `format`: "text", "json", "csv".
void write_reach_classes(const sim::ReachResult& matrix, const std::string& layer, std::string_view format,
                         const ReachSink& write);

}  // namespace waypath::tools
