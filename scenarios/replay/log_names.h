#pragma once
// What a log calls things, in the words of the manifests: pods come and go under new names, their workloads
// stay.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/cluster.h"
#include "sim/reach/ranges.h"

namespace waypath::scenarios {

class LogNames {
 public:
  explicit LogNames(const model::Cluster& cluster);

  /// A pod that stands for what the log calls `name`: the pod itself, a workload of that name, or the
  /// workload whose pods are named so ("cart-5f4f9bd98c-r9d4s" of Deployment cart). Invalid: the manifests
  /// have none.
  [[nodiscard]] model::PodId pod(std::string_view ns, std::string_view name) const;

  /// The client as a flow's `from` names it: all pods of a workload have one name.
  [[nodiscard]] std::string client(model::PodId pod) const;
  /// An address as a flow's `from` takes it: the workload of the pod that has it, the node, else the address
  /// itself. Of public addresses that no policy tells apart, one stands for all: a log holds any number.
  [[nodiscard]] std::string client(std::string_view address) const;

  /// The first address of a pod's workload that the manifests tell; of the pod itself when it has one.
  [[nodiscard]] std::optional<model::IpAddress> address(model::PodId pod) const;
  /// The Service port that leads to `target` on some endpoint, the lowest of several.
  [[nodiscard]] std::optional<std::uint16_t> service_port(model::ServiceId service,
                                                          std::uint16_t target) const;
  /// How gateways serve `host`; neither: none does.
  struct Fronts {
    bool plain = false, tls = false;
    [[nodiscard]] bool any() const { return plain || tls; }
  };
  [[nodiscard]] Fronts fronts(std::string_view host) const;

  [[nodiscard]] const model::Cluster& cluster() const { return cluster_; }

 private:
  const model::Cluster& cluster_;
  std::map<std::pair<std::string, std::string>, model::PodId, std::less<>>
      workloads_;  // (ns, name), first pod
  sim::AddressPartition blocks_;
};

/// Every address block that a policy of the cluster looks at.
[[nodiscard]] std::vector<model::Cidr> policy_blocks(const model::Cluster& cluster);

}  // namespace waypath::scenarios
