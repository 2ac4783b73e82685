#pragma once
// What lint found, for people, programs and CI.

#include <string>
#include <string_view>

#include "model/base/source_pos.h"
#include "sim/lint/lint.h"

namespace waypath::tools {

struct LintReport {
  const sim::LintResult& result;
  const model::SourceFiles& files;
  model::Severity least = model::Severity::Warning;  // that is reported
};

/// Whether an error or a warning is among what is reported.
[[nodiscard]] bool lint_fails(const LintReport& report);

/// `format`: "text", "json", "sarif", "github" (workflow commands of GitHub Actions).
[[nodiscard]] std::string lint_report(const LintReport& report, std::string_view format, bool colour);

}  // namespace waypath::tools
