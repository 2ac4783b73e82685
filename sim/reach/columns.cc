#include "sim/reach/columns.h"

#include <algorithm>

namespace waypath::sim {

std::vector<std::uint64_t>& ReachColumns::plane(std::uint32_t answer) {
  auto at = std::find_if(usual_.begin(), usual_.end(), [&](const Plane& p) { return p.answer == answer; });
  if (at == usual_.end()) at = usual_.insert(usual_.end(), {answer, std::vector<std::uint64_t>(words_, 0)});
  return at->words;
}

ReachColumns::ReachColumns(std::uint32_t ends, const std::vector<std::uint32_t>& row_of,
                           const std::function<const ReachRow&(std::uint32_t)>& row_at)
    : words_((ends + kWordBits - 1) / kWordBits),
      class_words_((static_cast<std::uint32_t>(row_of.size()) + kWordBits - 1) / kWordBits),
      first_(std::size_t{words_} * class_words_ + 1, 0) {
  std::vector<BitWords> classes;  // by row
  for (std::uint32_t c = 0; c < row_of.size(); ++c) {
    if (row_of[c] >= classes.size()) classes.resize(row_of[c] + 1);
    append_bit(classes[row_of[c]], c);
  }
  const auto each_item = [&](const auto& fn) {
    for (std::uint32_t r = 0; r < classes.size(); ++r)
      for (const auto& e : row_at(r).others)
        for (const BitWord& of : classes[r])
          fn(std::size_t{e.word} * class_words_ + of.at, e.bits, Item{of.bits, e.answer});
  };
  for (std::uint32_t r = 0; r < classes.size(); ++r) {
    auto& usual = plane(row_at(r).usual);
    for (const BitWord& w : classes[r]) usual[w.at] |= w.bits;
  }
  auto& open = plane(ReachAnswers::kEverything);
  for (auto e = static_cast<std::uint32_t>(row_of.size()); e < ends; ++e)
    open[e / kWordBits] |= std::uint64_t{1} << (e % kWordBits);
  each_item([&](std::size_t block, std::uint64_t, const Item&) { ++first_[block + 1]; });
  for (std::size_t b = 1; b < first_.size(); ++b) first_[b] += first_[b - 1];
  ends_.resize(first_.back());
  items_.resize(first_.back());
  std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
  each_item([&](std::size_t block, std::uint64_t bits, const Item& item) {
    ends_[next[block]] = bits;
    items_[next[block]++] = item;
  });
}

void ReachColumns::parts(std::uint32_t end, std::uint32_t word, std::uint64_t limit,
                         std::vector<Part>& out) const {
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
  if (word < class_words_) {
    const std::size_t block = std::size_t{end / kWordBits} * class_words_ + word;
    for (auto i = first_[block]; i < first_[block + 1]; ++i)
      if ((ends_[i] >> (end % kWordBits) & 1U) != 0) add(items_[i].answer, items_[i].classes & rest);
  }
  for (const auto& plane : usual_) {
    if (rest == 0) return;
    add(plane.answer, plane.words[word] & rest);
  }
}

}  // namespace waypath::sim
