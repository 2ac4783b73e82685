#pragma once
// Who is in the mesh and how: capture (ambient-path section 1), waypoint binding (section 4), identities
// (section 6).

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/cluster.h"
#include "model/istio/proxy_ports.h"
#include "sim/verdict.h"

namespace waypath::sim {

/// How a pod takes part.
enum class Dataplane : std::uint8_t {
  None,      // plain pod
  Ambient,   // captured by its node's ztunnel
  Sidecar,   // has an injected sidecar
  Gateway,   // Envoy gateway (Gateway API or classic): not captured, originates HBONE itself
  Waypoint,  // Envoy waypoint: not captured
};

struct Capture {
  Dataplane dataplane = Dataplane::None;
  bool host_network = false;
  bool bypass_inbound = false;  // ambient.istio.io/bypass-inbound-capture
  bool dns_capture = true;
  bool sidecar_hbone = false;   // sidecar that terminates HBONE (networking.istio.io/tunnel: http)
  bool proxy_captured = false;  // a Gateway whose pod its ztunnel redirects as well (L26)
  std::optional<bool> annotation_mismatch;  // live redirection annotation differs from the derived answer
  Reason reason;                            // which rule (E1..E13) decided, at which label
  std::vector<Assumption> assumptions;
  std::vector<std::string> missing_facts;  // not empty: undecided (hostNetwork in the affected versions)
  /// Whether the node's ztunnel takes the pod's traffic.
  [[nodiscard]] bool redirected() const { return dataplane == Dataplane::Ambient || proxy_captured; }
};
[[nodiscard]] Capture capture_of(const model::Cluster& cluster, model::PodId pod);

/// "td/ns/NS/sa/SA" of a pod.
[[nodiscard]] PeerIdentity identity_of(const model::Cluster& cluster, model::PodId pod);
[[nodiscard]] PeerIdentity identity_of(const model::Cluster& cluster, model::Symbol ns,
                                       model::Symbol service_account);

/// Whether a Gateway of this cluster is a waypoint (its class' controller is istio.io/mesh-controller).
[[nodiscard]] bool is_waypoint(const model::Cluster& cluster, const model::Gateway& gateway);
/// Pods of a Gateway API gateway or waypoint (label gateway.networking.k8s.io/gateway-name), ready or not.
[[nodiscard]] std::vector<model::PodId> gateway_pods(const model::Cluster& cluster,
                                                     const model::Gateway& gateway);
/// Of its class; empty: no GatewayClass tells.
[[nodiscard]] std::string_view gateway_controller(const model::Cluster& cluster,
                                                  const model::Gateway& gateway);
/// The Gateway object that a gateway or waypoint pod belongs to; null for classic gateways and others.
[[nodiscard]] const model::Gateway* gateway_of_pod(const model::Cluster& cluster, model::PodId pod);

enum class TrafficKind : std::uint8_t { Service, Workload };

/// Result of bind(obj, kind): the waypoint, or why there is none. `intended` tells a named waypoint that does
/// not serve (fails open).
struct WaypointBinding {
  enum class State : std::uint8_t {
    None,
    OptedOut,
    Bound,
    Missing,
    NotReady,
    NotAllowed,
    WrongTrafficType,
    Exempt
  } state = State::None;
  const model::Gateway* gateway = nullptr;  // Bound, NotReady, NotAllowed, WrongTrafficType
  std::string named_ns, named;              // what the labels name
  std::vector<model::PodId> pods;           // Bound: its pods, ready ones first
  bool any_ready = false;
  std::uint16_t port = model::kHbonePort;
  Reason reason;                        // W1..W6, with the label's or listener's place
  std::vector<ObjectAt> causes;         // objects that explain a binding that does not hold
  std::vector<Assumption> assumptions;  // W10
  std::optional<ObjectAt> label_at;     // where the use-waypoint label stands
  bool sandwiched = false;              // W9: the gateway's own ztunnel terminates HBONE for it
  std::string unmodelled;               // Bound: what is not known of a waypoint that Istio does not run
  std::shared_ptr<const WaypointBinding> canary;  // W11: takes canary_weight percent of the connections
  unsigned canary_weight = 0;
  [[nodiscard]] bool bound() const { return state == State::Bound; }
  /// A waypoint is named, but traffic goes direct: fails open.
  [[nodiscard]] bool fails_open() const {
    return state == State::Missing || state == State::NotReady || state == State::NotAllowed ||
           state == State::WrongTrafficType;
  }
};
[[nodiscard]] WaypointBinding bind_service(const model::Cluster& cluster, model::ServiceId service);
/// W9: ambient.istio.io/waypoint-inbound-binding is PROXY, on the Gateway or on its class.
[[nodiscard]] bool sandwiched(const model::Cluster& cluster, const model::Gateway& gateway);
[[nodiscard]] WaypointBinding bind_pod(const model::Cluster& cluster, model::PodId pod);

/// Whether an ingress gateway sends this service's traffic to its waypoint (istio.io/ingress-use-waypoint,
/// VIP needed).
struct IngressWaypointUse {
  bool uses = false;
  Reason reason;
};
[[nodiscard]] IngressWaypointUse ingress_uses_waypoint(const model::Cluster& cluster,
                                                       model::ServiceId service);

}  // namespace waypath::sim
