#pragma once
// Ports and addresses as texts of an AuthorizationPolicy.

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/base/ip.h"

namespace waypath::model {

/// Decimal digits, leading zeros too, up to 65535. Source: istio pkg/config/security/security.go
/// ValidatePorts; pilot/pkg/security/authz/matcher (Go strconv.ParseUint)
[[nodiscard]] std::optional<std::uint16_t> parse_policy_port(std::string_view text);

/// An address or a CIDR block, whose length has no leading zeros (those of NetworkPolicies may). Source:
/// istio pilot/pkg/networking/util/util.go AddrStrToPrefix (Go netip.ParsePrefix)
[[nodiscard]] std::optional<Cidr> parse_policy_block(std::string_view text);

}  // namespace waypath::model
