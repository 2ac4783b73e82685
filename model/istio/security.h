#pragma once
// security.istio.io: AuthorizationPolicy, RequestAuthentication, PeerAuthentication, as written.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/kube/label_selector.h"
#include "model/resource.h"

namespace waypath::model {

struct PolicyTargetRef {
  std::string group, kind;
  Symbol name;
  std::string ns;  // refused by validation unless empty
  SourcePos pos;
};

/// selector and targetRef(s) of a policy. `selector: {}` is present but empty, which differs from absent at
/// ztunnel.
struct PolicyAttachment {
  std::optional<LabelSelector> selector;     // matchLabels only
  std::vector<PolicyTargetRef> target_refs;  // targetRefs, or the one targetRef
};

/// One string of a policy with its place, so that a verdict can name the value that matched or missed.
struct PolicyValue {
  std::string text;
  SourcePos pos;
};
using PolicyValues = std::vector<PolicyValue>;

struct AuthorizationSource {
  PolicyValues principals, not_principals, request_principals, not_request_principals;
  PolicyValues namespaces, not_namespaces, service_accounts, not_service_accounts;
  PolicyValues trust_domains, not_trust_domains;
  PolicyValues ip_blocks, not_ip_blocks, remote_ip_blocks, not_remote_ip_blocks;
  SourcePos pos;
};
struct AuthorizationOperation {
  PolicyValues hosts, not_hosts, ports, not_ports, methods, not_methods, paths, not_paths;
  SourcePos pos;
};
struct AuthorizationCondition {
  std::string key;
  PolicyValues values, not_values;
  SourcePos pos;
};
struct AuthorizationRule {
  std::vector<AuthorizationSource> from;  // absent = any; written `from: []` is refused by validation
  std::vector<AuthorizationOperation> to;
  std::vector<AuthorizationCondition> when;
  SourcePos pos;
};

enum class AuthorizationAction : std::uint8_t { Allow, Deny, Audit, Custom };

struct AuthorizationPolicy {
  ObjectMeta meta;
  PolicyAttachment attachment;
  AuthorizationAction action = AuthorizationAction::Allow;
  std::string provider;  // CUSTOM
  bool provider_given = false;
  std::vector<AuthorizationRule> rules;
  bool rules_given = false;
  bool dry_run = false;  // annotation istio.io/dry-run, Go ParseBool; unparsable = enforced
};

struct JwtHeaderLocation {
  std::string name, prefix;
};
struct ClaimToHeader {
  std::string header, claim;
};
struct JwtRule {
  std::string issuer;
  std::vector<std::string> audiences;
  std::string jwks_uri, jwks;  // jwks: inline key set
  std::vector<JwtHeaderLocation> from_headers;
  std::vector<std::string> from_params, from_cookies;
  std::string output_payload_to_header;
  std::vector<ClaimToHeader> output_claim_to_headers;
  std::vector<std::string> space_delimited_claims;
  bool forward_original_token = false;
  std::string timeout;
  SourcePos pos;
};
struct RequestAuthentication {
  ObjectMeta meta;
  PolicyAttachment attachment;
  std::vector<JwtRule> jwt_rules;
};

enum class MtlsMode : std::uint8_t { Unset, Disable, Permissive, Strict };
struct PeerAuthentication {
  ObjectMeta meta;
  std::optional<LabelSelector> selector;
  MtlsMode mode = MtlsMode::Unset;
  SourcePos mode_pos;
  std::vector<std::pair<std::uint16_t, MtlsMode>> port_level;  // sorted by port
};

}  // namespace waypath::model
