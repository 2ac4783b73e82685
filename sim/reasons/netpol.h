#pragma once
// Reasons of the NetworkPolicy family.

#include "sim/reasons/reason_codes.h"

namespace waypath::sim {

inline constexpr Code kNetpolEgressHbonePort{"NETPOL_EGRESS_HBONE_PORT"};
inline constexpr Code kNetpolIngressHbonePort{"NETPOL_INGRESS_HBONE_PORT"};
inline constexpr Code kNetpolEgressPort{"NETPOL_EGRESS_PORT"};
inline constexpr Code kNetpolIngressPort{"NETPOL_INGRESS_PORT"};
inline constexpr Code kNetpolEgressDefaultDeny{"NETPOL_EGRESS_DEFAULT_DENY"};
inline constexpr Code kNetpolIngressDefaultDeny{"NETPOL_INGRESS_DEFAULT_DENY"};
inline constexpr Code kNetpolAllow{"NETPOL_ALLOW"};
inline constexpr Code kNetpolNotIsolated{"NETPOL_NOT_ISOLATED"};
inline constexpr Code kNetpolNoMatch{"NETPOL_NO_MATCH"};
inline constexpr Code kNetpolNodeLocal{"NETPOL_NODE_LOCAL"};
inline constexpr Code kNetpolSelf{"NETPOL_SELF"};
inline constexpr Code kNetpolAddressUnknown{"NETPOL_ADDRESS_UNKNOWN"};
inline constexpr Code kAdminAccept{"NETPOL_ADMIN_ACCEPT"};
inline constexpr Code kAdminDeny{"NETPOL_ADMIN_DENY"};
inline constexpr Code kAdminPass{"NETPOL_ADMIN_PASS"};
inline constexpr Code kBaselineAccept{"NETPOL_BASELINE_ACCEPT"};
inline constexpr Code kBaselineDeny{"NETPOL_BASELINE_DENY"};
inline constexpr Code kAssumeNodeLocal{"ASSUME_NODE_LOCAL_ALLOWED"};
inline constexpr Code kAssumeSelfPluginDependent{"ASSUME_SELF_PLUGIN_DEPENDENT"};
inline constexpr Code kAssumeIpBlockPods{"ASSUME_IPBLOCK_SELECTS_PODS"};

}  // namespace waypath::sim
