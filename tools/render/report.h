#pragma once
// What a test run found, for people and for CI: one function a format.

#include <string>

#include "scenarios/runner.h"

namespace waypath::tools {

struct ReportOptions {
  bool colour = false, verbose = false;  // verbose: passed cases too
};

/// Failures side by side with their trace, then one line of sums.
[[nodiscard]] std::string report_text(const scenarios::Report& report, const ReportOptions& options);
[[nodiscard]] std::string report_junit(const scenarios::Report& report);
[[nodiscard]] std::string report_tap(const scenarios::Report& report);
[[nodiscard]] std::string report_markdown(const scenarios::Report& report);
/// SARIF 2.1.0: one result a failure, at the line that decided; the expectation is its related location.
[[nodiscard]] std::string report_sarif(const scenarios::Report& report);
/// Workflow commands of GitHub Actions: an annotation a failure at the line that decided, the trace in a
/// group.
[[nodiscard]] std::string report_github(const scenarios::Report& report);

// ---- shared by the formats ----

/// Why a case failed, in one line.
[[nodiscard]] std::string failure_text(const scenarios::CaseResult& result);
/// A line of a file; line 0 = unknown.
struct Place {
  std::string file;
  int line = 0, column = 0;
};
/// Where the object stands that decided, else the expectation.
[[nodiscard]] Place decided_at(const scenarios::CaseResult& result);
/// Where the expectation stands.
[[nodiscard]] Place expected_at(const scenarios::CaseResult& result);
/// The trace of a failed case, "" when there is none.
[[nodiscard]] std::string failure_trace(const scenarios::CaseResult& result, const std::string& indent);
/// "scenario / variant / flow", as --run sees it less the empty variant.
[[nodiscard]] std::string case_title(const scenarios::CaseResult& result);

}  // namespace waypath::tools
