#include "scenarios/client_classes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "model/istio/networking.h"
#include "model/istio/security.h"
#include "model/kube/cluster_policy.h"
#include "model/kube/network_policy.h"
#include "model/kube/services.h"
#include "scenarios/flow_enumeration.h"
#include "sim/exposure.h"
#include "sim/policy/authorization_rule.h"
#include "sim/reach/classes.h"
#include "sim/reach/ranges.h"
#include "sim/resolve/interception.h"
#include "sim/topology.h"

namespace waypath::scenarios {
namespace {

using model::PodId;
using Key = std::vector<std::string>;

/// What can tell two senders apart, worked out once for a cluster.
class Traits {
 public:
  explicit Traits(const sim::Engine& engine)
      : engine_(engine),
        cluster_(engine.cluster()),
        network_(cluster_, sim::cni_profile(engine.options()), false, quiet_) {
    for (const auto& policy : cluster_.snapshot().all<model::AuthorizationPolicy>())
      for (const auto& rule : policy->rules) {
        for (const auto& source : rule.from)
          for (auto& c : sim::compile_source(cluster_, *policy, source)) keep(std::move(c));
        for (const auto& when : rule.when) keep(sim::compile_when(cluster_, *policy, when));
      }
    for (const auto& route : cluster_.snapshot().all<model::VirtualService>()) {
      if (!route->export_to.empty()) by_namespace_ = true;
      for (const auto& http : route->http)
        for (const auto& match : http.matches)
          by_labels_ = by_labels_ || !match.source_labels.empty() || !match.source_namespace.empty();
      for (const auto* list : {&route->tls, &route->tcp})
        for (const auto& l4 : *list)
          for (const auto& match : l4.matches)
            by_labels_ = by_labels_ || !match.source_labels.empty() || !match.source_namespace.empty();
    }
    for (const auto& service : cluster_.snapshot().all<model::Service>())
      by_node_ = by_node_ || service->internal_local;
  }

  // Network policies, identity, capture; a sidecar also has routes of its own.
  [[nodiscard]] Key of(PodId id) const {
    const model::Pod& pod = cluster_.pod(id);
    const sim::Capture& c = engine_.topology().capture(id);
    Key key{std::to_string(network_.class_of(id)), std::to_string(static_cast<int>(c.dataplane)),
            pod.spec.dns_policy,
            fmt::format("{}{}{}{}", c.proxy_captured, c.dns_capture, c.sidecar_hbone, c.host_network)};
    key.insert(key.end(), c.missing_facts.begin(), c.missing_facts.end());
    if (by_node_ || c.host_network) {
      const auto node = cluster_.node_of(id);
      key.push_back(node ? cluster_.node_names()[node->index] : "");
    }
    const bool sidecar = c.dataplane == sim::Dataplane::Sidecar;
    if (sidecar || by_namespace_ || by_labels_) key.push_back(pod.meta.ns().str());
    if (sidecar) {
      key.push_back(sim::inbound_exceptions(pod));
      key.push_back(sim::outbound_exceptions(pod));
    }
    if (sidecar || by_labels_)
      for (const auto& label : pod.meta.labels.all())
        if (engine_.exposure().label_matters(label.key) || by_labels_)
          key.push_back(label.key.str() + "=" + label.value.str());
    key.push_back(engine_.exposure().address_class(pod.ips));
    key.push_back(identity_bits(id));
    return key;
  }

  // What policies and waypoint bindings can see of a pod that is asked.
  [[nodiscard]] Key of_target(PodId id) const {
    const model::Pod& pod = cluster_.pod(id);
    Key key = of(id);
    key.push_back(pod.meta.ns().str());
    key.push_back(engine_.exposure().trait(pod));
    const auto node = cluster_.node_of(id);
    key.push_back(node ? cluster_.node_names()[node->index] : "");
    for (const auto service : cluster_.services_of_pod(id)) key.push_back(std::to_string(service.index));
    key.push_back(cluster_.pod_ready(id) ? "ready" : "");
    key.push_back(pod.ips.empty() ? "no address" : "");
    return key;
  }

 private:
  void keep(sim::Condition condition) {
    switch (condition.attribute) {
      case sim::Attribute::Principal:
      case sim::Attribute::Namespace:
      case sim::Attribute::ServiceAccount:
      case sim::Attribute::TrustDomain:
        identity_.push_back(std::move(condition));
        return;
      default:
        return;
    }
  }

  // Which conditions on the peer the pod's identity fits, in either dialect.
  [[nodiscard]] std::string identity_bits(PodId id) const {
    sim::RequestState state;
    const auto plane = engine_.topology().capture(id).dataplane;
    if (plane != sim::Dataplane::None) state.peer = sim::identity_of(cluster_, id);
    std::string bits;
    const sim::PolicyRequest request(state, cluster_.mesh().path_normalization, false);
    for (const auto& c : identity_)
      for (const auto dialect : {sim::Dialect::EnvoyHttp, sim::Dialect::Ztunnel})
        bits += static_cast<char>('0' + static_cast<int>(sim::match_condition(c, dialect, request, nullptr)));
    return bits;
  }

