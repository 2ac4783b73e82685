// NetworkPolicies, by shares or by scale code, and AdminNetworkPolicies.

#include <fmt/format.h>

#include <algorithm>

#include "bench/gen/objects.h"
#include "bench/gen/random.h"

namespace waypath::gen {
namespace {

Json labels_in(std::string_view key, int first, int count, const std::function<std::string(int)>& value) {
  Json values = Json::array();
  for (int i = 0; i < count; ++i) values.push_back(value(first + i));
  return {
      {"matchExpressions", Json::array({{{"key", key}, {"operator", "In"}, {"values", std::move(values)}}})}};
}

Json block(Random& random) {
  // Private blocks of other sites and public ones, some with a hole.
  const int a = random.chance(0.5) ? 172 : 198 + random.below(5), b = 16 + random.below(16),
            c = random.below(256);
  Json out{{"cidr", fmt::format("{}.{}.0.0/16", a, b)}};
  if (random.chance(0.25)) {
    out["except"] = {fmt::format("{}.{}.{}.0/24", a, b, c)};
  } else if (random.chance(0.5)) {
    out["cidr"] = fmt::format("{}.{}.{}.0/24", a, b, c);
  }
  return {{"ipBlock", std::move(out)}};
}

class PolicyShape {
 public:
  PolicyShape(const Layout& layout, int ns, int policy)
      : layout_(layout),
        p_(layout.parameters()),
        ns_(ns),
        policy_(policy),
        random_(p_.seed, {number(Stream::NetworkPolicy), static_cast<std::uint64_t>(policy)}) {}

  Json spec() { return p_.scale ? by_scale(*p_.scale) : by_shares(); }

 private:
  Json by_shares() {
    const bool egress = random_.chance(0.25), ingress = !egress || random_.chance(0.4);
    Json out{{"podSelector", subject()}, {"policyTypes", Json::array()}};
    for (const bool incoming : {true, false}) {
      if (!(incoming ? ingress : egress)) continue;
      Json rules = Json::array();
      for (int i = 0; i < p_.rules; ++i) rules.push_back(rule(incoming));
      if (!rules.empty()) out[incoming ? "ingress" : "egress"] = std::move(rules);
      out["policyTypes"].push_back(incoming ? "Ingress" : "Egress");
    }
    return out;
  }

  Json subject() {
    if (in_share(policy_, p_.ineffective_share))
      return {{"matchLabels", {{"app", fmt::format("retired-{}", policy_ % 50)}}}};
    if (random_.chance(0.08)) return Json::object();
    const int workload = any_workload(ns_);
    if (p_.labels > 0 && random_.chance(0.25))
      return {{"matchLabels", {{"tier", label_value(layout_, workload, 0)}}}};
    return {{"matchLabels", {{"app", layout_.workload_name(workload)}}}};
  }

  Json rule(bool incoming) {
    Json out = Json::object();
    Json peers = Json::array();
    for (int i = 0; i < p_.peers; ++i) peers.push_back(peer());
    if (!peers.empty()) out[incoming ? "from" : "to"] = std::move(peers);
    if (random_.chance(p_.all_ports_share) || p_.ports == 0) return out;
    Json ports = Json::array();
    for (int i = 0; i < p_.ports; ++i) ports.push_back(port());
    // Connections of the mesh arrive at ztunnel's port.
    if (layout_.ambient(ns_)) ports.push_back({{"port", 15008}, {"protocol", "TCP"}});
    out["ports"] = std::move(ports);
    return out;
  }

  Json peer() {
    if (random_.chance(p_.cidr_share)) return block(random_);
    const int other = random_.below(layout_.namespaces());
    const int where = random_.below(10);
    if (where < 4) return {{"podSelector", pods_of(ns_)}};
    Json namespaces{{"matchLabels", {{"kubernetes.io/metadata.name", layout_.namespace_name(other)}}}};
    if (where == 4) namespaces = {{"matchLabels", {{"stage", "production"}}}};
    if (where < 7) return {{"namespaceSelector", std::move(namespaces)}};
    return {{"namespaceSelector", std::move(namespaces)}, {"podSelector", pods_of(other)}};
  }

  Json pods_of(int ns) {
    const int workload = any_workload(ns);
    if (p_.labels > 0 && random_.chance(0.3))
      return {{"matchLabels", {{"tier", label_value(layout_, workload, 0)}}}};
    if (random_.chance(0.2))
      return labels_in("app", 0, 2, [&](int) { return layout_.workload_name(any_workload(ns)); });
    return {{"matchLabels", {{"app", layout_.workload_name(workload)}}}};
  }

