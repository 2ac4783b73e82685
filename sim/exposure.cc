#include "sim/exposure.h"

#include <algorithm>
#include <map>
#include <set>

#include "sim/resolve/hostname.h"
#include "sim/resolve/ingress.h"

namespace waypath::sim {

namespace {

using model::PodId;
using model::ServiceId;

void add_selector(std::unordered_set<model::Symbol>& keys, const model::LabelSelector& selector) {
  for (const model::SelectorRequirement& requirement : selector.requirements) keys.insert(requirement.key);
}
void add_selector(std::unordered_set<model::Symbol>& keys,
                  const std::optional<model::LabelSelector>& selector) {
  if (selector) add_selector(keys, *selector);
}

bool fits(const std::vector<std::pair<model::Symbol, model::Symbol>>& wanted, const model::Labels& labels) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& pair) {
    const model::Label* label = labels.find(pair.first);
    return label != nullptr && label->value == pair.second;
  });
}

bool has(const model::Labels& labels, std::string_view key, std::string_view value) {
  return labels.get(key) == value;
}

}  // namespace

bool AuthenticationPolicy::selects(const model::Labels& labels) const {
  return !attachment->selector || attachment->selector->matches(labels);
}

bool AuthenticationPolicy::selects_pod(const model::Pod& pod, model::Symbol root_namespace) const {
  return by_selector() && (meta->ns() == pod.meta.ns() || meta->ns() == root_namespace) &&
         selects(pod.meta.labels);
}

Exposure::Exposure(const model::Cluster& cluster) {
  const model::Snapshot& snapshot = cluster.snapshot();
  for (const auto& policy : snapshot.all<model::AuthorizationPolicy>()) {
    if (policy->action == model::AuthorizationAction::Custom && !policy->dry_run)
      authentication_.push_back({&policy->meta, &policy->attachment, true});
  }
  for (const auto& policy : snapshot.all<model::RequestAuthentication>())
    authentication_.push_back({&policy->meta, &policy->attachment, false});
  collect_keys(cluster);
  collect_gateways(cluster);
}

const std::vector<PodId>& Exposure::gateways_to(ServiceId service) const {
  static const std::vector<PodId> kNone;
  return service.valid() && service.index < gateways_.size() ? gateways_[service.index] : kNone;
}

std::string Exposure::address_class(const std::vector<model::IpAddress>& ips) const {
  std::string out;
  std::vector<std::size_t> holding;
  for (const model::IpAddress& ip : ips) {
    // Blocks nest or are disjoint: those that hold the address are one of them and all around it.
    const auto behind = std::upper_bound(blocks_.begin(), blocks_.end(), ip,
                                         [](const auto& a, const model::Cidr& b) { return a < b.network; });
    if (behind == blocks_.begin()) continue;
    holding.clear();
    for (auto i = static_cast<std::size_t>(behind - blocks_.begin()) - 1;; i = around_[i]) {
      if (!holding.empty() || blocks_[i].contains(ip)) holding.push_back(i);
      if (around_[i] == i) break;
    }
    for (auto i = holding.rbegin(); i != holding.rend(); ++i) out += "/" + std::to_string(*i);
  }
  return out;
}

std::string Exposure::trait(const model::Pod& pod) const {
  std::string out = address_class(pod.ips);
  for (const model::Label& label : pod.meta.labels.all())
    if (label_matters(label.key))
      out.append("|").append(label.key.view()).append("=").append(label.value.view());
  return out;
}

// Keys that some selector reads. Keys outside this set cannot change a verdict.
void Exposure::collect_keys(const model::Cluster& cluster) {
  const model::Snapshot& snapshot = cluster.snapshot();
  auto& keys = selector_keys_;
  std::vector<model::Cidr> blocks;
  for (const auto& policy : snapshot.all<model::NetworkPolicy>()) {
    add_selector(keys, policy->pod_selector);
    for (const auto* rules : {&policy->ingress, &policy->egress}) {
      for (const model::NetworkPolicyRule& rule : *rules) {
        for (const model::NetworkPolicyPeer& peer : rule.peers) {
          add_selector(keys, peer.pod_selector);
          if (!peer.ip_block) continue;
          blocks.push_back(peer.ip_block->cidr);
          blocks.insert(blocks.end(), peer.ip_block->except.begin(), peer.ip_block->except.end());
        }
      }
    }
  }
  for (const auto& policy : snapshot.all<model::ClusterPolicy>()) {
    add_selector(keys, policy->subject.pod_selector);
    for (const auto* rules : {&policy->ingress, &policy->egress}) {
      for (const model::ClusterPolicyRule& rule : *rules) {
        for (const model::ClusterPolicyPeer& peer : rule.peers) {
          if (peer.pods) {
            add_selector(keys, peer.pods->pod_selector);
            for (const auto* list : {&peer.pods->same_labels, &peer.pods->not_same_labels})
              keys.insert(list->begin(), list->end());
          }
          blocks.insert(blocks.end(), peer.networks.begin(), peer.networks.end());
        }
      }
    }
  }
  for (const auto& policy : snapshot.all<model::AuthorizationPolicy>())
    add_selector(keys, policy->attachment.selector);
  for (const auto& policy : snapshot.all<model::RequestAuthentication>())
    add_selector(keys, policy->attachment.selector);
  for (const auto& policy : snapshot.all<model::PeerAuthentication>()) add_selector(keys, policy->selector);
  for (const auto& policy : snapshot.all<model::Sidecar>()) add_selector(keys, policy->workload_selector);
  for (const auto& policy : snapshot.all<model::UnmodelledPolicy>()) add_selector(keys, policy->selector);
  for (const auto& rule : snapshot.all<model::DestinationRule>()) {
    add_selector(keys, rule->workload_selector);
    for (const model::DestinationRule::Subset& subset : rule->subsets) {
      for (const auto& [key, value] : subset.labels) keys.insert(key);
    }
  }
  for (const auto& gateway : snapshot.all<model::IstioGateway>()) {
    for (const auto& [key, value] : gateway->selector) keys.insert(key);
  }
  for (const auto& service : snapshot.all<model::Service>()) {
    for (const auto& [key, value] : service->selector) keys.insert(key);
  }
  for (const std::string_view key : {"istio.io/use-waypoint", "istio.io/use-waypoint-namespace",
                                     "istio.io/dataplane-mode", "gateway.networking.k8s.io/gateway-name"})
    keys.insert(model::intern(key));
  std::sort(blocks.begin(), blocks.end(), [](const model::Cidr& a, const model::Cidr& b) {
    return a.network != b.network ? a.network < b.network : a.prefix < b.prefix;
  });
  blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
  blocks_ = std::move(blocks);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    // Those that hold this one hold what stands before it, too, or are it.
    std::size_t outer = i == 0 ? i : i - 1;
    while (outer != i && !blocks_[outer].contains(blocks_[i]))
      outer = around_[outer] == outer ? i : around_[outer];
    around_.push_back(outer);
  }
}

