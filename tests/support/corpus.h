#pragma once
// Where tests find data: files of this repository, and the cases that may lie beside it.

#include <optional>
#include <string>
#include <vector>

namespace waypath::tests {

/// The root of the sources.
[[nodiscard]] std::string source_dir();
/// The folder of the corpus: WAYPATH_CORPUS, else ../shared/corpus beside the sources; nullopt when there is
/// none.
[[nodiscard]] std::optional<std::string> corpus_dir();
/// All manifests (*.yaml, *.yml, *.json) below a folder, sorted.
[[nodiscard]] std::vector<std::string> manifests_below(const std::string& folder);
[[nodiscard]] std::string read_text(const std::string& path);

}  // namespace waypath::tests
