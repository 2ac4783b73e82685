#pragma once
// Which flows a change can touch at all: the others have the same verdict on both sides and need not be
// simulated.
//
// A NetworkPolicy, and an AuthorizationPolicy that selects pods, act where a selected pod is an end of a
// connection or the point that enforces. A flow is touched when its client, or a pod that its target may lead
// to, is selected by the old or the new policy. Everything is touched when anything but such policies
// changed, or when they select a pod that serves flows which do not name it: a gateway, a waypoint, a pod
// with a sidecar, the name server, an ext_authz provider.

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/engine.h"

namespace waypath::scenarios {

class TouchedFlows {
 public:
  TouchedFlows(const sim::Engine& before, const sim::Engine& after);
  [[nodiscard]] bool everything() const { return everything_; }
  /// False only when both sides give the flow the same verdict. Remembers clients and targets: not for
  /// several threads.
  [[nodiscard]] bool touches(const sim::Flow& flow);

 private:
  void collect(const sim::Engine& engine, const model::ObjectMeta& meta);
  void select(model::PodId pod);
  void find_routed();
  [[nodiscard]] bool client(const sim::Flow& flow) const;
  [[nodiscard]] bool target(const sim::Flow& flow) const;
  [[nodiscard]] bool service(model::ServiceId id) const;

  const model::Cluster& cluster_;
  bool everything_ = false, any_service_ = false;
  std::vector<bool> selected_;         // by PodId
  std::vector<bool> end_of_selected_;  // by ServiceId: a selected pod is one of its pods
  std::vector<bool> routed_;           // by ServiceId: requests for it may be sent elsewhere
  std::unordered_map<std::string, bool> clients_, targets_;
};

}  // namespace waypath::scenarios
