#include "sim/reach/peers.h"

#include <algorithm>
#include <utility>

namespace waypath::sim {
namespace {

using model::Cidr;
using model::LabelSelector;

/// What a peer is: the first token of its key.
enum class PeerKind : std::uint64_t { OwnNamespace, Namespaces, Block, Every, Nodes, Named, Nothing };

void put(ReachTokens& key, const Cidr& cidr) {
  key.push_back((cidr.is_v4() ? 256U : 0U) + cidr.prefix);
  if (cidr.is_v4()) {
    key.push_back(cidr.network.to_v4().to_uint());
    return;
  }
  std::uint64_t half = 0;
  const auto bytes = cidr.network.to_v6().to_bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    half = half << 8U | bytes[i];
    if (i % 8 == 7) key.push_back(std::exchange(half, 0));
  }
}

bool certain_first(const ReachMember& a, const ReachMember& b) {
  return a.end != b.end ? a.end < b.end : a.fit == Fit::Yes && b.fit != Fit::Yes;
}

std::vector<ReachMember> certain(const std::vector<std::uint32_t>& positions) {
  std::vector<ReachMember> out;
  out.reserve(positions.size());
  for (const std::uint32_t p : positions) out.push_back({p, Fit::Yes});
  return out;
}

}  // namespace

void add_blocks(const model::NetworkPolicy& policy, std::vector<Cidr>& out) {
  for (const auto* rules : {&policy.ingress, &policy.egress})
    for (const auto& rule : *rules)
      for (const auto& peer : rule.peers) {
        if (!peer.ip_block) continue;
        out.push_back(peer.ip_block->cidr);
        out.insert(out.end(), peer.ip_block->except.begin(), peer.ip_block->except.end());
      }
}

void add_blocks(const model::ClusterPolicy& policy, std::vector<Cidr>& out) {
  for (const auto* rules : {&policy.ingress, &policy.egress})
    for (const auto& rule : *rules)
      for (const auto& peer : rule.peers) out.insert(out.end(), peer.networks.begin(), peer.networks.end());
}

bool selects_nodes(const model::ClusterPolicy& policy) {
  return std::any_of(policy.egress.begin(), policy.egress.end(), [](const auto& rule) {
    return std::any_of(rule.peers.begin(), rule.peers.end(),
                       [](const auto& peer) { return peer.nodes.has_value(); });
  });
}

void add_node_addresses(const model::Cluster& cluster, std::vector<Cidr>& out) {
  for (std::uint32_t i = 0; i < cluster.node_names().size(); ++i)
    for (const auto& ip : cluster.node_ips({i})) out.push_back({ip, ip.is_v4() ? 32U : 128U});
}

std::size_t ReachTokensHash::operator()(const ReachTokens& tokens) const noexcept {
  std::uint64_t h = 1469598103934665603ULL;
  for (const auto t : tokens) {
    h = (h ^ t) * 1099511628211ULL;
    h ^= h >> 29U;
  }
  return static_cast<std::size_t>(h);
}

ReachPeers::ReachPeers(const NetMatch& match, const PodSelection& pods, const AddressPartition& ranges,
                       std::vector<std::vector<std::uint32_t>> parts)
    : match_(match), pods_(pods), ranges_(ranges), parts_(std::move(parts)) {
  for (std::uint32_t p = 0; p < parts_.size(); ++p) {
    for (const std::uint32_t part : parts_[p]) in_part_.emplace_back(part, p);
    if (match_.cluster.pod(pods_.pods()[p]).ips.empty()) without_address_.push_back(p);
  }
  std::sort(in_part_.begin(), in_part_.end());
}

template <class Make>
std::uint32_t ReachPeers::one(ReachTokens key, const Make& make) {
  const auto [at, added] = ones_.emplace(std::move(key), static_cast<std::uint32_t>(of_one_.size()));
  if (added) of_one_.push_back(make());
  return at->second;
}

void ReachPeers::describe(const LabelSelector& selector, ReachTokens& key) {
  for (const auto& r : selector.requirements) {
    key.push_back(number_(r.key));
    key.push_back(UINT64_MAX - static_cast<std::uint64_t>(r.op));
    for (const auto value : r.values) key.push_back(number_(value));
    key.push_back(UINT64_MAX - 8);
  }
}

// The set form of NetMatch::selector_pod.
std::uint32_t ReachPeers::selected(const LabelSelector* namespaces, const LabelSelector* pods,
                                   model::Symbol ns) {
  static const LabelSelector everything;
  ReachTokens key{
      static_cast<std::uint64_t>(namespaces == nullptr ? PeerKind::OwnNamespace : PeerKind::Namespaces)};
  if (namespaces == nullptr)
    key.push_back(number_(ns));
  else
    describe(*namespaces, key);
  key.push_back(UINT64_MAX - 9);
  if (pods != nullptr) describe(*pods, key);
  return one(std::move(key), [&] {
    return certain(namespaces == nullptr ? pods_.select(ns, pods != nullptr ? *pods : everything)
                                         : pods_.select(*namespaces, pods));
  });
}

