#include "model/cluster.h"

#include <algorithm>

#include "model/cluster_index.h"
#include "model/derive.h"

namespace waypath::model {

const RegistryService::Port* RegistryService::find_port(std::uint16_t wanted) const {
  for (const auto& p : ports)
    if (p.port == wanted) return &p;
  return nullptr;
}

std::shared_ptr<const Cluster> Cluster::build(Snapshot snapshot, const ClusterOptions& options,
                                              Diagnostics& diagnostics) {
  std::optional<IstioVersion> version = options.version;
  auto origin = VersionOrigin::Given;
  if (!version) {
    version = parse_istio_version(snapshot.detected_version());
    origin = VersionOrigin::Detected;
  }
  if (!version) {
    version = newest_known_version();
    origin = VersionOrigin::Assumed;
  }
  const std::shared_ptr<Cluster> cluster(new Cluster(std::move(snapshot), Profile(*version)));
  cluster->version_origin_ = origin;
  cluster->pod_cidrs_ = options.pod_cidrs;
  auto index = std::make_shared<Index>();
  build_index(cluster->snapshot_, cluster->profile_, *index, cluster->pods_, cluster->node_names_,
              cluster->services_);
  cluster->index_ = std::move(index);
  check_generated_labels(cluster->snapshot_, diagnostics);
  return cluster;
}

const Namespace* Cluster::find_namespace(Symbol name) const {
  const auto it = index_->namespaces.find(name);
  return it == index_->namespaces.end() ? nullptr : it->second;
}

PodId Cluster::find_pod(std::string_view ns, std::string_view name) const {
  const auto it = index_->pods.find({intern(ns), intern(name)});
  return it == index_->pods.end() ? PodId{} : PodId{it->second};
}

PodId Cluster::pod_by_ip(const IpAddress& ip) const {
  const auto it = index_->pod_ips.find(ip);
  return it == index_->pod_ips.end() ? PodId{} : PodId{it->second};
}

std::span<const PodId> Cluster::pods_in(Symbol ns) const {
  const auto it = index_->pods_in.find(ns);
  return it == index_->pods_in.end() ? std::span<const PodId>{} : it->second;
}

std::span<const PodId> Cluster::pods_of(std::string_view kind, std::string_view ns,
                                        std::string_view name) const {
  const auto it = index_->by_owner.find({intern(ns), intern(kind), intern(name)});
  return it == index_->by_owner.end() ? std::span<const PodId>{} : it->second;
}

std::span<const PodId> Cluster::pods_with(Symbol ns, Symbol label, Symbol value) const {
  const auto it = index_->by_label.find({ns, label, value});
  return it == index_->by_label.end() ? std::span<const PodId>{} : it->second;
}

std::vector<PodId> Cluster::select(Symbol ns, const LabelSelector& selector) const {
  const auto all = pods_in(ns);
  // The pods that the narrowest `in` term allows; every pod of the namespace when there is no such term.
  std::vector<PodId> candidates;
  const SelectorRequirement* narrowest = nullptr;
  std::size_t fewest = all.size();
  for (const auto& requirement : selector.requirements) {
    if (requirement.op != SelectorOperator::In) continue;
    std::size_t count = 0;
    for (const auto value : requirement.values) count += pods_with(ns, requirement.key, value).size();
    if (narrowest != nullptr && count >= fewest) continue;
    narrowest = &requirement;
    fewest = count;
  }
  if (narrowest == nullptr) {
    candidates.assign(all.begin(), all.end());
  } else {
    for (const auto value : narrowest->values) {
      const auto with = pods_with(ns, narrowest->key, value);
      candidates.insert(candidates.end(), with.begin(), with.end());
    }
    std::sort(candidates.begin(), candidates.end());
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  }
  std::erase_if(candidates, [&](PodId id) { return !selector.matches(pod(id).meta.labels); });
  return candidates;
}

bool Cluster::pod_ready(PodId id) const {
  const auto& p = pod(id);
  if (p.meta.deleting) return false;
  if (!p.has_status) return true;
  return p.ready.value_or(p.phase == PodPhase::Running || p.phase == PodPhase::Unknown);
}

std::optional<NodeId> Cluster::node_of(PodId id) const {
  const auto& p = pod(id);
  if (p.spec.node_name.empty()) return std::nullopt;
  return find_node(p.spec.node_name.view());
}

const Labels& Cluster::namespace_labels(Symbol ns) const {
  static const Labels none;
  const auto* found = find_namespace(ns);
  return found == nullptr ? none : found->meta.labels;
}

NodeId Cluster::find_node(std::string_view name) const {
  const auto it = index_->nodes.find(std::string(name));
  return it == index_->nodes.end() ? NodeId{} : NodeId{it->second};
}

const Node* Cluster::node_object(NodeId id) const { return index_->node_objects[id.index]; }
std::vector<IpAddress> Cluster::node_ips(NodeId id) const { return index_->node_addresses[id.index]; }

NodeId Cluster::node_by_ip(const IpAddress& ip) const {
  const auto it = index_->node_ips.find(ip);
  return it == index_->node_ips.end() ? NodeId{} : NodeId{it->second};
}

ServiceId Cluster::find_service(std::string_view ns, std::string_view name) const {
  const auto it = index_->services.find({intern(ns), intern(name)});
  return it == index_->services.end() ? ServiceId{} : ServiceId{it->second};
}

std::vector<ServiceId> Cluster::services_by_host(std::string_view host) const {
  const auto it = index_->hosts.find(std::string(host));
  if (it != index_->hosts.end()) return it->second;
  std::vector<ServiceId> out;
  std::size_t longest = 0;
  for (const auto& [suffix, id] : index_->wildcards) {
    if (suffix.size() < longest) break;
    if (host.size() > suffix.size() && host.substr(host.size() - suffix.size()) == suffix) {
      longest = suffix.size();
      out.push_back(id);
    }
  }
  return out;
}

std::vector<ServiceId> Cluster::services_by_vip(const IpAddress& ip) const {
  const auto it = index_->vips.find(ip);
  if (it != index_->vips.end()) return it->second;
  std::vector<ServiceId> out;
  unsigned longest = 0;
  for (const auto& [cidr, id] : index_->cidrs) {
    if (!out.empty() && cidr.prefix < longest) break;
    if (!cidr.contains(ip)) continue;
    longest = cidr.prefix;
    out.push_back(id);
  }
  return out;
}

std::vector<ServiceId> Cluster::services_of_pod(PodId id) const { return index_->pod_services[id.index]; }

std::string Cluster::host_of(Symbol ns, Symbol name) const {
  return name.str() + "." + ns.str() + ".svc." + mesh().cluster_domain;
}

}  // namespace waypath::model
