#include "scenarios/guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "sim/topology.h"

namespace waypath::scenarios {
namespace {

using sim::Topology;
using sim::VertexId;

std::string title_of(const sim::Vertex& vertex) {
  if (vertex.kind == sim::VertexKind::External) return "outside";
  return vertex.ns.empty() ? fmt::format("{} {}", sim::to_string(vertex.kind), vertex.name)
                           : fmt::format("{} {}/{}", sim::to_string(vertex.kind), vertex.ns, vertex.name);
}

bool intent(sim::EdgeKind kind) { return kind == sim::EdgeKind::RoutesTo || kind == sim::EdgeKind::Selects; }

// Breadth first over the edges of intent. Empty: there is no way.
std::vector<VertexId> shortest(const Topology& topology, VertexId from, const std::set<VertexId>& to,
                               const std::set<VertexId>& avoid) {
  std::map<VertexId, VertexId> before{{from, from}};
  std::deque<VertexId> queue{from};
  while (!queue.empty()) {
    const VertexId at = queue.front();
    queue.pop_front();
    if (to.contains(at)) {
      std::vector<VertexId> out{at};
      while (out.back() != from) out.push_back(before.at(out.back()));
      std::reverse(out.begin(), out.end());
      return out;
    }
    for (const auto edge : topology.out_edges(at)) {
      const auto& e = topology.edge(edge);
      if (!intent(e.kind) || avoid.contains(e.to) || before.contains(e.to)) continue;
      before.emplace(e.to, at);
      queue.push_back(e.to);
    }
  }
  return {};
}

// How gateways lead from outside to the target: is Y a dominator of its pods?
void by_graph(const sim::Engine& engine, const GuardReport& report, GuardGraph& out) {
  const Topology& topology = engine.topology();
  std::set<VertexId> guards, ends;
  for (const auto& p : report.points) {
    if (p.kind != GuardPoint::Kind::Proxy) return;
    for (const auto kind : {sim::VertexKind::Waypoint, sim::VertexKind::Gateway})
      if (const auto v = topology.find(kind, p.ns, p.name); v.valid()) guards.insert(v);
    for (const auto pod : p.pods) guards.insert(topology.vertex_of(pod));
  }
  for (const auto pod : report.target.pods) ends.insert(topology.vertex_of(pod));
  if (guards.empty() || ends.empty()) return;
  out.asked = true;
  const auto above = topology.dominators(topology.external(), sim::Layer::Intent);
  out.entered = std::any_of(ends.begin(), ends.end(), [&](VertexId v) { return above[v.index].valid(); });
  if (!out.entered) return;
  out.dominates = guards.size() == 1 && std::all_of(ends.begin(), ends.end(), [&](VertexId v) {
                    if (!above[v.index].valid()) return true;  // no way from outside
                    for (VertexId at = above[v.index]; at.valid(); at = above[at.index])
                      if (guards.contains(at)) return true;
                    return false;
                  });
  const auto way = shortest(topology, topology.external(), ends, guards);
  if (guards.size() > 1) out.dominates = way.empty();
  for (const auto v : way) out.around.push_back(title_of(topology.vertex(v)));
}

std::set<std::string> proxies_on(const sim::PathVerdict& path) {
  std::set<std::string> out;
  for (std::size_t i = 1; i + 1 < path.hops.size(); ++i) {
    const auto& hop = path.hops[i];
    const bool proxy = hop.kind == sim::HopKind::Gateway || hop.kind == sim::HopKind::Waypoint ||
                       hop.kind == sim::HopKind::Ztunnel || hop.kind == sim::HopKind::Sidecar;
    // A client's own proxy is no place to guard from.
    if (proxy && !(i == 1 && hop.pod == path.hops.front().pod))
      out.insert(hop.kind == sim::HopKind::Ztunnel || hop.kind == sim::HopKind::Sidecar
                     ? fmt::format("{} of {}/{}", sim::to_string(hop.kind), hop.ns, hop.pod)
                     : fmt::format("{} {}/{}", sim::to_string(hop.kind), hop.ns, hop.name));
  }
  return out;
}

std::vector<std::string> always_passed(const GuardReport& report) {
  std::optional<std::set<std::string>> common;
  for (const auto& way : report.search.ways) {
    if (report.exempt(way)) continue;
    for (const auto* found : {&way.around, &way.through}) {
      if (!*found) continue;
      const auto proxies = proxies_on((*found)->path);
      if (!common) {
        common = proxies;
        continue;
      }
      std::erase_if(*common, [&](const auto& p) { return !proxies.contains(p); });
    }
  }
  return common ? std::vector<std::string>(common->begin(), common->end()) : std::vector<std::string>();
}

GuardReport::Verdict verdict_of(const GuardReport& report) {
  bool bypass = false, undecided = false, open = false;
  for (const auto& way : report.search.ways) {
    if (report.exempt(way)) continue;
    bypass = bypass || way.around.has_value();
    undecided = undecided || way.unknown_around.has_value();
    open = open || way.through || way.unknown_through;
  }
  if (bypass) return GuardReport::Verdict::Bypass;
  if (undecided) return GuardReport::Verdict::Undecided;
  if (!report.search.complete()) return GuardReport::Verdict::Unproven;
  return open ? GuardReport::Verdict::Guarded : GuardReport::Verdict::Unreached;
}

}  // namespace

GuardReport run_guard(const sim::Engine& engine, AskTarget target, std::vector<GuardPoint> points,
                      SearchOptions options) {
  GuardReport out;
  out.target = std::move(target);
  out.points = points;
  options.points = std::move(points);
  options.all = false;
  out.search = search_ways(engine, out.target, {}, options);
  if (out.target.whole_namespace) out.target.scope = "from outside it";
  by_graph(engine, out, out.graph);
  out.graph.always = always_passed(out);
  out.verdict = verdict_of(out);
  return out;
}

}  // namespace waypath::scenarios
