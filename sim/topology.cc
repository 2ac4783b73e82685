#include "sim/topology.h"

#include <algorithm>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/dominator_tree.hpp>
#include <boost/graph/filtered_graph.hpp>
#include <tuple>
#include <utility>

#include "sim/topology_builder.h"

namespace waypath::sim {
namespace {

struct EdgeIndex {
  std::uint32_t id = 0;
};
using Csr = boost::compressed_sparse_row_graph<boost::bidirectionalS, boost::no_property, EdgeIndex>;

bool intent(EdgeKind kind) {
  switch (kind) {
    case EdgeKind::RoutesTo:
    case EdgeKind::Selects:
      return true;
    case EdgeKind::UsesWaypoint:  // says where the request goes before it comes here, not where it goes from
                                  // here
    case EdgeKind::Captures:
    case EdgeKind::Hbone:
    case EdgeKind::Mtls:
    case EdgeKind::Plaintext:
      return false;
  }
  return false;
}

struct LayerFilter {
  const Csr* graph = nullptr;
  std::span<const Edge> edges;
  Layer layer = Layer::Wire;
  bool operator()(const Csr::edge_descriptor& e) const {
    const auto& edge = edges[(*graph)[e].id];
    if (layer == Layer::Intent) return intent(edge.kind);
    return !intent(edge.kind) && edge.kind != EdgeKind::UsesWaypoint && !edge.non_tcp;
  }
};
struct AvoidFilter {
  const std::vector<bool>* avoided = nullptr;
  bool operator()(Csr::vertex_descriptor v) const { return avoided == nullptr || !(*avoided)[v]; }
};
using View = boost::filtered_graph<Csr, LayerFilter, AvoidFilter>;

EdgeKind kind_of(Transport transport) {
  switch (transport) {
    case Transport::Hbone:
      return EdgeKind::Hbone;
    case Transport::Mtls:
      return EdgeKind::Mtls;
    case Transport::InPod:
      return EdgeKind::Captures;
    case Transport::Plaintext:
    case Transport::Tls:
      return EdgeKind::Plaintext;
  }
  return EdgeKind::Plaintext;
}

}  // namespace

struct Topology::Graph {
  Csr csr;
};

Topology::Topology() = default;
Topology::~Topology() = default;

std::string_view to_string(VertexKind k) {
  switch (k) {
    case VertexKind::External:
      return "external";
    case VertexKind::Network:
      return "network";
    case VertexKind::Node:
      return "node";
    case VertexKind::Gateway:
      return "gateway";
    case VertexKind::Ztunnel:
      return "ztunnel";
    case VertexKind::Waypoint:
      return "waypoint";
    case VertexKind::Sidecar:
      return "sidecar";
    case VertexKind::Pod:
      return "pod";
    case VertexKind::Service:
      return "service";
  }
  return "";
}

std::string_view to_string(EdgeKind k) {
  switch (k) {
    case EdgeKind::Captures:
      return "captures";
    case EdgeKind::Hbone:
      return "HBONE";
    case EdgeKind::Mtls:
      return "mTLS";
    case EdgeKind::Plaintext:
      return "plaintext";
    case EdgeKind::RoutesTo:
      return "routes to";
    case EdgeKind::Selects:
      return "selects";
    case EdgeKind::UsesWaypoint:
      return "uses waypoint";
  }
  return "";
}

std::shared_ptr<const Topology> Topology::build(const model::Cluster& cluster, const Exposure& exposure) {
  const std::shared_ptr<Topology> topology(new Topology());
  TopologyBuilder(cluster, exposure, *topology).run();
  topology->freeze();
  return topology;
}

void Topology::freeze() {
  const auto rank = [](const Edge& e) { return std::tuple(e.from, e.to, e.kind, e.port, e.non_tcp); };
  std::sort(edges_.begin(), edges_.end(), [&](const Edge& a, const Edge& b) { return rank(a) < rank(b); });
  const auto same = [](const Edge& a, const Edge& b) {
    return a.from == b.from && a.to == b.to && a.kind == b.kind;
  };
  edges_.erase(std::unique(edges_.begin(), edges_.end(), same), edges_.end());
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ends;
  std::vector<EdgeIndex> ids;
  for (std::uint32_t i = 0; i < edges_.size(); ++i) {
    ends.emplace_back(edges_[i].from.index, edges_[i].to.index);
    ids.push_back({i});
  }
  graph_ = std::make_unique<const Graph>(Graph{
      Csr(boost::edges_are_unsorted_multi_pass, ends.begin(), ends.end(), ids.begin(), vertices_.size())});
}

VertexId Topology::find(VertexKind kind, std::string_view ns, std::string_view name) const {
  const auto rank = [](const Vertex& v) {
    return std::tuple<VertexKind, std::string_view, std::string_view>(v.kind, v.ns, v.name);
  };
  const std::tuple<VertexKind, std::string_view, std::string_view> wanted(kind, ns, name);
  const auto it = std::lower_bound(vertices_.begin(), vertices_.end(), wanted,
                                   [&](const Vertex& v, const auto& w) { return rank(v) < w; });
  if (it == vertices_.end() || rank(*it) != wanted) return {};
  return {static_cast<std::uint32_t>(it - vertices_.begin())};
}

std::optional<EdgeId> Topology::edge_between(VertexId from, VertexId to, EdgeKind kind) const {
  const auto wanted = std::tuple(from, to, kind);
  const auto it = std::lower_bound(edges_.begin(), edges_.end(), wanted, [](const Edge& e, const auto& w) {
    return std::tuple(e.from, e.to, e.kind) < w;
  });
  if (it == edges_.end() || std::tuple(it->from, it->to, it->kind) != wanted) return std::nullopt;
  return EdgeId{static_cast<std::uint32_t>(it - edges_.begin())};
}

std::vector<EdgeId> Topology::out_edges(VertexId v) const {
  std::vector<EdgeId> out;
  const auto [begin, end] = boost::out_edges(static_cast<Csr::vertex_descriptor>(v.index), graph_->csr);
  for (auto it = begin; it != end; ++it) out.push_back({graph_->csr[*it].id});
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<EdgeId> Topology::in_edges(VertexId v) const {
  std::vector<EdgeId> out;
  const auto [begin, end] = boost::in_edges(static_cast<Csr::vertex_descriptor>(v.index), graph_->csr);
  for (auto it = begin; it != end; ++it) out.push_back({graph_->csr[*it].id});
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<Crossing> Topology::cross(VertexId from, VertexId to, const Kind& kind) const {
  if (!from.valid() || !to.valid()) return std::nullopt;
  const auto usable = [&](const std::optional<EdgeId>& edge) {
    return edge && (!edges_[edge->index].non_tcp || kind.passes_capture);
  };
  const EdgeKind wanted = kind_of(kind.transport);
  if (wanted == EdgeKind::Captures) {
    const auto inside = edge_between(from, to, wanted);
    return inside ? std::optional<Crossing>({*inside, EdgeId{}}) : std::nullopt;
  }
  const auto sent = edge_between(from, network_, kind.own_tunnel ? EdgeKind::Plaintext : wanted);
  auto received = edge_between(network_, to, wanted);
  // Mutual TLS to a pod that does not speak it: its socket gets the bytes, and the handshake fails there.
  if (!received && wanted == EdgeKind::Mtls) received = edge_between(network_, to, EdgeKind::Plaintext);
  if (!sent || !usable(received) || !(kind.own_tunnel || usable(sent))) return std::nullopt;
  return Crossing{*sent, *received};
}

std::vector<VertexId> Topology::reachable_avoiding(VertexId from, std::span<const VertexId> avoid,
                                                   Layer layer) const {
  std::vector<bool> avoided(vertices_.size(), false);
  for (const auto v : avoid) avoided[v.index] = true;
  if (avoided[from.index]) return {};
  const View view(graph_->csr, LayerFilter{&graph_->csr, edges_, layer}, AvoidFilter{&avoided});
  std::vector<boost::default_color_type> colors(vertices_.size(), boost::white_color);
  const auto index = boost::get(boost::vertex_index, graph_->csr);
  boost::breadth_first_search(view, static_cast<Csr::vertex_descriptor>(from.index),
                              boost::color_map(boost::make_iterator_property_map(colors.begin(), index)));
  std::vector<VertexId> out;
  for (std::uint32_t i = 0; i < colors.size(); ++i)
    if (colors[i] != boost::white_color) out.push_back({i});
  return out;
}

std::vector<VertexId> Topology::dominators(VertexId from, Layer layer) const {
  // Boost's algorithm is only defined for graphs all of whose vertices can be reached.
  std::vector<bool> unreachable(vertices_.size(), true);
  for (const auto v : reachable_avoiding(from, {}, layer)) unreachable[v.index] = false;
  const View view(graph_->csr, LayerFilter{&graph_->csr, edges_, layer}, AvoidFilter{&unreachable});
  const auto none = boost::graph_traits<Csr>::null_vertex();
  std::vector<Csr::vertex_descriptor> parent(vertices_.size(), none);
  const auto index = boost::get(boost::vertex_index, graph_->csr);
  boost::lengauer_tarjan_dominator_tree(view, static_cast<Csr::vertex_descriptor>(from.index),
                                        boost::make_iterator_property_map(parent.begin(), index));
  std::vector<VertexId> out(vertices_.size());
  for (std::uint32_t i = 0; i < out.size(); ++i)
    if (parent[i] != none) out[i] = {static_cast<std::uint32_t>(parent[i])};
  return out;
}

}  // namespace waypath::sim
