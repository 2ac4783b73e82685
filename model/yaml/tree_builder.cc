#include "model/yaml/tree_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

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

constexpr std::size_t kFirst = std::size_t{1} << 15;  // bytes of an arena's first block
constexpr std::size_t kBlock = 2 * kFirst;            // of a block that is kept
constexpr std::size_t kPiece = std::size_t{1} << 12;  // of a block, for nodes

/// Where arenas get their blocks: the first one goes from document to document of a thread, so that reading
/// many small ones touches the same memory.
class Blocks final : public std::pmr::memory_resource {
  static std::unique_ptr<char[]>& spare() {
    thread_local std::unique_ptr<char[]> block;
    return block;
  }
  void* do_allocate(std::size_t size, std::size_t align) override {
    if (size > kBlock) return std::pmr::new_delete_resource()->allocate(size, align);
    return spare() ? spare().release() : new char[kBlock];
  }
  void do_deallocate(void* at, std::size_t size, std::size_t align) override {
    if (size <= kBlock) {
      spare().reset(static_cast<char*>(at));
    } else {
      std::pmr::new_delete_resource()->deallocate(at, size, align);
    }
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
};

Blocks& blocks() {
  static auto* const only = new Blocks();  // never destroyed: documents may outlive every other thing
  return *only;
}

}  // namespace

TreeBuilder::TreeBuilder()
    : arena_(std::make_unique<std::pmr::monotonic_buffer_resource>(kFirst, &blocks())) {}

void* TreeBuilder::allocate_elsewhere(std::size_t size, std::size_t align) {
  if (size >= kPiece / 4) return arena_->allocate(size, align);
  left_ = kPiece;
  next_ = static_cast<char*>(arena_->allocate(left_, alignof(std::max_align_t)));
  return allocate(size, align);
}

std::string_view TreeBuilder::text(std::string_view text) {
  if (text.empty()) return {};
  char* const data = static_cast<char*>(allocate(text.size(), 1));
  std::memcpy(data, text.data(), text.size());
  return {data, text.size()};
}

std::string_view TreeBuilder::padded_text(std::string_view text, std::size_t padding) {
  char* const data = static_cast<char*>(allocate(text.size() + padding, 1));
  std::memcpy(data, text.data(), text.size());
  std::memset(data + text.size(), 0, padding);
  return {data, text.size()};
}

const Node* TreeBuilder::mapping(std::vector<Member>& members, SourcePos pos, Diagnostics& diagnostics) {
  drop_duplicates(members, diagnostics);
  return mapping(std::span<const Member>(members), pos);
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

}  // namespace waypath::model::yaml
