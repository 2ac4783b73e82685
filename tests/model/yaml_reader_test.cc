// model/yaml: documents, Lists, places, what is refused and with which words.

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/yaml/node_builder.h"
#include "model/yaml/reader.h"
#include "model/yaml/yaml_codes.h"

namespace waypath::model::yaml {
namespace {

using nlohmann::json;

struct Read {
  SourceFiles files;
  std::uint32_t file = 0;
  Diagnostics diagnostics;
  std::vector<Slice> slices;
  std::vector<Document> documents;
  std::string errors;
};

Read read(std::string text, const ReadOptions& options = {}) {
  Read r;
  r.file = r.files.add("in.yaml", std::move(text));
  r.documents = read_documents(r.files.text(r.file), r.file, r.diagnostics, options, &r.slices);
  for (const Diagnostic& d : r.diagnostics.sorted(r.files)) r.errors += format_diagnostic(d, r.files);
  return r;
}

std::string first_error_code(const std::string& text) {
  const Read r = read(text);
  return r.diagnostics.empty() ? std::string() : std::string(r.diagnostics.items().front().code.text);
}

std::vector<Slice> split(std::string_view text) {
  Diagnostics diagnostics;
  std::vector<Slice> slices = split_documents(text, 1, diagnostics);
  for (Slice& slice : slices) peek(text, slice);
  return slices;
}

const Node& at(const Read& r, std::size_t document, const std::string& pointer) {
  const Node* const node = at_pointer(*r.documents.at(document).root, pointer);
  REQUIRE(node != nullptr);
  return *node;
}

}  // namespace

TEST_CASE("documents: separators, comments and empty documents", "[model][yaml]") {
  const Read r = read(
      "# Source: chart/templates/a.yaml\n"
      "---\n"
      "# only a comment\n"
      "---\n"
      "kind: A\n"
      "--- # next\n"
      "\n"
      "kind: B\n"
      "...\n"
      "kind: C\n"
      "---\n");
  REQUIRE(r.errors.empty());
  REQUIRE(r.documents.size() == 3);
  CHECK(at(r, 0, "/kind").pos == SourcePos{1, 5, 7});
  CHECK(at(r, 1, "/kind").pos == SourcePos{1, 8, 7});
  CHECK(at(r, 2, "/kind").pos == SourcePos{1, 10, 7});
}

TEST_CASE("documents: a directive belongs to the document after it", "[model][yaml]") {
  const Read r = read("%YAML 1.1\n---\nkind: A\n---\nkind: B\n");
  REQUIRE(r.errors.empty());
  REQUIRE(r.documents.size() == 2);
  CHECK(at(r, 0, "/kind").pos.line == 3);
}

TEST_CASE("documents: three dashes inside a block text end nothing when indented", "[model][yaml]") {
  const Read r = read("kind: ConfigMap\ndata:\n  a: |\n    ---\n    kind: Pod\n  b: x---\nz: 1\n");
  REQUIRE(r.documents.size() == 1);
  CHECK(at(r, 0, "/data/a").scalar == "---\nkind: Pod\n");
  CHECK(at(r, 0, "/z").pos == SourcePos{1, 7, 4});
}

TEST_CASE("documents: byte order mark and CRLF are accepted", "[model][yaml]") {
  const Read r =
      read("\xEF\xBB\xBFkind: A\r\nspec:\r\n  text: |\r\n    one\r\n    two\r\n---\r\nkind: B\r\n");
  REQUIRE(r.errors.empty());
  REQUIRE(r.documents.size() == 2);
  CHECK(at(r, 0, "/kind").scalar == "A");
  CHECK(at(r, 0, "/kind").pos == SourcePos{1, 1, 7});
  CHECK(at(r, 0, "/spec/text").scalar == "one\ntwo\n");
  CHECK(at(r, 1, "/kind").pos == SourcePos{1, 7, 7});
}

TEST_CASE("peek: identity without reading", "[model][yaml]") {
  const std::vector<Slice> slices = split(
      "apiVersion: v1\ndata:\n  kind: Wrong\n  text: |\n    kind: Wrong\nkind: \"ConfigMap\"  # a "
      "comment\nmetadata:\n  labels:\n"
      "    name: wrong\n  name: settings\n  namespace: 'shop'\n");
  REQUIRE(slices.size() == 1);
  CHECK(slices[0].peeked);
  CHECK(slices[0].api_version == "v1");
  CHECK(slices[0].kind == "ConfigMap");
  CHECK(slices[0].name == "settings");
  CHECK(slices[0].ns == "shop");
}

TEST_CASE("peek: in doubt nothing is told", "[model][yaml]") {
  for (const std::string_view text : {
           "kind: &k Pod\nmetadata: {name: a}\n",
           "kind: Pod\nkind: Service\n",
           "kind: |\n  Pod\n",
           "kind: Pod\nmetadata:\n  name: \"a\\u0041\"\n",
           "kind: Pod\n  more\n",
           "? kind\n: Pod\n",
           "kind:\tPod\n",
       }) {
    CAPTURE(text);
    const std::vector<Slice> slices = split(text);
    REQUIRE(slices.size() == 1);
    CHECK_FALSE(slices[0].peeked);
  }
}

TEST_CASE("List: block items are slices of their own, with their lines", "[model][yaml]") {
  const Read r = read(
      "apiVersion: v1\n"
      "items:\n"
      "- apiVersion: v1\n"
      "  kind: Pod\n"
      "  metadata:\n"
      "    name: a\n"
      "  spec:\n"
      "    args:\n"
      "    - \"multi\n"
      "      - line\"\n"
      "# between\n"
      "- apiVersion: v1\n"
      "  kind: Service\n"
      "  metadata:\n"
      "    name: b\n"
      "kind: List\n"
      "metadata:\n"
      "  resourceVersion: \"\"\n");
  REQUIRE(r.errors.empty());
  REQUIRE(r.slices.size() == 2);
  CHECK(r.slices[0].item == 0);
  CHECK(r.slices[1].item == 1);
  CHECK(at(r, 0, "/spec/args/0").scalar == "multi - line");
  CHECK(at(r, 0, "/kind").pos == SourcePos{1, 4, 9});
  CHECK(at(r, 1, "/apiVersion").pos == SourcePos{1, 12, 15});
  CHECK(at(r, 1, "/metadata/name").pos == SourcePos{1, 15, 11});
}

TEST_CASE("List: a typed list tells its items' kind", "[model][yaml]") {
  const std::vector<Slice> yaml = split(
      "kind: PodList\napiVersion: v1\nitems:\n  - metadata:\n      name: a\n  - metadata:\n      name: b\n");
  REQUIRE(yaml.size() == 2);
  CHECK(yaml[1].kind == "Pod");
  CHECK(yaml[1].api_version == "v1");
  CHECK(yaml[1].name == "b");
  const std::vector<Slice> from_json =
      split(R"({"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"a"}}]})");
  REQUIRE(from_json.size() == 1);
  CHECK(from_json[0].kind == "Pod");
}