  Json port() {
    if (random_.chance(p_.named_port_share))
      return {{"port", random_.chance(0.5) ? "http" : "metrics"}, {"protocol", "TCP"}};
    if (random_.chance(p_.range_share)) {
      const int first = 8000 + 100 * random_.below(40);
      return {{"endPort", first + 10 + random_.below(90)}, {"port", first}, {"protocol", "TCP"}};
    }
    static constexpr std::array kPorts{8080, 8080, 8080, 9090, 8443, 5432, 6379, 53};
    const int number = random_.pick(std::span<const int>(kPorts));
    return {{"port", number}, {"protocol", number == 53 ? "UDP" : "TCP"}};
  }

  Json by_scale(const ScaleCode& s) {
    const int pods = std::max(1, p_.workloads * p_.replicas);
    const int first =
        policy_ - layout_.first_policy(ns_);  // each policy of a namespace starts at another pod
    const auto pod = [&](int i) { return std::to_string(i % pods + 1); };
    Json peers = Json::array(), ports = Json::array();
    for (int i = 0; i < s.pod_selectors; ++i) {
      Json selector{{"podSelector", labels_in("num", first + i, s.peer_pods, pod)}};
      selector["namespaceSelector"] =
          labels_in("kubernetes.io/metadata.name", ns_ + i, std::min(s.peer_namespaces, layout_.namespaces()),
                    [&](int n) { return layout_.namespace_name(n % layout_.namespaces()); });
      if (s.peer_pods == 0) selector["podSelector"] = Json::object();
      if (s.peer_namespaces == 0) selector.erase("namespaceSelector");
      peers.push_back(std::move(selector));
    }
    for (int i = 0; i < s.cidrs; ++i)
      peers.push_back(
          {{"ipBlock",
            {{"cidr", fmt::format("{}.{}.{}.0/24", 198, 18 + i / 256 % 2, (policy_ + i) % 256)}}}});
    for (int i = 0; i < s.single_ports; ++i) ports.push_back({{"port", 8080 + i}, {"protocol", "TCP"}});
    for (int i = 0; i < s.port_ranges; ++i)
      ports.push_back(
          {{"endPort", 20'005 + 10 * (i % 4'000)}, {"port", 20'000 + 10 * (i % 4'000)}, {"protocol", "TCP"}});
    Json out{{"podSelector", labels_in("num", first, std::min(s.local_pods, pods), pod)},
             {"policyTypes", {"Ingress", "Egress"}}};
    if (s.local_pods == 0) out["podSelector"] = Json::object();
    for (const bool incoming : {true, false}) {
      Json rule = Json::object();
      if (!peers.empty()) rule[incoming ? "from" : "to"] = peers;
      if (!ports.empty()) rule["ports"] = ports;
      out[incoming ? "ingress" : "egress"] = Json::array({std::move(rule)});
    }
    return out;
  }

  int any_workload(int ns) {
    return layout_.first_workload(ns) + random_.below(std::max(1, layout_.workloads_in(ns)));
  }

  const Layout& layout_;
  const Parameters& p_;
  int ns_, policy_;
  Random random_;
};

}  // namespace

Json network_policy_object(const Layout& layout, int ns, int policy) {
  Json out =
      new_object(layout, Stream::NetworkPolicy, policy, "networking.k8s.io/v1", "NetworkPolicy",
                 layout.namespace_name(ns), fmt::format("policy-{:05}", policy - layout.first_policy(ns)));
  out["metadata"]["generation"] = 1;
  out["spec"] = PolicyShape(layout, ns, policy).spec();
  return out;
}

Json cluster_wide_policy_object(const Layout& layout, int policy) {
  Random random(layout.parameters().seed, {number(Stream::ClusterWide), static_cast<std::uint64_t>(policy)});
  Json out = new_object(layout, Stream::ClusterWide, policy, "policy.networking.k8s.io/v1alpha1",
                        "AdminNetworkPolicy", {}, fmt::format("cluster-{:05}", policy));
  out["metadata"]["generation"] = 1;
  const auto any_namespace = [&] {
    return Json{
        {"matchLabels",
         {{"kubernetes.io/metadata.name", layout.namespace_name(random.below(layout.namespaces()))}}}};
  };
  const std::string_view action = random.chance(0.5) ? "Deny" : random.chance(0.5) ? "Pass" : "Allow";
  Json rule{
      {"action", action}, {"name", "first"}, {"from", Json::array({{{"namespaces", any_namespace()}}})}};
  if (random.chance(0.5))
    rule["ports"] = Json::array({{{"portNumber", {{"port", 8080}, {"protocol", "TCP"}}}}});
  // Priorities differ, as the API asks, for as many as there are.
  out["spec"] = {{"ingress", Json::array({std::move(rule)})},
                 {"priority", policy % 1'001},
                 {"subject", {{"namespaces", any_namespace()}}}};
  return out;
}

}  // namespace waypath::gen
