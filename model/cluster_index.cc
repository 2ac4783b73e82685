#include "model/cluster_index.h"

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>

#include "model/protocol_selection.h"

namespace waypath::model {
namespace {

constexpr auto kNone = UINT32_MAX;

// Services without a ClusterIP in the manifests get an address of 255.x, which nothing else can have:
// rendered charts have none, and what matters is that the address is the Service's alone.
IpAddress symbolic_vip(std::uint32_t n) { return boost::asio::ip::address_v4(0xFF000001U + n); }

// ServiceEntry hosts without addresses, as istiod allocates them; which of the range a host gets is not
// known, only that it is one of its own. Source: istio pilot/pkg/controllers/ipallocate (240.240.0.0/16)
IpAddress auto_allocated_vip(std::uint32_t n) { return boost::asio::ip::address_v4(0xF0F00001U + n); }

class Builder {
 public:
  Builder(const Snapshot& snapshot, const Profile& profile, Cluster::Index& index,
          std::vector<const Pod*>& pods, std::vector<std::string>& node_names,
          std::vector<RegistryService>& services)
      : snapshot_(snapshot),
        profile_(profile),
        index_(index),
        pods_(pods),
        node_names_(node_names),
        services_(services) {}

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
      return std::pair(a->meta.key.ns.view(), a->meta.key.name.view()) <
             std::pair(b->meta.key.ns.view(), b->meta.key.name.view());
    });
    for (std::uint32_t i = 0; i < pods_.size(); ++i) {
      const auto& pod = *pods_[i];
      index_.pods.emplace(NsName{pod.meta.key.ns, pod.meta.key.name}, i);
      index_.pods_in[pod.meta.key.ns].push_back({i});
      for (const auto& label : pod.meta.labels.all())
        index_.by_label[{pod.meta.key.ns, label.key, label.value}].push_back({i});
      index_.by_owner[{pod.meta.key.ns, Symbol(), pod.workload_name}].push_back({i});
      index_.by_owner[{pod.meta.key.ns, pod.workload_kind, pod.workload_name}].push_back({i});
      for (const auto& owner : pod.meta.owners) {
        auto& owned = index_.by_owner[{pod.meta.key.ns, owner.kind, owner.name}];
        if (owned.empty() || owned.back() != PodId{i}) owned.push_back({i});
      }
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
      r.ports.push_back({p.port, p.name, p.protocol,
                         select_protocol(p.protocol, p.name.view(), p.app_protocol, p.port), p.pos});
    return r;
  }

  // Source: istio pilot/pkg/serviceregistry/serviceentry/util.go ShouldV2AutoAllocateIP
  [[nodiscard]] bool allocates_ip(const ServiceEntry& e, const std::string& host) const {
    const FeatureFlags& flags = snapshot_.flags();
    const bool enabled_here = flags.boolean(flags.istiod, "PILOT_ENABLE_IP_AUTOALLOCATE")
                                  .value_or(profile_.has(Feature::IpAutoAllocateDefault));
    if (!enabled_here || e.resolution == Resolution::None) return false;
    std::string enabled(e.meta.labels.get("networking.istio.io/enable-autoallocate-ip").value_or(""));
    std::transform(enabled.begin(), enabled.end(), enabled.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (enabled == "false") return false;
    return host.substr(0, 1) != "*" || e.resolution == Resolution::DynamicDns;
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
      if (r.vips.empty() && r.cidr_vips.empty()) {
        for (const auto& [of_host, ip] : e.status_addresses)
          if (of_host.empty() || of_host == host) r.vips.push_back(ip);
        if (r.vips.empty() && allocates_ip(e, host)) {
          r.vips.push_back(auto_allocated_vip(allocated++));
          r.symbolic_vip = true;
        }
      }
      for (const auto& p : e.ports) {
        const auto protocol = parse_protocol(p.protocol);
        r.ports.push_back(
            {p.number, p.name, protocol == "udp" ? Protocol::Udp : Protocol::Tcp, protocol, e.meta.pos});
      }
      out.push_back(std::move(r));
    }
  }

