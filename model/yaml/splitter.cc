// split_documents: a file's text -> slices.

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "model/yaml/block_lexer.h"
#include "model/yaml/json_slices.h"
#include "model/yaml/reader.h"
#include "model/yaml/yaml_codes.h"

namespace waypath::model::yaml {
namespace {

constexpr std::string_view kUtf8Bom = "\xEF\xBB\xBF";

void report(Diagnostics& diagnostics, Code code, SourcePos pos, std::string message, std::string hint) {
  Diagnostic d;
  d.code = code;
  d.pos = pos;
  d.message = std::move(message);
  d.hint = std::move(hint);
  diagnostics.report(std::move(d));
}

SourcePos position_at(std::string_view text, std::size_t offset, std::uint32_t file) {
  const std::string_view before = text.substr(0, offset);
  const auto line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  const std::size_t newline = before.rfind('\n');
  const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
  return {file, line, static_cast<std::uint32_t>(offset - start) + 1};
}

/// Characters YAML and JSON do not allow: C0 controls other than tab and line ends, a carriage return alone,
/// DEL.
std::size_t find_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != 0x7F) continue;
    if (c == '\t' || c == '\n' || (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ||
        (c == '\r' && i + 1 == text.size()))
      continue;
    return i;
  }
  return std::string_view::npos;
}

std::size_t find_invalid_utf8(std::string_view text) {
  // The longest valid prefix, by halves: only for a file that is refused anyway.
  std::size_t good = 0;
  std::size_t bad = text.size();
  while (bad - good > 1) {
    const std::size_t middle = good + (bad - good) / 2;
    // A sequence cut in the middle is no fault of the text: step back to its start.
    std::size_t cut = middle;
    while (cut > good && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
    if (cut == good) cut = middle;
    (simdjson::validate_utf8(text.data() + good, cut - good) ? good : bad) = cut;
  }
  return good;
}

/// Whether a file is text at all; reports what it seems to be instead.
bool check_text(std::string_view text, std::uint32_t file, Diagnostics& diagnostics) {
  const auto refuse = [&](std::size_t offset, std::string message, std::string hint) {
    report(diagnostics, kInputNotText, position_at(text, offset, file), std::move(message), std::move(hint));
    return false;
  };
  const auto starts = [&](std::string_view magic) { return text.starts_with(magic); };
  if (starts("\xFF\xFE") || starts("\xFE\xFF"))
    return refuse(0, "UTF-16 text; expected UTF-8", "convert it: iconv -f UTF-16 -t UTF-8");
  if (starts("\x1F\x8B")) return refuse(0, "a gzip archive; expected YAML or JSON text", "unpack it first");
  if (starts(std::string_view("PK\x03\x04", 4)))
    return refuse(0, "a zip archive; expected YAML or JSON text", "unpack it first");
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return refuse(nul, "a NUL byte; expected YAML or JSON text", "is this a binary file?");
  }
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    return refuse(find_invalid_utf8(text), "bytes that are not UTF-8; expected YAML or JSON text in UTF-8",
                  "is this a binary file, or text in another encoding?");
  }
  if (const std::size_t control = find_control(text); control != std::string_view::npos) {
    const auto c = static_cast<unsigned char>(text[control]);
    if (c == '\r')
      return refuse(control,
                    "a carriage return without a line feed; expected lines that end in \\n or \\r\\n", "");
    return refuse(control,
                  fmt::format("the control character U+{:04X}; YAML and JSON allow none of these",
                              static_cast<unsigned>(c)),
                  "write it as an escape in a double-quoted text");
  }
  return true;
}

/// Reads apiVersion, kind, namespace and name off the lines of one object whose keys stand at one column.
class Peeker {
 public:
  explicit Peeker(std::uint32_t column) : column_(column) {}

  /// `first`: the line that opens the object (it may start with the dash of a list item).
  void feed(const BlockLine& line, bool first) {
    if (line.kind == BlockLine::Kind::Blank || line.kind == BlockLine::Kind::Content) return;
    if (line.kind == BlockLine::Kind::Text) {  // the value goes on: it is not what the line of its key says
      if (pending_) known_ = false;
      return;
    }
    pending_ = false;
    if (line.kind != BlockLine::Kind::Key) return;
    if (line.column == column_ && (line.dashes == 0 || first)) {
      in_metadata_ = false;
      if (line.key == "apiVersion") take(slice_.api_version, line.value);
      if (line.key == "kind") take(slice_.kind, line.value);
      if (line.key == "metadata") {
        in_metadata_ = true;
        metadata_column_ = 0;
        if (!line.value.empty()) known_ = false;
      }
    } else if (in_metadata_ && line.dashes == 0) {
      if (metadata_column_ == 0) metadata_column_ = line.column;
      if (line.column != metadata_column_) return;
      if (line.key == "name") take(slice_.name, line.value);
      if (line.key == "namespace") take(slice_.ns, line.value);
    }
  }

