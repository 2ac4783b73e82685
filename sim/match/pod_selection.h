#pragma once
// Some pods of a cluster, each standing for those like it, and selectors over them.

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/cluster.h"
#include "sim/match/label_index.h"

namespace waypath::sim {

class PodSelection {
 public:
  PodSelection() = default;
  /// `pods` in order of PodId, which is by namespace.
  PodSelection(const model::Cluster& cluster, std::vector<model::PodId> pods);
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(pods_.size()); }
  [[nodiscard]] const std::vector<model::PodId>& pods() const { return pods_; }
  /// Positions [first, second) of a namespace.
  [[nodiscard]] std::pair<std::uint32_t, std::uint32_t> in(model::Symbol ns) const;
  /// Positions in a namespace that the selector matches, ascending.
  [[nodiscard]] std::vector<std::uint32_t> select(model::Symbol ns,
                                                  const model::LabelSelector& selector) const;
  /// Positions in all namespaces that `namespaces` matches which `pods` (null: every one) matches, ascending.
  [[nodiscard]] std::vector<std::uint32_t> select(const model::LabelSelector& namespaces,
                                                  const model::LabelSelector* pods) const;

 private:
  std::vector<model::PodId> pods_;
  LabelIndex labels_, namespaces_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> spans_;  // by position in `namespaces_`
  std::unordered_map<model::Symbol, std::uint32_t> number_;     // of a namespace
};

}  // namespace waypath::sim
