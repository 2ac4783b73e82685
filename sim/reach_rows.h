#pragma once
// What the policies of one pod let through in one direction, towards every class and address range at once.

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/match/port_set.h"
#include "sim/reach_bits.h"
#include "sim/reach_classes.h"

namespace waypath::sim {

/// Ports that pass whatever the unknown facts are, and ports that pass for some value of them.
struct ReachAnswer {
  PortSetTable::Id sure = PortSetTable::kAll, possible = PortSetTable::kAll;
  friend auto operator<=>(const ReachAnswer&, const ReachAnswer&) = default;
};

/// Answers as numbers: 0 is nothing, 1 is everything.
class ReachAnswers {
 public:
  using Id = std::uint32_t;
  static constexpr Id kNothing = 0, kEverything = 1;
  ReachAnswers();
  [[nodiscard]] Id id(const ReachAnswer& answer);
  [[nodiscard]] const ReachAnswer& operator[](Id id) const { return answers_[id]; }
  [[nodiscard]] std::size_t size() const { return answers_.size(); }

 private:
  std::vector<ReachAnswer> answers_;
  std::unordered_map<std::uint64_t, Id> ids_;
};

/// A row as the answer for ends that no rule is about, and the words of others: ascending, ends of a word
/// parted by answer.
struct ReachRow {
  struct Entry {
    std::uint32_t word = 0;
    std::uint32_t answer = 0;
    std::uint64_t bits = 0;
  };
  std::uint32_t usual = ReachAnswers::kEverything;
  std::vector<Entry> others;
  [[nodiscard]] std::uint32_t at(std::uint32_t end) const;
};

class ReachRows {
 public:
  ReachRows(const model::Cluster& cluster, const CniProfile& profile, const ReachClasses& classes,
            PortSetTable& table);

  /// Number of the row of a class; classes under equal policies share it.
  [[nodiscard]] std::uint32_t row(std::uint32_t subject, Direction direction);
  [[nodiscard]] const ReachRow& row_at(std::uint32_t number, Direction direction) const {
    return rows_[static_cast<std::size_t>(direction)][number];
  }
  [[nodiscard]] std::size_t count(Direction d) const { return rows_[static_cast<std::size_t>(d)].size(); }
  [[nodiscard]] const ReachAnswers& answers() const { return answers_; }

 private:
  struct Worlds;
  struct Term;
  /// Ends of one rule with the ports that it names towards them.
  struct Part {
    PortSetTable::Id ports = PortSetTable::kNone;
    Fit fit = Fit::Yes;
    BitWords ends;
  };
  [[nodiscard]] ReachRow compute(std::uint32_t subject, Direction direction);
  void add_terms(std::uint32_t rule, std::uint32_t subject, Direction direction, std::uint8_t step,
                 std::vector<Term>& out);
  /// UINT32_MAX of address ranges.
  [[nodiscard]] std::uint32_t profile(std::uint32_t end) const {
    return end < classes_.classes().size() ? classes_.classes()[end].ports : UINT32_MAX;
  }
  [[nodiscard]] PortSetTable::Id ports(std::uint32_t rule, std::uint32_t destination);
  /// Parts of a rule whose peers or ports have to be asked end by end.
  void each_end(std::uint32_t rule, std::uint32_t subject, Direction direction, std::vector<Part>& out);

  NetMatch match_;
  const ReachClasses& classes_;
  PortSetTable& table_;
  ReachAnswers answers_;
  std::unordered_map<ReachTokens, std::uint32_t, ReachTokensHash> known_[2];
  std::deque<ReachRow> rows_[2];
  std::vector<PortSetTable::Id> rule_ports_;  // by rule, of those without names of ports
  std::unordered_map<std::uint64_t, PortSetTable::Id> named_ports_;
  std::unordered_map<std::uint32_t, std::vector<Part>>
      by_destination_;  // of egress rules with names of ports
};

}  // namespace waypath::sim
