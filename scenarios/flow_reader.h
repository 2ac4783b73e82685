#pragma once
// The parts of a scenario file that tell of a request: its flow, the tokens it carries and what it has to
// come out as.

#include <map>
#include <string>
#include <vector>

#include "model/load/decode.h"
#include "scenarios/scenario.h"

namespace waypath::scenarios {

/// The tokens of assume.tokens by name.
using Tokens = std::map<std::string, sim::Token, std::less<>>;

[[nodiscard]] sim::Token read_token(const model::Field& field);
/// A token written in place, or the name of one of `tokens`; reports a name that is none.
[[nodiscard]] sim::Token read_token_or_name(const model::Field& field, const Tokens& tokens);
[[nodiscard]] sim::ExtAuthzAnswer read_ext_authz(const model::Field& field, const Tokens& tokens);
[[nodiscard]] Expectation read_expectation(const model::Field& field);
/// One flow for each pair of its ends as written; those that a selector stands for remain one.
[[nodiscard]] std::vector<FlowCase> read_flow(const model::Field& field, const Tokens& tokens);
[[nodiscard]] Invariant read_invariant(const model::Field& field, const Tokens& tokens);

/// A scalar as text whatever its type: header values and labels are written as people think of them.
[[nodiscard]] std::string scalar_text(const model::Field& field);
/// A text, or a list of texts.
[[nodiscard]] std::vector<std::string> one_or_many(const model::Field& field);
/// Refuses `word`, with the nearest of `known` or all of them as hint.
void reject_unknown_name(const model::Field& field, std::string message, std::string_view word,
                         const std::vector<std::string>& known);

}  // namespace waypath::scenarios
