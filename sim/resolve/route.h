#pragma once
// L7 and L4 routing at one proxy: which listener, which rule, which destinations with which shares
// (routing.md 2 and 3).

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/cluster.h"
#include "sim/flow.h"
#include "sim/verdict.h"

namespace waypath::sim {

/// The request as a router sees it.
struct RouteRequest {
  enum class App : std::uint8_t { Http, Http2, Grpc, Tcp, Tls } app = App::Http;
  std::string method = "GET", scheme = "http", host, path = "/";  // host may carry a port; path with query
  Headers headers;
  std::string sni;
  bool tls = false;                    // the client opens TLS to this proxy
  std::vector<Token> verified_claims;  // claim-based routing: the verified token, if any
  std::optional<bool>
      client_certificate;  // whether the client presents one when asked (MUTUAL servers); nullopt: not stated
};

/// One destination of the chosen rule.
struct RouteTarget {
  model::ServiceId service;  // invalid: see `error`
  std::string host;          // destination host as resolved
  std::uint16_t port = 0;    // service port
  std::string subset;
  double share = 1.0;
  std::optional<std::string> host_rewrite, path_rewrite;
  Headers set_headers, add_headers;
  std::vector<std::string> remove_headers;
  bool original_destination = false;       // PassthroughCluster: to the dialled address
  bool upstream_tls = false;               // DestinationRule/BackendTLSPolicy originates TLS
  std::string upstream_sni;                // of that TLS; empty: not stated
  std::vector<std::string> upstream_sans;  // names of which the backend's certificate must have one
  model::ClientTlsMode tls_mode = model::ClientTlsMode::Unset;  // of the DestinationRule; Unset: automatic
  std::vector<std::string>
      upstream_ca;  // "ConfigMap/ns/name" that verify the backend; "system" for well-known CAs
  std::vector<std::pair<std::string, std::string>>
      subset_labels;                   // endpoints must carry these; sorted by key
  Headers response_set, response_add;  // of this destination, on top of the decision's
  std::vector<std::string> response_remove;
  int error_status = 0;  // this share is answered by the proxy (500, 503): destination unknown or refused
  Code error;            // why
  std::string error_detail;
  ObjectAt by;
  std::optional<ObjectAt> rule_at;  // DestinationRule that decides `tls_mode`
};

struct RouteDecision {
  enum class Kind : std::uint8_t {
    Forward,        // to `targets`
    Respond,        // the proxy answers as configured: redirect, direct response, fault
    Refuse,         // the proxy answers an error: no route 404, bad backend 500, no cluster 503
    NoListener,     // nothing listens on that port: connection refused
    NoFilterChain,  // SNI or protocol fits no filter chain: connection closed
    Close,          // accepted, then closed (TCP/TLS route without usable backend, BlackHoleCluster)
    Unknown         // a fact is missing
  } kind = Kind::Forward;
  std::vector<RouteTarget> targets;
  int status = 0;                  // Respond, Refuse
  std::optional<int> grpc_status;  // Respond: given inside HTTP 200 (fault)
  std::string redirect;            // Location of a redirect
  Headers response_set, response_add;
  std::vector<std::string> response_remove;
  std::vector<std::string> mirrored_to;
  Reason reason;                        // the rule chosen, or why there is none
  std::vector<TraceNode> trace;         // listener, route, rule considered; losers too
  std::vector<std::string> facts;       // timeouts, retries, mirrors: facts of the verdict
  std::vector<Assumption> assumptions;  // order taken without timestamps, ...
  std::vector<std::string> missing_facts;
  bool http = true;  // the listener parsed HTTP
  bool tls_terminated = false;
  std::string virtual_host;          // host (pattern) whose rules were tried; "*" at waypoints
  std::string rule_name;             // name of the rule chosen, when it has one
  std::string request_timeout;       // 504 after it; empty: none
  std::string try_timeout;           // of each try
  std::optional<ObjectAt> listener;  // Gateway, ListenerSet, IstioGateway or Ingress that opened the port
  std::string listener_name;
};

/// A gateway proxy: a Gateway API gateway (its Gateway) and/or a gateway pod that Istio Gateways and
/// Ingresses select.
struct GatewayProxy {
  const model::Gateway* gateway = nullptr;  // Gateway API, or null
  model::PodId pod;  // representative pod; may be invalid when the Gateway is derived without pods
  model::Symbol ns;
  model::Labels labels;
  std::string name;  // for people
};

/// Every routing object of one cluster, compiled once: hosts resolved, routes attached and sorted, regexes
/// compiled. Const and shared between threads after `build`; keeps a reference to `cluster`, which must
/// outlive it.
class RouteTables {
 public:
  [[nodiscard]] static std::shared_ptr<const RouteTables> build(const model::Cluster& cluster);
  ~RouteTables();
  RouteTables(const RouteTables&) = delete;
  RouteTables& operator=(const RouteTables&) = delete;
  [[nodiscard]] const model::Cluster& cluster() const { return cluster_; }
  struct Impl;  // sim/resolve/route_tables.h
  [[nodiscard]] const Impl& impl() const { return *impl_; }

