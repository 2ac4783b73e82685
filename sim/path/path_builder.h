#pragma once
// Stage 6: Flow -> Paths. A named walk of the engine's Topology: each step is a function named after the real
// hop it passes, and takes edges of the graph to it (add_leg, then add_hop). A step
// that has several ways on (weights, endpoints that differ) calls the next step once a way, each with its own
// copy of the walk.
//
// path_builder.cc  start: client kinds, the name, the first step; the pieces that every step uses
// plain.cc         clients and legs without a proxy
// entry.cc         from outside the cluster: load balancer, node port, gateway candidates
// ztunnel.cc       the client's ztunnel (O0 to O19); arrival at a captured pod
// envoy.cc         gateways; what every Envoy does after its route: endpoints and transport
// waypoint.cc      waypoints: arrival and chains
// sidecar.cc       sidecars: of the client, of the server
// end.cc           ends, and the endpoints that a walk branches over
// aux.cc           name lookups and ext_authz calls
// bypass.cc        intended enforcement points that a path does not pass

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sim/engine.h"
#include "sim/resolve/client.h"
#include "sim/resolve/destination.h"
#include "sim/resolve/mesh.h"
#include "sim/resolve/route.h"
#include "sim/resolve/url.h"

namespace waypath::sim {

/// Who opens the next connection.
struct Sender {
  enum class Kind : std::uint8_t { Plain, Ztunnel, Sidecar, Gateway, Waypoint } kind = Kind::Plain;
  model::PodId pod;       // its pod, when it is one
  NetPeer peer;           // as NetworkPolicy sees it
  PeerIdentity identity;  // presented on mTLS and HBONE
  model::NodeId node;
  model::Symbol ns;
  bool probe = false;         // kubelet
  bool host_process = false;  // in a node's network namespace (K5)
};

/// A path under construction and what its last hop is about to send.
struct Walk {
  Path path;
  Sender sender;
  RouteRequest app;  // the request as the next proxy reads it
  std::vector<Token> tokens;
  model::Protocol protocol = model::Protocol::Tcp;
  std::vector<std::pair<std::string, std::string>> set_headers;  // that the path set
  std::vector<std::string> removed_headers;
  std::vector<std::string> entered;       // gateways and waypoints passed, to stop loops
  std::vector<NetPeer> possible_sources;  // of the next leg
  bool source_nat = false;                // of the next leg
  std::string dialled_name;               // for domain peers
  /// Of the client: the pod's or Service's that it dials, where that is known. Of a proxy: the endpoint's
  /// that it chose.
  std::optional<model::IpAddress> dialled_address, endpoint_address;
};

class PathBuilder {
 public:
  PathBuilder(const Engine& engine, const Flow& flow, const Assume& assume, model::Diagnostics& diagnostics)
      : engine_(engine),
        cluster_(engine.cluster()),
        flow_(flow),
        assume_(assume),
        diagnostics_(diagnostics) {}
  [[nodiscard]] std::vector<Path> build();
  /// The path of a call that a proxy itself makes (ext_authz), from the pod of `sender`.
  [[nodiscard]] std::vector<Path> build_call(const Walk& caller, model::ServiceId service,
                                             std::uint16_t port);

 private:
  // path_builder.cc: the start.
  void start(const Client& client, const Target& target);
  void from_pod(Walk walk, const Client& client, const Target& target);
  void from_proxy_pod(Walk walk, const Client& client, const Destination& destination);
  void own_tunnel(Walk walk, const Client& client, model::PodId pod);
  [[nodiscard]] Walk new_walk(const Target& target) const;

  // plain.cc
  void from_plain(Walk walk, const Destination& destination);  // kube-proxy's view
  void plain_to_service(Walk walk, model::ServiceId service, std::uint16_t port);
  void plain_to_endpoints(Walk walk, model::ServiceId service, std::uint16_t port,
                          const EndpointChoice& choice);
  void plain_to_address(Walk walk, const model::IpAddress& address, std::uint16_t port);
  void plain_to_endpoint(Walk walk, const model::Endpoint& endpoint, model::ServiceId service,
                         Transport transport);

