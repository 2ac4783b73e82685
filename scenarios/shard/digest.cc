#include "scenarios/shard/digest.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <new>

namespace waypath::scenarios {

struct Digest::State {
  struct Free {
    void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

Digest::Digest() : state_(std::make_unique<State>()) {
  if (!state_->context || EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) != 1)
    throw std::bad_alloc();
}
Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::bytes(std::string_view data) {
  EVP_DigestUpdate(state_->context.get(), data.data(), data.size());
}

void Digest::text(std::string_view data) {
  std::array<char, 8> size{};
  for (std::size_t i = 0; i < size.size(); ++i) size[i] = static_cast<char>(data.size() >> (8 * i) & 0xffU);
  bytes({size.data(), size.size()});
  bytes(data);
}

void Digest::files(const model::SourceFiles& files) {
  for (std::uint32_t id = 1; id <= files.size(); ++id) {
    text(files.path(id));
    text(files.text(id));
  }
}

std::string Digest::hex() const {
  State copy;
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  EVP_MD_CTX_copy_ex(copy.context.get(), state_->context.get());
  EVP_DigestFinal_ex(copy.context.get(), out.data(), &size);
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += kDigits[out[i] >> 4U];
    text += kDigits[out[i] & 15U];
  }
  return text;
}

}  // namespace waypath::scenarios
