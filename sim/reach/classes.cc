#include "sim/reach/classes.h"

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

using Tokens = ReachTokens;

std::vector<model::Cidr> all_blocks(const model::Cluster& cluster, bool both_families,
                                    const ReachMeshKeys* mesh) {
  std::vector<model::Cidr> out;
  if (mesh != nullptr) out = mesh->blocks();
  if (both_families) out.push_back(*model::parse_cidr("::/0"));
  for (const auto& p : cluster.snapshot().all<NetworkPolicy>()) add_blocks(*p, out);
  bool nodes = false;
  for (const auto& p : cluster.snapshot().all<ClusterPolicy>()) {
    add_blocks(*p, out);
    nodes = nodes || selects_nodes(*p);
  }
  if (nodes) add_node_addresses(cluster, out);
  return out;
}

/// Names of ports that rules look up, in order.
class PortNames {
 public:
  void add(const model::NetworkPolicyRule& rule) {
    for (const auto& p : rule.ports)
      if (const auto* name = std::get_if<Symbol>(&p.port)) names_.push_back(*name);
  }
  void add(const model::ClusterPolicyRule& rule) {
    for (const auto& p : rule.ports)
      if (!p.named.empty()) names_.push_back(p.named);
  }
  void add(Symbol name) { names_.push_back(name); }
  [[nodiscard]] std::vector<Symbol> take() {
    std::sort(names_.begin(), names_.end(), model::TextLess());
    names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
    return std::move(names_);
  }

 private:
  std::vector<Symbol> names_;
};

std::vector<Symbol> all_port_names(const model::Cluster& cluster) {
  PortNames names;
  const auto add = [&](const auto& policies) {
    for (const auto& p : policies) {
      for (const auto& r : p->ingress) names.add(r);
      for (const auto& r : p->egress) names.add(r);
    }
  };
  add(cluster.snapshot().all<NetworkPolicy>());
  add(cluster.snapshot().all<ClusterPolicy>());
  return names.take();
}

/// Every name that a pod of the cluster gives to a port, in order.
std::vector<Symbol> declared_port_names(const model::Cluster& cluster) {
  PortNames names;
  for (const auto* pod : cluster.pods())
    for (const auto& container : pod->spec.containers)
      for (const auto& port : container.ports)
        if (!port.name.empty()) names.add(port.name);
  return names.take();
}

void port_tokens(const Pod& pod, const std::vector<Symbol>& names, Tokens& tokens) {
  for (const Symbol name : names)
    for (const auto protocol : {model::Protocol::Tcp, model::Protocol::Udp, model::Protocol::Sctp}) {
      each_named_port(pod, name, protocol, [&](std::uint16_t port) { tokens.push_back(port); });
      tokens.push_back(0);
    }
}

bool same_ports(const Pod& a, const Pod& b) {
  return std::equal(a.spec.containers.begin(), a.spec.containers.end(), b.spec.containers.begin(),
                    b.spec.containers.end(), [](const auto& x, const auto& y) {
                      return x.native_sidecar == y.native_sidecar &&
                             std::equal(x.ports.begin(), x.ports.end(), y.ports.begin(), y.ports.end(),
                                        [](const auto& p, const auto& q) {
                                          return p.name == q.name && p.protocol == q.protocol &&
                                                 p.port == q.port;
                                        });
                    });
}

bool same_annotations(const Pod& a, const Pod& b) {
  return std::equal(a.meta.annotations.begin(), a.meta.annotations.end(), b.meta.annotations.begin(),
                    b.meta.annotations.end(),
                    [](const auto& x, const auto& y) { return x.key == y.key && x.value == y.value; });
}

}  // namespace

ReachRule reach_rule(const model::NetworkPolicyRule& r, Symbol ns) {
  ReachRule rule;
  rule.network = &r;
  rule.ns = ns;
  rule.every_peer = r.peers.empty();
  rule.named_ports = std::any_of(r.ports.begin(), r.ports.end(),
                                 [](const auto& port) { return std::holds_alternative<Symbol>(port.port); });
  return rule;
}

ReachRule reach_rule(const model::ClusterPolicyRule& r) {
  ReachRule rule;
  rule.cluster = &r;
  rule.by_subject = std::any_of(r.peers.begin(), r.peers.end(), [](const auto& peer) {
    return peer.pods && (!peer.pods->same_labels.empty() || !peer.pods->not_same_labels.empty());
  });
  rule.named_ports =
      std::any_of(r.ports.begin(), r.ports.end(), [](const auto& port) { return !port.named.empty(); });
  return rule;
}