TEST_CASE("List: with anchors it is read whole, so that aliases keep their meaning", "[model][yaml]") {
  const Read r = read("kind: List\nitems:\n- kind: A\n  labels: &l {app: x}\n- kind: B\n  labels: *l\n");
  REQUIRE(r.errors.empty());
  CHECK(split("kind: List\nitems:\n- kind: A\n  labels: &l {app: x}\n- kind: B\n  labels: *l\n").size() == 1);
  REQUIRE(r.documents.size() == 2);
  CHECK(at(r, 1, "/labels/app").scalar == "x");
  CHECK(at(r, 1, "/labels").pos == SourcePos{1, 6, 11});
}

TEST_CASE("prune: managedFields and status go, lines and columns stay", "[model][yaml]") {
  const std::string text =
      "apiVersion: v1\n"
      "kind: Pod\n"
      "metadata:\n"
      "  annotations:\n"
      "    kubectl.kubernetes.io/last-applied-configuration: |\n"
      "      {\"kind\":\"Pod\"}\n"
      "    kept: \"1\"\n"
      "  managedFields:\n"
      "  - apiVersion: v1\n"
      "    fieldsV1:\n"
      "      f:metadata: {}\n"
      "  name: a\n"
      "spec:\n"
      "  containers:\n"
      "  - name: c\n"
      "    resources:\n"
      "      limits: {cpu: 1}\n"
      "    ports:\n"
      "    - containerPort: 80\n"
      "  tolerations:\n"
      "  - key: x\n"
      "status:\n"
      "  conditions:\n"
      "  - type: Ready\n"
      "    status: \"True\"\n"
      "  containerStatuses:\n"
      "  - image: nginx\n"
      "    state:\n"
      "      running: {}\n"
      "  podIP: 10.0.0.1\n";
  const Read pruned = read(text);
  REQUIRE(pruned.errors.empty());
  const Node& root = *pruned.documents.at(0).root;
  CHECK(to_json(root) ==
        json::parse(R"({"apiVersion":"v1","kind":"Pod","metadata":{"annotations":{"kept":"1"},"name":"a"},
    "spec":{"containers":[{"name":"c","ports":[{"containerPort":80}]}]},
    "status":{"conditions":[{"type":"Ready","status":"True"}],"podIP":"10.0.0.1"}})"));
  CHECK(at(pruned, 0, "/metadata/name").pos == SourcePos{1, 12, 9});
  CHECK(at(pruned, 0, "/spec/containers/0/ports/0/containerPort").pos == SourcePos{1, 19, 22});
  CHECK(at(pruned, 0, "/status/podIP").pos == SourcePos{1, 30, 10});
  const Read whole = read(text, ReadOptions{.prune = false});
  CHECK(at(whole, 0, "/metadata/managedFields/0/apiVersion").pos == SourcePos{1, 9, 17});
}

