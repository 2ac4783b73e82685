// What code hosts show beside the lines of a change: SARIF and GitHub's annotations.

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "model/base/version.h"
#include "tools/render/names.h"
#include "tools/render/report.h"

namespace waypath::tools {
namespace {

using Json = nlohmann::ordered_json;
using scenarios::CaseResult;

// A URI reference: what it does not allow becomes %XX. Source: RFC 3986 section 3.3
std::string uri(const std::string& path) {
  std::string out;
  for (const char c : path) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                         std::string_view("-._~/+=@,!").find(c) != std::string_view::npos;
    if (allowed)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Json location(const Place& place) {
  Json out;
  out["physicalLocation"]["artifactLocation"]["uri"] = uri(place.file);
  if (place.line > 0) {
    Json& region = out["physicalLocation"]["region"];
    region["startLine"] = place.line;
    if (place.column > 0) region["startColumn"] = place.column;
  }
  return out;
}

Json rule(const char* id, const char* text) { return {{"id", id}, {"shortDescription", {{"text", text}}}}; }

// Source: actions/toolkit packages/core/src/command.ts escapeData, escapeProperty
std::string command_data(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '%')
      out += "%25";
    else if (c == '\r')
      out += "%0D";
    else if (c == '\n')
      out += "%0A";
    else
      out += c;
  }
  return out;
}

std::string command_property(std::string_view text) {
  std::string out;
  for (const char c : command_data(text)) {
    if (c == ':')
      out += "%3A";
    else if (c == ',')
      out += "%2C";
    else
      out += c;
  }
  return out;
}

}  // namespace

// Source: docs.oasis-open.org/sarif/sarif/v2.1.0 sections 3.13, 3.27, 3.29
std::string report_sarif(const scenarios::Report& report) {
  Json results = Json::array();
  for (const auto& c : report.cases) {
    if (c.status != CaseResult::Status::Failed) continue;
    Json result;
    result["ruleId"] = c.invariant ? "invariant-broken" : "expectation-failed";
    result["level"] = "error";
    result["message"]["text"] = case_title(c) + ": " + failure_text(c);
    result["locations"] = Json::array({location(decided_at(c))});
    Json related = location(expected_at(c));
    related["message"]["text"] = c.invariant ? "the invariant" : "what is expected";
    result["relatedLocations"] = Json::array({std::move(related)});
    // The same case is the same result from run to run, wherever the lines move to.
    result["partialFingerprints"]["waypathCase/v1"] = case_title(c);
    if (!c.predicted.paths.empty()) {
      const auto& reason = deciding_path(c.predicted).reason;
      result["properties"]["outcome"] = sim::to_string(c.predicted.outcome);
      if (!reason.code.text.empty()) result["properties"]["reason"] = reason.code.text;
    }
    results.push_back(std::move(result));
  }
  Json run;
  run["tool"]["driver"]["name"] = "waypath";
  run["tool"]["driver"]["version"] = model::kVersion;
  run["tool"]["driver"]["rules"] =
      Json::array({rule("expectation-failed", "A prediction differs from what a scenario expects"),
                   rule("invariant-broken", "A flow comes out as an invariant forbids")});
  run["results"] = std::move(results);
  Json j;
  j["$schema"] = "https://json.schemastore.org/sarif-2.1.0.json";
  j["version"] = "2.1.0";
  j["runs"] = Json::array({std::move(run)});
  return j.dump(2, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
}

// Source: docs.github.com "Workflow commands for GitHub Actions"
std::string report_github(const scenarios::Report& report) {
  std::string out;
  for (const auto& c : report.cases) {
    if (c.status != CaseResult::Status::Failed) continue;
    const Place at = decided_at(c), expected = expected_at(c);
    std::string properties = "file=" + command_property(at.file);
    if (at.line > 0) properties += fmt::format(",line={}", at.line);
    if (at.line > 0 && at.column > 0) properties += fmt::format(",col={}", at.column);
    std::string text = printable(failure_text(c));
    if (!c.place.empty() && (at.file != expected.file || at.line != expected.line))
      text += "\nexpected at " + printable(c.place);
    out += fmt::format("::error {},title={}::{}\n", properties,
                       command_property("waypath: " + printable(case_title(c))), command_data(text));
    // A line of the log that starts with "::" would be a command: none does.
    out += fmt::format("::group::{}\n", command_data(printable(case_title(c))));
    std::istringstream lines(failure_trace(c, ""));
    for (std::string line; std::getline(lines, line);) out += "| " + line + "\n";
    out += "::endgroup::\n";
  }
  return out + fmt::format("waypath test: {} passed, {} failed, {} skipped{}\n", report.passed, report.failed,
                           report.skipped, report.stopped ? "; stopped at the first failure" : "");
}

}  // namespace waypath::tools
