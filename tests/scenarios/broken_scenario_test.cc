// tests/broken_scenarios: each file with the report that it gets. WAYPATH_UPDATE_GOLDEN=1 rewrites reports.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "scenarios/runner.h"
#include "tests/support/corpus.h"

namespace waypath {
namespace {

namespace fs = std::filesystem;

// What `waypath test` says of the file: everything wrong with it, then of each case that cannot be run.
std::string report_of(const fs::path& path) {
  const std::string name = path.filename().string();
  model::Diagnostics diagnostics;
  model::SourceFiles files;
  std::string out;
  auto scenario = scenarios::parse_scenario(name, tests::read_text(path.string()), files, diagnostics);
  if (scenario) {
    scenarios::Report report;
    scenarios::Runner runner(diagnostics, files);
    if (!runner.run(*scenario, {}, report)) out += "not run\n";
    for (const auto& c : report.cases)
      if (c.status == scenarios::CaseResult::Status::Failed && !c.message.empty())
        out += (c.variant.empty() ? "" : c.variant + " / ") + c.flow + ": " + c.message + "\n";
  }
  for (const auto& d : diagnostics.sorted(files)) out += model::format_diagnostic(d, files);
  return out;
}

}  // namespace

TEST_CASE("a broken scenario file is reported with its place and what to do") {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(tests::source_dir() + "/tests/broken_scenarios"))
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  REQUIRE(paths.size() >= 20);
  for (const auto& path : paths) {
    DYNAMIC_SECTION(path.filename().string()) {
      auto expected = path;
      expected.replace_extension(".expected");
      const std::string report = report_of(path);
      if (std::getenv("WAYPATH_UPDATE_GOLDEN") != nullptr) {
        std::ofstream(expected, std::ios::binary) << report;
      } else {
        CHECK_FALSE(report.empty());
        CHECK(report == tests::read_text(expected.string()));
      }
    }
  }
}

}  // namespace waypath
