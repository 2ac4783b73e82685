#pragma once
// Chance for property tests, the same on every platform.

#include <cstdint>
#include <string>
#include <vector>

namespace waypath::tests {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 2654435761U + 1) {}
  std::size_t roll(std::size_t sides) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::size_t>(state_ >> 33U) % sides;
  }
  bool coin() { return roll(2) == 0; }
  /// True once in `sides` rolls.
  bool one_in(std::size_t sides) { return roll(sides) == 0; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[roll(from.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace waypath::tests
