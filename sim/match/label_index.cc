#include "sim/match/label_index.h"

#include <algorithm>
#include <span>
#include <utility>

namespace waypath::sim {

LabelIndex::LabelIndex(std::vector<const model::Labels*> things) : things_(std::move(things)) {
  carrying_.reserve(things_.size() * 2);
  for (std::uint32_t i = 0; i < things_.size(); ++i)
    for (const auto& label : things_[i]->all()) carrying_[{label.key, label.value}].push_back(i);
}

std::vector<std::uint32_t> LabelIndex::select(const model::LabelSelector& selector, std::uint32_t first,
                                              std::uint32_t last) const {
  const auto with = [&](model::Symbol key, model::Symbol value) -> std::span<const std::uint32_t> {
    const auto at = carrying_.find({key, value});
    if (at == carrying_.end()) return {};
    const auto low = std::lower_bound(at->second.begin(), at->second.end(), first);
    return {low, std::lower_bound(low, at->second.end(), last)};
  };
  const model::SelectorRequirement* narrowest = nullptr;
  std::size_t fewest = last - first;
  for (const auto& requirement : selector.requirements) {
    if (requirement.op != model::SelectorOperator::In) continue;
    std::size_t count = 0;
    for (const auto value : requirement.values) count += with(requirement.key, value).size();
    if (narrowest != nullptr && count >= fewest) continue;
    narrowest = &requirement;
    fewest = count;
  }
  std::vector<std::uint32_t> out;
  if (narrowest == nullptr) {
    out.resize(last - first);
    for (std::uint32_t i = 0; i < out.size(); ++i) out[i] = first + i;
    if (selector.requirements.empty()) return out;
  } else {
    for (const auto value : narrowest->values) {
      const auto some = with(narrowest->key, value);
      out.insert(out.end(), some.begin(), some.end());
    }
    if (narrowest->values.size() > 1) {
      std::sort(out.begin(), out.end());
      out.erase(std::unique(out.begin(), out.end()), out.end());
    }
    if (selector.requirements.size() == 1) return out;
  }
  std::erase_if(out, [&](std::uint32_t i) { return !selector.matches(*things_[i]); });
  return out;
}

}  // namespace waypath::sim
