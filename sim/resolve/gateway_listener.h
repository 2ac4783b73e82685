#pragma once
// Listeners of Gateways and ListenerSets, and which routes attach to them (routing.md 2.1, 2.2, 2.8).

#include <span>
#include <string>
#include <vector>

#include "sim/resolve/route_tables.h"

namespace waypath::sim {

/// A route asking for its parents.
struct RouteToAttach {
  const model::ObjectMeta* meta = nullptr;
  const std::vector<model::ParentRef>* parents = nullptr;
  const std::vector<std::string>* hostnames = nullptr;  // null: the kind has none
};

struct Attachment {
  ApiListener* listener = nullptr;
  std::vector<std::string> hosts;  // intersections; "*" for any
};

/// The listeners that accept the route. Parents that accept it nowhere are noted at their gateway.
[[nodiscard]] std::vector<Attachment> attach_route(RouteTables::Impl& impl, const RouteToAttach& route);

}  // namespace waypath::sim
