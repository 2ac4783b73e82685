#pragma once
// --shard: a part of a verb's work, written as a file that `merge` joins.

#include <optional>
#include <string>

#include "scenarios/shard/digest.h"
#include "scenarios/shard/shard_file.h"
#include "tools/waypath/app.h"
#include "tools/waypath/changed_cluster.h"

namespace waypath::tools {

/// Which part, and the file that it goes to.
struct ShardRun {
  scenarios::Shard shard;
  std::string path;
};

/// What --shard says.
struct ShardChoice {
  bool fine = true;             // else reported: exit 2
  std::optional<ShardRun> run;  // nullopt: the whole
};
[[nodiscard]] ShardChoice shard_choice(const Options& options, const Streams& streams);

/// `input`: of every file that the run reads, whatever its part.
[[nodiscard]] scenarios::ShardHeader shard_header(const Options& options, const ShardRun& run,
                                                  const scenarios::Digest& input);
void add_change(scenarios::Digest& input, const ChangeSet& change);

/// The exit code: 0 whatever the answer, which is that of the whole.
[[nodiscard]] int finish_shard(scenarios::ShardWriter& out, const ShardRun& run, const Streams& streams);

}  // namespace waypath::tools
