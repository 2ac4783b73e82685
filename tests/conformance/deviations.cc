#include <fstream>

#include "tests/conformance/corpus.h"

namespace waypath::conformance {

std::set<std::string> read_deviations() {
  std::set<std::string> out;
  std::ifstream in(std::string(WAYPATH_SOURCE_DIR) + "/tests/conformance/deviations.txt");
  for (std::string line; std::getline(in, line);) {
    const std::size_t reason = line.rfind(" | ");
    if (!line.empty() && line.front() != '#' && reason != std::string::npos)
      out.insert(line.substr(0, reason));
  }
  return out;
}

bool covers(std::string_view line, std::string_view text) {
  const std::size_t star = line.find('*');
  if (star == std::string_view::npos) return line == text;
  if (text.substr(0, star) != line.substr(0, star)) return false;
  for (std::size_t at = star; at <= text.size(); ++at)
    if (covers(line.substr(star + 1), text.substr(at))) return true;
  return false;
}

}  // namespace waypath::conformance
