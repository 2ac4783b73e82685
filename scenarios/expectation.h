#pragma once
// An expectation against a verdict. A right answer for a wrong reason fails.

#include <string>
#include <vector>

#include "scenarios/scenario.h"
#include "sim/verdict.h"

namespace waypath::scenarios {

/// One part that differs.
struct Mismatch {
  std::string part, expected, predicted;
};
/// Every part of the expectation that some path of the verdict does not meet. Empty: met.
[[nodiscard]] std::vector<Mismatch> compare(const Expectation& expected, const sim::Verdict& verdict);

/// The same of one path.
[[nodiscard]] std::vector<Mismatch> compare(const Expectation& expected, const sim::PathVerdict& path);

/// "*" stands for any text.
[[nodiscard]] bool glob(std::string_view pattern, std::string_view text);
/// "waypoint/ns/name" as `via` names hops; external ones have no namespace.
[[nodiscard]] std::string hop_name(const sim::HopResult& hop);

}  // namespace waypath::scenarios
