#include "sim/policy/refusal_code.h"

#include <algorithm>
#include <array>

#include "sim/reasons/netpol.h"

namespace waypath::sim {

bool admits_inner(const NetMatch& match, const Connection& connection, const model::NetworkPolicyRule& rule) {
  const std::array app_ports{connection.inner_port, connection.target_port};
  return connection.hbone && std::any_of(app_ports.begin(), app_ports.end(), [&](std::uint16_t app_port) {
           return app_port != 0 && match.ports(rule, connection.protocol, app_port, connection.destination);
         });
}

bool meant_for_outside(const NetPeer& other, const model::NetworkPolicyRule& rule) {
  return other.pod.valid() && !rule.peers.empty() &&
         std::all_of(rule.peers.begin(), rule.peers.end(),
                     [](const auto& p) { return p.ip_block.has_value(); });
}

Code refusal_code(Direction direction, bool port_missed, bool hbone) {
  const bool egress = direction == Direction::Egress;
  if (!port_missed) return egress ? kNetpolEgressDefaultDeny : kNetpolIngressDefaultDeny;
  if (hbone) return egress ? kNetpolEgressHbonePort : kNetpolIngressHbonePort;
  return egress ? kNetpolEgressPort : kNetpolIngressPort;
}

Code refusal_code(const NetMatch& match, const Connection& connection, Direction direction,
                  const std::vector<const model::NetworkPolicy*>& policies) {
  const bool egress = direction == Direction::Egress;
  const NetPeer& other = egress ? connection.destination : connection.source;
  bool port_missed = false;
  for (const auto* policy : policies)
    for (const auto& rule : egress ? policy->egress : policy->ingress) {
      if (match.peers(other, rule, policy->meta.key.ns).fit != Fit::Yes) continue;
      if (admits_inner(match, connection, rule)) return refusal_code(direction, true, true);
      port_missed = port_missed || !meant_for_outside(other, rule);
    }
  return refusal_code(direction, port_missed, false);
}

}  // namespace waypath::sim
