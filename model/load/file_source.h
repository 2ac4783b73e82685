#pragma once
// Stage 1: paths as the user gave them -> files with their texts, in the order of the paths.

#include <string>
#include <vector>

#include "model/base/diagnostic.h"
#include "model/base/source_pos.h"

namespace waypath::model {

/// Reads files, directories (recursive; *.yaml, *.yml, *.json, sorted by path; hidden entries are left out)
/// and "-" (standard input, at most once). Adds each file to `files` and returns the ids in order. A path
/// that is missing or cannot be read is an input error; a directory without manifests is a warning. A file
/// named twice is read once. Files of a MiB and more stay mapped until `settle` (mapped_sources.h).
[[nodiscard]] std::vector<std::uint32_t> read_sources(const std::vector<std::string>& paths,
                                                      SourceFiles& files, Diagnostics& diagnostics);

}  // namespace waypath::model
