#pragma once
// JSON Web Key Sets as a jwtRule holds them inline, and signatures checked with them. The only file pair that
// knows the cryptographic library (OpenSSL).

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace waypath::sim {

class KeySet {
 public:
  /// Reads {"keys": [...]}, or a map of key ids to X.509 certificates in PEM. Reading ends at the first key
  /// that cannot be used; `problem` says what is wrong with it, and is empty when all is well.
  /// Source: google/jwt_verify_lib src/jwks.cc
  explicit KeySet(std::string_view json);
  ~KeySet();
  KeySet(KeySet&&) noexcept;
  KeySet& operator=(KeySet&&) noexcept;

  /// Envoy uses a set only when all of it can be read.
  [[nodiscard]] bool usable() const { return problem_.empty(); }
  [[nodiscard]] const std::string& problem() const { return problem_; }

  enum class Answer : std::uint8_t { Verified, NoKey, BadSignature };
  /// `token` is "header.payload.signature". NoKey: no key has the token's kid and alg.
  /// Source: google/jwt_verify_lib src/verify.cc
  [[nodiscard]] Answer verify(std::string_view token) const;

 private:
  struct Key;
  std::vector<Key> keys_;
  std::string problem_;
};

}  // namespace waypath::sim