TEST_CASE("read_object: an object again, with everything in it", "[model][yaml]") {
  const std::string text =
      "kind: List\nitems:\n- kind: A\n  metadata:\n    managedFields: []\n    name: a\n- kind: B\n";
  const Read r = read(text);
  REQUIRE(r.slices.size() == 2);
  Diagnostics diagnostics;
  const Slice& slice = r.slices[0];
  const std::optional<Document> again =
      read_object(text, slice.offset, slice.length, slice.first_line, slice.item, 1, diagnostics);
  REQUIRE(again.has_value());
  CHECK(to_json(*again->root) == json::parse(R"({"kind":"A","metadata":{"managedFields":[],"name":"a"}})"));
  CHECK(again->root->find("kind")->pos == SourcePos{1, 3, 9});

  const std::string flow = R"({"kind":"List","items":[{"kind":"A"}, {"kind":"B"}]})";
  const Read j = read(flow);
  REQUIRE(j.slices.size() == 2);
  const std::optional<Document> second =
      read_object(flow, j.slices[1].offset, j.slices[1].length, j.slices[1].first_line, 1, 1, diagnostics);
  REQUIRE(second.has_value());
  CHECK(to_json(*second->root) == json::parse(R"({"kind":"B"})"));
  CHECK(second->root->pos == j.documents[1].root->pos);

  const std::string anchored = "kind: List\nitems:\n- kind: &k A\n- kind: *k\n";
  const Read a = read(anchored);
  REQUIRE(a.slices.size() == 2);
  const std::optional<Document> alias = read_object(anchored, a.slices[1].offset, a.slices[1].length,
                                                    a.slices[1].first_line, a.slices[1].item, 1, diagnostics);
  REQUIRE(alias.has_value());
  CHECK(alias->root->find("kind")->scalar == "A");
}

