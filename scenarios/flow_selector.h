#pragma once
// Flows that stand for many: which ones in a cluster.

#include <memory>
#include <vector>

#include "model/cluster.h"
#include "scenarios/scenario.h"

namespace waypath::scenarios {

/// What of a cluster selectors choose from; enumerated once for all flows of a scenario.
struct FlowEnds;

class FlowSelection {
 public:
  explicit FlowSelection(const model::Cluster& cluster);
  ~FlowSelection();
  FlowSelection(const FlowSelection&) = delete;
  FlowSelection& operator=(const FlowSelection&) = delete;
  /// The flows that one flow of a file stands for: itself, or all pairs of the selected ends in the order of
  /// flow_enumeration.h, named "GROUP: FROM -> TO". The outside is paired with hosts of gateways, a workload
  /// with Services. Enumerates the cluster at the first selector.
  [[nodiscard]] std::vector<FlowCase> expand(const FlowCase& flow);

 private:
  const model::Cluster& cluster_;
  std::unique_ptr<const FlowEnds> ends_;
};

}  // namespace waypath::scenarios
