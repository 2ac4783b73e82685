#pragma once
// Which connections of a pod its sidecar takes: annotations except ports and ranges.

#include <optional>
#include <string>
#include <vector>

#include "model/cluster.h"
#include "sim/verdict.h"

namespace waypath::sim {

struct Interception {
  bool taken = true;
  std::string detail;          // why not
  std::optional<ObjectAt> by;  // the annotation
  std::string undecided;       // the missing fact; empty: decided
};

/// A connection that comes in on the pod's own port `port`, not by HBONE, whose port no annotation excepts.
[[nodiscard]] Interception inbound_interception(const model::Pod& pod, std::uint16_t port);
/// A TCP connection that the application opens to `port` of one of `addresses`; empty: not known.
[[nodiscard]] Interception outbound_interception(const model::Pod& pod, std::uint16_t port,
                                                 const std::vector<model::IpAddress>& addresses);

/// The annotations that except something of what comes in, or goes out; empty: the sidecar takes all.
[[nodiscard]] std::string inbound_exceptions(const model::Pod& pod);
[[nodiscard]] std::string outbound_exceptions(const model::Pod& pod);

}  // namespace waypath::sim
