// Mesh membership of a pod: ambient-path.md section 1, rules E1 to E12. Identities: section 6.

#include <algorithm>
#include <string>

#include "model/derive.h"
#include "sim/reason_codes_path.h"
#include "sim/resolve/mesh.h"

namespace waypath::sim {
namespace {

using model::Cluster;
using model::Feature;
using model::Pod;

constexpr std::string_view kDataplaneMode = "istio.io/dataplane-mode";
constexpr std::string_view kGatewayName = "gateway.networking.k8s.io/gateway-name";

Reason because(Code code, const model::ObjectMeta& meta, model::SourcePos pos, std::string detail) {
  return {code, ObjectAt{meta.key, pos.known() ? pos : meta.pos, -1, {}}, std::move(detail)};
}

bool has_proxy_container(const Pod& pod) {
  return std::any_of(pod.spec.containers.begin(), pod.spec.containers.end(),
                     [](const auto& c) { return c.name == std::string_view("istio-proxy"); });
}

// The injector's gateway template turns a pod into a gateway proxy.
// Source: istio manifests/charts/gateway/templates/deployment.yaml
bool gateway_template(const Pod& pod) {
  const auto* templates = pod.meta.annotation("inject.istio.io/templates");
  return templates != nullptr && templates->value.find("gateway") != std::string::npos;
}

// Whether an Istio Gateway selects the pod: then its Envoy is a gateway, however it was deployed.
bool selected_by_gateway(const Cluster& cluster, const Pod& pod) {
  const auto gateways = cluster.snapshot().all<model::IstioGateway>();
  return std::any_of(gateways.begin(), gateways.end(), [&](const auto& g) {
    return !g->selector.empty() && std::all_of(g->selector.begin(), g->selector.end(), [&](const auto& s) {
      const auto* label = pod.meta.labels.find(s.first);
      return label != nullptr && label->value == s.second;
    });
  });
}

// Sidecar injection as the webhook decides it. Only asked when the pod is a template's: a live pod shows its
// containers. Source: istio pkg/kube/inject/inject.go injectRequired;
// manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml
bool sidecar_injected(const Cluster& cluster, const Pod& pod) {
  if (pod.meta.annotation("sidecar.istio.io/status") != nullptr) return true;
  if (has_proxy_container(pod)) return true;
  if (pod.meta.origin != model::Origin::Derived) return false;
  if (pod.spec.host_network) return false;
  const auto& ns = cluster.namespace_labels(pod.meta.key.ns);
  auto inject = pod.meta.labels.get("sidecar.istio.io/inject");
  if (!inject) {
    if (const auto* a = pod.meta.annotation("sidecar.istio.io/inject")) inject = a->value;
  }
  if (inject == "false") return false;
  const bool ns_enabled =
      ns.get("istio-injection") == "enabled" || (!ns.get("istio-injection") && ns.get("istio.io/rev"));
  if (ns.get("istio-injection") == "disabled") return false;
  return ns_enabled || inject == "true";
}

bool namespace_excluded(const Cluster& cluster, model::Symbol ns) {
  const auto& cni = cluster.flags().cni;
  const auto it = cni.find("EXCLUDE_NAMESPACES");
  const std::string list = it == cni.end() ? "kube-system" : it->second;
  std::size_t start = 0;
  while (start <= list.size()) {
    const auto end = std::min(list.find_first_of(", ", start), list.size());
    if (std::string_view(list).substr(start, end - start) == ns.view()) return true;
    start = end + 1;
  }
  return false;
}

void set_flags(const Cluster& cluster, const Pod& pod, Capture& c) {
  if (const auto* a = pod.meta.annotation("ambient.istio.io/bypass-inbound-capture"))
    c.bypass_inbound = a->value == "true" && cluster.profile().has(Feature::BypassInboundCaptureWorks);
  c.dns_capture = cluster.profile().has(Feature::DnsCaptureDefault);
  if (const auto flag = cluster.flags().boolean(cluster.flags().cni, "AMBIENT_DNS_CAPTURE"))
    c.dns_capture = *flag;
  if (const auto* a = pod.meta.annotation("ambient.istio.io/dns-capture")) c.dns_capture = a->value == "true";
}

}  // namespace

Capture capture_of(const Cluster& cluster, model::PodId id) {
  const Pod& pod = cluster.pod(id);
  const auto& meta = pod.meta;
  Capture c;
  c.host_network = pod.spec.host_network;
  if (const auto* gateway = gateway_of_pod(cluster, id);
      gateway != nullptr && is_waypoint(cluster, *gateway)) {
    c.dataplane = Dataplane::Waypoint;
    c.reason = because(kMeshWaypointPod, meta, {},
                       "waypoint " + gateway->meta.key.ns.str() + "/" + gateway->meta.key.name.str() +
                           " speaks HBONE itself");
    return c;
  }
  const auto* mode = meta.labels.find(kDataplaneMode);
  const auto& ns_labels = cluster.namespace_labels(meta.key.ns);
  const auto* ns_mode = ns_labels.find(kDataplaneMode);
  const bool gateway =
      gateway_of_pod(cluster, id) != nullptr || gateway_template(pod) || selected_by_gateway(cluster, pod);
  const bool labelled_in = (mode != nullptr && mode->value == std::string_view("ambient")) ||
                           (ns_mode != nullptr && ns_mode->value == std::string_view("ambient") &&
                            !(mode != nullptr && mode->value == std::string_view("none")));
  if (gateway && (!labelled_in || gateway_template(pod))) {
    c.dataplane = Dataplane::Gateway;
    c.reason = because(kMeshGatewayPod, meta, {}, "a gateway's Envoy speaks HBONE itself");
    return c;
  }
  set_flags(cluster, pod, c);
  bool captured = false;
  if (pod.spec.host_network) {  // E1
    c.reason = because(kMeshHostNetwork, meta, {}, "hostNetwork pods are not captured");
    // Some versions lack the check; what then happens depends on the node.
    if (labelled_in && !cluster.profile().has(Feature::HostNetworkExcludedFromCapture))
      c.missing_facts.push_back("whether istio-cni of this version captured the hostNetwork pod");
    return c;
  }
  if (sidecar_injected(cluster, pod)) {  // E2
    c.dataplane = Dataplane::Sidecar;
    c.reason = because(kMeshSidecar, meta, {}, "a sidecar is injected");
    const auto tunnel = meta.labels.get("networking.istio.io/tunnel");
    c.sidecar_hbone = tunnel == "http" || cluster.mesh().hbone_enabled;
    return c;
  }
  if (namespace_excluded(cluster, meta.key.ns)) {  // E3
    c.reason = because(kMeshNamespaceExcluded, meta, {},
                       "namespace " + meta.key.ns.str() + " is excluded by istio-cni");
  } else if (mode != nullptr && mode->value == std::string_view("ambient")) {  // E4
    captured = true;
    c.reason = because(kMeshPodLabel, meta, mode->pos, "pod label istio.io/dataplane-mode: ambient");
  } else if (labelled_in) {  // E5
    captured = true;
    const auto* ns = cluster.find_namespace(meta.key.ns);
    c.reason = because(kMeshNamespaceLabel, ns->meta, ns_mode->pos,
                       "namespace label istio.io/dataplane-mode: ambient");
  } else if (ns_mode != nullptr && ns_mode->value == std::string_view("ambient")) {
    c.reason = because(kMeshPodOptedOut, meta, mode->pos, "pod label istio.io/dataplane-mode: none");
  } else {  // E6
    c.reason = because(kMeshNotEnrolled, meta, {},
                       "neither pod nor namespace is labelled istio.io/dataplane-mode: ambient");
  }
  // E9: a live pod shows whether istio-cni really captured it.
  if (const auto* status = meta.annotation("ambient.istio.io/redirection")) {
    const bool live = status->value == "enabled";
    if (live != captured && status->value != "pending") c.annotation_mismatch = live;
    if (status->value != "pending") captured = live;
  }
  if (captured) c.dataplane = Dataplane::Ambient;
  return c;
}

PeerIdentity identity_of(const Cluster& cluster, model::Symbol ns, model::Symbol service_account) {
  // Source: istio pkg/spiffe/spiffe.go; written without "spiffe://" as policies write it.
  PeerIdentity out;
  out.ns = ns;
  out.service_account = service_account;
  out.principal = cluster.mesh().trust_domain + "/ns/" + ns.str() + "/sa/" + service_account.str();
  return out;
}

PeerIdentity identity_of(const Cluster& cluster, model::PodId pod) {
  const auto& p = cluster.pod(pod);
  return identity_of(cluster, p.meta.key.ns, p.spec.service_account);
}

bool is_waypoint(const Cluster& cluster, const model::Gateway& gateway) {
  return model::gateway_controller(gateway.class_name, cluster.snapshot().all<model::GatewayClass>()) ==
         "istio.io/mesh-controller";
}

std::vector<model::PodId> gateway_pods(const Cluster& cluster, const model::Gateway& gateway) {
  std::vector<model::PodId> out;
  for (const auto id : cluster.pods_in(gateway.meta.key.ns))
    if (cluster.pod(id).meta.labels.get(kGatewayName) == gateway.meta.key.name.view()) out.push_back(id);
  return out;
}

const model::Gateway* gateway_of_pod(const Cluster& cluster, model::PodId pod) {
  const auto& p = cluster.pod(pod);
  const auto* label = p.meta.labels.find(kGatewayName);
  if (label == nullptr) return nullptr;
  static const auto kind = model::intern("Gateway"), group = model::intern("gateway.networking.k8s.io");
  return cluster.snapshot()
      .find<model::Gateway>(model::ResourceKey{kind, group, p.meta.key.ns, label->value})
      .get();
}

}  // namespace waypath::sim
