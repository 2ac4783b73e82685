#include "model/base/source_pos.h"

#include <fmt/format.h>

#include <cstring>
#include <mutex>
#include <utility>

namespace waypath::model {

struct SourceFiles::Entry {
  explicit Entry(SourceFile f) : file(std::move(f)) {}

  /// Built when the first diagnostic quotes this file: most runs quote nothing.
  const std::vector<std::size_t>& line_starts() const {
    std::call_once(indexed, [this] {
      const char* const begin = file.text.data();
      const char* const end = begin + file.text.size();
      starts.push_back(0);
      for (const char* p = begin; p != end;) {
        const void* hit = std::memchr(p, '\n', static_cast<std::size_t>(end - p));
        if (hit == nullptr) break;
        p = static_cast<const char*>(hit) + 1;
        starts.push_back(static_cast<std::size_t>(p - begin));
      }
    });
    return starts;
  }

  SourceFile file;
  mutable std::once_flag indexed;
  mutable std::vector<std::size_t> starts;
};

std::uint32_t SourceFiles::add(std::string path, std::string text) {
  files_.push_back(std::make_shared<const Entry>(SourceFile{std::move(path), std::move(text)}));
  return static_cast<std::uint32_t>(files_.size());
}

std::string_view SourceFiles::path(std::uint32_t id) const {
  if (id == 0 || id > files_.size()) return "<unknown>";
  return files_[id - 1]->file.path;
}

std::string_view SourceFiles::text(std::uint32_t id) const {
  if (id == 0 || id > files_.size()) return {};
  return files_[id - 1]->file.text;
}

std::string_view SourceFiles::line(std::uint32_t id, std::uint32_t line) const {
  if (id == 0 || id > files_.size() || line == 0) return {};
  const std::vector<std::size_t>& starts = files_[id - 1]->line_starts();
  if (line > starts.size()) return {};
  const std::string_view all = files_[id - 1]->file.text;
  const std::size_t begin = starts[line - 1];
  std::size_t end = line < starts.size() ? starts[line] - 1 : all.size();
  if (end > begin && all[end - 1] == '\r') --end;
  return all.substr(begin, end - begin);
}

std::string SourceFiles::format(SourcePos pos) const {
  if (!pos.known()) return {};
  if (pos.column == 0) return fmt::format("{}:{}", path(pos.file), pos.line);
  return fmt::format("{}:{}:{}", path(pos.file), pos.line, pos.column);
}

}  // namespace waypath::model
