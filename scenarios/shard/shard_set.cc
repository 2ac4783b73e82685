#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <queue>

#include "model/base/version.h"
#include "scenarios/shard/shard_file.h"
#include "scenarios/shard/shard_header.h"

namespace waypath::scenarios {
namespace {

constexpr std::size_t kLongestHeader = std::size_t{1} << 20;
constexpr std::size_t kMostNamed = 8;

/// The records of one file, one after the other. The file is open only while a block is read: a fleet may
/// have more shards than a process may have open files.
class Records {
 public:
  explicit Records(std::string path) : path_(std::move(path)) {
    std::ifstream in(path_, std::ios::binary);
    std::string header;
    std::getline(in, header);
    offset_ = header.size() + 1;
  }
  /// False at the end, and when the file breaks off within a record.
  bool next() {
    std::string_view size;
    return take(4, size) && take(little_endian(size), size) && assign(key, size) && take(8, size) &&
           take(little_endian(size), size) && assign(payload, size);
  }
  std::string key, payload;

 private:
  static constexpr std::size_t kBlock = std::size_t{1} << 16;

  static std::size_t little_endian(std::string_view bytes) {
    std::size_t out = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) out = out << 8U | static_cast<unsigned char>(bytes[i]);
    return out;
  }
  static bool assign(std::string& to, std::string_view bytes) {
    to.assign(bytes);
    return true;
  }
  // `out` is valid until the next call.
  bool take(std::size_t size, std::string_view& out) {
    if (block_.size() - at_ < size) {
      block_.erase(0, at_);
      at_ = 0;
      std::ifstream in(path_, std::ios::binary);
      in.seekg(static_cast<std::streamoff>(offset_));
      const std::size_t had = block_.size();
      block_.resize(std::max(size, kBlock));
      in.read(block_.data() + had, static_cast<std::streamsize>(block_.size() - had));
      block_.resize(had + static_cast<std::size_t>(in.gcount()));
      offset_ += block_.size() - had;
      if (block_.size() < size) return false;
    }
    out = std::string_view(block_).substr(at_, size);
    at_ += size;
    return true;
  }

  std::string path_, block_;
  std::size_t at_ = 0;
  std::uint64_t offset_ = 0;
};

struct File {
  std::string path;
  ShardHeader header;
};

// The header, after the checksum has been compared with what stands behind it.
std::optional<File> open_file(const std::string& path, ShardError& error) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    error = {fmt::format("{} cannot be read", path),
             "a shard is the file that --shard I/N --out FILE leaves"};
    return std::nullopt;
  }
  std::string line(kLongestHeader, '\0');
  in.getline(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(in.gcount() > 0 ? static_cast<std::size_t>(in.gcount()) - 1 : 0);
  int format = kShardFormat;
  const auto header = in ? read_header(line, format) : std::nullopt;
  if (!header) {
    if (format != kShardFormat)
      error = {
          fmt::format("{} is a shard of format {}; this waypath reads format {}", path, format, kShardFormat),
          "merge with the version that made the shards"};
    else
      error = {fmt::format("{} is no shard", path), "a shard is the file that --shard I/N --out FILE leaves"};
    return std::nullopt;
  }
  Digest digest;
  std::string block(std::size_t{1} << 20, '\0');
  while (in) {
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    digest.bytes({block.data(), static_cast<std::size_t>(in.gcount())});
  }
  if (digest.hex() != header->checksum) {
    error = {fmt::format("{} is damaged: its checksum is not that of its records", path),
             fmt::format("run shard {}/{} again", header->shard.index, header->shard.count)};
    return std::nullopt;
  }
  return File{path, *header};
}

std::optional<std::vector<std::string>> files_of(const std::vector<std::string>& paths, ShardError& error) {
  std::vector<std::string> out;
  for (const auto& path : paths) {
    std::error_code code;
    if (!std::filesystem::is_directory(path, code)) {
      out.push_back(path);
      continue;
    }
    std::vector<std::string> inside;
    for (const auto& entry : std::filesystem::directory_iterator(path, code))
      if (entry.path().extension() == ".shard") inside.push_back(entry.path().string());
    if (inside.empty()) {
      error = {fmt::format("no *.shard in {}", path),
               "give the shards themselves, or the directory they are in"};
      return std::nullopt;
    }
    std::sort(inside.begin(), inside.end());
    out.insert(out.end(), inside.begin(), inside.end());
  }
  return out;
}

