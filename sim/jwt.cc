#include "sim/jwt.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

namespace waypath::sim {
namespace {

using Json = nlohmann::json;

// Source: RFC 4648 section 5, without padding.
std::optional<std::string> base64url(std::string_view text) {
  std::string out;
  unsigned bits = 0, count = 0;
  for (const char c : text) {
    unsigned value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<unsigned>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<unsigned>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      value = static_cast<unsigned>(c - '0') + 52;
    } else if (c == '-') {
      value = 62;
    } else if (c == '_') {
      value = 63;
    } else {
      return std::nullopt;
    }
    bits = (bits << 6U) | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>((bits >> count) & 0xFFU));
    }
  }
  return out;
}

// Source: google/jwt_verify_lib src/jwt.cc (algorithms that Envoy implements)
bool known_algorithm(const Json& header) {
  static constexpr std::array<std::string_view, 13> kKnown{"ES256", "ES384", "ES512", "HS256", "HS384",
                                                           "HS512", "RS256", "RS384", "RS512", "PS256",
                                                           "PS384", "PS512", "EdDSA"};
  const auto it = header.is_object() ? header.find("alg") : header.end();
  if (!header.is_object() || it == header.end() || !it->is_string()) return false;
  return std::find(kKnown.begin(), kKnown.end(), it->get<std::string>()) != kKnown.end();
}

Claim claim_of(const Json& value, int depth) {
  Claim c;
  if (value.is_string()) {
    c.text = value.get<std::string>();
  } else if (value.is_array()) {
    c.kind = Claim::Kind::List;
    for (const auto& item : value)
      if (item.is_string()) c.list.push_back(item.get<std::string>());
  } else if (value.is_object() && depth < 16) {
    c.kind = Claim::Kind::Object;
    for (const auto& [name, member] : value.items()) c.object.emplace(name, claim_of(member, depth + 1));
  } else {
    c.kind = Claim::Kind::Other;
    if (value.is_primitive()) c.text = value.dump();
  }
  return c;
}

}  // namespace

Token decode_jwt(std::string_view text) {
  Token token;
  token.raw = std::string(text);
  token.state = Token::State::Malformed;
  const auto first = text.find('.'),
             second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos) return token;
  const auto header = base64url(text.substr(0, first)),
             payload = base64url(text.substr(first + 1, second - first - 1));
  if (!header || !payload || !base64url(text.substr(second + 1)) ||
      !known_algorithm(Json::parse(*header, nullptr, false)))
    return token;
  const Json json = Json::parse(*payload, nullptr, false);
  if (!json.is_object()) return token;
  for (const char* name : {"iss", "sub"})
    if (const auto it = json.find(name); it != json.end() && !it->is_string()) return token;
  token.state = Token::State::Unverified;
  for (const auto& [name, value] : json.items()) {
    if (name == "iss" && value.is_string()) {
      token.issuer = value.get<std::string>();
    } else if (name == "sub" && value.is_string()) {
      token.subject = value.get<std::string>();
    } else if (name == "aud") {
      if (value.is_string()) token.audiences.push_back(value.get<std::string>());
      if (value.is_array())
        for (const auto& item : value)
          if (item.is_string()) token.audiences.push_back(item.get<std::string>());
    } else {
      token.claims.emplace(name, claim_of(value, 0));
    }
  }
  return token;
}

}  // namespace waypath::sim
