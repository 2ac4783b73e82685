#pragma once
// Pods that the manifests imply and do not hold: an operator makes them.

#include <string>
#include <vector>

#include "model/cluster.h"

namespace waypath::sim {

/// The facts that are missing of pods which a Service that selects none may select: "the pods that are made
/// for Kafka/data/events". Empty: all of the namespace's pods are there. A workload that is scaled down makes
/// none, unless a Rollout has taken its place.
[[nodiscard]] std::vector<std::string> pods_not_given(const model::Cluster& cluster,
                                                      model::ServiceId service);

/// A workload whose pods the Service would select, and that makes none now; or null.
[[nodiscard]] const model::Workload* idle_workload(const model::Cluster& cluster, model::ServiceId service);

}  // namespace waypath::sim
