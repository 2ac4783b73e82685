// tests/golden: one file a command, what it prints and how it exits. tools/dev/update_golden.sh rewrites
// them.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/corpus.h"
#include "tests/tools/run.h"

namespace waypath {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kPrompt = "$ waypath ";

// "$ waypath ARGUMENTS", standard output, "--- stderr" with standard error unless empty, "--- exit N".
std::string transcript(const std::string& command) {
  const auto r = tests::run(tests::words(command.substr(kPrompt.size())));
  std::string out = command + "\n" + r.out;
  if (!r.err.empty()) out += "--- stderr\n" + r.err;
  return out + "--- exit " + std::to_string(r.exit_code) + "\n";
}

}  // namespace

TEST_CASE("commands print what tests/golden holds") {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(tests::source_dir()) / "tests" / "golden"))
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  REQUIRE_FALSE(files.empty());
  for (const auto& file : files) {
    DYNAMIC_SECTION(file.filename().string()) {
      const auto expected = tests::read_text(file.string());
      const auto command = expected.substr(0, expected.find('\n'));
      REQUIRE(command.compare(0, kPrompt.size(), kPrompt) == 0);
      const auto got = transcript(command);
      if (std::getenv("WAYPATH_UPDATE_GOLDEN") != nullptr) {
        std::ofstream(file, std::ios::binary) << got;
      } else {
        CHECK(got == expected);
      }
    }
  }
}

}  // namespace waypath
