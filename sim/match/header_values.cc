#include "sim/match/header_values.h"

#include <algorithm>
#include <array>

namespace waypath::sim {
namespace {

constexpr std::array<std::string_view, 24> kJoined{
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-type",
    "expect",
    "grpc-accept-encoding",
    "grpc-timeout",
    "if-match",
    "if-none-match",
    "origin",
    "pragma",
    "referer",
    "user-agent",
    "via",
    "x-client-trace-id",
    "x-envoy-original-path",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
};
static_assert(std::is_sorted(kJoined.begin(), kJoined.end()));

}  // namespace

std::vector<std::string> header_values(const Headers& headers, std::string_view lower_name) {
  const bool joined = std::binary_search(kJoined.begin(), kJoined.end(), lower_name);
  std::vector<std::string> out;
  for (const auto& [name, text] : headers) {
    if (name != lower_name) continue;
    std::string_view value = text;
    value = value.substr(0, value.find_last_not_of(" \t") + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    if (out.empty() || !joined) {
      out.emplace_back(value);
    } else if (!value.empty()) {
      // Source: envoy source/common/http/header_map_impl.cc appendToHeader
      if (!out.front().empty()) out.front().append(",");
      out.front().append(value);
    }
  }
  return out;
}

}  // namespace waypath::sim
