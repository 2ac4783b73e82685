#include <fmt/format.h>

#include <algorithm>
#include <pugixml.hpp>
#include <sstream>

#include "tools/render/render.h"

namespace waypath::tools {

[[nodiscard]] std::string report_json(const scenarios::Report& report);   // json.cc
[[nodiscard]] std::string report_sarif(const scenarios::Report& report);  // json.cc

namespace {

using scenarios::CaseResult;
using Status = CaseResult::Status;

std::string title(const CaseResult& c) {
  return c.variant.empty() ? c.flow : c.flow + "  [" + c.variant + "]";
}

std::string difference(const CaseResult& c) {
  std::string out;
  for (const auto& m : c.mismatches)
    out += fmt::format("      {:<9} expected  {}\n      {:<9} predicted {}\n", m.part, m.expected, "",
                       m.predicted);
  if (!c.message.empty()) out += "      " + c.message + (c.message.back() == '\n' ? "" : "\n");
  return out;
}

std::string indented(const std::string& text) {
  std::string out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out += line.empty() ? "\n" : "      " + line + "\n";
  return out;
}

std::string report_text(const scenarios::Report& report, const model::SourceFiles& files,
                        const TextStyle& style) {
  std::string out, scenario;
  for (const auto& c : report.cases) {
    if (c.scenario != scenario) {
      scenario = c.scenario;
      out += fmt::format("{}{}  ({})\n", out.empty() ? "" : "\n", scenario, c.path);
    }
    if (c.status == Status::Failed) {
      out += fmt::format("  {}  {}\n      {}\n{}", style.colour ? "\x1b[1;31mFAIL\x1b[0m" : "FAIL", title(c),
                         c.place, difference(c));
      if (!c.predicted.paths.empty()) out += indented(trace_text(c.predicted, files, style));
    } else if (style.verbose) {
      out += fmt::format("  {}  {}\n", c.status == Status::Passed ? "ok  " : "skip", title(c));
    }
  }
  return out + fmt::format("{}{} passed, {} failed, {} without an expectation\n", out.empty() ? "" : "\n",
                           report.passed, report.failed, report.skipped);
}

std::string report_tap(const scenarios::Report& report) {
  std::string out = fmt::format("TAP version 13\n1..{}\n", report.cases.size());
  std::size_t n = 0;
  for (const auto& c : report.cases) {
    std::string name = c.scenario + ": " + title(c);
    std::replace(name.begin(), name.end(), '#', ' ');
    out += fmt::format("{} {} - {}{}\n", c.status == Status::Failed ? "not ok" : "ok", ++n, name,
                       c.status == Status::Skipped ? " # SKIP nothing expected" : "");
    if (c.status != Status::Failed) continue;
    std::istringstream in(difference(c));
    for (std::string line; std::getline(in, line);) out += "  # " + line + "\n";
  }
  return out;
}

// Characters that XML 1.0 cannot hold.
std::string xml_text(const std::string& text) {
  std::string out;
  for (const char c : text)
    if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') out.push_back(c);
  return out;
}

std::string report_junit(const scenarios::Report& report) {
  pugi::xml_document doc;
  auto suites = doc.append_child("testsuites");
  pugi::xml_node suite;
  std::string current;
  int tests = 0, failures = 0, skipped = 0;
  const auto close = [&] {
    if (!suite) return;
    suite.append_attribute("tests") = tests;
    suite.append_attribute("failures") = failures;
    suite.append_attribute("skipped") = skipped;
    tests = failures = skipped = 0;
  };
  for (const auto& c : report.cases) {
    if (!suite || c.scenario != current) {
      close();
      suite = suites.append_child("testsuite");
      suite.append_attribute("name") = xml_text(c.scenario).c_str();
      current = c.scenario;
    }
    ++tests;
    auto one = suite.append_child("testcase");
    one.append_attribute("classname") =
        xml_text(c.scenario + (c.variant.empty() ? "" : "." + c.variant)).c_str();
    one.append_attribute("name") = xml_text(c.flow).c_str();
    if (c.status == Status::Skipped) {
      ++skipped;
      one.append_child("skipped");
    } else if (c.status == Status::Failed) {
      ++failures;
      auto failure = one.append_child("failure");
      failure.append_attribute("message") =
          xml_text(c.mismatches.empty() ? c.message : c.mismatches.front().part + " differs").c_str();
      failure.text().set(xml_text(difference(c)).c_str());
    }
  }
  close();
  std::ostringstream out;
  doc.save(out, "  ");
  return out.str();
}

std::string cell(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '|' || text[i] == '\n') text.replace(i, 1, text[i] == '|' ? "\\|" : " "), ++i;
  return text;
}

std::string report_markdown(const scenarios::Report& report) {
  std::string out = fmt::format("**{} passed, {} failed, {} without an expectation**\n", report.passed,
                                report.failed, report.skipped);
  bool header = false;
  for (const auto& c : report.cases) {
    if (c.status != Status::Failed) continue;
    if (!header)
      out += "\n| scenario | variant | flow | part | expected | predicted |\n|---|---|---|---|---|---|\n";
    header = true;
    if (c.mismatches.empty())
      out += fmt::format("| {} | {} | {} | | | {} |\n", cell(c.scenario), cell(c.variant), cell(c.flow),
                         cell(c.message));
    for (const auto& m : c.mismatches)
      out += fmt::format("| {} | {} | {} | {} | {} | {} |\n", cell(c.scenario), cell(c.variant), cell(c.flow),
                         m.part, cell(m.expected), cell(m.predicted));
  }
  return out;
}

}  // namespace

std::optional<ReportFormat> report_format(std::string_view name) {
  if (name == "text") return ReportFormat::Text;
  if (name == "json") return ReportFormat::Json;
  if (name == "junit") return ReportFormat::Junit;
  if (name == "tap") return ReportFormat::Tap;
  if (name == "markdown") return ReportFormat::Markdown;
  if (name == "sarif") return ReportFormat::Sarif;
  return std::nullopt;
}

std::string render_report(const scenarios::Report& report, ReportFormat format,
                          const model::SourceFiles& files, const TextStyle& style) {
  switch (format) {
    case ReportFormat::Text:
      return report_text(report, files, style);
    case ReportFormat::Json:
      return report_json(report);
    case ReportFormat::Junit:
      return report_junit(report);
    case ReportFormat::Tap:
      return report_tap(report);
    case ReportFormat::Markdown:
      return report_markdown(report);
    case ReportFormat::Sarif:
      return report_sarif(report);
  }
  return {};
}

}  // namespace waypath::tools
