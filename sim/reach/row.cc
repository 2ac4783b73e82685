#include "sim/reach/row.h"

#include <algorithm>

namespace waypath::sim {

ReachAnswers::ReachAnswers() {
  static_cast<void>(id({PortSetTable::kNone, PortSetTable::kNone}));
  static_cast<void>(id({PortSetTable::kAll, PortSetTable::kAll}));
}

ReachAnswers::Id ReachAnswers::id(const ReachAnswer& answer) {
  const auto [at, added] =
      ids_.try_emplace(std::uint64_t{answer.sure} << 32U | answer.possible, static_cast<Id>(answers_.size()));
  if (added) answers_.push_back(answer);
  return at->second;
}

std::uint32_t ReachRow::find(const std::vector<Entry>& others, std::uint32_t end, std::uint32_t usual) {
  const std::uint32_t word = end / kWordBits;
  auto at = std::lower_bound(others.begin(), others.end(), word,
                             [](const Entry& e, std::uint32_t w) { return e.word < w; });
  for (; at != others.end() && at->word == word; ++at)
    if ((at->bits >> (end % kWordBits) & 1U) != 0) return at->answer;
  return usual;
}

void ReachWorlds::apply(const ReachTerm& t, PortSetTable& table) {
  switch (t.step) {
    case ReachTerm::Network: {
      const bool same = sure == possible;
      possible = table.unite(possible, t.ports);
      if (t.fit == Fit::Yes) sure = same ? possible : table.unite(sure, t.ports);
      return;
    }
    case ReachTerm::EndOfTier:
      open = table.unite(open, passed);
      passed = PortSetTable::kNone;
      return;
    case ReachTerm::EndOfNetwork:
      if (open == PortSetTable::kNone) return;
      allowed = table.unite(allowed, table.intersect(open, possible));
      refused = table.unite(refused, table.subtract(open, sure));
      open = PortSetTable::kNone;
      return;
    default:
      break;
  }
  if (open == PortSetTable::kNone) return;
  const auto part = table.intersect(open, t.ports);
  auto& into = t.step == ReachTerm::Accept ? allowed : t.step == ReachTerm::Deny ? refused : passed;
  into = table.unite(into, part);
  if (t.fit == Fit::Yes) open = table.subtract(open, part);
}

ReachAnswers::Id ReachWorlds::answer(PortSetTable& table, ReachAnswers& answers) const {
  const auto either = table.unite(allowed, open);
  return answers.id({table.subtract(either, refused), either});
}

namespace {

// The worlds after the policies that came to an answer, with no tier before or behind them.
ReachWorlds worlds_of(const ReachAnswer& answer) {
  ReachWorlds worlds;
  worlds.sure = answer.sure;
  worlds.possible = answer.possible;
  return worlds;
}

}  // namespace

void ReachRowMaker::find_touches(const std::vector<ReachTerm>& terms, const BitWords* only) {
  touches_.clear();
  for (std::uint32_t t = 0; t < terms.size(); ++t) {
    if (terms[t].ends == nullptr) continue;
    const BitWords& ends = *terms[t].ends;
    if (only == nullptr) {
      for (const BitWord& word : ends) touches_.push_back({word.at, t, word.bits});
      continue;
    }
    if (only->empty()) continue;
    const auto before = [](const BitWord& e, std::uint32_t w) { return e.at < w; };
    auto at = std::lower_bound(ends.begin(), ends.end(), only->front().at, before);
    for (const BitWord& word : *only) {
      while (at != ends.end() && at->at < word.at) ++at;
      if (at == ends.end()) break;
      if (at->at == word.at && (at->bits & word.bits) != 0)
        touches_.push_back({word.at, t, at->bits & word.bits});
    }
  }
}

// By word, those of one word as the terms are.
void ReachRowMaker::order_touches() {
  const auto by_word = [](const Touch& a, const Touch& b) { return a.word < b.word; };
  if (std::is_sorted(touches_.begin(), touches_.end(), by_word)) return;
  const auto [low, high] = std::minmax_element(touches_.begin(), touches_.end(), by_word);
  const std::uint32_t lowest = low->word;
  first_.assign(high->word - lowest + 2, 0);
  for (const Touch& touch : touches_) ++first_[touch.word - lowest + 1];
  for (std::size_t w = 1; w < first_.size(); ++w) first_[w] += first_[w - 1];
  ordered_.resize(touches_.size());
  for (const Touch& touch : touches_) ordered_[first_[touch.word - lowest]++] = touch;
  touches_.swap(ordered_);
}

void ReachRowMaker::start_parts(std::uint32_t word, std::uint64_t bits, const ReachAnswers& answers,
                                const ReachRow* from) {
  parts_.clear();
  if (from == nullptr) {
    parts_.push_back({ReachWorlds{}, bits});
    return;
  }
  auto e = std::lower_bound(from->others.begin(), from->others.end(), word,
                            [](const ReachRow::Entry& entry, std::uint32_t w) { return entry.word < w; });
  std::uint64_t rest = bits;
  for (; e != from->others.end() && e->word == word; ++e) {
    if ((e->bits & bits) == 0) continue;
    parts_.push_back({worlds_of(answers[e->answer]), e->bits & bits});
    rest &= ~e->bits;
  }
  if (rest != 0) parts_.push_back({worlds_of(answers[from->usual]), rest});
}

ReachRow ReachRowMaker::row(const std::vector<ReachTerm>& terms, PortSetTable& table, ReachAnswers& answers,
                            const Scope& scope) {
  ReachRow row;
  ReachWorlds untouched = scope.from == nullptr ? ReachWorlds() : worlds_of(answers[scope.from->usual]);
  // Of NetworkPolicies alone, what they let through is the answer: their end has nothing to part it from.
  bool plain = !terms.empty();
  for (const ReachTerm& t : terms)
    plain = plain && (t.step == ReachTerm::Network || t.step == ReachTerm::EndOfNetwork);
  const auto answer_of = [&](const ReachWorlds& worlds) {
    return plain ? answers.id({worlds.sure, worlds.possible}) : worlds.answer(table, answers);
  };
  every_.clear();
  for (std::uint32_t t = 0; t < terms.size(); ++t) {
    if (!terms[t].every || (plain && terms[t].step == ReachTerm::EndOfNetwork)) continue;
    untouched.apply(terms[t], table);
    every_.push_back(t);
  }
  row.usual = answer_of(untouched);
  find_touches(terms, scope.only);
  order_touches();
  for (std::size_t i = 0; i < touches_.size();) {
    const std::uint32_t word = touches_[i].word;
    std::uint64_t any = 0;
    for (std::size_t j = i; j < touches_.size() && touches_[j].word == word; ++j) any |= touches_[j].bits;
    start_parts(word, any, answers, scope.from);
    // The terms about the word and those about every end, in order.
    for (std::size_t e = 0;;) {
      const bool touched = i < touches_.size() && touches_[i].word == word;
      const auto next = touched ? touches_[i].term : UINT32_MAX;
      const bool for_all = e < every_.size() && every_[e] < next;
      if (!for_all && !touched) break;
      const std::uint32_t t = for_all ? every_[e++] : next;
      const std::uint64_t bits = for_all ? any : touches_[i++].bits;
      for (std::size_t p = 0, before = parts_.size(); p < before; ++p) {
        const std::uint64_t in = parts_[p].bits & bits;
        if (in == 0) continue;
        std::size_t of = p;
        if (in != parts_[p].bits) {
          parts_[p].bits &= ~in;
          of = parts_.size();
          parts_.push_back({ReachWorlds(parts_[p].worlds), in});
        }
        parts_[of].worlds.apply(terms[t], table);
      }
    }
    const std::size_t first = row.others.size();
    for (const Part& part : parts_) {
      const auto answer = answer_of(part.worlds);
      if (answer == row.usual) continue;
      const auto same = std::find_if(row.others.begin() + static_cast<std::ptrdiff_t>(first),
                                     row.others.end(), [&](const auto& e) { return e.answer == answer; });
      if (same != row.others.end())
        same->bits |= part.bits;
      else
        row.others.push_back({word, answer, part.bits});
    }
  }
  return row;
}

}  // namespace waypath::sim
