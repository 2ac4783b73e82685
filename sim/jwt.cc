#include "sim/jwt.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

namespace waypath::sim {
namespace {

using Json = nlohmann::json;

// This program is younger than that moment, so it has passed wherever it runs: 2026-08-01T00:00:00Z.
constexpr std::int64_t kSurelyPassed = 1785542400;

// Absent members are fine, others have to have the type.
template <class Is>
bool absent_or(const Json& object, const char* name, const Is& is) {
  const auto it = object.find(name);
  return it == object.end() || is(*it);
}
bool is_text(const Json& v) { return v.is_string(); }
bool is_time(const Json& v) {
  return v.is_number_unsigned() || (v.is_number_float() && v.get<double>() >= 0 && v.get<double>() < 1e15 &&
                                    v.get<double>() == std::floor(v.get<double>()));
}
bool is_texts(const Json& v) {
  return v.is_string() || (v.is_array() && std::all_of(v.begin(), v.end(), is_text));
}

// Algorithms that Envoy implements.
bool known_header(const Json& header) {
  static constexpr std::array<std::string_view, 13> kKnown{"ES256", "ES384", "ES512", "HS256", "HS384",
                                                           "HS512", "RS256", "RS384", "RS512", "PS256",
                                                           "PS384", "PS512", "EdDSA"};
  if (!header.is_object() || !absent_or(header, "kid", is_text)) return false;
  const auto it = header.find("alg");
  return it != header.end() && it->is_string() &&
         std::find(kKnown.begin(), kKnown.end(), it->get<std::string>()) != kKnown.end();
}

bool known_payload(const Json& payload) {
  if (!payload.is_object()) return false;
  for (const char* name : {"iss", "sub", "jti"})
    if (!absent_or(payload, name, is_text)) return false;
  for (const char* name : {"iat", "nbf", "exp"})
    if (!absent_or(payload, name, is_time)) return false;
  return absent_or(payload, "aud", is_texts);
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
    if (value.is_primitive() && !value.is_null()) c.text = value.dump();
  }
  return c;
}

}  // namespace

std::optional<std::string> decode_base64url(std::string_view text) {
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
  if (count >= 6) return std::nullopt;  // a single character left over
  return out;
}

Token decode_jwt(std::string_view text) {
  Token token;
  token.raw = std::string(text);
  token.state = Token::State::Malformed;
  const auto first = text.find('.'),
             second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos) return token;
  const auto header = decode_base64url(text.substr(0, first)),
             payload = decode_base64url(text.substr(first + 1, second - first - 1));
  const auto signature = text.substr(second + 1);
  if (!header || !payload || signature.empty() || !decode_base64url(signature) ||
      !known_header(Json::parse(*header, nullptr, false)))
    return token;
  const Json json = Json::parse(*payload, nullptr, false);
  if (!known_payload(json)) return token;
  token.state = Token::State::Unverified;
  // Zero stands for no end.
  if (const auto exp = json.find("exp"); exp != json.end() && exp->get<double>() > 0)
    if (exp->get<double>() < static_cast<double>(kSurelyPassed)) token.state = Token::State::Expired;
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

std::string time_text(std::int64_t seconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

}  // namespace waypath::sim
