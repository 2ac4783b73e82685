#include "sim/jwks.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "sim/jwt.h"

namespace waypath::sim {
namespace {

using Json = nlohmann::json;

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Freer<Free>>;
using PKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using Number = Owned<BIGNUM, BN_free>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::optional<std::string> member(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? std::optional(it->get<std::string>()) : std::nullopt;
}

PKey from_params(const char* type, OSSL_PARAM_BLD* build) {
  const Owned<OSSL_PARAM, OSSL_PARAM_free> params(OSSL_PARAM_BLD_to_param(build));
  const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return nullptr;
  return PKey(key);
}

PKey rsa_key(std::string_view n, std::string_view e) {
  const Number modulus(BN_bin2bn(bytes(n), static_cast<int>(n.size()), nullptr)),
      exponent(BN_bin2bn(bytes(e), static_cast<int>(e.size()), nullptr));
  if (!modulus || !exponent || (BN_is_word(exponent.get(), 3) != 1 && BN_is_word(exponent.get(), 65537) != 1))
    return nullptr;
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> build(OSSL_PARAM_BLD_new());
  if (!build || OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
    return nullptr;
  return from_params("RSA", build.get());
}

struct Curve {
  std::string_view crv, alg;
  const char* group;
  std::size_t size;  // bytes of a coordinate
};
constexpr std::array kCurves{Curve{"P-256", "ES256", "prime256v1", 32},
                             Curve{"P-384", "ES384", "secp384r1", 48},
                             Curve{"P-521", "ES512", "secp521r1", 66}};

PKey ec_key(const Curve& curve, const std::string& x, const std::string& y) {
  if (x.size() > curve.size || y.size() > curve.size) return nullptr;
  std::string point(1, '\4');  // uncompressed
  point.append(curve.size - x.size(), '\0').append(x).append(curve.size - y.size(), '\0').append(y);
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> build(OSSL_PARAM_BLD_new());
  if (!build ||
      OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.group, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
    return nullptr;
  return from_params("EC", build.get());
}

const EVP_MD* digest_of(std::string_view alg) {
  const auto bits = alg.substr(alg.size() - 3);
  return bits == "384" ? EVP_sha384() : bits == "512" ? EVP_sha512() : EVP_sha256();
}

bool verify_digest(EVP_PKEY* key, const EVP_MD* digest, std::string_view signature, std::string_view data,
                   bool pss) {
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* inner = nullptr;  // owned by context
  if (!context || EVP_DigestVerifyInit(context.get(), &inner, digest, nullptr, key) != 1) return false;
  if (pss && (EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING) != 1 ||
              EVP_PKEY_CTX_set_rsa_mgf1_md(inner, digest) != 1))
    return false;
  return EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(data), data.size()) == 1;
}

// A JWT holds r and s side by side. Source: RFC 7518 section 3.4
bool verify_ec(EVP_PKEY* key, const EVP_MD* digest, std::string_view signature, std::string_view data) {
  const auto half = static_cast<int>(signature.size() / 2);
  const Owned<ECDSA_SIG, ECDSA_SIG_free> pair(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(bytes(signature), half, nullptr);
  BIGNUM* s = BN_bin2bn(bytes(signature) + half, half, nullptr);
  if (!pair || ECDSA_SIG_set0(pair.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return false;
  }
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return false;
  const bool good = verify_digest(
      key, digest, {reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)}, data, false);
  OPENSSL_free(der);
  return good;
}

bool verify_hmac(std::string_view key, const EVP_MD* digest, std::string_view signature,
                 std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  return HMAC(digest, key.data(), static_cast<int>(key.size()), bytes(data), data.size(), out.data(),
              &size) != nullptr &&
         size == signature.size() && CRYPTO_memcmp(out.data(), signature.data(), size) == 0;
}

}  // namespace

struct KeySet::Key {
  std::string kty, kid, alg, secret;
  PKey key;
  /// What is wrong with it; empty: `key` or `secret` is set.
  std::string read(const Json& json) {
    const auto type = member(json, "kty");
    if (!type) return "a key has no kty";
    kty = *type;
    kid = member(json, "kid").value_or("");
    alg = member(json, "alg").value_or("");
    const auto decoded = [&](const char* name) {
      const auto text = member(json, name);
      return text ? decode_base64url(*text) : std::nullopt;
    };
    const auto wrong_alg = [&] { return "a key of type " + kty + " has alg " + alg; };
    const auto lacks = [&](const char* what) { return "a key of type " + kty + " has no usable " + what; };
    if (kty == "RSA") {
      if (!alg.empty() && alg.substr(0, 2) != "RS" && alg.substr(0, 2) != "PS") return wrong_alg();
      const auto n = decoded("n"), e = decoded("e");
      if (n && e) key = rsa_key(*n, *e);
      return key ? std::string() : lacks("n and e");
    }
    if (kty == "EC") {
      const auto crv = member(json, "crv").value_or(alg.empty() ? "P-256" : "");
      const Curve* curve = nullptr;
      for (const auto& c : kCurves)
        if ((crv.empty() || crv == c.crv) && (alg.empty() || alg == c.alg)) curve = &c;
      if (curve == nullptr) return lacks("crv and alg");
      const auto x = decoded("x"), y = decoded("y");
      if (x && y) key = ec_key(*curve, *x, *y);
      return key ? std::string() : lacks("x and y");
    }
    if (kty == "oct") {
      if (!alg.empty() && alg != "HS256" && alg != "HS384" && alg != "HS512") return wrong_alg();
      secret = decoded("k").value_or("");
      return secret.empty() ? lacks("k") : std::string();
    }
    if (kty == "OKP") {
      if (!alg.empty() && alg != "EdDSA") return wrong_alg();
      if (member(json, "crv") != "Ed25519") return lacks("crv");
      const auto x = decoded("x");
      if (x && x->size() == 32)
        key.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(*x), x->size()));
      return key ? std::string() : lacks("x");
    }
    return "keys of type " + kty + " are not known";
  }
  std::string read_certificate(const std::string& id, const std::string& pem) {
    kty = "RSA";
    kid = id;
    const Owned<BIO, BIO_free> memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const Owned<X509, X509_free> certificate(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
    if (certificate) key.reset(X509_get_pubkey(certificate.get()));
    return key && EVP_PKEY_base_id(key.get()) == EVP_PKEY_RSA
               ? std::string()
               : "the certificate of " + id + " cannot be read";
  }
  [[nodiscard]] bool verifies(const std::string& token_alg, std::string_view signature,
                              std::string_view data) const {
    const auto family = std::string_view(token_alg).substr(0, 2);
    if (kty == "oct") return verify_hmac(secret, digest_of(token_alg), signature, data);
    if (kty == "OKP") return verify_digest(key.get(), nullptr, signature, data, false);
    if (kty == "EC") return verify_ec(key.get(), digest_of(token_alg), signature, data);
    return (family == "RS" || family == "PS") &&
           verify_digest(key.get(), digest_of(token_alg), signature, data, family == "PS");
  }
};

KeySet::~KeySet() = default;
KeySet::KeySet(KeySet&&) noexcept = default;
KeySet& KeySet::operator=(KeySet&&) noexcept = default;

KeySet::KeySet(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  const auto keys = json.is_object() ? json.find("keys") : json.end();
  if (!json.is_object()) {
    problem_ = "it is no JSON object";
  } else if (keys != json.end() && !keys->is_array()) {
    problem_ = "keys is no list";
  } else if (keys != json.end()) {
    for (const auto& one : *keys) {
      if (!one.is_object()) continue;
      Key key;
      problem_ = key.read(one);
      if (!problem_.empty()) break;
      keys_.push_back(std::move(key));
    }
    if (keys_.empty() && problem_.empty()) problem_ = "it has no keys";
  } else {
    for (const auto& [id, pem] : json.items()) {
      Key key;
      problem_ = pem.is_string() ? key.read_certificate(id, pem.get<std::string>()) : "it has no keys";
      if (!problem_.empty()) break;
      keys_.push_back(std::move(key));
    }
    if (keys_.empty() && problem_.empty()) problem_ = "it has no keys";
  }
  ERR_clear_error();
}

KeySet::Answer KeySet::verify(std::string_view token) const {
  const auto last = token.rfind('.');
  const auto signature =
      decode_base64url(token.substr(last == std::string_view::npos ? token.size() : last + 1));
  const auto header = decode_base64url(token.substr(0, token.find('.')));
  const Json json = Json::parse(header.value_or(""), nullptr, false);
  if (!signature || !json.is_object()) return Answer::BadSignature;
  const std::string alg = member(json, "alg").value_or(""), kid = member(json, "kid").value_or("");
  bool found = false;
  for (const auto& key : keys_) {
    if ((!kid.empty() && !key.kid.empty() && kid != key.kid) || (!key.alg.empty() && key.alg != alg))
      continue;
    found = true;
    if (alg.size() >= 5 && key.verifies(alg, *signature, token.substr(0, last))) return Answer::Verified;
  }
  ERR_clear_error();
  return found ? Answer::BadSignature : Answer::NoKey;
}

}  // namespace waypath::sim
