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

}  // namespace waypath::conformance
