#include "model/yaml/block_reader.h"

#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "model/yaml/block_text.h"
#include "model/yaml/line_masks.h"
#include "model/yaml/line_scan.h"
#include "model/yaml/tree_builder.h"
#include "model/yaml/unread_parts.h"

namespace waypath::model::yaml {
namespace {

/// Deeper values go to the reference reader, which knows where the limit is.
constexpr std::size_t kDeepest = 64;
/// YAML's limit of 1,024 characters between the start of a key and its colon.
constexpr std::size_t kLongestKey = 1000;
/// Mappings with more keys than this are checked for repeats by sorting.
constexpr std::size_t kManyKeys = 64;

bool ends_token(char c) { return c == ' ' || c == '\t'; }

/// What a key and a plain text may not start with.
struct Starts {
  std::array<bool, 256> no_key{}, no_plain{};
};
constexpr Starts kStarts = [] {
  Starts out;
  for (const char c : std::string_view("-?:,[]{}#&*!|>%@`\0", 18))
    out.no_key[static_cast<unsigned char>(c)] = true;
  for (const char c : std::string_view("&*!>}],%@`#\0", 12))
    out.no_plain[static_cast<unsigned char>(c)] = true;
  return out;
}();

/// Stacks that the recursion shares, kept from document to document.
struct Stacks {
  std::vector<Member> members;
  std::vector<const Node*> items;
};

Stacks& stacks() {
  thread_local Stacks kept;
  kept.members.clear();
  kept.items.clear();
  return kept;
}

/// A bit for a key: two keys with different bits differ.
std::uint64_t key_bit(std::string_view key) {
  const auto first = static_cast<unsigned char>(key.empty() ? '\0' : key.front());
  const auto last = static_cast<unsigned char>(key.empty() ? '\0' : key.back());
  return std::uint64_t{1} << ((key.size() * 5 + first * 3U + last) & 63U);
}

/// Reads by recursive descent over the lines of the text. A function that returns null has met something
/// outside the subset; everything above it then returns null too.
class BlockReader {
 public:
  BlockReader(std::string_view text, std::uint32_t first_line, std::uint32_t file, BlockReadOptions options)
      : options_(options), file_(file), text_(text), next_number_(first_line), stacks_(stacks()) {
    if (options.borrow) {
      readable_ = text.size() + options.readable_behind;
    } else {  // nodes point into this copy, which lives as long as they do
      text_ = builder_.padded_text(text, kMaskBytes);
      readable_ = text.size() + kMaskBytes;
    }
  }

  std::optional<Document> read() {
    if (text_.size() > kMaxScalarBytes) return std::nullopt;
    if (!options_.no_tabs) {
      if (text_.find('\r') != std::string_view::npos) return std::nullopt;
      tabs_ = text_.find('\t') != std::string_view::npos;
    }
    if (!next_line() || done_) return std::nullopt;
    const Part part = options_.prune ? Part::Root : Part::Other;
    const Node* root = nullptr;
    if (options_.item) {
      if (!dash_at(line_.first)) return std::nullopt;
      const std::size_t first = skip_spaces(line_.first + 1);
      if (first == line_.end) return std::nullopt;
      root = mapping(first, column_of(first), 0, part);
    } else {
      root = mapping(line_.first, line_.indent, 0, part);
    }
    if (root == nullptr || !done_) return std::nullopt;
    return builder_.finish(root);
  }

 private:
  struct Line {
    std::size_t begin = 0, first = 0, end = 0;  // offsets of its start, its first character, its line break
    std::uint32_t number = 0, indent = 0;
    // Of a line that ends within kMaskBytes of `first`, as bits from there on: spaces, colons that a space or
    // the line's end follows, and hashes behind a space.
    bool masked = false;
    std::uint64_t space = 0, separator = 0, comment = 0;
  };
  struct Key {
    std::string_view text;
    std::size_t after = 0;  // offset behind its colon
  };

  // ---- lines ----

  /// Steps to the next line that is neither blank nor comment; `done_` after the last. False: refuse.
  bool next_line() {
    while (next_ < text_.size()) {
      step();
      if (line_.first == line_.end || text_[line_.first] == '#') continue;
      if (text_[line_.first] == '\t') return false;
      return line_.indent > 0 || !marker();
    }
    done_ = true;
    line_.indent = 0;
    return true;
  }

