#pragma once
// JSON text -> the ranges of its values, and of the items of Lists, without parsing them. Judges nothing:
// what is not JSON comes as one range, and the reader says what is wrong.

#include <string_view>
#include <vector>

#include "model/yaml/reader.h"

namespace waypath::model::yaml {

/// `base` is the slice of the whole text: every result stands inside it. Handles one value, several one after
/// another and one a line (NDJSON).
[[nodiscard]] std::vector<Slice> slice_json(std::string_view file_text, const Slice& base,
                                            const Passed& passed);

/// `peek` and `peek_kind` (reader.h) of a slice that is JSON.
void peek_json(std::string_view text, Slice& slice);
[[nodiscard]] KindName peek_json_kind(std::string_view body);

}  // namespace waypath::model::yaml
