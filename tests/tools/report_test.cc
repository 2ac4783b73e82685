// Reports of a test run, one format each (tools/render/report.h, json.h).

#include "tools/render/report.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <sstream>

#include "tests/tools/verdicts.h"
#include "tools/render/json.h"

namespace waypath {
namespace {

using scenarios::CaseResult;

scenarios::Report report_with(const std::string& name) {
  scenarios::Report report;
  CaseResult passed;
  passed.scenario = "s";
  passed.path = "s.yaml";
  passed.flow = "fine";
  passed.predicted = tests::allowed_with_bypass();
  CaseResult failed = passed;
  failed.status = CaseResult::Status::Failed;
  failed.variant = name;
  failed.flow = name;
  failed.expected.outcome = "allow";
  failed.mismatches = {{"outcome", "allow", "timeout"}, {"by", name, "NetworkPolicy/app/x"}};
  failed.predicted = tests::dropped_at_last_leg(name);
  failed.place = "s.yaml:12:7";
  CaseResult skipped = passed;
  skipped.status = CaseResult::Status::Skipped;
  skipped.flow = "left out";
  skipped.message = "nothing is expected of this flow";
  report.cases = {passed, failed, skipped};
  report.passed = report.failed = report.skipped = 1;
  return report;
}

const std::string kHostile = "a|b]]>&<x y=\"1\"> # SKIP \x1b[2J\n```\n- ok";

TEST_CASE("text shows expected and predicted side by side, the place and the trace") {
  const auto text = tools::report_text(report_with("v"), {});
  CHECK(text.find("FAIL  s / v / v") == 0);
  CHECK(text.find("s.yaml:12:7") != std::string::npos);
  CHECK(text.find("  outcome  allow     timeout") != std::string::npos);
  CHECK(text.find("NETPOL_INGRESS_HBONE_PORT") != std::string::npos);
  CHECK(text.find("1 passed, 1 failed, 1 skipped\n") != std::string::npos);
  CHECK(text.find("fine") == std::string::npos);
}

TEST_CASE("JUnit is well-formed XML whatever names hold, with sums of each suite") {
  for (const auto& name : {std::string("v"), kHostile}) {
    pugi::xml_document doc;
    REQUIRE(doc.load_string(tools::report_junit(report_with(name)).c_str()));
    const auto suite = doc.child("testsuites").child("testsuite");
    CHECK(suite.attribute("tests").as_int() == 3);
    CHECK(suite.attribute("failures").as_int() == 1);
    CHECK(suite.attribute("skipped").as_int() == 1);
    CHECK(suite.select_nodes("testcase/failure").size() == 1);
    CHECK(suite.select_nodes("testcase/skipped").size() == 1);
    const std::string body = suite.select_node("testcase/failure").node().text().get();
    CHECK(body.find("DROPPED") != std::string::npos);
    CHECK(body.find('\x1b') == std::string::npos);
  }
}

TEST_CASE("TAP has one line a case and no directive that a name made") {
  std::istringstream lines(tools::report_tap(report_with(kHostile)));
  std::string line;
  std::getline(lines, line);
  CHECK(line == "TAP version 13");
  std::getline(lines, line);
  CHECK(line == "1..3");
  int ok = 0, not_ok = 0;
  while (std::getline(lines, line)) {
    ok += line.compare(0, 3, "ok ") == 0 ? 1 : 0;
    if (line.compare(0, 7, "not ok ") != 0) continue;
    ++not_ok;
    CHECK(line.find("2 - s /") != std::string::npos);
    CHECK(line.find(" # ") == std::string::npos);
  }
  CHECK(ok == 2);
  CHECK(not_ok == 1);
}

TEST_CASE("Markdown tables survive hostile names") {
  const auto text = tools::report_markdown(report_with(kHostile));
  CHECK(text.find("a\\|b") != std::string::npos);
  CHECK(text.find("\n```") == std::string::npos);
  for (std::size_t i = text.find("<x"); i != std::string::npos; i = text.find("<x", i + 1)) {
    const bool code = text.compare(text.rfind('\n', i) + 1, 4, "    ") == 0;
    CHECK((code || text[i - 1] == '\\'));
  }
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() != '|') continue;
    int bars = 0;
    for (std::size_t i = 0; i < line.size(); ++i)
      bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\') ? 1 : 0;
    CHECK((bars == 4 || bars == 6));
  }
}

