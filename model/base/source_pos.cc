#include "model/base/source_pos.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>

#include "model/base/mapped_sources.h"

namespace waypath::model {

namespace {

constexpr std::size_t kBlock = std::size_t{1} << 16;  // bytes between two places whose lines are known

std::string_view line_at(std::string_view text, std::size_t begin) {
  std::size_t end = std::min(text.find('\n', begin), text.size());
  if (end > begin && text[end - 1] == '\r') --end;
  return text.substr(begin, end - begin);
}

}  // namespace

struct SourceFiles::Entry {
  static const Entry& of(const SourceFiles& files, std::uint32_t id) { return *files.files_[id - 1]; }
  static std::uint32_t add(SourceFiles& files, std::shared_ptr<const Entry> entry) {
    files.files_.push_back(std::move(entry));
    return static_cast<std::uint32_t>(files.files_.size());
  }

  Entry(std::string p, std::string t) : path(std::move(p)), owned(std::move(t)) { stamp.size = owned.size(); }
  Entry(std::string p, std::shared_ptr<const MappedFile> file) : path(std::move(p)), mapped(std::move(file)) {
    stamp = mapped->stamp();
  }
  Entry(const Entry&) = delete;

  std::string_view text() const {
    if (mapped) return mapped->text();
    if (elsewhere) std::call_once(read_again, [this] { owned = part(0, stamp.size); });
    return owned;
  }

  std::string_view line(std::uint32_t number) const {
    if (!elsewhere) {
      const std::string_view all = text();
      const std::size_t begin = start_of(all, 0, number);
      return begin == std::string_view::npos ? std::string_view{} : line_at(all, begin);
    }
    // Few lines of a large file are quoted: each is read by itself, and kept.
    const std::scoped_lock lock(mutex);
    const auto [at, first] = lines.try_emplace(number);
    if (first) at->second = line_from_file(number);
    return at->second;
  }

  std::string part(std::size_t offset, std::size_t length) const {
    return read_part(path, stamp, offset, length).value_or(std::string());
  }

  // mapped_sources.h. Defined here, where the files and their entries are open to them; `used`, as nothing in
  // this file calls them.
  [[gnu::used]] friend std::uint32_t add_mapped(SourceFiles& files, std::string name,
                                                std::shared_ptr<const MappedFile> from) {
    return add(files, std::make_shared<const Entry>(std::move(name), std::move(from)));
  }
  [[gnu::used]] friend const MappedFile* mapped_file(const SourceFiles& files, std::uint32_t id) {
    return of(files, id).mapped.get();
  }
  [[gnu::used]] friend std::size_t text_bytes(const SourceFiles& files, std::uint32_t id) {
    return of(files, id).stamp.size;
  }
  [[gnu::used]] friend bool same_file(const SourceFiles& a, const SourceFiles& b, std::uint32_t id) {
    return &of(a, id) == &of(b, id);
  }
  [[gnu::used]] friend std::string text_part(const SourceFiles& files, std::uint32_t id, std::size_t offset,
                                             std::size_t length) {
    const Entry& file = of(files, id);
    if (file.elsewhere) return file.part(offset, length);
    const std::string_view all = file.text();
    return std::string(all.substr(std::min(offset, all.size()), length));
  }
  [[gnu::used]] friend void know_lines(const SourceFiles& files, std::uint32_t id,
                                       std::vector<LineStart> starts) {
    of(files, id).known = std::move(starts);
  }
  [[gnu::used]] friend const std::vector<LineStart>& told_lines(const SourceFiles& files, std::uint32_t id) {
    return of(files, id).known;
  }
  [[gnu::used]] friend std::vector<std::uint32_t> settle(const SourceFiles& files) {
    std::vector<std::uint32_t> changed;
    for (std::uint32_t id = 1; id <= files.size(); ++id) {
      const Entry& file = of(files, id);
      if (!file.mapped) continue;
      if (!file.mapped->unchanged()) changed.push_back(id);
      file.elsewhere = true;
      file.mapped = nullptr;
    }
    return changed;
  }

