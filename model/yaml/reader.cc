#include "model/yaml/reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "model/yaml/block_lexer.h"
#include "model/yaml/block_reader.h"
#include "model/yaml/event_reader.h"
#include "model/yaml/json_reader.h"
#include "model/yaml/json_slices.h"
#include "model/yaml/node_builder.h"
#include "model/yaml/pruner.h"
#include "model/yaml/tree_builder.h"
#include "model/yaml/yaml_codes.h"

namespace waypath::model::yaml {
namespace {

/// A YAML document in flow style also starts with a brace. What is larger than this was meant as JSON.
constexpr std::size_t kFlowYamlLimit = std::size_t{1} << 20;

std::optional<Document> first_of(std::vector<Document> documents, bool failed) {
  if (failed || documents.empty()) return std::nullopt;
  return std::move(documents.front());
}

std::optional<Document> read_json_slice(std::string_view text, const Slice& slice, std::uint32_t file,
                                        Diagnostics& diagnostics, const ReadOptions& options) {
  const std::string_view body = text.substr(slice.offset, slice.length);
  Diagnostics json_errors;
  std::optional<Document> document = read_json_value(
      body, text.size() - slice.offset, {file, slice.first_line, slice.first_column}, options, json_errors);
  // An object whose first key has no quotes is YAML in flow style.
  const std::size_t key = body.find_first_not_of(" \t\r\n", 1);
  const bool flow =
      body.front() == '{' && key != std::string_view::npos && body[key] != '"' && body[key] != '}';
  if (!document && flow && body.size() <= kFlowYamlLimit && slice.item < 0) {
    bool failed = false;
    const LineMap lines(slice.first_line);
    // Spaces in front keep the columns of the first line.
    const std::string padded = std::string(slice.first_column - 1, ' ') + std::string(body);
    return first_of(read_yaml_events(padded, lines, file, diagnostics, failed), failed);
  }
  diagnostics.append(std::move(json_errors));
  return document;
}

/// Whether the text holds a value that the reference reader should not even see.
bool oversized(std::string_view text, const Slice& slice, std::uint32_t file, Diagnostics& diagnostics) {
  if (text.size() <= kMaxScalarBytes) return false;
  BlockLexer lexer(text);
  BlockLine line;
  while (lexer.next(line)) {
  }
  if (!lexer.oversized()) return false;
  const std::string_view before = text.substr(0, lexer.oversized_at());
  const std::size_t newline = before.rfind('\n');
  Diagnostic d;
  d.code = kScalarTooLarge;
  d.pos = {file,
           slice.first_line + static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n')),
           static_cast<std::uint32_t>(newline == std::string_view::npos ? before.size()
                                                                        : before.size() - newline - 1) +
               1};
  d.message = "a value of more than 16 MiB is no manifest";
  d.hint = "leave this file out";
  diagnostics.report(std::move(d));
  return true;
}

std::optional<Document> read_yaml_slice(std::string_view text, const Slice& slice, std::uint32_t file,
                                        Diagnostics& diagnostics, const ReadOptions& options) {
  const std::string_view body = text.substr(slice.offset, slice.length);
  const BlockReadOptions fast{.item = slice.item >= 0,
                              .prune = options.prune,
                              .no_tabs = slice.no_tabs,
                              .borrow = options.borrow,
                              .readable_behind = text.size() - slice.offset - body.size()};
  if (std::optional<Document> document = read_block(body, slice.first_line, file, fast)) return document;
  if (oversized(body, slice, file, diagnostics)) return std::nullopt;
  LineMap lines(slice.first_line);
  std::optional<std::string> kept = options.prune ? prune_block(body, lines) : std::nullopt;
  if (!kept && slice.item >= 0) kept = std::string(body);
  if (kept && slice.item >= 0) {
    // The item's dash becomes a space: the object then reads alone, at its own columns.
    const std::size_t dash = kept->find_first_not_of(' ');
    if (dash != std::string::npos && (*kept)[dash] == '-') (*kept)[dash] = ' ';
  }
  bool failed = false;
  std::optional<Document> document =
      first_of(read_yaml_events(kept ? *kept : body, lines, file, diagnostics, failed), failed);
  if (document) document->by_reference_reader = true;
  return document;
}

bool is_list(const Node& root) {
  const Node* const kind = root.find("kind");
  const Node* const items = root.find("items");
  return kind != nullptr && kind->is_string() && kind->scalar.ends_with("List") && items != nullptr &&
         items->is_sequence();
}

}  // namespace

std::optional<Document> read_slice(std::string_view text, const Slice& slice, std::uint32_t file,
                                   Diagnostics& diagnostics, const ReadOptions& options) {
  return slice.json ? read_json_slice(text, slice, file, diagnostics, options)
                    : read_yaml_slice(text, slice, file, diagnostics, options);
}

std::vector<Document> read_documents(std::string_view text, std::uint32_t file, Diagnostics& diagnostics,
                                     const ReadOptions& options, std::vector<Slice>* slices) {
  std::vector<Document> documents;
  for (const Slice& slice : split_documents(text, file, diagnostics)) {
    std::optional<Document> document = read_slice(text, slice, file, diagnostics, options);
    if (!document) continue;
    if (slice.item < 0 && is_list(*document->root)) {
      int index = 0;
      for (const Node* const item : document->root->find("items")->items) {
        documents.push_back(copy_document(*item));
        if (slices != nullptr) {
          slices->push_back(slice);
          slices->back().item = index;
        }
        ++index;
      }
      continue;
    }
    documents.push_back(std::move(*document));
    if (slices != nullptr) slices->push_back(slice);
  }
  return documents;
}

std::optional<Document> read_object(std::string_view text, std::size_t offset, std::size_t length,
                                    std::uint32_t first_line, int item, std::uint32_t file,
                                    Diagnostics& diagnostics) {
  Slice slice;
  slice.offset = offset;
  slice.length = length;
  slice.first_line = first_line;
  const std::size_t newline = offset == 0 ? std::string_view::npos : text.rfind('\n', offset - 1);
  slice.first_column =
      static_cast<std::uint32_t>(newline == std::string_view::npos ? offset : offset - newline - 1) + 1;
  const std::string_view body = text.substr(offset, length);
  const std::size_t first = body.find_first_not_of(" \t\r\n");
  slice.json = first != std::string_view::npos && (body[first] == '{' || body[first] == '[');
  // The range of a YAML item starts with its dash; that of a JSON item holds no `items` of a List.
  const bool dashed = first != std::string_view::npos && body[first] == '-' && first + 1 < body.size() &&
                      (body[first + 1] == ' ' || body[first + 1] == '\n' || body[first + 1] == '\r');
  if (item >= 0 && dashed) slice.item = item;
  std::optional<Document> document = read_slice(text, slice, file, diagnostics, ReadOptions{.prune = false});
  if (document && item >= 0 && !dashed && is_list(*document->root)) {
    const std::span<const Node* const> items = document->root->find("items")->items;
    if (static_cast<std::size_t>(item) >= items.size()) return std::nullopt;
    return copy_document(*items[static_cast<std::size_t>(item)]);
  }
  return document;
}

}  // namespace waypath::model::yaml
