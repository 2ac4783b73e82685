#pragma once
// The loader's side of SourceFiles: large files that are read where they lie while objects are made of them,
// and what reading tells of their lines.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/base/mapped_file.h"
#include "model/base/source_pos.h"

namespace waypath::model {

/// Adds a file that stays mapped until `settle`.
std::uint32_t add_mapped(SourceFiles& files, std::string path, std::shared_ptr<const MappedFile> file);
/// The file behind an id while it is mapped, else null.
[[nodiscard]] const MappedFile* mapped_file(const SourceFiles& files, std::uint32_t id);
/// Bytes of the text, without reading it.
[[nodiscard]] std::size_t text_bytes(const SourceFiles& files, std::uint32_t id);

/// Ends the mapping of all files, for all copies of `files`: no view into their texts may be left. Their
/// lines and texts are read again when asked for, and are empty when the file was touched since. Gives the
/// files that changed while they were mapped.
[[nodiscard]] std::vector<std::uint32_t> settle(const SourceFiles& files);

/// A line (1-based) and the offset of its first byte.
struct LineStart {
  std::uint32_t line = 1;
  std::size_t offset = 0;
};
/// Where some lines of a file start, in order from the first on, when a reader knows it anyway: lines are
/// then found without counting from the start. To be told before a line is asked for.
void know_lines(const SourceFiles& files, std::uint32_t id, std::vector<LineStart> starts);
/// What was told of a file.
[[nodiscard]] const std::vector<LineStart>& told_lines(const SourceFiles& files, std::uint32_t id);

}  // namespace waypath::model