/// Pods with equal namespace, labels, addresses as far as blocks tell them apart, and named ports.
struct ReachClasses::Groups {
  PodSelection pods;                              // that stand for them
  std::vector<std::uint32_t> of;                  // by PodId
  std::vector<std::vector<std::uint32_t>> parts;  // address ranges that hold their addresses
  std::vector<Tokens> ports;                      // numbers of the names of ports, each name's up to a 0
};

ReachClasses::Groups ReachClasses::group(const CniProfile& profile, bool keep_identity,
                                         const ReachMeshKeys* mesh, const std::vector<Symbol>& names) const {
  const bool by_address = profile.ipblock_selects_pods || (mesh != nullptr && !mesh->blocks().empty());
  Groups groups;
  groups.of.assign(cluster_.pods().size(), kNone);
  std::vector<PodId> stand;
  ReachNumbers<Symbol> symbol;
  std::unordered_map<Tokens, std::uint32_t, ReachTokensHash> known;
  const Pod* before = nullptr;  // replicas follow each other
  std::uint32_t of_before = kNone;
  Tokens own, own_before;
  std::size_t ports = 0;
  for (std::uint32_t i = 0; i < cluster_.pods().size(); ++i) {
    const Pod& pod = cluster_.pod({i});
    if (pod.spec.host_network) continue;
    own.clear();
    if (before != nullptr && same_ports(*before, pod))
      own.assign(own_before.begin(), own_before.begin() + static_cast<std::ptrdiff_t>(ports));
    else
      port_tokens(pod, names, own);
    ports = own.size();
    if (by_address)
      for (const auto& ip : pod.ips) own.push_back(ranges_.part_of(ip));
    if (before != nullptr && own == own_before && before->meta.key.ns == pod.meta.key.ns &&
        before->meta.labels == pod.meta.labels &&
        (!keep_identity ||
         (before->spec.service_account == pod.spec.service_account && same_annotations(*before, pod)))) {
      groups.of[i] = of_before;
      continue;  // `ports` is that of `before` as well
    }
    Tokens tokens{symbol(pod.meta.key.ns), keep_identity ? symbol(pod.spec.service_account) : 0U};
    for (const auto& label : pod.meta.labels.all()) {
      tokens.push_back(symbol(label.key));
      tokens.push_back(symbol(label.value));
    }
    tokens.push_back(UINT64_MAX);
    tokens.insert(tokens.end(), own.begin(), own.end());
    if (keep_identity) {
      tokens.push_back(UINT64_MAX);
      for (const auto& a : pod.meta.annotations) {
        tokens.push_back(symbol(a.key));
        tokens.push_back(symbol(model::intern(a.value)));
      }
    }
    const auto [at, added] = known.emplace(std::move(tokens), static_cast<std::uint32_t>(stand.size()));
    if (added) {
      stand.push_back({i});
      groups.parts.emplace_back();
      groups.ports.emplace_back(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(ports));
      for (std::size_t t = ports; t < own.size(); ++t)
        groups.parts.back().push_back(static_cast<std::uint32_t>(own[t]));
    }
    groups.of[i] = of_before = at->second;
    before = &pod;
    own_before.swap(own);
  }
  groups.pods = PodSelection(cluster_, std::move(stand));
  return groups;
}

void ReachClasses::collect_rules(const std::vector<NetAttachment>& attached) {
  rules_.clear();
  policies_.clear();
  for (const auto& a : attached) {
    for (const auto* p : a.ingress) policies_.try_emplace(p);
    for (const auto* p : a.egress) policies_.try_emplace(p);
    for (const auto* p : a.admin) policies_.try_emplace(p);
    for (const auto* p : a.baseline) policies_.try_emplace(p);
  }
  const auto position = [this] { return static_cast<std::uint32_t>(rules_.size()); };
  const auto each = [&](const auto& policies, const auto& add) {
    for (const auto& p : policies) {
      const auto at = policies_.find(p.get());
      if (at == policies_.end()) continue;
      ReachPolicy& out = at->second;
      out.ingress_first = position();
      add(*p, Direction::Ingress);
      out.ingress_last = out.egress_first = position();
      add(*p, Direction::Egress);
      out.egress_last = position();
    }
  };
  each(cluster_.snapshot().all<NetworkPolicy>(), [&](const NetworkPolicy& p, Direction d) {
    if (d == Direction::Ingress ? !p.affects_ingress : !p.affects_egress) return;
    for (const auto& r : d == Direction::Ingress ? p.ingress : p.egress)
      rules_.push_back(reach_rule(r, p.meta.key.ns));
  });
  each(cluster_.snapshot().all<ClusterPolicy>(), [&](const ClusterPolicy& p, Direction d) {
    for (const auto& r : d == Direction::Ingress ? p.ingress : p.egress) rules_.push_back(reach_rule(r));
  });
}

