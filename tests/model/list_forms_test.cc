// A List is its items, in whatever YAML it is written: what cannot be cut into items is read whole.

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "model/load/manifest_loader.h"

namespace waypath::model {
namespace {

std::string item(const std::string& name) {
  return "- apiVersion: v1\n  kind: Pod\n  metadata: {name: " + name +
         ", namespace: x}\n  spec: {containers: [{name: c, image: c}]}\n";
}

std::string replaced(std::string text, const std::string& was, const std::string& is) {
  const auto at = text.find(was);
  REQUIRE(at != std::string::npos);
  return text.replace(at, was.size(), is);
}

std::vector<std::string> pods_of(const std::string& text) {
  Diagnostics diagnostics;
  const auto snapshot = load_texts({{"list.yaml", text}}, {}, diagnostics);
  CHECK_FALSE(diagnostics.has_errors());
  std::vector<std::string> out;
  for (const auto& pod : snapshot.all<Pod>()) out.push_back(pod->meta.name().str());
  return out;
}

}  // namespace

TEST_CASE("a List is read in every way that YAML has to write it") {
  const std::string items = item("a") + item("b");
  const std::string plain = "apiVersion: v1\nkind: List\nitems:\n" + items;
  const std::vector<std::pair<std::string, std::string>> forms{
      {"as kubectl writes it", plain},
      {"kind in quotes", replaced(plain, "kind: List", "kind: \"List\"")},
      {"apiVersion in quotes", replaced(plain, "apiVersion: v1", "apiVersion: 'v1'")},
      {"keys in quotes", "\"apiVersion\": v1\n\"kind\": List\n\"items\":\n" + items},
      {"a comment behind the kind", replaced(plain, "kind: List", "kind: List  # all of them")},
      {"a comment behind items", replaced(plain, "items:", "items:  # all of them")},
      {"a comment behind a dash", replaced(plain, "- apiVersion", "- # the first\n  apiVersion")},
      {"a dash on a line of its own", replaced(plain, "- apiVersion", "-\n  apiVersion")},
      {"an item in flow style",
       plain.substr(0, plain.size() - item("b").size()) +
           "- {apiVersion: v1, kind: Pod, metadata: {name: b, namespace: x}, spec: {containers: [{name: c, "
           "image: c}]}}\n"},
      {"a tag", replaced(plain, "kind: List", "kind: !!str List")},
      {"an anchor", replaced(plain, "metadata: {name: a", "metadata: &a {name: a")},
      {"another key", replaced(plain, "items:", "x-note: one\nitems:")},
      {"the kind last",
       "apiVersion: v1\nitems:\n" + items + "kind: List\nmetadata:\n  resourceVersion: \"\"\n"},
      {"what looks like an anchor in a script", plain + "- apiVersion: v1\n  kind: ConfigMap\n  metadata: "
                                                        "{name: c, namespace: x}\n  data:\n    run.sh: |\n"
                                                        "      if [ ! -f x ]; then foo &>/dev/null; fi\n"},
  };
  for (const auto& [what, text] : forms) {
    INFO(what << "\n" << text);
    CHECK(pods_of(text) == std::vector<std::string>{"a", "b"});
  }
}

}  // namespace waypath::model
