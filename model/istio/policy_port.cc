#include "model/istio/policy_port.h"

#include <charconv>

namespace waypath::model {

std::optional<std::uint16_t> parse_policy_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, port);  // takes no sign and no blank
  if (error != std::errc() || at != end) return std::nullopt;
  return port;
}

std::optional<Cidr> parse_policy_block(std::string_view text) {
  const auto slash = text.find('/');
  if (slash != std::string_view::npos && slash + 2 < text.size() && text[slash + 1] == '0')
    return std::nullopt;
  return parse_cidr_or_ip(text);
}

}  // namespace waypath::model
