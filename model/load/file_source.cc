#include "model/load/file_source.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "model/base/mapped_sources.h"
#include "model/yaml/yaml_codes.h"

namespace waypath::model {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLarge = std::size_t{1} << 20;  // files that are mapped instead of read

bool is_manifest(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

class Collector {
 public:
  Collector(SourceFiles& files, Diagnostics& diagnostics) : files_(files), diagnostics_(diagnostics) {}

  void add(const std::string& path) {
    if (path == "-") {
      add_standard_input();
      return;
    }
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (status.type() == fs::file_type::not_found || path.empty()) {
      report(yaml::kInputMissing, Severity::Error,
             fmt::format("\"{}\" does not exist; expected a file, a directory or -", path),
             "check the spelling; relative paths start at the working directory");
      return;
    }
    if (error) {
      report(yaml::kInputUnreadable, Severity::Error,
             fmt::format("\"{}\" cannot be read: {}", path, error.message()), "");
      return;
    }
    if (status.type() == fs::file_type::directory) {
      add_directory(path);
    } else {
      add_file(path);
    }
  }

  std::vector<std::uint32_t> take() { return std::move(ids_); }

 private:
  void report(Code code, Severity severity, std::string message, std::string hint) {
    Diagnostic d;
    d.code = code;
    d.severity = severity;
    d.message = std::move(message);
    d.hint = std::move(hint);
    diagnostics_.report(std::move(d));
  }

  /// True the first time a file or directory is met, by whatever name: links to it and loops of links are
  /// passed over.
  bool first_visit(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return true;  // opening it will say why
    return visited_.emplace(info.st_dev, info.st_ino).second;
  }

  void add_directory(const std::string& root) {
    std::vector<std::string> found;
    walk(root, found);
    std::sort(found.begin(), found.end());
    for (const std::string& file : found) add_file(file);
    if (found.empty()) {
      report(yaml::kInputNoManifests, Severity::Warning,
             fmt::format("the directory \"{}\" holds no manifests; expected *.yaml, *.yml or *.json below it",
                         root),
             "give the directory that holds them, or the files themselves");
    }
  }

  void walk(const std::string& directory, std::vector<std::string>& found) {
    if (!first_visit(directory)) return;
    std::error_code error;
    fs::directory_iterator entries(directory, error);
    if (error) {
      report(yaml::kInputUnreadable, Severity::Error,
             fmt::format("the directory \"{}\" cannot be read: {}", directory, error.message()), "");
      return;
    }
    std::vector<std::string> names;
    for (; entries != fs::directory_iterator(); entries.increment(error)) {
      if (error) break;
      names.push_back(entries->path().filename().string());
    }
    std::sort(names.begin(),
              names.end());  // which of two names of one file counts must not depend on the file system
    for (const std::string& name : names) {
      if (name.starts_with('.')) continue;  // also the ..data links of mounted ConfigMaps
      const std::string path = directory.ends_with('/') ? directory + name : directory + "/" + name;
      std::error_code status_error;
      const fs::file_type type = fs::status(path, status_error).type();
      if (type == fs::file_type::directory) {
        walk(path, found);
      } else if (is_manifest(name)) {
        if (type == fs::file_type::regular) {
          found.push_back(path);
        } else {
          report(yaml::kInputUnreadable, Severity::Error,
                 fmt::format("\"{}\" is no regular file{}", path,
                             type == fs::file_type::not_found ? " (a link to nothing)" : ""),
                 "");
        }
      }
    }
  }

  void add_file(const std::string& path) {
    if (!first_visit(path)) return;
    if (auto mapped = MappedFile::open(path, kLarge)) {
      ids_.push_back(add_mapped(files_, path, std::move(mapped)));
      return;
    }
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(path.c_str(), "rb"),
                                                                 &std::fclose);
    if (!stream) {
      report(yaml::kInputUnreadable, Severity::Error,
             fmt::format("\"{}\" cannot be read: {}", path, std::strerror(errno)), "check its permissions");
      return;
    }
    add_stream(path, stream.get());
  }

  void add_standard_input() {
    if (std::exchange(standard_input_read_, true)) return;
    add_stream("<stdin>", stdin);
  }

  void add_stream(const std::string& path, std::FILE* stream) {
    std::string text;
    std::error_code error;
    if (const std::uintmax_t size = fs::file_size(path, error); !error) text.reserve(size + 1);
    constexpr std::size_t kBlock = std::size_t{1} << 16;
    while (true) {
      const std::size_t used = text.size();
      const std::size_t block = std::max(kBlock, text.capacity() - used);
      text.resize(used + block);
      const std::size_t got = std::fread(text.data() + used, 1, block, stream);
      text.resize(used + got);
      if (got == 0) break;
    }
    if (std::ferror(stream) != 0) {
      report(yaml::kInputUnreadable, Severity::Error,
             fmt::format("\"{}\" cannot be read: {}", path, std::strerror(errno)), "");
      return;
    }
    ids_.push_back(files_.add(path, std::move(text)));
  }

  SourceFiles& files_;
  Diagnostics& diagnostics_;
  std::vector<std::uint32_t> ids_;
  std::set<std::pair<dev_t, ino_t>> visited_;
  bool standard_input_read_ = false;
};

}  // namespace

std::vector<std::uint32_t> read_sources(const std::vector<std::string>& paths, SourceFiles& files,
                                        Diagnostics& diagnostics) {
  Collector collector(files, diagnostics);
  for (const std::string& path : paths) collector.add(path);
  return collector.take();
}

}  // namespace waypath::model
