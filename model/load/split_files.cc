#include "model/load/split_files.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "model/base/mapped_sources.h"
#include "model/base/parallel.h"
#include "model/yaml/line_scan.h"

namespace waypath::model {
namespace {

constexpr std::size_t kPart = std::size_t{2} << 20;  // bytes that one thread cuts
constexpr std::size_t kNearby = kPart / 8;           // bytes that are searched for the end of a document

/// Part of a file that can be cut alone: it starts with the file or with a bare document marker.
struct Part {
  std::uint32_t file = 0;
  std::size_t offset = 0, length = 0;
  std::vector<yaml::Slice> slices;
  Diagnostics diagnostics;
};

/// Whether the line that ends before `newline` is content: then the marker behind it ends a document, and
/// belongs to no directive.
bool content_before(std::string_view text, std::size_t newline) {
  const std::size_t before = newline == 0 ? std::string_view::npos : text.rfind('\n', newline - 1);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  const std::string_view line = text.substr(begin, newline - begin);
  const std::size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos || line[first] == '#') return false;
  return !line.starts_with('%') && !line.starts_with("---") && !line.starts_with("...");
}

/// Where the next part may start, behind `at`; the end of the text when no document ends nearby: then this is
/// one large List, or JSON.
std::size_t next_part(std::string_view text, std::size_t at) {
  constexpr std::string_view kMarker = "\n---\n";
  const std::string_view nearby = text.substr(0, at + kNearby);
  while (true) {
    const std::size_t newline = nearby.find(kMarker, at);
    if (newline == std::string_view::npos) return text.size();
    if (content_before(text, newline)) return newline + 1;
    at = newline + 1;
  }
}

std::vector<Part> parts_of(const SourceFiles& sources, const std::vector<std::uint32_t>& files) {
  std::vector<Part> parts;
  for (const std::uint32_t file : files) {
    const std::string_view text = sources.text(file);
    std::size_t offset = 0;
    do {
      const std::size_t end =
          text.size() - offset < 2 * kPart ? text.size() : next_part(text, offset + kPart);
      parts.push_back({file, offset, end - offset, {}, {}});
      offset = end;
    } while (offset < text.size());
  }
  return parts;
}

void split(const SourceFiles& sources, Part& part) {
  const MappedFile* const mapped = mapped_file(sources, part.file);
  const auto release = [&](std::size_t offset, std::size_t length) {
    mapped->release(part.offset + offset, length);
  };
  part.slices =
      yaml::split_documents(sources.text(part.file).substr(part.offset, part.length), part.file,
                            part.diagnostics, mapped != nullptr ? yaml::Passed(release) : yaml::Passed());
}

/// Line feeds of a part.
std::uint32_t lines_of(const SourceFiles& sources, const Part& part) {
  std::string_view text = sources.text(part.file).substr(part.offset, part.length);
  if (part.slices.empty()) return static_cast<std::uint32_t>(yaml::count_lines(text));
  const yaml::Slice& last = part.slices.back();
  text.remove_prefix(last.offset);
  return last.first_line - 1 + static_cast<std::uint32_t>(yaml::count_lines(text));
}

/// Slices know their lines: a place every so often is enough to find any line.
void note_lines(const SourceFiles& sources, const std::vector<Task>& tasks) {
  constexpr std::size_t kApart = std::size_t{1} << 16;
  for (std::size_t i = 0; i < tasks.size();) {
    const std::uint32_t file = tasks[i].file;
    std::vector<LineStart> starts{LineStart{}};
    for (; i < tasks.size() && tasks[i].file == file; ++i) {
      const yaml::Slice& slice = tasks[i].slice;
      const std::size_t offset = slice.offset - (slice.first_column - 1);
      if (offset >= starts.back().offset + kApart) starts.push_back({slice.first_line, offset});
    }
    know_lines(sources, file, std::move(starts));
  }
}

}  // namespace

std::vector<Task> split_files(const SourceFiles& sources, const std::vector<std::uint32_t>& files,
                              unsigned jobs, Diagnostics& diagnostics) {
  std::vector<Part> parts = parts_of(sources, files);
  parallel_for_index(parts.size(), jobs, [&](std::size_t i) { split(sources, parts[i]); });
  std::vector<Task> tasks;
  std::size_t slices = 0;
  for (const Part& part : parts) slices += part.slices.size();
  tasks.reserve(slices);
  for (auto first = parts.begin(); first != parts.end();) {
    const auto last =
        std::find_if(first, parts.end(), [&](const Part& part) { return part.file != first->file; });
    if (std::any_of(first, last, [](const Part& part) { return !part.diagnostics.empty(); })) {
      // No text: what is wrong, and where, is judged for the whole file.
      Part whole{first->file, 0, sources.text(first->file).size(), {}, {}};
      split(sources, whole);
      diagnostics.append(std::move(whole.diagnostics));
      first = last;
      continue;
    }
    std::uint32_t lines = 0;
    for (; first != last; ++first) {
      for (yaml::Slice slice : first->slices) {
        slice.offset += first->offset;
        slice.first_line += lines;
        tasks.push_back({first->file, slice});
      }
      if (std::next(first) != last) lines += lines_of(sources, *first);
    }
  }
  note_lines(sources, tasks);
  return tasks;
}

}  // namespace waypath::model
