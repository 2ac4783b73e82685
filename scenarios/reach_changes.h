#pragma once
// What lies between two clusters from pod to pod: every pair of workloads, and of workloads and addresses,
// whose connections are not the same.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "sim/reach/reach.h"

namespace waypath::scenarios {

struct ReachChange {
  /// As in ReachCell.
  struct Ports {
    sim::PortSet sure, possible, conditional;
    friend bool operator==(const Ports&, const Ports&) = default;
  };
  std::string from, to;  // as ReachEndpoint::name
  Ports before, after;
  /// Ports that certainly did not pass and now may, or may have and now certainly do; and the other way
  /// round.
  [[nodiscard]] sim::PortSet opens() const;
  [[nodiscard]] sim::PortSet closes() const;
};

struct ReachChanges {
  std::uint64_t pod_pairs = 0, opened = 0, closed = 0;  // ordered pairs of pods; some port opens, closes
  bool delta =
      false;  // nothing but policies differs: the edited cluster was not compiled (sim/reach/delta.h)
};

/// Calls `fn` for each change until it says false, in order of source, then destination; what comes from
/// outside the cluster last. Pods of a workload that change alike come as one, as do ranges of addresses next
/// to each other. Pods that one side lacks have no connections there. A workload of several pods may change
/// towards itself.
///
/// Exact for any two clusters. Where only NetworkPolicies and their cluster-scoped kin differ, what the edit
/// touches is worked out; else both matrices are. Options as for `reach`; `from` and `to` of `of_after` are
/// asked of pods that `before` lacks.
[[nodiscard]] ReachChanges each_reach_change(const std::shared_ptr<const model::Cluster>& before,
                                             const std::shared_ptr<const model::Cluster>& after,
                                             const sim::ReachOptions& options,
                                             const sim::ReachOptions& of_after,
                                             model::Diagnostics& diagnostics,
                                             const std::function<bool(const ReachChange&)>& fn);

}  // namespace waypath::scenarios
