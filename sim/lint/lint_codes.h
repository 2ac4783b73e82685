#pragma once
// Codes of lint, with the severity each has unless a finding says otherwise. Error: requests fail, or a
// policy is not enforced where it is meant. Warning: something written has no effect, or another than it
// seems to. Info: worth knowing. `LINT_` keeps them apart from the reasons of verdicts.

#include <span>
#include <vector>

#include "model/base/diagnostic.h"
#include "sim/reasons/reason_codes.h"

namespace waypath::sim {

struct LintCode {
  CodeInfo info;
  model::Severity severity = model::Severity::Warning;
};

// One topic each; defined in lint_codes_<topic>.cc.
[[nodiscard]] std::span<const LintCode> lint_codes_netpol();
[[nodiscard]] std::span<const LintCode> lint_codes_mesh();
[[nodiscard]] std::span<const LintCode> lint_codes_authz();
[[nodiscard]] std::span<const LintCode> lint_codes_route();

/// All of them, sorted by code.
[[nodiscard]] const std::vector<LintCode>& lint_codes();
/// Null for a code that lint does not have.
[[nodiscard]] const LintCode* find_lint_code(std::string_view code);

// ---- NetworkPolicy and its cluster-scoped kin ----
inline constexpr Code kLintHboneIngress{"LINT_NETPOL_INGRESS_WITHOUT_HBONE"};
inline constexpr Code kLintHboneEgress{"LINT_NETPOL_EGRESS_WITHOUT_HBONE"};
inline constexpr Code kLintHboneOpensAll{"LINT_NETPOL_HBONE_OPENS_ALL_PORTS"};
inline constexpr Code kLintHboneLabel{"LINT_NETPOL_HBONE_LABEL"};
inline constexpr Code kLintNetpolSelectsNothing{"LINT_NETPOL_SELECTS_NOTHING"};
inline constexpr Code kLintNetpolPeerNothing{"LINT_NETPOL_PEER_SELECTS_NOTHING"};
inline constexpr Code kLintNetpolSection{"LINT_NETPOL_SECTION_WITHOUT_EFFECT"};
inline constexpr Code kLintNetpolNamedPort{"LINT_NETPOL_NAMED_PORT_UNKNOWN"};
inline constexpr Code kLintNetpolHostNetwork{"LINT_NETPOL_SELECTS_HOST_NETWORK"};
inline constexpr Code kLintNetpolRedundant{"LINT_NETPOL_RULE_REDUNDANT"};
inline constexpr Code kLintNetpolOneSided{"LINT_NETPOL_ONE_SIDED"};
inline constexpr Code kLintNetpolDns{"LINT_NETPOL_BLOCKS_DNS"};
inline constexpr Code kLintNetpolIstiod{"LINT_NETPOL_BLOCKS_ISTIOD"};
inline constexpr Code kLintNetpolProbes{"LINT_NETPOL_BLOCKS_PROBES"};
inline constexpr Code kLintAdminPriority{"LINT_ADMIN_POLICY_ORDER"};
inline constexpr Code kLintAdminSelectsNothing{"LINT_ADMIN_POLICY_SELECTS_NOTHING"};
inline constexpr Code kLintAdminHbone{"LINT_ADMIN_POLICY_BYPASSED_BY_HBONE"};
inline constexpr Code kLintAdminShadowed{"LINT_ADMIN_POLICY_SHADOWED"};
inline constexpr Code kLintAdminMixed{"LINT_ADMIN_POLICY_TWO_KINDS"};
inline constexpr Code kLintNetpolOverruled{"LINT_NETPOL_OVERRULED"};
inline constexpr Code kLintCniNothing{"LINT_CNI_ENFORCES_NOTHING"};
inline constexpr Code kLintCniOther{"LINT_CNI_NOT_AS_JUDGED"};

// ---- capture, waypoints, services ----
inline constexpr Code kLintHostNetworkAmbient{"LINT_AMBIENT_HOST_NETWORK"};
inline constexpr Code kLintGatewayCaptured{"LINT_AMBIENT_GATEWAY_CAPTURED"};
inline constexpr Code kLintSidecarInAmbient{"LINT_AMBIENT_SIDECAR"};
inline constexpr Code kLintDataplaneLabel{"LINT_AMBIENT_LABEL_VALUE"};
inline constexpr Code kLintLabelOnWorkload{"LINT_AMBIENT_LABEL_ON_WORKLOAD"};
inline constexpr Code kLintCaptureMismatch{"LINT_AMBIENT_NOT_CAPTURED"};
inline constexpr Code kLintBypassCapture{"LINT_AMBIENT_INBOUND_BYPASS"};
inline constexpr Code kLintWaypointMissing{"LINT_WAYPOINT_MISSING"};
inline constexpr Code kLintWaypointNamespace{"LINT_WAYPOINT_NAMESPACE_LABEL"};
inline constexpr Code kLintWaypointNotReady{"LINT_WAYPOINT_NOT_READY"};
inline constexpr Code kLintWaypointNotAllowed{"LINT_WAYPOINT_NOT_ALLOWED"};
inline constexpr Code kLintWaypointType{"LINT_WAYPOINT_TRAFFIC_TYPE"};
inline constexpr Code kLintWaypointNoPods{"LINT_WAYPOINT_NO_PODS"};
inline constexpr Code kLintWaypointIngress{"LINT_WAYPOINT_SKIPPED_BY_INGRESS"};
inline constexpr Code kLintWaypointIngressLabel{"LINT_WAYPOINT_INGRESS_LABEL"};
inline constexpr Code kLintWaypointHeadless{"LINT_WAYPOINT_HEADLESS"};
inline constexpr Code kLintWaypointUnused{"LINT_WAYPOINT_UNUSED"};
inline constexpr Code kLintWaypointLabelAlone{"LINT_WAYPOINT_LABEL_WITHOUT_EFFECT"};
inline constexpr Code kLintWaypointBypass{"LINT_WAYPOINT_BYPASS"};
inline constexpr Code kLintWaypointExternal{"LINT_WAYPOINT_SKIPPED_FROM_OUTSIDE"};
inline constexpr Code kLintWaypointLeg{"LINT_WAYPOINT_CUT_OFF"};
inline constexpr Code kLintGatewayLeg{"LINT_GATEWAY_CUT_OFF"};

// ---- authorization and authentication ----
inline constexpr Code kLintAuthzTargetMissing{"LINT_AUTHZ_TARGET_NOT_FOUND"};
inline constexpr Code kLintAuthzTargetNamespace{"LINT_AUTHZ_TARGET_NAMESPACE"};
inline constexpr Code kLintAuthzTargetUnbound{"LINT_AUTHZ_TARGET_WITHOUT_WAYPOINT"};
inline constexpr Code kLintAuthzTargetInvalid{"LINT_AUTHZ_TARGET_INVALID"};
inline constexpr Code kLintAuthzSelectsNothing{"LINT_AUTHZ_SELECTS_NOTHING"};
inline constexpr Code kLintAuthzSelectsWaypoint{"LINT_AUTHZ_SELECTS_WAYPOINT"};
inline constexpr Code kLintAuthzEmptySelector{"LINT_AUTHZ_EMPTY_SELECTOR"};
inline constexpr Code kLintAuthzOutsideMesh{"LINT_AUTHZ_OUTSIDE_MESH"};
inline constexpr Code kLintAuthzAction{"LINT_AUTHZ_ACTION_AT_ZTUNNEL"};
inline constexpr Code kLintAuthzMeshWide{"LINT_AUTHZ_MESH_WIDE_SELECTOR"};
inline constexpr Code kLintAuthzDefaultDeny{"LINT_AUTHZ_DEFAULT_DENY"};
inline constexpr Code kLintAuthzDryRun{"LINT_AUTHZ_DRY_RUN"};
inline constexpr Code kLintAuthzRefusesAll{"LINT_AUTHZ_ALLOWS_NOTHING"};
inline constexpr Code kLintAuthzRuleLeftOut{"LINT_AUTHZ_RULE_LEFT_OUT"};
inline constexpr Code kLintAuthzDenyVanishes{"LINT_AUTHZ_DENY_VANISHES"};
inline constexpr Code kLintAuthzDenyChanged{"LINT_AUTHZ_DENY_CHANGED"};
inline constexpr Code kLintAuthzTcpPort{"LINT_AUTHZ_HTTP_ON_TCP_PORT"};
inline constexpr Code kLintAuthzRedundant{"LINT_AUTHZ_RULE_REDUNDANT"};
inline constexpr Code kLintAuthzShadowed{"LINT_AUTHZ_ALLOW_ALL_BESIDE"};
inline constexpr Code kLintAuthzPort{"LINT_AUTHZ_PORT"};
inline constexpr Code kLintAuthzPrincipal{"LINT_AUTHZ_PRINCIPAL_UNKNOWN"};
inline constexpr Code kLintAuthzPrincipalForm{"LINT_AUTHZ_PRINCIPAL_FORM"};
inline constexpr Code kLintAuthzTrustDomain{"LINT_AUTHZ_TRUST_DOMAIN"};
inline constexpr Code kLintAuthzNamespace{"LINT_AUTHZ_NAMESPACE_UNKNOWN"};
inline constexpr Code kLintAuthzNoIdentity{"LINT_AUTHZ_CALLER_OUTSIDE_MESH"};
inline constexpr Code kLintAuthzWaypointIdentity{"LINT_AUTHZ_REFUSES_WAYPOINT"};
inline constexpr Code kLintAuthzGatewayIdentity{"LINT_AUTHZ_REFUSES_GATEWAY"};
inline constexpr Code kLintAuthzNoTokens{"LINT_AUTHZ_WITHOUT_TOKENS"};
inline constexpr Code kLintRequestAuthnZtunnel{"LINT_REQUESTAUTHN_AT_ZTUNNEL"};
inline constexpr Code kLintRequestAuthnAlone{"LINT_REQUESTAUTHN_ALONE"};
inline constexpr Code kLintPeerAuthnSelectsNothing{"LINT_PEERAUTHN_SELECTS_NOTHING"};
inline constexpr Code kLintPeerAuthnRootSelector{"LINT_PEERAUTHN_ROOT_SELECTOR"};
inline constexpr Code kLintPeerAuthnSeveral{"LINT_PEERAUTHN_SEVERAL"};
inline constexpr Code kLintPeerAuthnPort{"LINT_PEERAUTHN_PORT_LEVEL"};
inline constexpr Code kLintPeerAuthnDisable{"LINT_PEERAUTHN_DISABLE"};
inline constexpr Code kLintStrictClient{"LINT_STRICT_REFUSES_CLIENT"};
inline constexpr Code kLintStrictOutside{"LINT_STRICT_REFUSES_OUTSIDE"};
inline constexpr Code kLintExtAuthzProvider{"LINT_EXTAUTHZ_PROVIDER"};
inline constexpr Code kLintExtAuthzSeveral{"LINT_EXTAUTHZ_SEVERAL_PROVIDERS"};
inline constexpr Code kLintExtAuthzDown{"LINT_EXTAUTHZ_NO_ENDPOINTS"};
inline constexpr Code kLintExtAuthzCutOff{"LINT_EXTAUTHZ_CUT_OFF"};
inline constexpr Code kLintExtAuthzFailOpen{"LINT_EXTAUTHZ_FAIL_OPEN"};
inline constexpr Code kLintGatewayOnly{"LINT_EXTAUTHZ_GATEWAY_ONLY"};

// ---- routing and services ----
inline constexpr Code kLintRouteDetached{"LINT_ROUTE_NOT_ATTACHED"};
inline constexpr Code kLintRouteDropped{"LINT_ROUTE_DROPPED"};
inline constexpr Code kLintRouteBackend{"LINT_ROUTE_BACKEND"};
inline constexpr Code kLintRouteGrant{"LINT_ROUTE_BACKEND_NOT_PERMITTED"};
inline constexpr Code kLintRouteShadowed{"LINT_ROUTE_SHADOWED"};
inline constexpr Code kLintRouteMixed{"LINT_ROUTE_MIXED_APIS"};
inline constexpr Code kLintRouteNoWaypoint{"LINT_ROUTE_WITHOUT_WAYPOINT"};
inline constexpr Code kLintRouteConsumer{"LINT_ROUTE_IGNORED_BY_WAYPOINT"};
inline constexpr Code kLintRouteSource{"LINT_ROUTE_SOURCE_MATCH"};
inline constexpr Code kLintRouteSameHost{"LINT_ROUTE_SAME_HOST"};
inline constexpr Code kLintListener{"LINT_GATEWAY_LISTENER"};
inline constexpr Code kLintGatewaySelectsNothing{"LINT_GATEWAY_SELECTS_NOTHING"};
inline constexpr Code kLintVsGateway{"LINT_ROUTE_GATEWAY_UNKNOWN"};
inline constexpr Code kLintServiceSelectsNothing{"LINT_SERVICE_SELECTS_NOTHING"};
inline constexpr Code kLintServiceTargetPort{"LINT_SERVICE_TARGET_PORT"};
inline constexpr Code kLintServiceProtocol{"LINT_SERVICE_PROTOCOL_HIDES_L7"};
inline constexpr Code kLintServiceEntryHost{"LINT_SERVICEENTRY_HOST_TAKEN"};
inline constexpr Code kLintServiceEntryAddress{"LINT_SERVICEENTRY_WITHOUT_ADDRESS"};
inline constexpr Code kLintServiceEntrySelectsNothing{"LINT_SERVICEENTRY_NO_ENDPOINTS"};

// ---- lint itself ----
inline constexpr Code kLintIgnoreUnknown{"LINT_IGNORE_UNKNOWN"};

}  // namespace waypath::sim
