// tests/broken: one file of bad input each, and beside it what has to be printed. WAYPATH_UPDATE_GOLDEN=1
// rewrites the latter.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "model/cluster.h"
#include "model/load/manifest_loader.h"
#include "tests/support/corpus.h"

namespace waypath {
namespace {

namespace fs = std::filesystem;

std::string report_of(const fs::path& file) {
  model::Diagnostics diagnostics;
  const auto text = tests::read_text(file.string());
  const auto snapshot = model::load_texts({{file.filename().string(), text}}, {}, diagnostics);
  std::string out;
  for (const auto& d : diagnostics.sorted(snapshot.files()))
    out += model::format_diagnostic(d, snapshot.files());
  out += std::string("exit: ") +
         (diagnostics.has_input_errors()     ? "2"
          : model::has_refusals(diagnostics) ? "0, with --strict 2"
                                             : "0") +
         "\n";
  return out;
}

std::vector<fs::path> inputs() {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(fs::path(tests::source_dir()) / "tests" / "broken")) {
    const auto& path = entry.path();
    if (path.extension() == ".yaml" && path.filename().string().substr(0, 9) != "scenario-")
      out.push_back(path);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("bad input is reported with its place, what was expected and what to do") {
  const auto files = inputs();
  REQUIRE(files.size() >= 60);
  for (const auto& file : files) {
    DYNAMIC_SECTION(file.filename().string()) {
      const auto expected_path = fs::path(file).replace_extension(".expected");
      const auto report = report_of(file);
      if (std::getenv("WAYPATH_UPDATE_GOLDEN") != nullptr)
        std::ofstream(expected_path, std::ios::binary) << report;
      REQUIRE(fs::exists(expected_path));
      CHECK(report == tests::read_text(expected_path.string()));
    }
  }
}

}  // namespace waypath
