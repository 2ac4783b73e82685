// Routes at a waypoint: found by the Service's address and port, not by Host (routing.md 3.5, ambient-path.md
// 10).

#include <fmt/format.h>

#include <algorithm>

#include "sim/match/route_match.h"
#include "sim/reasons/route.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/mesh_route.h"
#include "sim/resolve/protocol.h"

namespace waypath::sim {

namespace {

class WaypointRouter {
 public:
  WaypointRouter(const RouteTables::Impl& impl, const model::Gateway& waypoint, model::ServiceId id,
                 std::uint16_t port, const RouteRequest& request)
      : impl_(impl), id_(id), service_(impl.cluster.service(id)), request_(request) {
    view_.ns = waypoint.meta.ns();
    view_.labels = &waypoint.meta.labels;
    view_.gateway = "mesh";
    view_.port = port;
    view_.waypoint = true;
  }

  RouteDecision decide() {
    const model::RegistryService::Port* port = service_.find_port(view_.port);
    const PortKind kind = port == nullptr ? PortKind::Udp : port_kind(port->app_protocol);
    // Source: istio pilot/pkg/networking/core/listener_waypoint.go buildWaypointInternal: a chain for each
    // port that is not UDP.
    if (port == nullptr || port->protocol != model::Protocol::Tcp || kind == PortKind::Udp) {
      out_.http = false;
      out_.kind = RouteDecision::Kind::NoFilterChain;
      out_.reason = {
          kListenerNone, object_at(service_.meta()),
          fmt::format("the waypoint has no filter chain for {} port {}", service_.host, view_.port)};
      out_.trace.push_back(trace_node("listener", Decision::Deny, kListenerNone, object_at(service_.meta()),
                                      out_.reason.detail));
      return std::move(out_);
    }
    const bool speaks_http = parses_as_http(request_.app) && !request_.tls;
    if (kind == PortKind::Http && !speaks_http) {
      out_.kind = RouteDecision::Kind::NoFilterChain;
      out_.reason = {kListenerProtocolError, object_at(service_.meta()),
                     fmt::format("port {} of {} is parsed as HTTP; the client sends something else",
                                 view_.port, service_.host)};
      out_.trace.push_back(trace_node("listener", Decision::Deny, kListenerProtocolError,
                                      object_at(service_.meta()), out_.reason.detail));
      return std::move(out_);
    }
    if (kind == PortKind::Http || (kind == PortKind::Auto && speaks_http)) {
      http();
    } else {
      MeshHost said;
      const std::vector<const RouteConfig*> configs = waypoint_configs(impl_, service_, view_.ns, said);
      say(said);
      if (kind != PortKind::Auto)
        note_blocked_http(out_, configs, service_.host, view_.port, port->app_protocol);
      l4(configs);
    }
    return std::move(out_);
  }

 private:
  void say(const MeshHost& host) {
    out_.trace.insert(out_.trace.end(), host.trace.begin(), host.trace.end());
    out_.assumptions.insert(out_.assumptions.end(), host.assumptions.begin(), host.assumptions.end());
  }

  void http() {
    const std::shared_ptr<const MeshHost> made = waypoint_host(impl_, id_, view_);
    say(*made);
    if (!dynamic_dns_host_fits()) return;
    const VirtualHost& host = made->host;
    if (host.rules.empty()) {
      out_.trace.insert(out_.trace.end(), host.losers.begin(), host.losers.end());
      default_route(out_, impl_, view_, id_, view_.port, true);
      out_.virtual_host = "*";
      return;
    }
    decide_http(out_, impl_, view_, host, request_, view_request(impl_.cluster, request_, false));
  }

  /// The only case where a waypoint looks at Host. Source: istio
  /// pilot/pkg/networking/core/listener_waypoint.go (DYNAMIC_DNS).
  bool dynamic_dns_host_fits() {
    if (service_.entry == nullptr || service_.entry->resolution != model::Resolution::DynamicDns) return true;
    const std::string host = host_without_port(request_.host);
    if (host_covers(service_.host, host)) return true;
    out_.kind = RouteDecision::Kind::Refuse;
    out_.status = 404;
    out_.reason = {kRouteNoVirtualHost, object_at(service_.meta()),
                   fmt::format("host {} is not covered by {}", host, service_.host)};
    out_.trace.push_back(trace_node("virtual host", Decision::Deny, kRouteNoVirtualHost,
                                    object_at(service_.meta()), out_.reason.detail));
    return false;
  }

  /// Source: istio pilot/pkg/networking/core/listener_waypoint.go getWaypointTCPRoutes: the tls rules of all
  /// before the tcp rules of any. Versions without it look at no rule of either kind of route.
  void l4(const std::vector<const RouteConfig*>& configs) {
    L4View connection;
    connection.host = service_.host;
    for (const L4View::Blocks blocks : {L4View::Blocks::Tls, L4View::Blocks::Tcp}) {
      if (!impl_.cluster.profile().has(model::Feature::WaypointTcpRoute)) break;
      connection.blocks = blocks;
      if (const std::optional<L4Rule> rule = mesh_l4(impl_, configs, service_.ns, view_, connection))
        return decide_l4(out_, impl_, view_, *rule);
    }
    default_route(out_, impl_, view_, id_, view_.port, false);
  }

  const RouteTables::Impl& impl_;
  model::ServiceId id_;
  const model::RegistryService& service_;
  const RouteRequest& request_;
  ProxyView view_;
  RouteDecision out_;
};

}  // namespace

RouteDecision route_at_waypoint(const RouteTables& tables, const model::Gateway& waypoint,
                                model::ServiceId service, std::uint16_t port, const RouteRequest& request) {
  return WaypointRouter(tables.impl(), waypoint, service, port, request).decide();
}

}  // namespace waypath::sim
