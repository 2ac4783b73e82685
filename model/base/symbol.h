#pragma once
// Interned text. Labels, namespaces, names and service accounts are compared by identity, not by characters.
//
// Interned text lives as long as the process: symbols of a snapshot, of its overlays and of other snapshots
// compare directly, and `view()` needs no handle. Interning is thread-safe (documents decode in parallel).

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace waypath::model {

/// One interned text. The default symbol is the empty text. Equality is identity; order by text with
/// `TextLess`.
class Symbol {
 public:
  Symbol() = default;
  [[nodiscard]] std::string_view view() const {
    return text_ == nullptr ? std::string_view{} : std::string_view(*text_);
  }
  [[nodiscard]] std::string str() const { return std::string(view()); }
  [[nodiscard]] bool empty() const { return text_ == nullptr; }
  friend bool operator==(Symbol, Symbol) = default;
  friend bool operator==(Symbol a, std::string_view b) { return a.view() == b; }

 private:
  friend Symbol intern(std::string_view text);
  friend struct std::hash<Symbol>;
  explicit Symbol(const std::string* text) : text_(text) {}
  const std::string* text_ = nullptr;
};

/// The symbol of `text`. Equal texts give equal symbols, from any thread.
[[nodiscard]] Symbol intern(std::string_view text);

/// Orders symbols by their text: output never depends on the order of interning.
struct TextLess {
  bool operator()(Symbol a, Symbol b) const { return a.view() < b.view(); }
};

}  // namespace waypath::model

template <>
struct std::hash<waypath::model::Symbol> {
  std::size_t operator()(waypath::model::Symbol s) const noexcept {
    return std::hash<const void*>{}(s.text_);
  }
};
