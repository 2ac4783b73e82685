#pragma once
// The connectivity matrix as text, JSON, CSV and Markdown, and as a picture.

#include <string>
#include <string_view>
#include <vector>

#include "sim/reach.h"
#include "sim/reach_exposure.h"
#include "tools/render/picture.h"

namespace waypath::tools {

struct ReachReport {
  const sim::ReachResult& matrix;
  const std::vector<sim::WorkloadExposure>& exposures;
  std::string layer;  // "netpol" or "path"
};

/// The pairs as a graph, grouped by namespace.
[[nodiscard]] Picture reach_picture(const sim::ReachResult& matrix);

/// `format`: "text", "json", "csv", "markdown".
[[nodiscard]] std::string reach_report(const ReachReport& report, std::string_view format, bool colour);

}  // namespace waypath::tools