  /// One line, whatever it holds.
  void step() {
    line_.begin = next_;
    line_.number = next_number_++;
    std::size_t first = next_;
    while (first < text_.size() && text_[first] == ' ') ++first;
    line_.first = first;
    line_.indent = static_cast<std::uint32_t>(first - line_.begin);
    line_.masked = false;
    if (first + kMaskBytes <= readable_ && !tabs_) {
      const LineMasks masks = line_masks(text_.data() + first);
      const auto length = static_cast<std::size_t>(std::countr_zero(masks.newline));
      if (length < kMaskBytes && first + length < text_.size()) {
        line_.end = first + length;
        next_ = line_.end + 1;
        line_.masked = true;
        line_.space = masks.space;
        const std::uint64_t inside = (std::uint64_t{1} << length) - 1;
        line_.separator = masks.colon & inside & ((masks.space | masks.newline) >> 1U);
        line_.comment = masks.hash & inside & (masks.space << 1U);
        return;
      }
    }
    const void* const newline = std::memchr(text_.data() + first, '\n', text_.size() - first);
    line_.end = newline == nullptr ? text_.size() : offset_of(newline);
    next_ = newline == nullptr ? text_.size() : line_.end + 1;
  }

  /// A document marker or a directive: what follows is another document.
  [[nodiscard]] bool marker() const {
    const std::string_view line = text_.substr(line_.begin, 3);
    return line.front() == '%' || line == "---" || line == "...";
  }

  /// Passes the value of a key at `column`: the lines that are indented more, and a list at the key's own
  /// column.
  bool skip_value(std::uint32_t column) {
    while (next_ < text_.size()) {
      next_ = skip_deeper(text_, next_, column, next_number_);
      if (next_ >= text_.size()) break;
      step();
      if (line_.first == line_.end || line_.indent > column) continue;
      if (line_.indent == column && dash_at(line_.first)) continue;
      if (text_[line_.first] == '#') return next_line();
      if (text_[line_.first] == '\t') return false;
      return line_.indent > 0 || !marker();
    }
    done_ = true;
    line_.indent = 0;
    return true;
  }

  [[nodiscard]] bool dash_at(std::size_t i) const {
    return text_[i] == '-' && (i + 1 == line_.end || text_[i + 1] == ' ');
  }
  [[nodiscard]] std::size_t skip_spaces(std::size_t i) const {
    // The line's break is no space, so that a bit is found.
    if (line_.masked)
      return i + static_cast<std::size_t>(std::countr_zero(~line_.space >> (i - line_.first)));
    while (i < line_.end && text_[i] == ' ') ++i;
    return i;
  }
  /// Whether nothing but spaces and a comment follows.
  [[nodiscard]] bool rest_is_blank(std::size_t i) const {
    const std::size_t rest = skip_spaces(i);
    return rest == line_.end || (text_[rest] == '#' && rest > i);
  }
  [[nodiscard]] std::uint32_t column_of(std::size_t i) const {
    return static_cast<std::uint32_t>(i - line_.begin);
  }
  [[nodiscard]] SourcePos pos(std::size_t i) const { return {file_, line_.number, column_of(i) + 1}; }
  [[nodiscard]] std::size_t offset_of(const void* at) const {
    return static_cast<std::size_t>(static_cast<const char*>(at) - text_.data());
  }

  // ---- collections ----

  /// The mapping whose first key stands at `i`, its keys at `column`.
  const Node* mapping(std::size_t i, std::uint32_t column, std::size_t depth, Part part) {
    Key key;
    return read_key(i, key) ? mapping(i, key, column, depth, part) : nullptr;
  }
  const Node* mapping(std::size_t i, Key key, std::uint32_t column, std::size_t depth, Part part) {
    if (depth > kDeepest) return nullptr;
    const SourcePos start = pos(i);
    auto& members = stacks_.members;
    const std::size_t mark = members.size();
    std::uint64_t seen = 0;
    while (true) {
      const SourcePos key_pos = pos(i);
      const std::size_t first = skip_spaces(key.after);
      const bool inline_value = first != line_.end && text_[first] != '#';
      if (part != Part::Other && unread(part, key.text, inline_value)) {
        if (!skip_value(column)) return nullptr;
      } else {
        if (!is_new(key.text, mark, seen)) return nullptr;
        const Node* const value =
            inline_value || (first != line_.end && first == key.after)
                ? scalar_at(first, column)
                : nested(column, true, depth, part == Part::Other ? part : part_below(part, key.text));
        if (value == nullptr) return nullptr;
        members.push_back({key.text, key_pos, value});
      }
      if (done_ || line_.indent < column) break;
      if (line_.indent > column || dash_at(line_.first)) return nullptr;
      i = line_.first;
      if (!read_key(i, key)) return nullptr;
    }
    const std::span<const Member> own(members.data() + mark, members.size() - mark);
    if (own.size() > kManyKeys && TreeBuilder::repeats_key(own)) return nullptr;
    const Node* const node = builder_.mapping(own, start);
    members.resize(mark);
    return node;
  }

