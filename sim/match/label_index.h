#pragma once
// Finds labelled things by selector without looking at the others: by (key, value), the rarest term first.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "model/kube/label_selector.h"

namespace waypath::sim {

class LabelIndex {
 public:
  LabelIndex() = default;
  /// Things are known by their position. The labels outlive the index.
  explicit LabelIndex(std::vector<const model::Labels*> things);
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(things_.size()); }
  /// Positions in [first, last) that the selector matches, ascending.
  [[nodiscard]] std::vector<std::uint32_t> select(const model::LabelSelector& selector, std::uint32_t first,
                                                  std::uint32_t last) const;

 private:
  struct Pair {
    model::Symbol key, value;
    friend bool operator==(const Pair&, const Pair&) = default;
  };
  struct PairHash {
    std::size_t operator()(const Pair& p) const noexcept {
      const std::hash<model::Symbol> h;
      return h(p.key) * 31 + h(p.value);
    }
  };
  std::vector<const model::Labels*> things_;
  std::unordered_map<Pair, std::vector<std::uint32_t>, PairHash> carrying_;
};

}  // namespace waypath::sim