  const sim::Engine& engine_;
  const model::Cluster& cluster_;
  model::Diagnostics quiet_;
  sim::ReachClasses network_;
  std::vector<sim::Condition> identity_;
  bool by_namespace_ = false, by_labels_ = false, by_node_ = false;
};

std::string about(const sim::Capture& c) {
  if (!c.missing_facts.empty()) return "capture not decided";
  switch (c.dataplane) {
    case sim::Dataplane::Ambient:
      return "ambient";
    case sim::Dataplane::Sidecar:
      return "sidecar";
    case sim::Dataplane::None:
      return c.host_network ? "hostNetwork" : "not in the mesh";
    case sim::Dataplane::Gateway:
    case sim::Dataplane::Waypoint:
      return "proxy";
  }
  return {};
}

void add_workloads(const sim::Engine& engine, const std::vector<PodId>& targets, bool own,
                   std::vector<ClientClass>& out) {
  const auto& cluster = engine.cluster();
  const Traits traits(engine);
  std::set<std::string> senders;
  for (const auto& client : enumerate_clients(cluster)) senders.insert(client.text);
  const auto is_target = [&](PodId id) { return std::binary_search(targets.begin(), targets.end(), id); };
  std::map<Key, std::size_t> known;
  std::vector<std::set<std::string>> members;
  std::vector<std::vector<PodId>> pods;
  std::map<std::string, std::size_t> classes_of_workload;
  for (std::uint32_t i = 0; i < cluster.pods().size(); ++i) {
    const PodId id{i};
    const std::string name = client_name(cluster.pod(id));
    if (!senders.contains(name)) continue;
    const auto [at, fresh] = known.emplace(traits.of(id), pods.size());
    if (fresh) {
      pods.emplace_back();
      members.emplace_back();
    }
    pods[at->second].push_back(id);
    if (members[at->second].insert(name).second) ++classes_of_workload[name];
  }
  const auto add = [&](std::size_t i, PodId stands, std::vector<std::string> names) {
    const model::Pod& pod = cluster.pod(stands);
    ClientClass one;
    one.pod = stands;
    // A workload whose pods are of several classes is named by one of its pods.
    const std::string name = client_name(pod);
    const bool all = std::all_of(pods[i].begin(), pods[i].end(), is_target);
    const bool mixed =
        (!all && std::any_of(pods[i].begin(), pods[i].end(), is_target)) || classes_of_workload[name] > 1;
    one.from = mixed ? pod.meta.ns().str() + "/" + pod.meta.name().str() : name;
    const sim::Capture& capture = engine.topology().capture(stands);
    one.about = about(capture);
    // Source: kubernetes.io/docs/concepts/services-networking/dns-pod-service (dnsPolicy)
    const auto& dns = pod.spec.dns_policy;
    one.cluster_dns =
        dns != "Default" && dns != "None" && (!pod.spec.host_network || dns == "ClusterFirstWithHostNet");
    if (capture.dataplane != sim::Dataplane::None) one.identity = sim::identity_of(cluster, stands).principal;
    one.members = std::move(names);
    out.push_back(std::move(one));
  };
  for (std::size_t i = 0; i < pods.size(); ++i) {
    std::vector<std::string> names(members[i].begin(), members[i].end());
    const auto other = std::find_if(pods[i].begin(), pods[i].end(), [&](PodId id) { return !is_target(id); });
    if (other != pods[i].end()) {
      add(i, *other, std::move(names));
      continue;
    }
    if (!own) continue;  // X itself
    const std::string first = client_name(cluster.pod(pods[i].front()));
    const auto second = std::find_if(pods[i].begin(), pods[i].end(),
                                     [&](PodId id) { return client_name(cluster.pod(id)) != first; });
    add(i, pods[i].front(), {first});
    std::erase(names, first);
    if (second != pods[i].end()) add(i, *second, std::move(names));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.from < b.from; });
}

// ---- the outside ----

void add_values(std::vector<model::Cidr>& out, const model::PolicyValues& values) {
  for (const auto& value : values)
    if (const auto block = model::parse_cidr_or_ip(value.text)) out.push_back(*block);
}

// Every block that some policy or load balancer compares a client's address with.
std::vector<model::Cidr> blocks_of(const model::Cluster& cluster) {
  std::vector<model::Cidr> out;
  const auto& snapshot = cluster.snapshot();
  for (const auto& policy : snapshot.all<model::NetworkPolicy>())
    for (const auto& rule : policy->ingress)
      for (const auto& peer : rule.peers) {
        if (!peer.ip_block) continue;
        out.push_back(peer.ip_block->cidr);
        out.insert(out.end(), peer.ip_block->except.begin(), peer.ip_block->except.end());
      }
  for (const auto& policy : snapshot.all<model::AuthorizationPolicy>())
    for (const auto& rule : policy->rules) {
      for (const auto& s : rule.from)
        for (const auto* list :
             {&s.ip_blocks, &s.not_ip_blocks, &s.remote_ip_blocks, &s.not_remote_ip_blocks})
          add_values(out, *list);
      for (const auto& when : rule.when)
        if (when.key == "source.ip" || when.key == "remote.ip") {
          add_values(out, when.values);
          add_values(out, when.not_values);
        }
    }
  for (const auto& service : snapshot.all<model::Service>())
    out.insert(out.end(), service->load_balancer_source_ranges.begin(),
               service->load_balancer_source_ranges.end());
  return out;
}

void add_outside(const model::Cluster& cluster, std::vector<ClientClass>& out) {
  const auto blocks = blocks_of(cluster);
  // Source: RFC 5737 (203.0.113.0/24 stands for any public address)
  for (const auto& ip : outside_addresses(cluster, blocks, *model::parse_ip("203.0.113.9"))) {
    const model::Cidr* narrowest = nullptr;
    for (const auto& block : blocks)
      if (block.contains(ip) && (narrowest == nullptr || block.prefix > narrowest->prefix))
        narrowest = &block;
    ClientClass one;
    one.kind = ClientClass::Kind::Outside;
    one.from = "internet";
    one.source_ip = ip;
    one.about = "outside the cluster";
    one.members = {narrowest == nullptr || narrowest->prefix == 0 ? "any other address"
                                                                  : "in " + narrowest->str()};
    out.push_back(std::move(one));
  }
}

void add_nodes(const model::Cluster& cluster, const std::vector<PodId>& targets,
               std::vector<ClientClass>& out) {
  std::set<std::uint32_t> own;
  for (const auto id : targets)
    if (const auto node = cluster.node_of(id)) own.insert(node->index);
  bool with = false, without = false;
  for (std::uint32_t i = 0; i < cluster.node_names().size(); ++i) {
    bool& done = own.contains(i) ? with : without;
    if (done) continue;
    done = true;
    ClientClass one;
    one.kind = ClientClass::Kind::Node;
    one.from = "node/" + cluster.node_names()[i];
    one.cluster_dns = false;
    one.about = own.contains(i) ? "the target's own node" : "another node";
    one.members = {one.from};
    out.push_back(std::move(one));
  }
}

}  // namespace

