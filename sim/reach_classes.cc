#include "sim/reach_classes.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

namespace waypath::sim {
namespace {

using model::ClusterPolicy;
using model::NetworkPolicy;
using model::Pod;
using model::PodId;
using model::Symbol;

using Tokens = std::vector<std::uint64_t>;

struct TokensHash {
  std::size_t operator()(const Tokens& tokens) const noexcept {
    std::uint64_t h = 1469598103934665603ULL;
    for (const auto t : tokens) h = (h ^ t) * 1099511628211ULL ^ (h >> 29U);
    return static_cast<std::size_t>(h);
  }
};

/// Small numbers for symbols and pointers, in order of first use.
template <class T>
class Numbers {
 public:
  std::uint64_t operator()(const T& key) { return numbers_.emplace(key, numbers_.size()).first->second; }

 private:
  std::unordered_map<T, std::uint64_t> numbers_;
};

template <class Rule>
void each_block(const Rule& rule, const std::function<void(const model::Cidr&)>& fn) {
  if constexpr (std::is_same_v<Rule, model::NetworkPolicyRule>) {
    for (const auto& peer : rule.peers) {
      if (!peer.ip_block) continue;
      fn(peer.ip_block->cidr);
      for (const auto& e : peer.ip_block->except) fn(e);
    }
  } else {
    for (const auto& peer : rule.peers)
      for (const auto& cidr : peer.networks) fn(cidr);
  }
}

bool selects_nodes(const model::ClusterPolicyRule& rule) {
  return std::any_of(rule.peers.begin(), rule.peers.end(), [](const auto& p) { return p.nodes.has_value(); });
}

std::vector<model::Cidr> all_blocks(const model::Cluster& cluster) {
  std::vector<model::Cidr> out;
  const auto add = [&](const model::Cidr& c) { out.push_back(c); };
  bool nodes = false;
  for (const auto& p : cluster.snapshot().all<NetworkPolicy>()) {
    for (const auto& r : p->ingress) each_block(r, add);
    for (const auto& r : p->egress) each_block(r, add);
  }
  for (const auto& p : cluster.snapshot().all<ClusterPolicy>())
    for (const auto& r : p->egress) {
      each_block(r, add);
      nodes = nodes || selects_nodes(r);
    }
  for (std::uint32_t i = 0; nodes && i < cluster.node_names().size(); ++i)
    for (const auto& ip : cluster.node_ips({i})) out.push_back({ip, ip.is_v4() ? 32U : 128U});
  return out;
}

}  // namespace

/// Pods with equal namespace, labels, addresses as far as blocks tell them apart, and named ports.
struct ReachClasses::Groups {
  std::vector<PodId> pods;                                    // that stand for them
  std::vector<std::uint32_t> of;                              // by PodId
  std::unordered_map<Symbol, std::vector<std::uint32_t>> in;  // by namespace
};

void ReachClasses::collect_rules(const std::vector<NetAttachment>& attached) {
  std::vector<const NetworkPolicy*> network;
  std::vector<const ClusterPolicy*> cluster;
  for (const auto& a : attached) {
    network.insert(network.end(), a.ingress.begin(), a.ingress.end());
    network.insert(network.end(), a.egress.begin(), a.egress.end());
    cluster.insert(cluster.end(), a.admin.begin(), a.admin.end());
    cluster.insert(cluster.end(), a.baseline.begin(), a.baseline.end());
  }
  const auto settle = [](auto& v) {
    std::sort(v.begin(), v.end(), [](const auto* a, const auto* b) { return a->meta.key < b->meta.key; });
    v.erase(std::unique(v.begin(), v.end()), v.end());
  };
  settle(network);
  settle(cluster);
  const auto position = [this] { return static_cast<std::uint32_t>(rules_.size()); };
  for (const auto* p : network) {
    ReachPolicy out;
    const auto add = [&](const std::vector<model::NetworkPolicyRule>& rules) {
      for (const auto& r : rules) {
        const bool named = std::any_of(r.ports.begin(), r.ports.end(), [](const auto& port) {
          return std::holds_alternative<Symbol>(port.port);
        });
        rules_.push_back({&r, nullptr, p->meta.key.ns, r.peers.empty(), false, named, {}});
      }
    };
    out.ingress_first = position();
    if (p->affects_ingress) add(p->ingress);
    out.ingress_last = out.egress_first = position();
    if (p->affects_egress) add(p->egress);
    out.egress_last = position();
    policies_.emplace_back(p, out);
  }
  for (const auto* p : cluster) {
    ReachPolicy out;
    const auto add = [&](const std::vector<model::ClusterPolicyRule>& rules) {
      for (const auto& r : rules) {
        const bool named =
            std::any_of(r.ports.begin(), r.ports.end(), [](const auto& port) { return !port.named.empty(); });
        const bool by_subject = std::any_of(r.peers.begin(), r.peers.end(), [](const auto& peer) {
          return peer.pods && (!peer.pods->same_labels.empty() || !peer.pods->not_same_labels.empty());
        });
        rules_.push_back({nullptr, &r, {}, false, by_subject, named, {}});
      }
    };
    out.ingress_first = position();
    add(p->ingress);
    out.ingress_last = out.egress_first = position();
    add(p->egress);
    out.egress_last = position();
    policies_.emplace_back(p, out);
  }
  std::sort(policies_.begin(), policies_.end(),
            [](const auto& a, const auto& b) { return std::less<>()(a.first, b.first); });
}

ReachPolicy ReachClasses::policy(const void* policy) const {
  return std::lower_bound(policies_.begin(), policies_.end(), policy,
                          [](const auto& a, const void* b) { return std::less<>()(a.first, b); })
      ->second;
}

// Selectors look at the groups of the namespaces they name only.
void ReachClasses::resolve(ReachRule& rule, const Groups& groups, const NetMatch& match) const {
  if (rule.every_peer || rule.by_subject) return;
  std::vector<std::uint32_t> candidates;
  const auto in_namespaces = [&](const model::LabelSelector& selector) {
    for (const auto& ns : cluster_.namespaces()) {
      if (!selector.matches(ns->meta.labels)) continue;
      if (const auto at = groups.in.find(ns->meta.key.name); at != groups.in.end())
        candidates.insert(candidates.end(), at->second.begin(), at->second.end());
    }
  };
  bool everywhere = false;
  if (rule.network != nullptr) {
    for (const auto& peer : rule.network->peers) {
      if (peer.ip_block) {
        everywhere = everywhere || match.profile.ipblock_selects_pods;
      } else if (peer.namespace_selector) {
        in_namespaces(*peer.namespace_selector);
      } else if (const auto at = groups.in.find(rule.ns); at != groups.in.end()) {
        candidates.insert(candidates.end(), at->second.begin(), at->second.end());
      }
    }
  } else {
    for (const auto& peer : rule.cluster->peers) {
      if (peer.pods)
        in_namespaces(peer.pods->namespace_selector);
      else
        everywhere = everywhere || peer.unknown_field ||
                     (!peer.networks.empty() && match.profile.ipblock_selects_pods);
    }
  }
  if (everywhere) {
    candidates.resize(groups.pods.size());
    for (std::uint32_t i = 0; i < candidates.size(); ++i) candidates[i] = i;
  } else {
    std::sort(candidates.begin(), candidates.end());
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  }
  for (const std::uint32_t g : candidates) {
    NetPeer other;
    other.pod = groups.pods[g];
    const Fit fit = (rule.network != nullptr ? match.peers(other, *rule.network, rule.ns)
                                             : peers_fit(match, {}, other, *rule.cluster))
                        .fit;
    if (fit != Fit::No) rule.members.push_back({g, fit});
  }
}

void ReachClasses::resolve_ranges(ReachRule& rule, const NetMatch& match) const {
  if (rule.every_peer) return;
  std::vector<std::size_t> parts;
  const auto add = [&](const model::Cidr& cidr) {
    const auto [first, last] = ranges_.parts_of(cidr);
    for (std::size_t i = first; i < last; ++i) parts.push_back(i);
  };
  if (rule.network != nullptr) {
    for (const auto& peer : rule.network->peers)
      if (peer.ip_block) add(peer.ip_block->cidr);
  } else {
    each_block(*rule.cluster, add);
    const bool every = std::any_of(rule.cluster->peers.begin(), rule.cluster->peers.end(),
                                   [](const auto& p) { return p.unknown_field; });
    for (std::size_t i = 0; (every || selects_nodes(*rule.cluster)) && i < ranges_.ranges().size(); ++i)
      parts.push_back(i);
  }
  std::sort(parts.begin(), parts.end());
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  for (const std::size_t part : parts) {
    NetPeer other;
    other.address = ranges_.ranges()[part].low;
    const Fit fit = (rule.network != nullptr ? match.peers(other, *rule.network, rule.ns)
                                             : peers_fit(match, {}, other, *rule.cluster))
                        .fit;
    if (fit != Fit::No) rule.members.push_back({static_cast<std::uint32_t>(classes_.size() + part), fit});
  }
}

ReachClasses::ReachClasses(const model::Cluster& cluster, const CniProfile& profile, bool keep_identity,
                           model::Diagnostics& diagnostics)
    : cluster_(cluster), ranges_(all_blocks(cluster)), class_of_(cluster.pods().size(), kNone) {
  auto attached = attach_net_policies(cluster, &diagnostics);
  collect_rules(attached);
  const bool by_subject =
      std::any_of(rules_.begin(), rules_.end(), [](const auto& r) { return r.by_subject; });
  const bool by_address = profile.ipblock_selects_pods && ranges_.ranges().size() > 1;

  // Names of ports that some rule looks up.
  std::vector<Symbol> names;
  for (const auto& r : rules_) {
    if (!r.named_ports) continue;
    if (r.network != nullptr) {
      for (const auto& p : r.network->ports)
        if (const auto* name = std::get_if<Symbol>(&p.port)) names.push_back(*name);
    } else {
      for (const auto& p : r.cluster->ports)
        if (!p.named.empty()) names.push_back(p.named);
    }
  }
  std::sort(names.begin(), names.end(), model::TextLess());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const auto port_tokens = [&](const Pod& pod, Tokens& tokens) {
    for (const Symbol name : names)
      for (const auto protocol : {model::Protocol::Tcp, model::Protocol::Udp, model::Protocol::Sctp}) {
        const auto named = model::Cluster::named_port(pod, name, protocol);
        tokens.push_back(named ? named->second : 0U);
      }
  };

  Groups groups;
  groups.of.assign(cluster.pods().size(), kNone);
  Numbers<Symbol> symbol;
  Numbers<const void*> pointer;
  std::unordered_map<Tokens, std::uint32_t, TokensHash> known;
  for (std::uint32_t i = 0; i < cluster.pods().size(); ++i) {
    const Pod& pod = cluster.pod({i});
    if (pod.spec.host_network) continue;
    Tokens tokens{symbol(pod.meta.key.ns), keep_identity ? symbol(pod.spec.service_account) : 0U};
    for (const auto& label : pod.meta.labels.all()) {
      tokens.push_back(symbol(label.key));
      tokens.push_back(symbol(label.value));
    }
    tokens.push_back(UINT64_MAX);
    port_tokens(pod, tokens);
    if (by_address)
      for (const auto& ip : pod.ips) tokens.push_back(ranges_.part_of(ip));
    if (keep_identity) {
      tokens.push_back(UINT64_MAX);
      for (const auto& a : pod.meta.annotations) {
        tokens.push_back(symbol(a.key));
        tokens.push_back(symbol(model::intern(a.value)));
      }
    }
    const auto [at, added] = known.emplace(std::move(tokens), static_cast<std::uint32_t>(groups.pods.size()));
    if (added) {
      groups.pods.push_back({i});
      groups.in[pod.meta.key.ns].push_back(at->second);
    }
    groups.of[i] = at->second;
  }

  const NetMatch match{cluster, profile, false};
  std::vector<Tokens> signature(groups.pods.size());
  for (std::uint32_t r = 0; r < rules_.size(); ++r) {
    resolve(rules_[r], groups, match);
    for (const auto& m : rules_[r].members)
      signature[m.end].push_back(std::uint64_t{r} * 2 + (m.fit == Fit::Yes ? 0 : 1));
  }

  // Groups that every rule treats alike, under the same policies, are one class.
  known.clear();
  std::vector<std::uint32_t> class_of_group(groups.pods.size());
  for (std::uint32_t g = 0; g < groups.pods.size(); ++g) {
    const Pod& pod = cluster.pod(groups.pods[g]);
    const NetAttachment& a = attached[groups.pods[g].index];
    Tokens tokens = std::move(signature[g]);
    const auto list = [&](const auto& policies) {
      tokens.push_back(UINT64_MAX);
      for (const auto* p : policies) tokens.push_back(pointer(p));
    };
    list(a.ingress);
    list(a.egress);
    list(a.admin);
    list(a.baseline);
    port_tokens(pod, tokens);
    tokens.push_back(pod.ips.empty() ? 1 : 0);
    if (by_subject) tokens.push_back(symbol(pod.meta.key.ns));
    if (keep_identity) tokens.push_back(g);
    const auto [at, added] = known.emplace(std::move(tokens), static_cast<std::uint32_t>(classes_.size()));
    if (added) classes_.push_back({groups.pods[g], a, pod.ips.empty()});
    class_of_group[g] = at->second;
  }
  for (std::uint32_t i = 0; i < class_of_.size(); ++i)
    if (groups.of[i] != kNone) class_of_[i] = class_of_group[groups.of[i]];
  for (ReachRule& rule : rules_) {
    for (auto& m : rule.members) m.end = class_of_group[m.end];
    std::sort(rule.members.begin(), rule.members.end(),
              [](const auto& a, const auto& b) { return a.end < b.end; });
    rule.members.erase(std::unique(rule.members.begin(), rule.members.end()), rule.members.end());
    resolve_ranges(rule, match);
  }
}

NetPeer ReachClasses::end(std::uint32_t position) const {
  NetPeer peer;
  if (position < classes_.size())
    peer.pod = classes_[position].pod;
  else
    peer.address = ranges_.ranges()[position - classes_.size()].low;
  return peer;
}

}  // namespace waypath::sim
