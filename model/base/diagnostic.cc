#include "model/base/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>

namespace waypath::model {
namespace {

std::string_view severity_word(Severity severity) {
  switch (severity) {
    case Severity::Info:
      return "info";
    case Severity::Warning:
      return "warning";
    case Severity::Error:
      return "error";
  }
  return "error";
}

/// Length of the UTF-8 sequence at `text[i]`, or 0 when it is not valid there.
std::size_t utf8_length(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char lead = byte(i);
  const std::size_t length = lead < 0x80         ? 1
                             : lead >> 5 == 0x6  ? 2
                             : lead >> 4 == 0xE  ? 3
                             : lead >> 3 == 0x1E ? 4
                                                 : 0;
  if (length == 0 || i + length > text.size()) return 0;
  for (std::size_t k = 1; k < length; ++k) {
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
  }
  return length;
}

struct Quote {
  std::string line;
  std::string caret;
};

/// The part of a source line around `column` (1-based, in bytes) that fits a terminal, safe to print, and a
/// caret below it. A minified JSON file is one line of megabytes; a binary file has bytes that would upset
/// the terminal.
Quote quote_line(std::string_view source, std::uint32_t column) {
  constexpr std::size_t kBefore = 70;
  constexpr std::size_t kWidth = 100;
  const std::size_t at = column == 0 ? 0 : std::min<std::size_t>(column - 1, source.size());
  std::size_t begin = 0;
  if (source.size() > kWidth && at > kBefore) {
    begin = at - kBefore;
    while (begin < at && (static_cast<unsigned char>(source[begin]) & 0xC0) == 0x80) ++begin;
  }
  Quote quote;
  if (begin > 0) {
    quote.line = "...";
    quote.caret = "   ";
  }
  std::size_t shown = 0;
  for (std::size_t i = begin; i < source.size(); ++shown) {
    if (shown == kWidth) {
      quote.line += "...";
      break;
    }
    const std::size_t length = utf8_length(source, i);
    const unsigned char c = static_cast<unsigned char>(source[i]);
    if (i < at) quote.caret += c == '\t' ? '\t' : ' ';
    if (length == 0 || (c < 0x20 && c != '\t') || c == 0x7F) {
      quote.line += '?';
      ++i;
    } else {
      quote.line += source.substr(i, length);
      i += length;
    }
  }
  quote.caret += '^';
  return quote;
}

}  // namespace

void Diagnostics::append(Diagnostics other) {
  items_.insert(items_.end(), std::make_move_iterator(other.items_.begin()),
                std::make_move_iterator(other.items_.end()));
}

bool Diagnostics::has_input_errors() const {
  return std::any_of(items_.begin(), items_.end(), [](const Diagnostic& d) {
    return d.severity == Severity::Error && d.reach == Reach::Input;
  });
}

bool Diagnostics::has_errors() const {
  return std::any_of(items_.begin(), items_.end(),
                     [](const Diagnostic& d) { return d.severity == Severity::Error; });
}

std::vector<Diagnostic> Diagnostics::sorted(const SourceFiles& files) const {
  const auto key = [&](const Diagnostic& d) {
    return std::tuple(d.pos.known() ? files.path(d.pos.file) : std::string_view{}, d.pos.file, d.pos.line,
                      d.pos.column, d.code.text, std::string_view(d.object), std::string_view(d.field),
                      std::string_view(d.message), d.severity);
  };
  std::vector<Diagnostic> result = items_;
  std::stable_sort(result.begin(), result.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return key(a) < key(b); });
  result.erase(std::unique(result.begin(), result.end(),
                           [&](const Diagnostic& a, const Diagnostic& b) { return key(a) == key(b); }),
               result.end());
  return result;
}

std::string format_diagnostic(const Diagnostic& d, const SourceFiles& files) {
  std::string text;
  if (d.pos.known()) {
    text += files.format(d.pos) + ": ";
  } else if (d.pos.file != 0) {
    text += fmt::format("{}: ", files.path(d.pos.file));
  }
  text += fmt::format("{}: ", severity_word(d.severity));
  for (const std::string* part : {&d.object, &d.field, &d.error_type}) {
    if (!part->empty()) text += *part + ": ";
  }
  text += d.message;
  if (!d.code.text.empty()) text += fmt::format(" [{}]", d.code.text);
  text += '\n';
  if (d.pos.known()) {
    const std::string_view source = files.line(d.pos.file, d.pos.line);
    if (!source.empty()) {
      const Quote quote = quote_line(source, d.pos.column);
      text += fmt::format("  {}\n", quote.line);
      if (d.pos.column != 0) text += fmt::format("  {}\n", quote.caret);
    }
  }
  if (!d.hint.empty()) text += fmt::format("  hint: {}\n", d.hint);
  return text;
}

}  // namespace waypath::model
