#pragma once
// Public names that another controller than Istio serves: what it does with a request is not modelled.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/cluster.h"
#include "sim/verdict.h"

namespace waypath::sim {

/// An Ingress, an OpenShift Route or a Gateway that Istio does not take.
struct ForeignEntry {
  std::string pattern;  // of hosts; empty: every one
  ObjectAt object;
  std::string fact;  // "what serves a.example.com: ..."
};
/// The one whose pattern fits the host best. Ingresses listen on 80 and 443. routing.md 2.1, 4.
[[nodiscard]] std::optional<ForeignEntry> foreign_entry(const model::Cluster& cluster, std::string_view host,
                                                        std::uint16_t port);

}  // namespace waypath::sim
