#pragma once
// Repeated request headers as Envoy's filters see them.

#include <string>
#include <string_view>
#include <vector>

#include "sim/flow.h"

namespace waypath::sim {

/// The values of the header, blanks around them taken off, in the order sent. Headers for which Envoy keeps
/// one slot come as one value, joined with commas. Source: envoy envoy/http/header_map.h (inline headers);
/// the list is what an Envoy 1.3x sidecar was seen to join.
[[nodiscard]] std::vector<std::string> header_values(const Headers& headers, std::string_view lower_name);

}  // namespace waypath::sim
