#pragma once
// The rows of one direction read the other way: what the rules of every class say to one end.

#include <cstdint>
#include <functional>
#include <vector>

#include "sim/reach/row.h"

namespace waypath::sim {

/// Immutable: several threads may read.
class ReachColumns {
 public:
  struct Part {
    std::uint32_t answer = 0;
    std::uint64_t bits = 0;
  };
  ReachColumns() = default;
  /// `row_of` has the number of each class' row. Ranges, which follow the classes, let everything through.
  ReachColumns(std::uint32_t ends, const std::vector<std::uint32_t>& row_of,
               const std::function<const ReachRow&(std::uint32_t)>& row_at);
  /// Classes and ranges among `limit` of a word, parted by what their rules say to the end.
  void parts(std::uint32_t end, std::uint32_t word, std::uint64_t limit, std::vector<Part>& out) const;

 private:
  /// What one row says to ends of a word, where it is not its usual answer.
  struct Item {
    std::uint64_t classes = 0;  // of the row in a word
    std::uint32_t answer = 0;
  };
  struct Plane {
    std::uint32_t answer = 0;
    std::vector<std::uint64_t> words;
  };
  std::vector<std::uint64_t>& plane(std::uint32_t answer);

  std::uint32_t words_ = 0, class_words_ = 0;
  std::vector<std::uint32_t> first_;  // of the items of a word of ends and a word of classes
  std::vector<std::uint64_t> ends_;   // of the items: all are looked at, few are about an end
  std::vector<Item> items_;
  std::vector<Plane> usual_;  // by answer: whose usual answer it is
};

}  // namespace waypath::sim
