// Enforcement points that the manifests intend and a path does not pass: `bypassed` of an allow. It reaches
// the application, but not the way its owners think (bigbang.md S4 to S11, S42 to S46; ambient-path W8 and
// the table below it).

#include <fmt/format.h>

#include <algorithm>

#include "sim/exposure.h"
#include "sim/path/path_builder.h"
#include "sim/reasons/walk.h"
#include "sim/topology.h"

namespace waypath::sim {

namespace {

using model::PodId;
using model::ServiceId;

constexpr std::string_view kUseWaypointNamespace = "istio.io/use-waypoint-namespace";
constexpr std::string_view kIngressUseWaypoint = "istio.io/ingress-use-waypoint";

class BypassFinder {
 public:
  BypassFinder(const Engine& engine, Path& path) : engine_(engine), cluster_(engine.cluster()), path_(path) {}

  void run() {
    const Hop& last = path_.hops.back();
    if (last.kind != HopKind::Application || !last.pod.valid()) return;
    if (last.pod == path_.hops.front().pod)
      return;  // its own address or service: nothing is passed (R5, L21)
    pod_ = last.pod;
    custom_enforced_ = std::any_of(path_.hops.begin(), path_.hops.end(), [&](const Hop& hop) {
      return hop.point &&
             std::any_of(policies().begin(), policies().end(),
                         [&](const AuthenticationPolicy& p) { return p.custom && enforced_at(p, hop); });
    });
    services_ = guarded_services();
    for (const ServiceId service : services_) {
      check_waypoint(service);
      check_service_policies(service);
    }
    check_pod_waypoint();
    if (!custom_enforced_) {
      check_selectors();
      check_gateways();
    }
  }

 private:
  [[nodiscard]] const std::vector<AuthenticationPolicy>& policies() const {
    return engine_.exposure().authentication();
  }
  [[nodiscard]] model::Symbol root() const { return cluster_.mesh().root_namespace; }

  void report(std::string text, std::vector<ObjectAt> causes) {
    if (std::find(path_.bypassed.begin(), path_.bypassed.end(), text) != path_.bypassed.end()) return;
    path_.bypassed.push_back(std::move(text));
    for (ObjectAt& cause : causes) {
      if (std::find(path_.bypass_causes.begin(), path_.bypass_causes.end(), cause) ==
          path_.bypass_causes.end())
        path_.bypass_causes.push_back(std::move(cause));
    }
  }

  /// Attachment as far as a bypass depends on it. Source: istio pilot/pkg/model/policyattachment.go
  /// ShouldAttachPolicy.
  [[nodiscard]] bool enforced_at(const AuthenticationPolicy& policy, const Hop& hop) const {
    const PolicyPoint& point = *hop.point;
    switch (point.kind) {
      case PolicyPoint::Kind::Ztunnel:
        return false;
      case PolicyPoint::Kind::Sidecar:
      case PolicyPoint::Kind::ClassicGateway:
        return policy.selects_pod(cluster_.pod(hop.pod), root());
      case PolicyPoint::Kind::GatewayApi:
        return policy.selects_pod(cluster_.pod(hop.pod), root()) || targets_gateway(policy, point);
      case PolicyPoint::Kind::Waypoint:
        return targets_gateway(policy, point) || targets_class(policy, point) ||
               (point.service.valid() && targets_service(policy, point.service));
    }
    return false;
  }
  [[nodiscard]] static bool targets_gateway(const AuthenticationPolicy& policy, const PolicyPoint& point) {
    return policy.meta->ns() == point.ns && names_gateway(policy, point.gateway_name);
  }
  [[nodiscard]] static bool names_gateway(const AuthenticationPolicy& policy, model::Symbol name) {
    const auto& refs = policy.attachment->target_refs;
    return std::any_of(refs.begin(), refs.end(),
                       [&](const auto& r) { return r.kind == "Gateway" && r.name == name; });
  }
  [[nodiscard]] bool targets_class(const AuthenticationPolicy& policy, const PolicyPoint& point) const {
    const auto& refs = policy.attachment->target_refs;
    return policy.meta->ns() == root() && std::any_of(refs.begin(), refs.end(), [&](const auto& r) {
             return r.kind == "GatewayClass" && r.name == point.gateway_class;
           });
  }
  [[nodiscard]] bool targets_service(const AuthenticationPolicy& policy, ServiceId service) const {
    const model::RegistryService& reg = cluster_.service(service);
    return targets_object(policy.meta->ns(), policy.attachment->target_refs, reg);
  }
  [[nodiscard]] static bool targets_object(model::Symbol policy_ns,
                                           const std::vector<model::PolicyTargetRef>& refs,
                                           const model::RegistryService& reg) {
    const std::string_view kind = reg.entry != nullptr ? "ServiceEntry" : "Service";
    return policy_ns == reg.meta().ns() && std::any_of(refs.begin(), refs.end(), [&](const auto& r) {
             return r.kind == kind && r.name == reg.meta().name();
           });
  }