void ReachClasses::resolve(const Groups& groups, const CniProfile& profile) {
  const NetMatch match{cluster_, profile, false};
  ReachPeers peers(match, groups.pods, ranges_, groups.parts);
  for (ReachRule& rule : rules_) {
    if (rule.every_peer || rule.by_subject) continue;
    rule.peers = rule.network != nullptr ? peers.set_of(rule.network->peers, rule.ns)
                                         : peers.set_of(rule.cluster->peers, rule.cluster->action);
  }
  sets_ = peers.take();
}

/// Things parted from each other by sets of them.
class Parting {
 public:
  explicit Parting(std::uint32_t count) : part_of_(count, 0), sizes_{count} {}
  /// Parts those of a set from the others, and by fit. Members are there once; beyond the things they are
  /// none of ours.
  void by(const std::vector<ReachMember>& set) {
    const auto count = static_cast<std::uint32_t>(part_of_.size());
    const auto slot = [&](const ReachMember& m) {
      return std::size_t{part_of_[m.end]} * 2 + (m.fit == Fit::Yes ? 0 : 1);
    };
    hits_.resize(sizes_.size() * 2, 0);
    target_.resize(sizes_.size() * 2);
    std::vector<std::size_t> touched;
    for (const auto& m : set)
      if (m.end < count && hits_[slot(m)]++ == 0) touched.push_back(slot(m));
    for (const std::size_t at : touched) {
      const auto part = static_cast<std::uint32_t>(at / 2);
      target_[at] = part;
      if (hits_[at] != sizes_[part]) {
        sizes_[part] -= hits_[at];
        target_[at] = static_cast<std::uint32_t>(sizes_.size());
        sizes_.push_back(hits_[at]);
      }
      hits_[at] = 0;
    }
    for (const auto& m : set)
      if (m.end < count) part_of_[m.end] = target_[slot(m)];
  }
  [[nodiscard]] std::uint32_t operator[](std::uint32_t thing) const { return part_of_[thing]; }

 private:
  std::vector<std::uint32_t> part_of_, sizes_;
  std::vector<std::uint32_t> hits_, target_;  // by part and fit
};

