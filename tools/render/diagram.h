#pragma once
// Diagrams: one flow's path or the topology of a cluster, as Mermaid (flowchart, sequence) or DOT. Names come
// from manifests: none of them can end a statement or start markup.

#include <string>
#include <string_view>

#include "sim/topology.h"
#include "sim/verdict.h"

namespace waypath::tools {

/// `format`: "mermaid", "mermaid-sequence", "dot".
[[nodiscard]] std::string path_diagram(const sim::Verdict& verdict, std::string_view format);
/// `format`: "mermaid", "dot".
[[nodiscard]] std::string topology_diagram(const sim::Topology& topology, std::string_view format);

/// "TIMEOUT: http 503 UC after 10s", with what an allowed path skips.
[[nodiscard]] std::string outcome_line(const sim::PathVerdict& path);
/// Text that is safe in a quoted label, a sequence message and a participant alias of Mermaid.
[[nodiscard]] std::string mermaid_text(std::string_view text);
/// Text inside the quotes of a DOT string.
[[nodiscard]] std::string dot_text(std::string_view text);

}  // namespace waypath::tools
