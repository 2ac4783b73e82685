// Which waypoint serves an object: ambient-path.md section 4, steps W1 to W12.
// Source: istio pilot/pkg/serviceregistry/kube/controller/ambient/waypoints.go fetchWaypointForTarget and its
// callers

#include <algorithm>

#include "model/derive.h"
#include "sim/reason_codes_path.h"
#include "sim/resolve/mesh.h"

namespace waypath::sim {
namespace {

using model::Cluster;
using model::Feature;
using State = WaypointBinding::State;

constexpr std::string_view kUseWaypoint = "istio.io/use-waypoint";
constexpr std::string_view kUseWaypointNamespace = "istio.io/use-waypoint-namespace";

ObjectAt at(const model::ObjectMeta& meta, model::SourcePos pos = {}) {
  return {meta.key, pos.known() ? pos : meta.pos, -1, {}};
}

std::string name_of(const WaypointBinding& b) { return b.named_ns + "/" + b.named; }

const model::Gateway* find_gateway(const Cluster& cluster, std::string_view ns, std::string_view name) {
  return cluster.snapshot()
      .find<model::Gateway>(model::ResourceKey{model::intern("Gateway"),
                                               model::intern("gateway.networking.k8s.io"), model::intern(ns),
                                               model::intern(name)})
      .get();
}

void end(WaypointBinding& b, State state, Code code, std::optional<ObjectAt> by, std::string detail) {
  b.state = state;
  b.reason = {code, std::move(by), std::move(detail)};
}

// W4, W10. True when the Gateway has, or is taken to have, an address.
bool ready(const Cluster& cluster, const model::Gateway& gateway, WaypointBinding& b) {
  if (gateway.has_status) return !gateway.status_addresses.empty();
  if (is_waypoint(cluster, gateway)) {
    b.assumptions.push_back({kAssumeWaypointReady,
                             "Gateway " + name_of(b) + " has no status in the manifests: taken as ready",
                             gateway.meta.pos});
    return true;
  }
  const auto controller =
      model::gateway_controller(gateway.class_name, cluster.snapshot().all<model::GatewayClass>());
  return controller.substr(0, 9) == "istio.io/" && !gateway.addresses.empty();
}

// W5. The listener that decides who may use the waypoint: the one it binds, else HBONE on 15008, else "Same".
// Source: waypoints.go makeAllowedRoutes
bool allowed(const Cluster& cluster, const model::Gateway& gateway, model::Symbol ns,
             model::SourcePos& where) {
  const model::Listener* listener = nullptr;
  for (const auto& l : gateway.listeners)
    if (l.protocol == "HBONE" && l.port == 15008) listener = &l;
  if (const auto* binding = gateway.meta.annotation("ambient.istio.io/waypoint-inbound-binding")) {
    const auto slash = binding->value.find('/');
    for (const auto& l : gateway.listeners)
      if (slash != std::string::npos && std::to_string(l.port) == binding->value.substr(slash + 1))
        listener = &l;
  }
  where = listener == nullptr                  ? gateway.meta.pos
          : listener->allowed_namespaces.given ? listener->allowed_namespaces.pos
                                               : listener->pos;
  if (!cluster.profile().has(Feature::WaypointAllowedRoutesChecked)) return true;
  const auto from = listener == nullptr ? model::FromNamespaces::Same : listener->allowed_namespaces.from;
  switch (from) {
    case model::FromNamespaces::All:
      return true;
    case model::FromNamespaces::Same:
      return gateway.meta.key.ns == ns;
    case model::FromNamespaces::Selector:
      return listener->allowed_namespaces.selector.matches(cluster.namespace_labels(ns));
    case model::FromNamespaces::None:
      return false;
  }
  return false;
}

// W6: label on the Gateway, else on its class, else "service".
std::string traffic_type(const Cluster& cluster, const model::Gateway& gateway) {
  if (const auto v = gateway.meta.labels.get("istio.io/waypoint-for")) return std::string(*v);
  if (cluster.profile().has(Feature::WaypointForOnGatewayClass)) {
    for (const auto& c : cluster.snapshot().all<model::GatewayClass>())
      if (c->meta.key.name == gateway.class_name)
        if (const auto v = c->meta.labels.get("istio.io/waypoint-for")) return std::string(*v);
  }
  return "service";
}

WaypointBinding bind(const Cluster& cluster, const model::ObjectMeta& meta, TrafficKind kind) {
  WaypointBinding b;
  // W2, W3: the label of the object, else of its namespace.
  const model::ObjectMeta* labelled = &meta;
  const model::Label* label = meta.labels.find(kUseWaypoint);
  if (label == nullptr) {
    const auto* ns = cluster.find_namespace(meta.key.ns);
    if (ns != nullptr) {
      labelled = &ns->meta;
      label = ns->meta.labels.find(kUseWaypoint);
    }
  }
  if (label == nullptr) {
    end(b, State::None, kWaypointNone, at(meta),
        "neither " + meta.key.str() + " nor its namespace is labelled istio.io/use-waypoint");
    return b;
  }
  b.label_at = at(*labelled, label->pos);
  if (label->value == std::string_view("none")) {
    end(b, State::OptedOut, kWaypointOptedOut, b.label_at,
        labelled->key.str() + " has istio.io/use-waypoint: none");
    return b;
  }
  b.named = label->value.str();
  b.named_ns = meta.key.ns.str();
  if (cluster.profile().has(Feature::UseWaypointNamespaceLabel)) {
    if (const auto ns = labelled->labels.get(kUseWaypointNamespace)) b.named_ns = std::string(*ns);
  }
  // W4
  b.gateway = find_gateway(cluster, b.named_ns, b.named);
  if (b.gateway == nullptr) {
    end(b, State::Missing, kWaypointMissing, b.label_at,
        "the label names waypoint " + name_of(b) +
            ", which does not exist: istiod drops the binding and traffic goes direct");
    b.causes.push_back(*b.label_at);
    return b;
  }
  if (!ready(cluster, *b.gateway, b)) {
    end(b, State::NotReady, kWaypointNotReady, at(b.gateway->meta),
        "waypoint " + name_of(b) + " has no address: istiod drops the binding and traffic goes direct");
    b.causes = {at(b.gateway->meta), *b.label_at};
    return b;
  }
  // W5
  model::SourcePos listener;
  if (!allowed(cluster, *b.gateway, meta.key.ns, listener)) {
    end(b, State::NotAllowed, kWaypointNotAllowed, at(b.gateway->meta, listener),
        "the listener of waypoint " + name_of(b) + " admits its own namespaces only (allowedRoutes), not " +
            meta.key.ns.str() + ": traffic goes direct");
    b.causes = {at(b.gateway->meta, listener), *b.label_at};
    return b;
  }
  // W6
  const auto type = traffic_type(cluster, *b.gateway);
  if (type != "all" && type != (kind == TrafficKind::Service ? "service" : "workload")) {
    end(b, State::WrongTrafficType, kWaypointWrongTrafficType, at(b.gateway->meta),
        "waypoint " + name_of(b) + " serves " + type + " traffic (istio.io/waypoint-for), not " +
            (kind == TrafficKind::Service ? "service" : "workload"));
    b.causes = {at(b.gateway->meta), *b.label_at};
    return b;
  }
  b.pods = gateway_pods(cluster, *b.gateway);
  std::stable_sort(b.pods.begin(), b.pods.end(),
                   [&](auto x, auto y) { return cluster.pod_ready(x) && !cluster.pod_ready(y); });
  b.any_ready = !b.pods.empty() && cluster.pod_ready(b.pods.front());
  if (!b.any_ready) b.causes.push_back(at(b.gateway->meta));
  end(b, State::Bound, kWaypointBound, b.label_at,
      labelled->key.str() + " is labelled for waypoint " + name_of(b));
  return b;
}

// W1: the Service of a waypoint or east-west gateway is served by none.
bool exempt(const Cluster& cluster, const model::ObjectMeta& meta) {
  if (!cluster.profile().has(Feature::WaypointServiceExempt)) return false;
  const auto managed = meta.labels.get("gateway.istio.io/managed");
  return managed == "istio.io-mesh-controller" || managed == "istio.io-eastwest-controller";
}

}  // namespace

WaypointBinding bind_service(const Cluster& cluster, model::ServiceId service) {
  const auto& meta = cluster.service(service).meta();
  if (exempt(cluster, meta)) {
    WaypointBinding b;
    end(b, State::Exempt, kWaypointExempt, at(meta), "a waypoint's own Service has no waypoint");
    return b;
  }
  return bind(cluster, meta, TrafficKind::Service);
}

WaypointBinding bind_pod(const Cluster& cluster, model::PodId pod) {
  const auto& meta = cluster.pod(pod).meta;
  if (const auto* gateway = gateway_of_pod(cluster, pod);
      gateway != nullptr && is_waypoint(cluster, *gateway)) {
    WaypointBinding b;
    end(b, State::Exempt, kWaypointExempt, at(meta), "a waypoint's own pod has no waypoint");
    return b;
  }
  return bind(cluster, meta, TrafficKind::Workload);
}

IngressWaypointUse ingress_uses_waypoint(const Cluster& cluster, model::ServiceId service) {
  constexpr std::string_view kLabel = "istio.io/ingress-use-waypoint";
  const auto& r = cluster.service(service);
  IngressWaypointUse out;
  if (!cluster.profile().has(Feature::IngressUseWaypoint)) {
    out.reason = {kIngressSkipsWaypoint, at(r.meta()), "this version has no istio.io/ingress-use-waypoint"};
    return out;
  }
  const model::ObjectMeta* labelled = &r.meta();
  const auto* label = labelled->labels.find(kLabel);
  if (label == nullptr && cluster.profile().has(Feature::IngressUseWaypointNamespace)) {
    if (const auto* ns = cluster.find_namespace(r.meta().key.ns)) {
      labelled = &ns->meta;
      label = ns->meta.labels.find(kLabel);
    }
  }
  if (label == nullptr) {
    out.reason = {kIngressSkipsWaypoint, at(r.meta()),
                  r.meta().key.str() +
                      " lacks istio.io/ingress-use-waypoint: \"true\", so gateways go straight to its pods"};
    return out;
  }
  // Source: Go strconv.ParseBool; what it cannot read counts as false.
  static constexpr std::string_view kTrue[] = {"1", "t", "T", "true", "TRUE", "True"};
  const bool on = std::find(std::begin(kTrue), std::end(kTrue), label->value.view()) != std::end(kTrue);
  const bool vip = !r.headless() && (!r.vips.empty() || !r.cidr_vips.empty());
  out.uses = on && vip;
  out.reason = {out.uses ? kIngressUsesWaypoint : kIngressSkipsWaypoint, at(*labelled, label->pos),
                on && !vip
                    ? "a Service without a VIP has no waypoint for gateways"
                    : labelled->key.str() + " has istio.io/ingress-use-waypoint: " + label->value.str()};
  return out;
}

}  // namespace waypath::sim
