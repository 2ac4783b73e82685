#include "sim/reach/base.h"

#include <algorithm>

namespace waypath::sim {

ReachBase::ReachBase(std::shared_ptr<const model::Cluster> cluster, const ReachOptions& options,
                     model::Diagnostics& diagnostics)
    : compiled_(std::move(cluster), options, diagnostics, true),
      match_{*compiled_.cluster, compiled_.profile, false},
      words_(static_cast<std::uint32_t>((compiled_.classes.ends() + kWordBits - 1) / kWordBits)),
      weights_(compiled_.classes.sizes(), words_) {
  const ReachClasses& known = compiled_.classes;
  const auto count = static_cast<std::uint32_t>(known.classes().size());
  const auto pods = static_cast<std::uint32_t>(compiled_.cluster->pods().size());
  for (const Direction d : {Direction::Ingress, Direction::Egress}) {
    auto& rows = row_of_[static_cast<std::size_t>(d)];
    for (std::uint32_t c = 0; c < count; ++c) rows.push_back(compiled_.rows.row(c, d));
    columns_[static_cast<std::size_t>(d)] =
        ReachColumns(static_cast<std::uint32_t>(known.ends()), rows,
                     [&](std::uint32_t r) -> const ReachRow& { return compiled_.rows.row_at(r, d); });
  }
  if (compiled_.mesh != nullptr) {
    const std::vector<bool> all(known.ends(), true);
    for (std::uint32_t c = 0; c < count; ++c) mesh_of_.push_back(compiled_.mesh->row(c, all));
  }
  first_pod_.assign(count + 1, 0);
  for (std::uint32_t i = 0; i < pods; ++i)
    if (const auto of = known.class_of({i}); of != ReachClasses::kNone) ++first_pod_[of + 1];
  for (std::uint32_t c = 0; c < count; ++c) first_pod_[c + 1] += first_pod_[c];
  pods_.resize(first_pod_[count]);
  std::vector<std::uint32_t> next(first_pod_.begin(), first_pod_.end() - 1);
  for (std::uint32_t i = 0; i < pods; ++i)
    if (const auto of = known.class_of({i}); of != ReachClasses::kNone) pods_[next[of]++] = {i};
  for (std::uint32_t c = 0; c < count; ++c) {
    for (const std::uint32_t range : known.parts()[c]) in_range_.emplace_back(range, c);
    if (known.classes()[c].address_unknown) without_address_.push_back(c);
  }
  std::sort(in_range_.begin(), in_range_.end());
  in_range_.erase(std::unique(in_range_.begin(), in_range_.end()), in_range_.end());
}

}  // namespace waypath::sim
