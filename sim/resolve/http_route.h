#pragma once
// HTTPRoute and GRPCRoute compiled, before they are joined by parent and host.

#include <optional>
#include <string>
#include <vector>

#include "sim/resolve/route_tables.h"

namespace waypath::sim {

struct SortableEntry {
  HttpEntry entry;
  const model::HttpRoute* route = nullptr;
};

struct CompiledHttpRoute {
  std::vector<SortableEntry> entries;
  std::optional<TraceNode> failure;  // the route yields nothing: why
};
[[nodiscard]] CompiledHttpRoute compile_http_route(const RouteTables::Impl& impl,
                                                   const model::HttpRoute& route, bool check_grants);

/// Whether Istio tries a condition before another, whatever the age of their routes. Both have a path.
[[nodiscard]] bool match_before(const HttpMatch& a, const HttpMatch& b);
/// In order of precedence.
[[nodiscard]] std::vector<HttpEntry> sort_entries(std::vector<SortableEntry> entries);

/// The registry hosts of a parentRef of kind Service or ServiceEntry: a ServiceEntry has the rules at each of
/// its hosts. Empty for other parents. Source: istio pilot/pkg/config/kube/gateway/route_collections.go
/// HTTPRouteCollection, TCPRouteCollection, TLSRouteCollection.
[[nodiscard]] std::vector<std::string> mesh_parent_hosts(const RouteTables::Impl& impl,
                                                         const model::ParentRef& parent);

}  // namespace waypath::sim