std::string difference(const ShardHeader& a, const ShardHeader& b) {
  if (a.version != b.version) return fmt::format("waypath {} and waypath {}", a.version, b.version);
  if (a.verb != b.verb) return fmt::format("`{}` and `{}`", a.verb, b.verb);
  if (a.shard.count != b.shard.count) return fmt::format("{} shards and {}", a.shard.count, b.shard.count);
  if (a.arguments != b.arguments) {
    std::vector<std::string> one, other;
    std::set_difference(a.arguments.begin(), a.arguments.end(), b.arguments.begin(), b.arguments.end(),
                        std::back_inserter(one));
    std::set_difference(b.arguments.begin(), b.arguments.end(), a.arguments.begin(), a.arguments.end(),
                        std::back_inserter(other));
    const auto said = [](const std::vector<std::string>& list) {
      return list.empty() ? std::string("without") : fmt::format("{}", fmt::join(list, " "));
    };
    return fmt::format("other arguments: {}; {}", said(one), said(other));
  }
  return a.input == b.input ? std::string() : "other input files: their contents or names differ";
}

std::string named(const std::vector<std::uint32_t>& indexes) {
  std::vector<std::string> out;
  for (const auto i : indexes) {
    if (out.size() == kMostNamed) {
      out.push_back(fmt::format("and {} more", indexes.size() - kMostNamed));
      break;
    }
    out.push_back(std::to_string(i));
  }
  return fmt::format("{}", fmt::join(out, ", "));
}

}  // namespace

struct ShardSet::State {
  std::vector<File> files;  // by index
  std::string common;
};

ShardSet::ShardSet(std::unique_ptr<State> state) : state_(std::move(state)) {}
ShardSet::~ShardSet() = default;
ShardSet::ShardSet(ShardSet&&) noexcept = default;
ShardSet& ShardSet::operator=(ShardSet&&) noexcept = default;

std::optional<ShardSet> ShardSet::open(const std::vector<std::string>& paths, ShardError& error) {
  const auto names = files_of(paths, error);
  if (!names) return std::nullopt;
  std::map<std::uint32_t, File> by_index;
  const File* first = nullptr;
  for (const auto& name : *names) {
    auto file = open_file(name, error);
    if (!file) return std::nullopt;
    if (first != nullptr) {
      const auto differs = difference(first->header, file->header);
      if (!differs.empty()) {
        error = {fmt::format("{} and {} are not of one run: {}", first->path, name, differs),
                 "merge shards of the same command over the same files alone"};
        return std::nullopt;
      }
    }
    const auto index = file->header.shard.index;
    const auto [at, added] = by_index.emplace(index, std::move(*file));
    if (first == nullptr) first = &at->second;
    if (added || at->second.header.checksum == file->header.checksum) continue;
    error = {fmt::format("{} and {} are both shard {} and differ", at->second.path, name, index),
             "the same shard of the same run is the same bytes: run it again and leave out the older ones"};
    return std::nullopt;
  }
  if (first == nullptr) {
    error = {"no shard is given", "waypath merge shards/"};
    return std::nullopt;
  }
  if (first->header.version != model::kVersion) {
    error = {fmt::format("{} was made by waypath {}; this is waypath {}", first->path, first->header.version,
                         model::kVersion),
             "merge with the version that made the shards"};
    return std::nullopt;
  }
  const auto count = first->header.shard.count;
  std::vector<std::uint32_t> missing;
  for (std::uint32_t i = 0; i < count; ++i)
    if (!by_index.contains(i)) missing.push_back(i);
  if (!missing.empty()) {
    error = {fmt::format("{} of {} shards are missing: {}", missing.size(), count, named(missing)),
             fmt::format("run them: --shard {}/{}", missing.front(), count)};
    return std::nullopt;
  }
  auto state = std::make_unique<State>();
  for (auto& [index, file] : by_index) {
    Records records(file.path);
    std::string common;
    if (records.next() && records.key.empty()) common = std::move(records.payload);
    if (!state->files.empty() && common != state->common) {
      error = {fmt::format("{} and {} do not agree on what every shard finds alike",
                           state->files.front().path, file.path),
               "run both again with the same waypath over the same files"};
      return std::nullopt;
    }
    state->common = std::move(common);
    state->files.push_back(std::move(file));
  }
  return ShardSet(std::move(state));
}

const ShardHeader& ShardSet::header() const { return state_->files.front().header; }
const std::string& ShardSet::common() const { return state_->common; }

void ShardSet::for_each(const std::function<bool(std::string_view, std::string_view)>& fn) const {
  std::vector<std::unique_ptr<Records>> open;
  const auto later = [&](std::size_t a, std::size_t b) {
    const int order = open[a]->key.compare(open[b]->key);
    return order != 0 ? order > 0 : a > b;
  };
  std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(later)> next(later);
  for (const auto& file : state_->files) {
    open.push_back(std::make_unique<Records>(file.path));
    if (open.back()->next()) next.push(open.size() - 1);
  }
  while (!next.empty()) {
    const std::size_t at = next.top();
    next.pop();
    if (!open[at]->key.empty() && !fn(open[at]->key, open[at]->payload)) return;
    if (open[at]->next()) next.push(at);
  }
}

}  // namespace waypath::scenarios
