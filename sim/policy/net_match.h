#pragma once
// Whether the other end of a connection and its port fit a rule. Pure functions of the cluster, the rule and
// the connection.

#include <string>

#include "model/cluster.h"
#include "sim/cni_profile.h"
#include "sim/match/port_set.h"
#include "sim/policy/policy_evaluator.h"

namespace waypath::sim {

enum class Fit : std::uint8_t { No, Yes, Unknown };

/// A fit and, unless it is Yes, the difference in words: "namespace label team: wants a, has b".
struct FitResult {
  Fit fit = Fit::No;
  std::string detail;
};

/// The values compared; `explain` false leaves details out.
struct NetMatch {
  const model::Cluster& cluster;
  const CniProfile& profile;
  bool explain = false;

  [[nodiscard]] FitResult selector_pod(model::PodId pod, const model::LabelSelector* namespaces,
                                       const model::LabelSelector* pods, model::Symbol own_ns) const;
  /// network-policy.md 2.8.
  [[nodiscard]] FitResult block(const NetPeer& peer, const model::Cidr& cidr,
                                const std::vector<model::Cidr>& except) const;
  [[nodiscard]] FitResult peer(const NetPeer& other, const model::NetworkPolicyPeer& rule,
                               model::Symbol own_ns) const;
  [[nodiscard]] FitResult peers(const NetPeer& other, const model::NetworkPolicyRule& rule,
                                model::Symbol own_ns) const;
  [[nodiscard]] bool port(const model::NetworkPolicyPort& rule, model::Protocol protocol, std::uint16_t port,
                          const NetPeer& destination) const;
  [[nodiscard]] bool ports(const model::NetworkPolicyRule& rule, model::Protocol protocol, std::uint16_t port,
                           const NetPeer& destination) const;
  [[nodiscard]] FitResult peer(const NetPeer& subject, const NetPeer& other,
                               const model::ClusterPolicyPeer& rule) const;
  [[nodiscard]] bool ports(const model::ClusterPolicyRule& rule, model::Protocol protocol, std::uint16_t port,
                           const NetPeer& destination) const;

  /// Everything that `ports` says yes to for a destination; an invalid pod stands for an address that is no
  /// pod's.
  [[nodiscard]] PortSet port_set(const model::NetworkPolicyRule& rule, model::PodId destination) const;
  [[nodiscard]] PortSet port_set(const model::ClusterPolicyRule& rule, model::PodId destination) const;
};

/// `fn(number)` for every port that the pod's containers give this name and protocol: names are unique within
/// a container alone. Source: kubernetes pkg/apis/core/validation/validation.go validateContainerPorts;
/// kubernetes-sigs/kube-network-policies pkg/networkpolicy/networkpolicy.go evaluatePorts
template <class Fn>
void each_named_port(const model::Pod& pod, model::Symbol name, model::Protocol protocol, const Fn& fn) {
  for (const auto& container : pod.spec.containers)
    for (const auto& port : container.ports)
      if (port.name == name && !name.empty() && port.protocol == protocol) fn(port.port);
}

/// The peers of a cluster policy's rule together; `action` matters for peers of a newer API, which fail
/// closed.
[[nodiscard]] FitResult peers_fit(const NetMatch& match, const NetPeer& subject, const NetPeer& other,
                                  const model::ClusterPolicyRule& rule);

/// "TCP 9090, TCP 8080-8090, UDP dns"; "every port" for none.
[[nodiscard]] std::string ports_text(const model::NetworkPolicyRule& rule);

}  // namespace waypath::sim
