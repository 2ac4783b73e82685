#include "sim/match/forwarded_for.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace waypath::sim {

std::optional<model::IpAddress> forwarded_client(PolicyPoint::Kind kind, bool http, const Headers& headers,
                                                 std::uint32_t trusted_proxies,
                                                 std::optional<model::IpAddress> peer) {
  if (!http || kind == PolicyPoint::Kind::Ztunnel) return peer;
  std::vector<std::string_view> hops;
  for (const auto& [name, value] : headers) {
    if (name != "x-forwarded-for") continue;
    std::string_view rest = value;
    while (true) {
      const auto comma = rest.find(',');
      std::string_view one = rest.substr(0, comma);
      one.remove_prefix(std::min(one.find_first_not_of(" \t"), one.size()));
      one = one.substr(0, one.find_last_not_of(" \t") + 1);
      hops.push_back(one);
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  const bool gateway = kind == PolicyPoint::Kind::GatewayApi || kind == PolicyPoint::Kind::ClassicGateway;
  const std::size_t from_right = gateway ? trusted_proxies : 1;
  if (from_right == 0 || hops.size() < from_right) return peer;
  const std::string_view hop = hops[hops.size() - from_right];
  if (hop == kUntoldAddress) return std::nullopt;
  if (auto address = model::parse_ip(hop)) return address;
  return peer;
}

}  // namespace waypath::sim
