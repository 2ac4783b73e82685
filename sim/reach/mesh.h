#pragma once
// What the mesh makes of a cell of the matrix: HBONE on the wire, and L4 authorization at the destination.
// Destinations under equal policies share a row; in a row, sources that no rule can match are judged once.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/match/port_set.h"
#include "sim/policy/policy_evaluator.h"
#include "sim/reach/bits.h"
#include "sim/reach/cell.h"
#include "sim/reach/classes.h"
#include "sim/reach/mesh_keys.h"
#include "sim/reach/rows.h"

namespace waypath::sim {

/// The answer for clients of each kind that no rule is about, and the words of others.
struct ReachMeshRow {
  std::array<std::uint32_t, kReachClients> usual{};
  std::vector<ReachRow::Entry> others;
};

class ReachMesh {
 public:
  /// The answer of an end outside the mesh: the cell as NetworkPolicies leave it.
  static constexpr std::uint32_t kAsIs = 0;

  /// `keys` is resolved; both it and `classes` outlive this.
  ReachMesh(std::shared_ptr<const model::Cluster> cluster, const ReachClasses& classes,
            const ReachMeshKeys& keys, PortSetTable& table, model::Diagnostics& diagnostics);
  /// Number of the row of a destination: what the mesh does to connections from every source that is asked
  /// for, as numbers of answers.
  [[nodiscard]] std::uint32_t row(std::uint32_t destination, const std::vector<bool>& asked);
  [[nodiscard]] const ReachMeshRow& row_at(std::uint32_t number) const { return rows_[number]; }
  /// The answer of a row for a source.
  [[nodiscard]] std::uint32_t answer(std::uint32_t row, std::uint32_t source) const {
    return ReachRow::find(rows_[row].others, source,
                          rows_[row].usual[static_cast<std::size_t>(client(source))]);
  }
  /// How a source opens its connections.
  [[nodiscard]] ReachClient client(std::uint32_t source) const {
    return source < ends_.size() ? ends_[source].client : ReachClient::Plain;
  }
  [[nodiscard]] std::size_t rows() const { return rows_.size(); }
  [[nodiscard]] std::size_t answers() const { return answers_.size(); }
  /// Whether connections take another way than NetworkPolicies are asked about.
  [[nodiscard]] bool elsewhere(std::uint32_t answer) const { return answers_[answer]->elsewhere; }
  /// Some answer hangs on a fact that is not known.
  [[nodiscard]] bool undecided() const { return undecided_; }
  /// `cell` as NetworkPolicies leave it, with the ports of `table`, which holds those of the constructor's.
  /// Adds the facts that the outcome hangs on.
  [[nodiscard]] ReachCell apply(ReachCell cell, std::uint32_t answer, PortSetTable& table,
                                std::set<std::string>& facts) const;

 private:
  struct Part {
    std::uint16_t port = 0;  // stands for
    PortSetTable::Id ports = PortSetTable::kNone;
  };
  struct Answer {
    bool tunnelled = false, sidecar = false;
    bool elsewhere = false;  // another proxy stands between: nothing is certain of TCP
    PortSetTable::Id refused = PortSetTable::kNone, unknown = PortSetTable::kNone;
    // By part that hangs on them.
    std::vector<std::pair<PortSetTable::Id, std::vector<std::string>>> facts;
    [[nodiscard]] auto tie() const {
      return std::tie(tunnelled, sidecar, elsewhere, refused, unknown, facts);
    }
    friend bool operator<(const Answer& a, const Answer& b) { return a.tie() < b.tie(); }
  };
  /// Sources of one part (ReachMeshEnd::part) that are asked for.
  struct Sources {
    std::uint32_t first = 0;
    ReachClient client = ReachClient::Plain;
    BitWords ends;
  };
  void group_sources(const std::vector<bool>& asked);
  [[nodiscard]] std::vector<Part> cut_ports(const std::vector<std::uint16_t>& named);
  [[nodiscard]] ReachMeshRow compute(std::uint32_t destination);
  [[nodiscard]] std::uint32_t judge(std::uint32_t destination, const PolicyPoint& point,
                                    const std::vector<Part>& parts, std::uint32_t source);
  [[nodiscard]] std::uint32_t id(Answer answer);

  std::shared_ptr<const model::Cluster> cluster_;
  const ReachClasses& classes_;
  const ReachMeshKeys& keys_;
  PortSetTable& table_;
  EvaluatorTable policies_;
  PortSetTable::Id tcp_;
  std::vector<ReachMeshEnd> ends_;  // by class
  std::vector<Sources> sources_;    // by part; those without ends are not asked for
  bool grouped_ = false;
  std::vector<const Answer*> answers_;
  std::map<Answer, std::uint32_t> ids_;
  bool undecided_ = false;
  std::vector<ReachMeshRow> rows_;
  std::vector<std::uint32_t> row_of_point_;
};

}  // namespace waypath::sim
