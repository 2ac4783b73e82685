// Plain scalars are typed as the API server types them: YAML 1.1 by sigs.k8s.io/yaml, not YAML 1.2.

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "model/yaml/node.h"

namespace waypath::model::yaml {
namespace {

Node plain(std::string_view text) {
  Node node;
  node.kind = NodeKind::Scalar;
  node.style = ScalarStyle::Plain;
  node.scalar = text;
  return node;
}

std::string type_of(std::string_view text) {
  const Node node = plain(text);
  std::string type;
  if (node.is_string()) type += "string";
  if (node.is_bool()) type += "bool";
  if (node.is_integer()) type += "integer";
  if (node.is_float()) type += "float";
  return type;
}

}  // namespace

TEST_CASE("YAML scalars: every plain text has the type goyaml.v2 gives it", "[model][yaml]") {
  struct Row {
    std::string_view text;
    std::string_view type;
  };
  const std::vector<Row> rows{
      {"true", "bool"},
      {"True", "bool"},
      {"yes", "bool"},
      {"No", "bool"},
      {"on", "bool"},
      {"OFF", "bool"},
      {"y", "bool"},
      {"N", "bool"},
      {"tRue", "string"},
      {"yess", "string"},
      {"0", "integer"},
      {"80", "integer"},
      {"-1", "integer"},
      {"+7", "integer"},
      {"010", "integer"},
      {"0o10", "integer"},
      {"0x1F", "integer"},
      {"0b101", "integer"},
      {"-0b11", "integer"},
      {"1_000", "integer"},
      {"08", "float"},
      {"1.5", "float"},
      {"1e3", "float"},
      {"1E-3", "float"},
      {"1.", "float"},
      {".5", "float"},
      {".inf", "float"},
      {"-.INF", "float"},
      {".nan", "float"},
      {"-", "string"},
      {"+", "string"},
      {".", "string"},
      {"1.2.3", "string"},
      {"10.0.0.1", "string"},
      {"10.0.0.0/8", "string"},
      {"0x", "string"},
      {"0b2", "string"},
      {"1e", "string"},
      {"e3", "string"},
      {"12h", "string"},
      {"2024-01-01", "string"},
      {"2024-01-01T00:00:00Z", "string"},
      {"=", "string"},
      {"1:30", "string"},
      {"_1", "string"},
      {"18446744073709551615", "integer"},
      {"99999999999999999999", "integer"},
      {"nullable", "string"},
      {"text", "string"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(type_of(row.text) == row.type);
  }
}

TEST_CASE("YAML scalars: values of integers, floats and booleans", "[model][yaml]") {
  CHECK(plain("010").as_integer() == 8);
  CHECK(plain("0o17").as_integer() == 15);
  CHECK(plain("0x1F").as_integer() == 31);
  CHECK(plain("0b101").as_integer() == 5);
  CHECK(plain("-12").as_integer() == -12);
  CHECK(plain("1_000").as_integer() == 1000);
  CHECK(plain("-9223372036854775808").as_integer() == std::numeric_limits<std::int64_t>::min());
  CHECK_FALSE(plain("99999999999999999999").as_integer().has_value());
  CHECK(plain("1e3").as_number() == 1000.0);
  CHECK(plain("08").as_number() == 8.0);
  CHECK(plain("80").as_number() == 80.0);
  CHECK(plain("off").as_bool() == false);
  CHECK(plain("Y").as_bool() == true);
  CHECK_FALSE(plain("80").as_bool().has_value());
}

TEST_CASE("YAML scalars: quoted, block and JSON text is text, whatever it holds", "[model][yaml]") {
  for (const ScalarStyle style : {ScalarStyle::Quoted, ScalarStyle::Block, ScalarStyle::JsonString}) {
    Node node = plain("8080");
    node.style = style;
    CHECK(node.is_string());
    CHECK_FALSE(node.is_integer());
    CHECK_FALSE(node.as_integer().has_value());
  }
  Node number = plain("8080");
  number.style = ScalarStyle::JsonNumber;
  CHECK(number.is_integer());
  number.scalar = "1e2";
  CHECK(number.is_float());
}

}  // namespace waypath::model::yaml
