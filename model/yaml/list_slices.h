#pragma once
// A `kind: List` document -> the ranges of its items, by indentation alone.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "model/yaml/reader.h"

namespace waypath::model::yaml {

/// A line that does not start with a space, a comment or its own end.
struct TopLine {
  std::size_t offset = 0;  // in the file
  std::uint32_t line = 1;
};

/// Adds the items of the List that `document` is to `out`. False, and nothing added, when it is none, or when
/// its items cannot be read alone (anchors; `items` in flow style; a layout that indentation does not
/// explain). `top`: its top lines in order.
bool slice_list(std::string_view text, const Slice& document, std::span<const TopLine> top,
                std::vector<Slice>& out, const Passed& passed);

}  // namespace waypath::model::yaml
