#pragma once
// The texts of block style that stand on one line.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace waypath::model::yaml {

/// Plain text that means null.
[[nodiscard]] inline bool is_null_word(std::string_view text) {
  switch (text.size()) {
    case 1:
      return text[0] == '~';
    case 4:
      return text == "null" || text == "Null" || text == "NULL";
    default:
      return false;
  }
}

struct QuotedText {
  std::size_t length = 0;  // with its quotes; 0: it does not end on this line
  std::string_view inside;
  bool escaped = false;  // `inside` is not yet what it means
};

/// Of the text whose opening quote is the first character of `line`.
[[nodiscard]] QuotedText double_quoted(std::string_view line);
[[nodiscard]] QuotedText single_quoted(std::string_view line);

/// Nullopt: an escape that only the reference reader knows.
[[nodiscard]] std::optional<std::string> unescape_double(std::string_view inside);
[[nodiscard]] std::string unescape_single(std::string_view inside);

}  // namespace waypath::model::yaml
