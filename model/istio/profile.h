#pragma once
// Istio version profiles: each row of the version table is a feature with the versions that have it. Code
// asks `profile.has(Feature::X)`; nobody else compares version numbers.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace waypath::model {

struct IstioVersion {
  int major_ = 0, minor = 0, patch = 0;
  friend auto operator<=>(const IstioVersion&, const IstioVersion&) = default;
  [[nodiscard]] std::string str() const;
};
/// "1.28", "1.28.3", "v1.28.3-distroless": without a patch number the newest patch known of that minor.
[[nodiscard]] std::optional<IstioVersion> parse_istio_version(std::string_view text);
[[nodiscard]] IstioVersion newest_known_version();

/// One behaviour that a version switches on. Rows and sources: model/istio/profile.cc.
enum class Feature : std::uint8_t {
  UseWaypointNamespaceLabel,                    // 1.23: istio.io/use-waypoint-namespace
  WaypointAllowedRoutesChecked,                 // 1.23
  WaypointServiceExempt,                        // 1.23: a waypoint's own Service never has a waypoint
  WaypointForOnGatewayClass,                    // 1.23
  AllVipsMatched,                               // 1.23
  IngressUseWaypoint,                           // 1.24
  IngressUseWaypointNamespace,                  // 1.25
  ServiceTargetRefInServiceNamespace,           // 1.24
  GatewayTargetRefSameNamespaceOnly,            // 1.25
  GatewayClassTargetRef,                        // 1.25
  WaypointTrustDomainCheck,                     // 1.25
  ServiceAccountsField,                         // 1.25
  ConnectionSniAtWaypoint,                      // 1.24
  DryRunToZtunnel,                              // 1.29 (with the flag)
  MultipleCustomProviders,                      // 1.30 (with the flag)
  TrustDomainsField,                            // 1.30.2
  PeerAuthenticationPortsOred,                  // 1.25 (1.22.8, 1.23.5, 1.24.3)
  PeerAuthenticationPortMergeFixed,             // same
  RequestAuthenticationCrossNamespaceWaypoint,  // 1.25 (1.24.2)
  IssuerOptional,                               // 1.27
  HostNetworkDestinations,                      // 1.24
  PublishNotReadyHonoured,                      // 1.24
  NoHealthyUpstreamDropped,                     // 1.23 (1.22.2)
  DnsCaptureDefault,                            // 1.25
  IpAutoAllocateDefault,                        // 1.25
  ServiceEntryNonePassthrough,                  // 1.28
  ServiceEntryCidr,                             // 1.30
  ServiceEntryPortNameMatched,                  // 1.28 (1.26.5, 1.27.2)
  ServiceEntrySelectsWorkloadEntries,           // 1.26
  ServiceEntryNamespaceVisibility,              // 1.31
  DynamicDns,                                   // 1.28
  HostNetworkExcludedFromCapture,               // absent in 1.27.0-1.29.6 and 1.30.0-1.30.3
  AgentExcludesNamespaces,                      // 1.30
  GatewayChartOptsOut,                          // 1.25
  BypassInboundCaptureWorks,                    // 1.29
  EnablementSelectors,                          // 1.27
  SandwichAllowedRoutes,                        // 1.26
  WaypointTcpRoute,                             // 1.26
  WaypointDropsSourceLabels,                    // 1.25
  WaypointMergesVirtualServices,                // 1.30 (1.28.6, 1.29.2)
  NoBackendRefsIs404,                           // 1.30.x only
  WaypointDefaultRetries,                       // 1.31 (1.30.3)
  WaypointCanary,                               // 1.31
  RegexEscapedInPrincipals,                     // 1.30 (1.28.7, 1.29.3)
  RegexEscapedInServiceAccounts,                // 1.30 (1.27.9, 1.28.6, 1.29.2)
  RepeatedHeadersMatchedEach,                   // 1.30 (1.27.8, 1.28.5, 1.29.1)
  JwksFetchFailureFailsClosed,                  // 1.30 (1.27.8, 1.28.5, 1.29.1)
  HboneTimeoutHint,                             // 1.23 (1.22.4)
  HboneErrorsLogged,                            // 1.24
  GatewaySecretNeedsGrant,                      // 1.28
  BackendTlsPolicyApplied,                      // 1.28
  FrontendTlsValidation,                        // 1.28
  TlsRouteGa,                                   // 1.30
  ReferenceGrantAllTo,                          // 1.30
  DestinationRuleWinsOverBackendTlsPolicy,      // 1.31
  SidecarPicksServiceFirst,                     // 1.30
  CanonicalServiceEntry,                        // 1.29
  ExternalNameDnsCapture,                       // 1.25 (1.24.2)
  DenyHttpOnlyStatusSaysNoEffect,               // master
  WaypointKnowsAllocatedVips,                   // 1.24 (1.23.1)
  WaypointKeepsHttp2,                           // 1.26 (1.25.1)
  WaypointTlsInspector,                         // 1.30 (1.28.7, 1.29.1)
  WaypointPortLevelSettings,                    // 1.24 (1.23.1)
  BackendTlsThroughHbone,                       // 1.23
  WorkloadEntryPortMap,                         // 1.28
  SelectorPoliciesStayInNamespace,              // 1.23 (1.22.2)
  NamedTargetPortByPod,                         // 1.23 (1.22.2)
  HeadlessNamesAtZtunnel,                       // 1.23 (1.22.1)
  DnsForwardedFromPod,                          // 1.24
  FinishedJobsLeave,                            // 1.23 (1.22.2)
  NotReadyPresetLeakFixed,                      // 1.31 (1.28.8, 1.29.4, 1.30.1)
  RetryExcludes503,                             // 1.24
  JwksBlockedRanges,                            // 1.29 (1.28.6)
  IptablesReconciled,                           // 1.29
  ChartNetworkPolicies,                         // 1.28
  ProbeRulesFirst,                              // 1.27
  BranchEniProbes,                              // 1.30 (1.28.7, 1.29.3)
  ProbeSetRepaired,                             // 1.31 (1.29.5, 1.30.2)
  WorkloadEntryTunnelLabel,                     // 1.31 (1.29.6, 1.30.3)
  GatewayParametersRef,                         // 1.26
  GatewayCopiesLabelsByFlag,                    // 1.27
  MultiNetworkWaypoint,                         // 1.28
  MultiNetworkIngressWaypoint,                  // 1.31
  EastWestGatewayNoDenyAll,                     // 1.31 (1.29.6, 1.30.3)
  DestinationRulesApartByExport,                // 1.24
  SidecarExcludesHosts,                         // 1.31
  AbsoluteHostNames,                            // 1.27
  kCount
};

struct FeatureInfo {
  Feature feature;
  std::string_view name;         // kebab-case, printed
  std::string_view since;        // first version, backports in brackets: "1.25.0 (1.24.2, 1.23.5)"
  std::string_view until;        // first version that lacks it again, or ""
  std::string_view also_before;  // versions below this one had it as well, or ""
  std::string_view before, after, effect, source;
  std::string_view not_simulated = {};  // why predictions do not depend on it; empty: they do
};

class Profile {
 public:
  explicit Profile(IstioVersion version) : version_(version) {}
  [[nodiscard]] bool has(Feature f) const;
  [[nodiscard]] IstioVersion version() const { return version_; }

 private:
  IstioVersion version_;
};

[[nodiscard]] std::span<const FeatureInfo> version_table();

}  // namespace waypath::model
