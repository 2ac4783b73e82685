#pragma once
// Tokens as text: the payload of a JWT.

#include <string_view>

#include "sim/flow.h"

namespace waypath::sim {

/// Reads "header.payload.signature". Anything else gives state Malformed. Signatures are not checked: state
/// Unverified. Times in the token are not compared with a clock, which would make answers differ from day to
/// day.
[[nodiscard]] Token decode_jwt(std::string_view text);

}  // namespace waypath::sim
