#pragma once
// The flows of enumerate_flows without spelling them out: clients times targets. Two clusters of ten thousand
// pods suggest millions of flows, of which a change touches few.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scenarios/flow_enumeration.h"

namespace waypath::scenarios {

class FlowProduct {
 public:
  /// One client and what it may be asked to ask.
  struct Row {
    const FlowClient* client = nullptr;
    const std::vector<FlowTarget>* targets = nullptr;   // of the client's side
    const std::vector<std::uint32_t>* asked = nullptr;  // positions in `targets`, ascending
  };

  /// The flows of `before`, then those of `after` that `before` lacks: each once, in the order of
  /// enumerate_flows. The clusters must outlive it.
  FlowProduct(const model::Cluster& before, const model::Cluster& after);
  FlowProduct(const FlowProduct&) = delete;
  FlowProduct& operator=(const FlowProduct&) = delete;

  [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }
  /// How many flows there are.
  [[nodiscard]] std::size_t size() const;

 private:
  /// Targets by who asks for them: the outside for hosts of gateways, workloads for Services.
  struct Side {
    std::vector<FlowClient> clients;
    std::vector<FlowTarget> targets;
    std::vector<std::uint32_t> asked[2],
        fresh[2];  // by whether a workload asks; `fresh`: `before` lacks them
  };
  Side before_, after_;
  std::vector<Row> rows_;
};

/// The flow of a client and a target, with its name.
[[nodiscard]] sim::Flow flow_of(const FlowClient& client, const FlowTarget& target);

}  // namespace waypath::scenarios
