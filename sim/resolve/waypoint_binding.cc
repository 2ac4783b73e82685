// Which waypoint serves an object: ambient-path.md section 4, steps W1 to W12.
// Source: istio pilot/pkg/serviceregistry/ambient/waypoints.go fetchWaypointForTarget and its callers

#include <algorithm>
#include <charconv>

#include "model/derive.h"
#include "model/istio/proxy_ports.h"
#include "sim/reasons/path.h"
#include "sim/resolve/mesh.h"

namespace waypath::sim {
namespace {

using model::Cluster;
using model::Feature;
using State = WaypointBinding::State;

constexpr std::string_view kUseWaypoint = "istio.io/use-waypoint";
constexpr std::string_view kUseWaypointNamespace = "istio.io/use-waypoint-namespace";
constexpr std::string_view kWaypointFor = "istio.io/waypoint-for";

ObjectAt at(const model::ObjectMeta& meta, model::SourcePos pos = {}) {
  return {meta.key, pos.known() ? pos : meta.pos, -1, {}};
}

std::string name_of(const WaypointBinding& b) { return b.named_ns + "/" + b.named; }

std::string_view kind_name(TrafficKind kind) { return kind == TrafficKind::Service ? "service" : "workload"; }

const model::Gateway* find_gateway(const Cluster& cluster, std::string_view ns, std::string_view name) {
  return cluster.snapshot()
      .find<model::Gateway>(model::ResourceKey{model::intern("Gateway"),
                                               model::intern("gateway.networking.k8s.io"), model::intern(ns),
                                               model::intern(name)})
      .get();
}

const model::GatewayClass* class_of(const Cluster& cluster, const model::Gateway& gateway) {
  for (const auto& c : cluster.snapshot().all<model::GatewayClass>())
    if (c->meta.key.name == gateway.class_name) return c.get();
  return nullptr;
}

void end(WaypointBinding& b, State state, Code code, std::optional<ObjectAt> by, std::string detail) {
  b.state = state;
  b.reason = {code, std::move(by), std::move(detail)};
}

// W4, W10. True when the Gateway has, or is taken to have, an address: istiod writes one to every Gateway of
// its classes once a pod is up, and never takes it away. What another controller does is not known.
bool ready(const Cluster& cluster, const model::Gateway& gateway, std::vector<Assumption>& assumptions) {
  if (gateway.has_status) return !gateway.status_addresses.empty();
  const auto controller = gateway_controller(cluster, gateway);
  if (model::foreign_controller(controller)) return true;
  const auto taken_as = [&](std::string_view state) {
    assumptions.push_back(
        {kAssumeWaypointReady,
         gateway.meta.key.str() + " has no status in the manifests: taken as " + std::string(state),
         gateway.meta.pos});
  };
  if (controller.empty()) {
    taken_as("not ready, as no GatewayClass " + gateway.class_name.str() + " is given");
    return false;
  }
  taken_as("ready");
  return true;
}

// ambient.istio.io/waypoint-inbound-binding: "<protocol>" or "<protocol>/<port>", of the Gateway, else of its
// class. Source: waypoints.go makeInboundBinding
struct InboundBinding {
  bool proxy = false;  // PROXY; the other known word is NONE
  unsigned port = 0;
};
std::optional<InboundBinding> inbound_binding(const Cluster& cluster, const model::Gateway& gateway) {
  constexpr std::string_view kAnnotation = "ambient.istio.io/waypoint-inbound-binding";
  const auto* annotation = gateway.meta.annotation(kAnnotation);
  if (annotation == nullptr) {
    if (const auto* c = class_of(cluster, gateway)) annotation = c->meta.annotation(kAnnotation);
  }
  if (annotation == nullptr) return std::nullopt;
  const std::string_view text = annotation->value;
  const auto slash = text.find('/');
  const auto protocol = text.substr(0, slash);
  if (protocol != "PROXY" && protocol != "NONE") return std::nullopt;
  InboundBinding out;
  out.proxy = protocol == "PROXY";
  if (slash != std::string_view::npos) {
    const auto port = text.substr(slash + 1);
    const auto [last, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (error != std::errc() || last != port.data() + port.size()) out.port = 0;
  }
  return out;
}

// W5. The listener that decides who may use the waypoint: the one it binds, else HBONE on 15008; null: none,
// which counts as "Same". Source: waypoints.go makeAllowedRoutes, findBoundListener
const model::Listener* deciding_listener(const Cluster& cluster, const model::Gateway& gateway) {
  const auto binding = inbound_binding(cluster, gateway);
  const auto first = [&](auto matches) -> const model::Listener* {
    const auto it = std::find_if(gateway.listeners.begin(), gateway.listeners.end(), matches);
    return it == gateway.listeners.end() ? nullptr : &*it;
  };
  if (binding && cluster.profile().has(Feature::SandwichAllowedRoutes)) {
    const model::Listener* bound = nullptr;
    if (binding->port != 0) {
      bound = first([&](const model::Listener& l) { return l.port == binding->port; });
    } else if (binding->proxy) {
      bound = first([](const model::Listener& l) { return l.protocol == "istio.io/PROXY"; });
    }
    if (bound != nullptr) return bound;
  }
  return first([](const model::Listener& l) { return l.protocol == "HBONE" && l.port == model::kHbonePort; });
}

bool allowed(const Cluster& cluster, const model::Gateway& gateway, const model::Listener* listener,
             model::Symbol ns) {
  if (!cluster.profile().has(Feature::WaypointAllowedRoutesChecked)) return true;
  switch (listener == nullptr ? model::FromNamespaces::Same : listener->allowed_namespaces.from) {
    case model::FromNamespaces::All:
      return true;
    case model::FromNamespaces::Selector:
      return listener->allowed_namespaces.selector.matches(cluster.namespace_labels(ns));
    case model::FromNamespaces::Same:
    case model::FromNamespaces::None:  // no word of listeners; what is not known counts as Same
      return gateway.meta.key.ns == ns;
  }
  return false;
}

std::string who_is_allowed(const model::Listener* listener) {
  if (listener != nullptr && listener->allowed_namespaces.from == model::FromNamespaces::Selector)
    return "namespaces with " + listener->allowed_namespaces.selector.str();
  return "its own namespace only";
}

// W6: label on the Gateway, else on its class, else "service".
std::string traffic_type(const Cluster& cluster, const model::Gateway& gateway, ObjectAt& where) {
  if (const auto* label = gateway.meta.labels.find(kWaypointFor)) {
    where = at(gateway.meta, label->pos);
    return label->value.str();
  }
  if (cluster.profile().has(Feature::WaypointForOnGatewayClass)) {
    if (const auto* c = class_of(cluster, gateway)) {
      if (const auto* label = c->meta.labels.find(kWaypointFor)) {
        where = at(c->meta, label->pos);
        return label->value.str();
      }
    }
  }
  return "service";
}

// W4 to W6 and W9 for the Gateway that `b` names; the caller has filled names and label.
void attach(const Cluster& cluster, const model::ObjectMeta& meta, TrafficKind kind, bool inherited,
            WaypointBinding& b) {
  const auto causes = [&](ObjectAt first) {
    b.causes = {std::move(first)};
    if (b.label_at) b.causes.push_back(*b.label_at);
  };
  // W4
  b.gateway = find_gateway(cluster, b.named_ns, b.named);
  if (b.gateway == nullptr) {
    end(b, State::Missing, kWaypointMissing, b.label_at,
        "the label names waypoint " + name_of(b) +
            ", which does not exist: istiod drops the binding and traffic goes direct");
    if (b.label_at) b.causes.push_back(*b.label_at);
    return;
  }
  if (!ready(cluster, *b.gateway, b.assumptions)) {
    end(b, State::NotReady, kWaypointNotReady, at(b.gateway->meta),
        "waypoint " + name_of(b) + " has no address: istiod drops the binding and traffic goes direct");
    return causes(at(b.gateway->meta));
  }
  // W5
  const auto* listener = deciding_listener(cluster, *b.gateway);
  if (!allowed(cluster, *b.gateway, listener, meta.key.ns)) {
    const auto where = listener == nullptr                  ? b.gateway->meta.pos
                       : listener->allowed_namespaces.given ? listener->allowed_namespaces.pos
                                                            : listener->pos;
    end(b, State::NotAllowed, kWaypointNotAllowed, at(b.gateway->meta, where),
        "the listener of waypoint " + name_of(b) + " admits " + who_is_allowed(listener) +
            " (allowedRoutes), not " + meta.key.ns.str() + ": traffic goes direct");
    return causes(at(b.gateway->meta, where));
  }
  // W6
  ObjectAt type_at = at(b.gateway->meta);
  const auto type = traffic_type(cluster, *b.gateway, type_at);
  if (type != "all" && type != kind_name(kind)) {
    const std::string detail = "waypoint " + name_of(b) + " serves " + type + " traffic (" +
                               std::string(kWaypointFor) + "), not " + std::string(kind_name(kind));
    // A pod that only inherits its namespace's label was not meant: no error.
    if (kind == TrafficKind::Workload && inherited)
      return end(b, State::None, kWaypointNone, type_at, detail);
    end(b, State::WrongTrafficType, kWaypointWrongTrafficType, type_at, detail);
    return causes(type_at);
  }
  if (const auto controller = gateway_controller(cluster, *b.gateway); model::foreign_controller(controller))
    b.unmodelled = "what waypoint " + name_of(b) + ", which " + std::string(controller) + " runs, does" +
                   (b.gateway->has_status ? "" : ", and whether it has an address");
  b.sandwiched = sandwiched(cluster, *b.gateway);
  // W9: the lookup asks for port 15008 of the Gateway's Service, which only waypoints and sandwiched gateways
  // have.
  const bool serves_hbone = is_waypoint(cluster, *b.gateway) || b.sandwiched ||
                            std::any_of(b.gateway->listeners.begin(), b.gateway->listeners.end(),
                                        [](const model::Listener& l) { return l.port == model::kHbonePort; });
  if (serves_hbone) b.pods = gateway_pods(cluster, *b.gateway);
  std::stable_sort(b.pods.begin(), b.pods.end(),
                   [&](auto x, auto y) { return cluster.pod_ready(x) && !cluster.pod_ready(y); });
  b.any_ready = !b.pods.empty() && cluster.pod_ready(b.pods.front());
  if (!b.any_ready) b.causes.push_back(at(b.gateway->meta));
  end(b, State::Bound, kWaypointBound, b.label_at,
      serves_hbone ? "labelled for waypoint " + name_of(b)
                   : "labelled for " + name_of(b) + ", a gateway whose Service has no port 15008");
}

// W11. Read from the level that the primary's label stands on: the namespace's only when the object names
// none itself. Source: waypoints.go ResolveUseWaypointCanary, buildWeightedWaypoints
void attach_canary(const Cluster& cluster, const model::ObjectMeta& meta, bool inherited,
                   WaypointBinding& b) {
  constexpr std::string_view kCanary = "istio.io/use-waypoint-canary";
  constexpr std::string_view kCanaryNamespace = "istio.io/use-waypoint-canary-namespace";
  constexpr std::string_view kCanaryWeight = "istio.io/use-waypoint-canary-weight";
  if (!cluster.profile().has(Feature::WaypointCanary)) return;
  const auto* ns = inherited ? cluster.find_namespace(meta.key.ns) : nullptr;
  const model::ObjectMeta* labelled = &meta;
  if (ns != nullptr && meta.labels.find(kCanary) == nullptr) labelled = &ns->meta;
  const auto* label = labelled->labels.find(kCanary);
  if (label == nullptr || label->value.empty() || label->value == std::string_view("none")) return;
  const auto* weight = meta.annotation(kCanaryWeight);
  if (weight == nullptr && ns != nullptr) weight = ns->meta.annotation(kCanaryWeight);
  unsigned percent = 0;
  if (weight != nullptr) {
    const char* const last = weight->value.data() + weight->value.size();
    const auto [stop, error] = std::from_chars(weight->value.data(), last, percent);
    if (error != std::errc() || stop != last || percent > 100) return;  // not a percentage: the primary alone
  }
  auto canary = std::make_shared<WaypointBinding>();
  canary->label_at = at(*labelled, label->pos);
  canary->named = label->value.str();
  canary->named_ns = std::string(labelled->labels.get(kCanaryNamespace).value_or(meta.key.ns.view()));
  attach(cluster, meta, TrafficKind::Service, inherited, *canary);
  if (!canary->bound() || canary->gateway == b.gateway || percent == 0) return;
  b.canary_weight = percent;
  b.canary = std::move(canary);
}

WaypointBinding bind(const Cluster& cluster, const model::ObjectMeta& meta, TrafficKind kind) {
  WaypointBinding b;
  // W2, W3: the label of the object, else of its namespace.
  const model::ObjectMeta* labelled = &meta;
  const model::Label* label = meta.labels.find(kUseWaypoint);
  const bool inherited = label == nullptr;
  if (inherited) {
    if (const auto* ns = cluster.find_namespace(meta.key.ns)) {
      labelled = &ns->meta;
      label = ns->meta.labels.find(kUseWaypoint);
    }
  }
  if (label == nullptr) {
    end(b, State::None, kWaypointNone, at(meta),
        "neither " + meta.key.str() + " nor its namespace is labelled " + std::string(kUseWaypoint));
    return b;
  }
  b.label_at = at(*labelled, label->pos);
  if (label->value == std::string_view("none")) {
    end(b, State::OptedOut, kWaypointOptedOut, b.label_at,
        labelled->key.str() + " has " + std::string(kUseWaypoint) + ": none");
    return b;
  }
  b.named = label->value.str();
  b.named_ns = meta.key.ns.str();
  if (cluster.profile().has(Feature::UseWaypointNamespaceLabel)) {
    if (const auto ns = labelled->labels.get(kUseWaypointNamespace)) b.named_ns = std::string(*ns);
  }
  attach(cluster, meta, kind, inherited, b);
  if (b.bound() && kind == TrafficKind::Service) attach_canary(cluster, meta, inherited, b);
  return b;
}

// W1: the Service of a waypoint or east-west gateway is served by none.
bool exempt(const Cluster& cluster, const model::ObjectMeta& meta) {
  if (!cluster.profile().has(Feature::WaypointServiceExempt)) return false;
  const auto managed = meta.labels.get("gateway.istio.io/managed");
  return managed == "istio.io-mesh-controller" || managed == "istio.io-eastwest-controller";
}

// Source: Go strconv.ParseBool; what it cannot read counts as false.
bool parse_bool(std::string_view text) {
  static constexpr std::string_view kTrue[] = {"1", "t", "T", "true", "TRUE", "True"};
  return std::find(std::begin(kTrue), std::end(kTrue), text) != std::end(kTrue);
}

}  // namespace

bool sandwiched(const Cluster& cluster, const model::Gateway& gateway) {
  const auto binding = inbound_binding(cluster, gateway);
  return binding && binding->proxy;
}

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
  const auto* gateway = gateway_of_pod(cluster, pod);
  const bool untold = gateway != nullptr && !gateway->has_status &&
                      model::foreign_controller(gateway_controller(cluster, *gateway));
  std::vector<Assumption> ignored;
  if (gateway != nullptr && !untold && ready(cluster, *gateway, ignored)) {
    WaypointBinding b;
    end(b, State::Exempt, kWaypointExempt, at(meta), "the pod of a waypoint or gateway has no waypoint");
    return b;
  }
  WaypointBinding b = bind(cluster, meta, TrafficKind::Workload);
  if (untold && b.bound())
    b.unmodelled =
        "whether " + gateway->meta.key.str() + " has an address, so that its pods have no waypoint";
  return b;
}

// Source: istio pilot/pkg/xds/endpoints/endpoint_builder.go findServiceWaypoint; ambient/services.go
// ingressUseWaypointFromLabels
IngressWaypointUse ingress_uses_waypoint(const Cluster& cluster, model::ServiceId service) {
  constexpr std::string_view kLabel = "istio.io/ingress-use-waypoint";
  const auto& r = cluster.service(service);
  const auto skips = [](const model::ObjectMeta& meta, model::SourcePos pos, std::string detail) {
    return IngressWaypointUse{false, {kIngressSkipsWaypoint, at(meta, pos), std::move(detail)}};
  };
  const auto& flags = cluster.flags();
  if (!cluster.profile().has(Feature::IngressUseWaypoint))
    return skips(r.meta(), {}, "this version has no " + std::string(kLabel));
  if (flags.boolean(flags.istiod, "ENABLE_INGRESS_WAYPOINT_ROUTING") == false)
    return skips(r.meta(), {}, "istiod runs with ENABLE_INGRESS_WAYPOINT_ROUTING=false");
  const model::ObjectMeta* labelled = &r.meta();
  const auto* label = labelled->labels.find(kLabel);
  if (label == nullptr && cluster.profile().has(Feature::IngressUseWaypointNamespace)) {
    if (const auto* ns = cluster.find_namespace(r.meta().key.ns)) {
      labelled = &ns->meta;
      label = ns->meta.labels.find(kLabel);
    }
  }
  if (label == nullptr) {
    return skips(r.meta(), {},
                 r.meta().key.str() + " lacks " + std::string(kLabel) +
                     ": \"true\", so gateways go straight to its pods");
  }
  const std::string says = labelled->key.str() + " has " + std::string(kLabel) + ": " + label->value.str();
  if (!parse_bool(label->value.view())) return skips(*labelled, label->pos, says);
  if (r.headless() || (r.vips.empty() && r.cidr_vips.empty()))
    return skips(*labelled, label->pos, "a Service without a VIP has no waypoint for gateways");
  const bool dns = r.entry != nullptr && (r.entry->resolution == model::Resolution::Dns ||
                                          r.entry->resolution == model::Resolution::DnsRoundRobin);
  if (dns)
    return skips(*labelled, label->pos, "gateways resolve the DNS endpoints of a ServiceEntry themselves");
  return {true, {kIngressUsesWaypoint, at(*labelled, label->pos), says}};
}

}  // namespace waypath::sim
