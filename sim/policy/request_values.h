#pragma once
// Parts of a request that conditions name by a key.

#include <optional>
#include <string>
#include <string_view>

#include "sim/policy/policy_evaluator.h"

namespace waypath::sim {

/// Of a path "[a][b]"; null when the token has no such claim.
[[nodiscard]] const Claim* find_claim(const Token& token, std::string_view path);
/// The value of a header or pseudo-header; a repeated one's values joined by commas. Nullopt: there is none.
[[nodiscard]] std::optional<std::string> header_text(const RequestState& request, std::string_view name);

}  // namespace waypath::sim
