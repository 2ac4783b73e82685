#include "model/resource.h"

#include <algorithm>
#include <utility>

namespace waypath::model {

std::string ResourceKey::str() const {
  std::string out = kind.str();
  if (!ns.empty()) out.append("/").append(ns.view());
  return out.append("/").append(name.view());
}

bool operator<(const ResourceKey& a, const ResourceKey& b) {
  // Equal symbols have equal texts: most pairs differ in their names alone.
  for (const auto part : {&ResourceKey::kind, &ResourceKey::group, &ResourceKey::ns})
    if (a.*part != b.*part) return (a.*part).view() < (b.*part).view();
  return a.name != b.name && a.name.view() < b.name.view();
}

Labels::Labels(std::vector<Label> labels) : labels_(std::move(labels)) {
  const auto in_order = [](const Label& a, const Label& b) { return a.key.view() < b.key.view(); };
  if (std::adjacent_find(labels_.begin(), labels_.end(),
                         [&](const Label& a, const Label& b) { return !in_order(a, b); }) == labels_.end()) {
    labels_.shrink_to_fit();
    return;
  }
  std::stable_sort(labels_.begin(), labels_.end(), in_order);
  std::vector<Label> unique;
  unique.reserve(labels_.size());
  for (const auto& label : labels_) {
    if (!unique.empty() && unique.back().key == label.key) {
      unique.back() = label;
    } else {
      unique.push_back(label);
    }
  }
  labels_ = std::move(unique);
}

const Label* Labels::find(Symbol key) const {
  for (const auto& label : labels_)
    if (label.key == key) return &label;
  return nullptr;
}

const Label* Labels::find(std::string_view key) const {
  for (const auto& label : labels_)
    if (label.key.view() == key) return &label;
  return nullptr;
}

std::optional<std::string_view> Labels::get(std::string_view key) const {
  const Label* label = find(key);
  return label == nullptr ? std::nullopt : std::optional(label->value.view());
}

Labels Labels::with(Symbol key, Symbol value, SourcePos pos) const {
  std::vector<Label> out(labels_);
  out.push_back({key, value, pos});
  return Labels(std::move(out));
}

bool operator==(const Labels& a, const Labels& b) {
  return std::equal(a.labels_.begin(), a.labels_.end(), b.labels_.begin(), b.labels_.end(),
                    [](const Label& x, const Label& y) { return x.key == y.key && x.value == y.value; });
}

const Annotation* ObjectMeta::annotation(std::string_view name) const {
  for (const auto& a : annotations)
    if (a.key.view() == name) return &a;
  return nullptr;
}

}  // namespace waypath::model
