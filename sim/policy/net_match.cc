#include "sim/policy/net_match.h"

#include <algorithm>
#include <array>

namespace waypath::sim {
namespace {

using model::LabelSelector;
using model::Protocol;

std::string requirement_text(const model::SelectorRequirement& r) {
  LabelSelector one;
  one.requirements.push_back(r);
  return one.str();
}

std::string label_miss(std::string_view whose, const model::SelectorRequirement& r,
                       const model::Labels& labels) {
  const auto found = labels.get(r.key.view());
  std::string out(whose);
  out.append(" label: wants ").append(requirement_text(r)).append(", ");
  return found ? out.append("has ").append(r.key.view()).append("=").append(*found)
               : out.append("has no ").append(r.key.view());
}

std::string domains_text(const model::ClusterPolicyPeer& rule) {
  std::string out;
  for (const auto& name : rule.domain_names) out.append(out.empty() ? "" : " or ").append(name);
  return out;
}

bool has_named_port(const model::Pod& pod, model::Symbol name, Protocol protocol, std::uint16_t number) {
  bool found = false;
  each_named_port(pod, name, protocol, [&](std::uint16_t port) { found = found || port == number; });
  return found;
}

/// Blocks that hold no pod's address, whatever the CNI hands out: 169.254.7.127, which probes of captured
/// pods come from, is one. Source: kubernetes pkg/apis/core/validation ValidateEndpointIP refuses such
/// endpoints.
bool never_of_pods(const model::Cidr& cidr) {
  static const std::array blocks = {*model::parse_cidr("127.0.0.0/8"), *model::parse_cidr("169.254.0.0/16"),
                                    *model::parse_cidr("::1/128"), *model::parse_cidr("fe80::/10")};
  return std::any_of(blocks.begin(), blocks.end(), [&](const auto& b) { return b.contains(cidr); });
}

}  // namespace

FitResult NetMatch::selector_pod(model::PodId pod, const LabelSelector* namespaces, const LabelSelector* pods,
                                 model::Symbol own_ns) const {
  if (!pod.valid()) return {Fit::No, explain ? "selectors match pods only" : ""};
  const auto& p = cluster.pod(pod);
  // Source: kubernetes-sigs/kube-network-policies pkg/podinfo/podinfo.go: hostNetwork pods are not looked up
  // as pods.
  if (p.spec.host_network) return {Fit::No, explain ? "selectors do not match hostNetwork pods" : ""};
  if (namespaces == nullptr) {
    if (p.meta.key.ns != own_ns)
      return {Fit::No,
              explain ? "another namespace: wants " + own_ns.str() + ", is " + p.meta.key.ns.str() : ""};
  } else if (const auto* miss = namespaces->first_failing(cluster.namespace_labels(p.meta.key.ns))) {
    return {Fit::No, explain ? label_miss("namespace", *miss, cluster.namespace_labels(p.meta.key.ns)) : ""};
  }
  if (pods != nullptr) {
    if (const auto* miss = pods->first_failing(p.meta.labels))
      return {Fit::No, explain ? label_miss("pod", *miss, p.meta.labels) : ""};
  }
  return {Fit::Yes, {}};
}

FitResult NetMatch::block(const NetPeer& peer, const model::Cidr& cidr,
                          const std::vector<model::Cidr>& except) const {
  const auto inside = [&](const model::IpAddress& a) {
    return cidr.contains(a) &&
           std::none_of(except.begin(), except.end(), [&](const auto& e) { return e.contains(a); });
  };
  const auto text = [&] { return cidr.str() + (except.empty() ? "" : " with exceptions"); };
  const bool host = peer.node.valid() || (peer.pod.valid() && cluster.pod(peer.pod).spec.host_network);
  if (host && !profile.ipblock_selects_nodes)
    return {Fit::No, explain ? "ipBlock does not select nodes with this CNI" : ""};
  if (peer.pod.valid()) {
    if (!profile.ipblock_selects_pods)
      return {Fit::No, explain ? "ipBlock does not select pods with this CNI" : ""};
    const auto& ips = cluster.pod(peer.pod).ips;
    if (peer.address)
      return inside(*peer.address)
                 ? FitResult{Fit::Yes, {}}
                 : FitResult{Fit::No, explain ? peer.address->to_string() + " is outside " + text() : ""};
    if (!ips.empty()) {
      const bool any = std::any_of(ips.begin(), ips.end(), inside);
      return {any ? Fit::Yes : Fit::No,
              !any && explain ? ips.front().to_string() + " is outside " + text() : ""};
    }
    // The pod's address is not known: a block that holds every address, or all of the pods' ranges, decides
    // all the same.
    if (cidr.prefix == 0 && except.empty()) return {Fit::Yes, {}};
    if (never_of_pods(cidr))
      return {Fit::No, explain ? "no pod has a link-local or loopback address, as " + text() : ""};
    const auto ranges = cluster.pod_cidrs();
    if (!ranges.empty()) {
      const bool all = std::all_of(ranges.begin(), ranges.end(), [&](const auto& r) {
        return r.is_v4() != cidr.is_v4() || cidr.contains(r);
      });
      const bool none = std::none_of(ranges.begin(), ranges.end(),
                                     [&](const auto& r) { return cidr.contains(r) || r.contains(cidr); });
      const bool spared = std::none_of(except.begin(), except.end(), [&](const auto& e) {
        return std::any_of(ranges.begin(), ranges.end(),
                           [&](const auto& r) { return e.contains(r) || r.contains(e); });
      });
      if (all && spared) return {Fit::Yes, {}};
      if (none) return {Fit::No, explain ? "the pods' ranges are outside " + text() : ""};
    }
    return {Fit::Unknown, "the address of pod " + cluster.pod(peer.pod).meta.key.ns.str() + "/" +
                              cluster.pod(peer.pod).meta.key.name.str() + " (for ipBlock " + text() + ")"};
  }
  if (peer.address)
    return inside(*peer.address)
               ? FitResult{Fit::Yes, {}}
               : FitResult{Fit::No, explain ? peer.address->to_string() + " is outside " + text() : ""};
  if (peer.node.valid()) {
    const auto ips = cluster.node_ips(peer.node);
    if (!ips.empty()) {
      const bool any = std::any_of(ips.begin(), ips.end(), inside);
      return {any ? Fit::Yes : Fit::No, !any && explain ? "the node is outside " + text() : ""};
    }
  }
  if (cidr.prefix == 0 && except.empty() && cidr.is_v4()) return {Fit::Yes, {}};
  return {Fit::Unknown, "the address of the other end (for ipBlock " + text() + ")"};
}

FitResult NetMatch::peer(const NetPeer& other, const model::NetworkPolicyPeer& rule,
                         model::Symbol own_ns) const {
  if (rule.ip_block) return block(other, rule.ip_block->cidr, rule.ip_block->except);
  return selector_pod(other.pod, rule.namespace_selector ? &*rule.namespace_selector : nullptr,
                      rule.pod_selector ? &*rule.pod_selector : nullptr, own_ns);
}

FitResult NetMatch::peers(const NetPeer& other, const model::NetworkPolicyRule& rule,
                          model::Symbol own_ns) const {
  if (rule.peers.empty()) return {Fit::Yes, {}};
  FitResult best;
  for (const auto& p : rule.peers) {
    auto result = peer(other, p, own_ns);
    if (result.fit == Fit::Yes) return result;
    if (result.fit == Fit::Unknown || best.detail.empty()) best = std::move(result);
  }
  return best;
}

bool NetMatch::port(const model::NetworkPolicyPort& rule, Protocol protocol, std::uint16_t port,
                    const NetPeer& destination) const {
  if (rule.protocol != protocol) return false;
  if (std::holds_alternative<std::monostate>(rule.port)) return true;
  if (const auto* number = std::get_if<std::uint16_t>(&rule.port))
    return port >= *number && port <= rule.end_port.value_or(*number);
  // A name is looked up on the destination pod, with the entry's protocol. Nodes and addresses have none.
  return destination.pod.valid() &&
         has_named_port(cluster.pod(destination.pod), std::get<model::Symbol>(rule.port), protocol, port);
}

bool NetMatch::ports(const model::NetworkPolicyRule& rule, Protocol protocol, std::uint16_t number,
                     const NetPeer& destination) const {
  return rule.ports.empty() || std::any_of(rule.ports.begin(), rule.ports.end(), [&](const auto& p) {
           return port(p, protocol, number, destination);
         });
}

FitResult NetMatch::peer(const NetPeer& subject, const NetPeer& other,
                         const model::ClusterPolicyPeer& rule) const {
  if (rule.pods) {
    auto result = selector_pod(other.pod, &rule.pods->namespace_selector,
                               rule.pods->pod_selector ? &*rule.pods->pod_selector : nullptr, {});
    if (result.fit != Fit::Yes || !subject.pod.valid()) return result;
    const auto& mine = cluster.namespace_labels(cluster.pod(subject.pod).meta.key.ns);
    const auto& theirs = cluster.namespace_labels(cluster.pod(other.pod).meta.key.ns);
    for (const auto key : rule.pods->same_labels)
      if (mine.get(key.view()) != theirs.get(key.view()) || !mine.get(key.view()))
        return {Fit::No, "namespace label " + key.str() + " differs"};
    for (const auto key : rule.pods->not_same_labels)
      if (mine.get(key.view()) == theirs.get(key.view()))
        return {Fit::No, "namespace label " + key.str() + " is the same"};
    return result;
  }
  if (!rule.networks.empty()) {
    FitResult best;
    for (const auto& cidr : rule.networks) {
      auto result = block(other, cidr, {});
      if (result.fit == Fit::Yes) return result;
      if (result.fit == Fit::Unknown || best.detail.empty()) best = std::move(result);
    }
    return best;
  }
  if (rule.nodes) {
    model::NodeId node = other.node;
    if (!node.valid() && other.address) node = cluster.node_by_ip(*other.address);
    if (!node.valid() || other.pod.valid()) return {Fit::No, explain ? "not a node" : ""};
    const auto* object = cluster.node_object(node);
    if (object == nullptr) return {Fit::Unknown, "labels of node " + cluster.node_names()[node.index]};
    return {rule.nodes->matches(object->meta.labels) ? Fit::Yes : Fit::No,
            explain ? "node labels differ" : ""};
  }
  // Who dials an address may dial one that the name has: only the name server knows.
  if (!rule.domain_names.empty() && other.domain.empty() && other.address && !other.pod.valid())
    return {Fit::Unknown,
            "whether " + other.address->to_string() + " is an address of " + domains_text(rule)};
  for (const auto& pattern : rule.domain_names) {
    std::string_view name = other.domain, wanted = pattern;
    if (!name.empty() && name.back() == '.') name.remove_suffix(1);
    if (!wanted.empty() && wanted.back() == '.') wanted.remove_suffix(1);
    if (wanted.substr(0, 2) == "*.") {
      wanted.remove_prefix(1);
      if (name.size() > wanted.size() && name.substr(name.size() - wanted.size()) == wanted)
        return {Fit::Yes, {}};
    } else if (name == wanted) {
      return {Fit::Yes, {}};
    }
  }
  return {Fit::No, explain ? "no domain name of the list" : ""};
}

bool NetMatch::ports(const model::ClusterPolicyRule& rule, Protocol protocol, std::uint16_t number,
                     const NetPeer& destination) const {
  if (rule.all_ports) return true;
  return std::any_of(rule.ports.begin(), rule.ports.end(), [&](const model::ClusterPolicyPort& p) {
    if (!p.named.empty())
      return destination.pod.valid() &&
             has_named_port(cluster.pod(destination.pod), p.named, protocol, number);
    return p.protocol == protocol && ((p.start == 0 && p.end == 0) || (number >= p.start && number <= p.end));
  });
}

PortSet NetMatch::port_set(const model::NetworkPolicyRule& rule, model::PodId destination) const {
  if (rule.ports.empty()) return PortSet::all();
  PortSet out;
  for (const auto& p : rule.ports) {
    if (std::holds_alternative<std::monostate>(p.port)) {
      out |= PortSet::protocol(p.protocol);
    } else if (const auto* number = std::get_if<std::uint16_t>(&p.port)) {
      out |= PortSet::range(p.protocol, *number, p.end_port.value_or(*number));
    } else if (destination.valid()) {
      each_named_port(cluster.pod(destination), std::get<model::Symbol>(p.port), p.protocol,
                      [&](std::uint16_t port) { out |= PortSet::one(p.protocol, port); });
    }
  }
  return out;
}

PortSet NetMatch::port_set(const model::ClusterPolicyRule& rule, model::PodId destination) const {
  if (rule.all_ports) return PortSet::all();
  PortSet out;
  for (const auto& p : rule.ports) {
    if (p.named.empty()) {
      if (p.protocol)
        out |= p.start == 0 && p.end == 0 ? PortSet::protocol(*p.protocol)
                                          : PortSet::range(*p.protocol, p.start, p.end);
      continue;
    }
    if (!destination.valid()) continue;
    for (const Protocol protocol : {Protocol::Tcp, Protocol::Udp, Protocol::Sctp})
      each_named_port(cluster.pod(destination), p.named, protocol,
                      [&](std::uint16_t port) { out |= PortSet::one(protocol, port); });
  }
  return out;
}

// Source: kubernetes-sigs/network-policy-api apis/v1alpha2 ClusterNetworkPolicyEgressPeer: a peer without a
// field that is known accepts nothing; Deny and Pass apply to everything.
FitResult peers_fit(const NetMatch& match, const NetPeer& subject, const NetPeer& other,
                    const model::ClusterPolicyRule& rule) {
  FitResult best;
  for (const auto& peer : rule.peers) {
    FitResult one = peer.unknown_field
                        ? FitResult{rule.action == model::TierAction::Accept ? Fit::No : Fit::Yes, {}}
                        : match.peer(subject, other, peer);
    if (one.fit == Fit::Yes) return one;
    if (best.fit != Fit::Unknown && (one.fit == Fit::Unknown || best.detail.empty())) best = std::move(one);
  }
  return best;
}

std::string ports_text(const model::NetworkPolicyRule& rule) {
  if (rule.ports.empty()) return "every port";
  std::string out;
  for (const auto& p : rule.ports) {
    if (!out.empty()) out.append(", ");
    out.append(model::to_string(p.protocol));
    if (const auto* number = std::get_if<std::uint16_t>(&p.port)) {
      out.append(" ").append(std::to_string(*number));
      if (p.end_port) out.append("-").append(std::to_string(*p.end_port));
    } else if (const auto* name = std::get_if<model::Symbol>(&p.port)) {
      out.append(" ").append(name->view());
    }
  }
  return out;
}

}  // namespace waypath::sim
