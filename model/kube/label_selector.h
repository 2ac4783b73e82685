#pragma once
// metav1.LabelSelector: matchLabels and matchExpressions, all ANDed.

#include <cstdint>
#include <string>
#include <vector>

#include "model/resource.h"

namespace waypath::model {

enum class SelectorOperator : std::uint8_t { In, NotIn, Exists, DoesNotExist };

struct SelectorRequirement {
  Symbol key;
  SelectorOperator op = SelectorOperator::In;  // matchLabels entries are In with one value
  std::vector<Symbol> values;
  SourcePos pos;
};

/// An empty selector matches everything. Absent selectors are `std::optional<LabelSelector>` where absence
/// differs.
struct LabelSelector {
  std::vector<SelectorRequirement> requirements;
  SourcePos pos;
  [[nodiscard]] bool matches(const Labels& labels) const;
  /// The first requirement that fails, or nullptr: what a near miss names.
  [[nodiscard]] const SelectorRequirement* first_failing(const Labels& labels) const;
  [[nodiscard]] bool empty() const { return requirements.empty(); }
  [[nodiscard]] std::string str() const;  // "app=web,tier in (a,b),!x"; "<all>" when empty
};

}  // namespace waypath::model
