#pragma once
// The graph of a cluster: who can open a connection to whom on which transport (layer Wire), and which way a
// request is meant to go (layer Intent). Built from a Cluster by the rules of sim/resolve. No pod-to-pod
// edges: every connection on the wire passes the one Network vertex, so there are O(pods + services) edges.
// A path is a walk of this graph: every leg takes edges of it (`cross`), and a leg without one has no
// prediction.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/cluster.h"
#include "sim/graph_ids.h"
#include "sim/resolve/mesh.h"
#include "sim/verdict.h"

namespace waypath::sim {

class Exposure;

enum class VertexKind : std::uint8_t {
  External,
  Network,
  Node,
  Gateway,
  Ztunnel,
  Waypoint,
  Sidecar,
  Pod,
  Service
};
[[nodiscard]] std::string_view to_string(VertexKind k);

struct Vertex {
  VertexKind kind = VertexKind::Pod;
  std::string ns, name;      // Node and Ztunnel: the node's name, "" for pods whose node is not known
  model::PodId pod;          // Pod, Sidecar; Gateway and Waypoint: the first pod, if any
  model::ServiceId service;  // Service
};

enum class EdgeKind : std::uint8_t {
  Captures,   // inside a pod's network namespace: pod and its ztunnel or sidecar
  Hbone,      // on the wire, port 15008
  Mtls,       // on the wire, Istio mutual TLS
  Plaintext,  // on the wire, the client's own bytes (its TLS included)
  RoutesTo,   // intent: a gateway's or waypoint's routes lead to a service; a client enters at a gateway or
              // service
  Selects,    // intent: a service's endpoint
  UsesWaypoint,  // intent: a service's or pod's traffic goes to its waypoint first
};
[[nodiscard]] std::string_view to_string(EdgeKind k);

struct Edge {
  VertexId from, to;
  EdgeKind kind = EdgeKind::Plaintext;
  std::uint16_t port = 0;  // on the wire, when every connection of the edge has the same
  bool non_tcp = false;    // only what capture leaves alone: UDP, SCTP, probes
};

enum class Layer : std::uint8_t { Wire, Intent };

class Topology {
 public:
  [[nodiscard]] static std::shared_ptr<const Topology> build(const model::Cluster& cluster,
                                                             const Exposure& exposure);
  ~Topology();
  Topology(const Topology&) = delete;
  Topology& operator=(const Topology&) = delete;

  /// Sorted by kind, namespace, name.
  [[nodiscard]] std::span<const Vertex> vertices() const { return vertices_; }
  /// Sorted by source, target, kind.
  [[nodiscard]] std::span<const Edge> edges() const { return edges_; }
  [[nodiscard]] const Vertex& vertex(VertexId id) const { return vertices_[id.index]; }
  [[nodiscard]] const Edge& edge(EdgeId id) const { return edges_[id.index]; }

  [[nodiscard]] VertexId find(VertexKind kind, std::string_view ns, std::string_view name) const;
  /// The vertex that sends and receives for a pod: its Gateway or Waypoint when it is one, else its own.
  [[nodiscard]] VertexId vertex_of(model::PodId pod) const { return pod_vertices_[pod.index]; }
  [[nodiscard]] VertexId vertex_of(model::ServiceId service) const {
    return service_vertices_[service.index];
  }
  /// The ztunnel or sidecar of a pod, if it has one.
  [[nodiscard]] VertexId proxy_of(model::PodId pod) const { return proxy_vertices_[pod.index]; }
  [[nodiscard]] VertexId network() const { return network_; }
  [[nodiscard]] VertexId external() const { return external_; }

  [[nodiscard]] std::optional<EdgeId> edge_between(VertexId from, VertexId to, EdgeKind kind) const;
  [[nodiscard]] std::vector<EdgeId> out_edges(VertexId v) const;
  [[nodiscard]] std::vector<EdgeId> in_edges(VertexId v) const;

  /// How a pod takes part in the mesh: what its vertex and edges follow from.
  [[nodiscard]] const Capture& capture(model::PodId pod) const { return captures_[pod.index]; }
  [[nodiscard]] const WaypointBinding& binding(model::ServiceId service) const {
    return bindings_[service.index];
  }

  /// What a connection may be, beside its transport.
  struct Kind {
    Transport transport = Transport::Plaintext;
    bool passes_capture = false;  // UDP, SCTP, what the pod's own node sends
    bool own_tunnel = false;      // the client speaks HBONE itself, whatever it is
  };
  /// The edges that a connection takes: one inside a pod, else to the Network vertex and from it. Nullopt:
  /// the graph has no such connection.
  [[nodiscard]] std::optional<Crossing> cross(VertexId from, VertexId to, const Kind& kind) const;

  /// What can be reached from a vertex over one layer without entering `avoid`, sorted; the vertex itself
  /// included.
  [[nodiscard]] std::vector<VertexId> reachable_avoiding(VertexId from, std::span<const VertexId> avoid,
                                                         Layer layer) const;
  /// Immediate dominator of each vertex as seen from `from`: the last vertex that every way to it passes.
  /// Invalid for `from` and for what cannot be reached.
  [[nodiscard]] std::vector<VertexId> dominators(VertexId from, Layer layer) const;

 private:
  struct Graph;  // topology.cc: the only user of Boost.Graph
  friend class TopologyBuilder;
  Topology();
  void freeze();

  std::vector<Vertex> vertices_;
  std::vector<Edge> edges_;
  std::vector<Capture> captures_;          // by pod
  std::vector<WaypointBinding> bindings_;  // by service
  std::vector<VertexId> pod_vertices_, proxy_vertices_, service_vertices_;
  VertexId network_, external_;
  std::unique_ptr<const Graph> graph_;
};

}  // namespace waypath::sim
