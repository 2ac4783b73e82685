#pragma once
// Numbers and cells as every renderer writes them.

#include <cstdint>
#include <string>
#include <string_view>

namespace waypath::tools {

/// "1 flow", "1,204 flows"; `many` where an s does not do.
[[nodiscard]] std::string counted(std::uint64_t n, std::string_view one, std::string_view many = {});
/// "1,204".
[[nodiscard]] std::string count_text(std::uint64_t n);
/// "42.0 kB".
[[nodiscard]] std::string bytes_text(std::uint64_t n);

/// Code in a cell of a Markdown table.
[[nodiscard]] std::string markdown_code(std::string_view text);
/// A field of RFC 4180. One that a spreadsheet would take for a formula is quoted with '.
[[nodiscard]] std::string csv_field(std::string_view text);

}  // namespace waypath::tools
