// Waypoint labels: what they bind, and what they seem to bind (ambient-path section 4).

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "sim/exposure.h"
#include "sim/lint/context.h"
#include "sim/resolve/published.h"

namespace waypath::sim {

namespace {

using model::Severity;
using State = WaypointBinding::State;

constexpr std::string_view kUseWaypoint = "istio.io/use-waypoint";
constexpr std::string_view kUseWaypointNamespace = "istio.io/use-waypoint-namespace";
constexpr std::string_view kIngressUseWaypoint = "istio.io/ingress-use-waypoint";

/// A label that binds nothing, and the objects that inherit it.
struct Unbound {
  WaypointBinding binding;
  std::vector<std::string> objects;
};

std::string waypoint_name(const WaypointBinding& b) { return b.named_ns + "/" + b.named; }
std::string gateway_name(const model::Gateway& gateway) {
  return gateway.meta.ns().str() + "/" + gateway.meta.name().str();
}

const model::Gateway* waypoint_elsewhere(const LintContext& c, const std::string& name) {
  for (const auto& gateway : c.snapshot.all<model::Gateway>())
    if (gateway->meta.name() == std::string_view(name) && is_waypoint(c.cluster, *gateway))
      return gateway.get();
  return nullptr;
}

void report_unbound(LintContext& c, const Unbound& unbound) {
  const WaypointBinding& b = unbound.binding;
  const std::string who = LintContext::list_text(unbound.objects);
  const std::string consequence = "traffic goes straight to the pods and no waypoint policy is enforced";
  switch (b.state) {
    case State::Missing:
      if (const auto* other = waypoint_elsewhere(c, b.named)) {
        c.report(kLintWaypointNamespace, *b.label_at,
                 fmt::format("{} names waypoint {}, which does not exist; {} does: {}", who, waypoint_name(b),
                             gateway_name(*other), consequence),
                 fmt::format("add {}: {} beside the label", kUseWaypointNamespace, other->meta.ns().view()));
        return;
      }
      c.report(
          kLintWaypointMissing, *b.label_at,
          fmt::format("{} names waypoint {}, which does not exist: {}", who, waypoint_name(b), consequence),
          fmt::format("create Gateway {} with gatewayClassName istio-waypoint, or remove the label",
                      waypoint_name(b)));
      return;
    case State::NotReady:
      c.report(
          kLintWaypointNotReady, *b.label_at,
          fmt::format("{} names waypoint {}, which has no address: {}", who, waypoint_name(b), consequence),
          "use gatewayClassName istio-waypoint, and see the Gateway's conditions");
      return;
    case State::NotAllowed:
      c.report(kLintWaypointNotAllowed, *b.label_at,
               fmt::format("{} names waypoint {}, whose listener does not admit the namespace: {}", who,
                           waypoint_name(b), consequence),
               fmt::format("set allowedRoutes.namespaces.from: All, or a selector, on the HBONE listener of "
                           "Gateway {}",
                           waypoint_name(b)));
      return;
    case State::WrongTrafficType:
      c.report(kLintWaypointType, *b.label_at, fmt::format("{}: {}; {}", who, b.reason.detail, consequence),
               fmt::format("set istio.io/waypoint-for: all on Gateway {}, or label what it serves",
                           waypoint_name(b)));
      return;
    case State::None:
    case State::OptedOut:
    case State::Bound:
    case State::Exempt:
      return;
  }
}

void unbound_labels(LintContext& c) {
  std::map<std::string, Unbound> by_label;
  const auto add = [&](const WaypointBinding& b, std::string object) {
    if (!b.fails_open() || !b.label_at) return;
    const ObjectAt& at = *b.label_at;
    // Namespaces inherit to many; each failure of a label is told once.
    Unbound& unbound =
        by_label[fmt::format("{} {} {}", at.key.str(), at.pos.line, static_cast<int>(b.state))];
    if (unbound.objects.empty()) unbound.binding = b;
    unbound.objects.push_back(std::move(object));
  };
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i) add(c.binding({i}), c.service_text({i}));
  std::set<std::string> told;  // alike pods
  for (std::uint32_t i = 0; i < c.cluster.pods().size(); ++i) {
    const model::Pod& pod = c.cluster.pod({i});
    // Only a pod's own label means pod traffic.
    if (pod.meta.labels.find(kUseWaypoint) == nullptr) continue;
    if (std::string name = c.pod_text({i}); told.insert(name).second) add(bind_pod(c.cluster, {i}), name);
  }
  for (const auto& [key, unbound] : by_label) report_unbound(c, unbound);
}

void bound_services(LintContext& c) {
  std::map<const model::Gateway*, std::vector<std::string>> empty;
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i) {
    const model::ServiceId id{i};
    const WaypointBinding& b = c.binding(id);
    if (!b.bound()) continue;
    if (!b.any_ready && b.unmodelled.empty()) empty[b.gateway].push_back(c.service_text(id));
    const model::RegistryService& service = c.cluster.service(id);
    if (service.headless() && b.label_at) {
      const bool own = b.label_at->key == service.meta().key;
      c.report(kLintWaypointHeadless, own ? *b.label_at : lint_at(service.meta()),
               fmt::format("{} is headless: clients dial its pods, and waypoint {} is skipped",
                           c.service_text(id), gateway_name(*b.gateway)),
               "label the pods (with istio.io/waypoint-for: all on the waypoint), or give the Service a "
               "ClusterIP",
               own ? Severity::Warning : Severity::Info);
    }
  }
  for (const auto& [gateway, services] : empty)
    c.report(kLintWaypointNoPods, lint_at(gateway->meta),
             fmt::format("waypoint {} has no ready pod: requests for {} fail", gateway_name(*gateway),
                         LintContext::list_text(services)),
             "bring its Deployment up, or take the waypoint labels off");
}