  /// Whether none of the members from `mark` on has this key; `seen` are their bits. Says yes when they are
  /// many.
  [[nodiscard]] bool is_new(std::string_view key, std::size_t mark, std::uint64_t& seen) const {
    const std::uint64_t bit = key_bit(key);
    if ((seen & bit) == 0) {
      seen |= bit;
      return true;
    }
    const auto& members = stacks_.members;
    if (members.size() - mark > kManyKeys) return true;
    for (std::size_t k = mark; k < members.size(); ++k)
      if (members[k].key == key) return false;
    return true;
  }

  /// The list whose first dash stands at `i`, its dashes at `column`.
  const Node* sequence(std::size_t i, std::uint32_t column, std::size_t depth, Part part) {
    if (depth > kDeepest) return nullptr;
    const SourcePos start = pos(i);
    auto& items = stacks_.items;
    const std::size_t mark = items.size();
    while (true) {
      const Node* const item = item_at(skip_spaces(i + 1), column, depth, part);
      if (item == nullptr) return nullptr;
      items.push_back(item);
      if (done_ || line_.indent < column) break;
      if (line_.indent > column) return nullptr;
      if (!dash_at(line_.first)) break;  // the key behind a list at its parent key's column
      i = line_.first;
    }
    const Node* const node =
        builder_.sequence(std::span<const Node* const>(items.data() + mark, items.size() - mark), start);
    items.resize(mark);
    return node;
  }

  /// What follows a dash at `column`.
  const Node* item_at(std::size_t i, std::uint32_t column, std::size_t depth, Part part) {
    if (i == line_.end || text_[i] == '#') return nested(column, false, depth, part);
    if (dash_at(i)) return sequence(i, column_of(i), depth + 1, part);
    Key key;
    if (read_key(i, key)) return mapping(i, key, column_of(i), depth + 1, part);
    return scalar_at(i, column);
  }

  /// The collection on the lines below a key or dash at `column`; null when there is none.
  const Node* nested(std::uint32_t column, bool key, std::size_t depth, Part part) {
    if (!next_line() || done_) return nullptr;
    const bool deeper = line_.indent > column;
    if (dash_at(line_.first) && (deeper || (key && line_.indent == column)))
      return sequence(line_.first, line_.indent, depth + 1, part);
    if (deeper) return mapping(line_.first, line_.indent, depth + 1, part);
    return key ? builder_.null(pos(line_.first)) : nullptr;
  }

  // ---- texts ----

  bool read_key(std::size_t i, Key& key) const {
    const char first = text_[i];
    std::size_t colon = 0;
    if (first == '"' || first == '\'') {
      const void* const quote = std::memchr(text_.data() + i + 1, first, line_.end - i - 1);
      if (quote == nullptr) return false;
      const std::size_t close = offset_of(quote);
      key.text = text_.substr(i + 1, close - i - 1);
      if (key.text.find('\\') != std::string_view::npos) return false;
      colon = close + 1;
      if (colon >= line_.end || text_[colon] != ':') return false;
    } else {
      if (kStarts.no_key[static_cast<unsigned char>(first)]) return false;
      bool hash = false;
      if (line_.masked) {
        const std::uint64_t separators = line_.separator >> (i - line_.first);
        if (separators == 0) return false;
        const auto length = static_cast<std::size_t>(std::countr_zero(separators));
        colon = i + length;
        hash = (line_.comment >> (i - line_.first) & ((std::uint64_t{1} << length) - 1)) != 0;
      } else {
        colon = i;
        while (true) {
          const void* const hit = std::memchr(text_.data() + colon, ':', line_.end - colon);
          if (hit == nullptr) return false;
          colon = offset_of(hit);
          if (colon + 1 == line_.end || text_[colon + 1] == ' ') break;
          if (text_[colon + 1] == '\t') return false;
          ++colon;
        }
        hash = text_.substr(i, colon - i).find(" #") != std::string_view::npos;
      }
      std::size_t end = colon;
      while (end > i && text_[end - 1] == ' ') --end;
      key.text = text_.substr(i, end - i);
      if (hash || key.text == "<<" || is_null_word(key.text) ||
          (tabs_ && key.text.find('\t') != std::string_view::npos))
        return false;
    }
    key.after = colon + 1;
    return colon - i <= kLongestKey && key.after <= line_.end;
  }

