#include "model/yaml/json_slices.h"

#include <cstring>
#include <functional>
#include <utility>

#include "model/yaml/line_scan.h"

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
    return json_container_end(text_, i);
  }

  using OnMember = std::function<void(std::string_view key, std::size_t begin, std::size_t end)>;
  using OnItem = std::function<void(std::size_t begin, std::size_t end)>;

  /// Passes a value itself, and tells where it ends; kBroken: it does not care.
  using PassValue = std::function<std::size_t(std::string_view key, std::size_t begin)>;

  /// Calls back for each member of the object at `i`; the offset after it.
  std::size_t members(std::size_t i, const OnMember& on_member, const PassValue& pass = {}) const {
    i = skip_space(i + 1);
    if (i < text_.size() && text_[i] == '}') return i + 1;
    while (i < text_.size() && text_[i] == '"') {
      const std::size_t key_end = skip_string(i);
      if (key_end == kBroken) return kBroken;
      const std::string_view key = text_.substr(i + 1, key_end - i - 2);
      i = skip_space(key_end);
      if (i >= text_.size() || text_[i] != ':') return kBroken;
      i = skip_space(i + 1);
      std::size_t end = pass && i < text_.size() ? pass(key, i) : kBroken;
      if (end == kBroken) end = skip_value(i);
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

/// What the members of an object say of it, and where the items of a List stand.
struct Look {
  std::string_view api_version, kind, ns, name;
  bool known = true;  // each said once, without escapes
  bool list = false;  // `items` is an array
  std::vector<std::pair<std::size_t, std::size_t>> items;

  void take(std::string_view text, std::string_view& field, std::size_t begin, std::size_t end) {
    known = known && field.empty();
    field = plain_string(text, begin, end, known);
  }
};

/// Tells what was passed of a text, in pieces that are worth a call.
class Progress {
 public:
  Progress(const Passed& passed, std::size_t from) : passed_(passed), from_(from) {}
  void reach(std::size_t at) {
    constexpr std::size_t kPiece = std::size_t{1} << 18;
    if (!passed_ || at < from_ + kPiece) return;
    passed_(from_, at - from_);
    from_ = at;
  }

 private:
  const Passed& passed_;
  std::size_t from_;
};

/// `end` is where the object at `begin` ends, or kBroken. Items are found while `items` is passed: whether
/// this is a List is known at its end only.
Look look_at(std::string_view text, std::size_t begin, std::size_t& end, Progress& progress) {
  const Scanner scan(text);
  Look look;
  end = scan.members(
      begin,
      [&](std::string_view key, std::size_t b, std::size_t e) {
        if (key == "apiVersion") look.take(text, look.api_version, b, e);
        if (key == "kind") look.take(text, look.kind, b, e);
      },
      [&](std::string_view key, std::size_t b) {
        if (key != "items" || text[b] != '[') return kBroken;
        look.list = true;
        look.items.clear();
        return scan.items(b, [&](std::size_t item, std::size_t item_end) {
          look.items.emplace_back(item, item_end);
          progress.reach(item_end);
        });
      });
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
    const std::string_view passed = text_.substr(seen_, slice.offset - seen_);
    if (const std::size_t last = passed.rfind('\n'); last != std::string_view::npos) {
      column_base_ = seen_ + last + 1;
      line_ += static_cast<std::uint32_t>(count_lines(passed));
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

std::vector<Slice> slice_json(std::string_view file_text, const Slice& base, const Passed& passed) {
  const std::string_view text = file_text.substr(0, base.offset + base.length);
  const Scanner scan(text);
  Places places(text, base);
  std::vector<Slice> slices;
  Progress seen(passed, base.offset), placed(passed, base.offset);
  const auto add = [&](Slice slice, std::size_t begin, std::size_t end) {
    slice.offset = begin;
    slice.length = end - begin;
    places.place(slice);
    slices.push_back(slice);
    placed.reach(end);
  };

  std::size_t i = scan.skip_space(base.offset);
  while (i < text.size()) {
    std::size_t end = kBroken;
    Look look;
    if (text[i] == '{') {
      look = look_at(text, i, end, seen);
    } else if (text[i] == '[') {
      end = scan.skip_value(i);
    }
    if (end == kBroken) {  // the reader will say what is wrong with the rest
      add(Slice{}, i, text.size());
      return slices;
    }
    if (look.known && look.kind.ends_with("List") && look.list) {
      slices.reserve(slices.size() + look.items.size());
      int index = 0;
      for (const auto& [item, item_end] : look.items) {
        Slice slice;
        slice.item = index++;
        if (look.kind != "List") {
          slice.list_kind = look.kind.substr(0, look.kind.size() - 4);
          slice.list_api_version = look.api_version;
        }
        add(slice, item, item_end);
      }
    } else {
      add(Slice{}, i, end);
    }
    i = scan.skip_space(end);
  }
  return slices;
}

void peek_json(std::string_view text, Slice& slice) {
  const std::string_view body = text.substr(slice.offset, slice.length);
  if (!body.starts_with('{')) return;
  const Scanner scan(body);
  Look look;
  const std::size_t end = scan.members(0, [&](std::string_view key, std::size_t b, std::size_t e) {
    if (key == "apiVersion") look.take(body, look.api_version, b, e);
    if (key == "kind") look.take(body, look.kind, b, e);
    if (key != "metadata" || body[b] != '{') return;
    static_cast<void>(scan.members(b, [&](std::string_view inner, std::size_t ib, std::size_t ie) {
      if (inner == "name") look.take(body, look.name, ib, ie);
      if (inner == "namespace") look.take(body, look.ns, ib, ie);
    }));
  });
  if (end == kBroken || !look.known) return;
  slice.peeked = true;
  slice.api_version = look.api_version;
  slice.kind = look.kind;
  slice.ns = look.ns;
  slice.name = look.name;
  if (slice.kind.empty() && !slice.list_kind.empty()) {
    slice.kind = slice.list_kind;
    if (slice.api_version.empty()) slice.api_version = slice.list_api_version;
  }
}

KindName peek_json_kind(std::string_view body) {
  // kubectl and the API server write apiVersion and kind first.
  KindName out;
  const Scanner scan(body);
  std::size_t i = body.starts_with('{') ? scan.skip_space(1) : body.size();
  for (int member = 0; member < 2; ++member) {
    if (i >= body.size() || body[i] != '"') return {};
    const std::size_t key_end = scan.skip_string(i);
    if (key_end == kBroken) return {};
    const std::string_view key = body.substr(i + 1, key_end - i - 2);
    i = scan.skip_space(key_end);
    if (i >= body.size() || body[i] != ':') return {};
    i = scan.skip_space(i + 1);
    if (i >= body.size() || body[i] != '"') return {};
    const std::size_t end = scan.skip_string(i);
    if (end == kBroken) return {};
    bool known = true;
    if (key == "apiVersion") out.api_version = plain_string(body, i, end, known);
    if (key == "kind") out.kind = plain_string(body, i, end, known);
    if (!known) return {};
    i = scan.skip_space(end);
    if (i < body.size() && body[i] == ',') i = scan.skip_space(i + 1);
  }
  return out.api_version.empty() || out.kind.empty() ? KindName{} : out;
}

}  // namespace waypath::model::yaml