  /// The service addressed, and every other one that offers the same port of the pod.
  [[nodiscard]] std::vector<ServiceId> guarded_services() const {
    std::vector<ServiceId> out;
    if (path_.service.valid()) out.push_back(path_.service);
    const std::uint16_t port = path_.backend_request ? path_.backend_request->port : std::uint16_t{0};
    for (const ServiceId id : cluster_.services_of_pod(pod_)) {
      if (id == path_.service) continue;
      for (const model::RegistryService::Port& p : cluster_.service(id).ports) {
        const auto endpoints = cluster_.endpoints(id, p.port);
        const bool offered = std::any_of(endpoints.begin(), endpoints.end(), [&](const model::Endpoint& e) {
          return e.pod == pod_ && e.port == port;
        });
        if (!offered) continue;
        out.push_back(id);
        break;
      }
    }
    return out;
  }

  /// A connection that one of a proxy's own pods opens comes from that proxy: it does not get around it.
  [[nodiscard]] bool sent_by(const model::Gateway& gateway) const {
    const PodId sender = path_.hops.front().pod;
    return sender.valid() && gateway_of_pod(cluster_, sender) == &gateway;
  }
  [[nodiscard]] bool sent_by_proxy_of(PodId gateway) const {
    const PodId sender = path_.hops.front().pod;
    if (!sender.valid() || sender == gateway) return sender.valid();
    if (const model::Gateway* object = gateway_of_pod(cluster_, gateway); object != nullptr)
      return sent_by(*object);
    const model::Pod &a = cluster_.pod(sender), &b = cluster_.pod(gateway);
    return !a.workload_name.empty() && a.meta.ns() == b.meta.ns() && a.workload_name == b.workload_name &&
           a.workload_kind == b.workload_kind;
  }

  [[nodiscard]] bool passed(const model::Gateway& gateway) const {
    if (sent_by(gateway)) return true;
    return std::any_of(path_.hops.begin(), path_.hops.end(), [&](const Hop& hop) {
      return hop.kind == HopKind::Waypoint && hop.ns == gateway.meta.ns().view() &&
             hop.name == gateway.meta.name().view();
    });
  }
  [[nodiscard]] bool passed_any_waypoint() const {
    return std::any_of(path_.hops.begin(), path_.hops.end(),
                       [](const Hop& h) { return h.kind == HopKind::Waypoint; });
  }

  [[nodiscard]] bool passed_any_gateway() const {
    return std::any_of(path_.hops.begin(), path_.hops.end(),
                       [](const Hop& h) { return h.kind == HopKind::Gateway; });
  }

  /// Why a path does not pass a waypoint that serves: the client kinds of the table below W8.
  [[nodiscard]] std::string why_skipped(ServiceId service) const {
    const std::string name = cluster_.service(service).meta().key.str();
    const Hop& first = path_.hops.front();
    if (passed_any_gateway()) return ingress_uses_waypoint(cluster_, service).reason.detail;
    if (std::any_of(path_.hops.begin(), path_.hops.end() - 1,
                    [&](const Hop& h) { return h.kind == HopKind::Sidecar && h.pod == first.pod; }))
      return "a sidecar client goes to the pod itself";
    if (path_.hops.size() > 1 && path_.hops[1].kind == HopKind::Ztunnel && path_.hops[1].pod == first.pod)
      return fmt::format("the pod is addressed, not {}", name);
    return "the client is not in the mesh";
  }