void Exposure::collect_gateways(const model::Cluster& cluster) {
  const model::Snapshot& snapshot = cluster.snapshot();
  gateways_.resize(cluster.services().size());
  std::map<std::string, std::vector<ServiceId>> by_host;
  for (std::size_t i = 0; i < cluster.services().size(); ++i)
    by_host[cluster.services()[i].host].push_back(ServiceId{static_cast<std::uint32_t>(i)});
  const auto add = [&](const std::string& host, const std::vector<PodId>& pods) {
    const auto it = by_host.find(host);
    if (it == by_host.end()) return;
    for (const ServiceId service : it->second)
      gateways_[service.index].insert(gateways_[service.index].end(), pods.begin(), pods.end());
  };
  // Istio Gateways: their pods by selector, in any namespace.
  std::map<std::string, std::vector<PodId>> istio_gateways;
  for (const auto& gateway : snapshot.all<model::IstioGateway>()) {
    std::vector<PodId>& pods = istio_gateways[gateway->meta.ns().str() + "/" + gateway->meta.name().str()];
    if (gateway->selector.empty()) continue;
    for (std::uint32_t i = 0; i < cluster.pods().size(); ++i) {
      if (fits(gateway->selector, cluster.pods()[i]->meta.labels)) pods.push_back(PodId{i});
    }
  }
  for (const auto& vs : snapshot.all<model::VirtualService>()) {
    std::vector<PodId> pods;
    for (const std::string& name : vs->gateways) {
      if (name == "mesh") continue;
      const std::string full = name.find('/') != std::string::npos ? name : vs->meta.ns().str() + "/" + name;
      const auto it = istio_gateways.find(full);
      if (it != istio_gateways.end()) pods.insert(pods.end(), it->second.begin(), it->second.end());
    }
    if (pods.empty()) continue;
    for (const model::VsHttpRoute& route : vs->http) {
      for (const model::VsDestination& destination : route.route)
        add(resolve_short_host(destination.host, vs->meta.ns().view(), cluster.mesh().cluster_domain), pods);
    }
  }
  for (const auto& route : snapshot.all<model::HttpRoute>()) {
    std::vector<PodId> pods;
    for (const model::ParentRef& parent : route->parents) {
      if (parent.kind != "Gateway") continue;
      const auto* gateway = snapshot.find<model::Gateway>(parent.ns.view(), parent.name.view());
      if (gateway == nullptr || is_waypoint(cluster, *gateway)) continue;
      const std::vector<PodId> own = gateway_pods(cluster, *gateway);
      pods.insert(pods.end(), own.begin(), own.end());
    }
    if (pods.empty()) continue;
    for (const model::HttpRouteRule& rule : route->rules) {
      for (const model::BackendRef& backend : rule.backends) {
        if (backend.kind == "Service") add(cluster.host_of(backend.ns, backend.name), pods);
      }
    }
  }
  for (const auto& ingress : snapshot.all<model::Ingress>()) {
    if (ingress->meta.key.kind == std::string_view("Route")) continue;  // OpenShift's router serves it
    std::vector<PodId> pods;
    for (std::uint32_t i = 0; i < cluster.pods().size(); ++i) {
      if (has(cluster.pods()[i]->meta.labels, "istio", ingress_pod_label(cluster.mesh())))
        pods.push_back(PodId{i});
    }
    for (const model::IngressRule& rule : ingress->rules) {
      for (const model::IngressPath& path : rule.paths)
        add(cluster.host_of(ingress->meta.ns(), path.backend.service), pods);
    }
  }
  for (std::vector<PodId>& pods : gateways_) {
    std::sort(pods.begin(), pods.end());
    pods.erase(std::unique(pods.begin(), pods.end()), pods.end());
  }
}

}  // namespace waypath::sim
