#pragma once
// Stage 1: the text of a file -> slices (one object each) -> trees. The readers stand behind this header:
// simdjson for JSON; for YAML a fast one of block style (block_reader.h), and behind it, document by
// document, yaml-cpp's events for all of YAML.
//
// A loader calls `split_documents` once a file, `peek` on every slice, skips what cannot matter and calls
// `read_slice` for the rest, from any thread. `read_documents` does all of it for callers with small inputs.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "model/base/diagnostic.h"
#include "model/base/source_pos.h"
#include "model/yaml/node.h"

namespace waypath::model::yaml {

/// The text of one object: a document, or one item of a `kind: List` that can be read alone.
struct Slice {
  std::size_t offset = 0;  // bytes in the file
  std::size_t length = 0;
  std::uint32_t first_line = 1;  // line and column where `offset` stands
  std::uint32_t first_column = 1;
  int item = -1;  // index in `items`; the range is then the item's own ("- apiVersion: ..." or "{...}"). -1:
                  // a whole document
  bool json = false;
  bool no_tabs = false;  // known: neither a tab nor a carriage return stands in the file
  // An item of a PodList and the like, which leaves its own kind out: what the list says.
  std::string_view list_api_version, list_kind;
  // What `peek` tells; the views point into the file's text. All empty when `peeked` is false: then only
  // reading tells.
  bool peeked = false;
  std::string_view api_version, kind, ns, name;
};

/// Cuts a file at its document boundaries, and Lists into their items where indentation (or JSON) allows it.
/// Input that is no text (binary, UTF-16, invalid UTF-8) is reported and gives nothing. An empty document
/// gives no slice.
/// `passed` hears which parts of the text are done with for now, in order, several times over.
using Passed = std::function<void(std::size_t offset, std::size_t length)>;
[[nodiscard]] std::vector<Slice> split_documents(std::string_view text, std::uint32_t file,
                                                 Diagnostics& diagnostics, const Passed& passed = {});

/// A first look at a slice: apiVersion, kind, namespace and name, where its lines tell without reading it.
void peek(std::string_view text, Slice& slice);

/// apiVersion and kind as the first lines of a slice say them, at next to no cost; empty when they do not. A
/// hint alone: only `peek` and reading see an object that contradicts itself further down.
struct KindName {
  std::string_view api_version, kind;
};
[[nodiscard]] KindName peek_kind(std::string_view text, const Slice& slice);

struct ReadOptions {
  /// Leave out what no decoder reads: metadata.managedFields, kubectl's last-applied-configuration, most of
  /// `status` (unread_parts.h). Done in block style and JSON; the rest keeps its lines and columns.
  bool prune = true;
  /// The text outlives the document: its nodes may point into it.
  bool borrow = false;
};

/// Reads one slice. Nullopt when it cannot be parsed (reported). Callable from any thread with its own
/// `diagnostics`.
[[nodiscard]] std::optional<Document> read_slice(std::string_view text, const Slice& slice,
                                                 std::uint32_t file, Diagnostics& diagnostics,
                                                 const ReadOptions& options = {});

/// Everything in a text, in order: YAML, JSON, NDJSON or concatenated JSON. What cannot be parsed is reported
/// and left out. Lists come as their items; `slices` (when given) receives the slice of each document.
[[nodiscard]] std::vector<Document> read_documents(std::string_view text, std::uint32_t file,
                                                   Diagnostics& diagnostics, const ReadOptions& options = {},
                                                   std::vector<Slice>* slices = nullptr);

/// One object again, as it stands in the file, nothing left out (for a patch). `item` as in the slice it was
/// read from; when the range is that of a whole List, the item with that index.
[[nodiscard]] std::optional<Document> read_object(std::string_view text, std::size_t offset,
                                                  std::size_t length, std::uint32_t first_line, int item,
                                                  std::uint32_t file, Diagnostics& diagnostics);

}  // namespace waypath::model::yaml
