#include "sim/reach/count.h"

#include <algorithm>
#include <bit>

#include "model/base/parallel.h"

namespace waypath::sim {

ReachWeights::ReachWeights(const std::vector<std::uint32_t>& sizes, std::uint32_t words) {
  for (std::uint32_t c = 0; c < sizes.size(); ++c)
    for (unsigned digit = 0; digit < 32; ++digit) {
      if ((sizes[c] >> digit & 1U) == 0) continue;
      while (digits_.size() <= digit) digits_.emplace_back(words, 0);
      digits_[digit][c / kWordBits] |= std::uint64_t{1} << (c % kWordBits);
    }
}

ReachCount count_pairs(const ReachClasses& classes, ReachMatrix& matrix, unsigned jobs) {
  const std::vector<std::uint32_t> sizes = classes.sizes();
  const ReachWeights weights(sizes, matrix.words());
  const auto count = static_cast<std::uint32_t>(sizes.size());
  const auto blocks = [&](std::uint32_t first, std::uint32_t last, ReachCount& out) {
    ReachStream stream(matrix);
    for (std::uint32_t s = first * kWordBits; s < std::min(last * kWordBits, matrix.ends()); ++s)
      for (const auto& run : stream.row(s)) {
        ++out.runs;
        const std::uint64_t pods = weights.of(run.word, run.bits);
        if (s >= count) {
          out.from_ranges += pods;
          continue;
        }
        out.pod_pairs += pods * sizes[s];
        if (run.word == s / kWordBits && (run.bits >> (s % kWordBits) & 1U) != 0) out.pod_pairs -= sizes[s];
        std::uint64_t ranges = run.bits;
        if ((run.word + 1) * kWordBits <= count)
          ranges = 0;
        else if (run.word * kWordBits < count)
          ranges &= ~((std::uint64_t{1} << (count % kWordBits)) - 1);
        out.to_ranges += static_cast<std::uint64_t>(std::popcount(ranges)) * sizes[s];
      }
  };
  constexpr std::uint32_t kStep = 8;  // words of sources of one task
  const std::uint32_t tasks = (matrix.words() + kStep - 1) / kStep;
  std::vector<ReachCount> parts(std::max<std::uint32_t>(1, tasks));
  if (jobs != 1 && tasks > 1 && matrix.settle()) {
    model::parallel_for_index(tasks, jobs, [&](std::size_t t) {
      const auto first = static_cast<std::uint32_t>(t) * kStep;
      blocks(first, std::min(first + kStep, matrix.words()), parts[t]);
    });
  } else {
    blocks(0, matrix.words(), parts[0]);
  }
  ReachCount all;
  for (const ReachCount& part : parts) {
    all.pod_pairs += part.pod_pairs;
    all.from_ranges += part.from_ranges;
    all.to_ranges += part.to_ranges;
    all.runs += part.runs;
  }
  return all;
}

}  // namespace waypath::sim
