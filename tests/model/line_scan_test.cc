// The passes that look at many bytes at once see what looking at one after the other sees.

#include "model/yaml/line_scan.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/support/dice.h"

namespace waypath::model::yaml {
namespace {

std::string random_text(tests::Dice& dice, std::size_t size, std::string_view letters) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out.push_back(letters[dice.roll(letters.size())]);
  return out;
}

std::size_t plain_skip(std::string_view text, std::size_t at, std::uint32_t column, std::uint32_t& lines) {
  while (at < text.size()) {
    if (text.substr(at, column + 1) != std::string(column + 1, ' ')) return at;
    ++lines;
    const auto newline = text.find('\n', at);
    if (newline == std::string_view::npos) return text.size();
    at = newline + 1;
  }
  return at;
}

std::size_t plain_json_end(std::string_view text, std::size_t at) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = at; i < text.size(); ++i) {
    if (quoted) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == '"')
        quoted = false;
      continue;
    }
    if (text[i] == '"') quoted = true;
    if (text[i] == '{' || text[i] == '[') ++depth;
    if ((text[i] == '}' || text[i] == ']') && --depth == 0) return i + 1;
  }
  return std::string_view::npos;
}

}  // namespace

TEST_CASE("lines that are indented more are passed, to the first that is not", "[model][yaml]") {
  tests::Dice dice(1);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = random_text(dice, dice.roll(200), "      \na");
    const auto column = static_cast<std::uint32_t>(dice.roll(5));
    CAPTURE(text, column);
    std::uint32_t lines = 7, expected_lines = 7;
    const auto expected = plain_skip(text, 0, column, expected_lines);
    CHECK(skip_deeper(text, 0, column, lines) == expected);
    CHECK(lines == expected_lines);
  }
}

TEST_CASE("a JSON value ends where its brackets close, whatever its texts hold", "[model][yaml]") {
  tests::Dice dice(2);
  for (int round = 0; round < 5000; ++round) {
    const std::string text =
        "{" + random_text(dice, dice.roll(300), round % 2 == 0 ? "{}[]\"\\ aaa" : "{}[]\" aaaaaaaaaaa");
    CAPTURE(text);
    CHECK(json_container_end(text, 0) == plain_json_end(text, 0));
  }
}

TEST_CASE("a JSON value ends where its brackets close, also behind escapes that cross a block",
          "[model][yaml]") {
  tests::Dice dice(4);
  for (int round = 0; round < 5000; ++round) {
    std::string text = "{";
    std::size_t depth = 1;
    for (std::size_t parts = dice.roll(30); parts > 0; --parts) {
      switch (dice.roll(4)) {
        case 0:
          text += '{';
          ++depth;
          break;
        case 1:
          if (depth == 1) break;
          text += '}';
          --depth;
          break;
        default:
          text += '"';
          for (std::size_t size = dice.roll(25); size > 0; --size)
            text += dice.pick(std::vector<std::string>{"\\\"", "\\\\", "}", "[", "x"});
          text += '"';
      }
    }
    const std::size_t end = text.size() + depth;
    text += std::string(depth, '}') + "}{\"";
    CAPTURE(text);
    CHECK(json_container_end(text, 0) == end);
  }
}

TEST_CASE("control characters are found wherever they stand", "[model][yaml]") {
  for (std::size_t size = 1; size < 100; ++size) {
    std::string text(size, 'a');
    bool tabs = false;
    CHECK(find_control(text, tabs) == std::string::npos);
    CHECK_FALSE(tabs);
    for (const char c : {'\0', '\x01', '\x1F', '\x7F', '\r'}) {
      text[size / 2] = c;
      const bool last_return = c == '\r' && size / 2 + 1 == size;  // the text ends there
      CHECK(find_control(text, tabs) == (last_return ? std::string::npos : size / 2));
      CHECK(tabs == last_return);
    }
    text[size / 2] = '\t';
    tabs = false;
    CHECK(find_control(text, tabs) == std::string::npos);
    CHECK(tabs);
  }
  bool tabs = false;
  CHECK(find_control("a\r\nb\r\n", tabs) == std::string::npos);
  CHECK(tabs);
}

TEST_CASE("line feeds are counted", "[model][yaml]") {
  tests::Dice dice(3);
  for (int round = 0; round < 500; ++round) {
    const std::string text = random_text(dice, dice.roll(200), "\nab");
    CHECK(count_lines(text) == static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
  }
}

}  // namespace waypath::model::yaml
