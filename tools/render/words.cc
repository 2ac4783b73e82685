#include "tools/render/words.h"

#include <fmt/format.h>

#include <iterator>

#include "tools/render/names.h"

namespace waypath::tools {

std::string counted(std::uint64_t n, std::string_view one, std::string_view many) {
  if (n == 1) return fmt::format("1 {}", one);
  return many.empty() ? fmt::format("{} {}s", count_text(n), one) : fmt::format("{} {}", count_text(n), many);
}

std::string count_text(std::uint64_t n) {
  std::string out = std::to_string(n);
  for (auto at = static_cast<std::ptrdiff_t>(out.size()) - 3; at > 0; at -= 3)
    out.insert(out.begin() + at, ',');
  return out;
}

std::string bytes_text(std::uint64_t n) {
  static constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB"};
  if (n < 1000) return fmt::format("{} B", n);
  double value = static_cast<double>(n) / 1000;
  std::size_t unit = 0;
  while (value >= 999.95 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string markdown_code(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) out += c == '`' ? '\'' : c == '|' ? '/' : c;
  return "`" + out + "`";
}

std::string csv_field(std::string_view text) {
  std::string safe = printable(text);
  if (!safe.empty() && std::string_view("=+-@").find(safe.front()) != std::string_view::npos)
    safe.insert(safe.begin(), '\'');
  if (safe.find_first_of(",\"\n\r") == std::string::npos) return safe;
  std::string out = "\"";
  for (const char c : safe) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

}  // namespace waypath::tools
