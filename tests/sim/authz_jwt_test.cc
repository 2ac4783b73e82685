// RequestAuthentication and tokens.

#include <catch2/catch.hpp>

#include "sim/jwt.h"
#include "sim/reasons/authz.h"
#include "tests/sim/authz_support.h"

namespace waypath::tests {
namespace {

using sim::Decision;
using sim::Token;

std::string request_authentication(std::string_view rules) {
  return "---\napiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: jwt, "
         "namespace: shop}\nspec: {jwtRules: " +
         std::string(rules) + "}\n";
}

// {"alg":"RS256"} . {"iss":"https://sso","sub":"ann","aud":["web"],"groups":["ops"]} . two bytes
const std::string kRaw =
    "eyJhbGciOiJSUzI1NiJ9."
    "eyJpc3MiOiJodHRwczovL3NzbyIsInN1YiI6ImFubiIsImF1ZCI6WyJ3ZWIiXSwiZ3JvdXBzIjpbIm9wcyJdfQ.AAA";

TEST_CASE("decode_jwt reads the payload and refuses what is no JWT") {
  const Token t = sim::decode_jwt(kRaw);
  CHECK(t.state == Token::State::Unverified);
  CHECK(t.issuer == "https://sso");
  CHECK(t.subject == "ann");
  CHECK(t.audiences == std::vector<std::string>{"web"});
  CHECK(t.claims.at("groups").list == std::vector<std::string>{"ops"});
  const std::string head = "eyJhbGciOiJIUzI1NiJ9.";  // {"alg":"HS256"}
  for (const std::string& bad :
       {std::string(), std::string("a.b"), std::string("a.b.c"), std::string(".."),
        std::string("e30.e30.e30.e30"), std::string("e30.e30.e30"),
        std::string("eyJhbGciOiJub25lIn0.e30.AAA"), head + "e30.", head + ".AAA", head + "e30.AAAAA",
        head + "eyJleHAiOiJzb29uIn0.AAA",                         // {"exp":"soon"}
        head + "eyJhdWQiOlsxXX0.AAA",                             // {"aud":[1]}
        std::string("eyJhbGciOiJIUzI1NiIsImtpZCI6MX0.e30.AAA")})  // {"alg":"HS256","kid":1}
    CHECK(sim::decode_jwt(bad).state == Token::State::Malformed);
}

TEST_CASE("decode_jwt: what ended before this program was written is expired, no end is none") {
  const std::string head = "eyJhbGciOiJIUzI1NiJ9.";
  CHECK(sim::decode_jwt(head + "eyJleHAiOjE1NjIxODI4NTZ9.AAA").state == Token::State::Expired);     // 2019
  CHECK(sim::decode_jwt(head + "eyJleHAiOjQ3MTU3ODI3MjJ9.AAA").state == Token::State::Unverified);  // 2119
  CHECK(sim::decode_jwt(head + "eyJleHAiOjB9.AAA").state == Token::State::Unverified);
  CHECK(sim::time_text(4715782722) == "2119-06-09T19:38:42Z");
}

TEST_CASE("RequestAuthentication: every token of a rule has to be good") {
  const auto status = [](Token::State a, Token::State b) {
    AuthzWorld w(request_authentication("[{issuer: https://sso, fromParams: [a, b]}]"));
    auto r = request_from();
    for (const auto& [name, state] : {std::pair{"a", a}, std::pair{"b", b}}) {
      Token t = token_of("https://sso", "ann");
      t.state = state;
      t.where = Token::Where::Param;
      t.name = name;
      r.tokens.push_back(t);
    }
    return w.judge(sidecar_point(), r).status;
  };
  using State = Token::State;
  CHECK(status(State::Valid, State::Valid) == 0);
  CHECK(status(State::Expired, State::Valid) == 401);
  CHECK(status(State::Expired, State::Expired) == 401);
  CHECK(status(State::Valid, State::Expired) == 401);
}

TEST_CASE(
    "RequestAuthentication: the answer is the first refusal; one about the issuer alone gives way to the "
    "last "
    "that says more") {
  const auto status = [](const char* rules, const char* issuer) {
    AuthzWorld w(request_authentication(rules));
    auto r = request_from();
    r.tokens.push_back(token_of(issuer, "ann"));
    return w.judge(sidecar_point(), r).status;
  };
  CHECK(status("[{issuer: https://a}, {issuer: https://b, audiences: [web]}]", "https://b") == 403);
  CHECK(status("[{issuer: https://a, audiences: [web]}, {issuer: https://b}]", "https://a") == 403);
  CHECK(status("[{issuer: https://a}, {issuer: https://b}]", "https://c") == 401);
}

TEST_CASE("RequestAuthentication: clients cannot send the headers that a rule writes") {
  AuthzWorld w(
      request_authentication(
          "[{issuer: https://sso, outputClaimToHeaders: [{header: X-Group, claim: group}]}]") +
      authorization_policy("ops", "{rules: [{when: [{key: 'request.headers[x-group]', values: [ops]}]}]}"));
  auto r = request_from();
  r.headers.emplace_back("x-group", "ops");
  CHECK(w.judge(sidecar_point(), r).decision == Decision::Deny);
}

TEST_CASE("RequestAuthentication: a header's prefix may stand anywhere before the token") {
  const auto decide = [](const std::string& value) {
    AuthzWorld w(request_authentication("[{issuer: https://sso}]") +
                 authorization_policy("need", "{rules: [{from: [{source: {requestPrincipals: ['*']}}]}]}"));
    auto r = request_from();
    r.headers.emplace_back("authorization", value);
    return w.judge(sidecar_point(), r).status;
  };
  CHECK(decide("Bearer " + kRaw) == 0);
  CHECK(decide("x Bearer  " + kRaw) == 0);
  CHECK(decide("bearer " + kRaw) == 403);            // no token is found
  CHECK(decide("Bearer " + kRaw + " more") == 401);  // the rest belongs to it
}

TEST_CASE("RequestAuthentication: a missing token passes without a principal") {
  AuthzWorld w(request_authentication("[{issuer: https://sso}]"));
  auto r = request_from();
  CHECK(w.judge(sidecar_point(), r).decision == Decision::Allow);
  CHECK_FALSE(r.verified);
}

TEST_CASE("RequestAuthentication: status by what is wrong with the token") {
  const auto status =
      [](Token t, const char* rules = "[{issuer: https://sso, audiences: [web], jwksUri: https://sso/keys}]",
         bool keys = true) {
        AuthzWorld w(request_authentication(rules));
        auto r = request_from();
        sim::Assume assume;
        if (!keys) assume.jwks_unavailable.emplace_back("https://sso/keys");
        r.assume = &assume;
        r.tokens.push_back(std::move(t));
        const auto result = w.judge(sidecar_point(), r);
        return std::pair(result.status, std::string(result.reason.code.text));
      };
  Token good = token_of("https://sso", "ann");
  good.audiences = {"web"};
  CHECK(status(good).first == 0);
  auto with = [&](Token::State s) {
    Token t = good;
    t.state = s;
    return t;
  };
  CHECK(status(with(Token::State::Expired)) == std::pair(401, std::string("JWT_INVALID")));
  CHECK(status(with(Token::State::NotYetValid)).first == 401);
  CHECK(status(with(Token::State::Malformed)).first == 401);
  CHECK(status(with(Token::State::BadSignature)).first == 401);
  CHECK(status(token_of("https://other", "ann")) == std::pair(401, std::string("JWT_ISSUER_UNKNOWN")));
  CHECK(status(token_of("https://sso", "ann")) == std::pair(403, std::string("JWT_AUDIENCE")));
  CHECK(status(good, "[{issuer: https://sso, audiences: [web], jwksUri: https://sso/keys}]", false) ==
        std::pair(401, std::string("JWKS_UNAVAILABLE")));
  // The same issuer twice: one success is enough.
  CHECK(status(token_of("https://sso", "ann"),
               "[{issuer: https://sso, audiences: [web]}, {issuer: https://sso}]")
            .first == 0);
}

TEST_CASE(
    "RequestAuthentication: a token counts where its rule looks, and all of a rule's tokens have to be "
    "good") {
  const auto decide = [](const char* rules, std::vector<Token> tokens) {
    AuthzWorld w(request_authentication(rules));
    auto r = request_from();
    r.tokens = std::move(tokens);
    return w.judge(sidecar_point(), r).decision;
  };
  Token expired = token_of("https://sso", "ann");
  expired.state = Token::State::Expired;
  Token elsewhere = expired;
  elsewhere.name = "x-token";
  elsewhere.prefix.clear();
  CHECK(decide("[{issuer: https://sso, fromHeaders: [{name: X-Token}]}]", {expired}) == Decision::Allow);
  CHECK(decide("[{issuer: https://sso, fromHeaders: [{name: X-Token}]}]", {elsewhere}) == Decision::Deny);
  CHECK(
      decide(
          "[{issuer: https://sso, fromHeaders: [{name: X-Token}, {name: Authorization, prefix: 'Bearer '}]}]",
          {token_of("https://sso", "ann"), elsewhere}) == Decision::Deny);
  CHECK(decide("[{issuer: https://sso}]", {token_of("https://sso", "ann"), elsewhere}) == Decision::Allow);
}

TEST_CASE("RequestAuthentication: tokens that stand in headers, the query and cookies are read") {
  for (const auto& [header, value, path, rules] :
       {std::tuple{"authorization", "Bearer " + kRaw, std::string("/"), "[{issuer: https://sso}]"},
        std::tuple{"x", std::string("y"), "/?access_token=" + kRaw, "[{issuer: https://sso}]"},
        std::tuple{"cookie", "a=b; tok=" + kRaw, std::string("/"),
                   "[{issuer: https://sso, fromCookies: [tok]}]"}}) {
    AuthzWorld w(request_authentication(rules) +
                 authorization_policy(
                     "need", "{rules: [{from: [{source: {requestPrincipals: ['https://sso/ann']}}]}]}"));
    auto r = request_from();
    r.headers.emplace_back(header, value);
    r.path = path;
    CAPTURE(header);
    CHECK(w.judge(sidecar_point(), r).decision == Decision::Allow);
    REQUIRE(w.trace.assumptions.size() == 1);
    CHECK(w.trace.assumptions[0].code == sim::kAssumeSignature);
  }
}

TEST_CASE("RequestAuthentication: the token goes on only when told so; claims become headers") {
  for (const bool forward : {false, true}) {
    AuthzWorld w(request_authentication(
        "[{issuer: https://sso, forwardOriginalToken: " + std::string(forward ? "true" : "false") +
        ", outputClaimToHeaders: [{header: X-Group, claim: org.group}]}]"));
    auto r = request_from();
    Token t = token_of("https://sso", "ann");
    sim::Claim group, org;
    group.text = "ops";
    org.kind = sim::Claim::Kind::Object;
    org.object.emplace("group", group);
    t.claims.emplace("org", org);
    r.tokens.push_back(t);
    CHECK(w.judge(sidecar_point(), r).decision == Decision::Allow);
    CHECK(r.tokens.empty() != forward);
    REQUIRE(r.headers.size() == 1);
    CHECK(r.headers[0] == std::pair(std::string("x-group"), std::string("ops")));
  }
}

TEST_CASE("requestPrincipals: issuer and subject are compared apart, split at the last slash") {
  const auto decide = [](const std::string& principal, const std::string& iss, const std::string& sub) {
    AuthzWorld w(request_authentication("[{issuer: '" + iss + "'}]") +
                 authorization_policy(
                     "p", "{rules: [{from: [{source: {requestPrincipals: ['" + principal + "']}}]}]}"));
    auto r = request_from();
    r.tokens.push_back(token_of(iss, sub));
    return w.judge(sidecar_point(), r).decision == Decision::Allow;
  };
  CHECK(decide("*", "https://sso", "ann"));
  CHECK(decide("https://sso/ann", "https://sso", "ann"));
  CHECK(decide("https://sso/*", "https://sso", "ann"));
  CHECK(decide("*/ann", "https://sso", "ann"));
  CHECK(decide("*sso/ann", "https://sso", "ann"));
  CHECK(decide("https://sso/a*", "https://sso", "ann"));
  // One end may have a star; the other part is compared as it is written.
  CHECK_FALSE(decide("*/*", "https://sso", "ann"));
  CHECK(decide("*/*", "https://sso", "*"));
  CHECK_FALSE(decide("*sso/a*", "https://sso", "ann"));
  CHECK_FALSE(decide("https://*/a*", "https://sso", "ann"));
  CHECK_FALSE(decide("https://sso/*n", "https://sso", "ann"));
  CHECK_FALSE(decide("https://sso/bob", "https://sso", "ann"));
  CHECK_FALSE(decide("https://sso", "https://sso", "ann"));
}

TEST_CASE("claims: brackets name claims inside claims; brackets that do not pair are part of the name") {
  for (const auto& [key, decision] :
       {std::pair{"[a][b]", Decision::Allow}, std::pair{"[a]", Decision::Deny},
        std::pair{"[a[b]]", Decision::Allow}, std::pair{"[a][c]", Decision::Deny},
        std::pair{"[https://sso/a]", Decision::Allow}}) {
    AuthzWorld claims(request_authentication("[{issuer: https://sso}]") +
                      authorization_policy("need", "{rules: [{when: [{key: 'request.auth.claims" +
                                                       std::string(key) + "', values: [x]}]}]}"));
    auto r = request_from();
    Token t = token_of("https://sso", "ann");
    sim::Claim x;
    x.kind = sim::Claim::Kind::String;
    x.text = "x";
    sim::Claim inside;
    inside.kind = sim::Claim::Kind::Object;
    inside.object.emplace("b", x);
    t.claims.emplace("a", inside);
    t.claims.emplace("a[b]", x);
    t.claims.emplace("https://sso/a", x);
    r.tokens.push_back(t);
    CAPTURE(key);
    CHECK(claims.decide(sidecar_point(), r) == decision);
  }
}

TEST_CASE("claims: lists match any element, numbers never, scope is split at blanks") {
  const auto decide = [](const std::string& key, const std::string& value) {
    AuthzWorld w(request_authentication("[{issuer: i, spaceDelimitedClaims: [teams]}]") +
                 authorization_policy("p", "{rules: [{when: [{key: 'request.auth.claims" + key +
                                               "', values: ['" + value + "']}]}]}"));
    auto r = request_from();
    Token t = token_of("i", "s");
    sim::Claim list, number, text;
    list.kind = sim::Claim::Kind::List;
    list.list = {"a", "b"};
    number.kind = sim::Claim::Kind::Other;
    number.text = "7";
    text.text = "read write";
    t.claims = {{"groups", list}, {"age", number}, {"scope", text}, {"teams", text}, {"note", text}};
    r.tokens.push_back(t);
    return w.judge(sidecar_point(), r).decision == Decision::Allow;
  };
  CHECK(decide("[groups]", "b"));
  CHECK_FALSE(decide("[groups]", "c"));
  CHECK_FALSE(decide("[age]", "7"));
  CHECK(decide("[scope]", "write"));
  CHECK(decide("[teams]", "read"));
  CHECK(decide("[note]", "read write"));
  CHECK_FALSE(decide("[note]", "read"));
  CHECK(decide("[iss]", "i"));
}

}  // namespace
}  // namespace waypath::tests
