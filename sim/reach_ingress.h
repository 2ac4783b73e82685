#pragma once
// What Ingress objects open to their controller, whose pods are not in the input: seen from a pod without
// labels in a namespace of its own.

#include <map>
#include <string>

#include "sim/reach.h"

namespace waypath::sim {

/// TCP ports of each workload that some Ingress publishes and such a pod reaches; workloads by the names of
/// `ReachEndpoint`. Options as for `reach`; `from` is not asked.
[[nodiscard]] std::map<std::string, PortSet> ingress_exposure(const model::Cluster& cluster,
                                                              const ReachOptions& options,
                                                              model::Diagnostics& diagnostics);

}  // namespace waypath::sim
