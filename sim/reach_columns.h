#pragma once
// The rows of one direction read the other way: what the rules of every class say to one end.

#include <cstdint>
#include <functional>
#include <vector>

#include "sim/reach_row.h"

namespace waypath::sim {

/// Immutable: several threads may read, each with a `ReachColumn` of its own.
class ReachColumns {
 public:
  ReachColumns() = default;
  /// `row_of` has the number of each class' row. Ranges, which follow the classes, let everything through.
  ReachColumns(std::uint32_t ends, const std::vector<std::uint32_t>& row_of,
               const std::function<const ReachRow&(std::uint32_t)>& row_at);

 private:
  friend class ReachColumn;
  struct Item {
    std::uint32_t row = 0, answer = 0;
    std::uint64_t bits = 0;
  };
  struct Plane {
    std::uint32_t answer = 0;
    std::vector<std::uint64_t> words;
  };
  std::vector<std::uint64_t>& plane(std::uint32_t answer);

  std::uint32_t words_ = 0;
  std::vector<std::uint32_t> first_;  // of the items of each word of other ends
  std::vector<Item> items_;           // what rows say there, where it is not their usual answer
  std::vector<BitWords> classes_;     // by row
  std::vector<Plane> usual_;          // by answer: whose usual answer it is
};

class ReachColumn {
 public:
  struct Part {
    std::uint32_t answer = 0;
    std::uint64_t bits = 0;
  };
  explicit ReachColumn(const ReachColumns& columns) : columns_(columns), own_(columns.words_) {}
  void select(std::uint32_t end);
  /// Classes and ranges among `limit` of a word, parted by what their rules say to the end.
  void parts(std::uint32_t word, std::uint64_t limit, std::vector<Part>& out) const;

 private:
  const ReachColumns& columns_;
  std::vector<std::vector<Part>> own_;  // by word
  std::vector<std::uint32_t> touched_;
};

}  // namespace waypath::sim
