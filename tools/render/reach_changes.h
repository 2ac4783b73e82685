#pragma once
// What a change opens and closes between pods, as text, JSON, CSV and Markdown, change by change.

#include <functional>
#include <string>
#include <string_view>

#include "scenarios/reach_changes.h"
#include "tools/render/reach.h"

namespace waypath::tools {

/// Calls its argument for each change, until that says false.
using ReachChangeSource =
    std::function<scenarios::ReachChanges(const std::function<bool(const scenarios::ReachChange&)>&)>;
/// `format`: "text", "json", "csv", "markdown".
void write_reach_changes(const ReachChangeSource& source, const std::string& layer, std::string_view format,
                         const ReachSink& write);

}  // namespace waypath::tools
