// tests/golden: one file a command, what it prints and how it exits. scenarios/plans: the same for pull
// requests and what they change. tools/dev/update_golden.sh rewrites them.

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/corpus.h"
#include "tests/support/rounds.h"
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

namespace {

void check_transcripts(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  REQUIRE(files.size() >= 10);
  for (std::size_t i = 0; i < files.size(); i += tests::rounds(1, 3)) {
    const fs::path& file = files[i];
    DYNAMIC_SECTION(fs::relative(file, folder).string()) {
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

}  // namespace

TEST_CASE("commands print what tests/golden holds") {
  check_transcripts(fs::path(tests::source_dir()) / "tests" / "golden");
}

TEST_CASE("pull requests change what scenarios/plans says") {
  check_transcripts(fs::path(tests::source_dir()) / "scenarios" / "plans");
}

TEST_CASE("the recorded flows of a scenario pass as a test") {
  for (const std::string scenario :
       {"scenarios/bigbang/waypoint-mode.yaml", "scenarios/bigbang/invariants.yaml",
        "scenarios/paths/client-and-destination.yaml"}) {
    INFO(scenario);
    const auto out = fs::temp_directory_path() / ("waypath-recorded-" + std::to_string(::getpid()) + ".yaml");
    const auto recorded = tests::run({"record", "-q", "--scenario", scenario, "--out", out.string()});
    CHECK(recorded.err.empty());
    REQUIRE(recorded.exit_code == 0);
    // Its variants and invariants are the included file's and expect what they always did.
    const auto tested = tests::run({"test", "-q", out.string()});
    CHECK(tested.exit_code == 0);
    CHECK(tested.out.find(" 0 failed") != std::string::npos);
    fs::remove(out);
  }
}

TEST_CASE("the committed baselines are what record prints today") {
  const fs::path folder = fs::path(tests::source_dir()) / "scenarios" / "baselines";
  std::size_t compared = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    const std::string name = entry.path().stem().string();
    const auto r = tests::run({"record", "-q", "-f", "scenarios/clusters/" + name});
    INFO(name << ": `waypath record -f scenarios/clusters/" << name << " --out scenarios/baselines/" << name
              << ".yaml` writes it anew");
    REQUIRE(r.exit_code == 0);
    // Scenario files name manifests from where they lie.
    std::string text = r.out;
    const std::string here = "manifests: [scenarios/clusters/", there = "manifests: [../clusters/";
    const auto at = text.find(here);
    REQUIRE(at != std::string::npos);
    text.replace(at, here.size(), there);
    if (std::getenv("WAYPATH_UPDATE_GOLDEN") != nullptr)
      std::ofstream(entry.path(), std::ios::binary) << text;
    else
      CHECK(text == tests::read_text(entry.path().string()));
    ++compared;
  }
  CHECK(compared >= 4);
}

}  // namespace waypath