std::vector<ClientClass> client_classes(const sim::Engine& engine, const std::vector<PodId>& targets,
                                        bool own) {
  std::vector<ClientClass> out;
  add_workloads(engine, targets, own, out);
  add_outside(engine.cluster(), out);
  add_nodes(engine.cluster(), targets, out);
  return out;
}

std::vector<model::IpAddress> outside_addresses(const model::Cluster& cluster,
                                                const std::vector<model::Cidr>& blocks,
                                                const model::IpAddress& first) {
  const auto inside = [&](const model::IpAddress& ip) {
    return cluster.pod_by_ip(ip).valid() || cluster.node_by_ip(ip).valid() ||
           !cluster.services_by_vip(ip).empty() ||
           std::any_of(cluster.pod_cidrs().begin(), cluster.pod_cidrs().end(),
                       [&](const auto& c) { return c.contains(ip); });
  };
  // Cut at the pods' own blocks, too: what lies beside them in a block is outside.
  std::vector<model::Cidr> cuts = blocks;
  cuts.insert(cuts.end(), cluster.pod_cidrs().begin(), cluster.pod_cidrs().end());
  std::vector<model::IpAddress> tried{first};
  const sim::AddressPartition partition(cuts);
  for (const auto& range : partition.ranges()) {
    // Nobody beyond a router has these (169.254.7.127 is how ambient marks a node's own processes).
    const auto& low = range.low;
    const bool link_local =
        low.is_v4() ? (low.to_v4().to_uint() >> 16U) == 0xA9FEU : low.to_v6().is_link_local();
    if (low.is_unspecified() || low.is_loopback() || low.is_multicast() || link_local) continue;
    tried.push_back(low);
  }
  std::vector<model::IpAddress> out;
  std::set<std::vector<bool>> known;
  for (const auto& ip : tried) {
    if (inside(ip)) continue;
    std::vector<bool> bits;
    for (const auto& block : blocks) bits.push_back(block.contains(ip));
    if (known.insert(bits).second) out.push_back(ip);
  }
  return out;
}

std::vector<PodId> target_classes(const sim::Engine& engine, const std::vector<PodId>& pods) {
  const Traits traits(engine);
  std::set<Key> known;
  std::vector<PodId> out;
  for (const auto id : pods)
    if (known.insert(traits.of_target(id)).second) out.push_back(id);
  return out;
}

}  // namespace waypath::scenarios