  // entry.cc
  void from_outside(Walk walk, const Client& client, const Target& target);
  void enter_service(Walk walk, model::ServiceId service, std::uint16_t port, model::NodeId dialled = {});

  // ztunnel.cc
  void client_ztunnel(Walk walk, const Destination& destination);
  void ztunnel_to_service(Walk walk, model::ServiceId service, std::uint16_t port);
  void ztunnel_to_pod(Walk walk, model::PodId pod, std::uint16_t port, model::ServiceId service,
                      std::uint16_t service_port);
  void ztunnel_passthrough(Walk walk, const Destination& destination);
  [[nodiscard]] bool api_server_decided(model::PodId pod) const;
  void to_waypoints(Walk walk, const WaypointBinding& binding, model::ServiceId service, std::uint16_t port);
  void headless_address(Walk walk, model::Endpoint endpoint, const Destination& destination);
  /// HBONE to a pod's ztunnel, then into the pod.
  void arrive_hbone(Walk walk, model::PodId pod, std::uint16_t port, model::ServiceId service);
  /// Plain bytes (or the client's own TLS) to a pod's port; its ztunnel or sidecar takes them, if it has one.
  void arrive_plain(Walk walk, model::PodId pod, std::uint16_t port, model::ServiceId service,
                    std::uint16_t service_port, Transport transport);
  /// Inside the pod: the application, or the proxy that the pod is.
  void arrive_application(Walk walk, model::PodId pod, std::uint16_t port, model::ServiceId service);

  // envoy.cc
  void enter_gateway(Walk walk, model::PodId pod, std::uint16_t port, std::uint16_t pod_port,
                     model::ServiceId service);
  void follow(Walk walk, const RouteDecision& decision, model::ServiceId own_service,
              const std::optional<model::IpAddress>& dialled, std::uint16_t dialled_port);
  void envoy_to_target(Walk walk, const RouteTarget& target, model::ServiceId own_service,
                       const std::optional<model::IpAddress>& dialled, std::uint16_t dialled_port);
  void envoy_to_service(Walk walk, model::ServiceId service, std::uint16_t port, const RouteTarget* target,
                        bool own_service);
  void envoy_to_dynamic_dns(Walk walk, model::ServiceId service, std::uint16_t port);
  void envoy_to_endpoint(Walk walk, const model::Endpoint& endpoint, model::ServiceId service,
                         std::uint16_t service_port, const RouteTarget* target);
  void mtls_not_spoken(Walk walk, const model::Endpoint& endpoint, const RouteTarget& target);
  [[nodiscard]] bool istiod_flag(std::string_view name, bool otherwise) const;
  [[nodiscard]] bool inbound_cluster(const Walk& walk, model::ServiceId service) const;
  [[nodiscard]] bool automatic_mtls(model::ServiceId service, const model::Pod& pod,
                                    std::uint16_t port) const;

  // waypoint.cc
  void to_waypoint(Walk walk, const WaypointBinding& binding, model::ServiceId service, model::PodId pod,
                   std::uint16_t port);

  // sidecar.cc
  void client_sidecar(Walk walk, const Destination& destination);
  void sidecar_to_headless(Walk walk, model::ServiceId service, std::uint16_t port,
                           const RouteTarget* target);
  void arrive_sidecar(Walk walk, model::PodId pod, std::uint16_t port, model::ServiceId service,
                      std::uint16_t service_port, Transport transport);

  // aux.cc
  void add_lookups(Walk& walk, const Client& client, const Destination& destination);
  void add_provider_calls(Walk& walk, std::size_t hop);
  bool verify_token(Walk& walk, std::size_t hop);