  void add_services() {
    std::uint32_t symbolic = 0, allocated = 0;
    for (const auto& s : snapshot_.all<Service>()) services_.push_back(from_service(*s, symbolic));
    for (const auto& e : snapshot_.all<ServiceEntry>()) from_entry(*e, allocated, services_);
    std::stable_sort(services_.begin(), services_.end(),
                     [](const RegistryService& a, const RegistryService& b) {
                       const auto rank = [](const RegistryService& r) {
                         // Objects without a timestamp come last: rendered manifests have none, live ones do.
                         const auto& created = r.meta().creation_timestamp;
                         return std::tuple<std::string_view, bool, bool, std::string_view, std::string_view,
                                           std::string_view>(r.host, r.service == nullptr, created.empty(),
                                                             created, r.ns.view(), r.name.view());
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
    std::stable_sort(index_.wildcards.begin(), index_.wildcards.end(),
                     [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
    std::stable_sort(index_.cidrs.begin(), index_.cidrs.end(),
                     [](const auto& a, const auto& b) { return a.first.prefix > b.first.prefix; });
  }

  // Pods of a namespace that carry all labels: by the rarest of them.
  [[nodiscard]] std::vector<PodId> with_labels(Symbol ns,
                                               const std::vector<std::pair<Symbol, Symbol>>& labels) const {
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
    for (const auto& w : snapshot_.all<Workload>()) workloads_in_[w->meta.key.ns].push_back(w.get());
    for (std::uint32_t i = 0; i < services_.size(); ++i) {
      const auto& r = services_[i];
      auto& pods = index_.service_pods[i];
      if (r.service != nullptr) {
        if (!r.service->selector.empty() && !r.external_name()) pods = with_labels(r.ns, r.service->selector);
        // Slices tell the endpoints of a Service whose pods are not in the input; else they only repeat what
        // pods tell, and an overlay would leave them stale.
        if (r.external_name() || !pods.empty() || selects_workload(*r.service)) {
          index_.service_slices[i].clear();
        } else {
          for (const auto* slice : index_.service_slices[i]) pods_of_slice(*slice, pods);
        }
      } else if (r.entry->workload_selector && r.entry->endpoints.empty()) {
        const auto& selector = *r.entry->workload_selector;
        std::vector<std::pair<Symbol, Symbol>> labels;
        for (const auto& requirement : selector.requirements)
          labels.emplace_back(requirement.key, requirement.values.front());
        pods = with_labels(r.ns, labels);
        for (const auto& entry : snapshot_.all<WorkloadEntry>())
          if (profile_.has(Feature::ServiceEntrySelectsWorkloadEntries) && entry->meta.key.ns == r.ns &&
              !selector.empty() && selector.matches(entry->spec.labels))
            index_.service_entries[i].push_back(entry.get());
      }
      for (const PodId pod : pods) index_.pod_services[pod.index].push_back({i});
    }
  }

  // Whether a workload that is given, possibly without replicas, makes pods that the Service selects.
  [[nodiscard]] bool selects_workload(const Service& s) const {
    if (s.selector.empty()) return false;
    const auto it = workloads_in_.find(s.meta.key.ns);
    if (it == workloads_in_.end()) return false;
    return std::any_of(it->second.begin(), it->second.end(), [&](const Workload* w) {
      return std::all_of(s.selector.begin(), s.selector.end(), [&](const auto& l) {
        const auto* label = w->template_labels.find(l.first);
        return label != nullptr && label->value == l.second;
      });
    });
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
      if (found != kNone && std::find(pods.begin(), pods.end(), PodId{found}) == pods.end())
        pods.push_back({found});
    }
  }

  std::unordered_map<Symbol, std::vector<const Workload*>> workloads_in_;
  const Snapshot& snapshot_;
  const Profile& profile_;
  Cluster::Index& index_;
  std::vector<const Pod*>& pods_;
  std::vector<std::string>& node_names_;
  std::vector<RegistryService>& services_;
};

}  // namespace

void build_index(const Snapshot& snapshot, const Profile& profile, Cluster::Index& index,
                 std::vector<const Pod*>& pods, std::vector<std::string>& node_names,
                 std::vector<RegistryService>& services) {
  Builder(snapshot, profile, index, pods, node_names, services).run();
}

}  // namespace waypath::model
