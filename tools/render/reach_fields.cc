#include "tools/render/reach_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "model/base/ip.h"
#include "tools/render/names.h"

namespace waypath::tools {

std::string spoken(const std::string& connections) {
  static constexpr std::string_view kWhole = " 1-65535";
  std::vector<std::string> parts, whole;
  for (std::size_t at = 0; at < connections.size();) {
    const std::size_t end = std::min(connections.find("; ", at), connections.size());
    const std::string part = connections.substr(at, end - at);
    if (part.size() > kWhole.size() && part.ends_with(kWhole))
      whole.push_back(part.substr(0, part.size() - kWhole.size()));
    else
      parts.push_back(part);
    at = end + 2;
  }
  if (!whole.empty()) parts.push_back(fmt::format("every {} port", fmt::join(whole, " and ")));
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string spoken_end(const std::string& name) {
  const std::size_t dash = name.find('-');
  if (!name.starts_with("ext:") || dash == std::string::npos) return printable(name);
  const std::string from = name.substr(4, dash - 4), to = name.substr(dash + 1);
  const auto low = model::parse_ip(from), high = model::parse_ip(to);
  if (!low || !high || low->is_v4() != high->is_v4()) return printable(name);
  const auto bits = [](const model::IpAddress& a) {
    std::string out;
    const auto add = [&](const auto& bytes) {
      for (const unsigned byte : bytes) out += fmt::format("{:08b}", byte);
    };
    a.is_v4() ? add(a.to_v4().to_bytes()) : add(a.to_v6().to_bytes());
    return out;
  };
  const std::string a = bits(*low), b = bits(*high);
  const auto prefix =
      static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin()).first - a.begin());
  const bool block = a.find('1', prefix) == std::string::npos && b.find('0', prefix) == std::string::npos;
  if (block && prefix == 0) return low->is_v4() ? "any outside IPv4 address" : "any outside IPv6 address";
  if (block && prefix == a.size()) return "outside " + from;
  return "outside " + (block ? fmt::format("{}/{}", from, prefix) : from + "-" + to);
}

}  // namespace waypath::tools
