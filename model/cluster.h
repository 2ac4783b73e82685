#pragma once
// Stage 4: a snapshot with every reference resolved. Dense ids, built once, const afterwards; the handle that
// all of sim reads.

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/base/ip.h"
#include "model/istio/profile.h"
#include "model/snapshot.h"

namespace waypath::model {

/// A dense index into one of Cluster's vectors; valid for one cluster only. Compare across clusters by
/// ResourceKey.
template <class Tag>
struct Id {
  std::uint32_t index = UINT32_MAX;
  [[nodiscard]] bool valid() const { return index != UINT32_MAX; }
  friend auto operator<=>(Id, Id) = default;
};
using NamespaceId = Id<struct NamespaceTag>;
using PodId = Id<struct PodTag>;
using ServiceId = Id<struct ServiceTag>;
using NodeId = Id<struct NodeTag>;

/// One endpoint of a service port: a pod, or an address without a pod (EndpointSlice, ServiceEntry,
/// WorkloadEntry).
struct Endpoint {
  PodId pod;                         // invalid for addresses
  std::optional<IpAddress> address;  // pod's first address of the service's family, or the given one
  std::string hostname;              // DNS endpoint of a ServiceEntry
  std::uint16_t port = 0;            // target port on the endpoint
  bool ready = true;
  NodeId node;
  Symbol service_account, ns;  // WorkloadEntry endpoints; pods have their own
  Labels labels;               // WorkloadEntry endpoints; pods have their own
  SourcePos pos;
};

/// A destination in the service registry: a Kubernetes Service, or one host of a ServiceEntry.
struct RegistryService {
  const Service* service = nullptr;  // one of the two is set
  const ServiceEntry* entry = nullptr;
  std::string host;  // "name.ns.svc.cluster.local" or the ServiceEntry's host
  Symbol ns, name;
  std::vector<IpAddress> vips;  // ClusterIPs or addresses; symbolic ones when not given
  std::vector<Cidr> cidr_vips;
  bool symbolic_vip = false;  // allocated by us: rendered manifests have none
  struct Port {
    std::uint16_t port = 0;
    Symbol name;
    Protocol protocol = Protocol::Tcp;
    std::string app_protocol;  // as Istio reads it: "http", "http2", "grpc", "https", "tls", "tcp", "udp",
                               // "mongo", ..., "" = sniff
    SourcePos pos;
  };
  std::vector<Port> ports;
  [[nodiscard]] const ObjectMeta& meta() const { return service != nullptr ? service->meta : entry->meta; }
  [[nodiscard]] bool headless() const { return service != nullptr && service->headless; }
  [[nodiscard]] bool external_name() const {
    return service != nullptr && service->type == ServiceType::ExternalName;
  }
  [[nodiscard]] const Port* find_port(std::uint16_t port) const;
};

/// A Gateway API gateway or classic Istio gateway workload is just pods; these are looked up by label in sim.
struct ClusterOptions {
  std::optional<IstioVersion>
      version;                  // --istio-version / cluster.istioVersion; else detected, else newest known
  std::vector<Cidr> pod_cidrs;  // when known: ipBlock against pods without IP becomes decidable
};

class Cluster {
 public:
  [[nodiscard]] static std::shared_ptr<const Cluster> build(Snapshot snapshot, const ClusterOptions& options,
                                                            Diagnostics& diagnostics);

  [[nodiscard]] const Snapshot& snapshot() const { return snapshot_; }
  [[nodiscard]] const SourceFiles& files() const { return snapshot_.files(); }
  [[nodiscard]] const MeshConfig& mesh() const { return snapshot_.mesh(); }
  [[nodiscard]] const FeatureFlags& flags() const { return snapshot_.flags(); }
  [[nodiscard]] const Profile& profile() const { return profile_; }
  enum class VersionOrigin : std::uint8_t { Given, Detected, Assumed };
  [[nodiscard]] VersionOrigin version_origin() const { return version_origin_; }

  // Namespaces: every namespace that an object names, written or not; sorted by name.
  [[nodiscard]] std::span<const std::shared_ptr<const Namespace>> namespaces() const {
    return snapshot_.all<Namespace>();
  }
  [[nodiscard]] const Namespace* find_namespace(Symbol name) const;

