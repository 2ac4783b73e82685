#include "tests/sim/policy_edits.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

namespace waypath::tests::netpol {
namespace {

std::string namespaces_text(Dice& d) {
  switch (d.roll(4)) {
    case 0:
      return "{}";
    case 1:
      return "{matchLabels: {team: red}}";
    case 2:
      return "{matchExpressions: [{key: team, operator: Exists}]}";
    default:
      return fmt::format("{{matchLabels: {{kubernetes.io/metadata.name: n{}}}}}", d.roll(3));
  }
}

std::string pods_text(Dice& d) {
  return fmt::format("{{namespaceSelector: {}, podSelector: {{matchLabels: {{app: {}}}}}}}",
                     namespaces_text(d), d.pick(std::vector<std::string>{"a", "b", "c"}));
}

const std::vector<std::string> kBlocks{"10.0.0.0/8",      "10.0.1.0/28",  "10.0.0.8/29",    "10.0.2.2/32",
                                       "198.51.100.0/24", "192.0.2.0/24", "192.0.2.128/25", "0.0.0.0/0",
                                       "2001:db8::/32",   "::/0"};

std::string draw_cluster_policy(Dice& d, const std::string& name) {
  const bool baseline = name == "default";
  std::string out = fmt::format(
      "---\napiVersion: policy.networking.k8s.io/v1alpha1\nkind: {}\nmetadata: {{name: {}}}\nspec:\n{}"
      "  subject: {}\n",
      baseline ? "BaselineAdminNetworkPolicy" : "AdminNetworkPolicy", name,
      baseline ? std::string() : fmt::format("  priority: {}\n", d.roll(4)),
      d.coin() ? "{namespaces: " + namespaces_text(d) + "}" : "{pods: " + pods_text(d) + "}");
  for (const bool egress : {false, true}) {
    out += egress ? "  egress:\n" : "  ingress:\n";
    for (std::size_t i = 1 + d.roll(2); i > 0; --i) {
      std::string peer;
      bool of_pods = true;
      switch (d.roll(egress ? 6 : 3)) {
        case 0:
          peer = "{namespaces: " + namespaces_text(d) + "}";
          break;
        case 1:
          peer = "{pods: " + pods_text(d) + "}";
          break;
        case 2:
          peer = fmt::format("{{namespaces: {{{}: [team]}}}}", d.coin() ? "sameLabels" : "notSameLabels");
          break;
        case 3:
          peer = "{nodes: {matchLabels: {zone: one}}}";
          of_pods = false;
          break;
        default:
          peer = "{networks: [" + d.pick(kBlocks) + "]}";
          of_pods = false;
      }
      const std::string action = d.pick(baseline ? std::vector<std::string>{"Allow", "Deny"}
                                                 : std::vector<std::string>{"Allow", "Deny", "Deny", "Pass"});
      // Names of ports are for pods alone.
      const std::string ports = d.pick(std::vector<std::string>{
          "", ", ports: [{portNumber: {protocol: TCP, port: 80}}]",
          ", ports: [{portRange: {protocol: TCP, start: 50, end: 9000}}]",
          of_pods ? ", ports: [{namedPort: web}]" : ", ports: [{portNumber: {protocol: UDP, port: 53}}]"});
      out += fmt::format("  - {{action: {}, {}: [{}]{}}}\n", action, egress ? "to" : "from", peer, ports);
    }
  }
  return out;
}

Rule draw_any_rule(Dice& d) {
  auto out = draw_rule(d);
  for (auto& peer : out.peers)
    if (peer.block && d.coin()) peer.block = Block{d.pick(kBlocks), {}};
  return out;
}

}  // namespace

// Replicas have addresses of their own; some pods have none.
Input draw_input(Dice& d) {
  Input out;
  out.world = draw(d);
  const auto pods = out.world.pods;
  for (const auto& pod : pods)
    for (int copy = 1; copy < 3; ++copy) {
      auto one = pod;
      one.name += fmt::format("-{}", copy);
      one.ip = pod.ip + std::to_string(copy);
      out.world.pods.push_back(std::move(one));
    }
  for (const auto& pod : out.world.pods)
    if (d.one_in(8)) out.no_address.insert(pod.ip);
  for (const char* name : {"first", "second", "default"})
    if (d.one_in(3)) out.cluster[name] = draw_cluster_policy(d, name);
  out.more =
      "---\napiVersion: v1\nkind: Node\nmetadata: {name: w1, labels: {zone: one}}\n"
      "status: {addresses: [{type: InternalIP, address: 198.18.0.1}]}\n";
  return out;
}

std::string text_of(const Input& input) {
  std::string out = yaml(input.world) + input.more;
  for (const auto& ip : input.no_address) {
    const std::string status = fmt::format("podIP: {0}, podIPs: [{{ip: {0}}}], ", ip);
    const auto at = out.find(status);
    REQUIRE(at != std::string::npos);
    out.erase(at, status.size());
  }
  for (const auto& [name, policy] : input.cluster) out += policy;
  return out;
}

void edit_network_policy(Dice& d, World& world) {
  auto& policies = world.policies;
  if (policies.empty() || d.one_in(4)) {
    policies.push_back(draw_policy(d, fmt::format("added-{}", policies.size())));
    auto& rules = d.coin() ? policies.back().ingress : policies.back().egress;
    if (!rules) rules.emplace();
    rules->push_back(draw_any_rule(d));
    return;
  }
  auto& policy = policies[d.roll(policies.size())];
  auto& rules = d.coin() ? policy.ingress : policy.egress;
  switch (d.roll(5)) {
    case 0:
      policies.erase(policies.begin() + (&policy - policies.data()));
      return;
    case 1:
      policy.pods = draw_policy(d, "").pods;
      return;
    case 2:
      policy.types = {"Ingress", "Egress"};
      return;
    case 3:
      if (rules && !rules->empty()) {
        rules->front().ports = draw_any_rule(d).ports;
        return;
      }
      [[fallthrough]];
    default:
      if (!rules) rules.emplace();
      if (rules->empty())
        rules->push_back(draw_any_rule(d));
      else
        rules->front().peers = draw_any_rule(d).peers;
  }
}

void edit_cluster_policy(Dice& d, ClusterPolicies& policies) {
  const std::string name = d.pick(std::vector<std::string>{"first", "second", "default"});
  if (policies.count(name) != 0 && d.one_in(3))
    policies.erase(name);
  else
    policies[name] = draw_cluster_policy(d, name);
}

}  // namespace waypath::tests::netpol
