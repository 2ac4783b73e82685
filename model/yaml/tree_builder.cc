#include "model/yaml/tree_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "model/yaml/yaml_codes.h"

namespace waypath::model::yaml {
namespace {

void report_duplicate(const Member& first, const Member& second, Diagnostics& diagnostics) {
  Diagnostic d;
  d.code = kDuplicateKey;
  d.pos = second.key_pos;
  d.message = fmt::format("key \"{}\" stands twice in this mapping; first at line {}, column {}", second.key,
                          first.key_pos.line, first.key_pos.column);
  d.hint = "remove one of the two";
  diagnostics.report(std::move(d));
}

/// Removes repeats of a key, keeping the first and the written order.
void drop_duplicates(std::vector<Member>& members, Diagnostics& diagnostics) {
  const auto drop = [&](std::size_t first, std::size_t second) {
    report_duplicate(members[first], members[second], diagnostics);
    members[second].value = nullptr;
  };
  if (members.size() <= 16) {
    for (std::size_t j = 1; j < members.size(); ++j) {
      for (std::size_t i = 0; i < j; ++i) {
        if (members[i].value != nullptr && members[i].key == members[j].key) {
          drop(i, j);
          break;
        }
      }
    }
  } else {
    std::vector<std::size_t> order(members.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return members[a].key < members[b].key; });
    std::size_t first = 0;
    for (std::size_t k = 1; k < order.size(); ++k) {
      if (members[order[k]].key == members[order[first]].key) {
        drop(order[first], order[k]);
      } else {
        first = k;
      }
    }
  }
  std::erase_if(members, [](const Member& m) { return m.value == nullptr; });
}

}  // namespace

TreeBuilder::TreeBuilder(std::size_t text_bytes)
    : arena_(std::make_unique<std::pmr::monotonic_buffer_resource>(
          std::clamp<std::size_t>(text_bytes * 4, 1024, std::size_t{1} << 20))) {}

Node* TreeBuilder::make(NodeKind kind, SourcePos pos) {
  Node* const node = new (arena_->allocate(sizeof(Node), alignof(Node))) Node();
  node->kind = kind;
  node->pos = pos;
  return node;
}

template <class T>
std::span<const T> TreeBuilder::store(std::span<const T> values) {
  if (values.empty()) return {};
  T* const data = static_cast<T*>(arena_->allocate(values.size() * sizeof(T), alignof(T)));
  std::uninitialized_copy(values.begin(), values.end(), data);
  return {data, values.size()};
}

std::string_view TreeBuilder::text(std::string_view text) {
  if (text.empty()) return {};
  char* const data = static_cast<char*>(arena_->allocate(text.size(), 1));
  std::memcpy(data, text.data(), text.size());
  return {data, text.size()};
}

const Node* TreeBuilder::null(SourcePos pos) { return make(NodeKind::Null, pos); }

const Node* TreeBuilder::scalar(ScalarStyle style, std::string_view value, SourcePos pos) {
  return scalar_view(style, text(value), pos);
}

const Node* TreeBuilder::scalar_view(ScalarStyle style, std::string_view value, SourcePos pos) {
  Node* const node = make(NodeKind::Scalar, pos);
  node->style = style;
  node->scalar = value;
  return node;
}

const Node* TreeBuilder::sequence(std::span<const Node* const> items, SourcePos pos) {
  Node* const node = make(NodeKind::Sequence, pos);
  node->items = store(items);
  return node;
}

const Node* TreeBuilder::mapping(std::vector<Member>& members, SourcePos pos, Diagnostics& diagnostics) {
  drop_duplicates(members, diagnostics);
  return mapping(std::span<const Member>(members), pos);
}

const Node* TreeBuilder::mapping(std::span<const Member> members, SourcePos pos) {
  Node* const node = make(NodeKind::Mapping, pos);
  node->members = store(members);
  return node;
}

bool TreeBuilder::repeats_key(std::span<const Member> members) {
  if (members.size() <= 16) {
    for (std::size_t j = 1; j < members.size(); ++j) {
      for (std::size_t i = 0; i < j; ++i) {
        if (members[i].key == members[j].key) return true;
      }
    }
    return false;
  }
  std::vector<std::string_view> keys;
  keys.reserve(members.size());
  for (const Member& member : members) keys.push_back(member.key);
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

const Node* TreeBuilder::copy_at(const Node& node, SourcePos pos) {
  Node* const copy = make(node.kind, pos);
  *copy = node;
  copy->pos = pos;
  return copy;
}

Document TreeBuilder::finish(const Node* root) { return Document{std::move(arena_), root}; }

}  // namespace waypath::model::yaml
