// split_documents: a file's text -> slices.

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "model/yaml/json_slices.h"
#include "model/yaml/line_scan.h"
#include "model/yaml/list_slices.h"
#include "model/yaml/reader.h"
#include "model/yaml/yaml_codes.h"

namespace waypath::model::yaml {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
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

constexpr std::size_t kWindow = std::size_t{1}
                                << 20;  // of a pass; larger than a processor's nearest caches hold

/// A part of the text from `begin` on that ends with a line, or with the text.
std::string_view window(std::string_view text, std::size_t begin) {
  if (text.size() - begin <= kWindow) return text.substr(begin);
  const std::size_t newline = text.find('\n', begin + kWindow);
  return text.substr(begin, newline == std::string_view::npos ? newline : newline + 1 - begin);
}

/// Whether nothing is wrong with the bytes of a text; sets `tabs` when it holds tabs or carriage returns.
bool clean(std::string_view text, bool& tabs) {
  return simdjson::validate_utf8(text.data(), text.size()) && find_control(text, tabs) == kNone;
}

/// Reports what a file that is no text seems to be instead.
void report_no_text(std::string_view text, std::uint32_t file, Diagnostics& diagnostics) {
  const auto refuse = [&](std::size_t offset, std::string message, std::string hint) {
    report(diagnostics, kInputNotText, position_at(text, offset, file), std::move(message), std::move(hint));
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
  bool tabs = false;
  if (const std::size_t control = find_control(text, tabs); control != std::string_view::npos) {
    const auto c = static_cast<unsigned char>(text[control]);
    if (c == '\r')
      return refuse(control,
                    "a carriage return without a line feed; expected lines that end in \\n or \\r\\n", "");
    return refuse(control,
                  fmt::format("the control character U+{:04X}; YAML and JSON allow none of these",
                              static_cast<unsigned>(c)),
                  "write it as an escape in a double-quoted text");
  }
}

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
  FileSplitter(std::string_view text, const Passed& passed) : text_(text), passed_(passed) {}

  /// Nullopt: this is no text.
  std::optional<std::vector<Slice>> run() {
    std::size_t i = text_.starts_with(kUtf8Bom) ? kUtf8Bom.size() : 0;
    chunk_ = i;
    std::uint32_t line = 1;
    while (i < text_.size()) {
      if (!check_to(i)) return std::nullopt;
      switch (text_[i]) {
        case ' ':
          // No further than the bytes that were looked at: the memory of all of a large JSON would be held.
          i = skip_deeper(text_.substr(0, checked_), i, 0, line);
          continue;
        case '#':
        case '\n':
        case '\r':
          break;
        case '-':
        case '.':
          if (marker(i, next_line(i), line)) break;
          [[fallthrough]];
        default:
          top_.push_back({i, line});
      }
      i = next_line(i);
      ++line;
    }
    if (!text_.empty() && !check_to(text_.size() - 1)) return std::nullopt;
    chunk(text_.size());
    for (Slice& slice : slices_) slice.no_tabs = !tabs_;
    return std::move(slices_);
  }

 private:
  /// Looks at the bytes up to the one at `i`, a window at a time, while they are near.
  bool check_to(std::size_t i) {
    while (checked_ <= i && checked_ < text_.size()) {
      if (passed_ && checked_ > released_) {
        passed_(released_, checked_ - released_);
        released_ = checked_;
      }
      const std::string_view part = window(text_, checked_);
      if (!clean(part, tabs_)) return false;
      checked_ += part.size();
    }
    return true;
  }

  [[nodiscard]] std::size_t next_line(std::size_t i) const {
    const std::size_t newline = text_.find('\n', i);
    return newline == std::string_view::npos ? text_.size() : newline + 1;
  }

  /// A document marker at column 0 ends a document wherever it stands: YAML allows none inside of texts.
  /// False when this line is none.
  bool marker(std::size_t i, std::size_t next, std::uint32_t line) {
    const std::string_view mark = text_.substr(i, 3);
    if (mark != "---" && mark != "...") return false;
    const std::string_view rest = text_.substr(i + 3, next - i - 3);
    if (!rest.empty() && rest.front() != ' ' && rest.front() != '\t' && rest.front() != '\r' &&
        rest.front() != '\n')
      return false;
    const std::size_t content = rest.find_first_not_of(" \t\r\n");
    const bool bare = content == std::string_view::npos || rest[content] == '#';
    if (mark == "---" && find_start(text_, chunk_, i).offset == std::string_view::npos &&
        find_start(text_, chunk_, i).directive) {
      return true;  // directives belong to the document that this marker starts
    }
    chunk(i);
    chunk_ = bare || mark == "..." ? next : i;
    chunk_line_ = bare || mark == "..." ? line + 1 : line;
    return true;
  }

  /// The text between two markers.
  void chunk(std::size_t end) {
    const std::vector<TopLine> top = std::exchange(top_, {});
    const Start start = find_start(text_, chunk_, end);
    if (start.offset == std::string_view::npos) return;
    Slice slice;
    slice.offset = chunk_;
    slice.first_line = chunk_line_;
    slice.length = end - chunk_;
    const char first = text_[start.offset];
    // No JSON starts with two braces: a template, which reading refuses as YAML.
    const bool action = text_.substr(start.offset, 2) == "{{" || text_.substr(start.offset, 2) == "{%";
    if (!start.directive && !action && (first == '{' || first == '[')) {
      slice.length = end - start.offset;
      const std::string_view before = text_.substr(chunk_, start.offset - chunk_);
      slice.first_line += static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n'));
      const std::size_t newline = before.rfind('\n');
      slice.first_column =
          static_cast<std::uint32_t>(before.size() - (newline == std::string_view::npos ? 0 : newline + 1)) +
          1;
      slice.offset = start.offset;
      for (const Slice& value : slice_json(text_, slice, passed_)) slices_.push_back(value);
      return;
    }
    if (!start.directive && slice_list(text_, slice, top, slices_, passed_)) return;
    slices_.push_back(slice);
  }

  std::string_view text_;
  const Passed& passed_;
  bool tabs_ = false;
  std::size_t checked_ = 0, released_ = 0;
  std::vector<Slice> slices_;
  std::vector<TopLine> top_;  // of the chunk
  std::size_t chunk_ = 0;
  std::uint32_t chunk_line_ = 1;
};

}  // namespace

std::vector<Slice> split_documents(std::string_view text, std::uint32_t file, Diagnostics& diagnostics,
                                   const Passed& passed) {
  if (auto slices = FileSplitter(text, passed).run()) return std::move(*slices);
  report_no_text(text, file, diagnostics);
  return {};
}

}  // namespace waypath::model::yaml
