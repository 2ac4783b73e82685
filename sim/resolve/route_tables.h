#pragma once
// Inside RouteTables: what the routing functions share. Not for callers of route.h.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/cluster.h"
#include "sim/resolve/foreign_entry.h"
#include "sim/resolve/published.h"
#include "sim/resolve/route.h"
#include "sim/resolve/route_rule.h"

namespace waypath::sim {

/// A TCP or TLS rule: where its bytes go.
struct L4Rule {
  ObjectAt at;
  bool gateway_semantics = false;
  std::vector<RuleDestination> destinations;
};

/// A virtual host of one listener or port.
struct VirtualHost {
  std::string host;
  RuleList rules;
  bool require_tls = false;  // httpsRedirect
  std::optional<ObjectAt> require_tls_at;
  std::vector<TraceNode> losers;
};

/// The HTTP rules of a host at sidecars or at a waypoint, and what is said of routes beside them.
struct MeshHost {
  VirtualHost host;
  std::vector<TraceNode> trace;  // routes that do not count here
  std::vector<Assumption> assumptions;
};

struct SniRule {
  std::string sni;  // pattern
  L4Rule rule;
};

/// One listener of a Gateway or ListenerSet, with the routes that attach to it.
struct ApiListener {
  const model::Gateway* gateway = nullptr;
  const model::ListenerSet* set = nullptr;  // null: the Gateway's own
  const model::Listener* listener = nullptr;
  ObjectAt at;
  bool programmed = true;
  Code why_not;
  std::string why_not_detail;
  bool outcome_unknown = false;     // HTTP and TLS share the port
  bool client_certificate = false;  // a client that opens TLS has to present one
  std::vector<Assumption> assumptions;
  std::vector<VirtualHost> http;  // sorted by host
  std::vector<SniRule> tls;       // in order of precedence
  std::optional<L4Rule> tcp;      // oldest TCPRoute
  [[nodiscard]] bool terminates() const { return listener->has_tls && listener->tls_mode != "Passthrough"; }
};

/// A Gateway with all its listeners, ListenerSets included, and the routes that named it in vain.
struct ApiGateway {
  const model::Gateway* gateway = nullptr;
  std::string controller;              // of its class; empty: a class that nothing tells about
  std::vector<ApiListener> listeners;  // order of precedence
  struct Detached {
    std::vector<std::string> hosts;  // of the route
    TraceNode node;
  };
  std::vector<Detached> detached;
  // Services that a manual deployment is bound to; nullopt: Istio deploys the gateway itself and its Service
  // has the listeners' ports.
  std::optional<std::vector<model::ServiceId>> bound_services;
};

/// A server of a classic Gateway or of an Ingress.
struct ClassicServer {
  ObjectAt at;
  std::string gateway_name;  // "ns/name", as VirtualServices name it
  model::Symbol gateway_ns;
  std::uint16_t port = 0;
  std::string protocol;  // as written, upper case
  model::ServerTlsMode tls = model::ServerTlsMode::None;
  bool https_redirect = false;
  std::vector<std::string> hosts;  // "ns/host", ns may be "*"
  std::string name;
  bool ingress = false;
  [[nodiscard]] bool is_tls() const;   // the server itself speaks or reads TLS
  [[nodiscard]] bool is_http() const;  // the server's requests are parsed
};
struct ClassicGateway {
  const model::IstioGateway* gateway = nullptr;  // null: an Ingress
  ObjectAt at;
  std::string created, name, ns;  // of the Gateway, or of the one that stands for an Ingress
  std::vector<std::pair<model::Symbol, model::Symbol>> selector;
  std::optional<std::vector<std::string>> services;  // bound to these hosts only, instead of a selector
  std::vector<ClassicServer> servers;
};

/// DestinationRules of one host in one namespace that count as one.
struct MergedDestinationRule {
  std::vector<const model::DestinationRule*> parts;  // the first has the say; those with a selector alike
  std::set<std::string> export_to;                   // as written; empty: the mesh's default
};
/// The rules of one namespace, by host.
using DestinationRuleIndex = std::map<std::string, std::vector<MergedDestinationRule>, std::less<>>;

/// What BackendTLSPolicies make of a host: a DestinationRule that nobody wrote.
struct BackendPolicyRule {
  const model::BackendTlsPolicy* all_ports = nullptr;
  std::vector<std::pair<std::uint16_t, const model::BackendTlsPolicy*>> ports;
};

struct RouteTables::Impl {
  explicit Impl(const model::Cluster& c) : cluster(c), published(c) {}
  const model::Cluster& cluster;
  Published published;

