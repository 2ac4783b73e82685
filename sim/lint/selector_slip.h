#pragma once
// A selector that matches no pod: a slip of the pen, or pods that are not there.

#include <optional>
#include <span>
#include <string>

#include "sim/lint/context.h"

namespace waypath::sim {

/// What looks like the pods that were meant: one label off, the value under another key, or another
/// namespace. Nullopt: nothing does. `namespaces` are where the selector looks.
[[nodiscard]] std::optional<std::string> selector_slip(const LintContext& c,
                                                       std::span<const model::Symbol> namespaces,
                                                       const model::LabelSelector& selector);
/// Whether the selector names a label that only a controller knows the value of: nothing can be said of it.
[[nodiscard]] bool names_generated_label(const LintContext& c, const model::LabelSelector& selector);
/// matchLabels in the form of a selector.
[[nodiscard]] model::LabelSelector as_selector(
    const std::vector<std::pair<model::Symbol, model::Symbol>>& labels);

}  // namespace waypath::sim
