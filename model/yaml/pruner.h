#pragma once
// Leaves out what no decoder reads (unread_parts.h) before the reference reader sees it.

#include <optional>
#include <string>
#include <string_view>

#include "model/yaml/line_map.h"

namespace waypath::model::yaml {

/// The text of an object without the parts nobody reads; `lines` learns what was left out. Nullopt, and
/// `lines` as it was, when the text is not plain block style (block_lexer.h): nothing can be skipped by
/// indentation then.
[[nodiscard]] std::optional<std::string> prune_block(std::string_view text, LineMap& lines);

}  // namespace waypath::model::yaml
