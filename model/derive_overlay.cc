#include "model/derive_overlay.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "model/config_map_text.h"
#include "model/diagnostic_codes.h"
#include "model/load/decoders.h"

namespace waypath::model {
namespace {

// Source: istio pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go supportedOverlays
constexpr std::array<std::string_view, 5> kOverlays = {"deployment", "service", "serviceAccount",
                                                       "horizontalPodAutoscaler", "podDisruptionBudget"};

// Maps are merged, and null takes a key away, as everywhere in a strategic merge.
// Source: kubernetes apimachinery pkg/util/strategicpatch/patch.go mergeMap
void merge_labels(Labels& labels, const Field& patch) {
  if (!patch) return;
  std::vector<Label> all(labels.all().begin(), labels.all().end());
  patch.each_member([&](std::string_view key, const Field& value) {
    const Symbol name = intern(key);
    std::erase_if(all, [&](const Label& l) { return l.key == name; });
    if (value) all.push_back({name, value.symbol(), value.pos()});
  });
  labels = Labels(std::move(all));
}

void merge_annotations(std::vector<Annotation>& annotations, const Field& patch) {
  if (!patch) return;
  patch.each_member([&](std::string_view key, const Field& value) {
    const Symbol name = intern(key);
    std::erase_if(annotations, [&](const Annotation& a) { return a.key == name; });
    if (value) annotations.push_back({name, value.text(), value.pos()});
  });
  std::sort(annotations.begin(), annotations.end(),
            [](const Annotation& a, const Annotation& b) { return a.key.view() < b.key.view(); });
}

// Source: kubernetes staging/src/k8s.io/api/core/v1/types.go ServiceSpec.Ports: merged by their port.
void merge_ports(std::vector<ServicePort>& ports, const Field& patch, const std::vector<ServicePort>& read) {
  std::size_t i = 0;
  patch.each([&](const Field& f) {
    const ServicePort& over = read[i++];
    const auto at =
        std::find_if(ports.begin(), ports.end(), [&](const ServicePort& p) { return p.port == over.port; });
    if (at == ports.end()) {
      ports.push_back(over);
      return;
    }
    if (f["name"]) at->name = over.name;
    if (f["protocol"]) at->protocol = over.protocol;
    if (f["targetPort"]) at->target_port = over.target_port;
    if (f["appProtocol"]) at->app_protocol = over.app_protocol;
    if (f["nodePort"]) at->node_port = over.node_port;
  });
}

}  // namespace

const ConfigMap* GatewayOverlays::parameters(const Gateway& gateway) const {
  if (!gateway.parameters || !gateway.parameters->group.empty() || gateway.parameters->kind != "ConfigMap")
    return nullptr;
  const auto at = std::find_if(maps_.begin(), maps_.end(), [&](const auto& map) {
    return !map->secret && map->meta.key.ns == gateway.meta.key.ns &&
           map->meta.key.name == gateway.parameters->name;
  });
  return at == maps_.end() ? nullptr : at->get();
}

std::vector<const ConfigMap*> GatewayOverlays::of(const Gateway& gateway) const {
  // istiod's own namespace, where its ConfigMap is; the oldest of several.
  const ConfigMap* defaults = nullptr;
  const auto age = [](const ConfigMap& map) {
    return std::tuple(std::string_view(map.meta.creation_timestamp), map.meta.key.name.view());
  };
  for (const auto& map : maps_)
    if (!map->secret && map->meta.key.ns == std::string_view("istio-system") &&
        map->meta.labels.get("gateway.istio.io/defaults-for-class") == gateway.class_name.view() &&
        (defaults == nullptr || age(*map) < age(*defaults)))
      defaults = map.get();
  std::vector<const ConfigMap*> out;
  if (defaults != nullptr) out.push_back(defaults);
  if (const ConfigMap* own = parameters(gateway)) out.push_back(own);
  return out;
}

template <class Fn>
void GatewayOverlays::each(const Gateway& gateway, std::string_view key, const Fn& fn) const {
  for (const ConfigMap* map : of(gateway))
    for (std::size_t i = 0; i < map->data.size(); ++i)
      if (map->data[i].first == key)
        read_config_map_text(*map, i, files_, kGatewayParameters, diagnostics_, fn);
}

void GatewayOverlays::lay_over(const Gateway& gateway, Workload& deployment) const {
  each(gateway, "deployment", [&](const Field& patch) {
    merge_labels(deployment.meta.labels, patch["metadata"]["labels"]);
    const Field spec = patch["spec"];
    if (spec["replicas"]) deployment.replicas = static_cast<int>(spec["replicas"].integer().value_or(1));
    const Field pod = spec["template"];
    merge_labels(deployment.template_labels, pod["metadata"]["labels"]);
    merge_annotations(deployment.template_annotations, pod["metadata"]["annotations"]);
    const Field pod_spec = pod["spec"];
    PodSpec& of_pods = deployment.template_spec;
    if (pod_spec["serviceAccountName"]) of_pods.service_account = pod_spec["serviceAccountName"].symbol();
    if (pod_spec["hostNetwork"]) of_pods.host_network = pod_spec["hostNetwork"].boolean();
    if (pod_spec["dnsPolicy"]) of_pods.dns_policy = pod_spec["dnsPolicy"].text();
  });
}

void GatewayOverlays::lay_over(const Gateway& gateway, Service& service) const {
  each(gateway, "service", [&](const Field& patch) {
    Decoded read;
    decode_service(patch, {}, read);
    const Service& over = read.front().as<Service>();
    merge_labels(service.meta.labels, patch["metadata"]["labels"]);
    merge_annotations(service.meta.annotations, patch["metadata"]["annotations"]);
    const Field spec = patch["spec"];
    if (spec["type"]) service.type = over.type;
    if (spec["clusterIP"] || spec["clusterIPs"]) {
      service.headless = over.headless;
      service.cluster_ips = over.cluster_ips;
    }
    if (spec["externalIPs"]) service.external_ips = over.external_ips;
    if (spec["loadBalancerIP"])
      service.load_balancer_ips.insert(service.load_balancer_ips.end(), over.load_balancer_ips.begin(),
                                       over.load_balancer_ips.end());
    if (spec["externalTrafficPolicy"]) service.external_local = over.external_local;
    if (spec["internalTrafficPolicy"]) service.internal_local = over.internal_local;
    if (spec["publishNotReadyAddresses"]) service.publish_not_ready = over.publish_not_ready;
    if (spec["loadBalancerSourceRanges"])
      service.load_balancer_source_ranges = over.load_balancer_source_ranges;
    for (const auto& [key, value] : over.selector) {
      std::erase_if(service.selector, [key = key](const auto& own) { return own.first == key; });
      service.selector.emplace_back(key, value);
    }
    merge_ports(service.ports, spec["ports"], over.ports);
  });
}

void GatewayOverlays::check(const Gateway& gateway) const {
  const auto report = [&](SourcePos pos, const ResourceKey& object, std::string field, std::string message,
                          std::string hint) {
    diagnostics_.report({kGatewayParameters,
                         Severity::Warning,
                         Reach::Input,
                         pos,
                         object.str(),
                         std::move(field),
                         {},
                         std::move(message),
                         std::move(hint)});
  };
  if (const auto& ref = gateway.parameters) {
    constexpr std::string_view kField = "spec.infrastructure.parametersRef";
    if (!ref->group.empty() || ref->kind != "ConfigMap")
      report(ref->pos, gateway.meta.key, std::string(kField),
             "istiod takes a ConfigMap alone for parameters, not " + ref->kind + " of " +
                 (ref->group.empty() ? "the core group" : ref->group) +
                 ": it deploys nothing for the Gateway",
             "name a ConfigMap, with group: \"\"");
    else if (parameters(gateway) == nullptr)
      report(ref->pos, gateway.meta.key, std::string(kField),
             "ConfigMap " + gateway.meta.key.ns.str() + "/" + ref->name.str() +
                 " is not given: the Gateway's Deployment and Service are taken as without it, and istiod "
                 "deploys nothing where it is missing",
             "give the ConfigMap too, or the Deployment and Service as they are in the cluster");
  }
  for (const ConfigMap* map : of(gateway))
    for (std::size_t i = 0; i < map->data.size(); ++i)
      if (std::find(kOverlays.begin(), kOverlays.end(), map->data[i].first) == kOverlays.end())
        report(map->data_pos[i], map->meta.key, "data." + map->data[i].first,
               "istiod refuses the whole ConfigMap for this key, and deploys nothing for Gateway " +
                   gateway.meta.key.ns.str() + "/" + gateway.meta.key.name.str() +
                   "; the other keys are used here",
               "the keys are deployment, service, serviceAccount, horizontalPodAutoscaler and "
               "podDisruptionBudget");
}

}  // namespace waypath::model
