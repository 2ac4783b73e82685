// Clusters of a git revision.

#include "scenarios/git_tree.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace waypath::scenarios {
namespace {

namespace fs = std::filesystem;

/// A repository with two commits, and the working directory in it while the test runs.
class Repository {
 public:
  Repository() {
    fs::create_directories(root_ / "clusters" / "prod" / ".hidden");
    git("init -q -b main");
    write("clusters/prod/a b.yaml", "one: 1\n");
    write("clusters/prod/notes.txt", "no manifest\n");
    write("clusters/prod/.hidden/c.yaml", "hidden: 1\n");
    commit();
    write("clusters/prod/a b.yaml", "two: 2\n\n");
    write("clusters/prod/deep/d.json", "{}");
    commit();
    fs::current_path(root_);
  }
  ~Repository() {
    std::error_code ignored;
    fs::current_path(before_, ignored);
    fs::remove_all(root_, ignored);
  }
  Repository(const Repository&) = delete;
  Repository& operator=(const Repository&) = delete;
  [[nodiscard]] const fs::path& root() const { return root_; }

 private:
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name, std::ios::binary) << text;
  }
  void git(const std::string& arguments) const {
    const std::string command =
        "git -C '" + root_.string() + "' -c user.name=t -c user.email=t@example.com " + arguments;
    REQUIRE(std::system(command.c_str()) == 0);
  }
  void commit() const {
    git("add -A");
    git("commit -q -m x");
  }
  fs::path before_ = fs::current_path();
  fs::path root_ = fs::temp_directory_path() / ("waypath-git-" + std::to_string(::getpid()));
};

}  // namespace

TEST_CASE("git:REV:PATH gives the manifests of a revision, named as git names them") {
  const Repository repository;
  std::string error;
  const auto old = read_git_tree("git:HEAD~1:clusters/prod", error);
  REQUIRE(old);
  REQUIRE(old->size() == 1);
  CHECK(old->at(0).path == "HEAD~1:clusters/prod/a b.yaml");
  CHECK(old->at(0).text == "one: 1\n");
  const auto now = read_git_tree("git:main:clusters/prod/", error);
  REQUIRE(now);
  REQUIRE(now->size() == 2);
  CHECK(now->at(0).text == "two: 2\n\n");
  CHECK(now->at(1).path == "main:clusters/prod/deep/d.json");
  const auto file =
      read_git_tree("git:main:clusters/prod/notes.txt", error);  // given by name: taken as it is
  REQUIRE(file);
  CHECK(file->at(0).text == "no manifest\n");
  fs::current_path(repository.root() / "clusters");
  const auto here = read_git_tree("git:main:./prod/deep", error);
  REQUIRE(here);
  CHECK(here->at(0).text == "{}");
  CHECK(read_git_tree("git:main:clusters/prod", error).has_value());  // from the root, wherever we are
}

TEST_CASE("git:REV:PATH that git does not know says so") {
  const Repository repository;
  std::string error;
  CHECK_FALSE(read_git_tree("git:main:nowhere", error));
  CHECK(error == "revision main holds no manifests at \"nowhere\"");
  CHECK_FALSE(read_git_tree("git:clusters", error));
  CHECK(error.find("git:REVISION:PATH") != std::string::npos);
  CHECK_FALSE(read_git_tree("git:--upload-pack=x:clusters", error));
  CHECK(error.find("git:REVISION:PATH") != std::string::npos);
  CHECK_FALSE(read_git_tree("git:no-such-branch:clusters", error));
  CHECK(error.find("exit code 128") != std::string::npos);
}

}  // namespace waypath::scenarios
