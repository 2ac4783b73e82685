#include "sim/policy/request_values.h"

#include <functional>
#include <map>
#include <vector>

namespace waypath::sim {
namespace {

// "[a][b]" is b inside a. Brackets that do not pair so belong to the name: "[a[b]]" is the claim "a[b]".
// Source: istio pilot/pkg/security/authz/model/util.go extractNameInNestedBrackets
std::vector<std::string_view> claim_names(std::string_view path) {
  std::vector<std::string_view> out;
  std::string_view rest = path;
  while (!rest.empty()) {
    const auto end = rest.find_first_of("[]", 1);
    if (rest.front() != '[' || end == std::string_view::npos || rest[end] == '[')
      return {path.substr(1, path.size() - 2)};
    out.push_back(rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

const Claim* find_claim(const Token& token, std::string_view path) {
  const std::map<std::string, Claim, std::less<>>* level = &token.claims;
  const Claim* found = nullptr;
  for (const auto name : claim_names(path)) {
    const auto it = level->find(name);
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
