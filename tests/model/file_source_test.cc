// model/load/file_source: which files a path stands for, in which order, and what is said when there are
// none.

#include "model/load/file_source.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace waypath::model {
namespace {

namespace fs = std::filesystem;

/// A folder that is removed again.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "waypath-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { fs::remove_all(path_); }

  std::string write(const std::string& name, const std::string& text) const {
    const fs::path path = fs::path(path_) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::vector<std::string> names(const std::vector<std::string>& paths, const std::string& below,
                               Diagnostics& diagnostics) {
  SourceFiles files;
  std::vector<std::string> out;
  for (const std::uint32_t id : read_sources(paths, files, diagnostics)) {
    std::string path(files.path(id));
    out.push_back(path.starts_with(below) ? path.substr(below.size() + 1) : path);
  }
  return out;
}

}  // namespace

TEST_CASE("files: a directory stands for its manifests and those below it, sorted by path", "[model][load]") {
  const TemporaryFolder folder;
  for (const std::string name :
       {"b.yaml", "a/z.yml", "a/list.json", "a.yaml", "README.md", ".hidden.yaml", ".git/x.yaml", "c.txt"}) {
    folder.write(name, "kind: A\n");
  }
  Diagnostics diagnostics;
  CHECK(names({folder.path()}, folder.path(), diagnostics) ==
        std::vector<std::string>{"a.yaml", "a/list.json", "a/z.yml", "b.yaml"});
  CHECK(names({folder.path() + "/"}, folder.path(), diagnostics).size() == 4);
  CHECK(diagnostics.empty());
}

TEST_CASE("files: named ones are read whatever their name, in the given order, each once", "[model][load]") {
  const TemporaryFolder folder;
  const std::string b = folder.write("b.txt", "kind: B\n");
  const std::string a = folder.write("a.yaml", "kind: A\n");
  Diagnostics diagnostics;
  CHECK(names({b, a, b, folder.path()}, folder.path(), diagnostics) ==
        std::vector<std::string>{"b.txt", "a.yaml"});
}

TEST_CASE("files: links are followed, loops and links to nothing end", "[model][load]") {
  const TemporaryFolder folder;
  folder.write("real/a.yaml", "kind: A\n");
  fs::create_directory_symlink(folder.path(), folder.path() + "/real/loop");
  fs::create_symlink("a.yaml", folder.path() + "/real/same.yaml");
  Diagnostics diagnostics;
  CHECK(names({folder.path()}, folder.path(), diagnostics) == std::vector<std::string>{"real/a.yaml"});
  CHECK(diagnostics.empty());
  fs::create_symlink("nowhere", folder.path() + "/gone.yaml");
  CHECK(names({folder.path()}, folder.path(), diagnostics).size() == 1);
  CHECK(diagnostics.has_input_errors());
}

TEST_CASE("files: a missing path is an input error, an empty directory a warning", "[model][load]") {
  const TemporaryFolder folder;
  SourceFiles files;
  Diagnostics missing;
  CHECK(read_sources({"no/such/path"}, files, missing).empty());
  REQUIRE(missing.has_input_errors());
  CHECK(format_diagnostic(missing.items()[0], files) ==
        "error: \"no/such/path\" does not exist; expected a file, a directory or - [INPUT_MISSING]\n"
        "  hint: check the spelling; relative paths start at the working directory\n");
  Diagnostics empty;
  CHECK(read_sources({folder.path()}, files, empty).empty());
  CHECK_FALSE(empty.has_errors());
  REQUIRE(empty.items().size() == 1);
  CHECK(empty.items()[0].code.text == "INPUT_NO_MANIFESTS");
}

}  // namespace waypath::model
