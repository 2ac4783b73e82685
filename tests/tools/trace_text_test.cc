// A verdict as text (tools/render/trace_text.h).

#include "tools/render/trace_text.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "tests/tools/verdicts.h"
#include "tools/render/names.h"

namespace waypath {
namespace {

const model::SourceFiles kNoFiles;

TEST_CASE("the first line names the flow, the outcome and what the client sees") {
  const auto text = tools::trace_text(tests::dropped_at_last_leg(), kNoFiles, {});
  const auto first = text.substr(0, text.find('\n'));
  CHECK(first.find("internet -> https://app.example.com/") == 0);
  CHECK(first.find("TIMEOUT   client sees: http 503 UC after 10s") != std::string::npos);
}

TEST_CASE("the deciding leg is marked and says which policy, which rule and why") {
  const auto text = tools::trace_text(tests::dropped_at_last_leg(), kNoFiles, {});
  CHECK(text.find("waypoint -> ztunnel of app/server-0") != std::string::npos);
  CHECK(text.find("HBONE :15008 (8080)") != std::string::npos);
  CHECK(text.find("DROPPED") != std::string::npos);
  CHECK(text.find("NetworkPolicy app/only-9090 rule 0") != std::string::npos);
  CHECK(text.find("NETPOL_INGRESS_HBONE_PORT  NetworkPolicy/app/only-9090 ingress rule 0") !=
        std::string::npos);
  CHECK(text.find("nearly: NetworkPolicy/app/only-9090 ingress rule 0: would match if it listed TCP 15008") !=
        std::string::npos);
}

TEST_CASE("an allowed flow that skips an enforcement point says so in its first line") {
  const auto text = tools::trace_text(tests::allowed_with_bypass(), kNoFiles, {});
  CHECK(text.substr(0, text.find('\n')).find("ALLOW (bypasses waypoint app/wp)") != std::string::npos);
  CHECK(text.find("change Service/app/server") != std::string::npos);
}

TEST_CASE("legs inside a pod that decide nothing are folded, -v shows them") {
  const auto verdict = tests::allowed_with_bypass();
  tools::TextOptions verbose;
  verbose.verbose = true;
  CHECK(tools::trace_text(verdict, kNoFiles, {}).find("in pod") == std::string::npos);
  CHECK(tools::trace_text(verdict, kNoFiles, verbose).find("in pod") != std::string::npos);
}

TEST_CASE("text has no escape sequence unless colour is asked for") {
  tools::TextOptions colour;
  colour.colour = true;
  CHECK(tools::trace_text(tests::dropped_at_last_leg(), kNoFiles, {}).find('\x1b') == std::string::npos);
  CHECK(tools::trace_text(tests::dropped_at_last_leg(), kNoFiles, colour).find('\x1b') != std::string::npos);
}

TEST_CASE("control characters of manifests never reach the terminal") {
  const std::string hostile = "x\x1b[2J\r\n\x07y\xc2\x9bz";
  auto verdict = tests::dropped_at_last_leg(hostile);
  verdict.to = hostile;
  auto& path = verdict.paths.front();
  path.symptom = verdict.symptom = hostile;
  path.reason.detail = hostile;
  path.near_misses.front().detail = hostile;
  path.assumptions.front().detail = hostile;
  path.hops.back().seen_peer.principal = hostile;
  path.hops.back().name = hostile;
  path.missing_facts = {hostile};
  const auto text = tools::trace_text(verdict, kNoFiles, {});
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find('\r') == std::string::npos);
  CHECK(text.find('\x07') == std::string::npos);
  CHECK(text.find("\xc2\x9b") == std::string::npos);
}

TEST_CASE("paths that differ are told one by one with their share") {
  auto verdict = tests::dropped_at_last_leg();
  auto other = verdict.paths.front();
  other.outcome = sim::Outcome::Allow;
  other.symptom = "reaches app";
  other.decided_at_leg.reset();
  verdict.paths.front().share = 0.75;
  other.share = 0.25;
  verdict.paths.push_back(other);
  verdict.split = true;
  const auto text = tools::trace_text(verdict, kNoFiles, {});
  CHECK(text.find("paths differ: 75% timeout, 25% allow") != std::string::npos);
  CHECK(text.find("path 2 of 2, share 25%: ALLOW") != std::string::npos);
}

TEST_CASE("lines of ordinary names stay within 100 columns") {
  auto verdict = tests::dropped_at_last_leg();
  verdict.paths.front().reason.detail =
      std::string(50, 'a') + " " + std::string(60, 'b') + " " + std::string(30, 'c');
  std::istringstream lines(tools::trace_text(verdict, kNoFiles, {}));
  for (std::string line; std::getline(lines, line);) CHECK(tools::columns(line) <= 100);
}

TEST_CASE("wrapping keeps words whole and order") {
  CHECK(tools::wrapped("aa bb cc", 5) == std::vector<std::string>{"aa bb", "cc"});
  CHECK(tools::wrapped("", 5).empty());
  CHECK(tools::wrapped("toolongword x", 5) == std::vector<std::string>{"toolongword", "x"});
}

}  // namespace
}  // namespace waypath
