#include "model/kube/label_selector.h"

#include <algorithm>

namespace waypath::model {
namespace {

// Source: kubernetes apimachinery pkg/labels/selector.go Requirement.Matches: NotIn holds as well when the
// key is absent.
bool holds(const SelectorRequirement& r, const Labels& labels) {
  const Label* label = labels.find(r.key);
  const auto listed = [&] {
    return std::find(r.values.begin(), r.values.end(), label->value) != r.values.end();
  };
  switch (r.op) {
    case SelectorOperator::In:
      return label != nullptr && listed();
    case SelectorOperator::NotIn:
      return label == nullptr || !listed();
    case SelectorOperator::Exists:
      return label != nullptr;
    case SelectorOperator::DoesNotExist:
      return label == nullptr;
  }
  return false;
}

std::string values_of(const SelectorRequirement& r) {
  std::string out;
  for (const auto& v : r.values) out.append(out.empty() ? "" : ",").append(v.view());
  return "(" + out + ")";
}

}  // namespace

bool LabelSelector::matches(const Labels& labels) const { return first_failing(labels) == nullptr; }

const SelectorRequirement* LabelSelector::first_failing(const Labels& labels) const {
  for (const auto& r : requirements)
    if (!holds(r, labels)) return &r;
  return nullptr;
}

std::string LabelSelector::str() const {
  if (requirements.empty()) return "<all>";
  std::string out;
  for (const auto& r : requirements) {
    if (!out.empty()) out.push_back(',');
    switch (r.op) {
      case SelectorOperator::In:
        out.append(r.key.view());
        r.values.size() == 1 ? out.append("=").append(r.values[0].view())
                             : out.append(" in ").append(values_of(r));
        break;
      case SelectorOperator::NotIn:
        out.append(r.key.view()).append(" notin ").append(values_of(r));
        break;
      case SelectorOperator::Exists:
        out.append(r.key.view());
        break;
      case SelectorOperator::DoesNotExist:
        out.append("!").append(r.key.view());
        break;
    }
  }
  return out;
}

}  // namespace waypath::model
