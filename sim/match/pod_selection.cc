#include "sim/match/pod_selection.h"

#include <algorithm>

namespace waypath::sim {

PodSelection::PodSelection(const model::Cluster& cluster, std::vector<model::PodId> pods)
    : pods_(std::move(pods)) {
  std::vector<const model::Labels*> labels, of_namespaces;
  for (const model::PodId id : pods_) {
    const model::ObjectMeta& meta = cluster.pod(id).meta;
    const auto position = static_cast<std::uint32_t>(labels.size());
    labels.push_back(&meta.labels);
    const auto [at, added] = number_.emplace(meta.key.ns, static_cast<std::uint32_t>(spans_.size()));
    if (added) {
      spans_.emplace_back(position, position);
      of_namespaces.push_back(&cluster.namespace_labels(meta.key.ns));
    }
    spans_[at->second].second = position + 1;
  }
  labels_ = LabelIndex(std::move(labels));
  namespaces_ = LabelIndex(std::move(of_namespaces));
}

std::pair<std::uint32_t, std::uint32_t> PodSelection::in(model::Symbol ns) const {
  const auto at = number_.find(ns);
  return at == number_.end() ? std::pair<std::uint32_t, std::uint32_t>() : spans_[at->second];
}

std::vector<std::uint32_t> PodSelection::select(model::Symbol ns,
                                                const model::LabelSelector& selector) const {
  const auto [first, last] = in(ns);
  return labels_.select(selector, first, last);
}

std::vector<std::uint32_t> PodSelection::select(const model::LabelSelector& namespaces,
                                                const model::LabelSelector* pods) const {
  static const model::LabelSelector every;
  const model::LabelSelector& wanted = pods != nullptr ? *pods : every;
  const auto found = namespaces_.select(namespaces, 0, namespaces_.size());
  if (found.size() == namespaces_.size()) return labels_.select(wanted, 0, labels_.size());
  std::vector<std::uint32_t> out;
  for (const std::uint32_t ns : found) {
    const auto some = labels_.select(wanted, spans_[ns].first, spans_[ns].second);
    out.insert(out.end(), some.begin(), some.end());
  }
  return out;
}

}  // namespace waypath::sim