TEST_CASE("JSON: values, places, Lists, NDJSON and concatenation", "[model][yaml]") {
  const Read r = read(
      "{\n  \"kind\": \"List\", \"items\": [\n    {\"kind\": \"A\", \"port\": 80, \"on\": true, \"none\": "
      "null, \"s\": \"a\\n\\\"b\"},\n"
      "    {\"kind\": \"B\", \"list\": [1, -2.5, \"x\"]}\n  ]\n}\n{\"kind\":\"C\"}{\"kind\":\"D\"}\n");
  INFO(r.errors);
  REQUIRE(r.documents.size() == 4);
  CHECK(at(r, 0, "/kind").pos == SourcePos{1, 3, 14});
  CHECK(at(r, 0, "/port").is_integer());
  CHECK(at(r, 0, "/port").pos == SourcePos{1, 3, 27});
  CHECK(at(r, 0, "/on").as_bool() == true);
  CHECK(at(r, 0, "/none").is_null());
  CHECK(at(r, 0, "/s").scalar == "a\n\"b");
  CHECK(at(r, 1, "/list/1").as_number() == -2.5);
  CHECK(at(r, 1, "/list/2").pos == SourcePos{1, 4, 37});
  CHECK(at(r, 2, "/kind").pos == SourcePos{1, 7, 9});
  CHECK(at(r, 3, "/kind").pos == SourcePos{1, 7, 21});
  CHECK(at(r, 3, "").pos == SourcePos{1, 7, 13});
}

TEST_CASE("JSON: a flow-style YAML document is still YAML", "[model][yaml]") {
  const Read r = read("{apiVersion: v1, kind: Pod}\n---\n{\"kind\": \"B\"}\n");
  REQUIRE(r.errors.empty());
  REQUIRE(r.documents.size() == 2);
  CHECK(at(r, 0, "/kind").pos == SourcePos{1, 1, 24});
  CHECK(at(r, 1, "/kind").pos == SourcePos{1, 3, 10});
}

TEST_CASE("anchors and aliases: expanded within bounds", "[model][yaml]") {
  const Read r = read("a: &x [1, 2]\nb: *x\n");
  REQUIRE(r.errors.empty());
  CHECK(to_json(at(r, 0, "/b")) == json::parse("[1, 2]"));

  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 9; ++k) bomb += ", " + before;
    bomb += "]\n";
  }
  CHECK(first_error_code(bomb) == "YAML_ALIAS");
  CHECK(first_error_code("a: &x [*x]\n") == "YAML_ALIAS");
  CHECK(first_error_code("a: *nowhere\n") == "YAML_SYNTAX");
}

TEST_CASE("refused: deep nesting, before any parser runs out of stack", "[model][yaml]") {
  CHECK(first_error_code("a: " + std::string(100000, '[')) == "INPUT_TOO_DEEP");
  CHECK(first_error_code(std::string(100000, '[')) == "INPUT_TOO_DEEP");
  CHECK(first_error_code("[" + std::string(300, '[') + std::string(300, ']') + "]") == "INPUT_TOO_DEEP");
  std::string dashes;
  for (int i = 0; i < 5000; ++i) dashes += "- ";
  CHECK(first_error_code(dashes + "x\n") == "INPUT_TOO_DEEP");
  std::string braces;
  for (int i = 0; i < 5000; ++i) braces += "{a: ";
  CHECK(first_error_code("k: " + braces) == "INPUT_TOO_DEEP");
  std::string json_deep;
  for (int i = 0; i < 5000; ++i) json_deep += "{\"a\":";
  CHECK(first_error_code(json_deep) == "INPUT_TOO_DEEP");
}

TEST_CASE("refused: texts of more than 16 MiB", "[model][yaml][.slow]") {
  CHECK(first_error_code("kind: A\ndata: " + std::string((16U << 20) + 10, 'x') + "\n") ==
        "INPUT_SCALAR_TOO_LARGE");
  std::string block = "kind: A\ndata: |\n";
  for (int i = 0; i < 200000; ++i) block += "  " + std::string(100, 'x') + "\n";
  CHECK(first_error_code(block) == "INPUT_SCALAR_TOO_LARGE");
}

