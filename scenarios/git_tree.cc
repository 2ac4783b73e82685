#include "scenarios/git_tree.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "scenarios/run_command.h"

namespace waypath::scenarios {
namespace {

constexpr std::string_view kPrefix = "git:";

struct Blob {
  std::string hash, name;
};

// "100644 blob HASH\tNAME", ended by NUL. Source: git-ls-tree(1)
std::vector<Blob> blobs(std::string_view listing) {
  std::vector<Blob> out;
  while (!listing.empty()) {
    const auto end = std::min(listing.find('\0'), listing.size());
    const auto entry = listing.substr(0, end);
    listing.remove_prefix(std::min(end + 1, listing.size()));
    const auto tab = entry.find('\t');
    if (tab == std::string_view::npos || entry.find(" blob ") == std::string_view::npos) continue;
    if (entry.substr(0, 6) == "120000") continue;  // a symbolic link
    const auto blank = entry.rfind(' ', tab);
    out.push_back(
        {std::string(entry.substr(blank + 1, tab - blank - 1)), std::string(entry.substr(tab + 1))});
  }
  return out;
}

bool is_manifest(const std::string& name) {
  const auto dot = name.rfind('.');
  const std::string extension = dot == std::string::npos ? "" : name.substr(dot);
  const bool hidden = name.front() == '.' || name.find("/.") != std::string::npos;
  return !hidden && (extension == ".yaml" || extension == ".yml" || extension == ".json");
}

// "HASH blob SIZE\n", the bytes, "\n", for each object asked. Source: git-cat-file(1) BATCH OUTPUT
bool contents(std::string_view batch, std::vector<model::SourceFile>& files) {
  for (auto& file : files) {
    const auto line = batch.find('\n');
    const auto blank = line == std::string_view::npos ? line : batch.rfind(' ', line);
    if (blank == std::string_view::npos) return false;
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(batch.data() + blank + 1, batch.data() + line, size);
    if (error != std::errc() || end != batch.data() + line || line + 1 + size > batch.size()) return false;
    file.text = batch.substr(line + 1, size);
    batch.remove_prefix(std::min(line + 2 + size, batch.size()));
  }
  return true;
}

}  // namespace

bool is_git_path(std::string_view path) { return path.substr(0, kPrefix.size()) == kPrefix; }

std::optional<std::vector<model::SourceFile>> read_git_tree(const std::string& path, std::string& error) {
  const auto colon = path.find(':', kPrefix.size());
  const std::string rev = path.substr(kPrefix.size(), colon - kPrefix.size());
  const std::string inside = colon == std::string::npos ? "" : path.substr(colon + 1);
  if (colon == std::string::npos || rev.empty() || rev.front() == '-') {
    error = "expected git:REVISION:PATH, for example git:main:clusters/prod";
    return std::nullopt;
  }
  std::vector<std::string> list{"git", "ls-tree", "-r", "-z"};
  if (inside.compare(0, 2, "./") != 0) list.emplace_back("--full-tree");
  list.insert(list.end(), {rev, "--"});
  if (!inside.empty() && inside != "./") list.push_back(inside);
  const auto listing = output_of(list, "", error);
  if (!listing) return std::nullopt;
  std::string name = inside;
  while (!name.empty() && name.back() == '/') name.pop_back();
  std::vector<model::SourceFile> out;
  // An argument of a program has at most 128 KB: some objects at a time. Source: execve(2), MAX_ARG_STRLEN
  constexpr std::size_t kAtATime = 2000;
  std::vector<Blob> wanted;
  for (Blob& blob : blobs(*listing))
    if (blob.name == name || is_manifest(blob.name)) wanted.push_back(std::move(blob));
  for (std::size_t begin = 0; begin < wanted.size(); begin += kAtATime) {
    std::vector<model::SourceFile> some;
    std::string hashes;
    for (std::size_t i = begin; i < std::min(wanted.size(), begin + kAtATime); ++i) {
      some.push_back({rev + ":" + wanted[i].name, {}});
      hashes += wanted[i].hash + "\n";
    }
    const auto batch =
        output_of({"sh", "-c", "printf %s \"$1\" | git cat-file --batch", "sh", hashes}, "", error);
    if (!batch) return std::nullopt;
    if (!contents(*batch, some)) {
      error = "git cat-file answered in a form that is not known";
      return std::nullopt;
    }
    out.insert(out.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
  }
  if (out.empty()) {
    error = "revision " + rev + " holds no manifests at \"" + inside + "\"";
    return std::nullopt;
  }
  return out;
}

}  // namespace waypath::scenarios
