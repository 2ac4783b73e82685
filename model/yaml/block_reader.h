#pragma once
// The fast reader: YAML in block style, as kubectl, Helm and people write it, straight into nodes.
//
// It knows a subset: block mappings and lists, one-line plain and quoted texts, literal blocks, {} and [].
// Everything else (anchors, aliases, tags, merge keys, filled flow collections, texts over several lines,
// repeated keys, tabs, CRLF, ...) is refused, and the caller asks the reference reader (event_reader.h). What
// it does read it reads as that one does: values, order, lines and columns.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "model/yaml/node.h"

namespace waypath::model::yaml {

struct BlockReadOptions {
  bool item = false;     // the text is one item of a list: it starts with its dash
  bool prune = false;    // leave out what no decoder reads (unread_parts.h)
  bool no_tabs = false;  // known: neither a tab nor a carriage return stands in the text
  /// The text outlives the document, and nodes may point into it. `readable_behind`: bytes behind it that may
  /// be read.
  bool borrow = false;
  std::size_t readable_behind = 0;
};

/// The one document that `text` holds, whose first line is line `first_line` of `file`. Nullopt: the text is
/// outside the subset, or no YAML at all. Never reports.
[[nodiscard]] std::optional<Document> read_block(std::string_view text, std::uint32_t first_line,
                                                 std::uint32_t file, BlockReadOptions options);

}  // namespace waypath::model::yaml
