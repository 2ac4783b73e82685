#include "scenarios/shard/shard.h"

#include <fmt/format.h>

#include <charconv>

namespace waypath::scenarios {
namespace {

// Source: kubernetes pkg/controller/job/indexed_job_utils.go (completionIndexEnvName)
constexpr const char* kIndexVariable = "JOB_COMPLETION_INDEX";
constexpr const char* kCountVariable = "WAYPATH_SHARDS";
constexpr const char* kForms = "write I/N with I from 0 to N-1; or auto/N in an Indexed Job";

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t out = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, out);
  if (parsed.ec != std::errc() || parsed.ptr != end || text.empty()) return std::nullopt;
  return out;
}

}  // namespace

std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  for (const char c : text) {
    h ^= static_cast<unsigned char>(c);
    h *= 0x100000001b3ULL;
  }
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccdULL;
  h ^= h >> 33;
  h *= 0xc4ceb9fe1a85ec53ULL;
  return h ^ (h >> 33);
}

bool Shard::has(std::string_view id) const { return count <= 1 || stable_hash(id) % count == index; }

std::optional<Shard> parse_shard(std::string_view text,
                                 const std::function<std::optional<std::string>(const char*)>& variable,
                                 ShardError& error) {
  const auto fail = [&](std::string message, std::string hint = kForms) {
    error = {std::move(message), std::move(hint)};
    return std::optional<Shard>();
  };
  const auto slash = text.find('/');
  std::string index(text.substr(0, slash)), count;
  const bool from_job = index == "auto";
  if (slash != std::string_view::npos) {
    count = text.substr(slash + 1);
  } else if (!from_job) {
    return fail(fmt::format("\"{}\" is no part of a whole", text));
  } else if (const auto value = variable(kCountVariable)) {
    count = *value;
  } else {
    return fail(fmt::format("auto: of how many? {} is not set", kCountVariable),
                fmt::format("write auto/N, or set {} to the Job's completions", kCountVariable));
  }
  if (from_job) {
    const auto value = variable(kIndexVariable);
    if (!value)
      return fail(fmt::format("auto: {} is not set", kIndexVariable),
                  "a Job of completionMode Indexed sets it; elsewhere write I/N");
    index = *value;
  }
  const auto i = number(index), n = number(count);
  if (!i) return fail(fmt::format("\"{}\" is no index", index));
  if (!n || *n == 0 || *n > kMostShards)
    return fail(fmt::format("\"{}\" is no number of shards", count),
                fmt::format("N is from 1 to {}", kMostShards));
  if (*i >= *n)
    return fail(
        fmt::format("there is no shard {} of {}", *i, *n),
        fmt::format("they are counted from 0 as the indexes of a Job are: 0/{0} to {1}/{0}", *n, *n - 1));
  return Shard{*i, *n};
}

}  // namespace waypath::scenarios
