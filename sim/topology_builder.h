#pragma once
// Cluster -> vertices and edges of the Topology.

#include <map>
#include <string>
#include <tuple>

#include "sim/exposure.h"
#include "sim/resolve/mesh.h"
#include "sim/topology.h"

namespace waypath::sim {

/// Collects vertices by identity, then numbers them in order and adds the edges.
class TopologyBuilder {
 public:
  TopologyBuilder(const model::Cluster& cluster, const Exposure& exposure, Topology& out)
      : cluster_(cluster), exposure_(exposure), out_(out) {}
  void run();

 private:
  using Key = std::tuple<VertexKind, std::string, std::string>;
  void declare(VertexKind kind, std::string ns, std::string name, model::PodId pod = {},
               model::ServiceId service = {});
  [[nodiscard]] VertexId at(VertexKind kind, const std::string& ns, const std::string& name) const;
  void connect(VertexId from, VertexId to, EdgeKind kind, std::uint16_t port = 0, bool non_tcp = false);
  void connect_wire(VertexId proxy, bool in_hbone, bool in_mtls, bool out_hbone, bool out_mtls);

  void declare_vertices();
  void number_vertices();
  void connect_nodes();
  void connect_pods();
  void connect_services();
  [[nodiscard]] VertexId waypoint_of(const WaypointBinding& binding);
  [[nodiscard]] Key proxy_key(model::PodId pod) const;
  [[nodiscard]] std::string node_name(model::PodId pod) const;

  const model::Cluster& cluster_;
  const Exposure& exposure_;
  Topology& out_;
  std::map<Key, Vertex> declared_;
  std::map<Key, VertexId> ids_;
};

}  // namespace waypath::sim
