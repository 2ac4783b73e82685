#include "sim/reach_columns.h"

#include <algorithm>

namespace waypath::sim {

std::vector<std::uint64_t>& ReachColumns::plane(std::uint32_t answer) {
  auto at = std::find_if(usual_.begin(), usual_.end(), [&](const Plane& p) { return p.answer == answer; });
  if (at == usual_.end()) at = usual_.insert(usual_.end(), {answer, std::vector<std::uint64_t>(words_, 0)});
  return at->words;
}

ReachColumns::ReachColumns(std::uint32_t ends, const std::vector<std::uint32_t>& row_of,
                           const std::function<const ReachRow&(std::uint32_t)>& row_at)
    : words_((ends + kWordBits - 1) / kWordBits), first_(words_ + 1, 0) {
  for (std::uint32_t c = 0; c < row_of.size(); ++c) {
    if (row_of[c] >= classes_.size()) classes_.resize(row_of[c] + 1);
    append_bit(classes_[row_of[c]], c);
  }
  for (std::uint32_t r = 0; r < classes_.size(); ++r) {
    const ReachRow& row = row_at(r);
    auto& usual = plane(row.usual);
    for (const BitWord& w : classes_[r]) usual[w.at] |= w.bits;
    for (const auto& e : row.others) ++first_[e.word + 1];
  }
  auto& open = plane(ReachAnswers::kEverything);
  for (auto e = static_cast<std::uint32_t>(row_of.size()); e < ends; ++e)
    open[e / kWordBits] |= std::uint64_t{1} << (e % kWordBits);
  for (std::uint32_t w = 0; w < words_; ++w) first_[w + 1] += first_[w];
  items_.resize(first_[words_]);
  std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
  for (std::uint32_t r = 0; r < classes_.size(); ++r)
    for (const auto& e : row_at(r).others) items_[next[e.word]++] = {r, e.answer, e.bits};
}

void ReachColumn::select(std::uint32_t end) {
  for (const std::uint32_t w : touched_) own_[w].clear();
  touched_.clear();
  const std::uint32_t word = end / kWordBits, bit = end % kWordBits;
  for (auto i = columns_.first_[word]; i < columns_.first_[word + 1]; ++i) {
    const auto& item = columns_.items_[i];
    if ((item.bits >> bit & 1U) == 0) continue;
    for (const BitWord& of : columns_.classes_[item.row]) {
      auto& list = own_[of.at];
      if (list.empty()) touched_.push_back(of.at);
      if (!list.empty() && list.back().answer == item.answer)
        list.back().bits |= of.bits;
      else
        list.push_back({item.answer, of.bits});
    }
  }
}

void ReachColumn::parts(std::uint32_t word, std::uint64_t limit, std::vector<Part>& out) const {
  out.clear();
  std::uint64_t rest = limit;
  const auto add = [&](std::uint32_t answer, std::uint64_t bits) {
    if (bits == 0) return;
    rest &= ~bits;
    const auto same = std::find_if(out.begin(), out.end(), [&](const Part& p) { return p.answer == answer; });
    if (same != out.end())
      same->bits |= bits;
    else
      out.push_back({answer, bits});
  };
  for (const Part& part : own_[word]) add(part.answer, part.bits & rest);
  for (const auto& plane : columns_.usual_) add(plane.answer, plane.words[word] & rest);
}

}  // namespace waypath::sim