// Groups that every rule treats alike, under the same policies, are one class.
void ReachClasses::join(const Groups& groups, const std::vector<NetAttachment>& attached, bool keep_all,
                        bool keep_members, const ReachMeshKeys* mesh) {
  const std::uint32_t count = groups.pods.size();
  const bool by_subject =
      std::any_of(rules_.begin(), rules_.end(), [](const auto& r) { return r.by_subject; });
  Parting matched(count);
  for (const auto& set : sets_) matched.by(set);
  ReachNumbers<const void*> pointer;
  ReachNumbers<Symbol> symbol;
  std::unordered_map<Tokens, std::uint32_t, ReachTokensHash> known, ports;
  std::vector<std::uint32_t> class_of_group(count);
  for (std::uint32_t g = 0; g < count; ++g) {
    const Pod& pod = cluster_.pod(groups.pods.pods()[g]);
    const NetAttachment& a = attached[g];
    Tokens tokens{matched[g]};
    const auto list = [&](const auto& policies) {
      tokens.push_back(UINT64_MAX);
      for (const auto* p : policies) tokens.push_back(pointer(p));
    };
    list(a.ingress);
    list(a.egress);
    list(a.admin);
    list(a.baseline);
    const auto profile =
        ports.emplace(groups.ports[g], static_cast<std::uint32_t>(ports.size())).first->second;
    tokens.push_back(profile);
    tokens.push_back(pod.ips.empty() ? 1 : 0);
    if (by_subject) tokens.push_back(symbol(pod.meta.key.ns));
    if (keep_all) {
      tokens.push_back(g);
    } else if (mesh != nullptr) {
      const ReachMeshEnd& end = mesh->end(groups.pods.pods()[g]);
      tokens.push_back(std::uint64_t{end.part} << 32U | end.point);
      tokens.push_back(static_cast<std::uint64_t>(end.dataplane));
    }
    const auto [at, added] = known.emplace(std::move(tokens), static_cast<std::uint32_t>(classes_.size()));
    if (added) classes_.push_back({groups.pods.pods()[g], a, pod.ips.empty(), profile});
    class_of_group[g] = at->second;
  }
  for (std::uint32_t i = 0; i < class_of_.size(); ++i)
    if (groups.of[i] != kNone) class_of_[i] = class_of_group[groups.of[i]];
  const auto classes = static_cast<std::uint32_t>(classes_.size());
  bits_.resize(sets_.size());
  // The last set, counted from 1, that an end is of; a class has one fit.
  std::vector<std::uint32_t> met(classes + ranges_.ranges().size(), 0);
  for (std::uint32_t s = 0; s < sets_.size(); ++s) {
    auto& members = sets_[s];
    const auto by_end = [](const ReachMember& a, const ReachMember& b) { return a.end < b.end; };
    std::size_t kept = 0;
    for (const auto& m : members) {
      const std::uint32_t end = m.end < count ? class_of_group[m.end] : classes + (m.end - count);
      if (std::exchange(met[end], s + 1) != s + 1) members[kept++] = {end, m.fit};
    }
    members.resize(kept);
    if (!std::is_sorted(members.begin(), members.end(), by_end))
      std::sort(members.begin(), members.end(), by_end);
    for (const auto& m : members) append_bit(m.fit == Fit::Yes ? bits_[s].sure : bits_[s].maybe, m.end);
    if (!keep_members) std::vector<ReachMember>().swap(members);
  }
  for (ReachRule& rule : rules_)
    if (rule.peers != UINT32_MAX) rule.members = sets_[rule.peers];
}

ReachClasses::ReachClasses(const model::Cluster& cluster, const CniProfile& profile, bool keep_identity,
                           model::Diagnostics& diagnostics, bool keep_labels)
    : ReachClasses(cluster, profile, keep_identity, nullptr, diagnostics, keep_labels) {}

ReachClasses::ReachClasses(const model::Cluster& cluster, const CniProfile& profile, ReachMeshKeys& mesh,
                           model::Diagnostics& diagnostics, bool keep_labels)
    : ReachClasses(cluster, profile, true, &mesh, diagnostics, keep_labels) {}

ReachClasses::ReachClasses(const model::Cluster& cluster, const CniProfile& profile, bool keep_identity,
                           ReachMeshKeys* mesh, model::Diagnostics& diagnostics, bool keep_labels)
    : cluster_(cluster),
      ranges_(all_blocks(cluster, keep_labels, mesh)),
      class_of_(cluster.pods().size(), kNone) {
  std::vector<Symbol> names = keep_labels ? declared_port_names(cluster) : all_port_names(cluster);
  Groups groups = group(profile, keep_identity, mesh, names);
  auto attached = attach_net_policies(cluster, groups.pods, &diagnostics);
  collect_rules(attached);
  // Names that only policies without a pod look up tell no pods apart.
  PortNames used;
  for (const auto& r : rules_) r.network != nullptr ? used.add(*r.network) : used.add(*r.cluster);
  if (auto fewer = used.take(); !keep_labels && fewer != names) {
    names = std::move(fewer);
    groups = group(profile, keep_identity, mesh, names);
    attached = attach_net_policies(cluster, groups.pods, nullptr);
  }
  resolve(groups, profile);
  if (mesh != nullptr) mesh->resolve(groups.pods.pods(), ranges_);
  const bool keep_members = keep_identity && mesh == nullptr;
  join(groups, attached, keep_members || keep_labels, keep_members, mesh);
  if (keep_labels) {
    pods_ = std::move(groups.pods);
    parts_ = std::move(groups.parts);
  }
}

std::vector<std::uint32_t> ReachClasses::sizes() const {
  std::vector<std::uint32_t> out(classes_.size(), 0);
  for (const std::uint32_t c : class_of_)
    if (c != kNone) ++out[c];
  return out;
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
