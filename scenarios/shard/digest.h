#pragma once
// SHA-256 of what a run reads and of what a shard holds.

#include <memory>
#include <string>
#include <string_view>

#include "model/base/source_pos.h"

namespace waypath::scenarios {

class Digest {
 public:
  Digest();
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  /// Bytes of a stream, in pieces of any size.
  void bytes(std::string_view data);
  /// One text, told apart from its neighbours.
  void text(std::string_view data);
  /// Paths and texts.
  void files(const model::SourceFiles& files);
  /// 64 hexadecimal digits of what was added so far; more may follow.
  [[nodiscard]] std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace waypath::scenarios
