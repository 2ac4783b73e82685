#include "model/yaml/json_slices.h"

#include <cstring>
#include <functional>

namespace waypath::model::yaml {
namespace {

constexpr std::size_t kBroken = std::string_view::npos;

bool space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  [[nodiscard]] std::size_t skip_space(std::size_t i) const {
    while (i < text_.size() && space(text_[i])) ++i;
    return i;
  }

  /// The offset after the text that starts with the quote at `i`.
  [[nodiscard]] std::size_t skip_string(std::size_t i) const {
    std::size_t p = i + 1;
    while (p < text_.size()) {
      const void* hit = std::memchr(text_.data() + p, '"', text_.size() - p);
      if (hit == nullptr) return kBroken;
      const auto quote = static_cast<std::size_t>(static_cast<const char*>(hit) - text_.data());
      std::size_t backslashes = 0;
      while (quote > i + 1 + backslashes && text_[quote - 1 - backslashes] == '\\') ++backslashes;
      if (backslashes % 2 == 0) return quote + 1;
      p = quote + 1;
    }
    return kBroken;
  }

  /// The offset after the value at `i` (its first character).
  [[nodiscard]] std::size_t skip_value(std::size_t i) const {
    if (i >= text_.size()) return kBroken;
    if (text_[i] == '"') return skip_string(i);
    if (text_[i] != '{' && text_[i] != '[') {
      const std::size_t start = i;
      while (i < text_.size() && !space(text_[i]) && std::strchr(",]}{[:\"", text_[i]) == nullptr) ++i;
      return i == start ? kBroken : i;
    }
    std::size_t depth = 0;
    while (i < text_.size()) {
      const char c = text_[i];
      if (c == '"') {
        i = skip_string(i);
        if (i == kBroken) return kBroken;
        continue;
      }
      ++i;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') {
        if (--depth == 0) return i;
      }
    }
    return kBroken;
  }

  using OnMember = std::function<void(std::string_view key, std::size_t begin, std::size_t end)>;
  using OnItem = std::function<void(std::size_t begin, std::size_t end)>;

  /// Calls back for each member of the object at `i`; the offset after it.
  std::size_t members(std::size_t i, const OnMember& on_member) const {
    i = skip_space(i + 1);
    if (i < text_.size() && text_[i] == '}') return i + 1;
    while (i < text_.size() && text_[i] == '"') {
      const std::size_t key_end = skip_string(i);
      if (key_end == kBroken) return kBroken;
      const std::string_view key = text_.substr(i + 1, key_end - i - 2);
      i = skip_space(key_end);
      if (i >= text_.size() || text_[i] != ':') return kBroken;
      i = skip_space(i + 1);
      const std::size_t end = skip_value(i);
      if (end == kBroken) return kBroken;
      on_member(key, i, end);
      i = skip_space(end);
      if (i >= text_.size()) return kBroken;
      if (text_[i] == '}') return i + 1;
      if (text_[i] != ',') return kBroken;
      i = skip_space(i + 1);
    }
    return kBroken;
  }

  /// The same for the items of the array at `i`.
  std::size_t items(std::size_t i, const OnItem& on_item) const {
    i = skip_space(i + 1);
    if (i < text_.size() && text_[i] == ']') return i + 1;
    while (i < text_.size()) {
      const std::size_t end = skip_value(i);
      if (end == kBroken) return kBroken;
      on_item(i, end);
      i = skip_space(end);
      if (i >= text_.size()) return kBroken;
      if (text_[i] == ']') return i + 1;
      if (text_[i] != ',') return kBroken;
      i = skip_space(i + 1);
    }
    return kBroken;
  }

 private:
  std::string_view text_;
};

/// The text of a string value without escapes; empty otherwise.
std::string_view plain_string(std::string_view text, std::size_t begin, std::size_t end, bool& known) {
  const std::string_view raw = text.substr(begin, end - begin);
  if (raw.size() < 2 || raw.front() != '"' || raw.find('\\') != std::string_view::npos) {
    known = false;
    return {};
  }
  return raw.substr(1, raw.size() - 2);
}

