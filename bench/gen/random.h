#pragma once
// Chance that is the same on every platform. Source: prng.di.unimi.it/splitmix64.c (public domain algorithm)

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace waypath::gen {

class Random {
 public:
  /// One stream for each tuple of numbers.
  Random(std::uint64_t seed, std::initializer_list<std::uint64_t> stream) : state_(seed) {
    for (const auto part : stream) state_ = next() ^ (part * 0x9e3779b97f4a7c15U);
  }
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  /// 0 to n - 1; n > 0.
  int below(int n) { return static_cast<int>(next() % static_cast<std::uint64_t>(n)); }
  bool chance(double share) { return static_cast<double>(next() >> 11U) * 0x1.0p-53 < share; }
  template <class T>
  const T& pick(std::span<const T> from) {
    return from[next() % from.size()];
  }

 private:
  std::uint64_t state_;
};

/// How many of the first `n` belong to a share: exact up to rounding, evenly spread.
inline int count_share(int n, double share) { return static_cast<int>(static_cast<double>(n) * share + 0.5); }
/// Whether number `i` does.
inline bool in_share(int i, double share) { return count_share(i + 1, share) != count_share(i, share); }

}  // namespace waypath::gen
