// Signatures of tokens, checked with the keys that a policy holds. Made with the openssl command.

#include "sim/jwks.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "sim/reasons/authz.h"
#include "tests/sim/authz_support.h"

namespace waypath::tests {
namespace {

using sim::KeySet;
using Answer = KeySet::Answer;

std::string set_of(const std::string& keys) { return "{\"keys\": [" + keys + "]}"; }

const std::string kRsa =
    "{\"kty\": \"RSA\", \"kid\": \"rsa\", \"n\": \"ylgSx45BEqaJnc3fxJToDEgMFg8zICWb3O1Qs3VPvQ"
    "9utIVVlOjCRz8GtBzTyC-NoHcj38Q4AIvwebdsGpK8aRBtSwtZVNFejS_zUskwRCEfjFxN80mfM9AQMvsSseQL6r"
    "uDhwCI_fDoVyqpDiXQ2xJAVfXEwM6OEiL-bsIrc8E\", \"e\": \"AQAB\"}";
const std::string kP256 =
    "{\"kty\": \"EC\", \"kid\": \"ES256\", \"crv\": \"P-256\", \"x\": \"gqzzvR9QzJuA9ndfO1BmW"
    "JRbXh3qYpo_x_uyBXGARew\", \"y\": \"J9wURqWphmdkdqDzeQU-d1zsmkNA0Aj202oDp_RBE9A\"}";
const std::string kP384 =
    "{\"kty\": \"EC\", \"kid\": \"ES384\", \"crv\": \"P-384\", \"x\": \"bX6tLQzKTAfqSipf9ZoVb"
    "_YDsfRlKU8tOlodjXwKG52Rst1qE7Ks5Jm5SchUX0z9\", \"y\": \"N7e2ZL5H83d_a0GqwCWxaCdsHTNaevly"
    "YMesMvZQiezG8ZbzY6tLQngfAqi4QYX-\"}";
const std::string kP521 =
    "{\"kty\": \"EC\", \"kid\": \"ES512\", \"crv\": \"P-521\", \"x\": \"AHLR46tO9WHp_1xo_bis-"
    "uxdRoXuraXJNZbMRfboJLr10uzICXx8ofm0rw8fQghAGLWV7ntYIZl4xVXYrkMNilpn\", \"y\": \"AetkVIgp"
    "akmO-mb4V0I1PKGNfqDtLNeDl5vBogpx_2PJTNRf9wtpaPpKo61eVLGO9cMH2i0IRgmlAKqhERhyVpyJ\"}";
const std::string kEd =
    "{\"kty\": \"OKP\", \"kid\": \"ed\", \"crv\": \"Ed25519\", \"x\": \"6Mf9eZ4BGQlfdgEvMuHkr"
    "tLrUx4mQ8VJIyuSEjUCuag\"}";
const std::string kOct = "{\"kty\": \"oct\", \"kid\": \"hs\", \"k\": \"c2l4dGVlbiBsZXR0ZXJzIQ\"}";

struct Signed {
  const char* alg;
  std::string token;
};
// {"iss": "https://sso", "sub": "ann"}
const std::vector<Signed> kSigned{
    {"RS256",
     "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogInJzYSJ9.eyJpc3MiOiAiaHR0cHM6Ly9zc28iLCAic3ViIjogImFubiJ"
     "9.H4yp6mER49ICX5MpgzGc59KHiSC_ISojI38xpVcZGb9B9cvJkM67X9dXyOPeI6Ahh9jjxGyyP1XEFFa0nVziBK"
     "Uc3fsrYipUgCx1GIDkdAmM_cTWKoDBQAf7WAITSBK_NHgst9fhC11JTKBGwk9e9eKf6HVSkmwhwNVUULPiyCs"},
    {"RS512",
     "eyJhbGciOiAiUlM1MTIiLCAia2lkIjogInJzYSJ9.eyJpc3MiOiAiaHR0cHM6Ly9zc28iLCAic3ViIjogImFubiJ"
     "9.J4dCbytWtCe-CAH067wcFnWmYHAX6_lH_ivVs6860HMItHfHd1z7kD0E-TnMwRQXXZNGq_8FL87v5hnzN7Uvl3"
     "1KlXWq17pQD37jZF-MUuglHTGdWGlmyPu8BvlUIwM6DPwGbJBxT49S4yeErM9EKKS31WKWYcUE01DhaXWyyCw"},
    {"PS256",
     "eyJhbGciOiAiUFMyNTYiLCAia2lkIjogInJzYSJ9.eyJpc3MiOiAiaHR0cHM6Ly9zc28iLCAic3ViIjogImFubiJ"
     "9.H6IDc-vC9I7jNxUGamiNQn65jXvNlAd9qErtexzYZwRpdxn1nt9xVTuIkOpNIabR__qcK2rpxOEWqVYzJQbMaW"
     "x9eDQXLYKt1B7u1f5ReYElvsQSsnwRAgEVs4CZfsDhVfdF4R0SKS4ACBOZUZTYKxWMDVdgqR6I0ZTqIW2zeWI"},
    {"ES256",
     "eyJhbGciOiAiRVMyNTYiLCAia2lkIjogIkVTMjU2In0.eyJpc3MiOiAiaHR0cHM6Ly9zc28iLCAic3ViIjogImFu"
     "biJ9.joExnJMCiiujTI9mIAk5g4IpoOrXmmymJLLte3xPeOE9ikrOlhF83LEgNtkvGYpVFsbOBnLvVdgGh8PV66x"
     "U2A"},
    {"ES384",
     "eyJhbGciOiAiRVMzODQiLCAia2lkIjogIkVTMzg0In0.eyJpc3MiOiAiaHR0cHM6Ly9zc28iLCAic3ViIjogImFu"
     "biJ9.-NZtviip4hen4kkK0nDn3QbT5IHGYzzjjYrvzikxs-HDGeYUQfdaQs4BsfJdJcjyuRY1yAxmQmPZNQGodxJ"
     "RqhYj3_bpEHC7EfSxqCnBPu4zQhUHFhIzi59DmSmbd4lG"},
    {"ES512",
     "eyJhbGciOiAiRVM1MTIiLCAia2lkIjogIkVTNTEyIn0.eyJpc3MiOiAiaHR0cHM6Ly9zc28iLCAic3ViIjogImFu"
     "biJ9.AKCknYF0cWM20yOj4Raljmgk0lJ9kPKYY2c3I0GSu_sKo3L7NBRhs3rwkRlrdZ6qI-Xdj5Ponc5aT-zvZ0C"
     "dYMQuAUa_A0SipQpfQkVexby4Rk5udOfCyOhzslaD-eM-uW8cyBv4m-Srg4xyMoovNDxtsoBYkiuSjMYgfdk3uJR"
     "OQJ3M"},
    {"EdDSA",
     "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImVkIn0.eyJpc3MiOiAiaHR0cHM6Ly9zc28iLCAic3ViIjogImFubiJ9"
     ".89aEfLzZKhujjkIT_R5sc6q8QHbJc85CGWLVLsh7QXS6TmGSE2DKiK1PqmG7BhLYQ8voCtC168-fdW_vh0adAw"},
    {"HS256",
     "eyJhbGciOiAiSFMyNTYiLCAia2lkIjogImhzIn0.eyJpc3MiOiAiaHR0cHM6Ly9zc28iLCAic3ViIjogImFubiJ9"
     ".zcoFfGiaer-RNah8BFv_35wdrFIAebI9i5zWwow8HgU"},
    {"HS384",
     "eyJhbGciOiAiSFMzODQiLCAia2lkIjogImhzIn0.eyJpc3MiOiAiaHR0cHM6Ly9zc28iLCAic3ViIjogImFubiJ9"
     ".ovxV9PkuA46yLmM_Ezcld8sHXbxsyFVCobrPphkHIb8H27kjQG0Tb5_OhAouhbpi"},
};

const std::string kAll = kRsa + "," + kP256 + "," + kP384 + "," + kP521 + "," + kEd + "," + kOct;

TEST_CASE("jwks: every algorithm that Envoy knows verifies, and one changed letter does not") {
  const KeySet keys(set_of(kAll));
  REQUIRE(keys.problem().empty());
  for (const auto& [alg, token] : kSigned) {
    CAPTURE(alg);
    CHECK(keys.verify(token) == Answer::Verified);
    const auto dots = std::pair(token.find('.'), token.rfind('.'));
    for (const auto at : {dots.first + 5, dots.second + 5}) {
      std::string changed = token;
      changed[at] = changed[at] == 'A' ? 'B' : 'A';
      CHECK(keys.verify(changed) != Answer::Verified);
    }
    CHECK(keys.verify(token.substr(0, dots.second + 1)) != Answer::Verified);
  }
}

TEST_CASE("jwks: a key counts when its kid and alg are the token's; a key without them always does") {
  const std::string rs256 = kSigned.front().token;
  CHECK(KeySet(set_of(kP256)).verify(rs256) == Answer::NoKey);
  const auto with = [](std::string key, const std::string& from, const std::string& to) {
    key.replace(key.find(from), from.size(), to);
    return key;
  };
  CHECK(KeySet(set_of(with(kRsa, "\"kid\": \"rsa\", ", ""))).verify(rs256) == Answer::Verified);
  CHECK(
      KeySet(set_of(with(kRsa, "\"kid\": \"rsa\"", "\"kid\": \"rsa\", \"alg\": \"RS256\""))).verify(rs256) ==
      Answer::Verified);
  CHECK(
      KeySet(set_of(with(kRsa, "\"kid\": \"rsa\"", "\"kid\": \"rsa\", \"alg\": \"RS512\""))).verify(rs256) ==
      Answer::NoKey);
  CHECK(KeySet(set_of(with(kP256, "\"kid\": \"ES256\"", "\"kid\": \"rsa\""))).verify(rs256) ==
        Answer::BadSignature);
}

TEST_CASE("jwks: a set is used as a whole or not at all") {
  for (const char* bad :
       {"", "[]", "{}", "{\"keys\": {}}", "{\"keys\": []}", "{\"keys\": [{}]}",
        "{\"keys\": [{\"kty\": \"RSA\", \"n\": \"AQAB\"}]}",
        "{\"keys\": [{\"kty\": \"RSA\", \"n\": \"AQAB\", \"e\": \"AQAB\", \"alg\": \"ES256\"}]}",
        "{\"keys\": [{\"kty\": \"EC\", \"crv\": \"P-256\", \"x\": \"AQAB\", \"y\": \"AQAB\"}]}",
        "{\"keys\": [{\"kty\": \"OKP\", \"crv\": \"X25519\", \"x\": \"AQAB\"}]}",
        "{\"keys\": [{\"kty\": \"oct\", \"k\": \"\"}]}", "{\"one\": \"no certificate\"}"}) {
    CAPTURE(bad);
    CHECK_FALSE(KeySet(bad).usable());
  }
  CHECK_FALSE(KeySet(set_of(kRsa + ", {\"kty\": \"none\"}")).usable());
  CHECK(KeySet(set_of(kRsa + ", \"text\"")).usable());  // what is no object is passed over
}

TEST_CASE(
    "RequestAuthentication: a raw token is verified with the jwks of the policy, else that is assumed") {
  const auto judge = [](const std::string& keys, const std::string& token) {
    AuthzWorld w(
        "---\napiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: jwt, "
        "namespace: shop}\nspec: {jwtRules: [{issuer: 'https://sso', " +
        keys + "}]}\n");
    auto r = request_from();
    r.headers.emplace_back("authorization", "Bearer " + token);
    const auto result = w.judge(sidecar_point(), r);
    return std::tuple(result.status, std::string(result.reason.code.text), w.trace.assumptions.size());
  };
  const std::string token = kSigned.front().token, inline_keys = "jwks: '" + set_of(kAll) + "'";
  const std::string passed = sim::kAuthzDefaultAllow.text.data();
  CHECK(judge(inline_keys, token) == std::tuple(0, passed, std::size_t{0}));
  CHECK(judge("jwksUri: 'https://sso/keys'", token) == std::tuple(0, passed, std::size_t{1}));
  CHECK(std::get<0>(judge("jwks: '" + set_of(kP256) + "'", token)) == 401);
  std::string forged = token;
  forged[forged.size() - 9] = forged[forged.size() - 9] == 'A' ? 'B' : 'A';
  CHECK(judge(inline_keys, forged) == std::tuple(401, std::string("JWT_INVALID"), std::size_t{0}));
  CHECK(judge("jwks: '{\"keys\": []}'", token) ==
        std::tuple(401, std::string("JWKS_UNAVAILABLE"), std::size_t{0}));
}

}  // namespace
}  // namespace waypath::tests
