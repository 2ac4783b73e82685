#pragma once
// The fields of log lines, as bytes, to the number of their row: a memory that is forgotten when it grows
// large. One look-up a line: open addressing and one block of bytes, so that it costs a cache miss or two.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waypath::scenarios {

class KnownLines {
 public:
  /// `line` is not empty.
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view line) const {
    const std::size_t hash = std::hash<std::string_view>{}(line);
    for (std::size_t i = hash & mask();; i = (i + 1) & mask()) {
      const Slot& slot = slots_[i];
      if (slot.size == 0) return std::nullopt;
      if (slot.hash == hash && std::string_view(bytes_).substr(slot.offset, slot.size) == line)
        return slot.row;
    }
  }
  /// `line` is not there yet.
  void insert(std::string_view line, std::uint32_t row) {
    if (count_ >= kMost || bytes_.size() + line.size() > kMostBytes) clear();
    if (2 * (count_ + 1) > slots_.size()) grow();
    place({std::hash<std::string_view>{}(line), row, static_cast<std::uint32_t>(bytes_.size()),
           static_cast<std::uint32_t>(line.size())});
    bytes_ += line;
    ++count_;
  }
  void clear() {
    slots_.assign(kLeast, {});
    bytes_.clear();
    count_ = 0;
  }

 private:
  static constexpr std::size_t kLeast = 1024, kMost = std::size_t{1} << 19, kMostBytes = std::size_t{1} << 28;
  struct Slot {
    std::size_t hash = 0;
    std::uint32_t row = 0, offset = 0, size = 0;  // size 0: free
  };
  [[nodiscard]] std::size_t mask() const { return slots_.size() - 1; }
  void place(const Slot& slot) {
    std::size_t i = slot.hash & mask();
    while (slots_[i].size != 0) i = (i + 1) & mask();
    slots_[i] = slot;
  }
  void grow() {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.size != 0) place(slot);
  }

  std::vector<Slot> slots_ = std::vector<Slot>(kLeast);
  std::string bytes_;
  std::size_t count_ = 0;
};

}  // namespace waypath::scenarios
