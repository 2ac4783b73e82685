#pragma once
// Host patterns of Gateway API and Istio: "a.b", "*.b", "*" or empty for every host.

#include <optional>
#include <string>
#include <string_view>

namespace waypath::sim {

[[nodiscard]] bool is_wildcard(std::string_view pattern);  // "*.b", "*" and ""
/// "*.x" covers one or more labels in front of ".x", not "x" itself. `host` may be a pattern too: then every
/// host it covers. Source: istio pkg/config/host/name.go Matches, SubsetOf; gateway-api
/// apis/v1/shared_types.go Hostname.
[[nodiscard]] bool host_covers(std::string_view pattern, std::string_view host);
/// The narrower of two patterns that overlap; nullopt when no host fits both. "*" for two empty patterns.
[[nodiscard]] std::optional<std::string> intersect_hosts(std::string_view a, std::string_view b);
/// Whether `a` is chosen before `b` for a host both cover: exact, then the longer wildcard, then "*".
[[nodiscard]] bool more_specific(std::string_view a, std::string_view b);
/// A name without a dot stands for a Service of the object's own namespace.
/// Source: istio pilot/pkg/model/virtualservice.go ResolveShortnameToFQDN.
[[nodiscard]] std::string resolve_short_host(std::string_view host, std::string_view ns,
                                             std::string_view cluster_domain);

}  // namespace waypath::sim
