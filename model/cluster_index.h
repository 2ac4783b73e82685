#pragma once
// What Cluster looks things up with. Hash maps are for lookup only; whatever is iterated is a sorted vector.

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/cluster.h"

namespace waypath::model {

struct NsName {
  Symbol ns, name;
  friend bool operator==(const NsName&, const NsName&) = default;
};
struct NsNameHash {
  std::size_t operator()(const NsName& n) const noexcept {
    return std::hash<Symbol>()(n.ns) * 31 + std::hash<Symbol>()(n.name);
  }
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

struct Cluster::Index {
  std::unordered_map<NsName, std::uint32_t, NsNameHash> pods, services;
  std::unordered_map<IpAddress, std::uint32_t, IpHash> pod_ips, node_ips;
  std::unordered_map<Symbol, std::vector<PodId>> pods_in;
  std::unordered_map<LabelKey, std::vector<PodId>, LabelKeyHash> by_label;
  std::unordered_map<LabelKey, std::vector<PodId>, LabelKeyHash> by_owner;  // kind and name in label's stead
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
  std::vector<std::vector<const EndpointSlice*>>
      service_slices;  // only of Services whose endpoints come from slices
  std::vector<std::vector<const WorkloadEntry*>>
      service_entries;  // WorkloadEntries that a ServiceEntry selects
};

/// Fills `index` and the vectors that ids point into.
void build_index(const Snapshot& snapshot, const Profile& profile, Cluster::Index& index,
                 std::vector<const Pod*>& pods, std::vector<std::string>& node_names,
                 std::vector<RegistryService>& services);

}  // namespace waypath::model
