#pragma once
// Tokens as text: the payload of a JWT.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/flow.h"

namespace waypath::sim {

/// Without padding. Source: RFC 4648 section 5.
[[nodiscard]] std::optional<std::string> decode_base64url(std::string_view text);

/// Reads "header.payload.signature". Anything else gives state Malformed. Signatures are not checked here:
/// state Unverified. Times are not compared with a clock, which would make answers differ from day to day; a
/// token that ended before this program was written is Expired.
/// Source: google/jwt_verify_lib src/jwt.cc
[[nodiscard]] Token decode_jwt(std::string_view text);

/// "2030-01-31T00:00:00Z" of seconds since 1970.
[[nodiscard]] std::string time_text(std::int64_t seconds);

}  // namespace waypath::sim
