#pragma once
// Where something stands in the input, and the texts of the input files.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace waypath::model {

/// A place in an input file. `file` indexes `SourceFiles`; line and column are 1-based; line 0 = unknown.
struct SourcePos {
  std::uint32_t file = 0;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  [[nodiscard]] bool known() const { return line != 0; }
  friend bool operator==(SourcePos, SourcePos) = default;
};

/// One input file, kept so that diagnostics can quote it and a patch can read an object again.
struct SourceFile {
  std::string path;  // as the user gave it, below the directory they gave; never made absolute
  std::string text;
};

/// The input files of a snapshot. Copying shares the texts; an overlay appends its own (a change file).
/// Id 0 is "<unknown>"; the first file has id 1.
class SourceFiles {
 public:
  std::uint32_t add(std::string path, std::string text);
  [[nodiscard]] std::string_view path(std::uint32_t id) const;
  [[nodiscard]] std::string_view text(std::uint32_t id) const;
  /// Line `line` (1-based) of the file without its newline; empty when unknown.
  [[nodiscard]] std::string_view line(std::uint32_t id, std::uint32_t line) const;
  [[nodiscard]] std::size_t size() const { return files_.size(); }
  /// "path:line:column", or "path:line", or "" when unknown.
  [[nodiscard]] std::string format(SourcePos pos) const;

 private:
  struct Entry;  // the file and, once a line was asked for, where its lines start
  std::vector<std::shared_ptr<const Entry>> files_;
};

}  // namespace waypath::model
