#pragma once
// The connectivity matrix as text, JSON, CSV, Markdown, Mermaid and DOT.

#include <string>
#include <string_view>
#include <vector>

#include "sim/reach.h"
#include "sim/reach_exposure.h"

namespace waypath::tools {

struct ReachReport {
  const sim::ReachResult& matrix;
  const std::vector<sim::WorkloadExposure>& exposures;
  std::string layer;  // "netpol" or "path"
};

/// `format`: "text", "json", "csv", "markdown", "mermaid", "dot".
[[nodiscard]] std::string reach_report(const ReachReport& report, std::string_view format, bool colour);

}  // namespace waypath::tools
