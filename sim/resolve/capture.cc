// Mesh membership of a pod: ambient-path.md section 1, rules E1 to E13. E13
// (istio.io/reroute-virtual-interfaces) turns what a bridged guest sends into outbound traffic of its pod,
// which is how every pod is treated here anyway.

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "model/derive.h"
#include "sim/reasons/path.h"
#include "sim/resolve/captures.h"
#include "sim/resolve/enablement.h"
#include "sim/resolve/mesh.h"

namespace waypath::sim {
namespace {

using model::Cluster;
using model::Feature;
using model::Pod;

constexpr std::string_view kRedirection = "ambient.istio.io/redirection";

Reason because(Code code, const model::ObjectMeta& meta, model::SourcePos pos, std::string detail) {
  return {code, ObjectAt{meta.key, pos.known() ? pos : meta.pos, -1, {}}, std::move(detail)};
}

// ztunnel's own container has the sidecar's name; its pods, as all that are not to be injected, say so.
// Source: istio manifests/charts/ztunnel/templates/daemonset.yaml
bool has_proxy_container(const Pod& pod) {
  if (pod.meta.labels.get("sidecar.istio.io/inject") == "false") return false;
  return std::any_of(pod.spec.containers.begin(), pod.spec.containers.end(),
                     [](const auto& c) { return c.name == std::string_view("istio-proxy"); });
}

// The injector's gateway template turns a pod into a gateway proxy; like every injected pod it then carries
// sidecar.istio.io/status, so that E2 keeps it out of capture whatever its labels.
// Source: istio manifests/charts/gateway/templates/deployment.yaml; pkg/kube/inject/webhook.go applyMetadata
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

// Sidecar injection: the webhook is called for what labels select, and looks at the annotation then. Only
// asked when the pod has not been created yet (a template's, or written by hand): a live pod shows its
// containers. Source: istio pkg/kube/inject/inject.go injectRequired, IgnoredNamespaces;
// manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml
bool injection_required(const Cluster& cluster, const Pod& pod) {
  if (pod.spec.host_network) return false;
  static constexpr std::array<std::string_view, 4> kIgnored{"kube-system", "kube-public", "kube-node-lease",
                                                            "local-path-storage"};
  if (std::find(kIgnored.begin(), kIgnored.end(), pod.meta.key.ns.view()) != kIgnored.end()) return false;
  const auto& ns = cluster.namespace_labels(pod.meta.key.ns);
  const auto injection = ns.get("istio-injection"), inject = pod.meta.labels.get("sidecar.istio.io/inject");
  const bool revision = ns.get("istio.io/rev").has_value();
  const bool by_namespace = injection == "enabled" || (!injection && revision);
  const bool by_object =
      !injection && !revision && (inject == "true" || pod.meta.labels.find("istio.io/rev") != nullptr);
  if (inject == "false" || !(by_namespace || by_object)) return false;
  const auto* annotation = pod.meta.annotation("sidecar.istio.io/inject");
  return inject || annotation == nullptr || annotation->value != "false";
}

// E2. The annotation is what istio-cni looks at; pods of a template get it when they are created.
bool sidecar_injected(const Cluster& cluster, const Pod& pod) {
  if (is_ztunnel(pod)) return false;
  if (pod.meta.annotation("sidecar.istio.io/status") != nullptr || has_proxy_container(pod)) return true;
  const bool live = pod.meta.origin != model::Origin::Derived && pod.has_status;
  return !live && injection_required(cluster, pod);
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

struct Enrolment {
  bool enrolled = false;
  Reason reason;
  std::vector<std::string> missing_facts;
};

model::SourcePos label_pos(const model::Labels& labels, const model::LabelSelector& selector) {
  for (const auto& requirement : selector.requirements)
    if (const auto* label = labels.find(requirement.key)) return label->pos;
  return {};
}

// The configured selectors, read once a thread for as long as the text stays the same.
const std::vector<EnablementSelector>* selectors_of(const Cluster& cluster) {
  const auto& cni = cluster.flags().cni;
  const auto it = cni.find("AMBIENT_ENABLEMENT_SELECTOR");
  if (it == cni.end() || !cluster.profile().has(Feature::EnablementSelectors))
    return &default_enablement_selectors();
  thread_local std::string text;
  thread_local std::optional<std::vector<EnablementSelector>> selectors;
  if (text != it->second || text.empty()) {
    text = it->second;
    selectors = read_enablement_selectors(text);
  }
  return selectors ? &*selectors : nullptr;
}

// E4 to E8: the selectors are tried in order, a pod label beats its namespace's because they say so.
// Source: istio cni/pkg/util/enablement_selector.go Matches
Enrolment enrolment(const Cluster& cluster, const Pod& pod) {
  Enrolment out;
  const auto* selectors = selectors_of(cluster);
  if (selectors == nullptr) {
    out.missing_facts.emplace_back(
        "which pods istio-cni enrols: its AMBIENT_ENABLEMENT_SELECTOR cannot be read");
    return out;
  }
  const auto& ns_labels = cluster.namespace_labels(pod.meta.key.ns);
  const auto* ns = cluster.find_namespace(pod.meta.key.ns);
  const auto pod_text = [&](const model::LabelSelector& s) { return "pod labels match " + s.str(); };
  for (const auto& selector : *selectors) {
    if (!selector.pod.matches(pod.meta.labels) || !selector.ns.matches(ns_labels)) continue;
    out.enrolled = true;
    if (!selector.ns.empty() && ns != nullptr) {  // E5
      out.reason = because(kMeshNamespaceLabel, ns->meta, label_pos(ns_labels, selector.ns),
                           "namespace labels match " + selector.ns.str());
    } else {  // E4
      out.reason =
          because(kMeshPodLabel, pod.meta, label_pos(pod.meta.labels, selector.pod), pod_text(selector.pod));
    }
    return out;
  }
  for (const auto& selector : *selectors) {
    if (selector.ns.empty() || !selector.ns.matches(ns_labels)) continue;
    out.reason =
        because(kMeshPodOptedOut, pod.meta, label_pos(pod.meta.labels, selector.pod),
                "the namespace is enrolled; the pod is left out, its labels fail " + selector.pod.str());
    return out;
  }
  out.reason =
      because(kMeshNotEnrolled, pod.meta, {},
              "neither pod nor namespace carries a label that enrols it (istio.io/dataplane-mode: ambient)");
  return out;
}

// E11, E12.
void set_flags(const Cluster& cluster, const Pod& pod, Capture& c) {
  const bool by_annotation =
      cluster.profile().has(Feature::DnsCaptureDefault);  // both came with the same version
  c.dns_capture = by_annotation;
  if (const auto flag = cluster.flags().boolean(cluster.flags().cni, "AMBIENT_DNS_CAPTURE"))
    c.dns_capture = *flag;
  if (const auto* a = pod.meta.annotation("ambient.istio.io/dns-capture"); a != nullptr && by_annotation)
    c.dns_capture = a->value == "true";
  if (const auto* a = pod.meta.annotation("ambient.istio.io/bypass-inbound-capture"))
    c.bypass_inbound = a->value == "true";
}

// Live reads carry istio-cni's own status on every pod that it captured. Looked for once, and only when it
// matters.
class CniStatus {
 public:
  explicit CniStatus(const Cluster& cluster) : cluster_(cluster) {}
  [[nodiscard]] bool given() {
    if (!given_) {
      const auto pods = cluster_.pods();
      given_ = std::any_of(pods.begin(), pods.end(),
                           [](const Pod* p) { return p->meta.annotation(kRedirection) != nullptr; });
    }
    return *given_;
  }

 private:
  const Cluster& cluster_;
  std::optional<bool> given_;
};

// E9: what istio-cni wrote beats what the labels promise. A running pod without its status, where others have
// it, was not captured (started before enrolment, or the CNI failed). "pending" is half done and tells
// nothing.
std::optional<bool> cni_status(CniStatus& others, const Pod& pod, bool promised) {
  if (const auto* status = pod.meta.annotation(kRedirection)) {
    if (status->value == "pending") return std::nullopt;
    return status->value == "enabled";
  }
  const bool running = pod.has_status && pod.phase == model::PodPhase::Running && !pod.ips.empty();
  if (promised && running && others.given()) return false;
  return std::nullopt;
}

// E1 to E9 for a pod that is no proxy of its own.
void decide(const Cluster& cluster, const Pod& pod, CniStatus& status, Capture& c) {
  const auto& meta = pod.meta;
  const Enrolment labels = enrolment(cluster, pod);
  c.missing_facts = labels.missing_facts;
  if (pod.spec.host_network) {  // E1
    c.reason = because(kMeshHostNetwork, meta, {}, "hostNetwork pods are not captured");
    c.missing_facts.clear();
    // Some versions lack the check; what then happens depends on the node.
    if (labels.enrolled && !cluster.profile().has(Feature::HostNetworkExcludedFromCapture))
      c.missing_facts.emplace_back("whether istio-cni of this version captured the hostNetwork pod");
    return;
  }
  if (sidecar_injected(cluster, pod)) {  // E2
    c.dataplane = Dataplane::Sidecar;
    c.missing_facts.clear();
    c.reason = because(kMeshSidecar, meta, {}, "a sidecar is injected");
    // L10: the injector sets the label where the mesh says so; a pod that is injected already shows it.
    const bool to_be_injected = meta.annotation("sidecar.istio.io/status") == nullptr;
    c.sidecar_hbone = meta.labels.get("networking.istio.io/tunnel") == "http" ||
                      (to_be_injected && cluster.mesh().hbone_enabled);
    return;
  }
  c.reason = labels.reason;
  bool captured = labels.enrolled;
  std::optional<std::string> undecided;
  if (namespace_excluded(cluster, meta.key.ns) && labels.enrolled) {  // E3
    if (cluster.profile().has(Feature::AgentExcludesNamespaces)) {
      c.reason = because(kMeshNamespaceExcluded, meta, {},
                         "namespace " + meta.key.ns.str() + " is excluded by istio-cni");
      captured = false;
    } else {
      undecided = "whether the pod of the excluded namespace " + meta.key.ns.str() +
                  " was labelled after its start: this version's node agent captures it then";
    }
  }
  if (const auto live = cni_status(status, pod, captured)) {
    if (*live != captured) c.annotation_mismatch = *live;
    captured = *live;
    undecided.reset();
    c.missing_facts.clear();
  }
  if (undecided) c.missing_facts.push_back(*undecided);
  if (captured) c.dataplane = Dataplane::Ambient;
}

Capture capture_one(const Cluster& cluster, model::PodId id, CniStatus& status) {
  const Pod& pod = cluster.pod(id);
  Capture c;
  c.host_network = pod.spec.host_network;
  const auto* gateway = gateway_of_pod(cluster, id);
  if (gateway != nullptr && is_waypoint(cluster, *gateway)) {
    c.dataplane = Dataplane::Waypoint;
    c.reason = because(kMeshWaypointPod, pod.meta, {},
                       "waypoint " + gateway->meta.key.ns.str() + "/" + gateway->meta.key.name.str() +
                           " speaks HBONE itself");
    return c;
  }
  if (gateway != nullptr) {
    // Another controller's proxy is an application like any other; so is one of a class that nobody tells,
    // unless it looks like Istio's.
    const auto controller = gateway_controller(cluster, *gateway);
    if (model::foreign_controller(controller) || (controller.empty() && !has_proxy_container(pod)))
      gateway = nullptr;
  }
  set_flags(cluster, pod, c);
  const bool injected_gateway = gateway_template(pod);
  if (!injected_gateway) decide(cluster, pod, status, c);
  if (injected_gateway || gateway != nullptr || selected_by_gateway(cluster, pod)) {
    c.proxy_captured = c.dataplane == Dataplane::Ambient;
    c.dataplane = Dataplane::Gateway;
    c.sidecar_hbone = false;
    if (!c.proxy_captured)
      c.reason = because(kMeshGatewayPod, pod.meta, {}, "a gateway's Envoy speaks HBONE itself");
  }
  return c;
}

}  // namespace

Capture capture_of(const Cluster& cluster, model::PodId id) {
  CniStatus status(cluster);
  return capture_one(cluster, id, status);
}

std::vector<Capture> captures_of(const Cluster& cluster) {
  CniStatus status(cluster);
  std::vector<Capture> out;
  out.reserve(cluster.pods().size());
  for (std::uint32_t i = 0; i < cluster.pods().size(); ++i) out.push_back(capture_one(cluster, {i}, status));
  return out;
}

std::vector<Capture> captures_of(const Cluster& cluster, std::span<const model::PodId> pods) {
  CniStatus status(cluster);
  std::vector<Capture> out;
  out.reserve(pods.size());
  for (const auto pod : pods) out.push_back(capture_one(cluster, pod, status));
  return out;
}

}  // namespace waypath::sim
