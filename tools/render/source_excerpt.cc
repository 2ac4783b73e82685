#include "tools/render/source_excerpt.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "tools/render/names.h"

namespace waypath::tools {
namespace {

constexpr std::size_t kExcerptLines = 400, kExcerptColumns = 400;
constexpr std::uint32_t kNear = 5000;

std::size_t indent_of(std::string_view line) {
  const auto at = line.find_first_not_of(' ');
  return at == std::string_view::npos ? line.size() : at;
}

// "apiVersion:" or "- apiVersion:" (or kind first): a line at which an object can begin.
bool begins_object(std::string_view line) {
  line.remove_prefix(indent_of(line));
  if (line.substr(0, 2) == "- ") line.remove_prefix(2);
  return line.substr(0, 11) == "apiVersion:" || line.substr(0, 5) == "kind:";
}

bool ends_document(std::string_view line) { return line.substr(0, 3) == "---" || line.substr(0, 3) == "..."; }

// The innermost block of indented JSON around the line that is an object of its own. Nothing of JSON on one
// line: all objects of a list would come with it.
std::pair<std::size_t, std::size_t> json_block(const std::vector<std::string_view>& lines, std::size_t at) {
  const auto starts = [&](std::size_t i, std::string_view word) {
    return lines[i].substr(indent_of(lines[i])).substr(0, word.size()) == word;
  };
  std::size_t inner = indent_of(lines[at]);
  for (std::size_t i = at; i-- > 0;) {
    const std::size_t indent = indent_of(lines[i]);
    if (lines[i].find_first_not_of(" \r") == std::string_view::npos || indent >= inner) continue;
    inner = indent;
    if (!starts(i, "{")) continue;
    std::size_t last = at;
    bool object = false;
    for (std::size_t j = i + 1; j < lines.size(); ++j) {
      object = object || (starts(j, "\"apiVersion\"") && indent_of(lines[j]) <= indent_of(lines[i + 1]));
      last = j;
      if (indent_of(lines[j]) == indent && starts(j, "}")) break;
    }
    if (object) return {i, last};
  }
  return {at, at};
}

}  // namespace

SourceExcerpt excerpt(std::string_view text, std::uint32_t line) {
  if (line == 0) return {};
  // Only lines near by are looked at: a file may hold a whole cluster.
  const std::uint32_t before = line > kNear ? line - kNear : 1;
  std::vector<std::string_view> lines;
  std::uint32_t number = 1;
  for (std::size_t start = 0; start <= text.size() && number <= line + kNear; ++number) {
    const auto end = std::min(text.find('\n', start), text.size());
    if (number >= before) lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  if (number <= line) return {};
  const std::size_t at = line - before;
  // Up to the start of the document; within a List, to the item: a "- " that opens an object further out than
  // the line.
  std::size_t first = at;
  for (std::size_t i = at + 1; i-- > 0;) {
    if (ends_document(lines[i])) break;
    first = i;
    const std::string_view bare = lines[i].substr(indent_of(lines[i]));
    if (bare.substr(0, 2) == "- " && begins_object(lines[i]) &&
        (i == at || indent_of(lines[i]) < indent_of(lines[at])))
      break;
  }
  const bool item =
      lines[first].substr(indent_of(lines[first])).substr(0, 2) == "- " && begins_object(lines[first]);
  std::size_t last = at;
  for (std::size_t i = at + 1; i < lines.size(); ++i) {
    if (ends_document(lines[i])) break;
    if (item && lines[i].find_first_not_of(' ') != std::string_view::npos &&
        indent_of(lines[i]) <= indent_of(lines[first]))
      break;
    last = i;
  }
  const auto opening = text.find_first_not_of(" \t\r\n");
  if (opening != std::string_view::npos && (text[opening] == '{' || text[opening] == '['))
    std::tie(first, last) = json_block(lines, at);
  while (first < at && lines[first].find_first_not_of(" \r") == std::string_view::npos) ++first;
  while (last > at && lines[last].find_first_not_of(" \r") == std::string_view::npos) --last;
  if (at - first > kExcerptLines / 2) first = at - kExcerptLines / 2;
  last = std::min(last, first + kExcerptLines);
  // No Secret comes along, however the object around the line was found.
  const auto secret = [](std::string_view l) {
    return l.find("kind: Secret") != std::string_view::npos ||
           l.find("\"kind\": \"Secret\"") != std::string_view::npos ||
           l.find("\"kind\":\"Secret\"") != std::string_view::npos;
  };
  if (std::any_of(lines.begin() + static_cast<std::ptrdiff_t>(first),
                  lines.begin() + static_cast<std::ptrdiff_t>(last + 1), secret))
    return {};
  SourceExcerpt out;
  out.line = static_cast<std::uint32_t>(before + first);
  for (std::size_t i = first; i <= last; ++i) {
    out.text += (i == first ? "" : "\n") + printable(lines[i].substr(0, kExcerptColumns));
    if (lines[i].size() > kExcerptColumns) out.text += "...";
  }
  return out;
}

}  // namespace waypath::tools
