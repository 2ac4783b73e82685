#pragma once
// What an edit of policies opens and closes between pods, without compiling the edited cluster.
//
// An edit takes away, adds or changes any number of NetworkPolicies, AdminNetworkPolicies,
// BaselineAdminNetworkPolicies and ClusterNetworkPolicies; the rows of the classes that they select are
// worked out again and laid against the base, word by word. All of these are exact without a compilation:
// - Selectors and names of ports of new policies part no class: the base keeps classes apart by labels and
//   names of ports (ReachBase). Bounds of ports are those of port sets, which know no partition.
// - Bounds of blocks that the base does not have, IPv6 ones and addresses of nodes as well, cut ranges, and
//   classes whose pods they part: locally, as pieces that come after the ends of the base.
// An edit of anything else (pods, labels, namespaces, nodes, policies of the mesh) is no edit of this kind.

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/reach/base.h"
#include "sim/reach/edit.h"

namespace waypath::sim {

/// What differs between the matrix of a base and that of the edited cluster.
struct ReachDelta {
  /// Ends of one word whose connections with `subject` were `before` and are `after`. Incoming: `subject` is
  /// the destination and the word has sources; else it is the source and the word has destinations. Every
  /// changed pair is in one run.
  struct Run {
    bool incoming = true;
    std::uint32_t subject = 0;
    std::uint32_t word = 0;
    std::uint64_t bits = 0;
    ReachCell before, after;
  };
  std::vector<Run> runs;
  /// From `first_piece` on ends are pieces that the edit cuts off ends of the base.
  std::uint32_t first_piece = 0;
  std::vector<ReachPiece> pieces;
  std::vector<ReachPiece> rests;  // what is left of their parents, by parent
  /// Ordered pairs of pods whose connections differ; those where some port opens, and those where one closes
  /// (a pair may be both). A port that may or may not pass opens when it was certain not to, and closes when
  /// it was certain to.
  std::uint64_t pod_pairs = 0, opened = 0, closed = 0;
};

/// Judges edits over one base, which others may share. One per thread; it remembers port sets and cells from
/// edit to edit.
class ReachWhatIf {
 public:
  explicit ReachWhatIf(std::shared_ptr<const ReachBase> base);
  ReachWhatIf(const ReachWhatIf&) = delete;
  ReachWhatIf& operator=(const ReachWhatIf&) = delete;
  [[nodiscard]] const ReachBase& base() const { return *base_; }
  /// Runs in order of subject within each direction. Valid until the next call.
  [[nodiscard]] const ReachDelta& evaluate(const ReachEdit& edit);
  [[nodiscard]] const PortSet& ports(PortSetTable::Id id) const { return table_.set(id); }

 private:
  using CellId = std::uint32_t;
  /// A word of other ends on which two rows differ.
  struct Difference {
    std::uint32_t word = 0;
    std::uint64_t bits = 0;
    ReachAnswers::Id before = 0, after = 0;
  };
  /// Classes whose rows were one and are another.
  struct Group {
    std::uint32_t before = 0;  // number of the base's row
    ReachRow after;            // its others are those of the ends `about` alone
    bool whole = true;         // that is all ends; else the row of before holds for the others
    BitWords about;
    std::vector<ReachAnswers::Id> pieces;  // answers for the ends that the edit cuts off
    std::vector<Difference> differences;
    bool differs = false;
  };
  /// What the edit changes in one direction.
  struct Side {
    std::vector<Group> groups;
    std::vector<std::uint32_t> group_of;  // by class
    std::vector<std::uint32_t> subjects;  // classes whose rows differ, ascending
    std::vector<std::uint64_t> changed;   // the same as words
  };
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr Direction kDirections[2] = {Direction::Ingress, Direction::Egress};

  [[nodiscard]] Side& side(Direction d) { return sides_[static_cast<std::size_t>(d)]; }
  [[nodiscard]] static Direction other(Direction d) {
    return d == Direction::Ingress ? Direction::Egress : Direction::Ingress;
  }
  void find_subjects(const ReachEdit& edit);
  void regroup(const ReachEdit& edit, std::uint32_t subject, std::uint32_t first, std::uint32_t last);
  void make_row(const ReachEdit& edit, Direction d, std::uint32_t subject, std::uint32_t first,
                std::uint32_t last, Group& group);
  [[nodiscard]] bool find_ends(const ReachEdit& edit, Direction d, std::uint32_t subject, std::uint32_t first,
                               std::uint32_t last, BitWords& out);
  /// Of a number as in `selected_`.
  [[nodiscard]] static const void* policy(const ReachEdit& edit, std::uint32_t number);
  void compare(Group& group, Direction d);
  void along_words(Direction d);
  void with_pieces(Direction d);
  void both_changed();
  void pair(std::uint32_t source, std::uint32_t destination, bool incoming);
  void emit(Direction d, std::uint32_t subject, std::uint32_t word, std::uint64_t bits, CellId before,
            CellId after);
  void emit_cells(bool incoming, std::uint32_t subject, std::uint32_t word, std::uint64_t bits, CellId before,
                  CellId after);
  template <class Fn>
  void each_piece(std::uint32_t parent, const Fn& fn) const;

  [[nodiscard]] std::uint32_t parent(std::uint32_t end) const {
    return end < delta_.first_piece ? end : delta_.pieces[end - delta_.first_piece].parent;
  }
  [[nodiscard]] ReachAnswers::Id before(Direction d, std::uint32_t subject, std::uint32_t end) const;
  [[nodiscard]] ReachAnswers::Id after(Direction d, std::uint32_t subject, std::uint32_t end);
  /// What a pair of cells comes to, and a pair of answers: worked out once while it stays in its slot.
  struct Known {
    std::uint64_t key = UINT64_MAX;
    CellId cell = 0;
    bool opens = false, closes = false;
  };
  [[nodiscard]] static Known& slot(std::vector<Known>& known, std::uint64_t key) {
    return known[(key * 0x9E3779B97F4A7C15ULL >> 32U) & (known.size() - 1)];
  }
  [[nodiscard]] CellId network(ReachAnswers::Id one, ReachAnswers::Id other);
  [[nodiscard]] const Known& change(CellId before, CellId after);
  [[nodiscard]] CellId meshed(CellId cell, std::uint32_t answer);
  [[nodiscard]] CellId intern(const ReachCell& cell);
  [[nodiscard]] std::uint64_t pods(std::uint32_t word, std::uint64_t bits) const;
  [[nodiscard]] std::uint64_t pods(std::uint32_t end) const;

  std::shared_ptr<const ReachBase> base_;
  std::uint32_t count_;  // classes
  PortSetTable table_;
  ReachRows rows_;
  std::vector<ReachCell> cells_;
  std::vector<Known> network_, changes_;  // powers of two
  std::unordered_map<std::uint64_t, CellId> meshed_;
  std::unordered_map<std::uint64_t, std::vector<CellId>> interned_;
  std::set<std::string> facts_;

  ReachResolved resolved_;
  Side sides_[2];
  std::vector<std::pair<std::uint32_t, std::uint32_t>> selected_;  // (class, policy of the edit), sorted
  std::unordered_map<ReachTokens, std::uint32_t, ReachTokensHash> groups_[2];
  std::vector<ReachColumns::Part> parts_;
  std::vector<ReachTerm> terms_;
  NetAttachment attached_, added_;  // of one class: all policies; those that the edit brings
  ReachTokens key_;
  ReachDelta delta_;
};

}  // namespace waypath::sim
