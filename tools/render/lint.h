#pragma once
// What lint found, for people, programs and CI.

#include <string>
#include <string_view>

#include "model/base/source_pos.h"
#include "sim/lint/lint.h"
#include "tools/render/html_report.h"

namespace waypath::tools {

struct LintReport {
  const sim::LintResult& result;
  const model::SourceFiles& files;
  model::Severity least = model::Severity::Warning;  // that is reported
};

/// Whether an error or a warning is among what is reported.
[[nodiscard]] bool lint_fails(const LintReport& report);

/// "error", "warning" or "info".
[[nodiscard]] std::string_view severity_word(model::Severity severity);

/// What is reported, and how much of each severity, for the page that is a report's part or the whole of it.
void add_findings(HtmlReport& page, const LintReport& report);

/// `format`: "text", "json", "sarif", "github" (workflow commands of GitHub Actions).
[[nodiscard]] std::string lint_report(const LintReport& report, std::string_view format, bool colour);

}  // namespace waypath::tools
