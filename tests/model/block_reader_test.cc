// The fast reader against the reference reader: what it reads it reads alike, and it may refuse.

#include "model/yaml/block_reader.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "model/yaml/event_reader.h"
#include "model/yaml/reader.h"
#include "model/yaml/unread_parts.h"
#include "tests/support/corpus.h"
#include "tests/support/dice.h"

namespace waypath::model::yaml {
namespace {

std::string place(SourcePos p) { return std::to_string(p.line) + ":" + std::to_string(p.column); }

/// Everything a decoder can see of a tree. `part` is Other when nothing is left out.
void print(const Node& node, Part part, std::string& out) {
  out += place(node.pos);
  switch (node.kind) {
    case NodeKind::Null:
      out += " null\n";
      return;
    case NodeKind::Scalar:
      out += (node.style == ScalarStyle::Plain ? " plain " : " quoted ") + std::string(node.scalar) + "\n";
      return;
    case NodeKind::Sequence:
      out += " list\n";
      for (const Node* const item : node.items) print(*item, part, out);
      break;
    case NodeKind::Mapping:
      out += " mapping\n";
      for (const Member& member : node.members) {
        const bool inline_value = member.value->pos.line == member.key_pos.line;
        if (!unread(part, member.key, inline_value)) {
          out += place(member.key_pos) + " " + std::string(member.key) + " = ";
          print(*member.value, part_below(part, member.key), out);
        }
      }
      break;
  }
  out += "end\n";
}

std::string print(const Node& node, bool prune) {
  std::string out;
  print(node, prune ? Part::Root : Part::Other, out);
  return out;
}

struct Tally {
  std::size_t read = 0, refused = 0;
};

/// Compares the two readers on one document.
void compare(std::string_view text, std::uint32_t first_line, Tally& tally) {
  for (const bool prune : {false, true}) {
    const auto fast = read_block(text, first_line, 1, {.item = false, .prune = prune});
    // Without a copy, and without bytes behind the text to look at: another way through its last lines.
    const auto in_place = read_block(text, first_line, 1, {.item = false, .prune = prune, .borrow = true});
    REQUIRE(fast.has_value() == in_place.has_value());
    ++(fast ? tally.read : tally.refused);
    if (!fast) continue;
    REQUIRE(print(*fast->root, false) == print(*in_place->root, false));
    Diagnostics diagnostics;
    bool failed = false;
    const auto reference = read_yaml_events(text, LineMap(first_line), 1, diagnostics, failed);
    CAPTURE(text, prune);
    // What is left out is not looked at, so that only the rest has to be well-formed.
    if (prune && failed) continue;
    REQUIRE_FALSE(failed);
    REQUIRE(reference.size() == 1);
    REQUIRE(print(*fast->root, prune) == print(*reference.front().root, prune));
  }
}

std::vector<std::string> manifests() {
  auto files = tests::manifests_below(tests::source_dir() + "/scenarios");
  for (const auto& file : tests::manifests_below(tests::source_dir() + "/tests/broken"))
    files.push_back(file);
  if (const auto corpus = tests::corpus_dir()) {
    for (const auto& file : tests::manifests_below(*corpus)) files.push_back(file);
  }
  return files;
}

}  // namespace

TEST_CASE("the fast reader agrees with the reference reader on every manifest at hand", "[model][yaml]") {
  Tally tally;
  for (const auto& file : manifests()) {
    CAPTURE(file);
    const std::string text = tests::read_text(file);
    Diagnostics diagnostics;
    for (const Slice& slice : split_documents(text, 1, diagnostics)) {
      if (slice.json || slice.item >= 0) continue;
      compare(std::string_view(text).substr(slice.offset, slice.length), slice.first_line, tally);
    }
  }
  CHECK(tally.read > 1000);
}

TEST_CASE("the fast reader agrees with the reference reader on damaged manifests", "[model][yaml]") {
  const std::string whole =
      "# a comment\n"
      "apiVersion: apps/v1\n"
      "kind: Deployment\n"
      "metadata:\n"
      "  annotations:\n"
      "    note: \"a \\\"quoted\\\" word\"\n"
      "    other: 'it''s'\n"
      "    empty: \"\"\n"
      "  labels:\n"
      "    app: web  # comment\n"
      "    url: http://a.b:80/c#d\n"
      "  name: web\n"
      "spec:\n"
      "  template:\n"
      "    spec:\n"
      "      containers:\n"
      "      - args:\n"
      "        - --flag=-1\n"
      "        - |\n"
      "          line one\n"
      "\n"
      "            line two\n"
      "        - |-\n"
      "          stripped\n"
      "        image: registry/app:1.0\n"
      "        name: \"c\"\n"
      "        ports:\n"
      "        -   containerPort: 80\n"
      "            name: http\n"
      "        - - nested\n"
      "          - 1.5\n"
      "        resources: {}\n"
      "      - name: d\n"
      "        env: []\n"
      "      nodeName: ~\n"
      "      hostNetwork: null\n"
      "  selector:\n"
      "status:\n"
      "  conditions:\n"
      "  - message: 'more\n"
      "      lines'\n"
      "    type: Ready\n";
  const std::vector<std::string> bits{
      " ",  "  ", "\n", "-", "- ",       ":",    ": ",    "#",    " #",   "\"", "'",  "|",  "|-",  ">",
      "{",  "}",  "[",  "]", ",",        "&a",   "*a",    "!",    "?",    "~",  "<<", "%",  "---", "...",
      "\t", "\\", "0",  "e", "\xC3\xA9", "null", "key: ", "\n\n", "- - ", "@",  "`",  "\\n"};
  Tally tally;
  compare(whole, 1, tally);
  REQUIRE(tally.read == 1);  // the text over two lines is outside the subset, and left out when pruned
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    tests::Dice dice(seed);
    std::string text = whole;
    for (std::size_t edits = 1 + dice.roll(3); edits > 0; --edits) {
      const std::size_t at = dice.roll(text.size());
      switch (dice.roll(4)) {
        case 0:
          text.erase(at, 1 + dice.roll(4));
          break;
        case 1: {  // a line twice, or gone
          const std::size_t begin = text.rfind('\n', at) + 1, end = text.find('\n', at);
          if (end == std::string::npos) break;
          const std::string line = text.substr(begin, end + 1 - begin);
          dice.coin() ? void(text.insert(begin, line)) : void(text.erase(begin, line.size()));
          break;
        }
        default:
          text.insert(at, dice.pick(bits));
      }
    }
    // Several documents are the splitter's business.
    if (text.find("---") != std::string::npos || text.find("...") != std::string::npos) continue;
    CAPTURE(seed);
    compare(text, 1, tally);
  }
  CHECK(tally.read > 500);
}

TEST_CASE("the fast reader refuses what is outside its subset", "[model][yaml]") {
  for (const std::string_view text : {
           "a: &x 1\n",
           "a: *x\n",
           "a: !!str 1\n",
           "<<: {b: 1}\n",
           "a: {b: 1}\n",
           "a: [1, 2]\n",
           "a: one\n  two\n",
           "a: \"one\n  two\"\n",
           "a: 1\na: 2\n",
           "a:\tb\n",
           "a: 1\r\n",
           "a: >\n  folded\n",
           "a: |+\n  kept\n\n",
           "a: |2\n   x\n",
           "? a\n: b\n",
           "- a\n- b\n",
           "a\n",
           "%YAML 1.2\n---\na: 1\n",
           "a: 1\n---\nb: 2\n",
           "null: 1\n",
           "a: \"\\u00e9\"\n",
           "a: b: c\n",
           "a:\n - b\n  - c\n",
           "a: 1\n b: 2\n",
       }) {
    CAPTURE(text);
    CHECK_FALSE(read_block(text, 1, 1, {}));
  }
}

}  // namespace waypath::model::yaml
