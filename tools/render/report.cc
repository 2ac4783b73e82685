#include "tools/render/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <pugixml.hpp>
#include <sstream>

#include "tools/render/names.h"
#include "tools/render/trace_text.h"

namespace waypath::tools {
namespace {

using scenarios::CaseResult;
using Status = CaseResult::Status;

std::string sums(const scenarios::Report& report) {
  std::string out = fmt::format("{} passed, {} failed", report.passed, report.failed);
  if (report.skipped > 0) out += fmt::format(", {} skipped", report.skipped);
  return out;
}

// Sorted by scenario in the order of the report.
struct Suite {
  std::string name, path;
  std::vector<const CaseResult*> cases;
};
std::vector<Suite> suites(const scenarios::Report& report) {
  std::vector<Suite> out;
  for (const auto& c : report.cases) {
    auto it = std::find_if(out.begin(), out.end(),
                           [&](const Suite& s) { return s.name == c.scenario && s.path == c.path; });
    if (it == out.end()) it = out.insert(out.end(), {c.scenario, c.path, {}});
    it->cases.push_back(&c);
  }
  return out;
}

std::size_t count(const Suite& suite, Status status) {
  return static_cast<std::size_t>(std::count_if(suite.cases.begin(), suite.cases.end(),
                                                [&](const CaseResult* c) { return c->status == status; }));
}

// A cell of a Markdown table: nothing in it can end the cell or start markup.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (std::string_view("\\`*_{}[]()<>#|!~&").find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

// TAP descriptions end at '#', which starts a directive.
std::string tap_text(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '#' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::string yaml_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

// Flows that break an invariant: enough of them to see what they share.
std::string violations(const CaseResult& c, const std::string& indent) {
  constexpr std::size_t kShown = 10;
  std::string out;
  for (std::size_t i = 0; i < c.violations.size() && i < kShown; ++i)
    out += indent + printable(c.violations[i]) + "\n";
  if (c.violations.size() > kShown)
    out += fmt::format("{}and {} more: -o json lists them all\n", indent, c.violations.size() - kShown);
  return out;
}

Place split_place(const std::string& text) {
  const auto column = text.rfind(':');
  const auto line =
      column == 0 || column == std::string::npos ? std::string::npos : text.rfind(':', column - 1);
  if (line == std::string::npos) return {text, 0, 0};
  return {text.substr(0, line), std::atoi(text.c_str() + line + 1), std::atoi(text.c_str() + column + 1)};
}

}  // namespace

std::string failure_text(const CaseResult& c) {
  std::vector<std::string> parts;
  if (c.invariant && !c.message.empty()) parts.push_back(c.message);
  for (const auto& m : c.mismatches)
    parts.push_back(fmt::format("{}: expected {}, predicted {}", m.part, m.expected, m.predicted));
  if (c.invariant && !c.violations.empty()) parts.push_back(c.violations.front());
  return parts.empty() ? c.message : join(parts, "; ");
}

Place expected_at(const CaseResult& c) {
  return c.place.empty() ? Place{c.path, 0, 0} : split_place(c.place);
}

Place decided_at(const CaseResult& c) {
  if (!c.predicted.paths.empty()) {
    const auto& by = deciding_path(c.predicted).reason.by;
    if (by && by->pos.known())
      return {std::string(c.files.path(by->pos.file)), static_cast<int>(by->pos.line),
              static_cast<int>(by->pos.column)};
  }
  return expected_at(c);
}

std::string failure_trace(const CaseResult& c, const std::string& indent) {
  if (c.predicted.paths.empty()) return {};
  TextOptions how;
  how.indent = indent;
  return trace_text(c.predicted, c.files, how);
}

std::string case_title(const CaseResult& c) {
  return c.scenario + " / " + (c.variant.empty() ? "" : c.variant + " / ") + c.flow;
}

std::string report_text(const scenarios::Report& report, const ReportOptions& options) {
  const Paint paint(options.colour);
  std::string out;
  for (const auto& c : report.cases) {
    if (c.status == Status::Failed) {
      out += fmt::format("{}  {}\n", paint.bad("FAIL"), paint.bold(printable(case_title(c))));
      if (!c.place.empty()) out += "  " + printable(c.place) + "\n";
      std::size_t part = 4, expected = 8;
      for (const auto& m : c.mismatches) {
        part = std::max(part, columns(m.part));
        expected = std::max(expected, std::min<std::size_t>(columns(m.expected), 44));
      }
      if (!c.mismatches.empty()) {
        out += fmt::format("  {}  {}  {}\n", padded("", part), padded("expected", expected), "predicted");
        for (const auto& m : c.mismatches)
          out += fmt::format("  {}  {}  {}\n", padded(m.part, part),
                             paint.good(padded(printable(m.expected), expected)),
                             paint.bad(printable(m.predicted)));
      }
      if (!c.message.empty()) {
        std::istringstream lines(c.message);
        for (std::string line; std::getline(lines, line);) out += "  " + printable(line) + "\n";
      }
      out += violations(c, "    ");
      if (!c.predicted.paths.empty()) {
        TextOptions how;
        how.colour = options.colour;
        how.verbose = options.verbose;
        how.indent = "    ";
        out += "\n" + trace_text(c.predicted, c.files, how);
      }
      out += "\n";
    } else if (options.verbose) {
      const bool skipped = c.status == Status::Skipped;
      std::string remark;
      if (skipped)
        remark = fmt::format("  predicted {}",
                             c.predicted.paths.empty() ? "nothing" : to_string(c.predicted.outcome));
      else if (c.invariant)
        remark = "  " + c.message;
      out +=
          fmt::format("{}  {}{}\n", skipped ? "skip" : paint.good("ok  "), printable(case_title(c)), remark);
    }
  }
  const std::string line = sums(report) + (report.stopped ? "; stopped at the first failure" : "");
  return out + (report.failed > 0 ? paint.bad(line) : paint.good(line)) + "\n";
}

// Source: the schema that CI servers read, github.com/testmoapp/junitxml
std::string report_junit(const scenarios::Report& report) {
  pugi::xml_document doc;
  auto root = doc.append_child("testsuites");
  root.append_attribute("name") = "waypath";
  root.append_attribute("tests") = report.cases.size();
  root.append_attribute("failures") = report.failed;
  root.append_attribute("skipped") = report.skipped;
  for (const auto& suite : suites(report)) {
    auto s = root.append_child("testsuite");
    s.append_attribute("name") = printable(suite.name).c_str();
    s.append_attribute("file") = printable(suite.path).c_str();
    s.append_attribute("tests") = suite.cases.size();
    s.append_attribute("failures") = count(suite, Status::Failed);
    s.append_attribute("skipped") = count(suite, Status::Skipped);
    for (const auto* c : suite.cases) {
      auto node = s.append_child("testcase");
      node.append_attribute("classname") =
          printable(suite.name + (c->variant.empty() ? "" : "." + c->variant)).c_str();
      node.append_attribute("name") = printable(c->flow).c_str();
      if (!c->place.empty()) node.append_attribute("file") = printable(c->path).c_str();
      if (c->status == Status::Skipped)
        node.append_child("skipped").append_attribute("message") = printable(c->message).c_str();
      if (c->status != Status::Failed) continue;
      auto failure = node.append_child("failure");
      failure.append_attribute("message") = printable(failure_text(*c)).c_str();
      failure.append_attribute("type") = c->mismatches.empty() ? "error" : "expectation";
      // Line ends stay; all other control characters were made printable above or are made so here.
      std::string body = c->place.empty() ? "" : printable(c->place) + "\n";
      if (!c->message.empty()) body += printable(c->message) + "\n";
      body += violations(*c, "  ");
      body += failure_trace(*c, "");
      failure.append_child(pugi::node_pcdata).set_value(body.c_str());
    }
  }
  std::ostringstream out;
  doc.save(out, "  ", pugi::format_default, pugi::encoding_utf8);
  return out.str();
}

// Source: testanything.org/tap-version-13-specification.html
std::string report_tap(const scenarios::Report& report) {
  std::string out = fmt::format("TAP version 13\n1..{}\n", report.cases.size());
  std::size_t n = 0;
  for (const auto& c : report.cases) {
    out +=
        fmt::format("{} {} - {}", c.status == Status::Failed ? "not ok" : "ok", ++n, tap_text(case_title(c)));
    if (c.status == Status::Skipped) out += " # SKIP " + tap_text(c.message);
    out += "\n";
    if (c.status != Status::Failed) continue;
    out += "  ---\n";
    if (!c.place.empty()) out += fmt::format("  at: {}\n", yaml_quoted(c.place));
    if (!c.message.empty()) out += fmt::format("  message: {}\n", yaml_quoted(c.message));
    if (!c.violations.empty()) out += "  violations:\n";
    for (const auto& flow : c.violations) out += fmt::format("    - {}\n", yaml_quoted(flow));
    if (!c.mismatches.empty()) out += "  differs:\n";
    for (const auto& m : c.mismatches)
      out += fmt::format("    - {{part: {}, expected: {}, predicted: {}}}\n", yaml_quoted(m.part),
                         yaml_quoted(m.expected), yaml_quoted(m.predicted));
    out += "  ...\n";
  }
  return out;
}

std::string report_markdown(const scenarios::Report& report) {
  std::string out = fmt::format(
      "## waypath test: {}\n\n| scenario | cases | passed | failed | skipped |\n|---|---:|---:|---:|---:|\n",
      sums(report));
  for (const auto& suite : suites(report))
    out += fmt::format("| {} | {} | {} | {} | {} |\n", cell(suite.name), suite.cases.size(),
                       count(suite, Status::Passed), count(suite, Status::Failed),
                       count(suite, Status::Skipped));
  if (report.failed == 0) return out;
  out += "\n### Failed\n";
  for (const auto& c : report.cases) {
    if (c.status != Status::Failed) continue;
    out += fmt::format("\n#### {}\n\n", cell(case_title(c)));
    if (!c.place.empty()) out += cell(c.place) + "\n\n";
    if (!c.mismatches.empty()) {
      out += "| | expected | predicted |\n|---|---|---|\n";
      for (const auto& m : c.mismatches)
        out += fmt::format("| {} | {} | {} |\n", cell(m.part), cell(m.expected), cell(m.predicted));
    }
    if (!c.message.empty()) out += cell(c.message) + "\n";
    if (!c.violations.empty()) out += "\n" + violations(c, "    ");
    // Indented by four blanks it is code whatever it holds: a fence could be closed from inside.
    if (const auto trace = failure_trace(c, "    "); !trace.empty()) out += "\n" + trace;
  }
  return out;
}

}  // namespace waypath::tools
