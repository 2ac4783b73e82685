#pragma once
// What the policies of one pod let through in one direction, towards every class and address range at once.

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/match/port_set.h"
#include "sim/reach/classes.h"
#include "sim/reach/row.h"

namespace waypath::sim {

/// Policies that the cluster does not have, as an edit brings them (sim/reach/edit.h), and the ends that they
/// part from those of the classes. Rules are numbered after the cluster's own; ends start with a word of
/// their own.
struct ReachExtra {
  struct End {
    std::uint32_t parent = 0;  // what the cluster's policies take it for
    NetPeer peer;
  };
  std::vector<ReachRule> rules;
  std::vector<ReachPeerBits> bits;  // by rule
  std::vector<std::pair<const void*, ReachPolicy>> policies;
  std::uint32_t first_end = UINT32_MAX;
  std::vector<End> ends;
};

class ReachRows {
 public:
  ReachRows(const model::Cluster& cluster, const CniProfile& profile, const ReachClasses& classes,
            PortSetTable& table);
  /// Goes on from another's answers, without its rows. `table` has at least the port sets of the other's.
  ReachRows(const ReachRows& other, PortSetTable& table);

  /// Number of the row of a class; classes under equal policies share it.
  [[nodiscard]] std::uint32_t row(std::uint32_t subject, Direction direction);
  [[nodiscard]] const ReachRow& row_at(std::uint32_t number, Direction direction) const {
    return rows_[static_cast<std::size_t>(direction)][number];
  }
  [[nodiscard]] std::size_t count(Direction d) const { return rows_[static_cast<std::size_t>(d)].size(); }
  [[nodiscard]] const ReachAnswers& answers() const { return answers_; }

  /// From now on policies may be of `extra` as well; null for none. It outlives its use.
  void use(const ReachExtra* extra);
  /// What the policies say for a class, in the order in which they are asked; good until the next call.
  void terms(std::uint32_t subject, Direction direction, const NetAttachment& attached,
             std::vector<ReachTerm>& out);
  [[nodiscard]] ReachRow row_of_terms(const std::vector<ReachTerm>& terms,
                                      const ReachRowMaker::Scope& scope = {}) {
    return maker_.row(terms, table_, answers_, scope);
  }
  /// Adds the ends that a policy's rules are about, rule by rule. False when that is every end, or hangs on
  /// the pod that the policy applies to.
  [[nodiscard]] bool add_ends(const void* policy, Direction direction, BitWords& out) const;
  /// The answer of terms for an end of `extra`.
  [[nodiscard]] ReachAnswers::Id at_extra(const std::vector<ReachTerm>& terms, std::uint32_t end);

 private:
  /// Ends of one rule with the ports that it names towards them.
  struct Part {
    PortSetTable::Id ports = PortSetTable::kNone;
    Fit fit = Fit::Yes;
    BitWords ends;
  };
  /// Ports of rules as they were found.
  struct Ports {
    std::vector<PortSetTable::Id> of_rule;  // of those without names of ports
    std::unordered_map<std::uint64_t, PortSetTable::Id> named;
    std::unordered_map<std::uint32_t, std::vector<Part>> by_destination;  // of egress rules with names
  };
  [[nodiscard]] std::uint32_t own_rules() const {
    return static_cast<std::uint32_t>(classes_.rules().size());
  }
  [[nodiscard]] const ReachRule& rule(std::uint32_t number) const {
    return number < own_rules() ? classes_.rules()[number] : extra_->rules[number - own_rules()];
  }
  [[nodiscard]] const ReachPeerBits& bits(std::uint32_t number) const {
    return number < own_rules() ? classes_.bits(classes_.rules()[number])
                                : extra_->bits[number - own_rules()];
  }
  [[nodiscard]] ReachPolicy policy(const void* policy) const;
  void add_terms(std::uint32_t number, std::uint32_t subject, Direction direction, std::uint8_t step,
                 std::vector<ReachTerm>& out);
  /// The end of the cluster's classes and ranges that an end is, or is parted from.
  [[nodiscard]] std::uint32_t parent(std::uint32_t end) const {
    return extra_ != nullptr && end >= extra_->first_end ? extra_->ends[end - extra_->first_end].parent : end;
  }
  /// UINT32_MAX of address ranges.
  [[nodiscard]] std::uint32_t profile(std::uint32_t end) const {
    return parent(end) < classes_.classes().size() ? classes_.classes()[parent(end)].ports : UINT32_MAX;
  }
  [[nodiscard]] PortSetTable::Id ports(std::uint32_t number, std::uint32_t destination);
  /// Parts of a rule whose peers or ports have to be asked end by end.
  void each_end(std::uint32_t number, std::uint32_t subject, Direction direction, std::vector<Part>& out);

  NetMatch match_;
  const ReachClasses& classes_;
  PortSetTable& table_;
  ReachAnswers answers_;
  ReachRowMaker maker_;
  std::unordered_map<ReachTokens, std::uint32_t, ReachTokensHash> known_[2];
  std::deque<ReachRow> rows_[2];
  const ReachExtra* extra_ = nullptr;
  Ports own_ports_, extra_ports_;
};

}  // namespace waypath::sim
