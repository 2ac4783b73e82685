#include "model/base/source_pos.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

namespace waypath::model {

namespace {

constexpr std::size_t kBlock = std::size_t{1} << 16;  // bytes between two places whose lines are known

}  // namespace

struct SourceFiles::Entry {
  Entry(std::string p, std::string t) : path(std::move(p)), owned(std::move(t)), text(owned) {}
  Entry(const Entry&) = delete;

  /// Lines before each block of the text. Built when the first line is asked for: most runs quote nothing.
  const std::vector<std::uint32_t>& lines_before() const {
    std::call_once(indexed, [this] {
      std::uint32_t lines = 0;
      for (std::size_t at = 0; at < text.size(); at += kBlock) {
        blocks.push_back(lines);
        const auto block = text.substr(at, kBlock);
        lines += static_cast<std::uint32_t>(std::count(block.begin(), block.end(), '\n'));
      }
    });
    return blocks;
  }

  /// Where line `line` (1-based) starts; npos when there are not so many.
  std::size_t start_of(std::uint32_t line) const {
    if (line == 1) return 0;
    const auto& before = lines_before();
    // The last block with fewer breaks before it than the line has: the break that starts the line is in it.
    const auto after = std::lower_bound(before.begin(), before.end(), line - 1);
    if (after == before.begin()) return std::string_view::npos;
    const auto block = static_cast<std::size_t>(after - before.begin()) - 1;
    std::size_t at = block * kBlock;
    for (std::uint32_t left = line - 1 - before[block]; left > 0; --left) {
      const std::size_t newline = text.find('\n', at);
      if (newline == std::string_view::npos) return newline;
      at = newline + 1;
    }
    return at;
  }

  std::string path, owned;
  std::string_view text;
  mutable std::once_flag indexed;
  mutable std::vector<std::uint32_t> blocks;
};

std::uint32_t SourceFiles::add(std::string path, std::string text) {
  files_.push_back(std::make_shared<const Entry>(std::move(path), std::move(text)));
  return static_cast<std::uint32_t>(files_.size());
}

std::string_view SourceFiles::path(std::uint32_t id) const {
  if (id == 0 || id > files_.size()) return "<unknown>";
  return files_[id - 1]->path;
}

std::string_view SourceFiles::text(std::uint32_t id) const {
  if (id == 0 || id > files_.size()) return {};
  return files_[id - 1]->text;
}

std::string_view SourceFiles::line(std::uint32_t id, std::uint32_t line) const {
  if (id == 0 || id > files_.size() || line == 0) return {};
  const std::size_t begin = files_[id - 1]->start_of(line);
  if (begin == std::string_view::npos) return {};
  const std::string_view all = files_[id - 1]->text;
  std::size_t end = std::min(all.find('\n', begin), all.size());
  if (end > begin && all[end - 1] == '\r') --end;
  return all.substr(begin, end - begin);
}

std::string SourceFiles::format(SourcePos pos) const {
  if (!pos.known()) return {};
  if (pos.column == 0) return fmt::format("{}:{}", path(pos.file), pos.line);
  return fmt::format("{}:{}:{}", path(pos.file), pos.line, pos.column);
}

}  // namespace waypath::model
