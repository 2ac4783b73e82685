#include "model/cluster.h"

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "model/diagnostic_codes.h"
#include "model/protocol_selection.h"

namespace waypath::model {
namespace {

struct NsName {
  Symbol ns, name;
  friend bool operator==(const NsName&, const NsName&) = default;
};
struct NsNameHash {
  std::size_t operator()(const NsName& n) const noexcept { return std::hash<Symbol>()(n.ns) * 31 + std::hash<Symbol>()(n.name); }
};
struct LabelKey {
  Symbol ns, key, value;
  friend bool operator==(const LabelKey&, const LabelKey&) = default;
};
struct LabelKeyHash {
  std::size_t operator()(const LabelKey& k) const noexcept {
    const std::hash<Symbol> h;
    return (h(k.ns) * 31 + h(k.key)) * 31 + h(k.value);
  }
};
struct IpHash {
  std::size_t operator()(const IpAddress& ip) const noexcept {
    if (ip.is_v4()) return std::hash<std::uint32_t>()(ip.to_v4().to_uint());
    const auto bytes = ip.to_v6().to_bytes();
    return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
};

constexpr auto kNone = UINT32_MAX;

// Services without a ClusterIP in the manifests get an address of 255.x, which nothing else can have: rendered charts have none,
// and what matters is that the address is the Service's alone.
IpAddress symbolic_vip(std::uint32_t n) { return boost::asio::ip::address_v4(0xFF000001U + n); }

// ServiceEntry hosts without addresses, as istiod allocates them. Source: istio pilot/pkg/serviceregistry/serviceentry
// (240.240.0.0/16); which of them a host gets is not known, only that it is one of its own.
IpAddress auto_allocated_vip(std::uint32_t n) { return boost::asio::ip::address_v4(0xF0F00001U + n); }

}  // namespace

struct Cluster::Index {
  std::unordered_map<NsName, std::uint32_t, NsNameHash> pods, services;
  std::unordered_map<IpAddress, std::uint32_t, IpHash> pod_ips, node_ips;
  std::unordered_map<Symbol, std::vector<PodId>> pods_in;
  std::unordered_map<LabelKey, std::vector<PodId>, LabelKeyHash> by_label;
  std::unordered_map<Symbol, const Namespace*> namespaces;
  std::unordered_map<std::string, std::uint32_t> nodes;
  std::vector<const Node*> node_objects;
  std::vector<std::vector<IpAddress>> node_addresses;
  std::unordered_map<std::string, std::vector<ServiceId>> hosts;
  std::vector<std::pair<std::string, ServiceId>> wildcards;  // ".suffix" of "*.suffix", longest first
  std::unordered_map<IpAddress, std::vector<ServiceId>, IpHash> vips;
  std::vector<std::pair<Cidr, ServiceId>> cidrs;  // longest prefix first
  std::vector<std::vector<PodId>> service_pods;   // by ServiceId
  std::vector<std::vector<ServiceId>> pod_services;
  std::vector<std::vector<const EndpointSlice*>> service_slices;
  std::vector<std::vector<const WorkloadEntry*>> service_entries;  // WorkloadEntries that a ServiceEntry selects
};

const RegistryService::Port* RegistryService::find_port(std::uint16_t wanted) const {
  for (const auto& p : ports)
    if (p.port == wanted) return &p;
  return nullptr;
}

namespace {

class Builder {
 public:
  Builder(const Snapshot& snapshot, const Profile& profile, Cluster::Index& index, std::vector<const Pod*>& pods,
          std::vector<std::string>& node_names, std::vector<RegistryService>& services)
      : snapshot_(snapshot), profile_(profile), index_(index), pods_(pods), node_names_(node_names), services_(services) {}

  void run() {
    for (const auto& ns : snapshot_.all<Namespace>()) index_.namespaces.emplace(ns->meta.key.name, ns.get());
    add_pods();
    add_nodes();
    add_services();
    attach_endpoints();
  }

