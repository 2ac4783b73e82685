#pragma once
// What the mesh makes of a cell of the matrix: HBONE on the wire, and L4 authorization at the destination.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/match/port_set.h"
#include "sim/policy/policy_evaluator.h"
#include "sim/reach.h"
#include "sim/reach_classes.h"
#include "sim/resolve/mesh.h"

namespace waypath::sim {

class ReachMesh {
 public:
  ReachMesh(std::shared_ptr<const model::Cluster> cluster, const ReachOptions& options,
            const ReachClasses& classes, PortSetTable& table, model::Diagnostics& diagnostics);
  /// `cell` as NetworkPolicies leave it, between two ends of the matrix.
  [[nodiscard]] ReachResult::Cell apply(std::uint32_t source, std::uint32_t destination,
                                        ReachResult::Cell cell);
  [[nodiscard]] const std::vector<std::string>& missing_facts() const { return missing_facts_; }

 private:
  struct End {
    Dataplane dataplane = Dataplane::None;
    bool unmeshed_inbound = false;
    PeerIdentity identity;
    PolicyPoint point;
  };
  struct Part {
    std::uint16_t port = 0;  // stands for
    PortSet ports;
  };
  void cut_ports();

  std::shared_ptr<const model::Cluster> cluster_;
  const ReachClasses& classes_;
  PortSetTable& table_;
  EvaluatorTable policies_;
  std::vector<End> ends_;
  std::vector<Part> parts_;
  std::vector<std::string> missing_facts_;
};

}  // namespace waypath::sim
