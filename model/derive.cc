#include "model/derive.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

namespace waypath::model {
namespace {

struct WorkloadName {
  Symbol kind, ns, name;
  friend bool operator==(const WorkloadName&, const WorkloadName&) = default;
};
struct WorkloadNameHash {
  std::size_t operator()(const WorkloadName& w) const noexcept {
    const std::hash<Symbol> h;
    return h(w.kind) * 31 + h(w.ns) * 17 + h(w.name);
  }
};
using WorkloadIndex = std::unordered_map<WorkloadName, const Workload*, WorkloadNameHash>;

WorkloadIndex index_workloads(Objects<Workload> workloads) {
  WorkloadIndex index;
  for (const auto& w : workloads) index.emplace(WorkloadName{w->meta.key.kind, w->meta.key.ns, w->meta.key.name}, w.get());
  return index;
}

const OwnerReference* controller_of(const ObjectMeta& meta) {
  for (const auto& owner : meta.owners)
    if (owner.controller) return &owner;
  return meta.owners.size() == 1 ? &meta.owners.front() : nullptr;
}

// The workload above a ReplicaSet or Job, when it is given.
const Workload* parent_workload(const WorkloadIndex& index, Symbol kind, Symbol ns, Symbol name) {
  static const Symbol replica_set = intern("ReplicaSet"), deployment = intern("Deployment"), job = intern("Job"), cron_job = intern("CronJob");
  const auto find = [&](Symbol k, Symbol n) -> const Workload* {
    const auto it = index.find({k, ns, n});
    return it == index.end() ? nullptr : it->second;
  };
  if (kind != replica_set && kind != job) return nullptr;
  const Symbol parent_kind = kind == replica_set ? deployment : cron_job;
  if (const Workload* self = find(kind, name)) {
    const auto* owner = controller_of(self->meta);
    return owner == nullptr ? nullptr : find(owner->kind, owner->name);
  }
  // Without the ReplicaSet itself its name tells: "<deployment>-<template hash>", "<cronjob>-<minute>".
  const auto dash = name.view().rfind('-');
  return dash == std::string_view::npos ? nullptr : find(parent_kind, intern(name.view().substr(0, dash)));
}

// Labels that controllers add to the pods they make.
// Source: kubernetes pkg/controller/statefulset/stateful_set_utils.go updateIdentity, pkg/controller/job
Labels generated_labels(const Workload& w, const std::string& pod_name, int ordinal) {
  Labels labels = w.template_labels;
  const auto kind = w.meta.key.kind.view();
  if (kind == "StatefulSet") {
    labels = labels.with(intern("statefulset.kubernetes.io/pod-name"), intern(pod_name), w.meta.pos);
    labels = labels.with(intern("apps.kubernetes.io/pod-index"), intern(std::to_string(ordinal)), w.meta.pos);
  } else if (kind == "Job") {
    labels = labels.with(intern("batch.kubernetes.io/job-name"), w.meta.key.name, w.meta.pos);
    labels = labels.with(intern("job-name"), w.meta.key.name, w.meta.pos);
  }
  return labels;
}

Pod derive_pod(const Workload& w, const std::string& name, int ordinal, Symbol node) {
  Pod pod;
  pod.meta.key = {intern("Pod"), Symbol{}, w.meta.key.ns, intern(name)};
  pod.meta.labels = generated_labels(w, name, ordinal);
  pod.meta.annotations = w.template_annotations;
  pod.meta.owners.push_back({w.meta.key.kind, w.meta.key.name, true});
  pod.meta.origin = Origin::Derived;
  pod.meta.derived_from = w.meta.key;
  pod.meta.pos = w.meta.pos;
  pod.spec = w.template_spec;
  if (!node.empty()) pod.spec.node_name = node;
  if (w.meta.key.kind == std::string_view("StatefulSet")) {
    pod.spec.hostname = intern(name);
    pod.spec.subdomain = w.service_name;
  }
  pod.workload_kind = w.meta.key.kind;
  pod.workload_name = w.meta.key.name;
  return pod;
}

}  // namespace

std::vector<std::shared_ptr<const Pod>> attribute_pods(Objects<Pod> pods, Objects<Workload> workloads) {
  const auto index = index_workloads(workloads);
  std::vector<std::shared_ptr<const Pod>> out;
  out.reserve(pods.size());
  for (const auto& pod : pods) {
    const auto* owner = controller_of(pod->meta);
    if (owner != nullptr && owner->kind == std::string_view("Node")) owner = nullptr;  // a static pod's mirror
    Symbol kind = owner == nullptr ? intern("Pod") : owner->kind;
    Symbol name = owner == nullptr ? pod->meta.key.name : owner->name;
    if (owner != nullptr) {
      if (const Workload* parent = parent_workload(index, kind, pod->meta.key.ns, name)) {
        kind = parent->meta.key.kind;
        name = parent->meta.key.name;
      }
    }
    if (pod->workload_kind == kind && pod->workload_name == name) {
      out.push_back(pod);
      continue;
    }
    auto copy = std::make_shared<Pod>(*pod);
    copy->workload_kind = kind;
    copy->workload_name = name;
    out.push_back(std::move(copy));
  }
  return out;
}

std::vector<Pod> derive_pods(Objects<Pod> pods, Objects<Workload> workloads, Objects<Node> nodes) {
  const auto index = index_workloads(workloads);
  std::unordered_set<WorkloadName, WorkloadNameHash> populated;
  for (const auto& pod : pods) {
    populated.insert({pod->workload_kind, pod->meta.key.ns, pod->workload_name});
    if (const auto* owner = controller_of(pod->meta)) populated.insert({owner->kind, pod->meta.key.ns, owner->name});
  }
  std::vector<Pod> out;
  for (const auto& w : workloads) {
    const auto& key = w->meta.key;
    const auto kind = key.kind.view();
    const int replicas = w->replicas.value_or(1);
    if (populated.count({key.kind, key.ns, key.name}) != 0 || w->suspended || (replicas == 0 && kind != "DaemonSet")) continue;
    if (parent_workload(index, key.kind, key.ns, key.name) != nullptr) continue;  // the workload above it makes the pods
    if (kind == "StatefulSet") {
      for (int i = 0; i < replicas; ++i) {
        const int ordinal = w->ordinals_start + i;
        out.push_back(derive_pod(*w, key.name.str() + "-" + std::to_string(ordinal), ordinal, {}));
      }
    } else if (kind == "DaemonSet" && !nodes.empty()) {
      for (const auto& node : nodes) out.push_back(derive_pod(*w, key.name.str() + "-" + node->meta.key.name.str(), 0, node->meta.key.name));
    } else {
      out.push_back(derive_pod(*w, key.name.str() + "-*", 0, {}));
    }
  }
  return out;
}

std::string_view gateway_controller(Symbol class_name, Objects<GatewayClass> classes) {
  for (const auto& c : classes)
    if (c->meta.key.name == class_name) return c->controller_name;
  const auto name = class_name.view();
  if (name == "istio" || name == "istio-remote") return "istio.io/gateway-controller";
  if (name == "istio-waypoint") return "istio.io/mesh-controller";
  if (name == "istio-east-west") return "istio.io/eastwest-controller";
  return {};
}

bool gateway_managed(const Gateway& gateway) {
  if (gateway.class_name == std::string_view("istio-remote")) return false;
  if (gateway.addresses.empty()) return true;
  return gateway.addresses.size() == 1 && gateway.addresses[0].type == "IPAddress";
}

std::string gateway_deployment_name(const Gateway& gateway, std::string_view controller) {
  if (const auto* name = gateway.meta.annotation("gateway.istio.io/name-override")) return name->value;
  if (controller != "istio.io/gateway-controller") return gateway.meta.key.name.str();
  return gateway.meta.key.name.str() + "-" + gateway.class_name.str();
}

namespace {

// Source: istio manifests/charts/istio-control/istio-discovery/files/{waypoint,kube-gateway}.yaml;
// pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go extractInfrastructureMetadata, setLabelOverrides
Labels gateway_pod_labels(const Gateway& g, std::string_view controller, const std::string& name) {
  const auto pos = g.meta.pos;
  const bool gateway = controller == "istio.io/gateway-controller";
  std::vector<Label> labels;
  const auto add = [&](std::string_view key, std::string_view value) { labels.push_back({intern(key), intern(value), pos}); };
  add("service.istio.io/canonical-name", name);
  add("service.istio.io/canonical-revision", "latest");
  add("sidecar.istio.io/inject", gateway ? "true" : "false");
  add("istio.io/dataplane-mode", "none");
  // Labels of the infrastructure section, else the Gateway's own, override those above.
  if (g.infrastructure_labels_given) {
    labels.insert(labels.end(), g.infrastructure_labels.begin(), g.infrastructure_labels.end());
  } else {
    for (const auto& label : g.meta.labels.all()) labels.push_back(label);
  }
  add("gateway.networking.k8s.io/gateway-name", g.meta.key.name.view());
  add("gateway.networking.k8s.io/gateway-class-name", g.class_name.view());
  add("gateway.istio.io/managed", controller == "istio.io/mesh-controller"       ? "istio.io-mesh-controller"
                                  : controller == "istio.io/eastwest-controller" ? "istio.io-eastwest-controller"
                                                                                 : "istio.io-gateway-controller");
  return Labels(std::move(labels));
}

ObjectMeta derived_meta(const Gateway& g, std::string_view kind, std::string_view group, const std::string& name, const Labels& labels) {
  ObjectMeta meta;
  meta.key = {intern(kind), intern(group), g.meta.key.ns, intern(name)};
  meta.labels = labels;
  meta.owners.push_back({intern("Gateway"), g.meta.key.name, true});
  meta.origin = Origin::Derived;
  meta.derived_from = g.meta.key;
  meta.pos = g.meta.pos;
  return meta;
}

Service gateway_service(const Gateway& g, std::string_view controller, const std::string& name, const Labels& labels) {
  Service s;
  s.meta = derived_meta(g, "Service", "", name, labels);
  s.type = controller == "istio.io/mesh-controller" ? ServiceType::ClusterIP : ServiceType::LoadBalancer;
  s.selector.emplace_back(intern("gateway.networking.k8s.io/gateway-name"), g.meta.key.name);
  const auto add = [&](std::string_view port_name, std::uint16_t port, std::string app_protocol) {
    const bool known = std::any_of(s.ports.begin(), s.ports.end(), [&](const auto& p) { return p.port == port; });
    if (!known) s.ports.push_back({intern(port_name), Protocol::Tcp, port, port, std::move(app_protocol), 0, g.meta.pos});
  };
  add("status-port", 15021, "tcp");
  for (const auto& l : g.listeners) {
    std::string protocol = l.protocol;
    std::transform(protocol.begin(), protocol.end(), protocol.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    add(l.name.view(), l.port, protocol);
  }
  for (const auto& address : g.status_addresses)
    if (const auto ip = parse_ip(address.value)) {
      (s.type == ServiceType::ClusterIP ? s.cluster_ips : s.load_balancer_ips).push_back(*ip);
    }
  return s;
}

Workload gateway_workload(const Gateway& g, const std::string& name, const Labels& labels) {
  Workload w;
  w.meta = derived_meta(g, "Deployment", "apps", name, labels);
  w.replicas = 1;
  w.selector.requirements.push_back(
      {intern("gateway.networking.k8s.io/gateway-name"), SelectorOperator::In, {g.meta.key.name}, g.meta.pos});
  w.template_labels = labels;
  w.template_spec.service_account = intern(name);
  Container proxy;
  proxy.name = intern("istio-proxy");
  for (const auto& [port_name, port] : {std::pair{"metrics", 15020}, std::pair{"status-port", 15021}, std::pair{"http-envoy-prom", 15090}})
    proxy.ports.push_back({intern(port_name), Protocol::Tcp, static_cast<std::uint16_t>(port), g.meta.pos});
  w.template_spec.containers.push_back(std::move(proxy));
  return w;
}

}  // namespace

GatewayObjects derive_gateway_objects(Objects<Gateway> gateways, Objects<GatewayClass> classes, Objects<Pod> pods,
                                      Objects<Workload> workloads, Objects<Service> services, Objects<ServiceAccount> accounts) {
  GatewayObjects out;
  const auto labelled = [](const Labels& labels, Symbol ns, const Gateway& g) {
    return ns == g.meta.key.ns && labels.get("gateway.networking.k8s.io/gateway-name") == g.meta.key.name.view();
  };
  for (const auto& g : gateways) {
    const auto controller = gateway_controller(g->class_name, classes);
    const bool known = controller == "istio.io/gateway-controller" || controller == "istio.io/mesh-controller" ||
                       controller == "istio.io/eastwest-controller";
    if (!known || !gateway_managed(*g)) continue;
    const auto name = gateway_deployment_name(*g, controller);
    const auto labels = gateway_pod_labels(*g, controller, name);
    const auto named = [&](const auto& list) {
      return std::any_of(list.begin(), list.end(),
                         [&](const auto& o) { return o->meta.key.ns == g->meta.key.ns && o->meta.key.name == std::string_view(name); });
    };
    const bool deployed = std::any_of(workloads.begin(), workloads.end(),
                                      [&](const auto& w) { return labelled(w->template_labels, w->meta.key.ns, *g); }) ||
                          std::any_of(pods.begin(), pods.end(), [&](const auto& p) { return labelled(p->meta.labels, p->meta.key.ns, *g); });
    if (!deployed) out.workloads.push_back(gateway_workload(*g, name, labels));
    if (!named(services)) out.services.push_back(gateway_service(*g, controller, name, labels));
    if (!named(accounts)) out.accounts.push_back(ServiceAccount{derived_meta(*g, "ServiceAccount", "", name, labels)});
  }
  return out;
}

}  // namespace waypath::model
