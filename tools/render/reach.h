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

/// `format`: "text", "json", "csv", "markdown".
[[nodiscard]] std::string reach_report(const scenarios::ReachTable& table, std::string_view format,
                                       bool colour);

/// Takes a piece of output; false when no more is wanted.
using ReachSink = std::function<bool(std::string_view)>;
/// The CSV form pair by pair: the pairs are never held together.
void write_reach_csv(const sim::ReachResult& matrix, const ReachSink& write);

/// The compressed answer: classes of endpoints with equal connections, and what connects the classes.
/// `format`: "text", "json", "csv".
void write_reach_classes(const sim::ReachResult& matrix, const std::string& layer, std::string_view format,
                         const ReachSink& write);

}  // namespace waypath::tools