  /// The one-line value at `i`, of a key or dash at `column`.
  const Node* scalar_at(std::size_t i, std::uint32_t column) {
    const SourcePos at = pos(i);
    const Node* node = nullptr;
    switch (text_[i]) {
      case '|':
        return literal(i, column, at);
      case '"':
        node = quoted(double_quoted(text_.substr(i, line_.end - i)), i, at);
        break;
      case '\'':
        node = quoted(single_quoted(text_.substr(i, line_.end - i)), i, at);
        break;
      case '{':
        if (i + 1 < line_.end && text_[i + 1] == '}' && rest_is_blank(i + 2))
          node = builder_.mapping(std::span<const Member>(), at);
        break;
      case '[':
        if (i + 1 < line_.end && text_[i + 1] == ']' && rest_is_blank(i + 2))
          node = builder_.sequence(std::span<const Node* const>(), at);
        break;
      default:
        node = plain(i, at);
    }
    // A deeper line would continue this text.
    if (node == nullptr || !next_line() || (!done_ && line_.indent > column)) return nullptr;
    return node;
  }

  const Node* plain(std::size_t i, SourcePos at) {
    const char first = text_[i];
    if (kStarts.no_plain[static_cast<unsigned char>(first)]) return nullptr;
    if ((first == '-' || first == '?' || first == ':') && (i + 1 == line_.end || text_[i + 1] == ' '))
      return nullptr;
    std::size_t end = line_.end;
    if (line_.masked) {
      if (line_.separator >> (i - line_.first) != 0) return nullptr;
      if (const std::uint64_t comment = line_.comment >> (i - line_.first); comment != 0)
        end = i + static_cast<std::size_t>(std::countr_zero(comment));
    } else {
      for (std::size_t k = i; const void* hit = std::memchr(text_.data() + k, ':', end - k);) {
        k = offset_of(hit) + 1;
        if (k == line_.end || ends_token(text_[k])) return nullptr;
      }
      for (std::size_t k = i; const void* hit = std::memchr(text_.data() + k, '#', end - k);) {
        k = offset_of(hit);
        if (ends_token(text_[k - 1])) {
          end = k;
          break;
        }
        ++k;
      }
    }
    while (end > i && text_[end - 1] == ' ') --end;
    const std::string_view text = text_.substr(i, end - i);
    if (tabs_ && text.find('\t') != std::string_view::npos) return nullptr;
    if (is_null_word(text)) return builder_.null(at);
    return builder_.scalar_view(ScalarStyle::Plain, text, at);
  }

  const Node* quoted(const QuotedText& text, std::size_t i, SourcePos at) {
    if (text.length == 0 || !rest_is_blank(i + text.length)) return nullptr;
    if (!text.escaped) return builder_.scalar_view(ScalarStyle::Quoted, text.inside, at);
    const std::optional<std::string> value =
        text_[i] == '"' ? unescape_double(text.inside) : std::optional(unescape_single(text.inside));
    return value ? builder_.scalar(ScalarStyle::Quoted, *value, at) : nullptr;
  }

  /// A literal block ("|" or "|-") of a key or dash at `column`.
  const Node* literal(std::size_t i, std::uint32_t column, SourcePos at) {
    const bool strip = i + 1 < line_.end && text_[i + 1] == '-';
    if (skip_spaces(i + (strip ? 2 : 1)) != line_.end) return nullptr;
    std::string value;
    std::size_t blank = 0;  // line breaks that only count when more text follows
    std::uint32_t indent = 0;
    bool over = false;
    while (next_ < text_.size()) {
      step();
      if (line_.first == line_.end) {
        if (indent == 0 || line_.indent > indent) return nullptr;
        ++blank;
        continue;
      }
      if (indent == 0) {
        if (line_.indent <= column || text_[line_.first] == '\t') return nullptr;
        indent = line_.indent;
      }
      if (line_.indent < indent) {
        over = true;
        break;
      }
      if (line_.end == text_.size()) return nullptr;  // no line break at the end of the file
      value.append(blank, '\n');
      blank = 0;
      value.append(text_.substr(line_.begin + indent, line_.end - line_.begin - indent));
      value.push_back('\n');
    }
    if (indent == 0) return nullptr;
    if (!over) {
      done_ = true;
      line_.indent = 0;
    } else if (text_[line_.first] == '#' || text_[line_.first] == '\t' || line_.indent > column ||
               (line_.indent == 0 && marker())) {
      return nullptr;
    }
    if (strip) value.pop_back();
    return builder_.scalar(ScalarStyle::Quoted, value, at);
  }

  BlockReadOptions options_;
  std::uint32_t file_;
  TreeBuilder builder_;
  std::string_view text_;
  std::size_t readable_ = 0;  // bytes from the start of `text_` on
  std::size_t next_ = 0;      // offset of the line behind `line_`
  std::uint32_t next_number_;
  Line line_;
  bool done_ = false, tabs_ = false;
  Stacks& stacks_;
};

}  // namespace

std::optional<Document> read_block(std::string_view text, std::uint32_t first_line, std::uint32_t file,
                                   BlockReadOptions options) {
  return BlockReader(text, first_line, file, options).read();
}

}  // namespace waypath::model::yaml
