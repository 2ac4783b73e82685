#pragma once
// Requests that the policies and routes of a target tell apart by path and method: what is asked of it when
// all flows are enumerated. A text for each set of conditions that some path fits, not one for each policy
// that holds today: the flows of two clusters are put together, and a condition of either has its own.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/cluster.h"
#include "scenarios/route_hosts.h"
#include "sim/policy/attachment.h"
#include "sim/policy/authorization_rule.h"

namespace waypath::scenarios {

struct ToldRequest {
  std::string method, path;
};
using ToldRequests = std::vector<ToldRequest>;

/// Counts every Envoy that a request for a target may pass; conditions on anything but path and method are
/// left aside.
class ToldApart {
 public:
  /// `routes` as route_hosts has them. Both outlive it.
  ToldApart(const model::Cluster& cluster, const std::vector<RouteHosts>& routes);

  /// The first is what a plain request has.
  [[nodiscard]] const ToldRequests& of_service(model::ServiceId id);
  /// Of a host without wildcard that gateways serve.
  [[nodiscard]] const ToldRequests& of_host(const std::string& host);
  /// Whether some Envoy may read what is asked of the Service: where the port's protocol is not declared, it
  /// tells HTTP from other bytes.
  [[nodiscard]] bool read(model::ServiceId id);

 private:
  using Positions = std::set<std::uint32_t>;
  using Operation = std::vector<sim::Condition>;  // on method and path
  void add_at(const sim::PolicyPoint& point, Positions& out) const;
  void add_gateway(model::PodId pod, Positions& out) const;
  void add_service(model::ServiceId id, Positions& out);
  [[nodiscard]] const Positions& at_pod(model::PodId pod, bool by_address);
  [[nodiscard]] bool sidecar(model::PodId pod) const;
  [[nodiscard]] const ToldRequests& requests(const Positions& policies, std::vector<std::uint32_t> routes);
  [[nodiscard]] ToldRequests find(const Positions& policies, const std::vector<std::uint32_t>& routes) const;

  const model::Cluster& cluster_;
  const std::vector<RouteHosts>& routes_;
  std::vector<std::vector<Operation>> policies_;  // that name paths or methods
  sim::AttachmentIndex index_;
  std::map<std::uint32_t, std::vector<std::uint32_t>> mesh_routes_;  // by ServiceId: positions in routes_
  std::unordered_map<std::string, std::vector<std::uint32_t>> host_routes_;  // by host without wildcard
  std::vector<std::uint32_t> wide_routes_;  // with wildcards, or for any host
  bool sidecars_ = false;
  std::map<std::pair<std::uint32_t, bool>, Positions> pods_;
  std::map<std::pair<Positions, std::vector<std::uint32_t>>, ToldRequests> known_;
};

}  // namespace waypath::scenarios
