#pragma once
// IP addresses and CIDR blocks over Boost.Asio's types, with the rules Kubernetes adds.

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace waypath::model {

using IpAddress = boost::asio::ip::address;

[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text);

/// An IPv4 or IPv6 block. Host bits of the written address are masked for matching; `text` keeps what was
/// written.
struct Cidr {
  IpAddress network;  // masked
  unsigned prefix = 0;
  [[nodiscard]] bool contains(
      const IpAddress& address) const;                   // families never match across; v4-mapped v6 is v6
  [[nodiscard]] bool contains(const Cidr& other) const;  // other is a subset, or equal
  [[nodiscard]] bool is_v4() const { return network.is_v4(); }
  [[nodiscard]] std::string str() const;
  friend bool operator==(const Cidr&, const Cidr&) = default;
};

/// "10.0.0.0/8". A bare address is not a CIDR: use `parse_cidr_or_ip` where upstream accepts both (ipBlocks
/// of Istio).
[[nodiscard]] std::optional<Cidr> parse_cidr(std::string_view text);
[[nodiscard]] std::optional<Cidr> parse_cidr_or_ip(std::string_view text);

}  // namespace waypath::model
