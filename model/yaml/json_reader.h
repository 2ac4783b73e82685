#pragma once
// JSON text -> tree, by simdjson's On-Demand parser, with the place of every value.

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/base/diagnostic.h"
#include "model/base/source_pos.h"
#include "model/yaml/node.h"
#include "model/yaml/reader.h"

namespace waypath::model::yaml {

/// One JSON value. `readable`: bytes of memory from its start on, its own and those behind it. `start` is the
/// place of its first character in the file. Of what is left out brackets and texts alone are checked.
/// Nullopt after a syntax error (reported).
[[nodiscard]] std::optional<Document> read_json_value(std::string_view text, std::size_t readable,
                                                      SourcePos start, const ReadOptions& options,
                                                      Diagnostics& diagnostics);

}  // namespace waypath::model::yaml
