#include "tests/support/corpus.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace waypath::tests {

namespace fs = std::filesystem;

std::string source_dir() { return WAYPATH_SOURCE_DIR; }

std::optional<std::string> corpus_dir() {
  const char* const given = std::getenv("WAYPATH_CORPUS");
  const std::string folder = given != nullptr && *given != '\0' ? given : source_dir() + "/../shared/corpus";
  return fs::is_directory(folder) ? std::optional(folder) : std::nullopt;
}

std::vector<std::string> manifests_below(const std::string& folder) {
  std::vector<std::string> paths;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    const std::string extension = entry.path().extension().string();
    if (entry.is_regular_file() && (extension == ".yaml" || extension == ".yml" || extension == ".json")) {
      paths.push_back(entry.path().string());
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string read_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot open " + path);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace waypath::tests