// ---- ingress ----

std::vector<std::string> policies_of_chain(const LintContext& c, model::ServiceId id) {
  std::vector<std::string> out;
  const PolicyPoint* chain = c.waypoint_chain(id);
  if (chain == nullptr) return out;
  for (const auto* p : c.policies_at(*chain)) out.push_back(LintContext::object_text(p->meta.key));
  for (const auto* p : c.authentication_at(*chain)) out.push_back(LintContext::object_text(p->meta.key));
  return out;
}

void ingress(LintContext& c) {
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i) {
    const model::ServiceId id{i};
    const auto& meta = c.cluster.service(id).meta();
    const WaypointBinding& b = c.binding(id);
    const auto use = ingress_uses_waypoint(c.cluster, id);
    const model::Label* label = meta.labels.find(kIngressUseWaypoint);
    if (label != nullptr && !b.bound() && !b.fails_open() && use.uses) {
      c.report(kLintWaypointIngressLabel, lint_at(meta, label->pos),
               fmt::format("{} has {} and no waypoint: the label does nothing", c.service_text(id),
                           kIngressUseWaypoint),
               fmt::format("add {}", kUseWaypoint));
    } else if (label != nullptr && b.bound() && !use.uses && label->value != std::string_view("false")) {
      c.report(kLintWaypointIngressLabel, lint_at(meta, label->pos),
               fmt::format("{} without effect on {}: {}", kIngressUseWaypoint, c.service_text(id),
                           use.reason.detail),
               fmt::format("write {}: \"true\" on a Service with a ClusterIP", kIngressUseWaypoint));
    }
    const auto& gateways = c.engine.exposure().gateways_to(id);
    if (!b.bound() || use.uses || gateways.empty() || c.cluster.service(id).headless()) continue;
    const auto policies = policies_of_chain(c, id);
    const bool stated = label != nullptr && label->value == std::string_view("false");
    c.report(kLintWaypointIngress, lint_at(meta),
             fmt::format("{} reaches {} without its waypoint {}{}", c.pod_text(gateways.front()),
                         c.service_text(id), gateway_name(*b.gateway),
                         policies.empty()
                             ? std::string(": gateways skip it without the label")
                             : fmt::format(": {} {} not enforced for it", LintContext::list_text(policies),
                                           policies.size() == 1 ? "is" : "are")),
             fmt::format("label the Service {}: \"true\"", kIngressUseWaypoint),
             policies.empty() || stated ? Severity::Info : Severity::Error);
  }
}

// ---- labels that say nothing ----

