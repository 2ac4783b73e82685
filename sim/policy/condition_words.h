#pragma once
// What an explanation says of a condition: the values written and the value compared with them.

#include <cstddef>
#include <string>
#include <string_view>

#include "sim/policy/authorization_rule.h"

namespace waypath::sim {

/// The first four, and how many there are.
[[nodiscard]] std::string list_values(const model::PolicyValues& values);
/// "notPrincipals" for "principals", "KEY (notValues)" for a key.
[[nodiscard]] std::string negated_name(std::string_view name);
/// The request's side of a comparison: "port is 80".
[[nodiscard]] std::string request_side(const Condition& condition, const PolicyRequest& request);
/// What an undecided comparison lacks.
[[nodiscard]] std::string missing_fact(const Condition& condition, const PolicyRequest& request);
/// Whether the attribute is about who connects, rather than what is asked for.
[[nodiscard]] bool names_caller(Attribute attribute);
/// Which listed principal comes closest to the caller, and in which part it differs; empty when none is near.
/// `distance` then is as RuleMatch has it, else as it was.
[[nodiscard]] std::string nearest_principal(const model::PolicyValues& values, const std::string& caller,
                                            std::size_t& distance);

}  // namespace waypath::sim
