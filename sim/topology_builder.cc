#include "sim/topology_builder.h"

#include <algorithm>

#include "model/istio/proxy_ports.h"
#include "sim/resolve/captures.h"
#include "sim/resolve/interception.h"
#include "sim/resolve/published.h"

namespace waypath::sim {
namespace {

bool is_proxy(const Capture& c) {
  return c.dataplane == Dataplane::Gateway || c.dataplane == Dataplane::Waypoint;
}

}  // namespace

void TopologyBuilder::run() {
  declare_vertices();
  number_vertices();
  connect_nodes();
  connect_pods();
  connect_services();
}

void TopologyBuilder::declare(VertexKind kind, std::string ns, std::string name, model::PodId pod,
                              model::ServiceId service) {
  Key key{kind, ns, name};
  Vertex v{kind, std::move(ns), std::move(name), pod, service};
  declared_.emplace(std::move(key), std::move(v));
}

VertexId TopologyBuilder::at(VertexKind kind, const std::string& ns, const std::string& name) const {
  const auto it = ids_.find({kind, ns, name});
  return it == ids_.end() ? VertexId{} : it->second;
}

void TopologyBuilder::connect(VertexId from, VertexId to, EdgeKind kind, std::uint16_t port, bool non_tcp) {
  if (!from.valid() || !to.valid()) return;
  out_.edges_.push_back({from, to, kind, kind == EdgeKind::Hbone ? model::kHbonePort : port, non_tcp});
}

std::string TopologyBuilder::node_name(model::PodId pod) const {
  return cluster_.pod(pod).spec.node_name.str();
}

// A gateway or waypoint is one vertex however many pods it has: its Gateway, else the workload of its pods.
TopologyBuilder::Key TopologyBuilder::proxy_key(model::PodId pod) const {
  const auto& p = cluster_.pod(pod);
  const auto kind =
      out_.captures_[pod.index].dataplane == Dataplane::Waypoint ? VertexKind::Waypoint : VertexKind::Gateway;
  const model::Gateway* gateway = gateway_of_pod(cluster_, pod);
  if (gateway != nullptr) return {kind, gateway->meta.ns().str(), gateway->meta.name().str()};
  return {kind, p.meta.ns().str(), p.workload_name.str()};
}

void TopologyBuilder::declare_vertices() {
  declare(VertexKind::External, "", "");
  declare(VertexKind::Network, "", "");
  for (const auto& name : cluster_.node_names()) declare(VertexKind::Node, "", name);
  for (const auto& g : cluster_.snapshot().all<model::Gateway>())
    if (is_waypoint(cluster_, *g)) {
      declare(VertexKind::Waypoint, g->meta.ns().str(), g->meta.name().str());
    } else if (sandwiched(cluster_, *g)) {
      declare(VertexKind::Gateway, g->meta.ns().str(), g->meta.name().str());
    }
  out_.captures_ = captures_of(cluster_);
  for (std::uint32_t i = 0; i < cluster_.pods().size(); ++i) {
    const model::PodId id{i};
    const auto& p = cluster_.pod(id);
    const auto& c = out_.captures_[i];
    if (is_proxy(c)) {
      const auto [kind, ns, name] = proxy_key(id);
      declare(kind, ns, name, id);
      auto& vertex = declared_.at({kind, ns, name});
      if (!vertex.pod.valid()) vertex.pod = id;
      if (c.redirected()) declare(VertexKind::Ztunnel, "", node_name(id));
      continue;
    }
    declare(VertexKind::Pod, p.meta.ns().str(), p.meta.name().str(), id);
    if (c.dataplane == Dataplane::Ambient) declare(VertexKind::Ztunnel, "", node_name(id));
    if (c.dataplane == Dataplane::Sidecar)
      declare(VertexKind::Sidecar, p.meta.ns().str(), p.meta.name().str(), id);
  }
  for (std::uint32_t i = 0; i < cluster_.services().size(); ++i) {
    const auto& s = cluster_.service({i});
    // A Service and a ServiceEntry may have one name, and a ServiceEntry several hosts: the host tells them
    // apart.
    declare(VertexKind::Service, s.ns.str(),
            s.service != nullptr ? s.name.str() : s.name.str() + " " + s.host, {}, {i});
  }
}

void TopologyBuilder::number_vertices() {
  for (auto& [key, vertex] : declared_) {
    ids_.emplace(key, VertexId{static_cast<std::uint32_t>(out_.vertices_.size())});
    out_.vertices_.push_back(std::move(vertex));
  }
  out_.external_ = at(VertexKind::External, "", "");
  out_.network_ = at(VertexKind::Network, "", "");
  out_.pod_vertices_.resize(cluster_.pods().size());
  out_.proxy_vertices_.resize(cluster_.pods().size());
  for (std::uint32_t i = 0; i < cluster_.pods().size(); ++i) {
    const auto& p = cluster_.pod({i});
    const auto& c = out_.captures_[i];
    if (is_proxy(c)) {
      const auto [kind, ns, name] = proxy_key({i});
      out_.pod_vertices_[i] = at(kind, ns, name);
      if (c.redirected()) out_.proxy_vertices_[i] = at(VertexKind::Ztunnel, "", node_name({i}));
      continue;
    }
    out_.pod_vertices_[i] = at(VertexKind::Pod, p.meta.ns().str(), p.meta.name().str());
    if (c.dataplane == Dataplane::Ambient)
      out_.proxy_vertices_[i] = at(VertexKind::Ztunnel, "", node_name({i}));
    if (c.dataplane == Dataplane::Sidecar)
      out_.proxy_vertices_[i] = at(VertexKind::Sidecar, p.meta.ns().str(), p.meta.name().str());
  }
  out_.service_vertices_.resize(cluster_.services().size());
  for (std::uint32_t i = 0; i < out_.vertices_.size(); ++i)
    if (out_.vertices_[i].service.valid()) out_.service_vertices_[out_.vertices_[i].service.index] = {i};
}

void TopologyBuilder::connect_wire(VertexId proxy, bool in_hbone, bool in_mtls, bool out_hbone,
                                   bool out_mtls) {
  const auto network = out_.network_;
  connect(network, proxy, EdgeKind::Plaintext);
  connect(proxy, network, EdgeKind::Plaintext);
  if (in_hbone) connect(network, proxy, EdgeKind::Hbone);
  if (out_hbone) connect(proxy, network, EdgeKind::Hbone);
  if (in_mtls) connect(network, proxy, EdgeKind::Mtls);
  if (out_mtls) connect(proxy, network, EdgeKind::Mtls);
}

void TopologyBuilder::connect_nodes() {
  connect(out_.external_, out_.network_, EdgeKind::Plaintext);
  connect(out_.network_, out_.external_, EdgeKind::Plaintext);
  for (std::uint32_t i = 0; i < out_.vertices_.size(); ++i) {
    const VertexId v{i};
    switch (out_.vertices_[i].kind) {
      case VertexKind::Node:
        connect_wire(v, false, false, false, false);
        break;
      case VertexKind::Ztunnel:
        connect_wire(v, true, false, true, false);
        break;
      case VertexKind::Gateway:
      case VertexKind::Waypoint:
        connect_wire(v, out_.vertices_[i].kind == VertexKind::Waypoint, true, true, true);
        break;
      case VertexKind::External:
      case VertexKind::Network:
      case VertexKind::Sidecar:
      case VertexKind::Pod:
      case VertexKind::Service:
        break;
    }
  }
}

// Source: ambient-path section 2 (what is captured): istio cni/pkg/iptables/iptables.go AppendInpodRules
void TopologyBuilder::connect_pods() {
  for (std::uint32_t i = 0; i < cluster_.pods().size(); ++i) {
    const auto& c = out_.captures_[i];
    const VertexId pod = out_.pod_vertices_[i], proxy = out_.proxy_vertices_[i];
    if (is_proxy(c)) {
      // L26: its node's ztunnel takes what comes in.
      connect(proxy, pod, EdgeKind::Captures);
      continue;
    }
    connect(pod, pod, EdgeKind::Captures);  // R5: its own address never leaves the pod
    // What is not TCP, and probes, pass by the proxy. So does all of a pod whose capture the manifests leave
    // open.
    const bool by_proxy = proxy.valid() && c.missing_facts.empty();
    // Nor does a sidecar take what annotations except.
    const bool sidecar = c.dataplane == Dataplane::Sidecar;
    const bool all_out = !sidecar || outbound_exceptions(cluster_.pod({i})).empty();
    const bool all_in = !sidecar || inbound_exceptions(cluster_.pod({i})).empty();
    connect(pod, out_.network_, EdgeKind::Plaintext, 0, by_proxy && all_out);
    connect(out_.network_, pod, EdgeKind::Plaintext, 0, by_proxy && !c.bypass_inbound && all_in);
    if (!proxy.valid()) continue;
    connect(pod, proxy, EdgeKind::Captures);
    connect(proxy, pod, EdgeKind::Captures);
    if (c.dataplane == Dataplane::Sidecar) connect_wire(proxy, c.sidecar_hbone, true, true, true);
  }
}

void TopologyBuilder::connect_services() {
  for (std::uint32_t i = 0; i < cluster_.services().size(); ++i) {
    const model::ServiceId id{i};
    const auto& s = cluster_.service(id);
    const VertexId v = out_.service_vertices_[i];
    std::vector<VertexId> targets;
    bool outside = s.entry != nullptr;
    for (const auto& port : s.ports) {
      for (const auto& e : cluster_.endpoints(id, port.port, port.protocol)) {
        if (e.pod.valid()) {
          targets.push_back(out_.pod_vertices_[e.pod.index]);
        } else {
          outside = true;
        }
      }
    }
    std::sort(targets.begin(), targets.end());
    targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
    for (const auto target : targets) connect(v, target, EdgeKind::Selects);
    if (outside) connect(v, out_.external_, EdgeKind::Selects);

    const WaypointBinding& binding = out_.bindings_.emplace_back(bind_service(cluster_, id));
    const VertexId waypoint = waypoint_of(binding);
    if (binding.bound()) {
      connect(waypoint, v, EdgeKind::RoutesTo);
      connect(v, waypoint, EdgeKind::UsesWaypoint, binding.port);
    }
    if (binding.canary != nullptr) {
      const VertexId canary = waypoint_of(*binding.canary);
      connect(canary, v, EdgeKind::RoutesTo);
      connect(v, canary, EdgeKind::UsesWaypoint, binding.canary->port);
    }
    const bool through = waypoint.valid() && ingress_uses_waypoint(cluster_, id).uses;
    for (const auto gateway : exposure_.gateways_to(id))
      connect(out_.pod_vertices_[gateway.index], through ? waypoint : v, EdgeKind::RoutesTo);
    if (s.service != nullptr && externally_accessible(*s.service))
      connect(out_.external_, v, EdgeKind::RoutesTo);
  }
  for (std::uint32_t i = 0; i < cluster_.pods().size(); ++i) {
    const auto binding = bind_pod(cluster_, {i});
    if (!binding.bound()) continue;
    connect(out_.pod_vertices_[i], waypoint_of(binding), EdgeKind::UsesWaypoint, binding.port);
  }
}

// W9: a Gateway of any class that is named takes HBONE.
VertexId TopologyBuilder::waypoint_of(const WaypointBinding& binding) {
  if (!binding.bound()) return {};
  const std::string ns = binding.gateway->meta.ns().str(), name = binding.gateway->meta.name().str();
  const VertexId waypoint = at(VertexKind::Waypoint, ns, name);
  if (waypoint.valid()) return waypoint;
  const VertexId gateway = at(VertexKind::Gateway, ns, name);
  connect(out_.network_, gateway, EdgeKind::Hbone);
  return gateway;
}

}  // namespace waypath::sim
