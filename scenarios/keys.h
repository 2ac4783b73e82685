#pragma once
// The words of a scenario file: the keys of each of its mappings and the values of each of its enumerations.
// The reader asks this table, and a test holds schema/scenario.schema.json against it.

#include <initializer_list>
#include <span>
#include <string_view>

namespace waypath::scenarios {

using Words = std::initializer_list<std::string_view>;

namespace keys {
inline const Words kScenario{"apiVersion", "kind",     "metadata", "include", "variables", "cluster",
                             "assume",     "defaults", "flows",    "expect",  "variants",  "invariants"};
inline const Words kMetadata{"name", "description", "tags", "labels", "annotations"};
inline const Words kCommand{"command"};
inline const Words kCluster{"manifests", "istioVersion", "cni", "podCidrs", "sim"};
inline const Words kSim{"ipBlockSelectsPods", "cniRejects", "probesSubjectToNetworkPolicy"};
inline const Words kAssume{"extAuthz", "tokens", "jwksUnavailable"};
inline const Words kExtAuthz{"allowWhen", "allow", "unreachable", "setHeaders", "setToken", "else"};
inline const Words kAllowWhen{"header"};
inline const Words kToken{"issuer", "subject", "audiences", "claims", "state",
                          "raw",    "header",  "param",     "cookie", "prefix"};
inline const Words kFlow{"name",      "description", "from",    "to",           "protocol", "http",
                         "token",     "tokens",      "session", "sessionToken", "sni",      "sourceIp",
                         "connectTo", "tunnel",      "tags",    "expect"};
/// What `defaults` may state: a flow's keys, less its name.
inline const Words kDefaults{"from",         "to",  "protocol", "http",      "token",  "tokens", "session",
                             "sessionToken", "sni", "sourceIp", "connectTo", "tunnel", "tags",   "expect"};
inline const Words kSources{"all", "external", "namespace", "workload", "labels", "except"};
inline const Words kDestinations{"all", "namespace", "service", "labels", "host", "port", "path", "except"};
inline const Words kInvariant{"name",      "description", "from",    "to",           "protocol", "http",
                              "token",     "tokens",      "session", "sessionToken", "sni",      "sourceIp",
                              "connectTo", "tunnel",      "tags",    "never",        "always"};
inline const Words kHttp{"method", "headers"};
inline const Words kExpect{"outcome",  "symptom", "by",   "reason",   "via", "notVia",
                           "identity", "backend", "legs", "bypassed", "rule"};
inline const Words kLeg{"from", "to", "transport", "port"};
inline const Words kVariant{"name", "description", "tags", "change", "flows", "expect", "violates"};
inline const Words kChange{"apply", "create", "delete", "patch",    "json", "merge",
                           "label", "labels", "scale",  "replicas", "fail", "istioVersion"};
}  // namespace keys

namespace values {
inline const Words kKind{"Scenario", "ScenarioPart"};
inline const Words kCni{"generic", "calico", "cilium", "ovn"};
inline const Words kTokenState{"valid", "expired", "notYetValid", "malformed", "badSignature", "unverified"};
inline const Words kSession{"none", "valid", "expired", "refreshable"};
inline const Words kProtocol{"http", "https", "grpc", "h2c", "tcp", "tls", "udp", "sctp"};
inline const Words kTunnel{"hbone"};
inline const Words kOutcome{"allow", "deny", "timeout", "unreachable", "unknown"};
inline const Words kTransport{"plaintext", "TLS", "HBONE", "mTLS", "in pod"};
}  // namespace values

/// A mapping or an enumeration by the name of its definition in the schema.
struct WordTable {
  std::string_view definition;
  Words words;
};
[[nodiscard]] std::span<const WordTable> key_tables();
[[nodiscard]] std::span<const WordTable> value_tables();

}  // namespace waypath::scenarios
