#pragma once
// Typed records as bytes: every struct that a snapshot stores, member by member. Symbols are numbers of a
// table that stands before the records, integers have as many bytes as they need.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "model/any_resource.h"
#include "model/base/ip.h"
#include "model/base/symbol.h"
#include "model/load/aggregate.h"

namespace waypath::model {

/// Thrown by the reader: the bytes are not what the writer makes.
struct ImageDamaged : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsPair : std::false_type {};
template <class A, class B>
struct IsPair<std::pair<A, B>> : std::true_type {};
template <class T>
struct IsVariant : std::false_type {};
template <class... Ts>
struct IsVariant<std::variant<Ts...>> : std::true_type {};

class ImageWriter {
 public:
  void number(std::uint64_t value) {
    while (value >= 0x80) {
      bytes_.push_back(static_cast<char>(value | 0x80U));
      value >>= 7U;
    }
    bytes_.push_back(static_cast<char>(value));
  }
  void text(std::string_view text) {
    number(text.size());
    bytes_.append(text);
  }

  template <class T>
  void put(const T& value) {
    if constexpr (std::is_same_v<T, bool> || std::is_enum_v<T> || std::is_unsigned_v<T>) {
      number(static_cast<std::uint64_t>(value));
    } else if constexpr (std::is_integral_v<T>) {  // small negative numbers are short too
      const auto wide = static_cast<std::int64_t>(value);
      number((static_cast<std::uint64_t>(wide) << 1U) ^ static_cast<std::uint64_t>(wide >> 63));
    } else if constexpr (std::is_same_v<T, double>) {
      std::array<char, sizeof(double)> raw{};
      __builtin_memcpy(raw.data(), &value, raw.size());
      bytes_.append(raw.data(), raw.size());
    } else if constexpr (std::is_same_v<T, std::string>) {
      text(value);
    } else if constexpr (std::is_same_v<T, Symbol>) {
      number(symbol(value));
    } else if constexpr (std::is_same_v<T, IpAddress>) {
      address(value);
    } else if constexpr (std::is_same_v<T, Labels>) {
      number(value.all().size());
      for (const Label& label : value.all()) put(label);
    } else if constexpr (IsVector<T>::value) {
      number(value.size());
      for (const auto& item : value) put(item);
    } else if constexpr (IsOptional<T>::value) {
      number(value ? 1 : 0);
      if (value) put(*value);
    } else if constexpr (IsPair<T>::value) {
      put(value.first);
      put(value.second);
    } else if constexpr (IsVariant<T>::value) {
      number(value.index());
      std::visit([&](const auto& v) { put(v); }, value);
    } else if constexpr (std::is_same_v<T, AnyResource>) {
      number(value.type());
      with_type(ResourceTypes(), value.type(), [&]<class R>() { put(value.template as<R>()); });
    } else if constexpr (!std::is_empty_v<T>) {
      with_members(value, [&](const auto&... members) { (put(members), ...); });
    }
  }

  [[nodiscard]] std::string take() { return std::exchange(bytes_, {}); }
  /// In the order of their numbers, from 1 on; 0 is the empty symbol.
  [[nodiscard]] const std::vector<Symbol>& symbols() const { return symbols_; }

 private:
  std::uint64_t symbol(Symbol s) {
    if (s.empty()) return 0;
    const auto [at, added] = numbers_.emplace(s, symbols_.size() + 1);
    if (added) symbols_.push_back(s);
    return at->second;
  }
  void address(const IpAddress& ip) {
    if (ip.is_v4()) {
      number(4);
      number(ip.to_v4().to_uint());
      return;
    }
    number(6);
    for (const auto byte : ip.to_v6().to_bytes()) bytes_.push_back(static_cast<char>(byte));
    number(ip.to_v6().scope_id());
  }

  std::string bytes_;
  std::unordered_map<Symbol, std::uint64_t> numbers_;
  std::vector<Symbol> symbols_;
};

class ImageReader {
 public:
  ImageReader(std::string_view bytes, const std::vector<Symbol>& symbols)
      : bytes_(bytes), symbols_(symbols) {}

