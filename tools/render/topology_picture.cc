// The topology of a cluster as a picture (diagram.h).

#include <fmt/format.h>

#include <map>
#include <set>
#include <tuple>

#include "sim/resolve/mesh.h"
#include "tools/render/diagram.h"

namespace waypath::tools {
namespace {

using sim::EdgeKind;
using sim::Vertex;
using sim::VertexKind;

bool intent(EdgeKind kind) {
  return kind == EdgeKind::RoutesTo || kind == EdgeKind::Selects || kind == EdgeKind::UsesWaypoint;
}

bool drawn(EdgeKind kind, TopologyLayer layer) {
  return layer == TopologyLayer::All || intent(kind) == (layer == TopologyLayer::Intent);
}

std::string title_of(const model::Cluster& cluster, const Vertex& v) {
  if (v.kind == VertexKind::External) return "outside the cluster";
  if (v.kind == VertexKind::Pod && v.pod.valid()) {
    const auto& pod = cluster.pod(v.pod);
    if (pod.workload_kind.view() != "Pod")
      return fmt::format("{} {}", pod.workload_kind.view(), pod.workload_name.view());
  }
  return v.name.empty() ? std::string(to_string(v.kind)) : fmt::format("{} {}", to_string(v.kind), v.name);
}

std::vector<std::string> keys_of(const model::Cluster& cluster, const Vertex& v) {
  if (v.ns.empty()) return {v.name.empty() ? std::string(to_string(v.kind)) : v.name};
  std::vector<std::string> out{v.ns + "/" + v.name};
  if (v.kind == VertexKind::Pod && v.pod.valid())
    out.push_back(v.ns + "/" + std::string(cluster.pod(v.pod).workload_name.view()));
  return out;
}

// How the mesh takes part in a pod's traffic: where L4 and L7 policies of it can be enforced.
std::string dataplane_of(const model::Cluster& cluster, const Vertex& v) {
  if (v.kind != VertexKind::Pod || !v.pod.valid()) return {};
  const auto capture = sim::capture_of(cluster, v.pod);
  if (!capture.missing_facts.empty()) return "in the mesh or not: not known";
  switch (capture.dataplane) {
    case sim::Dataplane::Ambient:
      return "ztunnel";
    case sim::Dataplane::Sidecar:
      return "sidecar";
    case sim::Dataplane::None:
      return capture.host_network ? "host network, not in the mesh" : "not in the mesh";
    case sim::Dataplane::Gateway:
    case sim::Dataplane::Waypoint:
      break;
  }
  return {};
}

Shape shape_of(VertexKind kind) {
  switch (kind) {
    case VertexKind::External:
    case VertexKind::Network:
      return Shape::Round;
    case VertexKind::Gateway:
    case VertexKind::Waypoint:
      return Shape::Hexagon;
    case VertexKind::Ztunnel:
    case VertexKind::Sidecar:
    case VertexKind::Service:
      return Shape::Slanted;
    case VertexKind::Node:
    case VertexKind::Pod:
      break;
  }
  return Shape::Box;
}

Look look_of(VertexKind kind) {
  switch (kind) {
    case VertexKind::External:
    case VertexKind::Network:
      return Look::Outside;
    case VertexKind::Gateway:
    case VertexKind::Waypoint:
    case VertexKind::Ztunnel:
    case VertexKind::Sidecar:
      return Look::Proxy;
    case VertexKind::Service:
      return Look::Policy;
    case VertexKind::Node:
    case VertexKind::Pod:
      break;
  }
  return Look::Plain;
}

std::string edge_label(const sim::Edge& e) {
  std::string out(to_string(e.kind));
  if (e.port != 0) out += fmt::format(" :{}", e.port);
  if (e.non_tcp) out += " (not TCP)";
  return out;
}

// "2 AuthorizationPolicy", one line a kind.
std::vector<std::string> policy_lines(const std::set<std::string>& policies) {
  std::map<std::string, std::size_t> kinds;
  for (const auto& policy : policies) ++kinds[policy.substr(0, policy.find('/'))];
  std::vector<std::string> out;
  for (const auto& [kind, count] : kinds) out.push_back(fmt::format("{} {}", count, kind));
  return out;
}

}  // namespace

Picture topology_picture(const model::Cluster& cluster, const sim::Topology& topology,
                         const std::vector<EnforcedAt>& enforced, TopologyLayer layer) {
  const auto vertices = topology.vertices();
  std::vector<std::set<std::string>> policies(vertices.size());
  for (const auto& e : enforced) policies[e.vertex.index].insert(e.policy);

  Picture out;
  out.name = "topology";
  std::map<std::string, std::size_t> group_of;
  for (const auto& v : vertices)
    if (!v.ns.empty()) group_of.try_emplace(v.ns, 0);
  for (auto& [ns, group] : group_of) {
    group = out.groups.size();
    out.groups.push_back(ns);
  }
  // Pods of one workload that look the same are one node.
  std::map<std::tuple<std::string, std::vector<std::string>, std::set<std::string>>, std::size_t> seen;
  std::vector<std::size_t> into(vertices.size());
  for (std::size_t i = 0; i < vertices.size(); ++i) {
    const Vertex& v = vertices[i];
    PictureNode node;
    node.id = fmt::format("v{}", i);
    node.lines = {title_of(cluster, v)};
    if (auto line = dataplane_of(cluster, v); !line.empty()) node.lines.push_back(std::move(line));
    for (auto& line : policy_lines(policies[i])) node.lines.push_back(std::move(line));
    node.shape = shape_of(v.kind);
    node.look = look_of(v.kind);
    if (const auto it = group_of.find(v.ns); it != group_of.end()) node.group = it->second;
    node.mergeable = v.kind == VertexKind::Pod || v.kind == VertexKind::Service || v.kind == VertexKind::Node;
    node.keys = keys_of(cluster, v);
    if (v.kind == VertexKind::Pod) {
      const auto [it, fresh] = seen.try_emplace({v.ns, node.lines, policies[i]}, out.nodes.size());
      into[i] = it->second;
      if (!fresh) {
        auto& first = out.nodes[it->second];
        ++first.count;
        first.keys.insert(first.keys.end(), node.keys.begin(), node.keys.end());
        continue;
      }
    }
    into[i] = out.nodes.size();
    out.nodes.push_back(std::move(node));
  }
  for (auto& node : out.nodes)
    if (node.count > 1) node.lines.insert(node.lines.begin() + 1, fmt::format("{} pods", node.count));
  std::set<std::tuple<std::size_t, std::size_t, std::string>> edges;
  std::vector<bool> joined(out.nodes.size(), false);
  for (const auto& e : topology.edges()) {
    if (!drawn(e.kind, layer) || e.from == e.to) continue;  // a pod's way to itself says nothing
    PictureEdge edge{into[e.from.index], into[e.to.index], {edge_label(e)}, Line::Solid, Look::Plain};
    if (!edges.insert({edge.from, edge.to, edge.lines.front()}).second) continue;
    joined[edge.from] = joined[edge.to] = true;
    // The plain way through a Service needs no word.
    if (e.kind == EdgeKind::Selects) edge.lines.clear();
    if (e.kind == EdgeKind::UsesWaypoint) {
      edge.line = Line::Dotted;
      edge.look = Look::Proxy;
    }
    out.edges.push_back(std::move(edge));
  }
  // What plays no part in this layer is not drawn: the network, ztunnels and nodes among intents.
  const auto part = [&](std::size_t i) {
    const auto kind = vertices[std::stoul(out.nodes[i].id.substr(1))].kind;
    return joined[i] || kind == VertexKind::Pod || kind == VertexKind::Gateway ||
           kind == VertexKind::Waypoint || kind == VertexKind::Service;
  };
  Picture cut = out;
  cut.nodes.clear();
  cut.edges.clear();
  std::vector<std::size_t> moved(out.nodes.size(), SIZE_MAX);
  for (std::size_t i = 0; i < out.nodes.size(); ++i) {
    if (!part(i)) continue;
    moved[i] = cut.nodes.size();
    cut.nodes.push_back(std::move(out.nodes[i]));
  }
  for (auto& e : out.edges) {
    e.from = moved[e.from];
    e.to = moved[e.to];
    cut.edges.push_back(std::move(e));
  }
  return cut;
}

}  // namespace waypath::tools
