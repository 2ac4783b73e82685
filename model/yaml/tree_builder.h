#pragma once
// Makes the nodes of one document in its arena. Used by every reader, so that duplicate keys and depth are
// judged once.

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <new>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "model/base/diagnostic.h"
#include "model/yaml/node.h"

namespace waypath::model::yaml {

inline constexpr std::size_t kMaxDepth = 200;
inline constexpr std::uint64_t kMaxExpandedNodes = 10'000'000;
inline constexpr std::size_t kMaxScalarBytes = std::size_t{16} << 20;

class TreeBuilder {
 public:
  TreeBuilder();

  [[nodiscard]] std::string_view text(std::string_view text);
  /// The same with `padding` bytes behind it that may be read.
  [[nodiscard]] std::string_view padded_text(std::string_view text, std::size_t padding);
  [[nodiscard]] const Node* null(SourcePos pos) { return make(NodeKind::Null, pos); }
  [[nodiscard]] const Node* scalar(ScalarStyle style, std::string_view value,
                                   SourcePos pos) {  // copies `value`
    return scalar_view(style, text(value), pos);
  }
  /// `value` lives as long as the document: in this builder's arena (see `text`), or in what is read.
  [[nodiscard]] const Node* scalar_view(ScalarStyle style, std::string_view value, SourcePos pos) {
    Node* const node = make(NodeKind::Scalar, pos);
    node->style = style;
    node->scalar = value;
    return node;
  }
  [[nodiscard]] const Node* sequence(std::span<const Node* const> items, SourcePos pos) {
    Node* const node = make(NodeKind::Sequence, pos);
    node->items = store(items);
    return node;
  }
  /// Later members whose key stands already are reported and left out.
  [[nodiscard]] const Node* mapping(std::vector<Member>& members, SourcePos pos, Diagnostics& diagnostics);
  /// Of members whose keys all differ; the keys are in the arena already.
  [[nodiscard]] const Node* mapping(std::span<const Member> members, SourcePos pos) {
    Node* const node = make(NodeKind::Mapping, pos);
    node->members = store(members);
    return node;
  }
  [[nodiscard]] static bool repeats_key(std::span<const Member> members);
  [[nodiscard]] const Node* copy_at(const Node& node,
                                    SourcePos pos);  // the same value at another place; children are shared
  [[nodiscard]] Document finish(const Node* root) { return Document{std::move(arena_), root}; }

 private:
  /// A piece of the arena, cut here without a call for each node.
  void* allocate(std::size_t size, std::size_t align) {
    const std::size_t skip = (align - reinterpret_cast<std::uintptr_t>(next_) % align) % align;
    if (size + skip > left_) return allocate_elsewhere(size, align);
    void* const at = next_ + skip;
    next_ += skip + size;
    left_ -= skip + size;
    return at;
  }
  void* allocate_elsewhere(std::size_t size, std::size_t align);

  Node* make(NodeKind kind, SourcePos pos) {
    Node* const node = new (allocate(sizeof(Node), alignof(Node))) Node();
    node->kind = kind;
    node->pos = pos;
    return node;
  }
  template <class T>
  [[nodiscard]] std::span<const T> store(std::span<const T> values) {
    if (values.empty()) return {};
    T* const data = static_cast<T*>(allocate(values.size() * sizeof(T), alignof(T)));
    std::uninitialized_copy(values.begin(), values.end(), data);
    return {data, values.size()};
  }

  std::unique_ptr<std::pmr::monotonic_buffer_resource> arena_;
  char* next_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace waypath::model::yaml