  void check_waypoint(ServiceId service) {
    const model::RegistryService& reg = cluster_.service(service);
    const WaypointBinding& binding = engine_.topology().binding(service);
    std::vector<ObjectAt> causes = binding.causes;
    if (binding.bound()) {
      if (passed(*binding.gateway)) return;
      causes.insert(causes.begin(), binding.label_at ? *binding.label_at : object_at(reg.meta()));
      const IngressWaypointUse use = ingress_uses_waypoint(cluster_, service);
      if (!use.uses && use.reason.by && passed_any_gateway()) causes.insert(causes.begin(), *use.reason.by);
      causes.push_back(object_at(reg.meta()));
      return report(fmt::format("waypoint {}/{}: {}", binding.named_ns, binding.named, why_skipped(service)),
                    causes);
    }
    if (binding.fails_open()) {
      if (only_a_stale_label(binding)) return;
      if (binding.label_at) causes.insert(causes.begin(), *binding.label_at);
      causes.push_back(object_at(reg.meta()));
      if (binding.state == WaypointBinding::State::Missing) causes.push_back(missing_gateway(binding));
      return report(fmt::format("waypoint {}/{}: {}", binding.named_ns, binding.named,
                                binding.reason.detail.empty() ? "it does not serve " + reg.meta().key.str()
                                                              : binding.reason.detail),
                    causes);
    }
    if (passed_any_waypoint()) return;
    // Labels that mean nothing without istio.io/use-waypoint tell what was meant.
    for (const std::string_view key : {kUseWaypointNamespace, kIngressUseWaypoint}) {
      const model::Label* label = reg.meta().labels.find(key);
      if (label == nullptr || (key == kIngressUseWaypoint && !(label->value == "true"))) continue;
      return report(fmt::format("{} has {}: {} but {}", reg.meta().key.str(), key, label->value.view(),
                                binding.state == WaypointBinding::State::OptedOut
                                    ? "opts out with istio.io/use-waypoint: none"
                                    : "no istio.io/use-waypoint"),
                    {object_at(reg.meta(), binding.label_at ? binding.label_at->pos : label->pos)});
    }
  }

  /// The label names a waypoint that is gone, nothing is written for it any more, and the request is
  /// authenticated elsewhere on its way (bigbang.md S48): a remark of the path, no enforcement point skipped.
  [[nodiscard]] bool only_a_stale_label(const WaypointBinding& binding) const {
    if (binding.state != WaypointBinding::State::Missing || !custom_enforced_) return false;
    const auto aims = [&](const auto& policy) {
      const auto& refs = policy->attachment.target_refs;
      return policy->meta.ns() == std::string_view(binding.named_ns) &&
             std::any_of(refs.begin(), refs.end(), [&](const model::PolicyTargetRef& r) {
               return r.kind == "Gateway" && r.name == std::string_view(binding.named);
             });
    };
    const auto authorization = cluster_.snapshot().all<model::AuthorizationPolicy>();
    const auto tokens = cluster_.snapshot().all<model::RequestAuthentication>();
    return std::none_of(authorization.begin(), authorization.end(), aims) &&
           std::none_of(tokens.begin(), tokens.end(), aims);
  }

  [[nodiscard]] static ObjectAt missing_gateway(const WaypointBinding& binding) {
    ObjectAt at;
    at.key.kind = model::intern("Gateway");
    at.key.group = model::intern("gateway.networking.k8s.io");
    at.key.ns = model::intern(binding.named_ns);
    at.key.name = model::intern(binding.named);
    return at;
  }

  // A policy aims at the Service, and no waypoint of it is on the path: enforced nowhere
  // (authorization.md 2.4).
  void check_service_policies(ServiceId service) {
    const model::RegistryService& reg = cluster_.service(service);
    const WaypointBinding& binding = engine_.topology().binding(service);
    if (binding.gateway != nullptr && sent_by(*binding.gateway)) return;
    const bool chain = std::any_of(path_.hops.begin(), path_.hops.end(), [&](const Hop& hop) {
      return hop.point && hop.point->kind == PolicyPoint::Kind::Waypoint && hop.point->service == service;
    });
    if (chain) return;
    for (const auto& policy : cluster_.snapshot().all<model::AuthorizationPolicy>()) {
      if (policy->dry_run || !targets_object(policy->meta.ns(), policy->attachment.target_refs, reg))
        continue;
      report(fmt::format("{} aims at {}, whose waypoint this path does not pass", policy->meta.key.str(),
                         reg.meta().key.str()),
             {object_at(policy->meta), object_at(reg.meta())});
    }
  }

  // The pod itself names a waypoint.
  void check_pod_waypoint() {
    const WaypointBinding binding = bind_pod(cluster_, pod_);
    const model::Pod& pod = cluster_.pod(pod_);
    if (!binding.label_at || !(binding.label_at->key.kind == "Pod")) return;
    if (binding.bound() && !passed(*binding.gateway)) {
      report(fmt::format("waypoint {}/{}: pod {}/{} names it, this path does not pass it", binding.named_ns,
                         binding.named, pod.meta.ns().view(), pod.meta.name().view()),
             {*binding.label_at});
    }
  }

