#pragma once
// Values as bytes and back: what a shard holds of a report. A type says its fields once, for both directions:
//
//   template <class A>
//   void fields(A& a, Of<A, Mismatch> m) { a(m.part, m.expected, m.predicted); }
//
// Texts keep every byte. Places keep the path of their file: the reader has a file table of its own.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "model/base/codes.h"
#include "model/base/source_pos.h"
#include "model/resource.h"

namespace waypath::scenarios {

class ArchiveWriter {
 public:
  static constexpr bool kReading = false;
  ArchiveWriter() = default;
  /// `files`: of the places that are written.
  explicit ArchiveWriter(const model::SourceFiles& files) : files_(&files) {}

  template <class... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }
  [[nodiscard]] std::string take() {
    std::string head;
    head.swap(out_);
    number(paths_.size());
    for (const auto& path : paths_) put(path);
    return out_ + head;
  }

 private:
  void number(std::uint64_t n) {
    for (; n >= 0x80; n >>= 7U) out_ += static_cast<char>((n & 0x7fU) | 0x80U);
    out_ += static_cast<char>(n);
  }
  void put(const std::string& text) { put(std::string_view(text)); }
  void put(std::string_view text) {
    number(text.size());
    out_ += text;
  }
  void put(bool b) { number(b ? 1 : 0); }
  void put(double d) { number(std::bit_cast<std::uint64_t>(d)); }
  void put(model::Symbol symbol) { put(symbol.view()); }
  void put(model::Code code) { put(code.text); }
  void put(const model::SourcePos& pos);
  template <class T>
  void put(const T& value) {
    if constexpr (std::is_enum_v<T>)
      number(static_cast<std::uint64_t>(value));
    else if constexpr (std::is_integral_v<T>)  // negative ones take ten bytes
      number(static_cast<std::uint64_t>(static_cast<std::int64_t>(value)));
    else
      fields(*this, value);
  }
  template <class T>
  void put(const std::vector<T>& list) {
    number(list.size());
    for (const auto& one : list) put(one);
  }
  template <class T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <class A, class B>
  void put(const std::pair<A, B>& two) {
    put(two.first);
    put(two.second);
  }

  const model::SourceFiles* files_ = nullptr;
  std::vector<std::string> paths_;
  std::map<std::uint32_t, std::uint32_t> path_of_;  // file id -> index of paths_
  std::string out_;
};

/// Reads what a writer of the same build wrote. Bytes that end too early give empty values and `!whole()`.
class ArchiveReader {
 public:
  static constexpr bool kReading = true;
  explicit ArchiveReader(std::string_view bytes);

  template <class... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  /// Everything was there and has been read.
  [[nodiscard]] bool whole() const { return !broken_ && rest_.empty(); }
  /// The files of the places that were read, without their texts.
  [[nodiscard]] const model::SourceFiles& files() const { return files_; }

 private:
  std::uint64_t number();
  std::size_t count();  // of elements: at most the bytes that are left
  void get(std::string& text);
  void get(bool& b) { b = number() != 0; }
  void get(double& d) { d = std::bit_cast<double>(number()); }
  void get(model::Symbol& symbol);
  void get(model::Code& code);
  void get(model::SourcePos& pos);
  template <class T>
  void get(T& value) {
    if constexpr (std::is_enum_v<T> || std::is_integral_v<T>)
      value = static_cast<T>(number());
    else
      fields(*this, value);
  }
  template <class T>
  void get(std::vector<T>& list) {
    list.clear();
    list.resize(count());
    for (auto& one : list) get(one);
  }
  template <class T>
  void get(std::optional<T>& value) {
    bool there = false;
    get(there);
    value.reset();
    if (there) get(value.emplace());
  }
  template <class A, class B>
  void get(std::pair<A, B>& two) {
    get(two.first);
    get(two.second);
  }

  std::string_view rest_;
  bool broken_ = false;
  model::SourceFiles files_;
};

/// A value of a `fields` function: written through a const reference, read into a plain one.
template <class A, class T>
using Of = std::conditional_t<A::kReading, T&, const T&>;

/// One value as an archive.
template <class T>
[[nodiscard]] std::string archived(const T& value) {
  ArchiveWriter archive;
  archive(value);
  return archive.take();
}

}  // namespace waypath::scenarios