std::uint32_t ReachPeers::in_block(const Cidr& cidr, const std::vector<Cidr>& except) {
  ReachTokens key{static_cast<std::uint64_t>(PeerKind::Block)};
  put(key, cidr);
  for (const auto& e : except) put(key, e);
  return one(std::move(key), [&] {
    const auto ask = [&](const NetPeer& other) { return match_.block(other, cidr, except).fit; };
    // Pods with an address in the block are asked. What holds for one pod whose address nothing tells holds
    // for all of them.
    std::vector<std::uint32_t> candidates;
    const auto [first, last] = ranges_.parts_of(cidr);
    const Fit unaddressed =
        without_address_.empty() ? Fit::No : ask({pods_.pods()[without_address_.front()], {}, {}, {}});
    if (match_.profile.ipblock_selects_pods) {
      const auto low = std::lower_bound(in_part_.begin(), in_part_.end(),
                                        std::pair(static_cast<std::uint32_t>(first), 0U));
      for (auto at = low; at != in_part_.end() && at->first < last; ++at) candidates.push_back(at->second);
      std::sort(candidates.begin(), candidates.end());
      candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
    }
    Members out;
    if (unaddressed != Fit::No)
      for (const std::uint32_t p : without_address_) out.push_back({p, unaddressed});
    const auto middle = static_cast<std::ptrdiff_t>(out.size());
    for (const std::uint32_t p : candidates)
      if (const Fit fit = ask({pods_.pods()[p], {}, {}, {}}); fit != Fit::No) out.push_back({p, fit});
    std::inplace_merge(out.begin(), out.begin() + middle, out.end(), certain_first);
    for (std::size_t part = first; part < last; ++part)
      if (const Fit fit = ask({{}, {}, ranges_.ranges()[part].low, {}}); fit != Fit::No)
        out.push_back({pods_.size() + static_cast<std::uint32_t>(part), fit});
    return out;
  });
}

std::uint32_t ReachPeers::every(Fit fit) {
  return one({static_cast<std::uint64_t>(fit == Fit::No ? PeerKind::Nothing : PeerKind::Every)}, [&] {
    Members out;
    const auto ends = pods_.size() + static_cast<std::uint32_t>(ranges_.ranges().size());
    for (std::uint32_t e = 0; fit != Fit::No && e < ends; ++e) out.push_back({e, fit});
    return out;
  });
}

std::uint32_t ReachPeers::named() {
  return one({static_cast<std::uint64_t>(PeerKind::Named)}, [&] {
    Members out;
    for (std::uint32_t i = 0; i < ranges_.ranges().size(); ++i)
      out.push_back({pods_.size() + i, Fit::Unknown});
    return out;
  });
}

std::uint32_t ReachPeers::nodes(const model::ClusterPolicyPeer& peer) {
  ReachTokens key{static_cast<std::uint64_t>(PeerKind::Nodes)};
  describe(*peer.nodes, key);
  return one(std::move(key), [&] {
    Members out;
    for (std::uint32_t i = 0; i < ranges_.ranges().size(); ++i)
      if (const Fit fit = match_.peer({}, {{}, {}, ranges_.ranges()[i].low, {}}, peer).fit; fit != Fit::No)
        out.push_back({pods_.size() + i, fit});
    return out;
  });
}

// One certain match is enough.
std::uint32_t ReachPeers::united(std::vector<std::uint32_t> ones) {
  std::sort(ones.begin(), ones.end());
  ones.erase(std::unique(ones.begin(), ones.end()), ones.end());
  const auto [at, added] =
      united_.emplace(ReachTokens(ones.begin(), ones.end()), static_cast<std::uint32_t>(sets_.size()));
  if (!added) return at->second;
  Members all;
  for (const std::uint32_t o : ones) {
    const auto middle = static_cast<std::ptrdiff_t>(all.size());
    all.insert(all.end(), of_one_[o].begin(), of_one_[o].end());
    std::inplace_merge(all.begin(), all.begin() + middle, all.end(), certain_first);
  }
  all.erase(std::unique(all.begin(), all.end(),
                        [](const ReachMember& a, const ReachMember& b) { return a.end == b.end; }),
            all.end());
  sets_.push_back(std::move(all));
  return at->second;
}

std::uint32_t ReachPeers::set_of(const std::vector<model::NetworkPolicyPeer>& peers, model::Symbol ns) {
  std::vector<std::uint32_t> ones;
  for (const auto& peer : peers)
    ones.push_back(peer.ip_block ? in_block(peer.ip_block->cidr, peer.ip_block->except)
                                 : selected(peer.namespace_selector ? &*peer.namespace_selector : nullptr,
                                            peer.pod_selector ? &*peer.pod_selector : nullptr, ns));
  return united(std::move(ones));
}

// Which addresses a domain name has is not known: see NetMatch::peer. Peers of a newer API: see peers_fit.
std::uint32_t ReachPeers::set_of(const std::vector<model::ClusterPolicyPeer>& peers,
                                 model::TierAction action) {
  std::vector<std::uint32_t> ones;
  for (const auto& peer : peers) {
    if (peer.unknown_field) {
      ones.push_back(every(action == model::TierAction::Accept ? Fit::No : Fit::Yes));
    } else if (peer.pods) {
      ones.push_back(selected(&peer.pods->namespace_selector,
                              peer.pods->pod_selector ? &*peer.pods->pod_selector : nullptr, {}));
    } else if (!peer.networks.empty()) {
      for (const auto& cidr : peer.networks) ones.push_back(in_block(cidr, {}));
    } else if (peer.nodes) {
      ones.push_back(nodes(peer));
    } else if (!peer.domain_names.empty()) {
      ones.push_back(named());
    }
  }
  return united(std::move(ones));
}

}  // namespace waypath::sim