TEST_CASE("refused: what is no text", "[model][yaml]") {
  CHECK(first_error_code(std::string("kind: A\n\0", 9)) == "INPUT_NOT_TEXT");
  CHECK(first_error_code("\xFF\xFEk\0") == "INPUT_NOT_TEXT");
  CHECK(first_error_code("\x1F\x8B\x08") == "INPUT_NOT_TEXT");
  CHECK(first_error_code("kind: \x01\n") == "INPUT_NOT_TEXT");
  CHECK(first_error_code("kind: A\rname: b\n") == "INPUT_NOT_TEXT");
  const Read r = read("kind: A\nname: \xC3\x28\n");
  CHECK(r.errors ==
        "in.yaml:2:7: error: bytes that are not UTF-8; expected YAML or JSON text in UTF-8 [INPUT_NOT_TEXT]\n"
        "  name: ?(\n"
        "        ^\n"
        "  hint: is this a binary file, or text in another encoding?\n");
}

TEST_CASE("refused: duplicate keys, with both places; the first counts", "[model][yaml]") {
  const Read r = read("kind: A\nspec:\n  port: 80\n  name: x\n  port: 81\n");
  CHECK(r.errors ==
        "in.yaml:5:3: error: key \"port\" stands twice in this mapping; first at line 3, column 3 "
        "[DUPLICATE_KEY]\n"
        "    port: 81\n"
        "    ^\n"
        "  hint: remove one of the two\n");
  REQUIRE(r.documents.size() == 1);
  CHECK(at(r, 0, "/spec/port").scalar == "80");
  CHECK(first_error_code(R"({"a": 1, "b": 2, "a": 3})") == "DUPLICATE_KEY");
}

