#pragma once
// Leaves out what no decoder reads, before the reader sees it: most of a `kubectl get -o yaml` dump is
// managedFields, status and the like, and reading costs a hundred times more than skipping by indentation.

#include <string>
#include <string_view>

#include "model/yaml/line_map.h"

namespace waypath::model::yaml {

/// The text of an object that a `BlockLexer` understands, without the parts nobody reads. `lines` learns what
/// was left out.
[[nodiscard]] std::string prune_block(std::string_view text, LineMap& lines);

}  // namespace waypath::model::yaml
