#include "sim/resolve/not_given.h"

#include <algorithm>

namespace waypath::sim {

namespace {

using model::Symbol;

template <class... Ts>
bool holds(const model::Snapshot& snapshot, Symbol ns, model::TypeList<Ts...> /*kinds*/) {
  const auto any = [&](const auto& all) {
    return std::any_of(all.begin(), all.end(), [&](const auto& object) { return object->meta.key.ns == ns; });
  };
  return (any(snapshot.all<Ts>()) || ...);
}

/// Kinds of which one object shows that what runs in its namespace is given. Policies and routes are written
/// for namespaces that stand elsewhere.
using Telling = model::TypeList<model::Workload, model::ServiceAccount, model::ConfigMap, model::Service,
                                model::EndpointSlice, model::Gateway, model::IstioGateway,
                                model::ServiceEntry, model::UnmodelledPolicy>;

bool names(const model::NetworkPolicyRule& rule, Symbol ns) {
  return std::any_of(rule.peers.begin(), rule.peers.end(), [&](const model::NetworkPolicyPeer& peer) {
    if (!peer.namespace_selector) return false;
    const auto& wanted = peer.namespace_selector->requirements;
    return std::any_of(wanted.begin(), wanted.end(), [&](const model::SelectorRequirement& r) {
      return r.op == model::SelectorOperator::In &&
             r.key == std::string_view("kubernetes.io/metadata.name") &&
             std::find(r.values.begin(), r.values.end(), ns) != r.values.end();
    });
  });
}

}  // namespace

// kube-node-lease is the API server's own: nobody writes it, so where it is given the namespaces are those
// that a cluster listed. Source: kubernetes pkg/controlplane/controller/systemnamespaces
bool namespace_told(const model::Cluster& cluster, Symbol ns) {
  return cluster.find_namespace(ns) != nullptr || !cluster.pods_in(ns).empty() ||
         cluster.find_namespace(model::intern("kube-node-lease")) != nullptr ||
         holds(cluster.snapshot(), ns, Telling{});
}

// A top-level domain is alphabetic, or an A-label of IDNA. Source: RFC 1123 2.1; RFC 5890 2.3.2.1
bool surely_namespace(const model::Cluster& cluster, Symbol ns) {
  const std::string_view name = ns.view();
  for (const std::string_view made : {"default", "kube-system", "kube-public", "kube-node-lease"})
    if (name == made) return true;
  const bool alphabetic = std::all_of(
      name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  if (!alphabetic && name.substr(0, 4) != "xn--") return true;
  const auto all = cluster.snapshot().all<model::NetworkPolicy>();
  return std::any_of(all.begin(), all.end(), [&](const auto& policy) {
    return std::any_of(policy->egress.begin(), policy->egress.end(),
                       [&](const auto& rule) { return names(rule, ns); }) ||
           std::any_of(policy->ingress.begin(), policy->ingress.end(),
                       [&](const auto& rule) { return names(rule, ns); });
  });
}

}  // namespace waypath::sim