  // virtual_service.cc, http_route.cc, ingress.cc: everything that yields rules, in Istio's order (age, name,
  // namespace).
  std::vector<RouteConfig> configs;
  std::map<std::string, std::vector<std::uint32_t>, std::less<>>
      configs_by_gateway;  // "mesh" or "ns/name" -> configs
  std::map<std::string, std::vector<std::uint32_t>, std::less<>> mesh_configs_by_host;  // exact hosts
  std::vector<std::uint32_t> mesh_configs_wildcard;
  std::map<std::string, std::vector<TraceNode>, std::less<>>
      ignored_mesh_routes;  // by host: routes to Services that yield no rule

  // mesh_host.cc: rules with their index, where no request can change them.
  std::vector<std::shared_ptr<const MeshHost>> config_hosts;  // by config; null: depends on proxy or port
  std::map<std::tuple<std::uint32_t, std::uint16_t, std::string>, std::shared_ptr<const MeshHost>>
      waypoint_hosts;  // (Service, port, namespace of the waypoint)

  // l4_route.cc: TCPRoute and TLSRoute whose parent is a Service.
  struct MeshL4 {
    std::string host;
    model::Symbol ns;
    std::string created, name;  // that Istio orders by
    std::optional<std::uint16_t> port;
    bool tls = false;
    std::vector<std::string> hostnames;
    L4Rule rule;
  };
  std::vector<MeshL4> mesh_l4;  // by age
  std::map<std::string, std::vector<std::uint32_t>, std::less<>> mesh_l4_by_host;

  std::vector<ApiGateway> gateways;  // as Cluster's Gateways
  std::map<std::string, std::shared_ptr<const struct ClassicTable>, std::less<>> classic_tables;  // by proxy
  std::vector<std::pair<model::PodId, std::shared_ptr<const struct ClassicTable>>>
      classic_proxies;                  // one pod each
  std::vector<ClassicGateway> classic;  // age, name, namespace

  // destination_rule.cc: by namespace, what its own proxies look up, what others do, and what proxies of the
  // root namespace find there.
  std::map<std::string, DestinationRuleIndex, std::less<>> local_rules, exported_rules;
  DestinationRuleIndex root_local_rules;

  // What sidecars look up.
  std::map<std::uint16_t, std::vector<model::ServiceId>> services_by_port;        // age, name, namespace
  std::map<model::IpAddress, std::vector<model::ServiceId>> headless_by_address;  // of their endpoints

  // destination_rule.cc: what BackendTLSPolicies are turned into.
  std::deque<model::DestinationRule> backend_rules;
  std::map<const model::DestinationRule*, BackendPolicyRule> backend_policies;  // of backend_rules

  // foreign_entry.cc: what other controllers serve.
  ForeignEntries foreign;

