#include "sim/policy/token_extraction.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "sim/jwt.h"
#include "sim/match/header_values.h"
#include "sim/match/route_match.h"

namespace waypath::sim {
namespace {

using Where = Token::Where;

constexpr std::string_view kTokenCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

struct HeaderPlace {
  std::string name, prefix;
};

/// The places of one rule, each list sorted as Envoy keeps it.
struct Places {
  std::vector<HeaderPlace> headers;
  std::vector<std::string> params, cookies;
  explicit Places(const model::JwtRule& rule) : params(rule.from_params), cookies(rule.from_cookies) {
    for (const auto& h : rule.from_headers) headers.push_back({lower_case(h.name), h.prefix});
    if (headers.empty() && params.empty() && cookies.empty()) {
      headers.push_back({"authorization", "Bearer "});
      params.emplace_back("access_token");
    }
    std::sort(headers.begin(), headers.end(), [](const HeaderPlace& a, const HeaderPlace& b) {
      return a.name + a.prefix < b.name + b.prefix;
    });
    for (auto* names : {&params, &cookies}) {
      std::sort(names->begin(), names->end());
      names->erase(std::unique(names->begin(), names->end()), names->end());
    }
  }
};

// The prefix may stand anywhere; what cannot begin a token is skipped after it.
std::optional<std::string_view> after_prefix(std::string_view value, std::string_view prefix) {
  if (prefix.empty()) return value;
  const auto at = value.find(prefix);
  if (at == std::string_view::npos) return std::nullopt;
  const auto start = value.find_first_of(kTokenCharacters, at + prefix.size());
  return start == std::string_view::npos ? value : value.substr(start);
}

// A stated token stands in its header as "<prefix><token>".
std::optional<Token> in_header(const Token& stated, const HeaderPlace& place) {
  if (stated.where != Where::Header || lower_case(stated.name) != place.name) return std::nullopt;
  Token out = stated;
  out.name = place.name;
  const std::string written = stated.prefix + "x";  // "x" is the token
  const auto rest = after_prefix(written, place.prefix);
  if (!rest) return std::nullopt;
  if (*rest != "x") out.state = Token::State::Malformed;
  return out;
}

// Given as text only: its contents stand in the text.
Token read(const Token& stated) {
  const bool text_only = !stated.raw.empty() && stated.issuer.empty() && stated.subject.empty() &&
                         stated.state == Token::State::Valid;
  if (!text_only) return stated;
  Token out = decode_jwt(stated.raw);
  out.where = stated.where;
  out.name = stated.name;
  out.prefix = stated.prefix;
  return out;
}

Token token_from(std::string_view text, Where where, const std::string& name, const std::string& prefix) {
  Token out = decode_jwt(text);
  out.where = where;
  out.name = name;
  out.prefix = prefix;
  return out;
}

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

// The first value of each name.
std::map<std::string, std::string> pairs_of(std::string_view text, char separator) {
  std::map<std::string, std::string> out;
  while (!text.empty()) {
    const auto end = text.find(separator);
    auto one = text.substr(0, end);
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    const auto equals = std::min(one.find('='), one.size());
    out.emplace(one.substr(0, equals), one.substr(std::min(equals + 1, one.size())));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

std::map<std::string, std::string> query_of(std::string_view path) {
  const auto mark = path.find('?');
  if (mark == std::string_view::npos) return {};
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : pairs_of(path.substr(mark + 1), '&'))
    out.emplace(percent_decoded(name), percent_decoded(value));
  return out;
}

std::map<std::string, std::string> cookies_of(const Headers& headers) {
  std::map<std::string, std::string> out;
  for (const auto& [name, text] : headers)
    if (name == "cookie") out.merge(pairs_of(text, ';'));
  return out;
}

}  // namespace

std::vector<Token> tokens_seen(const model::JwtRule& rule, const RequestState& request) {
  const Places places(rule);
  std::vector<Token> out;
  for (const auto& place : places.headers) {
    bool stated_here = false;
    for (const auto& t : request.tokens)
      if (auto token = in_header(t, place)) {
        stated_here = true;
        out.push_back(token->state == Token::State::Malformed ? std::move(*token) : read(*token));
      }
    if (stated_here) continue;  // its text, when there is one, is the same token
    for (const auto& value : header_values(request.headers, place.name))
      if (const auto text = after_prefix(value, place.prefix))
        out.push_back(token_from(*text, Where::Header, place.name, place.prefix));
  }
  const auto named = [&](const std::vector<std::string>& names, Where where, const auto& texts) {
    for (const auto& name : names) {
      const auto stated = std::find_if(request.tokens.begin(), request.tokens.end(),
                                       [&](const Token& t) { return t.where == where && t.name == name; });
      if (stated != request.tokens.end()) {
        out.push_back(read(*stated));
      } else if (const auto it = texts.find(name); it != texts.end()) {
        out.push_back(token_from(it->second, where, name, {}));
      }
    }
  };
  if (!places.params.empty()) named(places.params, Where::Param, query_of(request.path));
  if (!places.cookies.empty()) named(places.cookies, Where::Cookie, cookies_of(request.headers));
  return out;
}

std::string without_parameter(const std::string& path, const std::string& name) {
  const auto mark = path.find('?');
  if (mark == std::string::npos) return path;
  std::string out = path.substr(0, mark);
  std::string_view rest = std::string_view(path).substr(mark + 1);
  char separator = '?';
  while (!rest.empty()) {
    const auto one = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    if (percent_decoded(one.substr(0, one.find('='))) == name) continue;
    out.append(1, separator).append(one);
    separator = '&';
  }
  return out;
}

}  // namespace waypath::sim
