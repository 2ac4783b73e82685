#pragma once
// Makes the nodes of one document in its arena. Used by every reader, so that duplicate keys and depth are
// judged once.

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

#include "model/base/diagnostic.h"
#include "model/yaml/node.h"

namespace waypath::model::yaml {

inline constexpr std::size_t kMaxDepth = 200;
inline constexpr std::uint64_t kMaxExpandedNodes = 10'000'000;
inline constexpr std::size_t kMaxScalarBytes = std::size_t{16} << 20;

class TreeBuilder {
 public:
  /// `text_bytes`: size of the text to come, a hint for the arena.
  explicit TreeBuilder(std::size_t text_bytes);

  [[nodiscard]] std::string_view text(std::string_view text);
  [[nodiscard]] const Node* null(SourcePos pos);
  [[nodiscard]] const Node* scalar(ScalarStyle style, std::string_view text, SourcePos pos);  // copies `text`
  /// `text` is in this builder's arena already (see `text`).
  [[nodiscard]] const Node* scalar_view(ScalarStyle style, std::string_view text, SourcePos pos);
  [[nodiscard]] const Node* sequence(std::span<const Node* const> items, SourcePos pos);
  /// Later members whose key stands already are reported and left out.
  [[nodiscard]] const Node* mapping(std::vector<Member>& members, SourcePos pos, Diagnostics& diagnostics);
  /// Of members whose keys all differ; the keys are in the arena already.
  [[nodiscard]] const Node* mapping(std::span<const Member> members, SourcePos pos);
  [[nodiscard]] static bool repeats_key(std::span<const Member> members);
  [[nodiscard]] const Node* copy_at(const Node& node,
                                    SourcePos pos);  // the same value at another place; children are shared
  [[nodiscard]] Document finish(const Node* root);

 private:
  Node* make(NodeKind kind, SourcePos pos);
  template <class T>
  [[nodiscard]] std::span<const T> store(std::span<const T> values);

  std::unique_ptr<std::pmr::monotonic_buffer_resource> arena_;
};

}  // namespace waypath::model::yaml
