#include "model/base/symbol.h"

#include <array>
#include <mutex>
#include <unordered_set>

namespace waypath::model {
namespace {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

// Shards keep threads that decode different documents out of each other's way.
struct Shard {
  std::mutex mutex;
  std::unordered_set<std::string, TextHash, std::equal_to<>> texts;  // node based: elements never move
};

constexpr std::size_t kShards = 64;

std::array<Shard, kShards>& shards() {
  // Never destroyed: symbols in static objects stay readable while the process ends.
  static auto* const all = new std::array<Shard, kShards>();
  return *all;
}

}  // namespace

Symbol intern(std::string_view text) {
  if (text.empty()) return Symbol();
  Shard& shard = shards()[TextHash{}(text) >> 7 & (kShards - 1)];
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.texts.find(text);
  if (found != shard.texts.end()) return Symbol(&*found);
  return Symbol(&*shard.texts.emplace(text).first);
}

}  // namespace waypath::model
