// The HTML report (tools/render/html_report.h): what of the manifests comes along, and that no text of theirs
// is markup.

#include "tools/render/html_report.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "tests/tools/hostile.h"
#include "tests/tools/run.h"
#include "tests/tools/verdicts.h"
#include "tools/render/source_excerpt.h"

namespace waypath {
namespace {

TEST_CASE("an excerpt is the document of a stream around the line") {
  const std::string text = "kind: A\n---\n# why\nkind: B\nspec: {}\n---\nkind: C\n";
  const auto part = tools::excerpt(text, 5);
  CHECK(part.line == 3);
  CHECK(part.text == "# why\nkind: B\nspec: {}");
  CHECK(tools::excerpt(text, 1).text == "kind: A");
  CHECK(tools::excerpt(text, 99).text.empty());
}

TEST_CASE("an excerpt of a YAML list is the item around the line") {
  const std::string text =
      "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  data: {a: b}\n- apiVersion: "
      "x/v1\n"
      "  kind: NetworkPolicy\n  spec:\n    ingress:\n    - from: []\n- apiVersion: v1\n  kind: Secret\n";
  const auto part = tools::excerpt(text, 11);
  CHECK(part.line == 7);
  CHECK(part.text == "- apiVersion: x/v1\n  kind: NetworkPolicy\n  spec:\n    ingress:\n    - from: []");
  CHECK(tools::excerpt(text, 6).text.empty());
}

TEST_CASE(
    "an excerpt of a JSON list is the object around the line, of JSON on one line nothing of its "
    "neighbours") {
  const std::string text =
      "{\n    \"items\": [\n        {\n            \"apiVersion\": \"v1\",\n            \"kind\": "
      "\"Secret\"\n        },\n"
      "        {\n            \"apiVersion\": \"x/v1\",\n            \"spec\": {\n                \"a\": 1\n "
      "           }\n        }\n    ]\n}\n";
  const auto part = tools::excerpt(text, 10);
  CHECK(part.line == 7);
  CHECK(part.text.find("\"x/v1\"") != std::string::npos);
  CHECK(part.text.find("Secret") == std::string::npos);
  CHECK(tools::excerpt("{\"items\":[{\"kind\":\"Secret\"},{\"kind\":\"NetworkPolicy\"}]}", 1).text.empty());
}

TEST_CASE("no text of manifests or flows opens an element of the page") {
  for (const auto& name : tests::hostile_names()) {
    INFO(name);
    const auto page = [](const std::string& text) {
      tools::HtmlReport report(text, text);
      auto verdict = tests::dropped_at_last_leg(text);
      verdict.paths.front().hops.front().name = text;
      sim::Flow flow;
      flow.from = flow.to = flow.name = text;
      report.add_flow(flow, verdict, {});
      report.add_finding(
          {sim::Code{text}, model::Severity::Error, {tests::key("Pod", text, text), {}, 0, text}, text, text},
          {}, text);
      return report.html();
    };
    const auto count = [](const std::string& text) { return std::count(text.begin(), text.end(), '<'); };
    CHECK(count(page(name)) == count(page("harmless")));
  }
}

TEST_CASE("a report of a cluster names Secrets that decide and shows none") {
  const auto r = tests::run({"report", "-q", "-f", "scenarios/clusters/bigbang-waypoint", "--scenario",
                             "scenarios/bigbang/waypoint-mode.yaml"});
  CHECK(r.exit_code == 0);
  CHECK(r.out.find("kind: AuthorizationPolicy") != std::string::npos);
  CHECK(r.out.find("kind: Secret") == std::string::npos);
  CHECK(r.out.find("client_secret") == std::string::npos);
}

TEST_CASE("report exits as the run it reports") {
  const std::string cluster = "scenarios/clusters/bigbang-waypoint";
  CHECK(tests::run({"report", "-q", "-f", cluster, "--change", "scenarios/bigbang/change-waypoint-gone.yaml"})
            .exit_code == 1);
  CHECK(tests::run({"report", "-q", "scenarios/bigbang/waypoint-mode.yaml"}).exit_code == 0);
  CHECK(tests::run({"report", "-q", "scenarios/bigbang/waypoint-mode.yaml", "-f", cluster}).exit_code == 2);
  CHECK(tests::run({"report", "-q", "no/such.yaml"}).exit_code == 2);
  CHECK(tests::run({"report"}).exit_code == 2);
}

}  // namespace
}  // namespace waypath