  // Pods: live pods and pods derived from workloads, without Succeeded/Failed ones. PodId = position; sorted
  // by (ns, name).
  [[nodiscard]] std::span<const Pod* const> pods() const { return pods_; }
  [[nodiscard]] const Pod& pod(PodId id) const { return *pods_[id.index]; }
  [[nodiscard]] PodId find_pod(std::string_view ns, std::string_view name) const;
  [[nodiscard]] PodId pod_by_ip(const IpAddress& ip) const;  // not hostNetwork pods
  [[nodiscard]] std::span<const PodId> pods_in(Symbol ns) const;
  /// Of a workload, or of any owner of this kind and name; kind empty: of workloads of any kind.
  [[nodiscard]] std::span<const PodId> pods_of(std::string_view kind, std::string_view ns,
                                               std::string_view name) const;
  [[nodiscard]] std::span<const PodId> pods_with(Symbol ns, Symbol label, Symbol value) const;
  [[nodiscard]] std::vector<PodId> select(Symbol ns, const LabelSelector& selector) const;
  [[nodiscard]] bool pod_ready(PodId id) const;  // Ready, not deleting; pods without status count as ready
  [[nodiscard]] std::optional<NodeId> node_of(PodId id) const;
  [[nodiscard]] const Labels& namespace_labels(Symbol ns) const;

  // Nodes: given ones and those that pods name.
  [[nodiscard]] std::span<const std::string> node_names() const { return node_names_; }
  [[nodiscard]] NodeId find_node(std::string_view name) const;
  [[nodiscard]] const Node* node_object(NodeId id) const;  // null when only named
  [[nodiscard]] std::vector<IpAddress> node_ips(NodeId id) const;
  [[nodiscard]] NodeId node_by_ip(const IpAddress& ip) const;

  // Services and ServiceEntry hosts. Sorted by host, then Kubernetes Service first, then age.
  [[nodiscard]] std::span<const RegistryService> services() const { return services_; }
  [[nodiscard]] const RegistryService& service(ServiceId id) const { return services_[id.index]; }
  [[nodiscard]] ServiceId find_service(std::string_view ns,
                                       std::string_view name) const;  // Kubernetes Service
  /// All registry services of a host (exact, or the wildcard ServiceEntry hosts that cover it when there is
  /// no exact one).
  [[nodiscard]] std::vector<ServiceId> services_by_host(std::string_view host) const;
  [[nodiscard]] std::vector<ServiceId> services_by_vip(
      const IpAddress& ip) const;  // ClusterIPs and ServiceEntry addresses; longest CIDR
  [[nodiscard]] std::vector<ServiceId> services_of_pod(
      PodId id) const;  // by selector, or by slices when nothing given is selected
  /// Endpoints of one port, ready and not; order: pods by (ns, name), then addresses. Named target ports
  /// resolve on each pod; a pod lacking the name is left out. Source: kubernetes endpointslice/utils.go
  /// FindPort; routing.md 1.2. A number that several protocols share: that of `protocol`, else TCP's.
  [[nodiscard]] std::vector<Endpoint> endpoints(ServiceId id, std::uint16_t service_port,
                                                std::optional<Protocol> protocol = std::nullopt) const;
  [[nodiscard]] std::string host_of(Symbol ns, Symbol name) const;  // name.ns.svc.<cluster domain>

  /// Number of the container port `name` with `protocol` on a pod (any protocol when nullopt); containers in
  /// order, then native sidecars.
  [[nodiscard]] static std::optional<std::pair<Protocol, std::uint16_t>> named_port(
      const Pod& pod, Symbol name, std::optional<Protocol> protocol);

  /// Ranges that pod addresses come from, when known.
  [[nodiscard]] std::span<const Cidr> pod_cidrs() const { return pod_cidrs_; }

  struct Index;  // cluster_index.h
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

 private:
  Cluster(Snapshot snapshot, Profile profile) : snapshot_(std::move(snapshot)), profile_(profile) {}
  Snapshot snapshot_;
  Profile profile_;
  VersionOrigin version_origin_ = VersionOrigin::Assumed;
  std::vector<Cidr> pod_cidrs_;
  std::vector<const Pod*> pods_;
  std::vector<std::string> node_names_;
  std::vector<RegistryService> services_;
  std::shared_ptr<const Index> index_;
};

}  // namespace waypath::model