  /// Puts what was found into `slice`.
  void finish(Slice& slice) const {
    slice.peeked = known_;
    if (!known_) return;
    slice.api_version = slice_.api_version;
    slice.kind = slice_.kind;
    slice.ns = slice_.ns;
    slice.name = slice_.name;
  }

 private:
  void take(std::string_view& field, std::string_view value) {
    if (!field.empty()) known_ = false;  // twice: reading will report it
    pending_ = true;
    if (value.empty()) return;
    const char quote = value.front();
    if (quote == '"' || quote == '\'') {
      const bool simple = value.size() >= 2 && value.back() == quote &&
                          value.find('\\') == std::string_view::npos &&
                          value.find(quote, 1) == value.size() - 1;
      if (!simple) {
        known_ = false;
        return;
      }
      field = value.substr(1, value.size() - 2);
      return;
    }
    if (quote == '|' || quote == '>' || quote == '{' || quote == '[') {
      known_ = false;
      return;
    }
    field = value;
  }

  std::uint32_t column_;
  Slice slice_;
  bool known_ = true;
  bool pending_ = false;
  bool in_metadata_ = false;
  std::uint32_t metadata_column_ = 0;
};

/// One YAML document: its slice, or the slices of its items.
class DocumentSlicer {
 public:
  DocumentSlicer(std::string_view text, Slice document) : text_(text), document_(document) {}

  /// False when a value is too large; `oversized` is where.
  bool run(std::vector<Slice>& out, std::size_t& oversized) {
    BlockLexer lexer(text_.substr(document_.offset, document_.length));
    BlockLine line;
    std::uint32_t number = document_.first_line;
    while (lexer.next(line)) feed(line, number++);
    if (lexer.oversized()) {
      oversized = document_.offset + lexer.oversized_at();
      return false;
    }
    document_.plain_block = lexer.plain();
    if (!document_.plain_block || !peeker_) {
      out.push_back(document_);
      return true;
    }
    peeker_->finish(document_);
    close_item(document_.length);
    const bool list = document_.peeked && document_.kind.ends_with("List") && splittable_ && !items_.empty();
    if (!list) {
      out.push_back(document_);
      return true;
    }
    for (Slice& item : items_) {
      if (item.peeked && item.kind.empty() && document_.kind != "List") {
        item.kind = document_.kind.substr(0, document_.kind.size() - 4);
        if (item.api_version.empty()) item.api_version = document_.api_version;
      }
      out.push_back(item);
    }
    return true;
  }

 private:
  void feed(const BlockLine& line, std::uint32_t number) {
    const bool opens = line.kind == BlockLine::Kind::Key || line.kind == BlockLine::Kind::Item ||
                       line.kind == BlockLine::Kind::Text;
    if (!opens) return;
    if (!peeker_) {
      if (line.kind != BlockLine::Kind::Key || line.dashes > 0) {  // the root is no block mapping
        splittable_ = false;
        root_column_ = UINT32_MAX;
        peeker_.emplace(root_column_);
        return;
      }
      root_column_ = line.column;
      peeker_.emplace(root_column_);
    }
    const bool at_root = line.kind == BlockLine::Kind::Key && line.dashes == 0 && line.column == root_column_;
    if (at_root && in_items_) {
      close_item(line.begin);
      in_items_ = false;
    }
    if (in_items_) {
      feed_item(line, number);
    } else {
      peeker_->feed(line, false);
    }
    if (at_root && line.key == "items") {
      in_items_ = line.value.empty();
      splittable_ = splittable_ && in_items_ && items_.empty();
    }
  }

  void feed_item(const BlockLine& line, std::uint32_t number) {
    if (!dash_column_ && line.dashes > 0) dash_column_ = line.indent;
    if (!dash_column_) {  // `items` is no list of lines
      splittable_ = false;
      return;
    }
    const bool starts = line.dashes > 0 && line.indent == *dash_column_;
    if (starts) {
      close_item(line.begin);
      if (line.kind != BlockLine::Kind::Key || line.dashes != 1) {
        splittable_ = false;
        return;
      }
      Slice item;
      item.offset = document_.offset + line.begin;
      item.first_line = number;
      item.item = static_cast<int>(items_.size());
      item.plain_block = true;
      items_.push_back(item);
      item_peeker_.emplace(line.column);
    } else if (line.indent <= *dash_column_) {
      splittable_ = false;
    }
    if (item_peeker_) item_peeker_->feed(line, starts);
  }

  void close_item(std::size_t end) {
    if (!item_peeker_) return;
    Slice& item = items_.back();
    item.length = document_.offset + end - item.offset;
    item_peeker_->finish(item);
    item_peeker_.reset();
  }

