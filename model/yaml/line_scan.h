#pragma once
// Passes over whole texts, some dozen bytes at a time: what a loader does before it looks at anything.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace waypath::model::yaml {

/// From `at`, the start of a line, past all lines that begin with more than `column` spaces: the offset of
/// the first line that does not (a blank one too), or the end of the text. Adds the lines passed to `lines`.
[[nodiscard]] std::size_t skip_deeper(std::string_view text, std::size_t at, std::uint32_t column,
                                      std::uint32_t& lines);

/// Offset of the first character that YAML and JSON do not allow: a C0 control other than tab and line ends,
/// a carriage return alone, DEL; npos when there is none. Sets `tabs` when a tab or a carriage return stands
/// before that.
[[nodiscard]] std::size_t find_control(std::string_view text, bool& tabs);

/// The offset after the JSON object or array that starts at `at`; npos when it does not end. Judges brackets
/// by number alone.
[[nodiscard]] std::size_t json_container_end(std::string_view text, std::size_t at);

[[nodiscard]] std::size_t count_lines(std::string_view text);  // line feeds

}  // namespace waypath::model::yaml
