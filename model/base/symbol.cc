#include "model/base/symbol.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace waypath::model {
namespace {

template <class Word>
std::uint64_t word_at(const char* p) {
  Word word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

/// Eight characters a step; the last step overlaps the one before it.
std::uint32_t hash_of(std::string_view text) {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15U;
  std::uint64_t h = text.size() * kFactor;
  const auto step = [&](std::uint64_t word) {
    h = (h ^ word) * kFactor;
    h ^= h >> 29U;
  };
  const char* p = text.data();
  const char* const end = p + text.size();
  if (text.size() >= 8) {
    for (; end - p > 8; p += 8) step(word_at<std::uint64_t>(p));
    step(word_at<std::uint64_t>(end - 8));
  } else if (text.size() >= 4) {
    step(word_at<std::uint32_t>(p) << 32U | word_at<std::uint32_t>(end - 4));
  } else {
    for (; p != end; ++p) step(static_cast<unsigned char>(*p));
  }
  return static_cast<std::uint32_t>(h ^ h >> 32U);
}

struct Known {
  const std::string* text = nullptr;
  std::uint32_t hash = 0;

  [[nodiscard]] bool is(std::string_view other, std::uint32_t other_hash) const {
    return text != nullptr && hash == other_hash && *text == other;
  }
};

// Shards keep threads that decode different documents out of each other's way. A table of open places.
constexpr std::size_t kShards = 16;

class Shard {
 public:
  Known find_or_add(std::string_view text, std::uint32_t hash) {
    const std::scoped_lock lock(mutex_);
    if (2 * (texts_.size() + 1) > places_.size()) grow();
    std::size_t at = place(hash, places_.size());
    for (; places_[at].text != nullptr; at = next(at, places_.size()))
      if (places_[at].is(text, hash)) return places_[at];
    return places_[at] = {&texts_.emplace_back(text), hash};
  }

 private:
  static std::size_t place(std::uint32_t hash, std::size_t places) { return hash / kShards & (places - 1); }
  static std::size_t next(std::size_t at, std::size_t places) { return (at + 1) & (places - 1); }

  void grow() {
    std::vector<Known> larger(places_.empty() ? 64 : places_.size() * 2);
    for (const Known& known : places_) {
      if (known.text == nullptr) continue;
      std::size_t at = place(known.hash, larger.size());
      while (larger[at].text != nullptr) at = next(at, larger.size());
      larger[at] = known;
    }
    places_ = std::move(larger);
  }

  std::mutex mutex_;
  std::vector<Known> places_;      // a power of two of them, half of them free
  std::deque<std::string> texts_;  // elements never move
};

std::array<Shard, kShards>& shards() {
  // Never destroyed: symbols in static objects stay readable while the process ends.
  static auto* const all = new std::array<Shard, kShards>();
  return *all;
}

}  // namespace

Symbol intern(std::string_view text) {
  if (text.empty()) return Symbol();
  const std::uint32_t hash = hash_of(text);
  // Most texts were met by this thread shortly before: no lock for these.
  thread_local std::array<Known, 1024> recent{};
  Known& met = recent[hash >> 8U & (recent.size() - 1)];
  if (!met.is(text, hash)) met = shards()[hash & (kShards - 1)].find_or_add(text, hash);
  return Symbol(met.text);
}

}  // namespace waypath::model
