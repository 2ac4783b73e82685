#include "sim/reach/ranges.h"

#include <algorithm>
#include <boost/asio/ip/network_v4.hpp>
#include <optional>

namespace waypath::sim {
namespace {

namespace ip = boost::asio::ip;
using model::IpAddress;

// The address after, or before (`step` -1); nullopt past the end of the family.
std::optional<IpAddress> neighbour(const IpAddress& a, int step) {
  if (a.is_v4()) {
    const std::uint32_t n = a.to_v4().to_uint();
    if (n == (step > 0 ? UINT32_MAX : 0U)) return std::nullopt;
    return IpAddress(ip::address_v4(step > 0 ? n + 1 : n - 1));
  }
  auto bytes = a.to_v6().to_bytes();
  const unsigned char over = step > 0 ? 255 : 0, from = step > 0 ? 0 : 255;
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
    if (*byte != over) {
      *byte = static_cast<unsigned char>(*byte + step);
      return IpAddress(ip::address_v6(bytes));
    }
    *byte = from;
  }
  return std::nullopt;
}

AddressRange whole(bool v4) {
  if (v4) return {IpAddress(ip::address_v4(0U)), IpAddress(ip::address_v4(UINT32_MAX))};
  ip::address_v6::bytes_type high;
  high.fill(255);
  return {IpAddress(ip::address_v6()), IpAddress(ip::address_v6(high))};
}

}  // namespace

std::string AddressRange::str() const { return "ext:" + low.to_string() + "-" + high.to_string(); }

AddressRange range_of(const model::Cidr& cidr) {
  if (cidr.is_v4()) {
    const ip::network_v4 network(cidr.network.to_v4(), static_cast<unsigned short>(cidr.prefix));
    return {cidr.network, IpAddress(network.broadcast())};
  }
  auto bytes = cidr.network.to_v6().to_bytes();
  for (unsigned bit = cidr.prefix; bit < 128; ++bit) {
    auto& byte = bytes[bit / 8];
    byte = static_cast<unsigned char>(byte | (128U >> (bit % 8)));
  }
  return {cidr.network, IpAddress(ip::address_v6(bytes))};
}

bool adjacent(const AddressRange& a, const AddressRange& b) { return neighbour(a.high, 1) == b.low; }

AddressPartition::AddressPartition(const std::vector<model::Cidr>& blocks) {
  for (const bool v4 : {true, false}) {
    std::vector<IpAddress> starts;
    for (const auto& block : blocks) {
      if (block.is_v4() != v4) continue;
      const AddressRange range = range_of(block);
      starts.push_back(range.low);
      if (const auto after = neighbour(range.high, 1)) starts.push_back(*after);
    }
    if (starts.empty() && !v4) continue;
    const AddressRange space = whole(v4);
    starts.push_back(space.low);
    std::sort(starts.begin(), starts.end());
    starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
    for (std::size_t i = 0; i < starts.size(); ++i)
      ranges_.push_back({starts[i], i + 1 < starts.size() ? *neighbour(starts[i + 1], -1) : space.high});
  }
}

std::vector<AddressPartition::Cut> AddressPartition::cuts(const std::vector<model::Cidr>& blocks) const {
  std::vector<IpAddress> starts;
  const auto add = [&](const IpAddress& start) {
    if (ranges_[part_of(start)].low != start) starts.push_back(start);
  };
  for (const auto& block : blocks) {
    const AddressRange range = range_of(block);
    add(range.low);
    if (const auto after = neighbour(range.high, 1)) add(*after);
  }
  std::sort(starts.begin(), starts.end());
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  std::vector<Cut> out;
  for (const IpAddress& start : starts) {
    const std::size_t position = part_of(start);
    if (out.empty() || out.back().position != position) out.push_back({position, {ranges_[position]}});
    AddressRange& before = out.back().pieces.back();
    const AddressRange piece{start, before.high};
    before.high = *neighbour(start, -1);
    out.back().pieces.push_back(piece);
  }
  return out;
}

// Addresses of IPv4 come before those of IPv6, here as in the order of asio.
std::pair<std::size_t, std::size_t> AddressPartition::parts_of(const model::Cidr& block) const {
  const AddressRange range = range_of(block);
  const auto by_low = [](const AddressRange& r, const IpAddress& a) { return r.low < a; };
  const auto first = std::lower_bound(ranges_.begin(), ranges_.end(), range.low, by_low);
  const auto last = std::upper_bound(first, ranges_.end(), range.high,
                                     [](const IpAddress& a, const AddressRange& r) { return a < r.low; });
  return {static_cast<std::size_t>(first - ranges_.begin()),
          static_cast<std::size_t>(last - ranges_.begin())};
}

std::size_t AddressPartition::part_of(const IpAddress& address) const {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), address,
                                      [](const IpAddress& a, const AddressRange& r) { return a < r.low; });
  if (after == ranges_.begin()) return ranges_.size();
  const auto at = static_cast<std::size_t>(after - ranges_.begin()) - 1;
  return ranges_[at].contains(address) ? at : ranges_.size();
}

}  // namespace waypath::sim
