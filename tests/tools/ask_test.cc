// ask and guard on the command line: each witness is a trace command that comes out as it says.

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/rounds.h"
#include "tests/tools/run.h"

namespace waypath {
namespace {

using Json = nlohmann::json;

Json answer(std::vector<std::string> arguments, int exit_code) {
  arguments.insert(arguments.end(), {"-o", "json"});
  const auto r = tests::run(arguments);
  INFO(r.err);
  REQUIRE(r.exit_code == exit_code);
  return Json::parse(r.out);
}

// The command as a shell would run it, with its outcome checked by trace itself.
void confirm(const Json& witness, const std::string& outcome) {
  REQUIRE(witness.contains("command"));
  auto words = tests::words(witness["command"].get<std::string>());
  REQUIRE(words.front() == "waypath");
  words.erase(words.begin());
  words.insert(words.end(), {"-o", "json"});
  CAPTURE(witness["command"].get<std::string>());
  const auto r = tests::run(words);
  REQUIRE(r.exit_code == 0);
  const auto trace = Json::parse(r.out);
  bool found = false;
  for (const auto& path : trace["paths"]) found = found || path["outcome"] == outcome;
  CHECK(found);
}

}  // namespace

TEST_CASE("guard: every bypass that is printed is confirmed by its trace command") {
  for (const std::string cluster : {"bigbang-waypoint", "bigbang-gateway", "bigbang-sidecar"}) {
    const auto found =
        answer({"guard", "monitoring", "--by", "ext_authz", "-f", "scenarios/clusters/" + cluster, "--budget",
                std::to_string(tests::rounds(4000, 400))},
               1);
    std::size_t confirmed = 0;
    for (const auto& way : found["ways"]) {
      if (way["result"] != "bypass" || confirmed >= tests::rounds(12, 2)) continue;
      confirm(way["bypass"], "allow");
      ++confirmed;
    }
    CAPTURE(cluster);
    CHECK(confirmed > 0);
  }
}

TEST_CASE("ask: every client that reaches the target is confirmed by its trace command") {
  const auto found = answer({"ask", "monitoring/grafana", "-f", "scenarios/clusters/bigbang-waypoint"}, 0);
  CHECK(found["verdict"] == "some");
  REQUIRE_FALSE(found["reaches"].empty());
  for (const auto& row : found["reaches"]) confirm(row["witness"], "allow");
  for (const auto& row : found["undecided"]) confirm(row["witness"], "unknown");
}

TEST_CASE("ask: nobody outside reaches prometheus past the waypoint, and every class was tried") {
  const auto found = answer({"ask", "monitoring/monitoring-monitoring-kube-prometheus", "--from", "internet",
                             "--avoiding", "Waypoint/authservice/authservice-waypoint", "--expect", "none",
                             "-f", "scenarios/clusters/bigbang-waypoint"},
                            0);
  CHECK(found["verdict"] == "none");
  CHECK(found["complete"] == true);
  CHECK(found["notTried"].empty());
  CHECK(found["requests"].get<int>() > 0);
  // With the waypoint, a login session is what is needed.
  const auto through = answer({"ask", "monitoring/monitoring-monitoring-kube-prometheus", "--from",
                               "internet", "-f", "scenarios/clusters/bigbang-waypoint"},
                              0);
  CHECK(through["verdict"] == "some");
  for (const auto& row : through["reaches"]) {
    CHECK(row["witness"]["session"] == "valid");
    confirm(row["witness"], "allow");
  }
}

TEST_CASE("ask: a class of an attribute stands once in JSON, with an example that is traced as it says") {
  const auto found = answer({"ask", "shop/app", "-f", "tests/golden/ask-conditions.yaml"}, 0);
  REQUIRE(found["reaches"].size() == 1);
  std::size_t classes = 0;
  for (const auto& box : found["reaches"][0]["requests"]) {
    for (const auto& [attribute, values] : box.items()) {
      std::set<std::string> known;
      for (const auto& value : values) {
        CAPTURE(attribute, value.dump());
        CHECK(known.insert(value["class"].get<std::string>()).second);
        ++classes;
      }
    }
    // One example of each attribute, in any combination, gets through.
    const auto path = box["path"].back()["example"].get<std::string>();
    std::vector<std::string> trace{
        "trace", "internet", "http://x.example" + path, "-f", "tests/golden/ask-conditions.yaml",
        "-o",    "json"};
    if (box.contains("header x"))
      trace.insert(trace.end(), {"--header", "x: " + box["header x"].back()["example"].get<std::string>()});
    const auto r = tests::run(trace);
    REQUIRE(r.exit_code == 0);
    CHECK(Json::parse(r.out)["paths"][0]["outcome"] == "allow");
  }
  CHECK(classes == 5);
}

TEST_CASE("ask: an answer that is not the expected one exits 1, a name that is nothing exits 2") {
  const std::vector<std::string> cluster{"-f", "scenarios/clusters/bigbang-waypoint"};
  const auto with = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), cluster.begin(), cluster.end());
    return tests::run(arguments);
  };
  CHECK(with({"ask", "monitoring/grafana", "--expect", "none"}).exit_code == 1);
  const auto unknown = with({"ask", "monitoring/grafanna"});
  CHECK(unknown.exit_code == 2);
  CHECK(unknown.err.find("did you mean monitoring/grafana?") != std::string::npos);
  CHECK(with({"ask", "monitoring/grafana", "--from", "nobody/none"}).exit_code == 2);
  CHECK(with({"guard", "monitoring/grafana"}).exit_code == 2);  // bound to no waypoint
  CHECK(with({"guard", "monitoring/grafana", "--by", "ext_authz:none"}).exit_code == 2);
  CHECK(with({"guard", "monitoring/grafana", "--by", "AuthorizationPolicy/authservice/authservice[7]"})
            .exit_code == 2);
}

}  // namespace waypath
