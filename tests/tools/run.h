#pragma once
// Runs the program in this process, from the root of the sources.

#include <string>
#include <vector>

namespace waypath::tests {

struct Run {
  int exit_code = 0;
  std::string out, err;
};
[[nodiscard]] Run run(const std::vector<std::string>& arguments);
/// Splits at blanks; 'single quotes' keep blanks.
[[nodiscard]] std::vector<std::string> words(const std::string& line);

}  // namespace waypath::tests
