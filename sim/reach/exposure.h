#pragma once
// What a workload opens to those who are not in the input: any pod of the cluster, the internet, and the
// controller behind Ingress and OpenShift Route objects. All are seen from a pod without labels in a
// namespace of its own, or from public addresses.

#include <string>
#include <vector>

#include "sim/reach/reach.h"

namespace waypath::sim {

struct WorkloadExposure {
  std::string workload;  // name of the `ReachEndpoint`
  PortSet any_pod;       // a pod without labels in a namespace of its own
  PortSet internet;      // some address that is not set aside for private networks
  PortSet ingress;       // what an Ingress or Route publishes and `any_pod` holds
};

/// Workloads that open something to one of them, by name. Options as for `reach`; `from` and `part` are not
/// asked.
/// Ports that pass or not by a fact that the manifests do not tell are not counted.
[[nodiscard]] std::vector<WorkloadExposure> exposures(const model::Cluster& cluster,
                                                      const ReachOptions& options,
                                                      model::Diagnostics& diagnostics);

}  // namespace waypath::sim
