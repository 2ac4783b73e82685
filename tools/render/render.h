#pragma once
// Verdicts and reports for people and programs. Pure functions from results to text; nothing here decides
// anything.

#include <optional>
#include <string>
#include <string_view>

#include "model/cluster.h"
#include "scenarios/runner.h"
#include "sim/flow.h"
#include "sim/verdict.h"

namespace waypath::tools {

struct TextStyle {
  bool colour = false;
  bool verbose = false;  // every policy considered, near misses and assumptions in full
};

/// The layout of `waypath trace`. `files` are those of the snapshot that the verdict is about. Ends with a
/// newline.
[[nodiscard]] std::string trace_text(const sim::Verdict& verdict, const model::SourceFiles& files,
                                     const TextStyle& style);
[[nodiscard]] std::string trace_json(const sim::Verdict& verdict, const model::SourceFiles& files);

/// Mermaid: names are escaped, so that no manifest can break a diagram or add to it.
[[nodiscard]] std::string mermaid_flowchart(const sim::Verdict& verdict);
[[nodiscard]] std::string mermaid_sequence(const sim::Verdict& verdict);
/// Graphviz.
[[nodiscard]] std::string dot_graph(const sim::Verdict& verdict);
/// A label as Mermaid shows it literally.
[[nodiscard]] std::string mermaid_escape(std::string_view text);

enum class ReportFormat : std::uint8_t { Text, Json, Junit, Tap, Markdown, Sarif };
[[nodiscard]] std::optional<ReportFormat> report_format(std::string_view name);
[[nodiscard]] std::string render_report(const scenarios::Report& report, ReportFormat format,
                                        const model::SourceFiles& files, const TextStyle& style);

}  // namespace waypath::tools
