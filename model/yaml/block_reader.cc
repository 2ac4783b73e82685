#include "model/yaml/block_reader.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "model/yaml/line_scan.h"
#include "model/yaml/tree_builder.h"
#include "model/yaml/unread_parts.h"

namespace waypath::model::yaml {
namespace {

/// Deeper values go to the reference reader, which knows where the limit is.
constexpr std::size_t kDeepest = 64;
/// YAML's limit of 1,024 characters between the start of a key and its colon.
constexpr std::size_t kLongestKey = 1000;

bool ends_token(char c) { return c == ' ' || c == '\t'; }

bool is_null_word(std::string_view text) {
  switch (text.size()) {
    case 1:
      return text[0] == '~';
    case 4:
      return text == "null" || text == "Null" || text == "NULL";
    default:
      return false;
  }
}

/// Reads by recursive descent over the lines of the text. A function that returns null has met something
/// outside the subset; everything above it then returns null too.
class BlockReader {
 public:
  BlockReader(std::string_view text, std::uint32_t first_line, std::uint32_t file, BlockReadOptions options)
      : options_(options), file_(file), builder_(text.size()), next_number_(first_line) {
    text_ = builder_.text(text);  // nodes point into this copy, which lives as long as they do
  }

  std::optional<Document> read() {
    if (text_.size() > kMaxScalarBytes || text_.find('\r') != std::string_view::npos) return std::nullopt;
    tabs_ = text_.find('\t') != std::string_view::npos;
    if (!next_line() || done_) return std::nullopt;
    const Node* root = nullptr;
    if (options_.item) {
      if (!dash_at(line_.first)) return std::nullopt;
      const std::size_t first = skip_spaces(line_.first + 1);
      if (first == line_.end) return std::nullopt;
      root = mapping(first, column_of(first), 0);
    } else {
      root = mapping(line_.first, line_.indent, 0);
    }
    if (root == nullptr || !done_) return std::nullopt;
    return builder_.finish(root);
  }

 private:
  struct Line {
    std::size_t begin = 0, first = 0, end = 0;  // offsets of its start, its first character, its line break
    std::uint32_t number = 0, indent = 0;
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
    const void* const newline = std::memchr(text_.data() + next_, '\n', text_.size() - next_);
    line_.end = newline == nullptr
                    ? text_.size()
                    : static_cast<std::size_t>(static_cast<const char*>(newline) - text_.data());
    next_ = newline == nullptr ? text_.size() : line_.end + 1;
    line_.number = next_number_++;
    std::size_t first = line_.begin;
    while (first < line_.end && text_[first] == ' ') ++first;
    line_.first = first;
    line_.indent = static_cast<std::uint32_t>(first - line_.begin);
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

  // ---- collections ----

  /// The mapping whose first key stands at `i`, its keys at `column`.
  const Node* mapping(std::size_t i, std::uint32_t column, std::size_t depth) {
    if (depth > kDeepest) return nullptr;
    const SourcePos start = pos(i);
    const std::size_t mark = members_.size();
    while (true) {
      Key key;
      if (!read_key(i, key)) return nullptr;
      const SourcePos key_pos = pos(i);
      path_.push_back(key.text);
      const std::size_t first = skip_spaces(key.after);
      const bool inline_value = first != line_.end && text_[first] != '#';
      if (options_.prune && path_.size() <= kUnreadDepth && unread(path_, inline_value)) {
        if (!skip_value(column)) return nullptr;
      } else {
        const Node* const value = value_at(key.after, column, depth);
        if (value == nullptr) return nullptr;
        members_.push_back({key.text, key_pos, value});
      }
      path_.pop_back();
      if (done_ || line_.indent < column) break;
      if (line_.indent > column || dash_at(line_.first)) return nullptr;
      i = line_.first;
    }
    const std::span<const Member> members(members_.data() + mark, members_.size() - mark);
    if (TreeBuilder::repeats_key(members)) return nullptr;
    const Node* const node = builder_.mapping(members, start);
    members_.resize(mark);
    return node;
  }

  /// The list whose first dash stands at `i`, its dashes at `column`.
  const Node* sequence(std::size_t i, std::uint32_t column, std::size_t depth) {
    if (depth > kDeepest) return nullptr;
    const SourcePos start = pos(i);
    const std::size_t mark = items_.size();
    while (true) {
      const Node* const item = item_at(skip_spaces(i + 1), column, depth);
      if (item == nullptr) return nullptr;
      items_.push_back(item);
      if (done_ || line_.indent < column) break;
      if (line_.indent > column) return nullptr;
      if (!dash_at(line_.first)) break;  // the key behind a list at its parent key's column
      i = line_.first;
    }
    const Node* const node =
        builder_.sequence(std::span<const Node* const>(items_.data() + mark, items_.size() - mark), start);
    items_.resize(mark);
    return node;
  }

  /// What follows a dash at `column`.
  const Node* item_at(std::size_t i, std::uint32_t column, std::size_t depth) {
    if (i == line_.end || text_[i] == '#') return nested(column, false, depth);
    if (dash_at(i)) return sequence(i, column_of(i), depth + 1);
    Key key;
    if (read_key(i, key)) return mapping(i, column_of(i), depth + 1);
    return scalar_at(i, column);
  }

