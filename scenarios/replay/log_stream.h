#pragma once
// Lines of a log: a file, standard input, plain or gzip, of any size in bounded memory.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace waypath::scenarios {

/// Longer lines are handed over cut: no access log has them.
inline constexpr std::size_t kLongestLogLine = std::size_t{1} << 20;
/// Bytes behind the text of a block that may be read, as simdjson does.
inline constexpr std::size_t kLogPadding = 64;

struct LogLine {
  std::uint64_t number = 1;  // from 1
  std::string_view text;     // without the line end
  bool cut = false;          // longer than kLongestLogLine
};

/// Some megabytes of whole lines with their ends; the last line of a log may lack its own.
struct LogBlock {
  std::uint64_t first = 1;  // number of the first line
  std::uint64_t lines = 0;
  std::unique_ptr<char[]> bytes;  // NOLINT(modernize-avoid-c-arrays): not cleared before it is read into
  std::size_t size = 0;
  bool cut = false;  // one line that is longer than a block, without its rest
  [[nodiscard]] std::string_view text() const { return {bytes.get(), size}; }
};

/// Calls `fn` with each block of `path` ("-": standard input) in order. The message when the file cannot be
/// opened or breaks off (a gzip file that is not whole): the lines before it have been handed over.
[[nodiscard]] std::optional<std::string> for_each_log_block(const std::string& path,
                                                            const std::function<void(LogBlock)>& fn);

/// Calls `fn` with each line of a block in order.
template <class Fn>
void for_each_line(const LogBlock& block, const Fn& fn) {
  std::string_view rest = block.text();
  for (std::uint64_t number = block.first; !rest.empty(); ++number) {
    const auto* end = static_cast<const char*>(std::memchr(rest.data(), '\n', rest.size()));
    const std::size_t length = end == nullptr ? rest.size() : static_cast<std::size_t>(end - rest.data());
    std::string_view text = rest.substr(0, length < kLongestLogLine ? length : kLongestLogLine);
    const bool cut = block.cut || length > kLongestLogLine;
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    fn(LogLine{number, text, cut});
    rest.remove_prefix(end == nullptr ? length : length + 1);
  }
}

}  // namespace waypath::scenarios
