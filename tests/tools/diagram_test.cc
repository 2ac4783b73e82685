// Diagrams (tools/render/diagram.h): nothing that manifests hold can end a statement, open a block or start
// markup.

#include "tools/render/diagram.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/tools/hostile.h"
#include "tests/tools/verdicts.h"

namespace waypath {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

const auto& kHostile = tests::hostile_names();

TEST_CASE("hostile names leave a Mermaid flowchart with the statements of harmless ones") {
  const auto harmless = lines_of(tools::path_diagram(tests::dropped_at_last_leg(), "mermaid"));
  for (const auto& name : kHostile) {
    INFO(name);
    auto verdict = tests::dropped_at_last_leg(name);
    auto& path = verdict.paths.front();
    path.hops.front().name = name;
    path.hops[2].seen_peer.principal = name;
    path.symptom = verdict.symptom = name;
    const auto lines = lines_of(tools::path_diagram(verdict, "mermaid"));
    REQUIRE(lines.size() == harmless.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      // Outside of quotes the line is as it was.
      const auto skeleton = [](const std::string& line) {
        std::string out;
        bool quoted = false;
        for (const char c : line) {
          if (c == '"') quoted = !quoted;
          if (!quoted) out.push_back(c);
        }
        CHECK_FALSE(quoted);
        return out;
      };
      CHECK(skeleton(lines[i]) == skeleton(harmless[i]));
    }
  }
}

TEST_CASE("hostile names leave a Mermaid sequence with the statements of harmless ones") {
  const auto harmless = lines_of(tools::path_diagram(tests::dropped_at_last_leg(), "mermaid-sequence"));
  for (const auto& name : kHostile) {
    INFO(name);
    auto verdict = tests::dropped_at_last_leg(name);
    auto& path = verdict.paths.front();
    path.hops.front().name = name;
    path.symptom = verdict.symptom = name;
    const auto lines = lines_of(tools::path_diagram(verdict, "mermaid-sequence"));
    REQUIRE(lines.size() == harmless.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const auto head = [](const std::string& line) {
        return line.substr(0, std::min(line.find(" as "), line.find(": ")));
      };
      CHECK(head(lines[i]) == head(harmless[i]));
      CHECK(lines[i].find('\x1b') == std::string::npos);
    }
  }
}

TEST_CASE("hostile names leave a DOT graph with the statements of harmless ones") {
  const auto harmless = lines_of(tools::path_diagram(tests::dropped_at_last_leg(), "dot"));
  for (const auto& name : kHostile) {
    INFO(name);
    auto verdict = tests::dropped_at_last_leg(name);
    verdict.paths.front().hops.front().name = name;
    const auto lines = lines_of(tools::path_diagram(verdict, "dot"));
    REQUIRE(lines.size() == harmless.size());
    for (const auto& line : lines) {
      bool quoted = false;
      for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\\' && quoted) {
          ++i;
        } else if (line[i] == '"') {
          quoted = !quoted;
        }
      }
      CHECK_FALSE(quoted);
    }
  }
}

TEST_CASE("Mermaid text escapes what has a meaning and leaves names readable") {
  CHECK(tools::mermaid_text("waypoint app/wp-1.x") == "waypoint app/wp-1.x");
  CHECK(tools::mermaid_text("a\"b") == "a#34;b");
  CHECK(tools::mermaid_text("#<>;") == "#35;#60;#62;#59;");
  CHECK(tools::mermaid_text("end") == "#101;nd");
  CHECK(tools::mermaid_text("backend end-to-end") == "backend #101;nd-to-#101;nd");
  CHECK(tools::mermaid_text("a\nb") == "a b");
}

TEST_CASE("the dropped leg and the deciding policy are marked in every diagram") {
  const auto verdict = tests::dropped_at_last_leg();
  const auto flow = tools::path_diagram(verdict, "mermaid");
  CHECK(flow.find("h2 --x|\"HBONE :15008 (8080)<br/>DROPPED\"| h3") != std::string::npos);
  CHECK(flow.find("NetworkPolicy/app/only-9090 ingress rule 0") != std::string::npos);
  const auto sequence = tools::path_diagram(verdict, "mermaid-sequence");
  CHECK(sequence.find("h2-xh3: HBONE :15008 (8080) DROPPED") != std::string::npos);
  CHECK(sequence.find("decided by NetworkPolicy/app/only-9090 ingress rule 0") != std::string::npos);
  const auto dot = tools::path_diagram(verdict, "dot");
  CHECK(dot.find("DROPPED") != std::string::npos);
  CHECK(dot.find("NetworkPolicy/app/only-9090 ingress rule 0") != std::string::npos);
}

TEST_CASE("hops behind the decision are drawn as not reached") {
  auto verdict = tests::dropped_at_last_leg();
  auto& path = verdict.paths.front();
  path.decided_at_leg = 1;
  const auto flow = tools::path_diagram(verdict, "mermaid");
  CHECK(flow.find("ztunnel of app/server-0\"/]:::unreached") != std::string::npos);
  CHECK(flow.find("h2 -.->") == std::string::npos);
}

}  // namespace
}  // namespace waypath
