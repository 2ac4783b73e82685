#pragma once
// Public names that another controller than Istio's serves: what becomes of a request there is not modelled.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/verdict.h"

namespace waypath::sim {

class RouteTables;

/// An Ingress, an OpenShift Route or a Gateway that Istio does not take.
struct ForeignEntry {
  std::vector<std::uint16_t> ports;
  ObjectAt object;
  std::string fact;  // "what Ingress/shop/web does: ... runs it"
};
/// By pattern of hosts, in lower case; "": every host.
using ForeignEntries = std::map<std::string, std::vector<ForeignEntry>, std::less<>>;

struct ForeignMatch {
  std::string_view pattern;
  const ForeignEntry* entry = nullptr;
};
/// The entry whose pattern fits the host best. routing.md 2.1, 4.
[[nodiscard]] std::optional<ForeignMatch> foreign_entry(const RouteTables& tables, std::string_view host,
                                                        std::uint16_t port);

}  // namespace waypath::sim
