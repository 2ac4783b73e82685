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

/// "scenario / variant / flow", as --run sees it less the empty variant.
[[nodiscard]] std::string case_title(const scenarios::CaseResult& result);

}  // namespace waypath::tools
