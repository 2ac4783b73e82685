#pragma once
// What the checks share: facts of the cluster that are worked out once, and where findings go.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "sim/lint/lint.h"
#include "sim/lint/lint_codes.h"
#include "sim/policy/attachment.h"
#include "sim/policy/enforcement.h"
#include "sim/resolve/mesh.h"

namespace waypath::sim {

/// Which end of a connection refuses it, and the policy that does.
struct LegRefusal {
  bool egress = false;
  PolicyResult result;
};

class NetpolView;
class ReachClasses;

class LintContext {
 public:
  explicit LintContext(const Engine& engine);
  ~LintContext();
  LintContext(const LintContext&) = delete;
  LintContext& operator=(const LintContext&) = delete;

  const Engine& engine;
  const model::Cluster& cluster;
  const model::Snapshot& snapshot;

  // ---- facts ----

  [[nodiscard]] const Capture& capture(model::PodId pod) const { return captures_[pod.index]; }
  [[nodiscard]] Dataplane dataplane(model::PodId pod) const { return capture(pod).dataplane; }
  /// Whether any pod of the cluster is captured; without one the findings about HBONE have no ground.
  [[nodiscard]] bool ambient() const { return ambient_; }
  [[nodiscard]] const WaypointBinding& binding(model::ServiceId service) const {
    return bindings_[service.index];
  }
  /// Pods that no policy can tell apart, with the policies on them and the rules of all policies resolved
  /// (sim/reach/classes.h).
  [[nodiscard]] const ReachClasses& classes() const { return *classes_; }
  /// By PodId of the pod that stands for a class.
  [[nodiscard]] const std::vector<EnforcementPoint>& points() const { return points_; }
  /// The chain of a waypoint for a service; null when the service has none.
  [[nodiscard]] const PolicyPoint* waypoint_chain(model::ServiceId service) const;
  /// AuthorizationPolicies at a point, every action and dry runs included, by namespace and name.
  [[nodiscard]] std::vector<const model::AuthorizationPolicy*> policies_at(const PolicyPoint& point) const;
  [[nodiscard]] std::vector<const model::RequestAuthentication*> authentication_at(
      const PolicyPoint& point) const;
  [[nodiscard]] PolicyPoint ztunnel_point(model::PodId pod) const;

  /// The port on the wire between two pods for `port` of the destination: 15008 when the mesh tunnels
  /// (ambient-path section 5).
  [[nodiscard]] std::uint16_t wire_port(model::PodId from, model::PodId to, std::uint16_t port) const;
  /// What drops a TCP connection to `port` of the destination pod; nullopt: nothing certainly does.
  [[nodiscard]] std::optional<LegRefusal> refusal(model::PodId from, model::PodId to,
                                                  std::uint16_t port) const;
  /// The same for one end and any protocol, on the port as given.
  [[nodiscard]] std::optional<PolicyResult> refusal_at(const Connection& connection,
                                                       Direction direction) const;
  [[nodiscard]] Connection connection(model::PodId from, model::PodId to, std::uint16_t port) const;
  /// What ztunnel or a sidecar at the pod says to a caller on a port, by L4 alone.
  [[nodiscard]] PolicyResult ask_destination(model::PodId pod, const PeerIdentity& caller,
                                             std::uint16_t port) const;

  /// Ports that a pod is known to serve: container ports and the targets of its Services. Sorted.
  [[nodiscard]] std::vector<std::uint16_t> served_ports(model::PodId pod) const;
  /// Endpoints of a service's port that are pods, one for pods that no policy can tell apart.
  [[nodiscard]] std::vector<model::Endpoint> distinct_endpoints(model::ServiceId service,
                                                                std::uint16_t port) const;

  // ---- words ----

  [[nodiscard]] std::string pod_text(model::PodId pod) const;  // "Deployment shop/cart", "Pod shop/cart-0"
  [[nodiscard]] std::string service_text(model::ServiceId service) const;  // "Service shop/cart"
  /// "a, b and 3 more".
  [[nodiscard]] static std::string list_text(const std::vector<std::string>& items, std::size_t most = 3);
  /// "Kind ns/name".
  [[nodiscard]] static std::string object_text(const model::ResourceKey& key);

  // ---- findings ----

  void report(Code code, ObjectAt at, std::string message, std::string fix,
              std::optional<model::Severity> severity = std::nullopt);
  [[nodiscard]] LintResult take(const LintOptions& options);
  [[nodiscard]] const model::ObjectMeta* find_meta(const model::ResourceKey& key) const;

 private:
  [[nodiscard]] bool suppressed(const Finding& finding) const;

  std::vector<Capture> captures_;
  std::vector<WaypointBinding> bindings_;
  std::unique_ptr<const ReachClasses> classes_;
  std::vector<EnforcementPoint> points_;
  std::map<std::uint32_t, const PolicyPoint*> chains_;  // by ServiceId
  AttachmentIndex authorization_, authentication_;
  std::vector<Finding> findings_;
  bool ambient_ = false;
};

[[nodiscard]] inline ObjectAt lint_at(const model::ObjectMeta& meta, model::SourcePos pos = {}, int rule = -1,
                                      std::string section = {}) {
  return {meta.key, pos.known() ? pos : meta.pos, rule, std::move(section)};
}

// The families, each in its file.
void lint_network_policy_hbone(LintContext& c, const NetpolView& view);
void lint_network_policy_selectors(LintContext& c, const NetpolView& view);
void lint_network_policy_rules(LintContext& c);
void lint_network_policy_pairs(LintContext& c, const NetpolView& view);
void lint_infrastructure(LintContext& c);
void lint_cluster_policies(LintContext& c);
void lint_cluster_policy_order(LintContext& c);
void lint_cni(LintContext& c);
void lint_capture(LintContext& c);
void lint_waypoints(LintContext& c);
void lint_waypoint_legs(LintContext& c);
void lint_authorization_attachment(LintContext& c);
void lint_authorization_rules(LintContext& c);
void lint_authorization_identities(LintContext& c);
void lint_authorization_paths(LintContext& c);
void lint_authentication(LintContext& c, const NetpolView& view);
void lint_ext_authz(LintContext& c);
void lint_routes(LintContext& c);
void lint_services(LintContext& c);

}  // namespace waypath::sim
