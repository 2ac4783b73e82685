#pragma once
// The tree a decoder reads: one document, every node with its place. Readers (yaml-cpp events, simdjson,
// later a fast subset reader) fill it; decoders know nothing of the reader behind it.

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/base/source_pos.h"

namespace waypath::model::yaml {

enum class NodeKind : std::uint8_t { Null, Scalar, Sequence, Mapping };

/// What tells `port: 80` from `port: "80"`. Json* come from JSON input, where the type is explicit.
enum class ScalarStyle : std::uint8_t { Plain, Quoted, Block, JsonString, JsonNumber, JsonBool };

struct Node;
struct Member {
  std::string_view key;
  SourcePos key_pos;
  const Node* value = nullptr;
};

/// A node lives in its document's arena; views stay valid as long as the `Document`.
struct Node {
  NodeKind kind = NodeKind::Null;
  ScalarStyle style = ScalarStyle::Plain;
  SourcePos pos;
  std::string_view scalar;             // Scalar: the text after unescaping
  std::span<const Node* const> items;  // Sequence
  std::span<const Member>
      members;  // Mapping, in written order; duplicate keys were reported, the first is kept

  [[nodiscard]] bool is_null() const { return kind == NodeKind::Null; }
  [[nodiscard]] bool is_scalar() const { return kind == NodeKind::Scalar; }
  [[nodiscard]] bool is_sequence() const { return kind == NodeKind::Sequence; }
  [[nodiscard]] bool is_mapping() const { return kind == NodeKind::Mapping; }
  /// A scalar that YAML or JSON types as a string (quoted, block, or plain text that is no number, bool or
  /// null).
  [[nodiscard]] bool is_string() const;
  [[nodiscard]] bool is_bool() const;  // true/false and YAML 1.1's spellings as sigs.k8s.io/yaml reads them
  [[nodiscard]] bool is_integer() const;
  [[nodiscard]] bool is_float() const;  // a number that is no integer: 1.5, 1e3, .inf
  /// The values those types have; nullopt for any other node and for an integer beyond 64 bits. `010` is 8,
  /// `yes` is true.
  [[nodiscard]] std::optional<bool> as_bool() const;
  [[nodiscard]] std::optional<std::int64_t> as_integer() const;
  [[nodiscard]] std::optional<double> as_number() const;       // integer or float
  [[nodiscard]] const Node* find(std::string_view key) const;  // null when absent or not a mapping
};

/// One document with the memory of all its nodes and texts.
struct Document {
  std::unique_ptr<std::pmr::monotonic_buffer_resource> arena;
  const Node* root = nullptr;        // never null after a successful read; Null node for an empty document
  bool by_reference_reader = false;  // YAML outside the subset of block_reader.h
};

}  // namespace waypath::model::yaml
