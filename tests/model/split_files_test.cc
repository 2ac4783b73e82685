// model/load/split_files: cutting a large file in parts gives what cutting it at once gives.

#include "model/load/split_files.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/support/dice.h"
#include "tests/support/rounds.h"

namespace waypath::model {
namespace {

/// Documents of all kinds, one behind the other, with all that may stand between them.
std::string random_documents(std::uint64_t seed, std::size_t size) {
  tests::Dice dice(seed);
  const std::vector<std::string> between{
      "---\n",           "--- # next\n",  "...\n---\n",         "...\n",
      "---\n---\n",      "---\n\n",       "---\n# a comment\n", "...\n%YAML 1.2\n---\n",
      "# before\n---\n", "---\n  \n---\n"};
  const std::vector<std::string> documents{
      "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    note: |\n      ---\n\n      %x\n",
      "{\"kind\": \"Pod\",\n \"metadata\": {}}\n",
      "apiVersion: v1\nkind: List\nitems:\n- kind: A\n  x: 1\n- kind: B\n",
      "a: b\n",
      "# nothing\n",
      "a: b # c\n\n\n",
      "kind: PodList\napiVersion: v1\nitems:\n- metadata:\n    name: a\n",
      "a:\n- &x b\n- *x\n"};
  std::string out;
  while (out.size() < size) {
    const std::string& document = dice.pick(documents);
    for (std::size_t times = dice.roll(200); times > 0; --times) {
      out += document;
      out += "---\n";
    }
    out += dice.pick(documents);
    out += dice.pick(between);
  }
  return out;
}

void compare(const std::string& text) {
  SourceFiles files;
  const std::uint32_t file = files.add("a.yaml", text);
  Diagnostics of_parts, of_whole;
  const std::vector<Task> parts = split_files(files, {file}, 2, of_parts);
  const std::vector<yaml::Slice> whole = yaml::split_documents(text, file, of_whole);
  REQUIRE(parts.size() == whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const yaml::Slice &a = parts[i].slice, &b = whole[i];
    const bool same = a.offset == b.offset && a.length == b.length && a.first_line == b.first_line &&
                      a.first_column == b.first_column && a.item == b.item && a.json == b.json &&
                      a.list_kind == b.list_kind && a.list_api_version == b.list_api_version;
    if (same) continue;
    CAPTURE(i, a.offset, b.offset, a.first_line, b.first_line);
    FAIL("another slice");
  }
  REQUIRE(of_parts.items().size() == of_whole.items().size());
  for (std::size_t i = 0; i < of_whole.items().size(); ++i) {
    CHECK(of_parts.items()[i].pos == of_whole.items()[i].pos);
    CHECK(of_parts.items()[i].message == of_whole.items()[i].message);
  }
  for (const std::size_t i : {std::size_t{0}, whole.size() / 2, whole.size() - 1}) {
    if (whole.empty()) break;
    const std::string_view line = files.line(file, whole[i].first_line);
    CHECK(std::string_view(text).substr(whole[i].offset - (whole[i].first_column - 1)).starts_with(line));
  }
}

}  // namespace

TEST_CASE("split: a large file in parts gives the slices of the whole", "[model][load]") {
  for (std::uint64_t seed = 1; seed <= tests::rounds(4, 1); ++seed) {
    CAPTURE(seed);
    compare(random_documents(seed, std::size_t{9} << 20));
  }
  compare("");
  compare("a: b\n");
}

TEST_CASE("split: what is no text is told of the whole file", "[model][load]") {
  std::string text = random_documents(5, std::size_t{9} << 20);
  for (const std::size_t at : {text.size() - 100, std::size_t{5} << 20, std::size_t{10}}) {
    text[at] = '\x01';
    compare(text);
    if (tests::kSanitized) break;
  }
}

}  // namespace waypath::model
