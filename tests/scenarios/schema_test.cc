// scenarios/schema/scenario.schema.json, which editors use, says what the reader says.

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "scenarios/keys.h"
#include "tests/support/corpus.h"

namespace waypath {
namespace {

nlohmann::json definitions() {
  return nlohmann::json::parse(
             tests::read_text(tests::source_dir() + "/scenarios/schema/scenario.schema.json"))
      .at("$defs");
}

std::set<std::string> words(const scenarios::WordTable& table) {
  return {table.words.begin(), table.words.end()};
}

}  // namespace

TEST_CASE("the schema has the keys that the reader takes, and no others") {
  const auto defs = definitions();
  std::set<std::string> known;
  for (const auto& table : scenarios::key_tables()) {
    INFO(table.definition);
    known.emplace(table.definition);
    const auto& definition = defs.at(std::string(table.definition));
    CHECK(definition.at("additionalProperties") == false);
    std::set<std::string> keys;
    for (const auto& [key, value] : definition.at("properties").items()) keys.insert(key);
    CHECK(keys == words(table));
  }
  for (const auto& table : scenarios::value_tables()) {
    INFO(table.definition);
    known.emplace(table.definition);
    std::set<std::string> values;
    for (const auto& value : defs.at(std::string(table.definition)).at("enum"))
      values.insert(value.get<std::string>());
    CHECK(values == words(table));
  }
  for (const auto& [name, definition] : defs.items()) CHECK(known.contains(name));
}

}  // namespace waypath