  [[nodiscard]] std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(raw(1).front());
      value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if (byte < 0x80) return value;
    }
    throw ImageDamaged("a number without an end");
  }
  [[nodiscard]] std::string_view text() { return raw(number()); }
  /// Of a list: each entry has a byte at least.
  [[nodiscard]] std::size_t count() {
    const std::uint64_t n = number();
    if (n > bytes_.size() - at_) throw ImageDamaged("a list longer than the image");
    return static_cast<std::size_t>(n);
  }
  [[nodiscard]] bool done() const { return at_ == bytes_.size(); }

  template <class T>
  [[nodiscard]] T get() {
    T value{};
    get(value);
    return value;
  }

  template <class T>
  void get(T& value) {
    if constexpr (std::is_same_v<T, bool> || std::is_enum_v<T> || std::is_unsigned_v<T>) {
      value = static_cast<T>(number());
    } else if constexpr (std::is_integral_v<T>) {
      const std::uint64_t wide = number();
      value = static_cast<T>(static_cast<std::int64_t>(wide >> 1U) ^ -static_cast<std::int64_t>(wide & 1U));
    } else if constexpr (std::is_same_v<T, double>) {
      __builtin_memcpy(&value, raw(sizeof(double)).data(), sizeof(double));
    } else if constexpr (std::is_same_v<T, std::string>) {
      value = text();
    } else if constexpr (std::is_same_v<T, Symbol>) {
      value = symbol();
    } else if constexpr (std::is_same_v<T, IpAddress>) {
      value = address();
    } else if constexpr (std::is_same_v<T, Labels>) {
      value = Labels(get<std::vector<Label>>());
    } else if constexpr (IsVector<T>::value) {
      value.resize(count());
      for (auto& item : value) get(item);
    } else if constexpr (IsOptional<T>::value) {
      if (number() != 0) get(value.emplace());
    } else if constexpr (IsPair<T>::value) {
      get(value.first);
      get(value.second);
    } else if constexpr (IsVariant<T>::value) {
      alternative(value, static_cast<std::size_t>(number()),
                  std::make_index_sequence<std::variant_size_v<T>>());
    } else if constexpr (std::is_same_v<T, AnyResource>) {
      if (!with_type(ResourceTypes(), static_cast<std::size_t>(number()),
                     [&]<class R>() { value = get<R>(); }))
        throw ImageDamaged("a kind that is not known");
    } else if constexpr (!std::is_empty_v<T>) {
      with_members(value, [&](auto&... members) { (get(members), ...); });
    }
  }

 private:
  std::string_view raw(std::uint64_t size) {
    if (size > bytes_.size() - at_) throw ImageDamaged("the image ends early");
    const std::string_view out = bytes_.substr(at_, static_cast<std::size_t>(size));
    at_ += out.size();
    return out;
  }
  Symbol symbol() {
    const std::uint64_t n = number();
    if (n == 0) return Symbol();
    if (n > symbols_.size()) throw ImageDamaged("a text that is not in the table");
    return symbols_[static_cast<std::size_t>(n) - 1];
  }
  IpAddress address() {
    if (number() == 4) return boost::asio::ip::address_v4(static_cast<std::uint32_t>(number()));
    boost::asio::ip::address_v6::bytes_type bytes{};
    const std::string_view from = raw(bytes.size());
    __builtin_memcpy(bytes.data(), from.data(), bytes.size());
    return boost::asio::ip::address_v6(bytes, static_cast<unsigned long>(number()));
  }
  template <class V, std::size_t... Is>
  void alternative(V& value, std::size_t index, std::index_sequence<Is...>) {
    const bool known = ((Is == index ? (get(value.template emplace<Is>()), true) : false) || ...);
    if (!known) throw ImageDamaged("an alternative that is not known");
  }

  std::string_view bytes_;
  const std::vector<Symbol>& symbols_;
  std::size_t at_ = 0;
};

}  // namespace waypath::model
