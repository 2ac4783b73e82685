#include "sim/reach_base.h"

#include <algorithm>

namespace waypath::sim {

ReachBase::ReachBase(std::shared_ptr<const model::Cluster> cluster, const ReachOptions& options,
                     model::Diagnostics& diagnostics)
    : cluster_(std::move(cluster)),
      profile_(cni_profile(options.sim)),
      match_{*cluster_, profile_, false},
      keys_(options.layer == ReachOptions::Layer::Mesh
                ? std::make_unique<ReachMeshKeys>(*cluster_, options.assume_meshed)
                : nullptr),
      classes_(keys_ != nullptr ? ReachClasses(*cluster_, profile_, *keys_, diagnostics, true)
                                : ReachClasses(*cluster_, profile_, false, diagnostics, true)),
      rows_(*cluster_, profile_, classes_, table_),
      words_(static_cast<std::uint32_t>((classes_.ends() + kWordBits - 1) / kWordBits)),
      weights_(classes_.sizes(), words_) {
  const auto count = static_cast<std::uint32_t>(classes_.classes().size());
  for (const Direction d : {Direction::Ingress, Direction::Egress}) {
    auto& rows = row_of_[static_cast<std::size_t>(d)];
    for (std::uint32_t c = 0; c < count; ++c) rows.push_back(rows_.row(c, d));
    columns_[static_cast<std::size_t>(d)] =
        ReachColumns(static_cast<std::uint32_t>(classes_.ends()), rows,
                     [&](std::uint32_t r) -> const ReachRow& { return rows_.row_at(r, d); });
  }
  if (keys_ != nullptr) {
    mesh_ = std::make_unique<ReachMesh>(cluster_, classes_, *keys_, table_, diagnostics);
    const std::vector<bool> all(classes_.ends(), true);
    for (std::uint32_t c = 0; c < count; ++c) mesh_of_.push_back(mesh_->row(c, all));
  }
  first_pod_.assign(count + 1, 0);
  for (std::uint32_t i = 0; i < cluster_->pods().size(); ++i)
    if (const auto of = classes_.class_of({i}); of != ReachClasses::kNone) ++first_pod_[of + 1];
  for (std::uint32_t c = 0; c < count; ++c) first_pod_[c + 1] += first_pod_[c];
  pods_.resize(first_pod_[count]);
  std::vector<std::uint32_t> next(first_pod_.begin(), first_pod_.end() - 1);
  for (std::uint32_t i = 0; i < cluster_->pods().size(); ++i)
    if (const auto of = classes_.class_of({i}); of != ReachClasses::kNone) pods_[next[of]++] = {i};
  for (std::uint32_t c = 0; c < count; ++c) {
    for (const std::uint32_t range : classes_.parts()[c]) in_range_.emplace_back(range, c);
    if (classes_.classes()[c].address_unknown) without_address_.push_back(c);
  }
  std::sort(in_range_.begin(), in_range_.end());
  in_range_.erase(std::unique(in_range_.begin(), in_range_.end()), in_range_.end());
}

}  // namespace waypath::sim