void lone_labels(LintContext& c) {
  const auto check = [&](const model::ObjectMeta& meta) {
    const auto* label = meta.labels.find(kUseWaypointNamespace);
    if (label == nullptr || meta.origin == model::Origin::Derived) return;
    if (meta.labels.find(kUseWaypoint) != nullptr) return;
    c.report(kLintWaypointLabelAlone, lint_at(meta, label->pos),
             fmt::format("{} has {} without {}: it is not read", LintContext::object_text(meta.key),
                         kUseWaypointNamespace, kUseWaypoint),
             fmt::format("both labels belong on the same object: add {}", kUseWaypoint));
  };
  for (const auto& ns : c.snapshot.all<model::Namespace>()) check(ns->meta);
  for (const auto& service : c.snapshot.all<model::Service>()) check(service->meta);
  for (const auto& entry : c.snapshot.all<model::ServiceEntry>()) check(entry->meta);
  for (const auto& workload : c.snapshot.all<model::Workload>()) {
    for (const std::string_view key : {kUseWaypoint, kIngressUseWaypoint}) {
      const auto* label = workload->meta.labels.find(key);
      if (label == nullptr || workload->template_labels.find(key) != nullptr) continue;
      if (workload->meta.origin == model::Origin::Derived) continue;
      c.report(kLintWaypointLabelAlone, lint_at(workload->meta, label->pos),
               fmt::format("{} on a {}: only Services, Namespaces and pods are read", key,
                           workload->meta.key.kind.view()),
               fmt::format("move it to the Service, or to the pod template for traffic to pod addresses"));
    }
  }
  // Values that serve nobody. Source: istio pkg/config/constants/constants.go (waypoint traffic types)
  constexpr std::string_view kFor = "istio.io/waypoint-for";
  static constexpr std::array<std::string_view, 4> kTypes{"service", "workload", "all", "none"};
  for (const auto& gateway : c.snapshot.all<model::Gateway>()) {
    const auto* label = gateway->meta.labels.find(kFor);
    if (label == nullptr || std::find(kTypes.begin(), kTypes.end(), label->value.view()) != kTypes.end())
      continue;
    c.report(kLintWaypointType, lint_at(gateway->meta, label->pos),
             fmt::format("{}: {} is no traffic type: the waypoint serves nobody", kFor, label->value.view()),
             "write service, workload, all or none");
  }
}

// ---- waypoints nobody uses ----

void unused(LintContext& c) {
  std::set<const model::Gateway*> used;
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i)
    if (const auto& b = c.binding({i}); b.gateway != nullptr) {
      used.insert(b.gateway);
      if (b.canary) used.insert(b.canary->gateway);
    }
  for (std::uint32_t i = 0; i < c.cluster.pods().size(); ++i)
    if (const auto b = bind_pod(c.cluster, {i}); b.gateway != nullptr) used.insert(b.gateway);
  for (const auto& gateway : c.snapshot.all<model::Gateway>()) {
    if (!is_waypoint(c.cluster, *gateway) || used.contains(gateway.get())) continue;
    std::vector<std::string> policies;
    const auto targets = [&](const model::ObjectMeta& meta, const model::PolicyAttachment& attachment) {
      const bool hit =
          std::any_of(attachment.target_refs.begin(), attachment.target_refs.end(), [&](auto& ref) {
            return ref.kind == "Gateway" && ref.name == gateway->meta.name() &&
                   meta.ns() == gateway->meta.ns();
          });
      if (hit) policies.push_back(LintContext::object_text(meta.key));
    };
    for (const auto& p : c.snapshot.all<model::AuthorizationPolicy>()) targets(p->meta, p->attachment);
    for (const auto& p : c.snapshot.all<model::RequestAuthentication>()) targets(p->meta, p->attachment);
    c.report(
        kLintWaypointUnused, lint_at(gateway->meta),
        fmt::format("no Service, pod or namespace is labelled for waypoint {}{}", gateway_name(*gateway),
                    policies.empty() ? std::string()
                                     : fmt::format(": {} {} never enforced", LintContext::list_text(policies),
                                                   policies.size() == 1 ? "is" : "are")),
        fmt::format("label a Service or its namespace {}: {}, or delete the Gateway", kUseWaypoint,
                    gateway->meta.name().view()),
        policies.empty() ? Severity::Info : Severity::Warning);
  }
}

// ---- from outside ----

std::string_view publisher(const model::Service& service) {
  return service.type == model::ServiceType::LoadBalancer ? "load balancer"
         : service.type == model::ServiceType::NodePort   ? "node port"
                                                          : "external IP";
}

// Source: ambient-path O13: a LoadBalancer or node port leads to pods in plaintext, past every waypoint.
void from_outside(LintContext& c) {
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i) {
    const model::ServiceId id{i};
    const auto* service = c.cluster.service(id).service;
    if (service == nullptr || !c.binding(id).bound()) continue;
    if (!externally_accessible(*service)) continue;
    const auto policies = policies_of_chain(c, id);
    if (policies.empty()) continue;
    c.report(kLintWaypointExternal, lint_at(service->meta),
             fmt::format("{} is open from outside by its {}, past waypoint {}: {} {} not enforced there",
                         c.service_text(id), publisher(*service), gateway_name(*c.binding(id).gateway),
                         LintContext::list_text(policies), policies.size() == 1 ? "is" : "are"),
             "make it a ClusterIP Service behind a gateway, with istio.io/ingress-use-waypoint: \"true\"");
  }
}

}  // namespace

void lint_waypoints(LintContext& c) {
  unbound_labels(c);
  bound_services(c);
  ingress(c);
  lone_labels(c);
  unused(c);
  from_outside(c);
}

}  // namespace waypath::sim
