#include "sim/policy/request_values.h"

#include <functional>
#include <map>

namespace waypath::sim {

const Claim* find_claim(const Token& token, std::string_view path) {
  const std::map<std::string, Claim, std::less<>>* level = &token.claims;
  const Claim* found = nullptr;
  while (!path.empty()) {
    const auto close = path.find(']');
    if (path.front() != '[' || close == std::string_view::npos) return nullptr;
    const auto it = level->find(path.substr(1, close - 1));
    path.remove_prefix(close + 1);
    if (it == level->end()) return nullptr;
    found = &it->second;
    level = &found->object;
  }
  return found;
}

std::optional<std::string> header_text(const RequestState& request, std::string_view name) {
  if (name == ":authority" || name == "host") return request.host;
  if (name == ":method") return request.method;
  if (name == ":path") return request.path;
  if (name == ":scheme") return request.scheme;
  std::optional<std::string> value;
  for (const auto& [key, text] : request.headers)
    if (key == name) value = value ? *value + "," + text : text;
  return value;
}

}  // namespace waypath::sim
