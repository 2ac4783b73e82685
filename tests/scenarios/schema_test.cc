// scenarios/schema/scenario.schema.json, which editors use, says what the reader says: the same keys, and
// every one of them is read.

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "model/yaml/node_builder.h"
#include "model/yaml/reader.h"
#include "scenarios/keys.h"
#include "scenarios/scenario.h"
#include "tests/support/corpus.h"

namespace waypath {
namespace {

using nlohmann::json;
using Pointer = json::json_pointer;
using Key = std::pair<std::string, std::string>;  // definition, key

const std::string kEveryKey = "/tests/schema/every-key.yaml";

json schema() {
  return json::parse(tests::read_text(tests::source_dir() + "/scenarios/schema/scenario.schema.json"));
}

json definitions() { return schema().at("$defs"); }

json every_key() {
  model::Diagnostics diagnostics;
  const auto text = tests::read_text(tests::source_dir() + kEveryKey);
  const auto documents = model::yaml::read_documents(text, 0, diagnostics, {.prune = false});
  REQUIRE(documents.size() == 1);
  return model::yaml::to_json(*documents.front().root);
}

std::set<std::string> words(const scenarios::WordTable& table) {
  return {table.words.begin(), table.words.end()};
}

/// Where each key of each definition stands in a scenario, as the schema leads there.
class Walk {
 public:
  explicit Walk(json defs) : defs_(std::move(defs)) {}
  std::map<Key, Pointer> found;
  std::map<std::string, Pointer> mappings;  // one of each definition

  void run(const json& value, const std::string& definition, const Pointer& at) {
    const json& schema = defs_.at(definition);
    if (!schema.contains("properties") || !value.is_object()) return;
    mappings.emplace(definition, at);
    for (const auto& [key, member] : value.items()) {
      found.emplace(Key{definition, key}, at / key);
      if (schema["properties"].contains(key)) follow(member, schema["properties"][key], at / key);
    }
  }

 private:
  void follow(const json& value, const json& schema, const Pointer& at) {
    if (schema.contains("$ref")) {
      const std::string ref = schema["$ref"];
      run(value, ref.substr(ref.rfind('/') + 1), at);
    }
    if (schema.contains("anyOf"))
      for (const auto& one : schema["anyOf"]) follow(value, one, at);
    if (value.is_array() && schema.contains("items"))
      for (std::size_t i = 0; i < value.size(); ++i) follow(value[i], schema["items"], at / i);
    if (value.is_object() && schema.contains("additionalProperties") &&
        schema["additionalProperties"].is_object())
      for (const auto& [key, member] : value.items())
        follow(member, schema["additionalProperties"], at / key);
  }
  json defs_;
};

Walk walk() {
  Walk out(definitions());
  out.run(every_key(), "scenario", Pointer());
  return out;
}

model::Diagnostics read(const json& scenario) {
  model::SourceFiles files;
  model::Diagnostics diagnostics;
  (void)scenarios::parse_scenario(tests::source_dir() + kEveryKey, scenario.dump(), files, diagnostics);
  return diagnostics;
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

TEST_CASE("the reader accepts every key where the schema has it") {
  const auto diagnostics = read(every_key());
  for (const auto& d : diagnostics.items()) UNSCOPED_INFO(d.field + ": " + d.message);
  CHECK(diagnostics.empty());
  const auto found = walk().found;
  for (const auto& table : scenarios::key_tables())
    for (const auto& word : table.words) {
      INFO(table.definition << "." << word);
      CHECK(found.contains({std::string(table.definition), std::string(word)}));
    }
}

TEST_CASE("the reader reads every key of the schema: none takes just any value") {
  const auto base = every_key();
  // For whoever writes them: read by nobody.
  const std::set<Key> free{{"metadata", "labels"}, {"metadata", "annotations"}};
  const json nonsense =
      json::array({7, "no such thing", true, json::object({{"a", 1}}), json::array({json::array()})});
  for (const auto& [key, pointer] : walk().found) {
    if (free.contains(key)) continue;
    INFO(key.first << "." << key.second << " at " << pointer.to_string());
    const bool refused = std::any_of(nonsense.begin(), nonsense.end(), [&](const json& value) {
      auto changed = base;
      changed[pointer] = value;
      return read(changed).has_errors();
    });
    CHECK(refused);
  }
}

TEST_CASE("a key that is nearly one of the format is refused with the one that was meant") {
  const auto base = every_key();
  for (const auto& [definition, pointer] : walk().mappings) {
    for (const auto& [key, value] : base[pointer].items()) {
      INFO(definition << "." << key);
      auto changed = base;
      auto& mapping = changed[pointer];
      const std::string slip = key + key.back();
      mapping[slip] = mapping[key];
      const auto diagnostics = read(changed);
      const bool told =
          std::any_of(diagnostics.items().begin(), diagnostics.items().end(), [&](const auto& d) {
            return d.severity == model::Severity::Error && d.hint == "did you mean \"" + key + "\"?" &&
                   d.field.find(slip) != std::string::npos;
          });
      CHECK(told);
    }
  }
}

}  // namespace waypath
