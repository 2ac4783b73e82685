#pragma once
// Stage 1 for many files: texts -> the slices to read, large files in parts that are cut side by side.

#include <cstdint>
#include <vector>

#include "model/base/diagnostic.h"
#include "model/base/source_pos.h"
#include "model/yaml/reader.h"

namespace waypath::model {

/// One slice to read, of the file with this id.
struct Task {
  std::uint32_t file = 0;
  yaml::Slice slice;
};

/// The slices of all files in order, whatever `jobs` is, and what is wrong with the files that are no text.
/// Tells `sources` where lines start.
[[nodiscard]] std::vector<Task> split_files(const SourceFiles& sources,
                                            const std::vector<std::uint32_t>& files, unsigned jobs,
                                            Diagnostics& diagnostics);

}  // namespace waypath::model
