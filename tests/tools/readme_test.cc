// README.md cannot rot: every `$ command` of its console blocks prints what stands below it (a line `...`
// stands for any lines), and every waypath command of its sh blocks runs.

#include <catch2/catch.hpp>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/corpus.h"
#include "tests/support/rounds.h"
#include "tests/tools/run.h"

namespace waypath {
namespace {

struct Block {
  std::string language;
  std::vector<std::string> lines;
};

std::vector<Block> blocks_of(const std::string& markdown) {
  std::vector<Block> out;
  bool inside = false;
  std::istringstream in(markdown);
  for (std::string line; std::getline(in, line);) {
    if (line.compare(0, 3, "```") == 0) {
      if (!inside) out.push_back({line.substr(3), {}});
      inside = !inside;
    } else if (inside) {
      out.back().lines.push_back(line);
    }
  }
  return out;
}

// Without a comment and what a pipe leads to.
std::string command_of(const std::string& line) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\'') quoted = !quoted;
    if (!quoted && (line[i] == '|' || (line[i] == '#' && i > 0 && line[i - 1] == ' '))) break;
    out.push_back(line[i]);
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

bool matches(const std::vector<std::string>& expected, std::size_t e, const std::vector<std::string>& got,
             std::size_t g) {
  if (e == expected.size()) return g == got.size();
  if (expected[e] == "...") {
    for (std::size_t i = g; i <= got.size(); ++i)
      if (matches(expected, e + 1, got, i)) return true;
    return false;
  }
  return g < got.size() && expected[e] == got[g] && matches(expected, e + 1, got, g + 1);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

std::vector<std::string> arguments_of(const std::string& command) {
  auto words = tests::words(command);
  words.erase(words.begin());
  // Files go to a scratch folder.
  for (std::size_t i = 0; i + 1 < words.size(); ++i)
    if (words[i] == "--out")
      words[i + 1] = (std::filesystem::temp_directory_path() / "waypath-readme-out").string();
  return words;
}

TEST_CASE("every output in README.md is what the command above it prints") {
  std::size_t compared = 0;
  for (const auto& block : blocks_of(tests::read_text(tests::source_dir() + "/README.md"))) {
    if (block.language != "console") continue;
    for (std::size_t i = 0; i < block.lines.size();) {
      REQUIRE(block.lines[i].compare(0, 10, "$ waypath ") == 0);
      const std::string command = block.lines[i++].substr(2);
      std::vector<std::string> expected;
      while (i < block.lines.size() && block.lines[i].compare(0, 2, "$ ") != 0)
        expected.push_back(block.lines[i++]);
      while (!expected.empty() && expected.back().empty()) expected.pop_back();
      const auto r = tests::run(arguments_of(command_of(command)));
      INFO(command << "\nprints\n" << r.out << r.err);
      CHECK(r.exit_code < 2);
      CHECK(matches(expected, 0, lines_of(r.out), 0));
      ++compared;
    }
  }
  CHECK(compared >= 4);
}

TEST_CASE("every waypath command in README.md runs") {
  std::size_t found = 0, ran = 0;
  for (const auto& block : blocks_of(tests::read_text(tests::source_dir() + "/README.md"))) {
    if (block.language != "sh") continue;
    for (const auto& line : block.lines) {
      const std::string command = command_of(line);
      // snapshot needs a live cluster.
      if (command.compare(0, 8, "waypath ") != 0 || command.compare(0, 17, "waypath snapshot ") == 0)
        continue;
      if (found++ % tests::rounds(1, 4) != 0) continue;
      const auto r = tests::run(arguments_of(command));
      INFO(command << "\n" << r.err);
      CHECK(r.exit_code < 2);
      ++ran;
    }
  }
  CHECK(found >= 15);
  CHECK(ran > 3);
}

}  // namespace
}  // namespace waypath