  // bypass.cc
  void note_bypasses(Path& path) const;

  // Pieces of a walk.
  std::size_t add_hop(Walk& walk, HopKind kind, std::string ns, std::string name, model::PodId pod) const;
  Leg& add_leg(Walk& walk, Transport transport, NetPeer destination, std::uint16_t port,
               std::uint16_t inner_port) const;
  void add_inner_leg(Walk& walk, std::uint16_t port) const;
  [[nodiscard]] RequestState request_at(const Walk& walk, std::uint16_t port, const PeerIdentity& peer,
                                        std::optional<model::IpAddress> destination) const;
  [[nodiscard]] NetPeer peer_of(model::PodId pod) const;
  /// The pod as the next leg reaches it: of several addresses one is dialled.
  [[nodiscard]] NetPeer peer_reached(const Walk& walk, model::PodId pod) const;
  [[nodiscard]] Sender sender_of(model::PodId pod, Sender::Kind kind) const;
  [[nodiscard]] const Capture& capture(model::PodId pod) const;
  [[nodiscard]] std::string workload_name(model::PodId pod) const;
  [[nodiscard]] GatewayProxy proxy_of(model::PodId pod) const;
  [[nodiscard]] std::optional<model::IpAddress> client_seen(const Walk& walk, PolicyPoint::Kind kind,
                                                            bool http) const;
  void add_forwarding_headers(Walk& walk) const;
  [[nodiscard]] bool undecided_capture(Walk& walk, model::PodId pod) const;
  [[nodiscard]] PolicyPoint ztunnel_point(model::PodId pod) const;
  void note_fail_open(Walk& walk, const WaypointBinding& binding, model::ServiceId service) const;
  [[nodiscard]] std::string backend_name(model::ServiceId service) const;
  [[nodiscard]] std::string port_detail(const model::RegistryService& reg, std::uint16_t port) const;
  /// The vertex of a hop, and the edges that the leg to it takes.
  [[nodiscard]] VertexId vertex_of(const Walk& walk, HopKind kind, model::PodId pod) const;
  void take_edges(Path& path, Leg& leg) const;
  void finish(Walk walk, PathEnd end);
  void arrived(Walk walk, model::PodId pod, std::uint16_t port, model::ServiceId service,
               std::string backend);
  void fail(Walk walk, Failure::Kind kind, Outcome outcome, Reason reason,
            std::vector<ObjectAt> deciders = {});
  void no_endpoint(Walk walk, model::ServiceId service, std::uint16_t port, const EndpointChoice& choice);
  void fail_name(Walk walk, const Destination& destination);
  void unknown(Walk walk, std::string fact, std::optional<ObjectAt> by = std::nullopt);

  /// Endpoints that no policy can tell apart are one way on, with the sum of their shares.
  struct EndpointClass {
    model::Endpoint endpoint;  // the first by name
    double share = 1.0;
    std::size_t count = 1;
  };
  [[nodiscard]] std::vector<EndpointClass> classes(const std::vector<model::Endpoint>& endpoints,
                                                   const Walk& walk) const;
  void each_endpoint(Walk walk, const std::vector<model::Endpoint>& endpoints,
                     const std::function<void(Walk, const model::Endpoint&)>& step);

  const Engine& engine_;
  const model::Cluster& cluster_;
  const Flow& flow_;
  const Assume& assume_;
  model::Diagnostics& diagnostics_;
  std::vector<Path> out_;
  Destination dialled_;  // of a sidecar client: where PassthroughCluster goes
  bool auxiliary_ = false;
};

/// What a hop knows before any policy: a remark of its trace.
[[nodiscard]] TraceNode fact_node(std::string layer, Reason reason);

/// The object as a verdict names it, at its first line or at `pos`.
[[nodiscard]] ObjectAt object_at(const model::ObjectMeta& meta, model::SourcePos pos = {});

}  // namespace waypath::sim
