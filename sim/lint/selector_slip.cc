#include "sim/lint/selector_slip.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "model/base/edit_distance.h"
#include "model/derive.h"

namespace waypath::sim {

namespace {

using model::LabelSelector;
using model::SelectorOperator;
using model::SelectorRequirement;

// The one requirement that the pod fails, or null.
const SelectorRequirement* only_failing(const LabelSelector& selector, const model::Labels& labels) {
  const SelectorRequirement* failing = nullptr;
  for (const SelectorRequirement& requirement : selector.requirements) {
    LabelSelector one;
    one.requirements = {requirement};
    if (one.matches(labels)) continue;
    if (failing != nullptr) return nullptr;
    failing = &requirement;
  }
  return failing;
}

std::optional<std::string> near_value(const SelectorRequirement& wanted, const model::Pod& pod,
                                      const std::string& who) {
  if (wanted.op != SelectorOperator::In) return std::nullopt;
  for (const model::Symbol value : wanted.values) {
    if (const auto* label = pod.meta.labels.find(wanted.key)) {
      const std::array<std::string_view, 1> candidates{label->value.view()};
      if (model::nearest(value.view(), candidates))
        return fmt::format("{} has {}={}", who, wanted.key.view(), label->value.view());
    }
    if (value.view().size() < 3 || value == std::string_view("true")) continue;
    for (const auto& label : pod.meta.labels.all())
      if (label.value == value) return fmt::format("{} has {} as {}", who, value.view(), label.key.view());
  }
  return std::nullopt;
}

}  // namespace

bool names_generated_label(const LintContext& c, const LabelSelector& selector) {
  return std::any_of(
      selector.requirements.begin(), selector.requirements.end(), [&](const auto& requirement) {
        return std::any_of(c.cluster.pods().begin(), c.cluster.pods().end(), [&](const model::Pod* pod) {
          return model::generated_label_unknown(*pod, requirement.key.view());
        });
      });
}

LabelSelector as_selector(const std::vector<std::pair<model::Symbol, model::Symbol>>& labels) {
  LabelSelector out;
  for (const auto& [key, value] : labels)
    out.requirements.push_back({key, SelectorOperator::In, {value}, {}});
  return out;
}

std::optional<std::string> selector_slip(const LintContext& c, std::span<const model::Symbol> namespaces,
                                         const LabelSelector& selector) {
  if (selector.empty()) return std::nullopt;
  for (const model::Symbol ns : namespaces) {
    for (const model::PodId id : c.cluster.pods_in(ns)) {
      const model::Pod& pod = c.cluster.pod(id);
      const auto* failing = only_failing(selector, pod.meta.labels);
      if (failing == nullptr) continue;
      if (auto found = near_value(*failing, pod, c.pod_text(id))) return found;
    }
  }
  for (const auto& ns : c.cluster.namespaces()) {
    if (std::find(namespaces.begin(), namespaces.end(), ns->meta.name()) != namespaces.end()) continue;
    const auto pods = c.cluster.select(ns->meta.name(), selector);
    if (!pods.empty())
      return fmt::format("{} has the labels, in namespace {}", c.pod_text(pods.front()),
                         ns->meta.name().view());
  }
  return std::nullopt;
}

}  // namespace waypath::sim
