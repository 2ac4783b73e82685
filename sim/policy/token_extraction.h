#pragma once
// Where a jwtRule looks for tokens, and what it finds there.

#include <string>
#include <vector>

#include "model/istio/security.h"
#include "sim/policy/policy_evaluator.h"

namespace waypath::sim {

/// The tokens that the rule sees: those that the flow states, and those that stand as text in headers, the
/// query and cookies. In Envoy's order: headers, query parameters, cookies, each by name. What is found and
/// is no JWT has state Malformed. Source: envoy source/extensions/filters/http/jwt_authn/extractor.cc
[[nodiscard]] std::vector<Token> tokens_seen(const model::JwtRule& rule, const RequestState& request);

/// The path with its query, less every value of one parameter.
[[nodiscard]] std::string without_parameter(const std::string& path, const std::string& name);

}  // namespace waypath::sim
