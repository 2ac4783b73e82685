#include "tools/waypath/shard_run.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "model/base/version.h"

namespace waypath::tools {
namespace {

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::string verb_name(Verb verb) {
  switch (verb) {
    case Verb::Test:
      return "test";
    case Verb::Reach:
      return "reach";
    case Verb::Sweep:
      return "sweep";
    case Verb::Replay:
      return "replay";
    default:
      return {};
  }
}

}  // namespace

ShardChoice shard_choice(const Options& options, const Streams& streams) {
  if (options.shard.empty()) return {};
  const auto wrong = [&](const std::string& message, const std::string& hint) {
    complain(streams, message, hint);
    return ShardChoice{false, std::nullopt};
  };
  scenarios::ShardError error;
  const auto shard = scenarios::parse_shard(options.shard, variable, error);
  if (!shard) return wrong("--shard: " + error.message, error.hint);
  if (options.fail_fast || options.sweep.fail_fast)
    return wrong("--fail-fast: a shard does not know what comes before it", "leave it out");
  if (options.list) return wrong("--list: names the cases of the whole", "leave out --shard");
  if (options.common.format != "text")
    return wrong(fmt::format("-o {}: a shard has no format", options.common.format),
                 "give it to `waypath merge`: every format can be made of the same shards");
  std::string path = options.common.out;
  if (path.empty() || path == "-")
    return wrong("--shard: where to? A shard is a file",
                 "--out shards/ (a directory that is there), or --out FILE");
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) {
    if (path.back() != '/') path += '/';
    path += fmt::format("{}-{}-of-{}.shard", verb_name(options.verb), shard->index, shard->count);
  } else if (path.back() == '/') {
    return wrong(fmt::format("--out: there is no directory {}", path), "make it first");
  }
  return {true, ShardRun{*shard, std::move(path)}};
}

scenarios::ShardHeader shard_header(const Options& options, const ShardRun& run,
                                    const scenarios::Digest& input) {
  scenarios::ShardHeader out;
  out.version = model::kVersion;
  out.verb = verb_name(options.verb);
  out.arguments = options.arguments;
  out.input = input.hex();
  out.shard = run.shard;
  return out;
}

void add_change(scenarios::Digest& input, const ChangeSet& change) {
  input.text(change.path);
  input.text(change.text);
  for (const auto& one : change.changes)
    if (const auto* apply = std::get_if<model::ApplyChange>(&one.what)) {
      input.text(apply->path);
      input.text(apply->text);
    }
}

int finish_shard(scenarios::ShardWriter& out, const ShardRun& run, const Streams& streams) {
  const auto error = out.commit();
  if (!error) return kExitFine;
  complain(streams, fmt::format("{} cannot be written: {}", run.path, *error));
  return kExitUsage;
}

}  // namespace waypath::tools