 private:
  explicit RouteTables(const model::Cluster& cluster);
  const model::Cluster& cluster_;
  std::unique_ptr<const Impl> impl_;
};

/// `port` is the port dialled on the gateway's Service, `pod_port` the one its pod listens on after
/// translation (0 = resolve).
[[nodiscard]] RouteDecision route_at_gateway(const RouteTables& tables, const GatewayProxy& proxy,
                                             std::uint16_t port, std::uint16_t pod_port,
                                             const RouteRequest& request);

/// At the waypoint that serves `service`; `port` is the service port.
[[nodiscard]] RouteDecision route_at_waypoint(const RouteTables& tables, const model::Gateway& waypoint,
                                              model::ServiceId service, std::uint16_t port,
                                              const RouteRequest& request);

/// At a client's sidecar: the client dialled `host` (name, or the address text), resolved to `service` if the
/// registry knows it.
[[nodiscard]] RouteDecision route_at_sidecar(const RouteTables& tables, model::Symbol client_ns,
                                             const model::Labels& client_labels,
                                             std::optional<model::ServiceId> service,
                                             std::optional<model::IpAddress> address, std::uint16_t port,
                                             const RouteRequest& request);

/// Virtual hosts of the sidecar's HTTP route table for `port`, by the host they are named after; sorted.
[[nodiscard]] std::vector<std::string> sidecar_virtual_hosts(const RouteTables& tables,
                                                             model::Symbol client_ns,
                                                             const model::Labels& client_labels,
                                                             std::uint16_t port);

/// Gateways that would accept `host` on `port` from outside: candidates for a request from the internet, best
/// match first.
struct GatewayCandidate {
  GatewayProxy proxy;
  std::uint16_t port = 0, pod_port = 0;  // service port, pod port
  model::ServiceId service;              // the gateway's Service, when there is one
  std::string host_match;                // listener hostname that covers the host; empty = any
  std::string route_match;               // the same of its routes
  std::size_t set_aside = 0;  // further gateways listen for the host, but no route of theirs has it
};
[[nodiscard]] std::vector<GatewayCandidate> gateways_for_host(const RouteTables& tables,
                                                              std::string_view host, std::uint16_t port,
                                                              bool tls);

// The same on tables built for the one call: for tests and single questions.
[[nodiscard]] RouteDecision route_at_gateway(const model::Cluster& cluster, const GatewayProxy& proxy,
                                             std::uint16_t port, std::uint16_t pod_port,
                                             const RouteRequest& request);
[[nodiscard]] RouteDecision route_at_waypoint(const model::Cluster& cluster, const model::Gateway& waypoint,
                                              model::ServiceId service, std::uint16_t port,
                                              const RouteRequest& request);
[[nodiscard]] RouteDecision route_at_sidecar(const model::Cluster& cluster, model::Symbol client_ns,
                                             const model::Labels& client_labels,
                                             std::optional<model::ServiceId> service,
                                             std::optional<model::IpAddress> address, std::uint16_t port,
                                             const RouteRequest& request);
[[nodiscard]] std::vector<GatewayCandidate> gateways_for_host(const model::Cluster& cluster,
                                                              std::string_view host, std::uint16_t port,
                                                              bool tls);

}  // namespace waypath::sim
