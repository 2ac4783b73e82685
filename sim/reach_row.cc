#include "sim/reach_row.h"

#include <algorithm>

namespace waypath::sim {

ReachAnswers::ReachAnswers() {
  static_cast<void>(id({PortSetTable::kNone, PortSetTable::kNone}));
  static_cast<void>(id({PortSetTable::kAll, PortSetTable::kAll}));
}

ReachAnswers::Id ReachAnswers::id(const ReachAnswer& answer) {
  const auto [at, added] =
      ids_.emplace(std::uint64_t{answer.sure} << 32U | answer.possible, static_cast<Id>(answers_.size()));
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

ReachRow row_of(const std::vector<ReachTerm>& terms, PortSetTable& table, ReachAnswers& answers,
                const std::vector<std::uint32_t>* words) {
  ReachRow row;
  ReachWorlds untouched;
  std::vector<std::uint32_t> every;
  for (std::uint32_t t = 0; t < terms.size(); ++t) {
    if (!terms[t].every) continue;
    untouched.apply(terms[t], table);
    every.push_back(t);
  }
  row.usual = untouched.answer(table, answers);

  // The words that some term is about, each with its terms in order.
  struct Touch {
    std::uint64_t order;  // word, term
    std::uint64_t bits;
  };
  std::vector<Touch> touches;
  for (std::uint32_t t = 0; t < terms.size(); ++t)
    if (terms[t].ends != nullptr)
      for (const BitWord& word : *terms[t].ends)
        if (words == nullptr || std::binary_search(words->begin(), words->end(), word.at))
          touches.push_back({std::uint64_t{word.at} << 32U | t, word.bits});
  const auto in_order = [](const Touch& a, const Touch& b) { return a.order < b.order; };
  if (!std::is_sorted(touches.begin(), touches.end(), in_order))
    std::sort(touches.begin(), touches.end(), in_order);

  struct Open {
    ReachWorlds worlds;
    std::uint64_t bits;
  };
  std::vector<Open> parts;
  for (std::size_t i = 0; i < touches.size();) {
    const auto word = static_cast<std::uint32_t>(touches[i].order >> 32U);
    std::uint64_t any = 0;
    for (std::size_t j = i; j < touches.size() && touches[j].order >> 32U == word; ++j)
      any |= touches[j].bits;
    parts.assign(1, {ReachWorlds{}, any});
    // The terms about the word and those about every end, in order.
    for (std::size_t e = 0;;) {
      const bool touched = i < touches.size() && touches[i].order >> 32U == word;
      const auto next = touched ? static_cast<std::uint32_t>(touches[i].order) : UINT32_MAX;
      const bool for_all = e < every.size() && every[e] < next;
      if (!for_all && !touched) break;
      const std::uint32_t t = for_all ? every[e++] : next;
      const std::uint64_t bits = for_all ? any : touches[i++].bits;
      for (std::size_t p = 0, before = parts.size(); p < before; ++p) {
        const std::uint64_t in = parts[p].bits & bits;
        if (in == 0) continue;
        std::size_t of = p;
        if (in != parts[p].bits) {
          parts[p].bits &= ~in;
          of = parts.size();
          parts.push_back({parts[p].worlds, in});
        }
        parts[of].worlds.apply(terms[t], table);
      }
    }
    const std::size_t first = row.others.size();
    for (const Open& part : parts) {
      const auto answer = part.worlds.answer(table, answers);
      if (answer == row.usual) continue;
      const auto same = std::find_if(row.others.begin() + static_cast<std::ptrdiff_t>(first),
                                     row.others.end(), [&](const auto& e) { return e.answer == answer; });
      if (same != row.others.end())
        same->bits |= part.bits;
      else
        row.others.push_back({word, answer, part.bits});
    }
  }
  if (words == nullptr) row.others.shrink_to_fit();
  return row;
}

}  // namespace waypath::sim
