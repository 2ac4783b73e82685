#pragma once
// Objects that manifests imply: pods of workloads, and what istiod makes for a Gateway. Pure functions of the
// objects given.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/base/diagnostic.h"
#include "model/gateway/gateway.h"
#include "model/kube/services.h"
#include "model/kube/workloads.h"

namespace waypath::model {

class Snapshot;

template <class T>
using Objects = std::span<const std::shared_ptr<const T>>;

/// The controller each pod counts as: a ReplicaSet's Deployment, a Job's CronJob, where these are known.
/// Other pods unchanged. A pod that somebody else holds, too, is replaced by a copy.
void attribute_pods(std::vector<std::shared_ptr<const Pod>>& pods, Objects<Workload> workloads);

/// Pods of workloads none of whose pods are given (routing.md 1.4). One pod stands for replicas that are
/// alike, named
/// "<workload>-*"; a StatefulSet's pods have their ordinals, a DaemonSet's their nodes. No addresses, no
/// status.
[[nodiscard]] std::vector<Pod> derive_pods(Objects<Pod> pods, Objects<Workload> workloads,
                                           Objects<Node> nodes);

/// What istiod deploys for Gateways of its classes (waypoints and auto-deployed gateways), each left out when
/// it is given.
struct GatewayObjects {
  std::vector<Workload> workloads;
  std::vector<Service> services;
  std::vector<ServiceAccount> accounts;
};
struct GatewayInputs {
  Objects<Gateway> gateways;
  Objects<GatewayClass> classes;
  Objects<ListenerSet> listener_sets;
  Objects<Pod> pods;
  Objects<Workload> workloads;
  Objects<Service> services;
  Objects<ServiceAccount> accounts;
};
class GatewayOverlays;
[[nodiscard]] GatewayObjects derive_gateway_objects(const GatewayInputs& in, const GatewayOverlays& overlays);
/// Labels of the pods that istiod deploys for a Gateway.
[[nodiscard]] Labels gateway_pod_labels(const Gateway& gateway, std::string_view controller);
/// Ports of the Service that istiod makes for a Gateway; `listeners` are those of its ListenerSets.
[[nodiscard]] std::vector<ServicePort> gateway_service_ports(const Gateway& gateway,
                                                             const std::vector<const Listener*>& listeners);

/// Istio's controllers of Gateways. Source: istio pkg/config/constants/constants.go
inline constexpr std::string_view kGatewayController = "istio.io/gateway-controller";
inline constexpr std::string_view kUnmanagedController = "istio.io/unmanaged-gateway";
inline constexpr std::string_view kMeshController = "istio.io/mesh-controller";
inline constexpr std::string_view kEastWestController = "istio.io/eastwest-controller";
/// One of these, or that of a GatewayClass; empty when the class is not known. Built-in classes need no
/// GatewayClass object. Source: istio pilot/pkg/config/kube/gatewaycommon/classinfo.go
[[nodiscard]] std::string_view gateway_controller(Symbol class_name, Objects<GatewayClass> classes);
/// Another's than Istio's: what its proxies do is not modelled.
[[nodiscard]] inline bool foreign_controller(std::string_view controller) {
  return !controller.empty() && !controller.starts_with("istio.io/");
}
/// Whether istiod deploys this Gateway itself: it names no Service of its own in spec.addresses.
/// Source: istio pilot/pkg/config/kube/gatewaycommon/gateway_utils.go IsManaged
[[nodiscard]] bool gateway_managed(const Gateway& gateway);
/// Name that an auto-deployed Gateway's objects have unless an annotation overrides it.
/// Source: istio pilot/pkg/config/kube/gatewaycommon/gateway_utils.go GetDefaultName, classinfo.go
/// DisableNameSuffix
[[nodiscard]] std::string gateway_default_name(const Gateway& gateway, std::string_view controller);
/// Name of its Deployment and Service.
[[nodiscard]] std::string gateway_deployment_name(const Gateway& gateway, std::string_view controller);

/// Whether a controller gives the pod this label and no manifest tells its value (pod-template-hash and the
/// like), so that a selector that names it cannot be decided.
[[nodiscard]] bool generated_label_unknown(const Pod& pod, std::string_view key);
/// Warns of selectors that name such a label where derived pods stand: they match none of them.
void check_generated_labels(const Snapshot& snapshot, Diagnostics& diagnostics);

}  // namespace waypath::model
