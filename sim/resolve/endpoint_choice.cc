// Which endpoints of a Service can be used: ambient-path.md O10 to O12, routing.md 1.2.

#include <algorithm>

#include "sim/reasons/path.h"
#include "sim/resolve/destination.h"
#include "sim/resolve/pods_not_given.h"

namespace waypath::sim {
namespace {

using model::Cluster;
using model::Endpoint;
using model::ServiceId;

ObjectAt at(const model::ObjectMeta& meta, model::SourcePos pos = {}) {
  return {meta.key, pos.known() ? pos : meta.pos, -1, {}};
}

class Chooser {
 public:
  Chooser(const Cluster& cluster, ServiceId id, std::uint16_t port, ProxyKind proxy,
          std::optional<model::Protocol> protocol)
      : cluster_(cluster), id_(id), service_(cluster.service(id)), port_(port), proxy_(proxy) {
    keep_usable(cluster.endpoints(id, port, protocol));
  }

  // The policy that concerns this traffic is Local. Source:
  // kubernetes.io/docs/reference/networking/virtual-ips (traffic policies).
  [[nodiscard]] bool local_only(model::NodeId node) const {
    if (service_.service == nullptr) return false;
    return proxy_ == ProxyKind::Entry ? service_.service->external_local && node.valid()
                                      : service_.service->internal_local;
  }

  // internalTrafficPolicy Local: only endpoints on the chooser's own node; kube-proxy then drops what has
  // none. Source: kubernetes.io/docs/concepts/services-networking/service-traffic-policy; istio
  // ambient/services.go constructService, xds/endpoints/endpoint_builder.go filterIstioEndpoint
  void keep_local(model::NodeId node) {
    if (!local_only(node) || out_.endpoints.empty()) return;
    const std::string policy =
        proxy_ == ProxyKind::Entry ? "externalTrafficPolicy: Local" : "internalTrafficPolicy: Local";
    std::vector<Endpoint> local;
    bool unplaced = false;
    for (const auto& e : out_.endpoints) {
      if (!e.node.valid() || !node.valid()) unplaced = true;
      if (e.node.valid() && node.valid() && e.node == node) local.push_back(e);
    }
    out_.endpoints = std::move(local);
    if (!out_.endpoints.empty()) return;
    if (unplaced) {
      out_.missing_facts.push_back("the nodes of the client and of the endpoints of " + service_.host + " (" +
                                   policy + ")");
      return;
    }
    out_.detail = service_.host + " has " + policy + " and no endpoint on the " +
                  (proxy_ == ProxyKind::Entry ? "dialled node" : "client's node");
    out_.dropped = true;
    out_.causes = {at(service_.meta())};
  }

  EndpointChoice result() {
    if (out_.endpoints.empty() && out_.missing_facts.empty() && out_.detail.empty()) explain();
    if (assumed_ && !out_.endpoints.empty()) {
      out_.assumptions.push_back(
          {kAssumePodReady, "pods of " + service_.host + " without status are taken as running and ready",
           service_.meta().pos});
    }
    return std::move(out_);
  }

 private:
  // Why a pod that the Service selects cannot be used; empty when it can.
  [[nodiscard]] std::string unusable(const Endpoint& e) const {
    bool publish = service_.service != nullptr && service_.service->publish_not_ready;
    const bool ztunnel = proxy_ == ProxyKind::Ztunnel;
    const auto& profile = cluster_.profile();
    if (ztunnel && !profile.has(model::Feature::PublishNotReadyHonoured)) publish = false;
    if (e.pod.valid()) {
      const auto& pod = cluster_.pod(e.pod);
      if (ztunnel && pod.spec.host_network && !profile.has(model::Feature::HostNetworkDestinations))
        return "in the node's network, which this version's ztunnel does not reach";
      if (pod.has_status && pod.ips.empty()) return "without an address";
    }
    return e.ready || publish ? "" : "not ready";
  }

  void keep_usable(std::vector<Endpoint> all) {
    for (auto& e : all) {
      if (const auto why = unusable(e); !why.empty()) {
        ++unusable_;
        if (why_.empty()) why_ = why;
        if (e.pod.valid()) out_.causes.push_back(at(cluster_.pod(e.pod).meta));
        continue;
      }
      if (e.pod.valid() && !cluster_.pod(e.pod).has_status) assumed_ = true;
      out_.endpoints.push_back(std::move(e));
    }
  }

  void explain() {
    const std::string name = service_.host + ":" + std::to_string(port_);
    out_.causes.insert(out_.causes.begin(), at(service_.meta()));
    const auto* port = service_.find_port(port_);
    if (port == nullptr) {
      out_.detail = service_.host + " has no port " + std::to_string(port_);
    } else if (unusable_ != 0) {
      out_.detail = name + " has no usable endpoint: " + std::to_string(unusable_) +
                    (unusable_ == 1 ? " pod is " : " pods are ") + why_;
    } else if (service_.service == nullptr) {
      out_.detail = name + " has no endpoint: nothing is listed and nothing fits its workloadSelector";
    } else if (service_.service->selector.empty() && slices_not_listed()) {
      out_.missing_facts.push_back("the endpoints of " + name +
                                   ", which selects no pods: no EndpointSlice of the cluster is given");
    } else if (service_.service->selector.empty()) {
      out_.detail = service_.host + " selects no pods and no EndpointSlice is given";
    } else if (auto facts = pods_not_given(cluster_, id_); !facts.empty()) {
      out_.missing_facts = std::move(facts);
    } else if (const auto* idle = idle_workload(cluster_, id_)) {
      out_.causes.insert(out_.causes.begin(), at(idle->meta));
      out_.detail = name + " has no endpoint: " + idle->meta.key.str() +
                    (idle->suspended ? " is suspended" : " has 0 replicas");
    } else {
      out_.detail = name + " has no endpoint: no pod has its selector's labels" + named_target();
    }
  }

  /// Pods as a running cluster prints them, with no EndpointSlice beside them: the dump leaves the kind out
  /// (`kubectl get all` does), since one is written for every Service. Those of Service default/kubernetes
  /// nobody writes in manifests. Source: kubernetes pkg/controlplane/controller/kubernetesservice
  [[nodiscard]] bool slices_not_listed() const {
    if (service_.name == std::string_view("kubernetes") && service_.ns == std::string_view("default"))
      return true;
    const auto pods = cluster_.pods();
    return cluster_.snapshot().all<model::EndpointSlice>().empty() &&
           std::any_of(pods.begin(), pods.end(), [](const model::Pod* pod) { return pod->has_status; });
  }

  [[nodiscard]] std::string named_target() const {
    for (const auto& p : service_.service->ports) {
      if (p.port != port_) continue;
      if (const auto* wanted = std::get_if<model::Symbol>(&p.target_port))
        return " and a container port named " + wanted->str();
    }
    return "";
  }

  const Cluster& cluster_;
  ServiceId id_;
  const model::RegistryService& service_;
  std::uint16_t port_;
  ProxyKind proxy_;
  std::size_t unusable_ = 0;
  std::string why_;
  bool assumed_ = false;
  EndpointChoice out_;
};

}  // namespace

EndpointChoice usable_endpoints(const Cluster& cluster, ServiceId id, std::uint16_t port, model::NodeId node,
                                ProxyKind proxy, std::optional<model::Protocol> protocol) {
  Chooser chooser(cluster, id, port, proxy, protocol);
  chooser.keep_local(node);
  return chooser.result();
}

}  // namespace waypath::sim