  std::string_view text_;
  Slice document_;
  std::optional<Peeker> peeker_;
  std::optional<Peeker> item_peeker_;
  std::uint32_t root_column_ = 0;
  bool splittable_ = true;
  bool in_items_ = false;
  std::optional<std::uint32_t> dash_column_;
  std::vector<Slice> items_;
};

/// The first character of a chunk that is neither space nor comment, and whether a directive stands before
/// it.
struct Start {
  std::size_t offset = std::string_view::npos;
  bool directive = false;
};

Start find_start(std::string_view text, std::size_t begin, std::size_t end) {
  Start start;
  std::size_t i = begin;
  while (i < end) {
    const std::size_t line_begin = i;
    while (i < end && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n')) {
      if (text[i] == '\n') break;
      ++i;
    }
    if (i < end && text[i] != '\n') {
      const bool directive = text[i] == '%' && i == line_begin;
      if (text[i] != '#' && !directive) {
        start.offset = i;
        return start;
      }
      start.directive = start.directive || directive;
    }
    const std::size_t newline = text.find('\n', i);
    if (newline == std::string_view::npos || newline >= end) break;
    i = newline + 1;
  }
  return start;
}

class FileSplitter {
 public:
  FileSplitter(std::string_view text, std::uint32_t file, Diagnostics& diagnostics)
      : text_(text), file_(file), diagnostics_(diagnostics) {}

  std::vector<Slice> run() {
    std::size_t i = text_.starts_with(kUtf8Bom) ? kUtf8Bom.size() : 0;
    chunk_ = i;
    std::uint32_t line = 1;
    while (i < text_.size()) {
      const std::size_t newline = text_.find('\n', i);
      const std::size_t next = newline == std::string_view::npos ? text_.size() : newline + 1;
      if (text_.size() - i >= 3 && (text_[i] == '-' || text_[i] == '.')) marker(i, next, line);
      i = next;
      ++line;
    }
    chunk(text_.size());
    return std::move(slices_);
  }

 private:
  /// A document marker at column 0 ends a document wherever it stands: YAML allows none inside of texts.
  void marker(std::size_t i, std::size_t next, std::uint32_t line) {
    const std::string_view mark = text_.substr(i, 3);
    if (mark != "---" && mark != "...") return;
    const std::string_view rest = text_.substr(i + 3, next - i - 3);
    if (!rest.empty() && rest.front() != ' ' && rest.front() != '\t' && rest.front() != '\r' &&
        rest.front() != '\n')
      return;
    const std::size_t content = rest.find_first_not_of(" \t\r\n");
    const bool bare = content == std::string_view::npos || rest[content] == '#';
    if (mark == "---" && find_start(text_, chunk_, i).offset == std::string_view::npos &&
        find_start(text_, chunk_, i).directive) {
      return;  // directives belong to the document that this marker starts
    }
    chunk(i);
    chunk_ = bare || mark == "..." ? next : i;
    chunk_line_ = bare || mark == "..." ? line + 1 : line;
  }

  /// The text between two markers.
  void chunk(std::size_t end) {
    const Start start = find_start(text_, chunk_, end);
    if (start.offset == std::string_view::npos) return;
    Slice slice;
    slice.offset = chunk_;
    slice.first_line = chunk_line_;
    slice.length = end - chunk_;
    const char first = text_[start.offset];
    if (!start.directive && (first == '{' || first == '[')) {
      slice.length = end - start.offset;
      const std::string_view before = text_.substr(chunk_, start.offset - chunk_);
      slice.first_line += static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n'));
      const std::size_t newline = before.rfind('\n');
      slice.first_column =
          static_cast<std::uint32_t>(before.size() - (newline == std::string_view::npos ? 0 : newline + 1)) +
          1;
      slice.offset = start.offset;
      for (const Slice& value : slice_json(text_, slice)) slices_.push_back(value);
      return;
    }
    std::size_t oversized = 0;
    if (!DocumentSlicer(text_, slice).run(slices_, oversized)) {
      report(diagnostics_, kScalarTooLarge, position_at(text_, oversized, file_),
             "a value of more than 16 MiB is no manifest", "leave this file out");
    }
  }

  std::string_view text_;
  std::uint32_t file_;
  Diagnostics& diagnostics_;
  std::vector<Slice> slices_;
  std::size_t chunk_ = 0;
  std::uint32_t chunk_line_ = 1;
};

}  // namespace

std::vector<Slice> split_documents(std::string_view text, std::uint32_t file, Diagnostics& diagnostics) {
  if (!check_text(text, file, diagnostics)) return {};
  return FileSplitter(text, file, diagnostics).run();
}

}  // namespace waypath::model::yaml
