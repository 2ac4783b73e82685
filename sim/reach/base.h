#pragma once
// What every what-if over one cluster starts from: classes, rows of policies, and the rows read the other
// way.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "sim/reach/columns.h"
#include "sim/reach/compiled.h"
#include "sim/reach/count.h"

namespace waypath::sim {

/// Immutable once made: several threads may read it. Classes are kept apart by labels and names of ports
/// (ReachClasses, `keep_labels`).
class ReachBase {
 public:
  /// `options.from` and `options.to` are not asked: an edit is judged between all ends.
  ReachBase(std::shared_ptr<const model::Cluster> cluster, const ReachOptions& options,
            model::Diagnostics& diagnostics);
  ReachBase(const ReachBase&) = delete;
  ReachBase& operator=(const ReachBase&) = delete;

  [[nodiscard]] const model::Cluster& cluster() const { return *compiled_.cluster; }
  [[nodiscard]] const NetMatch& match() const { return match_; }
  [[nodiscard]] const PortSetTable& table() const { return compiled_.table; }
  [[nodiscard]] const ReachClasses& classes() const { return compiled_.classes; }
  [[nodiscard]] const ReachRows& rows() const { return compiled_.rows; }
  /// Null when NetworkPolicies alone are asked about.
  [[nodiscard]] const ReachMesh* mesh() const { return compiled_.mesh.get(); }
  [[nodiscard]] std::uint32_t mesh_answer(std::uint32_t source, std::uint32_t destination) const {
    return compiled_.mesh->answer(mesh_of_[destination], source);
  }
  [[nodiscard]] std::uint32_t words() const { return words_; }
  /// The ends among the bits of a word.
  [[nodiscard]] std::uint64_t valid(std::uint32_t word) const {
    return word + 1 == words_ && compiled_.classes.ends() % kWordBits != 0
               ? (std::uint64_t{1} << (compiled_.classes.ends() % kWordBits)) - 1
               : ~std::uint64_t{0};
  }
  [[nodiscard]] std::uint32_t row_of(std::uint32_t of, Direction d) const {
    return row_of_[static_cast<std::size_t>(d)][of];
  }
  [[nodiscard]] const ReachColumns& columns(Direction d) const {
    return columns_[static_cast<std::size_t>(d)];
  }
  [[nodiscard]] const ReachWeights& weights() const { return weights_; }
  [[nodiscard]] std::span<const model::PodId> pods_of(std::uint32_t of) const {
    return {pods_.data() + first_pod_[of], pods_.data() + first_pod_[of + 1]};
  }
  /// Classes by a range that holds addresses of theirs: (range, class), ascending.
  [[nodiscard]] const std::vector<std::pair<std::uint32_t, std::uint32_t>>& in_range() const {
    return in_range_;
  }
  [[nodiscard]] const std::vector<std::uint32_t>& without_address() const { return without_address_; }

 private:
  ReachCompiled compiled_;
  NetMatch match_;
  std::uint32_t words_;
  std::array<std::vector<std::uint32_t>, 2> row_of_;
  std::vector<std::uint32_t> mesh_of_;
  std::array<ReachColumns, 2> columns_;
  ReachWeights weights_;
  std::vector<std::uint32_t> first_pod_;
  std::vector<model::PodId> pods_;  // by class
  std::vector<std::pair<std::uint32_t, std::uint32_t>> in_range_;
  std::vector<std::uint32_t> without_address_;
};

}  // namespace waypath::sim