TEST_CASE("merge keys give what kubectl reads", "[model][yaml]") {
  // Both columns as sigs.k8s.io/yaml has them (YAMLToJSON of go.yaml.in/yaml/v2 2.4.2).
  struct Row {
    std::string_view text, value;
  };
  const std::vector<Row> rows{
      {"b: &b {x: 1, z: 2}\na: {<<: *b, z: 3}\n", R"({"x": 1, "z": 3})"},
      {"b: &b {x: 1, z: 2}\na:\n  <<: *b\n  z: 3\n", R"({"x": 1, "z": 3})"},
      {"b: &b {x: 1, z: 2}\na: {z: 3, <<: *b}\n", R"({"x": 1, "z": 2})"},
      {"b: &b {x: 1, w: 2}\nc: &c {x: 5, z: 6}\na: {<<: [*b, *c], w: 3}\n", R"({"x": 1, "w": 3, "z": 6})"},
      {"b: &b {x: 1, w: 2}\nc: &c {x: 5, z: 6}\na: {<<: *b, <<: *c}\n", R"({"x": 5, "w": 2, "z": 6})"},
      {"b: &b {x: 1, w: 2}\nc: &c {x: 5}\na: {<<: *b, x: 9, <<: *c}\n", R"({"x": 5, "w": 2})"},
      {"a: {<<: {x: 1}, z: 3}\n", R"({"x": 1, "z": 3})"},
      {"a: {<<: [{x: 1}, {x: 2}]}\n", R"({"x": 1})"},
      {"a: {<<: []}\n", "{}"},
      {"b: &b {x: 1, z: 3, <<: {z: 1}}\na: {<<: *b, w: 1}\n", R"({"x": 1, "z": 1, "w": 1})"},
      {"a: {<<: {x: {p: 1}}, x: {q: 2}}\n", R"({"x": {"q": 2}})"},
      {"a: {x: ~, <<: {x: 2}}\n", R"({"x": 2})"},
      {"a: {<<: !t {x: 1}}\n", R"({"x": 1})"},
      {"a: {!!merge '<<': {x: 1}}\n", R"({"x": 1})"},
      {"a: {\"<<\": {x: 1}}\n", R"({"<<": {"x": 1}})"},
      {"a: {!t <<: {x: 1}}\n", R"({"<<": {"x": 1}})"},
      {"m: &m <<\na: {*m : {x: 1}}\n", R"({"<<": {"x": 1}})"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const Read r = read(std::string(row.text));
    CHECK_FALSE(r.diagnostics.has_errors());
    CHECK(to_json(at(r, 0, "/a")) == json::parse(row.value));
  }
  for (const std::string_view text :
       {"a: {<<: 3}\n", "a: {<<: ~}\n", "a: {<<: }\n", "a: {<<: [3]}\n", "a: {<<: [~]}\n",
        "a: {<<: [[{x: 1}]]}\n", "b: &b [1]\na: {<<: *b}\n", "b: &b {x: 1}\nc: &c [*b]\na: {<<: *c}\n",
        "a: {<<: [{x: 1}, 3], z: 1}\n"}) {
    CAPTURE(text);
    CHECK(first_error_code(std::string(text)) == "YAML_MERGE_KEY");
  }
}

TEST_CASE("merge keys: places, repeats and limits", "[model][yaml]") {
  // Where the merged text stands.
  const Read r = read("b: &b\n  x: 1\na:\n  <<: *b\n  z: 2\n");
  REQUIRE(r.errors.empty());
  CHECK(at(r, 0, "/a/x").pos == SourcePos{1, 2, 6});
  // A merged key and a written one are no repeat; two written ones are.
  CHECK(first_error_code("a: {<<: {x: 1}, x: 2}\n").empty());
  CHECK(first_error_code("a: {x: 2, <<: {x: 2}}\n").empty());
  CHECK(first_error_code("a: {<<: {x: 1}, x: 2, x: 3}\n") == "DUPLICATE_KEY");
  CHECK(first_error_code("a: {<<: {x: 1, x: 2}}\n") == "DUPLICATE_KEY");
  // Replacing what stands before it is read differently elsewhere.
  const Read late = read("a: {x: 2, <<: {x: 1}}\n");
  REQUIRE(late.diagnostics.items().size() == 1);
  CHECK(late.diagnostics.items().front().severity == Severity::Warning);

  CHECK(first_error_code("a: &a {<<: *a}\n") == "YAML_ALIAS");
  std::string bomb = "a0: &a0 {k: {x: [x, x, x, x, x, x, x, x, x, x]}}\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1), name = "a" + std::to_string(i);
    bomb += name + ": &" + name + " {";
    for (int k = 0; k < 10; ++k) bomb += "k" + std::to_string(k) + ": {<<: " + before + "}, ";
    bomb += "}\n";
  }
  CHECK(first_error_code(bomb) == "YAML_ALIAS");
  std::string wide = "a0: &a0 {k0: 0}\n";  // a chain: each merges the one before it
  for (int i = 1; i < 300; ++i) {
    const std::string n = std::to_string(i);
    wide += "a" + n + ": &a" + n + " {<<: [*a" + std::to_string(i - 1) + "], k" + n + ": " + n + "}\n";
  }
  const Read chain = read(wide);
  REQUIRE(chain.errors.empty());
  CHECK(at(chain, 0, "/a299").members.size() == 300);
}

TEST_CASE("peek: a merge key may give what an object is", "[model][yaml]") {
  const std::string text = "apiVersion: v1\nkind: Pod\nmetadata:\n  <<: {name: a, namespace: n}\nspec: {}\n";
  const std::vector<Slice> slices = split(text);
  REQUIRE(slices.size() == 1);
  CHECK_FALSE(slices[0].peeked);
  CHECK(at(read(text), 0, "/metadata/name").scalar == "a");
}

