#pragma once
// Ports as texts of an AuthorizationPolicy.

#include <cstdint>
#include <optional>
#include <string_view>

namespace waypath::model {

/// Decimal digits, leading zeros too, up to 65535. Source: istio pkg/config/security/security.go
/// ValidatePorts; pilot/pkg/security/authz/matcher (Go strconv.ParseUint)
[[nodiscard]] std::optional<std::uint16_t> parse_policy_port(std::string_view text);

}  // namespace waypath::model
