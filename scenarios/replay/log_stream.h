#pragma once
// Lines of a log: a file, standard input, plain or gzip, of any size in bounded memory.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace waypath::scenarios {

/// Longer lines are handed over cut: no access log has them.
inline constexpr std::size_t kLongestLogLine = std::size_t{1} << 20;

struct LogLine {
  std::uint64_t number = 1;  // from 1
  std::string_view text;     // without the line end; valid during the call
  bool cut = false;          // longer than kLongestLogLine
};

/// Calls `fn` with each line of `path` ("-": standard input) in order. A last line without an end is a line.
/// The message when the file cannot be opened or breaks off (a gzip file that is not whole): the lines before
/// it have been handed over.
[[nodiscard]] std::optional<std::string> for_each_log_line(const std::string& path,
                                                           const std::function<void(const LogLine&)>& fn);

}  // namespace waypath::scenarios
