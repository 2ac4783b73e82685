#include "scenarios/token_classes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sim/match/text_members.h"

namespace waypath::scenarios {
namespace {

constexpr std::size_t kMostTokens = 4096;  // tried for one issuer, before those alike are joined
constexpr const char* kSomebody = "someone";
constexpr const char* kSomeIssuer = "https://issuer.example";

sim::TextPattern pattern_of(const sim::ValueMatch& match, const std::string& written) {
  using From = sim::ValueMatch::Kind;
  using To = sim::TextPattern::Kind;
  sim::TextPattern out;
  out.text = match.text();
  out.written = written;
  switch (match.kind()) {
    case From::Exact:
      out.kind = To::Exact;
      break;
    case From::Prefix:
      out.kind = To::Prefix;
      break;
    case From::Suffix:
      out.kind = To::Suffix;
      break;
    case From::Present:
      out.kind = To::Present;
      break;
  }
  return out;
}

std::vector<std::string> texts_of(const std::vector<sim::TextPattern>& patterns) {
  std::vector<std::string> out;
  for (const auto& member : sim::text_members(patterns, sim::TextShape::Plain).members)
    out.push_back(member.text);
  return out;
}

/// Sets "[a][b]" of the token's claims.
void set_claim(sim::Token& token, const std::string& path, const std::string& value) {
  auto* level = &token.claims;
  std::size_t at = 0;
  while (at < path.size() && path[at] == '[') {
    const auto close = path.find(']', at);
    if (close == std::string::npos) return;
    sim::Claim& claim = (*level)[path.substr(at + 1, close - at - 1)];
    at = close + 1;
    if (at >= path.size()) {
      claim.text = value;
      return;
    }
    claim.kind = sim::Claim::Kind::Object;
    level = &claim.object;
  }
}

}  // namespace

bool TokenClasses::take(const sim::Condition& c) {
  switch (c.attribute) {
    case sim::Attribute::RequestPrincipal:
    case sim::Attribute::Audiences:
    case sim::Attribute::Claim:
      conditions_.push_back(&c);
      return true;
    default:
      return false;
  }
}

std::string TokenClasses::signature(const sim::Token& token) const {
  sim::RequestState state;
  state.verified = token;
  const sim::PolicyRequest request(state, cluster_.mesh().path_normalization, true);
  std::string out;
  for (const auto* c : conditions_)
    out += static_cast<char>(
        '0' + static_cast<int>(sim::match_condition(*c, sim::Dialect::EnvoyHttp, request, nullptr)));
  return out;
}

void TokenClasses::tokens_of(const model::JwtRule& rule, std::vector<sim::Token>& out,
                             std::vector<std::string>& left_out) const {
  std::vector<sim::TextPattern> issuers, subjects, audiences;
  std::map<std::string, std::vector<sim::TextPattern>> claims;
  for (const auto* c : conditions_)
    for (const auto* values : {&c->values, &c->not_values})
      for (const auto& v : *values) {
        const std::string written = v.written == nullptr ? "" : v.written->text;
        if (c->attribute == sim::Attribute::RequestPrincipal) {
          issuers.push_back(pattern_of(v.text, written));
          subjects.push_back(pattern_of(v.second, written));
        } else if (c->attribute == sim::Attribute::Audiences || c->key == "[aud]") {
          audiences.push_back(pattern_of(v.text, written));
        } else if (c->key == "[iss]") {
          issuers.push_back(pattern_of(v.text, written));
        } else if (c->key == "[sub]") {
          subjects.push_back(pattern_of(v.text, written));
        } else {
          claims[c->key].push_back(pattern_of(v.text, written));
        }
      }
  sim::Token plain;
  plain.issuer = rule.issuer;
  plain.subject = kSomebody;
  if (!rule.audiences.empty()) plain.audiences = {rule.audiences.front()};
  if (!rule.from_headers.empty()) {
    plain.name = rule.from_headers.front().name;
    plain.prefix = rule.from_headers.front().prefix;
  } else if (!rule.from_params.empty()) {
    plain.where = sim::Token::Where::Param;
    plain.name = rule.from_params.front();
    plain.prefix.clear();
  } else if (!rule.from_cookies.empty()) {
    plain.where = sim::Token::Where::Cookie;
    plain.name = rule.from_cookies.front();
    plain.prefix.clear();
  }
  std::vector<sim::Token> all{plain};
  bool complete = true;
  const auto vary = [&](const std::vector<std::string>& texts, const auto& set) {
    std::vector<sim::Token> more;
    for (const auto& token : all)
      for (const auto& text : texts) {
        if (all.size() + more.size() >= kMostTokens) {
          complete = false;
          break;
        }
        more.push_back(token);
        set(more.back(), text);
      }
    all.insert(all.end(), more.begin(), more.end());
  };
  if (rule.issuer.empty()) {
    // With a jwksUri any issuer is taken.
    all.front().issuer = kSomeIssuer;
    vary(texts_of(issuers), [](sim::Token& t, const std::string& text) { t.issuer = text; });
  }
  if (!subjects.empty())
    vary(texts_of(subjects), [](sim::Token& t, const std::string& text) { t.subject = text; });
  if (!audiences.empty())
    vary(texts_of(audiences), [&](sim::Token& t, const std::string& text) {
      t.audiences.push_back(text);  // one that the rule asks for stays beside it
    });
  for (const auto& [path, patterns] : claims)
    vary(texts_of(patterns),
         [&, key = path](sim::Token& t, const std::string& text) { set_claim(t, key, text); });
  if (!complete) left_out.push_back(fmt::format("some combinations of claims in tokens of {}", plain.issuer));
  out.insert(out.end(), std::make_move_iterator(all.begin()), std::make_move_iterator(all.end()));
}

RequestAttribute TokenClasses::attribute(std::vector<std::string>& left_out) const {
  RequestAttribute out{RequestAttribute::Kind::Token, "", {}};
  out.values.push_back({"", true, std::nullopt});
  if (conditions_.empty()) return out;  // a valid token passes where none does
  std::vector<sim::Token> all;
  for (const auto* rule : rules_) tokens_of(*rule, all, left_out);
  std::set<std::string> known;
  for (auto& token : all) {
    // Two issuers are never alike: a proxy that knows only one refuses the other.
    if (!known.insert(token.issuer + " " + token.name + " " + signature(token)).second) continue;
    RequestAttribute::Value value;
    std::vector<std::string> fits;
    for (const auto* c : conditions_)
      for (const auto& v : c->values)
        if (v.written != nullptr && fits.size() < 4 &&
            std::find(fits.begin(), fits.end(), v.written->text) == fits.end()) {
          sim::RequestState state;
          state.verified = token;
          const sim::PolicyRequest request(state, cluster_.mesh().path_normalization, true);
          sim::Condition one = *c;
          one.values = {v};
          one.not_values.clear();
          if (sim::match_condition(one, sim::Dialect::EnvoyHttp, request, nullptr) == sim::Tri::Yes)
            fits.push_back(v.written->text);
        }
    if (!fits.empty()) value.fits.push_back({std::move(fits), ""});
    value.text = fmt::format("{}/{}", token.issuer, token.subject);
    value.token = std::move(token);
    out.values.push_back(std::move(value));
  }
  return out;
}

}  // namespace waypath::scenarios