  /// What follows the colon of a key at `column`.
  const Node* value_at(std::size_t i, std::uint32_t column, std::size_t depth) {
    const std::size_t first = skip_spaces(i);
    if (first == line_.end || (text_[first] == '#' && first > i)) return nested(column, true, depth);
    return scalar_at(first, column);
  }

  /// The collection on the lines below a key or dash at `column`; null when there is none.
  const Node* nested(std::uint32_t column, bool key, std::size_t depth) {
    if (!next_line() || done_) return nullptr;
    const bool deeper = line_.indent > column;
    if (dash_at(line_.first) && (deeper || (key && line_.indent == column)))
      return sequence(line_.first, line_.indent, depth + 1);
    if (deeper) return mapping(line_.first, line_.indent, depth + 1);
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
      if (std::strchr("-?:,[]{}#&*!|>%@`", first) != nullptr) return false;
      colon = i;
      while (true) {
        const void* const hit = std::memchr(text_.data() + colon, ':', line_.end - colon);
        if (hit == nullptr) return false;
        colon = offset_of(hit);
        if (colon + 1 == line_.end || text_[colon + 1] == ' ') break;
        if (text_[colon + 1] == '\t') return false;
        ++colon;
      }
      std::size_t end = colon;
      while (end > i && text_[end - 1] == ' ') --end;
      key.text = text_.substr(i, end - i);
      if (key.text.find(" #") != std::string_view::npos || key.text == "<<" || is_null_word(key.text) ||
          (tabs_ && key.text.find('\t') != std::string_view::npos))
        return false;
    }
    key.after = colon + 1;
    return colon - i <= kLongestKey && key.after <= line_.end;
  }

  [[nodiscard]] std::size_t offset_of(const void* at) const {
    return static_cast<std::size_t>(static_cast<const char*>(at) - text_.data());
  }

  /// The one-line value at `i`, of a key or dash at `column`.
  const Node* scalar_at(std::size_t i, std::uint32_t column) {
    const SourcePos at = pos(i);
    const Node* node = nullptr;
    switch (text_[i]) {
      case '|':
        return literal(i, column, at);
      case '"':
        node = double_quoted(i, at);
        break;
      case '\'':
        node = single_quoted(i, at);
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
    if (std::strchr("&*!>}],%@`#", first) != nullptr) return nullptr;
    if ((first == '-' || first == '?' || first == ':') && (i + 1 == line_.end || text_[i + 1] == ' '))
      return nullptr;
    std::size_t end = line_.end;
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
    while (end > i && text_[end - 1] == ' ') --end;
    const std::string_view text = text_.substr(i, end - i);
    if (tabs_ && text.find('\t') != std::string_view::npos) return nullptr;
    if (is_null_word(text)) return builder_.null(at);
    return builder_.scalar_view(ScalarStyle::Plain, text, at);
  }

  const Node* single_quoted(std::size_t i, SourcePos at) {
    std::size_t close = i + 1;
    bool doubled = false;
    while (true) {
      const void* const hit = std::memchr(text_.data() + close, '\'', line_.end - close);
      if (hit == nullptr) return nullptr;
      close = offset_of(hit);
      if (close + 1 >= line_.end || text_[close + 1] != '\'') break;
      doubled = true;
      close += 2;
    }
    if (!rest_is_blank(close + 1)) return nullptr;
    const std::string_view inside = text_.substr(i + 1, close - i - 1);
    if (!doubled) return builder_.scalar_view(ScalarStyle::Quoted, inside, at);
    std::string value;
    value.reserve(inside.size());
    for (std::size_t k = 0; k < inside.size(); ++k) {
      value.push_back(inside[k]);
      if (inside[k] == '\'') ++k;
    }
    return builder_.scalar(ScalarStyle::Quoted, value, at);
  }

  const Node* double_quoted(std::size_t i, SourcePos at) {
    std::size_t close = i + 1;
    bool escaped = false;
    while (close < line_.end && text_[close] != '"') {
      if (text_[close] == '\\') {
        escaped = true;
        ++close;
      }
      ++close;
    }
    if (close >= line_.end || !rest_is_blank(close + 1)) return nullptr;
    const std::string_view inside = text_.substr(i + 1, close - i - 1);
    if (!escaped) return builder_.scalar_view(ScalarStyle::Quoted, inside, at);
    std::string value;
    value.reserve(inside.size());
    for (std::size_t k = 0; k < inside.size(); ++k) {
      if (inside[k] != '\\') {
        value.push_back(inside[k]);
        continue;
      }
      switch (inside[++k]) {
        case '"':
        case '\\':
        case '/':
          value.push_back(inside[k]);
          break;
        case 'n':
          value.push_back('\n');
          break;
        case 't':
          value.push_back('\t');
          break;
        case 'r':
          value.push_back('\r');
          break;
        default:
          return nullptr;
      }
    }
    return builder_.scalar(ScalarStyle::Quoted, value, at);
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
  std::size_t next_ = 0;  // offset of the line behind `line_`
  std::uint32_t next_number_;
  Line line_;
  bool done_ = false, tabs_ = false;
  // Stacks that the recursion shares.
  std::vector<Member> members_;
  std::vector<const Node*> items_;
  std::vector<std::string_view> path_;
};

}  // namespace

std::optional<Document> read_block(std::string_view text, std::uint32_t first_line, std::uint32_t file,
                                   BlockReadOptions options) {
  return BlockReader(text, first_line, file, options).read();
}

}  // namespace waypath::model::yaml