TEST_CASE("tags give what kubectl reads", "[model][yaml]") {
  // Both columns as sigs.k8s.io/yaml has them.
  struct Row {
    std::string_view text, value;
  };
  const std::vector<Row> rows{
      {"a: !env_var X\n", R"("X")"},
      {"a: !env_var 80\n", R"("80")"},
      {"a: !env_var '80'\n", R"("80")"},
      {"a: !env_var true\n", R"("true")"},
      {"a: !env_var ~\n", R"("~")"},
      {"a: !env_var\nb: 1\n", R"("")"},
      {"a: !vault |\n  80\n", R"("80\n")"},
      {"a: !<tag:x,2000:y> 80\n", R"("80")"},
      {"a: !x {b: 1}\n", R"({"b": 1})"},
      {"a: !x [1]\n", "[1]"},
      {"a: ! 80\n", R"("80")"},
      {"a: !!foo 80\n", R"("80")"},
      {"a: !!set {x}\n", R"({"x": null})"},
      {"a: !!omap [x: 1]\n", R"([{"x": 1}])"},
      {"a: !!str {x: 1}\n", R"({"x": 1})"},
      {"a: !!map [1]\n", "[1]"},
      {"a: !!str 80\n", R"("80")"},
      {"a: !!int '5'\n", "5"},
      {"a: !!int 0x10\n", "16"},
      {"a: !!float 5\n", "5"},
      {"a: !!bool 'yes'\n", "true"},
      {"a: !!null Null\n", "null"},
      {"a: {!x b: 1}\n", R"({"b": 1})"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const Read r = read(std::string(row.text));
    CHECK(r.errors.empty());
    CHECK(to_json(at(r, 0, "/a")) == json::parse(row.value));
  }
  for (const std::string_view text : {"a: !!int x\n", "a: !!int 5.0\n", "a: !!float x\n", "a: !!bool 1\n",
                                      "a: !!null x\n", "a: !!binary aGk=\n"}) {
    CAPTURE(text);
    CHECK(first_error_code(std::string(text)) == "YAML_TAG");
  }
}

TEST_CASE("refused: keys that are no text", "[model][yaml]") {
  CHECK(first_error_code("{[a]: 1}: 2\n") == "YAML_KEY");
  CHECK(first_error_code("spec: {{ .Values.x }}\n") == "YAML_KEY");
}

TEST_CASE("syntax errors: whole text", "[model][yaml]") {
  CHECK(read("kind: A\n\tspec: 1\n").errors ==
        "in.yaml:2:1: error: a tab stands where indentation was expected [YAML_SYNTAX]\n"
        "  \tspec: 1\n"
        "  ^\n"
        "  hint: indent with spaces: YAML does not allow tabs there\n");
  CHECK(first_error_code("a: b: c\n") == "YAML_SYNTAX");
  CHECK(first_error_code("a: \"open\n") == "YAML_SYNTAX");
  CHECK(first_error_code("a: &x \"open\n\n") == "YAML_SYNTAX");
  CHECK(first_error_code("a: 'it''s'\nb: \"\\\"\"\n").empty());
  CHECK(first_error_code("a: [1, 2\n") == "YAML_SYNTAX");
  CHECK(first_error_code("{\"a\": 1 \"b\"}") == "JSON_SYNTAX");
  CHECK(first_error_code("{\"a\": \"\x07\"}") == "INPUT_NOT_TEXT");
  const Read later = read("kind: A\n---\nkind: [\n---\nkind: C\n");
  CHECK(later.documents.size() == 2);  // one broken document does not hide the others
}

TEST_CASE("JSON values: to nodes and back", "[model][yaml]") {
  const json value = json::parse(R"({"a": [1, 2.5, "x", null, true], "b/c": {"d~e": "80"}, "n": -3})");
  const Document document = from_json(value, [](const std::string& pointer) {
    return pointer == "/b~1c/d~0e" ? SourcePos{2, 7, 1} : SourcePos{1, 1, 1};
  });
  CHECK(to_json(*document.root) == value);
  CHECK(at_pointer(*document.root, "/b~1c/d~0e")->pos == SourcePos{2, 7, 1});
  CHECK(at_pointer(*document.root, "/a/2")->scalar == "x");
  CHECK(at_pointer(*document.root, "/a/9") == nullptr);
  CHECK(at_pointer(*document.root, "/zz") == nullptr);
  CHECK(to_json(*copy_document(*document.root).root) == value);
  CHECK(to_json(*read("a: 010\nb: yes\nc: '8'\nd: 2024-01-01\ne: ~\n").documents.at(0).root) ==
        json::parse(R"({"a": 8, "b": true, "c": "8", "d": "2024-01-01", "e": null})"));
}

}  // namespace waypath::model::yaml