TEST_CASE("report JSON has sums and cases with what was expected and predicted") {
  const auto j = nlohmann::json::parse(tools::report_json(report_with("v")));
  CHECK(j["summary"] == nlohmann::json({{"passed", 1}, {"failed", 1}, {"skipped", 1}}));
  const auto& c = j["cases"][1];
  CHECK(c["scenario"] == "s");
  CHECK(c["variant"] == "v");
  CHECK(c["flow"] == "v");
  CHECK(c["status"] == "failed");
  CHECK(c["expected"]["outcome"] == "allow");
  CHECK(c["predicted"]["outcome"] == "timeout");
  CHECK(j["cases"][0]["variant"].is_null());
}

TEST_CASE("SARIF has one result a failure, placed at the expectation") {
  const auto j = nlohmann::json::parse(tools::report_sarif(report_with("v")));
  CHECK(j["version"] == "2.1.0");
  const auto& results = j["runs"][0]["results"];
  REQUIRE(results.size() == 1);
  const auto& place = results[0]["locations"][0]["physicalLocation"];
  CHECK(place["artifactLocation"]["uri"] == "s.yaml");
  CHECK(place["region"]["startLine"] == 12);
  CHECK(place["region"]["startColumn"] == 7);
}

TEST_CASE("SARIF places a result at the line that decided, the expectation beside it") {
  auto report = report_with("v");
  auto& c = report.cases[1];
  const auto file = c.files.add("netpol file.yaml", "a: b\n");
  c.predicted.paths.front().reason.by->pos = {file, 3, 5};
  const auto j = nlohmann::json::parse(tools::report_sarif(report));
  const auto& result = j["runs"][0]["results"][0];
  const auto& place = result["locations"][0]["physicalLocation"];
  CHECK(place["artifactLocation"]["uri"] == "netpol%20file.yaml");
  CHECK(place["region"]["startLine"] == 3);
  CHECK(result["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "s.yaml");
  CHECK(result["properties"]["reason"] == "NETPOL_INGRESS_HBONE_PORT");
}

TEST_CASE("GitHub annotations: one command a failure, and no other line is one") {
  const auto text = tools::report_github(report_with(kHostile + "\n::error::forged"));
  std::istringstream lines(text);
  int errors = 0, groups = 0, ends = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto start = line.find_first_not_of(" \t");
    if (start == std::string::npos || line.compare(start, 2, "::") != 0) continue;
    errors += line.compare(0, 8, "::error ") == 0 ? 1 : 0;
    groups += line.compare(0, 9, "::group::") == 0 ? 1 : 0;
    ends += line == "::endgroup::" ? 1 : 0;
    CHECK(line.find("::forged") != start);
  }
  CHECK(errors == 1);
  CHECK(groups == 1);
  CHECK(ends == 1);
  CHECK(text.find("::error file=s.yaml,line=12,col=7,title=waypath%3A ") == 0);
}

TEST_CASE("a broken invariant shows its flows in every format") {
  auto report = report_with("v");
  auto& c = report.cases[1];
  c.invariant = true;
  c.message = "broken by 12 of 40 flows";
  c.checked = 40;
  for (int i = 0; i < 12; ++i) c.violations.push_back("a/p" + std::to_string(i) + " -> http://b");
  const auto text = tools::report_text(report, {});
  CHECK(text.find("    a/p9 -> http://b\n    and 2 more") != std::string::npos);
  CHECK(tools::report_junit(report).find("broken by 12 of 40 flows") != std::string::npos);
  CHECK(tools::report_tap(report).find("- \"a/p11 -> http://b\"") != std::string::npos);
  CHECK(tools::report_markdown(report).find("    a/p0 -> http://b") != std::string::npos);
  const auto j = nlohmann::json::parse(tools::report_json(report));
  CHECK(j["cases"][1]["invariant"]["violations"].size() == 12);
  CHECK(nlohmann::json::parse(tools::report_sarif(report))["runs"][0]["results"][0]["ruleId"] ==
        "invariant-broken");
}

}  // namespace
}  // namespace waypath
