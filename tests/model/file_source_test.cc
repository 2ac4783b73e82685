// model/load/file_source: which files a path stands for, in which order, and what is said when there are
// none.

#include "model/load/file_source.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "model/base/mapped_sources.h"
#include "model/load/manifest_loader.h"

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

namespace {

/// So many manifests that their file is mapped. Each takes 5 lines, its name the last one.
std::string many_manifests() {
  std::string out;
  for (int i = 0; out.size() < (std::size_t{3} << 20); ++i)
    out += "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: # " + std::string(300, 'x') + "\n  name: a" +
           std::to_string(i) + "\n";
  return out;
}

}  // namespace

TEST_CASE("files: a large one is read where it lies, its lines and text again afterwards", "[model][load]") {
  const TemporaryFolder folder;
  const std::string text = many_manifests();
  const std::string path = folder.write("large.yaml", text);
  Diagnostics diagnostics;
  SourceFiles files;
  REQUIRE(read_sources({path}, files, diagnostics).size() == 1);
  REQUIRE(mapped_file(files, 1) != nullptr);
  CHECK(text_bytes(files, 1) == text.size());
  CHECK(files.text(1) == text);
  CHECK(files.line(1, 5) == "  name: a0");
  CHECK(settle(files).empty());
  CHECK(mapped_file(files, 1) == nullptr);
  CHECK(files.line(1, 2) == "apiVersion: v1");

  const Snapshot snapshot = load_manifests({path}, {}, diagnostics);
  for (const std::size_t i : {0U, 1U, 2000U, 7000U})
    CHECK(snapshot.files().line(1, static_cast<std::uint32_t>(5 * i + 5)) == "  name: a" + std::to_string(i));
  const auto lines = static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n'));
  CHECK(snapshot.files().line(1, lines).starts_with("  name: a"));
  CHECK(snapshot.files().line(1, lines + 1).empty());
  CHECK(snapshot.files().line(1, lines + 2).empty());
  CHECK(snapshot.files().text(1) == text);
}

TEST_CASE("files: a large one that changes while it is read is told, and not quoted later", "[model][load]") {
  const TemporaryFolder folder;
  const std::string path = folder.write("large.yaml", many_manifests());
  Diagnostics diagnostics;
  SourceFiles files;
  REQUIRE(read_sources({path}, files, diagnostics).size() == 1);
  std::ofstream(path, std::ios::app) << "# more\n";
  CHECK(settle(files) == std::vector<std::uint32_t>{1});
  CHECK(files.line(1, 2).empty());
  CHECK(files.text(1).empty());
}

TEST_CASE("files: large and small ones give the same lines", "[model][load]") {
  const TemporaryFolder folder;
  const std::string text = many_manifests();
  Diagnostics of_file, of_text;
  const Snapshot large = load_manifests({folder.write("a.yaml", text)}, {}, of_file);
  const Snapshot small = load_texts({{"a.yaml", text}}, {}, of_text);
  REQUIRE(large.all<ServiceAccount>().size() == small.all<ServiceAccount>().size());
  for (std::size_t i = 0; i < small.all<ServiceAccount>().size(); i += 97) {
    const SourcePos pos = small.all<ServiceAccount>()[i]->meta.pos;
    CHECK(large.all<ServiceAccount>()[i]->meta.pos == pos);
    CHECK(large.files().line(pos.file, pos.line) == small.files().line(pos.file, pos.line));
  }
}

}  // namespace waypath::model
