#include "model/base/ip.h"

#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <charconv>

namespace waypath::model {
namespace {

namespace ip = boost::asio::ip;

IpAddress masked(const IpAddress& address, unsigned prefix) {
  if (address.is_v4())
    return ip::network_v4(address.to_v4(), static_cast<unsigned short>(prefix)).canonical().network();
  return ip::network_v6(address.to_v6(), static_cast<unsigned short>(prefix)).canonical().network();
}

unsigned bits(const IpAddress& address) { return address.is_v4() ? 32 : 128; }

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
  // Go's net.ParseIP, which Kubernetes and Istio use, knows no zones ("fe80::1%eth0").
  if (text.empty() || text.size() > 45 || text.find('%') != std::string_view::npos) return std::nullopt;
  boost::system::error_code error;
  const IpAddress address = ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  return address;
}

bool Cidr::contains(const IpAddress& address) const {
  if (address.is_v4() != network.is_v4()) return false;
  if (prefix == 0) return true;
  if (address.is_v4()) {
    const unsigned shift = 32 - prefix;
    return address.to_v4().to_uint() >> shift == network.to_v4().to_uint() >> shift;
  }
  const auto a = address.to_v6().to_bytes();
  const auto b = network.to_v6().to_bytes();
  const unsigned whole = prefix / 8;
  for (unsigned i = 0; i < whole; ++i) {
    if (a[i] != b[i]) return false;
  }
  const unsigned rest = prefix % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xFFU << (8 - rest) & 0xFFU;
  return (a[whole] & mask) == (b[whole] & mask);
}

bool Cidr::contains(const Cidr& other) const { return other.prefix >= prefix && contains(other.network); }

std::string Cidr::str() const { return network.to_string() + "/" + std::to_string(prefix); }

std::optional<Cidr> parse_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::optional<IpAddress> address = parse_ip(text.substr(0, slash));
  if (!address) return std::nullopt;
  const std::string_view digits = text.substr(slash + 1);
  // Go's net.ParseCIDR: decimal digits only. A leading zero ("/08") is read as a number.
  if (digits.empty() || digits.size() > 3 || digits.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  unsigned prefix = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (prefix > bits(*address)) return std::nullopt;
  return Cidr{masked(*address, prefix), prefix};
}

std::optional<Cidr> parse_cidr_or_ip(std::string_view text) {
  if (text.find('/') != std::string_view::npos) return parse_cidr(text);
  const std::optional<IpAddress> address = parse_ip(text);
  if (!address) return std::nullopt;
  return Cidr{*address, bits(*address)};
}

}  // namespace waypath::model
