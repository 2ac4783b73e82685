#pragma once
// meshConfig: key `mesh` of the ConfigMap `istio` (or istio-<revision>) in the root namespace, with
// upstream's defaults; and the feature flags that istiod, ztunnel and istio-cni read from their environment.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/istio/networking.h"
#include "model/resource.h"

namespace waypath::model {

struct ExtensionProvider {
  std::string name;
  enum class Type : std::uint8_t { ExtAuthzGrpc, ExtAuthzHttp, Other } type = Type::Other;
  std::string service;  // "host", "ns/host" or short name, as written
  std::optional<std::uint16_t> port;
  bool port_valid = true;
  std::optional<std::string> timeout;
  bool fail_open = false;
  std::string status_on_error;  // "" = 403
  std::string path_prefix;
  std::vector<std::string> include_headers_in_check, headers_to_upstream_on_allow,
      headers_to_downstream_on_deny, headers_to_downstream_on_allow;
  SourcePos pos;
};

enum class PathNormalization : std::uint8_t { Default, None, Base, MergeSlashes, DecodeAndMergeSlashes };

struct MeshConfig {
  bool given = false;  // a ConfigMap was found; else all defaults, listed as an assumption
  SourcePos pos;
  Symbol root_namespace = intern("istio-system");
  std::string trust_domain = "cluster.local";
  std::vector<std::string> trust_domain_aliases;
  std::string cluster_domain = "cluster.local";
  std::vector<ExtensionProvider> extension_providers;
  PathNormalization path_normalization = PathNormalization::Default;
  OutboundMode outbound = OutboundMode::AllowAny;
  std::string ingress_class = "istio", ingress_selector, ingress_service;
  std::string ingress_controller_mode = "STRICT";
  std::vector<std::string> default_service_export_to, default_virtual_service_export_to,
      default_destination_rule_export_to;
  std::uint32_t num_trusted_proxies = 0;
  std::string connect_timeout = "10s";
  bool enable_auto_mtls = true;
  bool hbone_enabled = false;  // defaultConfig.proxyMetadata ISTIO_META_ENABLE_HBONE
};

/// Environment of istiod / ztunnel / cni as far as the manifests show it. Absent flags have the version's
/// default.
struct FeatureFlags {
  std::map<std::string, std::string, std::less<>> istiod, ztunnel, cni;
  [[nodiscard]] std::optional<bool> boolean(const std::map<std::string, std::string, std::less<>>& env,
                                            std::string_view name) const;  // Go ParseBool
};

}  // namespace waypath::model