 private:
  void add_pods() {
    for (const auto& pod : snapshot_.all<Pod>())
      if (pod->phase != PodPhase::Succeeded && pod->phase != PodPhase::Failed) pods_.push_back(pod.get());
    std::sort(pods_.begin(), pods_.end(), [](const Pod* a, const Pod* b) {
      return std::pair(a->meta.key.ns.view(), a->meta.key.name.view()) < std::pair(b->meta.key.ns.view(), b->meta.key.name.view());
    });
    for (std::uint32_t i = 0; i < pods_.size(); ++i) {
      const auto& pod = *pods_[i];
      index_.pods.emplace(NsName{pod.meta.key.ns, pod.meta.key.name}, i);
      index_.pods_in[pod.meta.key.ns].push_back({i});
      for (const auto& label : pod.meta.labels.all()) index_.by_label[{pod.meta.key.ns, label.key, label.value}].push_back({i});
      if (pod.spec.host_network) continue;
      for (const auto& ip : pod.ips) index_.pod_ips.emplace(ip, i);
    }
  }

  void add_nodes() {
    std::map<std::string, const Node*> named;
    for (const auto& node : snapshot_.all<Node>()) named[node->meta.key.name.str()] = node.get();
    for (const auto* pod : pods_)
      if (!pod->spec.node_name.empty()) named.emplace(pod->spec.node_name.str(), nullptr);
    for (const auto& [name, node] : named) {
      index_.nodes.emplace(name, static_cast<std::uint32_t>(node_names_.size()));
      node_names_.push_back(name);
      index_.node_objects.push_back(node);
      std::vector<IpAddress> ips;
      if (node != nullptr) {
        ips = node->internal_ips;
        ips.insert(ips.end(), node->external_ips.begin(), node->external_ips.end());
      }
      index_.node_addresses.push_back(std::move(ips));
    }
    for (const auto* pod : pods_) {  // a node that is only named has the address its pods report
      if (!pod->host_ip || pod->spec.node_name.empty()) continue;
      auto& ips = index_.node_addresses[index_.nodes.at(pod->spec.node_name.str())];
      if (std::find(ips.begin(), ips.end(), *pod->host_ip) == ips.end()) ips.push_back(*pod->host_ip);
    }
    for (std::uint32_t i = 0; i < node_names_.size(); ++i)
      for (const auto& ip : index_.node_addresses[i]) index_.node_ips.emplace(ip, i);
  }

  RegistryService from_service(const Service& s, std::uint32_t& symbolic) const {
    RegistryService r;
    r.service = &s;
    r.ns = s.meta.key.ns;
    r.name = s.meta.key.name;
    r.host = s.meta.key.name.str() + "." + s.meta.key.ns.str() + ".svc." + snapshot_.mesh().cluster_domain;
    r.vips = s.cluster_ips;
    if (r.vips.empty() && !s.headless && s.type != ServiceType::ExternalName) {
      r.vips.push_back(symbolic_vip(symbolic++));
      r.symbolic_vip = true;
    }
    for (const auto& p : s.ports)
      r.ports.push_back({p.port, p.name, p.protocol, select_protocol(p.protocol, p.name.view(), p.app_protocol, p.port), p.pos});
    return r;
  }

  void from_entry(const ServiceEntry& e, std::uint32_t& allocated, std::vector<RegistryService>& out) const {
    for (const auto& host : e.hosts) {
      RegistryService r;
      r.entry = &e;
      r.ns = e.meta.key.ns;
      r.name = e.meta.key.name;
      r.host = host;
      for (const auto& a : e.addresses) {
        if (const auto ip = parse_ip(a)) {
          r.vips.push_back(*ip);
        } else if (const auto cidr = parse_cidr(a)) {
          r.cidr_vips.push_back(*cidr);
        }
      }
      const bool wildcard = host.substr(0, 1) == "*";
      const bool allocates = e.resolution != Resolution::None && (!wildcard || e.resolution == Resolution::DynamicDns);
      if (r.vips.empty() && r.cidr_vips.empty()) {
        if (!e.status_addresses.empty()) {
          r.vips = e.status_addresses;
        } else if (allocates && profile_.has(Feature::IpAutoAllocateDefault)) {
          r.vips.push_back(auto_allocated_vip(allocated++));
          r.symbolic_vip = true;
        }
      }
      for (const auto& p : e.ports) {
        const auto protocol = parse_protocol(p.protocol);
        r.ports.push_back({p.number, p.name, protocol == "udp" ? Protocol::Udp : Protocol::Tcp, protocol, e.meta.pos});
      }
      out.push_back(std::move(r));
    }
  }