  std::string path;

 private:
  /// Some lines of the text and where they start. Counted when the first line is asked for, unless they were
  /// known: most runs quote nothing.
  const std::vector<LineStart>& known_lines() const {
    std::call_once(indexed, [this] {
      counted = known;
      if (!counted.empty()) return;
      const std::string_view all = text();
      LineStart at;
      while (true) {
        counted.push_back(at);
        const std::size_t newline = all.find('\n', at.offset + kBlock);
        if (newline == std::string_view::npos) return;
        const auto passed = all.substr(at.offset, newline + 1 - at.offset);
        at.line += static_cast<std::uint32_t>(std::count(passed.begin(), passed.end(), '\n'));
        at.offset = newline + 1;
      }
    });
    return counted;
  }

  /// The last place before line `line` (1-based) that is known.
  LineStart place_before(std::uint32_t line) const {
    if (line == 1) return {};
    const auto& places = known_lines();
    const auto after =
        std::upper_bound(places.begin(), places.end(), line,
                         [](std::uint32_t wanted, const LineStart& start) { return wanted < start.line; });
    return after == places.begin() ? LineStart{} : *std::prev(after);
  }

  /// Where line `line` starts in `all`, the text from `offset` on; npos when there are not so many.
  std::size_t start_of(std::string_view all, std::size_t offset, std::uint32_t line) const {
    LineStart at = place_before(line);
    at.offset -= offset;
    for (; at.line < line; ++at.line) {
      const std::size_t newline = all.find('\n', at.offset);
      if (newline == std::string_view::npos) return newline;
      at.offset = newline + 1;
    }
    return at.offset;
  }

  std::string line_from_file(std::uint32_t number) const {
    const LineStart from = place_before(number);
    if (from.offset >= stamp.size) return {};
    for (std::size_t length = 4 * kBlock;; length *= 2) {
      const bool to_end = length >= stamp.size - from.offset;
      const std::string some = part(from.offset, to_end ? stamp.size - from.offset : length);
      if (some.empty()) return {};
      const std::size_t begin = start_of(some, from.offset, number);
      const bool whole = begin != std::string::npos && some.find('\n', begin) != std::string::npos;
      if (!whole && !to_end) continue;
      return begin == std::string::npos ? std::string() : std::string(line_at(some, begin));
    }
  }

  // What the loader sets, before others see the files.
  mutable std::shared_ptr<const MappedFile> mapped;
  mutable bool elsewhere = false;  // was mapped: to be read again
  mutable std::vector<LineStart> known;

  FileStamp stamp;
  mutable std::string owned;
  mutable std::once_flag read_again, indexed;
  mutable std::vector<LineStart> counted;
  mutable std::mutex mutex;
  mutable std::map<std::uint32_t, std::string> lines;  // of a file that is elsewhere
};

std::uint32_t SourceFiles::add(std::string path, std::string text) {
  return Entry::add(*this, std::make_shared<const Entry>(std::move(path), std::move(text)));
}

std::string_view SourceFiles::path(std::uint32_t id) const {
  if (id == 0 || id > files_.size()) return "<unknown>";
  return files_[id - 1]->path;
}

std::string_view SourceFiles::text(std::uint32_t id) const {
  if (id == 0 || id > files_.size()) return {};
  return files_[id - 1]->text();
}

std::string_view SourceFiles::line(std::uint32_t id, std::uint32_t line) const {
  if (id == 0 || id > files_.size() || line == 0) return {};
  return files_[id - 1]->line(line);
}

std::string SourceFiles::format(SourcePos pos) const {
  if (!pos.known()) return {};
  if (pos.column == 0) return fmt::format("{}:{}", path(pos.file), pos.line);
  return fmt::format("{}:{}:{}", path(pos.file), pos.line, pos.column);
}

}  // namespace waypath::model
