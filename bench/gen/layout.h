#pragma once
// Who is where in a generated cluster: numbers to names, addresses and memberships. Everything else asks
// here.

#include <optional>
#include <string>

#include "bench/gen/generator.h"

namespace waypath::gen {

class Layout {
 public:
  explicit Layout(const Parameters& parameters);

  [[nodiscard]] const Parameters& parameters() const { return p_; }
  [[nodiscard]] int pods() const { return pods_; }
  [[nodiscard]] int workloads() const { return workloads_; }
  [[nodiscard]] int namespaces() const { return namespaces_; }
  [[nodiscard]] int nodes() const { return (pods_ + p_.pods_per_node - 1) / p_.pods_per_node; }

  // Of a pod (number in the cluster) and a workload (likewise).
  [[nodiscard]] int workload_of(int pod) const { return pod / p_.replicas; }
  [[nodiscard]] int namespace_of(int workload) const { return workload / p_.workloads; }
  [[nodiscard]] int first_pod(int workload) const { return workload * p_.replicas; }
  [[nodiscard]] int replicas(int workload) const;  // pods of it
  [[nodiscard]] int workloads_in(int ns) const;    // workloads of a namespace
  [[nodiscard]] int first_workload(int ns) const { return ns * p_.workloads; }
  [[nodiscard]] int first_policy(int ns) const;  // NetworkPolicies of the namespaces before it
  [[nodiscard]] int node_of(int pod) const { return pod % nodes(); }

  [[nodiscard]] std::string namespace_name(int ns) const;
  [[nodiscard]] std::string workload_name(
      int workload) const;  // of its Deployment, Service, account, app label
  [[nodiscard]] std::string template_hash(int workload) const;
  [[nodiscard]] std::string pod_name(int pod) const;
  [[nodiscard]] std::string node_name(int node) const;
  [[nodiscard]] std::string pod_ip(int pod) const;
  [[nodiscard]] std::string node_ip(int node) const;
  [[nodiscard]] std::string service_ip(int workload) const;
  [[nodiscard]] std::string uid(int kind, int number) const;

  [[nodiscard]] bool ambient(int ns) const;
  /// A waypoint stands in it, for all its Services.
  [[nodiscard]] bool has_waypoint(int ns) const;
  /// Where a Service's waypoint is: what its namespace or itself names. Of a namespace number.
  [[nodiscard]] std::optional<int> waypoint_of(int workload) const;
  /// The Service names its waypoint itself.
  [[nodiscard]] bool names_waypoint(int workload) const;
  /// A waypoint stands in it, for Services that name it.
  [[nodiscard]] bool has_own_waypoint(int ns) const;
  /// `number`-th namespace with a waypoint for all its Services, cyclic; nullopt when there is none.
  [[nodiscard]] std::optional<int> waypoint_namespace(int number) const;

 private:
  [[nodiscard]] std::uint64_t word(int kind, int number) const;

  Parameters p_;
  int pods_ = 0, workloads_ = 0, namespaces_ = 0, waypoint_namespaces_ = 0;
};

}  // namespace waypath::gen
