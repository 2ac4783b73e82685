// What istiod deploys for a Gateway: Deployment, Service, ServiceAccount.

#include <algorithm>
#include <cctype>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "model/derive.h"
#include "model/derive_overlay.h"
#include "model/istio/proxy_ports.h"

namespace waypath::model {
namespace {

constexpr std::string_view kGatewayName = "gateway.networking.k8s.io/gateway-name";

struct NsName {
  Symbol ns, name;
  friend bool operator==(const NsName&, const NsName&) = default;
};
struct NsNameHash {
  std::size_t operator()(const NsName& n) const noexcept {
    return std::hash<Symbol>()(n.ns) * 31 + std::hash<Symbol>()(n.name);
  }
};
using NameSet = std::unordered_set<NsName, NsNameHash>;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string dashed(std::string_view controller) {
  std::string out(controller);
  std::replace(out.begin(), out.end(), '/', '-');
  return out;
}

std::string annotation_or(const Gateway& g, std::string_view key, std::string fallback) {
  const auto* found = g.meta.annotation(key);
  return found == nullptr ? std::move(fallback) : found->value;
}

// Labels that go to everything made for the Gateway: those of spec.infrastructure, else the Gateway's own.
// Source: istio pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go extractInfrastructureMetadata,
// setLabelOverrides
std::vector<Label> infrastructure_labels(const Gateway& g) {
  std::vector<Label> out;
  if (g.infrastructure_labels_given) {
    for (const auto& label : g.infrastructure_labels)
      if (label.key.view().substr(0, 26) != "gateway.networking.k8s.io/") out.push_back(label);
  } else {
    out.assign(g.meta.labels.all().begin(), g.meta.labels.all().end());
  }
  static const Symbol mode = intern("istio.io/dataplane-mode");
  const bool mesh_class = g.class_name.view().find("waypoint") != std::string_view::npos ||
                          g.class_name.view().find("east-west") != std::string_view::npos;
  const bool stated = g.meta.labels.find(mode) != nullptr ||
                      std::any_of(out.begin(), out.end(), [](const Label& l) { return l.key == mode; });
  if (!mesh_class && !stated) out.push_back({mode, intern("none"), g.meta.pos});
  return out;
}

void add_identity(std::vector<Label>& labels, const Gateway& g, std::string_view controller) {
  labels.push_back({intern(kGatewayName), g.meta.key.name, g.meta.pos});
  labels.push_back({intern("gateway.networking.k8s.io/gateway-class-name"), g.class_name, g.meta.pos});
  labels.push_back({intern("gateway.istio.io/managed"), intern(dashed(controller)), g.meta.pos});
}

ObjectMeta derived_meta(const Gateway& g, std::string_view controller, std::string_view kind,
                        std::string_view group, std::string_view name) {
  ObjectMeta meta;
  meta.key = {intern(kind), intern(group), g.meta.key.ns, intern(name)};
  auto labels = infrastructure_labels(g);
  add_identity(labels, g, controller);
  meta.labels = Labels(std::move(labels));
  meta.owners.push_back({intern("Gateway"), g.meta.key.name, true});
  meta.origin = Origin::Derived;
  meta.derived_from = g.meta.key;
  meta.pos = g.meta.pos;
  return meta;
}

ServiceType service_type(const Gateway& g, std::string_view controller) {
  const auto type = annotation_or(g, "networking.istio.io/service-type", "");
  if (type == "ClusterIP") return ServiceType::ClusterIP;
  if (type == "NodePort") return ServiceType::NodePort;
  if (type == "LoadBalancer") return ServiceType::LoadBalancer;
  return controller == kMeshController ? ServiceType::ClusterIP : ServiceType::LoadBalancer;
}

Service gateway_service(const Gateway& g, std::string_view controller, const std::string& name,
                        const std::vector<const Listener*>& listeners) {
  Service s;
  s.meta = derived_meta(g, controller, "Service", "", name);
  s.type = service_type(g, controller);
  s.selector.emplace_back(intern(kGatewayName), g.meta.key.name);
  s.ports = gateway_service_ports(g, listeners);
  for (const auto& address : g.status_addresses)
    if (const auto ip = parse_ip(address.value))
      (s.type == ServiceType::ClusterIP ? s.cluster_ips : s.load_balancer_ips).push_back(*ip);
  return s;
}

Workload gateway_workload(const Gateway& g, std::string_view controller, const std::string& name) {
  Workload w;
  w.meta = derived_meta(g, controller, "Deployment", "apps", name);
  w.replicas = 1;
  w.selector.requirements.push_back(
      {intern(kGatewayName), SelectorOperator::In, {g.meta.key.name}, g.meta.pos});
  w.template_labels = gateway_pod_labels(g, controller);
  w.template_spec.service_account =
      intern(annotation_or(g, "gateway.istio.io/service-account", gateway_default_name(g, controller)));
  Container proxy;
  proxy.name = intern("istio-proxy");
  for (const auto& [port_name, port] :
       {std::pair{"metrics", kMergedTelemetryPort}, std::pair{"status-port", kHealthCheckPort},
        std::pair{"http-envoy-prom", kEnvoyTelemetryPort}})
    proxy.ports.push_back({intern(port_name), Protocol::Tcp, port, g.meta.pos});
  w.template_spec.containers.push_back(std::move(proxy));
  return w;
}

// Whether a live pod's owner bears the Gateway's name, as the ReplicaSet of istiod's Deployment does.
bool of_gateway(const Pod& pod) {
  const auto gateway = pod.meta.labels.get(kGatewayName);
  if (!gateway) return false;
  return std::any_of(pod.meta.owners.begin(), pod.meta.owners.end(), [&](const auto& o) {
    const auto owner = o.name.view();
    return owner.substr(0, gateway->size()) == *gateway &&
           (owner.size() == gateway->size() || owner[gateway->size()] == '-');
  });
}

}  // namespace

std::string_view gateway_controller(Symbol class_name, Objects<GatewayClass> classes) {
  for (const auto& c : classes)
    if (c->meta.key.name == class_name) return c->controller_name;
  const auto name = class_name.view();
  if (name == "istio") return kGatewayController;
  if (name == "istio-remote") return kUnmanagedController;
  if (name == "istio-waypoint") return kMeshController;
  if (name == "istio-east-west") return kEastWestController;
  return {};
}

bool gateway_managed(const Gateway& gateway) {
  if (gateway.class_name == std::string_view("istio-remote")) return false;
  if (gateway.addresses.empty()) return true;
  return gateway.addresses.size() == 1 && gateway.addresses[0].type == "IPAddress";
}

std::string gateway_default_name(const Gateway& gateway, std::string_view controller) {
  if (controller != kGatewayController) return gateway.meta.key.name.str();
  return gateway.meta.key.name.str() + "-" + gateway.class_name.str();
}

std::string gateway_deployment_name(const Gateway& gateway, std::string_view controller) {
  return annotation_or(gateway, "gateway.istio.io/name-override", gateway_default_name(gateway, controller));
}

// Source: istio manifests/charts/istio-control/istio-discovery/files/{waypoint,kube-gateway}.yaml
Labels gateway_pod_labels(const Gateway& g, std::string_view controller) {
  const auto pos = g.meta.pos;
  std::vector<Label> labels;
  const auto add = [&](std::string_view key, std::string_view value) {
    labels.push_back({intern(key), intern(value), pos});
  };
  add("sidecar.istio.io/inject", "false");
  if (controller != kGatewayController) add("istio.io/dataplane-mode", "none");
  add("service.istio.io/canonical-name", gateway_deployment_name(g, controller));
  add("service.istio.io/canonical-revision", "latest");
  const auto infrastructure = infrastructure_labels(g);
  labels.insert(labels.end(), infrastructure.begin(), infrastructure.end());
  add_identity(labels, g, controller);
  return Labels(std::move(labels));
}

// Source: istio pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go extractServicePorts
std::vector<ServicePort> gateway_service_ports(const Gateway& g,
                                               const std::vector<const Listener*>& listeners) {
  std::vector<ServicePort> out;
  const auto add = [&](Symbol name, std::uint16_t port, std::string app_protocol, SourcePos pos) {
    const bool known = std::any_of(out.begin(), out.end(), [&](const auto& p) { return p.port == port; });
    if (!known) out.push_back({name, Protocol::Tcp, port, port, std::move(app_protocol), 0, pos});
  };
  add(intern("status-port"), kHealthCheckPort, "tcp", g.meta.pos);
  for (const auto& l : g.listeners) add(l.name, l.port, lower(l.protocol), l.pos);
  for (const auto* l : listeners) add(l->name, l->port, lower(l->protocol), l->pos);
  return out;
}

GatewayObjects derive_gateway_objects(const GatewayInputs& in, const GatewayOverlays& overlays) {
  GatewayObjects out;
  NameSet deployed, services, accounts;  // by {namespace, Gateway name} and {namespace, name}
  const auto note = [&](Symbol ns, const Labels& labels) {
    static const Symbol key = intern(kGatewayName);
    if (const auto* label = labels.find(key)) deployed.insert({ns, label->value});
  };
  for (const auto& w : in.workloads) note(w->meta.key.ns, w->template_labels);
  for (const auto& p : in.pods)
    if (!p->meta.owners.empty() && !of_gateway(*p)) note(p->meta.key.ns, p->meta.labels);
  for (const auto& s : in.services) services.insert({s->meta.key.ns, s->meta.key.name});
  for (const auto& a : in.accounts) accounts.insert({a->meta.key.ns, a->meta.key.name});
  std::unordered_map<NsName, std::vector<const Listener*>, NsNameHash> more;  // listeners of ListenerSets
  for (const auto& set : in.listener_sets)
    for (const auto& l : set->listeners) more[{set->parent_ns, set->parent_name}].push_back(&l);

  for (const auto& g : in.gateways) {
    const auto controller = gateway_controller(g->class_name, in.classes);
    const bool known = controller == kGatewayController || controller == kMeshController ||
                       controller == kEastWestController;
    if (!known || !gateway_managed(*g)) continue;
    const auto name = gateway_deployment_name(*g, controller);
    const auto account =
        annotation_or(*g, "gateway.istio.io/service-account", gateway_default_name(*g, controller));
    const Symbol ns = g->meta.key.ns;
    const bool own_pods = deployed.count({ns, g->meta.key.name}) != 0,
               own_service = services.count({ns, intern(name)}) != 0;
    if (!own_pods || !own_service) overlays.check(*g);
    if (!own_pods) {
      out.workloads.push_back(gateway_workload(*g, controller, name));
      overlays.lay_over(*g, out.workloads.back());
    }
    const auto it = more.find({ns, g->meta.key.name});
    static const std::vector<const Listener*> none;
    if (!own_service) {
      out.services.push_back(gateway_service(*g, controller, name, it == more.end() ? none : it->second));
      overlays.lay_over(*g, out.services.back());
    }
    if (accounts.count({ns, intern(account)}) == 0)
      out.accounts.push_back(ServiceAccount{derived_meta(*g, controller, "ServiceAccount", "", account)});
  }
  return out;
}

}  // namespace waypath::model
