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

}  // namespace waypath::model
