#include "sim/resolve/hostname.h"

#include <fmt/format.h>

namespace waypath::sim {

bool is_wildcard(std::string_view pattern) { return pattern.empty() || pattern.starts_with('*'); }

bool host_covers(std::string_view pattern, std::string_view host) {
  if (pattern.empty() || pattern == "*") return true;
  if (host.empty() || host == "*") return false;
  if (!pattern.starts_with('*')) return pattern == host;
  const std::string_view suffix = pattern.substr(1);
  if (host.starts_with('*')) return host.substr(1).ends_with(suffix);
  return host.size() > suffix.size() && host.ends_with(suffix);
}

std::optional<std::string> intersect_hosts(std::string_view a, std::string_view b) {
  if (host_covers(a, b)) return std::string(b.empty() ? "*" : b);
  if (host_covers(b, a)) return std::string(a.empty() ? "*" : a);
  return std::nullopt;
}

bool more_specific(std::string_view a, std::string_view b) {
  const bool wild_a = is_wildcard(a), wild_b = is_wildcard(b);
  if (wild_a != wild_b) return wild_b;
  return a.size() > b.size();
}

std::string resolve_short_host(std::string_view host, std::string_view ns, std::string_view cluster_domain) {
  if (host.empty() || host.find('.') != std::string_view::npos || host.starts_with('*') ||
      host.find(':') != std::string_view::npos) {
    return std::string(host);
  }
  return fmt::format("{}.{}.svc.{}", host, ns, cluster_domain);
}

}  // namespace waypath::sim
