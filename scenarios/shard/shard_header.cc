#include "scenarios/shard/shard_header.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace waypath::scenarios {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kKind = "waypath shard";

// Arguments are bytes of the command line: what is no UTF-8 is written as it would be percent-encoded.
std::string text(const std::string& value) {
  return Json(value).dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace

std::string write_header(const ShardHeader& h) {
  std::string arguments;
  for (const auto& a : h.arguments) arguments += (arguments.empty() ? "" : ", ") + text(a);
  return fmt::format(
      "{{\"kind\": {}, \"format\": {}, \"version\": {}, \"verb\": {}, \"arguments\": [{}], \"input\": {}, "
      "\"index\": {}, \"shards\": {}, \"records\": {:>20}, \"checksum\": \"{:>64}\"}}\n",
      text(kKind), kShardFormat, text(h.version), text(h.verb), arguments, text(h.input), h.shard.index,
      h.shard.count, h.records, h.checksum);
}

std::optional<ShardHeader> read_header(std::string_view line, int& format) {
  const Json j = Json::parse(line, nullptr, false);
  if (!j.is_object() || j.value("kind", Json()) != kKind) return std::nullopt;
  format = j.value("format", 0);
  if (format != kShardFormat) return std::nullopt;
  try {
    ShardHeader out;
    out.version = j.at("version").get<std::string>();
    out.verb = j.at("verb").get<std::string>();
    out.arguments = j.at("arguments").get<std::vector<std::string>>();
    out.input = j.at("input").get<std::string>();
    out.shard = {j.at("index").get<std::uint32_t>(), j.at("shards").get<std::uint32_t>()};
    out.records = j.at("records").get<std::uint64_t>();
    out.checksum = j.at("checksum").get<std::string>();
    if (out.shard.count == 0 || out.shard.count > kMostShards || out.shard.index >= out.shard.count)
      return std::nullopt;
    return out;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace waypath::scenarios
