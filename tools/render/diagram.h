#pragma once
// Diagrams of what waypath found, as Mermaid (flowchart, sequence) or DOT. Names come from manifests: none of
// them can end a statement or start markup (picture.h writes and escapes).

#include <string>
#include <string_view>
#include <vector>

#include "scenarios/plan.h"
#include "sim/topology.h"
#include "sim/verdict.h"
#include "tools/render/picture.h"

namespace waypath::tools {

/// `format`: "mermaid", "mermaid-sequence", "dot".
[[nodiscard]] std::string path_diagram(const sim::Verdict& verdict, std::string_view format);

/// Which edges a topology is drawn with.
enum class TopologyLayer : std::uint8_t {
  Intent,  // which way requests are meant to go: gateways, services, waypoints, workloads
  Wire,    // who can open a connection on which transport, through the one network vertex
  All
};
/// A policy where it is enforced; many vertices may carry it.
struct EnforcedAt {
  sim::VertexId vertex;
  std::string policy;  // "AuthorizationPolicy/ns/name"
};
/// Pods stand under their workload; `enforced` is counted by kind in the label of its vertex.
[[nodiscard]] Picture topology_picture(const model::Cluster& cluster, const sim::Topology& topology,
                                       const std::vector<EnforcedAt>& enforced, TopologyLayer layer);

/// Changed flows before and after, each side a group.
[[nodiscard]] Picture plan_picture(const scenarios::Plan& plan);

/// "TIMEOUT: http 503 UC after 10s", with what an allowed path skips.
[[nodiscard]] std::string outcome_line(const sim::PathVerdict& path);
/// At most `width` code points, with "..." in place of the rest.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t width);

}  // namespace waypath::tools
