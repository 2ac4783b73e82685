#pragma once
// Which filter chain of an Envoy reads a connection: by the protocol that the port declares, and by what is
// sent.

#include <string_view>

#include "sim/resolve/route.h"

namespace waypath::sim {

/// Whether a proxy that reads a port declared as `protocol` parses this traffic as HTTP.
/// Source: istio pilot/pkg/networking/core/listener_waypoint.go buildWaypointInternal; routing.md 3.8.
struct ChainKind {
  bool http = false;
  bool mismatch = false;  // an HTTP chain gets bytes that are not HTTP
};
[[nodiscard]] ChainKind chain_for(std::string_view protocol, const RouteRequest& app);

}  // namespace waypath::sim
