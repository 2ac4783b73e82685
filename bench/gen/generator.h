#pragma once
// Clusters of any size from a seed and parameters: the objects that `kubectl get` prints for them, as text in
// four forms, and a ztunnel access log of their traffic. The same parameters give the same bytes on every
// platform. For benchmarks, for tests and for other programs that read manifests.
//
// Every object is made from the seed and its own number alone, so that a parameter changes what it names and
// leaves the rest as it was.

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace waypath::gen {

/// Changes when the same parameters give other bytes.
inline constexpr int kGeneratorVersion = 2;

/// The scale codes of the Kubernetes network-policy load tests, one number a field. Source: kube-burner-ocp
/// docs, workload network-policy
/// (LOCAL_PODS-SINGLE_PORTS-PORT_RANGES-POD_SELECTORS-PEER_NAMESPACES-PEER_PODS- CIDRS)
struct ScaleCode {
  int local_pods = 1;       // pods of its namespace that a policy selects
  int single_ports = 0;     // ports of each rule
  int port_ranges = 0;      // ranges of ports of each rule
  int pod_selectors = 0;    // peers that are selectors
  int peer_namespaces = 0;  // namespaces that each of them selects
  int peer_pods = 0;        // pods that it selects in each
  int cidrs = 0;            // peers that are address blocks
};

/// Shares are 0 to 1 and met exactly, up to rounding: a share of 0.25 is every fourth.
struct Parameters {
  std::uint64_t seed = 1;

  // Pods
  int namespaces = 1;
  int workloads = 26;  // of each namespace
  int replicas = 5;    // pods of each workload
  int pods = 0;        // ends the last namespaces early; 0 = all of them
  int labels = 4;      // of each pod, beside app and pod-template-hash
  int pods_per_node = 50;

  // NetworkPolicies
  double policies = 10;               // of each namespace
  int rules = 1;                      // of each policy
  int peers = 2;                      // of each rule
  double cidr_share = 0.15;           // peers that are address blocks
  double all_ports_share = 0.3;       // rules without ports
  double range_share = 0.1;           // ports that are ranges
  double named_port_share = 0.2;      // ports that are names
  int ports = 2;                      // of each rule that has ports
  double ineffective_share = 0.26;    // policies that select no pod
  double cluster_wide_share = 0.008;  // AdminNetworkPolicies, for each NetworkPolicy
  std::optional<ScaleCode> scale;     // shapes every policy instead of the above

  // Ambient mesh
  double ambient_share = 0.8;                   // namespaces in the mesh
  double waypoint_share = 0.3;                  // of them, with a waypoint for all their Services
  double service_waypoint_share = 0.1;          // Services of the others that name a waypoint of their own
  double cross_namespace_waypoint_share = 0.3;  // of those, at a waypoint of another namespace
  int gateways = 2;
  int http_routes = 20;  // at the gateways; every fourth of a waypoint's Service
  int authorization_policies = 100;
  double l7_share = 0.3;  // of them: with methods and paths, at waypoints
  double deny_share = 0.2;
  double custom_share = 0.05;  // asks an ext_authz provider, at waypoints

  // What else a dump holds
  bool managed_fields = true;
  bool status = true;
  bool services = true;      // Services, EndpointSlices, ServiceAccounts
  bool controllers = true;   // Deployments and ReplicaSets of the pods
  double noise = 0.3;        // objects without effect on traffic, for each pod
  bool netpol_only = false;  // Namespaces, Pods and NetworkPolicies, as other analyzers read them
};

enum class Form { Documents, List, JsonList, NdJson };

/// Numbers of what the parameters ask for.
struct Totals {
  int namespaces = 0, nodes = 0, workloads = 0, pods = 0, network_policies = 0, ineffective_policies = 0,
      cluster_wide_policies = 0, ambient_namespaces = 0, waypoints = 0;
};

/// `profile` is "tenants" (many small namespaces with many policies) or "teams" (few large ones); `size` is
/// S, M, L or XL: 100 to 100,000 pods. Throws std::invalid_argument for another name. Figures of tenants: a
/// published cluster of 5,413 pods, 604 namespaces and 13,678 NetworkPolicies.
[[nodiscard]] Parameters profile(std::string_view profile, std::string_view size);
/// "10-10-10-10-10-10-10". Throws std::invalid_argument for anything else than seven numbers.
[[nodiscard]] ScaleCode scale_code(std::string_view text);
/// Throws std::invalid_argument, naming the parameter that cannot be.
void check(const Parameters& parameters);
[[nodiscard]] Totals totals(const Parameters& parameters);

/// Every object in the order of `kubectl get` over all kinds, one at a time.
void each_object(const Parameters& parameters, const std::function<void(const nlohmann::json&)>& take);

/// The same objects as text, in pieces.
void write(const Parameters& parameters, Form form, const std::function<void(std::string_view)>& take);
[[nodiscard]] std::string text(const Parameters& parameters, Form form);

struct FlowLog {
  std::uint64_t bytes = 1'000'000;  // ends with the line that reaches this size
  double failed_share = 0.02;       // connections that end with an error
  bool json = false;
};
/// ztunnel's access log of connections between the pods: each workload asks some twenty others. Returns the
/// number of lines.
std::uint64_t write_log(const Parameters& parameters, const FlowLog& log,
                        const std::function<void(std::string_view)>& take);
[[nodiscard]] std::string log_text(const Parameters& parameters, const FlowLog& log);

}  // namespace waypath::gen