struct Look {
  Slice slice;
  std::size_t items_begin = 0;  // of the array `items`, when there is one
  std::size_t items_end = 0;
};

/// Identity of the object at `begin`; `end` is where it ends, or kBroken.
Look look_at(std::string_view text, std::size_t begin, std::size_t& end) {
  const Scanner scan(text);
  Look look;
  bool known = true;
  bool repeated = false;
  const auto take = [&](std::string_view& field, std::size_t b, std::size_t e) {
    repeated = repeated || !field.empty();
    field = plain_string(text, b, e, known);
  };
  end = scan.members(begin, [&](std::string_view key, std::size_t b, std::size_t e) {
    if (key == "apiVersion") take(look.slice.api_version, b, e);
    if (key == "kind") take(look.slice.kind, b, e);
    if (key == "items" && text[b] == '[') {
      look.items_begin = b;
      look.items_end = e;
    }
    if (key == "metadata" && text[b] == '{') {
      static_cast<void>(scan.members(b, [&](std::string_view inner, std::size_t ib, std::size_t ie) {
        if (inner == "name") take(look.slice.name, ib, ie);
        if (inner == "namespace") take(look.slice.ns, ib, ie);
      }));
    }
  });
  look.slice.peeked = end != kBroken && known && !repeated;
  if (!look.slice.peeked) look.slice.api_version = look.slice.kind = look.slice.ns = look.slice.name = {};
  return look;
}

/// Gives slices their lines and columns; called in the order of the text.
class Places {
 public:
  Places(std::string_view file_text, const Slice& base)
      : text_(file_text),
        seen_(base.offset),
        line_(base.first_line),
        column_base_(base.offset - (base.first_column - 1)) {}

  void place(Slice& slice) {
    while (const void* hit = std::memchr(text_.data() + seen_, '\n', slice.offset - seen_)) {
      seen_ = static_cast<std::size_t>(static_cast<const char*>(hit) - text_.data()) + 1;
      column_base_ = seen_;
      ++line_;
    }
    seen_ = slice.offset;
    slice.first_line = line_;
    slice.first_column = static_cast<std::uint32_t>(slice.offset - column_base_) + 1;
    slice.json = true;
  }

 private:
  std::string_view text_;
  std::size_t seen_;
  std::uint32_t line_;
  std::size_t column_base_;
};

}  // namespace

std::vector<Slice> slice_json(std::string_view file_text, const Slice& base) {
  const std::string_view text = file_text.substr(0, base.offset + base.length);
  const Scanner scan(text);
  Places places(text, base);
  std::vector<Slice> slices;
  const auto add = [&](Slice slice, std::size_t begin, std::size_t end) {
    slice.offset = begin;
    slice.length = end - begin;
    places.place(slice);
    slices.push_back(slice);
  };

  std::size_t i = scan.skip_space(base.offset);
  while (i < text.size()) {
    std::size_t end = kBroken;
    Look look;
    if (text[i] == '{') {
      look = look_at(text, i, end);
    } else if (text[i] == '[') {
      end = scan.skip_value(i);
    }
    if (end == kBroken) {  // the reader will say what is wrong with the rest
      add(Slice{}, i, text.size());
      return slices;
    }
    const bool list = look.slice.peeked && look.slice.kind.ends_with("List") && look.items_begin != 0;
    if (list) {
      const std::string_view list_kind = look.slice.kind;
      int index = 0;
      static_cast<void>(scan.items(look.items_begin, [&](std::size_t b, std::size_t e) {
        std::size_t item_end = kBroken;
        Look item;
        if (text[b] == '{') item = look_at(text, b, item_end);
        if (item.slice.peeked && item.slice.kind.empty() && list_kind != "List") {
          item.slice.kind = list_kind.substr(0, list_kind.size() - 4);
          if (item.slice.api_version.empty()) item.slice.api_version = look.slice.api_version;
        }
        item.slice.item = index++;
        add(item.slice, b, e);
      }));
    } else {
      add(look.slice, i, end);
    }
    i = scan.skip_space(end);
  }
  return slices;
}

}  // namespace waypath::model::yaml