  [[nodiscard]] const ApiGateway* find(const model::Gateway& gateway) const;
};

// Builders, one a file; each fills its part of Impl.
void build_virtual_services(RouteTables::Impl& impl);
void build_http_routes(RouteTables::Impl& impl);
void build_ingresses(RouteTables::Impl& impl);
void build_listeners(RouteTables::Impl& impl);
void build_classic_gateways(RouteTables::Impl& impl);
void attach_http_routes(RouteTables::Impl& impl);
void attach_l4_routes(RouteTables::Impl& impl);
void build_destination_rules(RouteTables::Impl& impl);
void index_services(RouteTables::Impl& impl);
void index_foreign_entries(RouteTables::Impl& impl);
void build_mesh_hosts(RouteTables::Impl& impl);

// Shared by the builders and the proxies.

[[nodiscard]] ObjectAt object_at(const model::ObjectMeta& meta, model::SourcePos pos = {}, int rule = -1,
                                 std::string section = {});
[[nodiscard]] TraceNode trace_node(std::string layer, Decision decision, Code code,
                                   std::optional<ObjectAt> by, std::string detail);

/// Who evaluates: visibility, source matches and DestinationRules depend on it.
struct ProxyView {
  model::Symbol ns;
  const model::Labels* labels = nullptr;
  std::string gateway;     // "mesh" or "ns/name"
  std::uint16_t port = 0;  // listener or Service port
  bool tls = false;        // the requests arrived by TLS that this proxy terminated
  bool waypoint = false;
  bool sidecar = false;
};

/// Entries of a config that hold at this proxy, in order; stops after a catch-all. Dropped ones go to
/// `losers` when not null. Source: istio pilot/pkg/networking/core/route/route.go
/// BuildHTTPRoutesForVirtualService, sourceMatchHTTP.
[[nodiscard]] std::vector<HttpEntry> entries_at(const RouteConfig& config, const ProxyView& proxy,
                                                const RouteTables::Impl& impl,
                                                std::vector<TraceNode>* losers);

/// Whether an object of `own_ns` is visible to proxies of `viewer`. Empty `export_to`: the mesh default;
/// empty default: all. Source: istio pilot/pkg/model/push_context.go initVirtualServices,
/// initServiceRegistry.
[[nodiscard]] bool visible_to(const model::ExportTo& export_to, const std::vector<std::string>& mesh_default,
                              model::Symbol own_ns, model::Symbol viewer);

/// The place of a config of namespace `of` among those that a proxy of namespace `viewer` sees: private ones,
/// exported to its namespace, public Gateway API ones of its namespace, other public ones. Source: istio
/// pilot/pkg/model/push_context.go initVirtualServices, VirtualServicesForGateway.
[[nodiscard]] int config_group(const RouteTables::Impl& impl, const model::ExportTo& export_to,
                               model::Symbol of, bool gateway_semantics, model::Symbol viewer);

/// Configs for (proxy namespace, gateway) in the order their rules are joined: private ones, exported to this
/// namespace, public Gateway API ones of this namespace, other public ones. Source: istio
/// pilot/pkg/model/push_context.go VirtualServicesForGateway.
[[nodiscard]] std::vector<const RouteConfig*> configs_for(const RouteTables::Impl& impl,
                                                          std::span<const std::uint32_t> candidates,
                                                          model::Symbol ns);

/// The registry service of `host` that proxies of `ns` see: own namespace first, then Kubernetes Service,
/// then age.
[[nodiscard]] model::ServiceId find_registry_service(const RouteTables::Impl& impl, std::string_view host,
                                                     model::Symbol ns);

/// ReferenceGrant in the target's namespace. Source: gateway-api apis/v1/referencegrant_types.go.
struct Reference {
  std::string_view from_group, from_kind, from_ns, to_group, to_kind, to_ns, to_name;
};
[[nodiscard]] bool reference_granted(const model::Cluster& cluster, const Reference& reference);

/// One backendRef of a Gateway API route. nullopt: a hard error, the whole route yields nothing; `why` says
/// it.
[[nodiscard]] std::optional<RuleDestination> compile_backend(const RouteTables::Impl& impl,
                                                             const model::BackendRef& ref,
                                                             const model::ObjectMeta& route,
                                                             bool check_grants, std::string& why);

/// VirtualService destination, short names resolved in `ns`.
[[nodiscard]] RuleDestination compile_destination(const RouteTables::Impl& impl,
                                                  const model::VsDestination& destination, model::Symbol ns,
                                                  const ObjectAt& at);

// Evaluation.

/// Finds the first matching entry and turns its rule into the decision: kind, targets, rewrites, redirect.
/// `decision` already carries the listener's trace. `name` stands for the host's own when given.
void decide_http(RouteDecision& decision, const RouteTables::Impl& impl, const ProxyView& proxy,
                 const VirtualHost& host, const RouteRequest& request, const RequestView& view,
                 std::string_view name = {});
void decide_l4(RouteDecision& decision, const RouteTables::Impl& impl, const ProxyView& proxy,
               const L4Rule& rule);

/// Service, port, subset and TLS of one destination at this proxy.
[[nodiscard]] RouteTarget resolve_target(const RouteTables::Impl& impl, const ProxyView& proxy,
                                         const RuleDestination& destination, bool gateway_semantics);
/// A target straight to a registry service.
[[nodiscard]] RouteTarget service_target(const RouteTables::Impl& impl, const ProxyView& proxy,
                                         model::ServiceId service, std::uint16_t port);
/// Fills subset labels and upstream TLS from the DestinationRule and BackendTLSPolicy that hold for this
/// proxy.
void apply_destination_rule(const RouteTables::Impl& impl, const ProxyView& proxy, RouteTarget& target);

[[nodiscard]] RequestView view_request(const model::Cluster& cluster, const RouteRequest& request, bool tls);
[[nodiscard]] bool parses_as_http(RouteRequest::App app);

/// The virtual host for `host` among `hosts` (sorted by host): exact, longest wildcard, "*". Null: none.
[[nodiscard]] const VirtualHost* find_virtual_host(std::span<const VirtualHost> hosts, std::string_view host);
/// Joins rules of a further config to the virtual host of that name. Catch-all entries go last.
/// Source: istio pilot/pkg/networking/core/route/route.go SortVHostRoutes.
void sort_catch_all_last(VirtualHost& host);

}  // namespace waypath::sim
