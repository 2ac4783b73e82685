#pragma once
// A row of the matrix of reach: what rules let through in one direction, towards every class and address
// range at once.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "sim/match/port_set.h"
#include "sim/policy/net_match.h"
#include "sim/reach/bits.h"

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
  [[nodiscard]] std::uint32_t at(std::uint32_t end) const { return find(others, end, usual); }
  /// The answer of an end; `usual` where there is no other.
  [[nodiscard]] static std::uint32_t find(const std::vector<Entry>& others, std::uint32_t end,
                                          std::uint32_t usual);
};

/// One part of a rule, in the order in which rules are asked: the ends that it is about and the ports that it
/// names towards them.
struct ReachTerm {
  enum Step : std::uint8_t { Accept, Deny, Pass, Network, EndOfTier, EndOfNetwork };
  std::uint8_t step = Network;
  bool every = false;  // all ends; also the ends of steps
  Fit fit = Fit::Yes;
  bool extra = false;  // of a policy that the cluster does not have
  PortSetTable::Id ports = PortSetTable::kNone;
  const BitWords* ends = nullptr;
};

/// What they come to for one end; `about(term)` tells those that are about it.
template <class About>
[[nodiscard]] ReachAnswers::Id answer_of(const std::vector<ReachTerm>& terms, PortSetTable& table,
                                         ReachAnswers& answers, const About& about);

/// Ports still open, ports that a Pass may have taken out of the tier, ports that may have been let through
/// or refused; and what NetworkPolicies let through. A rule that matches or not by an unknown fact leaves its
/// ports open as well. The set form of what the evaluator does for one connection.
struct ReachWorlds {
  PortSetTable::Id open = PortSetTable::kAll, passed = PortSetTable::kNone, allowed = PortSetTable::kNone,
                   refused = PortSetTable::kNone, sure = PortSetTable::kNone, possible = PortSetTable::kNone;
  void apply(const ReachTerm& term, PortSetTable& table);
  [[nodiscard]] ReachAnswers::Id answer(PortSetTable& table, ReachAnswers& answers) const;
};

/// Works out what terms come to for every end. Its memory, which is kept from row to row, grows with the
/// words that the terms of one row are about.
class ReachRowMaker {
 public:
  /// Of which ends, and on top of what.
  struct Scope {
    const BitWords* only = nullptr;  // null: all; else the row has no others but these
    /// Null, or what the terms add NetworkPolicies to: a row of isolated pods that no other policy is about.
    const ReachRow* from = nullptr;
  };
  [[nodiscard]] ReachRow row(const std::vector<ReachTerm>& terms, PortSetTable& table, ReachAnswers& answers,
                             const Scope& scope);

 private:
  /// What one term says of the ends of one word.
  struct Touch {
    std::uint32_t word = 0, term = 0;
    std::uint64_t bits = 0;
  };
  struct Part {
    ReachWorlds worlds;
    std::uint64_t bits = 0;
  };
  void find_touches(const std::vector<ReachTerm>& terms, const BitWords* only);
  void order_touches();
  void start_parts(std::uint32_t word, std::uint64_t bits, const ReachAnswers& answers, const ReachRow* from);

  std::vector<std::uint32_t> every_, first_;  // terms about every end; of the touches of a word
  std::vector<Touch> touches_, ordered_;
  std::vector<Part> parts_;
};

template <class About>
ReachAnswers::Id answer_of(const std::vector<ReachTerm>& terms, PortSetTable& table, ReachAnswers& answers,
                           const About& about) {
  ReachWorlds worlds;
  for (const ReachTerm& t : terms)
    if (t.every || about(t)) worlds.apply(t, table);
  return worlds.answer(table, answers);
}

}  // namespace waypath::sim
