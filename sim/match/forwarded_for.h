#pragma once
// The client's address as a proxy derives it: what remoteIpBlocks and remote.ip compare with.

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/base/ip.h"
#include "sim/policy/policy_evaluator.h"

namespace waypath::sim {

/// Stands in X-Forwarded-For for the address of a gateway's peer that nothing tells.
inline constexpr std::string_view kUntoldAddress = "(not known)";

/// `peer` unless X-Forwarded-For names another. A gateway takes the address that the outermost of its trusted
/// proxies saw; sidecars and waypoints take the last one of the header. Text that is no address leaves the
/// peer; none when the address is not told. Source: istio
/// pilot/pkg/networking/core/{gateway,listener_builder,listener_waypoint}.go (useRemoteAddress,
/// xffNumTrustedHops); envoy source/common/http/conn_manager_utility.cc mutateRequestHeaders
[[nodiscard]] std::optional<model::IpAddress> forwarded_client(PolicyPoint::Kind kind, bool http,
                                                               const Headers& headers,
                                                               std::uint32_t trusted_proxies,
                                                               std::optional<model::IpAddress> peer);

}  // namespace waypath::sim
