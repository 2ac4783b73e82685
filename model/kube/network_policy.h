#pragma once
// networking.k8s.io/v1 NetworkPolicy, as written. Absent and empty lists differ only where the API says so.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/base/ip.h"
#include "model/kube/label_selector.h"
#include "model/kube/workloads.h"

namespace waypath::model {

struct IpBlock {
  Cidr cidr;
  std::vector<Cidr> except;
  SourcePos pos;
};

struct NetworkPolicyPort {
  Protocol protocol = Protocol::Tcp;
  std::variant<std::monostate, std::uint16_t, Symbol> port;  // monostate: every port of the protocol
  std::optional<std::uint16_t> end_port;
  SourcePos pos;
};

struct NetworkPolicyPeer {
  std::optional<LabelSelector> pod_selector, namespace_selector;
  std::optional<IpBlock> ip_block;
  SourcePos pos;
};

struct NetworkPolicyRule {
  std::vector<NetworkPolicyPeer> peers;  // from / to; empty = all peers
  std::vector<NetworkPolicyPort> ports;  // empty = all ports
  SourcePos pos;
};

struct NetworkPolicy {
  ObjectMeta meta;
  LabelSelector pod_selector;
  bool types_given = false;                             // policyTypes present and not empty
  bool affects_ingress = true, affects_egress = false;  // effective policyTypes
  std::vector<NetworkPolicyRule> ingress, egress;
  SourcePos spec_pos;
};

}  // namespace waypath::model
