#include "tools/render/lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "model/base/version.h"
#include "sim/lint/lint_codes.h"
#include "tools/render/json.h"
#include "tools/render/names.h"
#include "tools/render/words.h"

namespace waypath::tools {
namespace {

using Json = nlohmann::ordered_json;
using model::Severity;

std::vector<const sim::Finding*> reported(const LintReport& report) {
  std::vector<const sim::Finding*> out;
  for (const sim::Finding& f : report.result.findings)
    if (f.severity >= report.least) out.push_back(&f);
  return out;
}

std::size_t count(const LintReport& report, Severity severity) {
  return static_cast<std::size_t>(std::count_if(report.result.findings.begin(), report.result.findings.end(),
                                                [&](const auto& f) { return f.severity == severity; }));
}

// "2 errors, 1 warning; 4 remarks with --min-severity info; 1 finding silenced by annotation"
std::string sums(const LintReport& report) {
  std::string out;
  std::string hidden;
  for (const auto& [severity, noun] :
       {std::pair{Severity::Error, "error"}, std::pair{Severity::Warning, "warning"},
        std::pair{Severity::Info, "remark"}}) {
    const std::size_t n = count(report, severity);
    if (severity >= report.least) {
      out += (out.empty() ? "" : ", ") + counted(n, noun);
    } else if (n > 0) {
      hidden += fmt::format("{}{}", hidden.empty() ? "" : " and ", counted(n, noun));
    }
  }
  if (!hidden.empty()) out += fmt::format("; {} more with --min-severity info", hidden);
  if (report.result.suppressed > 0)
    out += fmt::format("; {} silenced by annotation", counted(report.result.suppressed, "finding"));
  return out + "\n";
}

std::string text(const LintReport& report, bool colour) {
  const Paint paint(colour);
  std::string out;
  for (const sim::Finding* f : reported(report)) {
    const std::string place = place_of(report.files, f->object.pos);
    const std::string severity(severity_word(f->severity));
    out += fmt::format("{}{}: {}\n", place.empty() ? std::string() : printable(place) + ": ",
                       f->severity == Severity::Error     ? paint.bad(severity)
                       : f->severity == Severity::Warning ? paint.bold(severity)
                                                          : severity,
                       paint.bold(std::string(f->code.text)));
    out += "  " + printable(object_with_rule(f->object)) + "\n";
    for (const auto& line : wrapped(printable(f->message), 96)) out += "  " + line + "\n";
    bool first = true;
    for (const auto& line : wrapped(printable(f->fix), 91)) {
      out += (first ? "  fix: " : "       ") + line + "\n";
      first = false;
    }
    out += "\n";
  }
  return out + sums(report);
}

Json finding_json(const LintReport& report, const sim::Finding& f) {
  Json row;
  row["code"] = f.code.text;
  row["severity"] = severity_word(f.severity);
  row["message"] = f.message;
  row["object"] = f.object.key.str();
  if (f.object.rule >= 0) row["rule"] = f.object.rule;
  if (f.object.rule >= 0) row["section"] = f.object.section;
  row["file"] = f.object.pos.known() ? std::string(report.files.path(f.object.pos.file)) : std::string();
  row["line"] = f.object.pos.line;
  row["fix"] = f.fix;
  return row;
}

std::string json(const LintReport& report) {
  Json j;
  j["apiVersion"] = kApiVersion;
  j["kind"] = "Lint";
  j["summary"] = {{"errors", count(report, Severity::Error)},
                  {"warnings", count(report, Severity::Warning)},
                  {"infos", count(report, Severity::Info)},
                  {"suppressed", report.result.suppressed}};
  j["findings"] = Json::array();
  for (const sim::Finding* f : reported(report)) j["findings"].push_back(finding_json(report, *f));
  return j.dump(2) + "\n";
}

// Source: docs.oasis-open.org/sarif/sarif/v2.1.0 sections 3.19, 3.27, 3.49; GitHub shows help.markdown or
// text
std::string sarif(const LintReport& report) {
  const auto level = [](Severity s) {
    return s == Severity::Info ? std::string_view("note") : severity_word(s);
  };
  const auto findings = reported(report);
  Json rules = Json::array();
  for (const sim::LintCode& code : sim::lint_codes()) {
    const bool used = std::any_of(findings.begin(), findings.end(),
                                  [&](const auto* f) { return f->code == code.info.code; });
    if (!used) continue;
    Json rule;
    rule["id"] = code.info.code.text;
    rule["shortDescription"]["text"] = code.info.summary;
    rule["fullDescription"]["text"] = code.info.meaning;
    rule["help"]["text"] = fmt::format("{}\n\nWhat to do: {}", code.info.meaning, code.info.fix);
    rule["defaultConfiguration"]["level"] = level(code.severity);
    rules.push_back(std::move(rule));
  }
  Json results = Json::array();
  for (const sim::Finding* f : findings) {
    Json result;
    result["ruleId"] = f->code.text;
    result["level"] = level(f->severity);
    result["message"]["text"] =
        fmt::format("{}: {}. Fix: {}", object_with_rule(f->object), f->message, f->fix);
    if (f->object.pos.known()) {
      Json location;
      location["physicalLocation"]["artifactLocation"]["uri"] = report.files.path(f->object.pos.file);
      location["physicalLocation"]["region"]["startLine"] = f->object.pos.line;
      if (f->object.pos.column > 0)
        location["physicalLocation"]["region"]["startColumn"] = f->object.pos.column;
      location["logicalLocations"] =
          Json::array({{{"fullyQualifiedName", f->object.key.str()}, {"kind", "resource"}}});
      result["locations"] = Json::array({std::move(location)});
    }
    results.push_back(std::move(result));
  }
  Json run;
  run["tool"]["driver"]["name"] = "waypath";
  run["tool"]["driver"]["version"] = model::kVersion;
  run["tool"]["driver"]["rules"] = std::move(rules);
  run["results"] = std::move(results);
  Json j;
  j["$schema"] = "https://json.schemastore.org/sarif-2.1.0.json";
  j["version"] = "2.1.0";
  j["runs"] = Json::array({std::move(run)});
  return j.dump(2) + "\n";
}

// Source: docs.github.com actions/reference/workflow-commands-for-github-actions (escapes of data and
// properties: actions/toolkit packages/core/src/command.ts)
std::string escaped(std::string_view text, bool property) {
  std::string out;
  for (const char c : text) {
    if (c == '%') {
      out += "%25";
    } else if (c == '\r') {
      out += "%0D";
    } else if (c == '\n') {
      out += "%0A";
    } else if (property && c == ':') {
      out += "%3A";
    } else if (property && c == ',') {
      out += "%2C";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string github(const LintReport& report) {
  std::string out;
  for (const sim::Finding* f : reported(report)) {
    std::string properties;
    if (f->object.pos.known())
      properties = fmt::format("file={},line={},", escaped(report.files.path(f->object.pos.file), true),
                               f->object.pos.line);
    out += fmt::format(
        "::{} {}title={}::{}\n", f->severity == Severity::Info ? "notice" : severity_word(f->severity),
        properties, escaped(f->code.text, true),
        escaped(fmt::format("{}: {}\nFix: {}", object_with_rule(f->object), f->message, f->fix), false));
  }
  return out;
}

}  // namespace

std::string_view severity_word(Severity severity) {
  switch (severity) {
    case Severity::Info:
      return "info";
    case Severity::Warning:
      return "warning";
    case Severity::Error:
      return "error";
  }
  return {};
}

bool lint_fails(const LintReport& report) {
  const auto findings = reported(report);
  return std::any_of(findings.begin(), findings.end(),
                     [](const auto* f) { return f->severity >= Severity::Warning; });
}

void add_findings(HtmlReport& page, const LintReport& report) {
  for (const auto& [severity, noun, look] :
       {std::tuple{Severity::Error, "error", "refused"}, std::tuple{Severity::Warning, "warning", "unknown"},
        std::tuple{Severity::Info, "remark", ""}}) {
    const std::size_t n = count(report, severity);
    if (severity >= report.least && n > 0) page.add_number(n == 1 ? noun : std::string(noun) + "s", n, look);
  }
  for (const sim::Finding* f : reported(report)) page.add_finding(*f, report.files);
}

std::string lint_report(const LintReport& report, std::string_view format, bool colour) {
  if (format == "json") return json(report);
  if (format == "sarif") return sarif(report);
  if (format == "github") return github(report);
  return text(report, colour);
}

}  // namespace waypath::tools
