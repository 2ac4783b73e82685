#pragma once
// The file that a shard leaves: a header line of JSON, then its records in the order of their keys.
//
//   {"kind": "waypath shard", "format": 1, "version": ..., "verb": ..., "arguments": [...], "input": SHA-256,
//    "index": I, "shards": N, "records": n, "checksum": SHA-256 of the records}
//   records: 4 bytes length of the key, key, 8 bytes length of the payload, payload; little-endian
//
// It appears under its name whole or not at all, and the same run leaves the same bytes.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/shard/digest.h"
#include "scenarios/shard/shard.h"

namespace waypath::scenarios {

/// What has to be the same for shards to belong together, and which one this is.
struct ShardHeader {
  std::string version;                 // of waypath
  std::string verb;                    // "test", "reach", "sweep", "replay"
  std::vector<std::string> arguments;  // those that the result depends on, "--layer=netpol"
  std::string input;                   // digest of the files that every shard reads
  Shard shard;
  std::uint64_t records = 0;
  std::string checksum;
};

/// Numbers as key bytes that sort as the numbers do.
[[nodiscard]] std::string shard_key(std::initializer_list<std::uint64_t> numbers);

/// Writes beside `path` and renames at the end. Left without `commit`, nothing appears.
class ShardWriter {
 public:
  ShardWriter(std::string path, ShardHeader header);
  ~ShardWriter();
  ShardWriter(const ShardWriter&) = delete;
  ShardWriter& operator=(const ShardWriter&) = delete;

  /// Keys ascend; the key "" is for what all shards of a run say alike and comes first.
  void add(std::string_view key, std::string_view payload);
  /// The message when it cannot be written.
  [[nodiscard]] std::optional<std::string> commit();

 private:
  void flush();
  void write(std::string_view bytes);

  std::string path_, partial_, pending_, error_;
  ShardHeader header_;
  Digest digest_;
  int descriptor_ = -1;
};

/// The shards of one run, complete and checked.
class ShardSet {
 public:
  ~ShardSet();
  ShardSet(ShardSet&&) noexcept;
  ShardSet& operator=(ShardSet&&) noexcept;

  /// Files, or directories with all *.shard in them, in any order; the same shard twice is one. Nullopt: they
  /// do not belong together, some are missing, one is damaged.
  [[nodiscard]] static std::optional<ShardSet> open(const std::vector<std::string>& paths, ShardError& error);

  [[nodiscard]] const ShardHeader& header() const;
  /// What all shards say alike (key ""); "" when there is none.
  [[nodiscard]] const std::string& common() const;
  /// Every record but the common one, in the order of keys; of equal keys, in the order of shards. `fn` gives
  /// false to stop.
  void for_each(const std::function<bool(std::string_view key, std::string_view payload)>& fn) const;

 private:
  struct State;
  explicit ShardSet(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace waypath::scenarios
