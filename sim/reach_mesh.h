#pragma once
// What the mesh makes of a cell of the matrix: HBONE on the wire, and L4 authorization at the destination.

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/match/port_set.h"
#include "sim/policy/policy_evaluator.h"
#include "sim/reach.h"
#include "sim/reach_bits.h"
#include "sim/reach_cell.h"
#include "sim/reach_classes.h"
#include "sim/reach_rows.h"
#include "sim/resolve/mesh.h"

namespace waypath::sim {

class ReachMesh {
 public:
  /// The answer of an end outside the mesh: the cell as NetworkPolicies leave it.
  static constexpr std::uint32_t kAsIs = 0;

  ReachMesh(std::shared_ptr<const model::Cluster> cluster, const ReachOptions& options,
            const ReachClasses& classes, PortSetTable& table, model::Diagnostics& diagnostics);
  /// Number of the row of a destination: what the mesh does to connections from every source that is asked
  /// for, as numbers of answers.
  [[nodiscard]] std::uint32_t row(std::uint32_t destination, const std::vector<bool>& asked);
  [[nodiscard]] const ReachRow& row_at(std::uint32_t number) const { return rows_[number]; }
  [[nodiscard]] std::size_t answers() const { return answers_.size(); }
  /// Some answer hangs on a fact that is not known.
  [[nodiscard]] bool undecided() const { return undecided_; }
  /// Ports of a cell.
  struct Ports {
    PortSet sure, possible, conditional;
  };
  /// `sure` and `possible` as NetworkPolicies leave them. Adds the facts that the outcome hangs on.
  [[nodiscard]] Ports apply(PortSet sure, PortSet possible, std::uint32_t answer,
                            std::set<std::string>& facts) const;
  [[nodiscard]] ReachCell apply(ReachCell cell, std::uint32_t answer, std::set<std::string>& facts) const;

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
  struct Answer {
    bool tunnelled = false, sidecar = false;
    PortSet refused, unknown;
    std::vector<std::pair<PortSet, std::vector<std::string>>> facts;  // by part that hangs on them
    friend bool operator==(const Answer&, const Answer&) = default;
  };
  /// Sources that no policy of the mesh tells apart.
  struct Alike {
    std::uint32_t first = 0;
    BitWords ends;
  };
  void cut_ports();
  void group_sources(const std::vector<bool>& asked);
  [[nodiscard]] std::uint32_t judge(const End& to, std::uint32_t source);
  [[nodiscard]] std::uint32_t id(Answer answer);

  std::shared_ptr<const model::Cluster> cluster_;
  const ReachClasses& classes_;
  PortSetTable& table_;
  EvaluatorTable policies_;
  bool by_address_ = false;  // some policy of the mesh looks at addresses of clients
  std::vector<End> ends_;
  std::vector<Part> parts_;
  std::vector<Alike> sources_;
  std::vector<Answer> answers_;
  bool undecided_ = false;
  std::vector<ReachRow> rows_;
};

}  // namespace waypath::sim
