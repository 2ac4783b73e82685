#pragma once
// Names that the gateways of the cluster answer for: what a name that nobody answers for may have been meant
// to be.

#include <string>
#include <string_view>
#include <vector>

#include "sim/resolve/route.h"

namespace waypath::sim {

struct ServedHost {
  std::string host;        // exact, or "*.suffix"
  std::uint16_t port = 0;  // that clients connect to
  bool tls = false;
  friend auto operator<=>(const ServedHost&, const ServedHost&) = default;
};
/// Of listeners and routes with a name of their own; sorted, without repeats.
[[nodiscard]] std::vector<ServedHost> served_hosts(const RouteTables& tables);

/// What a name that no listener of a port has may have been meant to be.
struct ServedHint {
  bool named = false;      // other listeners have the name
  bool same_port = false;  // one on this port, with TLS where there is none, or without
  std::string text;        // "it is answered for on port 443 (TLS)", "near: a.example.com"; "" for nothing
};
[[nodiscard]] ServedHint served_hint(const RouteTables& tables, std::string_view host, std::uint16_t port);

}  // namespace waypath::sim