  void add_services() {
    std::uint32_t symbolic = 0, allocated = 0;
    for (const auto& s : snapshot_.all<Service>()) services_.push_back(from_service(*s, symbolic));
    for (const auto& e : snapshot_.all<ServiceEntry>()) from_entry(*e, allocated, services_);
    std::stable_sort(services_.begin(), services_.end(), [](const RegistryService& a, const RegistryService& b) {
      const auto rank = [](const RegistryService& r) {
        // Objects without a timestamp come last: rendered manifests have none, live ones do.
        const auto& created = r.meta().creation_timestamp;
        return std::tuple<std::string_view, bool, bool, std::string_view, std::string_view, std::string_view>(
            r.host, r.service == nullptr, created.empty(), created, r.ns.view(), r.name.view());
      };
      return rank(a) < rank(b);
    });
    for (std::uint32_t i = 0; i < services_.size(); ++i) {
      const auto& r = services_[i];
      const ServiceId id{i};
      if (r.service != nullptr) index_.services.emplace(NsName{r.ns, r.name}, i);
      index_.hosts[r.host].push_back(id);
      if (r.host.substr(0, 2) == "*.") index_.wildcards.emplace_back(r.host.substr(1), id);
      for (const auto& ip : r.vips) index_.vips[ip].push_back(id);
      for (const auto& cidr : r.cidr_vips) index_.cidrs.emplace_back(cidr, id);
    }
    std::stable_sort(index_.wildcards.begin(), index_.wildcards.end(), [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
    std::stable_sort(index_.cidrs.begin(), index_.cidrs.end(), [](const auto& a, const auto& b) { return a.first.prefix > b.first.prefix; });
  }

  // Pods of a namespace that carry all labels: by the rarest of them.
  [[nodiscard]] std::vector<PodId> with_labels(Symbol ns, const std::vector<std::pair<Symbol, Symbol>>& labels) const {
    const std::vector<PodId>* rarest = nullptr;
    for (const auto& [key, value] : labels) {
      const auto it = index_.by_label.find({ns, key, value});
      if (it == index_.by_label.end()) return {};
      if (rarest == nullptr || it->second.size() < rarest->size()) rarest = &it->second;
    }
    std::vector<PodId> out;
    if (rarest == nullptr) return out;
    for (const PodId id : *rarest) {
      const auto& own = pods_[id.index]->meta.labels;
      const bool all = std::all_of(labels.begin(), labels.end(), [&](const auto& l) {
        const auto* label = own.find(l.first);
        return label != nullptr && label->value == l.second;
      });
      if (all) out.push_back(id);
    }
    return out;
  }

  void attach_endpoints() {
    index_.service_pods.resize(services_.size());
    index_.service_slices.resize(services_.size());
    index_.service_entries.resize(services_.size());
    index_.pod_services.resize(pods_.size());
    for (const auto& slice : snapshot_.all<EndpointSlice>()) {
      const auto it = index_.services.find({slice->meta.key.ns, slice->service});
      if (it != index_.services.end()) index_.service_slices[it->second].push_back(slice.get());
    }
    for (std::uint32_t i = 0; i < services_.size(); ++i) {
      const auto& r = services_[i];
      auto& pods = index_.service_pods[i];
      if (r.service != nullptr) {
        if (!r.service->selector.empty() && !r.external_name()) {
          pods = with_labels(r.ns, r.service->selector);
        } else {
          for (const auto* slice : index_.service_slices[i]) pods_of_slice(*slice, pods);
        }
      } else if (r.entry->workload_selector && r.entry->endpoints.empty()) {
        const auto& selector = *r.entry->workload_selector;
        std::vector<std::pair<Symbol, Symbol>> labels;
        for (const auto& requirement : selector.requirements) labels.emplace_back(requirement.key, requirement.values.front());
        pods = with_labels(r.ns, labels);
        for (const auto& entry : snapshot_.all<WorkloadEntry>())
          if (entry->meta.key.ns == r.ns && !selector.empty() && selector.matches(entry->spec.labels)) index_.service_entries[i].push_back(entry.get());
      }
      for (const PodId pod : pods) index_.pod_services[pod.index].push_back({i});
    }
  }

  void pods_of_slice(const EndpointSlice& slice, std::vector<PodId>& pods) const {
    for (const auto& endpoint : slice.endpoints) {
      std::uint32_t found = kNone;
      if (!endpoint.target_pod.empty()) {
        const auto it = index_.pods.find({slice.meta.key.ns, endpoint.target_pod});
        if (it != index_.pods.end()) found = it->second;
      }
      for (const auto& ip : endpoint.addresses) {
        const auto it = index_.pod_ips.find(ip);
        if (found == kNone && it != index_.pod_ips.end()) found = it->second;
      }
      if (found != kNone && std::find(pods.begin(), pods.end(), PodId{found}) == pods.end()) pods.push_back({found});
    }
  }

  const Snapshot& snapshot_;
  const Profile& profile_;
  Cluster::Index& index_;
  std::vector<const Pod*>& pods_;
  std::vector<std::string>& node_names_;
  std::vector<RegistryService>& services_;
};

}  // namespace

std::shared_ptr<const Cluster> Cluster::build(Snapshot snapshot, const ClusterOptions& options, Diagnostics&) {
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
  Builder(cluster->snapshot_, cluster->profile_, *index, cluster->pods_, cluster->node_names_, cluster->services_).run();
  cluster->index_ = std::move(index);
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

std::vector<PodId> Cluster::pods_of(std::string_view kind, std::string_view ns, std::string_view name) const {
  std::vector<PodId> out;
  for (const PodId id : pods_in(intern(ns))) {
    const auto& p = pod(id);
    const bool counts = p.workload_kind == kind && p.workload_name == name;
    const bool owned = std::any_of(p.meta.owners.begin(), p.meta.owners.end(),
                                   [&](const auto& o) { return o.kind == kind && o.name == name; });
    if (counts || owned) out.push_back(id);
  }
  return out;
}

std::vector<PodId> Cluster::select(Symbol ns, const LabelSelector& selector) const {
  std::vector<PodId> out;
  for (const PodId id : pods_in(ns))
    if (selector.matches(pod(id).meta.labels)) out.push_back(id);
  return out;
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
    if (!cidr.contains(ip) || (!out.empty() && cidr.prefix < longest)) continue;
    longest = cidr.prefix;
    out.push_back(id);
  }
  return out;
}

std::vector<ServiceId> Cluster::services_of_pod(PodId id) const { return index_->pod_services[id.index]; }

std::string Cluster::host_of(Symbol ns, Symbol name) const { return name.str() + "." + ns.str() + ".svc." + mesh().cluster_domain; }

std::optional<std::pair<Protocol, std::uint16_t>> Cluster::named_port(const Pod& pod, Symbol name, std::optional<Protocol> protocol) {
  for (const bool sidecars : {false, true}) {
    for (const auto& container : pod.spec.containers) {
      if (container.native_sidecar != sidecars) continue;
      for (const auto& port : container.ports)
        if (port.name == name && !name.empty() && (!protocol || port.protocol == *protocol)) return std::pair(port.protocol, port.port);
    }
  }
  return std::nullopt;
}

namespace {

void entry_endpoint(const RegistryService& service, const WorkloadEntrySpec& spec, std::uint16_t service_port, Symbol ns, std::vector<Endpoint>& out) {
  Endpoint e;
  if (const auto ip = parse_ip(spec.address)) {
    e.address = *ip;
  } else {
    e.hostname = spec.address.empty() ? service.host : spec.address;
  }
  e.port = service_port;
  for (const auto& port : service.entry->ports) {
    if (port.number != service_port) continue;
    if (port.target_port != 0) e.port = port.target_port;
    for (const auto& [name, number] : spec.ports)
      if (name == port.name) e.port = number;
  }
  e.service_account = spec.service_account;
  e.ns = ns;
  e.labels = spec.labels;
  e.pos = spec.pos;
  out.push_back(std::move(e));
}

}  // namespace

std::vector<Endpoint> Cluster::endpoints(ServiceId id, std::uint16_t service_port) const {
  std::vector<Endpoint> out;
  const auto& r = service(id);
  const auto add_pod = [&](PodId pod_id, std::uint16_t port) {
    Endpoint e;
    e.pod = pod_id;
    const auto& p = pod(pod_id);
    if (!p.ips.empty()) e.address = p.ips.front();
    e.port = port;
    e.ready = pod_ready(pod_id);
    if (const auto node = node_of(pod_id)) e.node = *node;
    e.service_account = p.spec.service_account;
    e.ns = p.meta.key.ns;
    e.pos = p.meta.pos;
    out.push_back(std::move(e));
  };
  if (r.service != nullptr) {
    const ServicePort* port = nullptr;
    for (const auto& p : r.service->ports)
      if (p.port == service_port) port = &p;
    if (port == nullptr || r.external_name()) return out;
    if (!r.service->selector.empty()) {
      for (const PodId pod_id : index_->service_pods[id.index]) {
        if (const auto* number = std::get_if<std::uint16_t>(&port->target_port)) {
          // A headless Service translates nothing: clients dial the pod's own port.
          add_pod(pod_id, *number);
        } else if (const auto named = named_port(pod(pod_id), std::get<Symbol>(port->target_port), port->protocol)) {
          add_pod(pod_id, named->second);
        }
      }
      return out;
    }
    for (const auto* slice : index_->service_slices[id.index]) {
      if (slice->fqdn) continue;
      std::uint16_t target = 0;
      for (const auto& p : slice->ports)  // slice ports join Service ports by name
        if (p.name == port->name || (slice->ports.size() == 1 && r.service->ports.size() == 1)) target = p.port;
      if (target == 0) continue;
      for (const auto& endpoint : slice->endpoints) {
        PodId known;
        if (!endpoint.target_pod.empty()) known = find_pod(slice->meta.key.ns.view(), endpoint.target_pod.view());
        for (const auto& ip : endpoint.addresses) {
          if (!known.valid()) known = pod_by_ip(ip);
        }
        if (known.valid()) {
          add_pod(known, target);
          out.back().ready = endpoint.ready && !endpoint.terminating;
          continue;
        }
        for (const auto& ip : endpoint.addresses) {
          Endpoint e;
          e.address = ip;
          e.port = target;
          e.ready = endpoint.ready && !endpoint.terminating;
          if (!endpoint.node_name.empty()) e.node = find_node(endpoint.node_name.view());
          e.pos = endpoint.pos;
          out.push_back(std::move(e));
        }
      }
    }
    return out;
  }
  if (r.find_port(service_port) == nullptr) return out;
  for (const PodId pod_id : index_->service_pods[id.index]) {
    std::uint16_t target = service_port;
    for (const auto& p : r.entry->ports) {
      if (p.number != service_port) continue;
      if (p.target_port != 0) target = p.target_port;
      // Pods that a ServiceEntry selects are matched by port name first.
      // Source: istio pilot/pkg/serviceregistry/kube/controller/ambient/workloads.go constructServices
      if (profile_.has(Feature::ServiceEntryPortNameMatched))
        if (const auto named = named_port(pod(pod_id), p.name, std::nullopt)) target = named->second;
    }
    add_pod(pod_id, target);
  }
  for (const auto* entry : index_->service_entries[id.index]) entry_endpoint(r, entry->spec, service_port, entry->meta.key.ns, out);
  for (const auto& spec : r.entry->endpoints) entry_endpoint(r, spec, service_port, r.ns, out);
  const bool dns = r.entry->resolution == Resolution::Dns || r.entry->resolution == Resolution::DnsRoundRobin;
  if (dns && r.entry->endpoints.empty() && !r.entry->workload_selector) entry_endpoint(r, WorkloadEntrySpec{}, service_port, r.ns, out);
  return out;
}

}  // namespace waypath::model
