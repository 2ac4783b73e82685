#pragma once
// Stable reason and assumption codes of sim. Each file of the table (reason_codes_*.cc) holds one topic;
// `all_codes()` joins them. A code is declared where it is used (`inline constexpr Code
// kNetpolEgressHbonePort{"NETPOL_EGRESS_HBONE_PORT"}` in the topic's header) and described in the topic's
// table; a test asserts that each has exactly one description.

#include <span>
#include <vector>

#include "model/base/codes.h"

namespace waypath::sim {

using model::Code;
using model::CodeInfo;

// One topic each; defined in reason_codes_<topic>.cc.
[[nodiscard]] std::span<const CodeInfo> netpol_codes();  // NETPOL_*, ANP_*, CNP_*
[[nodiscard]] std::span<const CodeInfo> authz_codes();   // AUTHZ_*, ZTUNNEL_*, JWT_*, EXTAUTHZ_*, PEERAUTHN_*
[[nodiscard]] std::span<const CodeInfo>
path_codes();  // MESH_*, WAYPOINT_*, DNS_*, ENDPOINT_*, REACHES_APP, ...
[[nodiscard]] std::span<const CodeInfo> route_codes();  // ROUTE_*, LISTENER_*

/// All of them and those of lint (sim/lint/lint_codes.h), sorted by code.
[[nodiscard]] std::vector<CodeInfo> all_codes();

}  // namespace waypath::sim
