#include "model/yaml/block_lexer.h"

#include <cstring>

#include "model/yaml/tree_builder.h"

namespace waypath::model::yaml {
namespace {

bool blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

bool BlockLexer::give_up() {
  plain_ = false;
  return false;
}

void BlockLexer::grow(std::size_t begin, std::size_t end) {
  if (end - begin > kMaxScalarBytes && !oversized_) {
    oversized_ = true;
    oversized_at_ = begin;
  }
}

bool BlockLexer::rest_is_blank(std::size_t i, std::size_t end) const {
  const std::size_t start = i;
  while (i < end && blank(text_[i])) ++i;
  return i == end || (text_[i] == '#' && i > start);
}

/// The offset after the closing quote of the text that starts at `i`, or npos when the line ends first.
std::size_t BlockLexer::quoted_end(std::size_t i, std::size_t end) const {
  const char quote = quote_;
  while (i < end) {
    const char c = text_[i];
    if (c == '\\' && quote == '"') {
      i += 2;
      continue;
    }
    ++i;
    if (c == quote) {
      if (quote == '\'' && i < end && text_[i] == '\'') {
        ++i;
        continue;
      }
      return i;
    }
  }
  return std::string_view::npos;
}

/// The offset after the flow collection that starts at `i`; npos when it does not end on this line or holds
/// an anchor, an alias, a tag or a comment.
std::size_t BlockLexer::flow_end(std::size_t i, std::size_t end) const {
  std::size_t depth = 0;
  bool start = true;  // a node may start here
  while (i < end) {
    const char c = text_[i];
    if (start && (c == '&' || c == '*' || c == '!' || c == '?')) return std::string_view::npos;
    if (start && (c == '"' || c == '\'')) {
      BlockLexer inner(text_);
      inner.quote_ = c;
      i = inner.quoted_end(i + 1, end);
      if (i == std::string_view::npos) return i;
      start = false;
      continue;
    }
    if (c == '#' || c == '\t') return std::string_view::npos;
    ++i;
    if (c == '{' || c == '[') {
      ++depth;
      start = true;
    } else if (c == '}' || c == ']') {
      start = false;
      if (--depth == 0) return i;
    } else if (c == ',' || c == ':') {
      start = true;
    } else if (c != ' ') {
      start = false;
    }
  }
  return std::string_view::npos;
}

bool BlockLexer::next(BlockLine& line) {
  if (!plain_ || at_ >= text_.size()) return false;
  const void* const newline = std::memchr(text_.data() + at_, '\n', text_.size() - at_);
  line = BlockLine{};
  line.begin = at_;
  line.next = newline == nullptr
                  ? text_.size()
                  : static_cast<std::size_t>(static_cast<const char*>(newline) - text_.data()) + 1;
  std::size_t end = newline == nullptr ? line.next : line.next - 1;
  if (end > at_ && text_[end - 1] == '\r') --end;
  at_ = line.next;
  if (end - line.begin > kMaxScalarBytes) grow(line.begin, end);

  if (open_ == Open::Quote) {
    line.kind = BlockLine::Kind::Content;
    grow(scalar_begin_, end);
    const std::size_t close = quoted_end(line.begin, end);
    if (close == std::string_view::npos) return true;
    open_ = Open::Nothing;
    return rest_is_blank(close, end) || give_up();
  }

  std::size_t i = line.begin;
  while (i < end && text_[i] == ' ') ++i;
  line.indent = static_cast<std::uint32_t>(i - line.begin);
  line.column = line.indent;
  const bool empty = rest_is_blank(i, end);  // only spaces and tabs
  if (open_ == Open::Block) {
    if (empty || static_cast<std::int64_t>(line.indent) > parent_) {
      line.kind = BlockLine::Kind::Content;
      grow(scalar_begin_, end);
      return true;
    }
    open_ = Open::Nothing;
  }
  if (empty) return true;
  if (text_[i] == '#') {
    if (open_ == Open::Plain) open_ = Open::Nothing;
    return true;
  }
  if (open_ == Open::Plain) {
    if (static_cast<std::int64_t>(line.indent) > parent_) {
      line.kind = BlockLine::Kind::Text;
      grow(scalar_begin_, end);
      return true;
    }
    open_ = Open::Nothing;
  }
  const std::string_view whole = text_.substr(i, end - i);
  if (line.indent == 0 && (whole.front() == '%' || whole.starts_with("---") || whole.starts_with("...")))
    return give_up();
  return node(line, i, end);
}

/// What stands at `i`, after indentation: dashes, then a key or a value.
bool BlockLexer::node(BlockLine& line, std::size_t i, std::size_t end) {
  // A text on a line of its own belongs to the key or dash above it.
  std::int64_t parent = last_parent_;
  while (i < end && text_[i] == '-' && (i + 1 == end || text_[i + 1] == ' ' || text_[i + 1] == '\t')) {
    parent = static_cast<std::int64_t>(i - line.begin);
    ++line.dashes;
    ++i;
    while (i < end && text_[i] == ' ') ++i;
    if (i < end && text_[i] == '\t') return give_up();
  }
  line.column = static_cast<std::uint32_t>(i - line.begin);
  line.kind = line.dashes > 0 ? BlockLine::Kind::Item : BlockLine::Kind::Text;
  last_parent_ = parent;
  if (i == end || text_[i] == '#') return true;  // "-" alone: the item is on the next lines

  // A key in quotes, or a text in quotes.
  if (text_[i] == '"' || text_[i] == '\'') {
    quote_ = text_[i];
    const std::size_t close = quoted_end(i + 1, end);
    if (close == std::string_view::npos) return value(line, i, end, parent);
    std::size_t colon = close;
    while (colon < end && text_[colon] == ' ') ++colon;
    if (colon == end || text_[colon] != ':' || (colon + 1 < end && !blank(text_[colon + 1])))
      return value(line, i, end, parent);
    line.kind = BlockLine::Kind::Key;
    line.key = text_.substr(i + 1, close - i - 2);
    last_parent_ = line.column;
    return value(line, colon + 1, end, line.column);
  }
  if (std::strchr("&*!?|>{[]},@`%:", text_[i]) != nullptr) return value(line, i, end, parent);
  for (std::size_t k = i; k < end; ++k) {
    if (text_[k] == ':' && (k + 1 == end || blank(text_[k + 1]))) {
      line.kind = BlockLine::Kind::Key;
      line.key = text_.substr(i, k - i);
      while (!line.key.empty() && blank(line.key.back())) line.key.remove_suffix(1);
      last_parent_ = line.column;
      return value(line, k + 1, end, line.column);
    }
    if (text_[k] == '#' && k > i && blank(text_[k - 1])) break;
  }
  return value(line, i, end, parent);
}

/// The value that starts at or after `i`. `parent`: the column that lines have to pass to continue it.
bool BlockLexer::value(BlockLine& line, std::size_t i, std::size_t end, std::int64_t parent) {
  while (i < end && text_[i] == ' ') ++i;
  if (i == end || (text_[i] == '#' && blank(text_[i - 1]))) return true;
  const char c = text_[i];
  const auto closed = [&](std::size_t close) {
    line.value = text_.substr(i, close - i);
    return rest_is_blank(close, end) || give_up();
  };
  switch (c) {
    case '"':
    case '\'': {
      quote_ = c;
      const std::size_t close = quoted_end(i + 1, end);
      if (close != std::string_view::npos) return closed(close);
      open_ = Open::Quote;
      scalar_begin_ = i;
      line.value = text_.substr(i, end - i);
      return true;
    }
    case '{':
    case '[': {
      const std::size_t close = flow_end(i, end);
      return close == std::string_view::npos ? give_up() : closed(close);
    }
    case '|':
    case '>': {
      std::size_t k = i + 1;
      while (k < end && std::strchr("+-0123456789", text_[k]) != nullptr) ++k;
      // Without a key or a dash before it, the column that ends the text is not known here.
      if (!rest_is_blank(k, end) || (line.kind != BlockLine::Kind::Key && line.dashes == 0)) return give_up();
      open_ = Open::Block;
      parent_ = parent;
      scalar_begin_ = i;
      line.value = text_.substr(i, k - i);
      return true;
    }
    case '&':
    case '*':
    case '!':
    case '\t':
    case '@':
    case '`':
    case '%':
    case ']':
    case '}':
    case ',':
      return give_up();
    case '?':
    case ':':
    case '-':
      if (i + 1 == end || blank(text_[i + 1])) return give_up();
      break;
    default:
      break;
  }
  std::size_t close = end;
  for (std::size_t k = i + 1; k < end; ++k) {
    if (text_[k] == '#' && blank(text_[k - 1])) {
      close = k;
      break;
    }
  }
  const bool comment = close != end;
  while (close > i && blank(text_[close - 1])) --close;
  line.value = text_.substr(i, close - i);
  if (!comment) {
    open_ = Open::Plain;
    parent_ = parent;
    scalar_begin_ = i;
  }
  return true;
}

}  // namespace waypath::model::yaml
