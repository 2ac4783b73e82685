#pragma once
// The side of SourceFiles that is no text: large files that are read where they lie while objects are made of
// them, what reading tells of their lines, and what can be told without reading a file again.

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

/// Whether both have one and the same file at `id`: no copy of it, and no other file of that name.
[[nodiscard]] bool same_file(const SourceFiles& a, const SourceFiles& b, std::uint32_t id);
/// Some bytes of the text; of a file that is no longer mapped no others are read. Empty when it was touched.
[[nodiscard]] std::string text_part(const SourceFiles& files, std::uint32_t id, std::size_t offset,
                                    std::size_t length);

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