  // Authentication by selector where no Envoy reads it.
  void check_selectors() {
    for (const AuthenticationPolicy& policy : policies()) {
      if (!policy.custom) continue;
      const std::string name = policy.meta->key.str();
      const ObjectAt at = object_at(*policy.meta);
      if (!policy.by_selector()) {
        // S5: a Gateway is targeted from its own namespace only.
        for (const Hop& hop : path_.hops) {
          if (!hop.point || hop.point->gateway_name.empty() || policy.meta->ns() == hop.point->ns) continue;
          if (names_gateway(policy, hop.point->gateway_name)) {
            report(
                fmt::format("{} aims at Gateway {}, which is in namespace {}: it must be in that namespace",
                            name, hop.point->gateway_name.view(), hop.point->ns.view()),
                {at});
          }
        }
        continue;
      }
      if (!policy.attachment->selector || policy.attachment->selector->empty()) continue;
      for (const Hop& hop : path_.hops) {
        if (!hop.pod.valid() || hop.kind == HopKind::Client) continue;
        const model::Pod& pod = cluster_.pod(hop.pod);
        if (!policy.selects(pod.meta.labels)) continue;
        if (hop.kind == HopKind::Waypoint && policy.selects_pod(pod, root())) {
          report(fmt::format("{} selects pods; waypoints ignore selectors: use targetRefs", name), {at});
        } else if (hop.kind == HopKind::Ztunnel && hop.point && policy.selects_pod(pod, root())) {
          report(fmt::format("{} selects pod {}/{}, where only ztunnel enforces: it has no effect there",
                             name, pod.meta.ns().view(), pod.meta.name().view()),
                 {at});
        } else if (!(policy.meta->ns() == pod.meta.ns()) && !(policy.meta->ns() == root()) &&
                   selects_nothing(policy)) {
          report(
              fmt::format(
                  "{} selects no proxy: pod {}/{} has its labels, but only the root namespace {} selects in "
                  "other namespaces",
                  name, pod.meta.ns().view(), pod.meta.name().view(), root().view()),
              {at});
        }
      }
    }
  }

  [[nodiscard]] bool selects_nothing(const AuthenticationPolicy& policy) const {
    const auto pods = cluster_.pods_in(policy.meta->ns());
    return std::none_of(pods.begin(), pods.end(),
                        [&](PodId id) { return policy.selects_pod(cluster_.pod(id), root()); });
  }

  // S43: a gateway is the only place that authenticates, and this path does not pass it.
  void check_gateways() {
    for (const ServiceId service : services_) {
      for (const PodId gateway : engine_.exposure().gateways_to(service)) {
        const bool on_path = std::any_of(path_.hops.begin(), path_.hops.end(), [&](const Hop& hop) {
          return hop.kind == HopKind::Gateway && hop.pod == gateway;
        });
        if (on_path || sent_by_proxy_of(gateway)) continue;
        Hop probe;
        probe.pod = gateway;
        PolicyPoint point;
        const model::Gateway* object = gateway_of_pod(cluster_, gateway);
        point.kind = object != nullptr ? PolicyPoint::Kind::GatewayApi : PolicyPoint::Kind::ClassicGateway;
        point.ns = cluster_.pod(gateway).meta.ns();
        if (object != nullptr) point.gateway_name = object->meta.name();
        probe.point = point;
        for (const AuthenticationPolicy& policy : policies()) {
          if (!policy.custom || !enforced_at(policy, probe)) continue;
          report(fmt::format("gateway {}/{}: {} authenticates there only, and this path does not pass it",
                             point.ns.view(),
                             cluster_.pod(gateway).workload_name.empty()
                                 ? cluster_.pod(gateway).meta.name().view()
                                 : cluster_.pod(gateway).workload_name.view(),
                             policy.meta->key.str()),
                 {object_at(*policy.meta)});
        }
      }
    }
  }

  const Engine& engine_;
  const model::Cluster& cluster_;
  Path& path_;
  PodId pod_;
  bool custom_enforced_ = false;
  std::vector<ServiceId> services_;
};

}  // namespace

void PathBuilder::note_bypasses(Path& path) const {
  if (path.end.outcome != Outcome::Allow || path.end.response.status != 0 || path.hops.empty()) return;
  // Probes are not requests that anybody means to authenticate (section 8).
  const bool probe = std::any_of(path.legs.begin(), path.legs.end(), [](const Leg& leg) {
    return leg.from == 0 && leg.connection.kubelet_probe;
  });
  if (probe && path.hops.front().kind == HopKind::Node) return;
  // A proxy's own status ports serve metrics and readiness.
  BypassFinder(engine_, path).run();
}

}  // namespace waypath::sim
