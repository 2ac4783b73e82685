// waypath merge SHARD...

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/shard/reach_shard.h"
#include "scenarios/shard/replay_shard.h"
#include "scenarios/shard/shard_file.h"
#include "scenarios/shard/sweep_shard.h"
#include "scenarios/shard/test_shard.h"
#include "tools/waypath/command_line.h"
#include "tools/waypath/results.h"

namespace waypath::tools {
namespace {

// The formats that the verb itself has.
std::vector<std::string> formats_of(const std::string& verb) {
  for (const auto& one : command_line().verbs)
    for (const auto& flag : one.flags)
      if (one.name == verb && std::find(flag.names.begin(), flag.names.end(), "--output") != flag.names.end())
        return flag.values;
  return {};
}

}  // namespace

int run_merge(const Options& options, const Streams& streams) {
  scenarios::ShardError error;
  const auto give_up = [&] {
    complain(streams, error.message, error.hint);
    return kExitUsage;
  };
  const auto shards = scenarios::ShardSet::open(options.shards, error);
  if (!shards) return give_up();
  const std::string& verb = shards->header().verb;
  const auto formats = formats_of(verb);
  if (std::find(formats.begin(), formats.end(), options.common.format) == formats.end()) {
    error = {fmt::format("-o {}: these are shards of `{}`", options.common.format, verb),
             fmt::format("it has {}", fmt::join(formats, ", "))};
    return give_up();
  }
  if (verb == "test") {
    const auto report = scenarios::read_cases(*shards, error);
    return report ? print_cases(*report, options, streams) : give_up();
  }
  if (verb == "reach") {
    const auto table = scenarios::read_reach(*shards, error);
    return table ? print_reach(*table, options, streams) : give_up();
  }
  if (verb == "sweep") {
    const auto outcome = scenarios::read_sweep(*shards, error);
    return outcome ? print_sweep(*outcome, options, streams) : give_up();
  }
  const auto report = scenarios::read_replay(*shards, error);
  return report ? print_replay(*report, options, streams) : give_up();
}

}  // namespace waypath::tools
