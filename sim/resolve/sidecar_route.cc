// Routes at a client's sidecar: listener by address and port, virtual host by Host (routing.md 3.2
// to 3.4, 3.9).

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "model/istio/proxy_ports.h"
#include "sim/match/route_match.h"
#include "sim/reasons/route.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/mesh_route.h"
#include "sim/resolve/protocol.h"
#include "sim/resolve/sidecar_table.h"
#include "sim/resolve/visibility.h"

namespace waypath::sim {

namespace {

using model::RegistryService;
using model::ServiceId;

class SidecarRouter {
 public:
  SidecarRouter(const RouteTables::Impl& impl, model::Symbol ns, const model::Labels& labels,
                std::uint16_t port, const RouteRequest& request)
      : impl_(impl), table_(impl, ns, labels, port), port_(port), request_(request) {
    view_.ns = ns;
    view_.labels = &labels;
    view_.gateway = "mesh";
    view_.port = port;
    view_.sidecar = true;
    host_ = host_without_port(request.host);
    speaks_http_ = parses_as_http(request.app) && !request.tls;
  }

  RouteDecision decide(std::optional<ServiceId> service, const std::optional<model::IpAddress>& address) {
    address_ = address;
    // Source: istio pilot/pkg/networking/core/listener_builder.go (virtualOutbound-blackhole): the sidecar's
    // own ports.
    if (port_ == model::kOutboundPort || port_ == model::kInboundPort) {
      out_.http = false;
      out_.kind = RouteDecision::Kind::Close;
      out_.reason = {kRouteBlocked, std::nullopt,
                     fmt::format("port {} is the sidecar's own: it would call itself", port_)};
      return std::move(out_);
    }
    const ServiceId own = dialled(service);
    if (own.valid()) {
      const RegistryService& s = impl_.cluster.service(own);
      const RegistryService::Port& port = *s.find_port(port_);
      const PortKind kind = port_kind(port.app_protocol);
      const bool http_port = kind == PortKind::Http;
      if (!http_port && has_own_address(s)) {
        own_listener(own, kind, port.app_protocol);
        return std::move(out_);
      }
    }
    shared_listener();
    return std::move(out_);
  }

 private:
  /// The service whose address is dialled, with this port.
  ServiceId dialled(std::optional<ServiceId> service) const {
    if (service && service->valid() && impl_.cluster.service(*service).external_name()) {
      const std::string target = lower_case(impl_.cluster.service(*service).service->external_name);
      const ServiceId concrete = table_.service_of_host(target);
      service = concrete.valid() ? std::optional(concrete) : std::nullopt;
    }
    if (!service && address_) {
      for (const ServiceId id : impl_.cluster.services_by_vip(*address_)) {
        const RegistryService& s = impl_.cluster.service(id);
        if (s.find_port(port_) != nullptr && table_.imports(id) && has_own_address(s)) return id;
      }
      // Source: istio pilot/pkg/networking/core/listener.go buildSidecarOutboundListeners: ports of headless
      // Services that are not HTTP get a listener for each endpoint's address.
      if (const auto it = impl_.headless_by_address.find(*address_); it != impl_.headless_by_address.end()) {
        for (const ServiceId id : it->second) {
          if (impl_.cluster.service(id).find_port(port_) != nullptr && table_.imports(id)) return id;
        }
      }
    }
    if (!service || !service->valid()) return {};
    const RegistryService& s = impl_.cluster.service(*service);
    return s.find_port(port_) != nullptr && table_.imports(*service) ? *service : ServiceId{};
  }

  /// A listener on the service's own address. Source: istio pilot/pkg/networking/core/listener.go
  /// buildSidecarOutboundListener.
  void own_listener(ServiceId id, PortKind kind, std::string_view protocol) {
    const RegistryService& s = impl_.cluster.service(id);
    if (kind == PortKind::Auto && speaks_http_) return service_http(id, true);
    if (kind != PortKind::Auto) note_blocked_http(out_, table_.configs_of(s), s.host, port_, protocol);
    L4View connection;
    const std::string sni = lower_case(request_.sni);
    if (request_.tls) connection.sni = sni;
    connection.host = s.host;
    connection.address = address_;
    connection.blocks = kind == PortKind::Tls ? L4View::Blocks::Tls : L4View::Blocks::Tcp;
    const bool by_range = address_ && std::find(s.vips.begin(), s.vips.end(), *address_) == s.vips.end() &&
                          !s.cidr_vips.empty();
    for (const model::Cidr& range : s.cidr_vips) {
      if (by_range && range.contains(*address_))
        connection.own_range = std::max(connection.own_range, static_cast<int>(range.prefix));
    }
    bool has_tls_match = false;
    if (const std::optional<L4Rule> rule =
            mesh_l4(impl_, table_.l4_configs_of(s), s.ns, view_, connection, &has_tls_match)) {
      return decide_l4(out_, impl_, view_, *rule);
    }
    // Source: istio pilot/pkg/networking/core/tls.go buildSidecarOutboundTLSFilterChainOpts: with a tls rule
    // for the port there is no chain beside it, and a range of addresses is told apart by SNI.
    if (kind == PortKind::Tls && has_tls_match)
      return fallback(fmt::format("no tls rule for {} has SNI {}", s.host, sni.empty() ? "(none)" : sni));
    if (kind == PortKind::Tls && by_range && sni != s.host)
      return fallback(fmt::format("SNI {} is not {}", sni.empty() ? "(none)" : sni, s.host));
    default_route(out_, impl_, view_, id, port_, false);
  }

  /// The listener on 0.0.0.0 of the port, when services without an address of their own, or HTTP, need one.
  void shared_listener() {
    bool http = false, sniffed = false;
    std::vector<ServiceId> tls;
    ServiceId tcp;
    for (const ServiceId id : table_.services()) {
      const RegistryService& s = impl_.cluster.service(id);
      const PortKind kind = port_kind(s.find_port(port_)->app_protocol);
      if (kind == PortKind::Http) {
        // Of HTTP and TCP on one port the older service wins. Source: listener.go (outbound listener
        // conflicts).
        if (!tcp.valid()) http = true;
        continue;
      }
      if (has_own_address(s)) continue;
      if (kind == PortKind::Auto) sniffed = true;
      if (kind == PortKind::Tls && !http) tls.push_back(id);
      if ((kind == PortKind::Tcp || kind == PortKind::Auto) && !http && !tcp.valid()) tcp = id;
    }
    if (speaks_http_ && (http || sniffed)) return by_host();
    if (tcp.valid()) return own_listener(tcp, PortKind::Tcp, "TCP");
    if (request_.tls) {
      for (const ServiceId id : tls) {
        if (host_covers(impl_.cluster.service(id).host, lower_case(request_.sni)))
          return own_listener(id, PortKind::Tls, "TLS");
      }
    }
    fallback(http || sniffed ? fmt::format("what is sent on port {} is not HTTP", port_)
                             : fmt::format("no listener of the sidecar fits port {}", port_));
  }

  void by_host() {
    for (const RouteConfig* config : table_.configs_of_foreign_host(host_)) {
      if (config_http(*config, host_)) return;
    }
    if (const ServiceId id = table_.service_of_domain(host_); id.valid()) return service_http(id, false);
    wildcard_http();
  }

  /// ServiceEntries and configs with wildcard hosts, and what is below a headless Service; the longest wins.
  void wildcard_http() {
    std::string best;
    const RouteConfig* config = nullptr;
    ServiceId service;
    const auto better = [&](std::string_view pattern) {
      return host_covers(pattern, host_) &&
             ((config == nullptr && !service.valid()) || more_specific(pattern, best));
    };
    for (const auto& [pattern, candidate] : table_.foreign_wildcards()) {
      if (!better(pattern) || candidate->http.empty()) continue;
      best = pattern;
      config = candidate;
      service = {};
    }
    for (const ServiceId id : impl_.cluster.services_by_host(host_)) {
      const RegistryService& s = impl_.cluster.service(id);
      if (!is_wildcard(s.host) || s.find_port(port_) == nullptr || !table_.imports(id) || !better(s.host))
        continue;
      best = s.host;
      config = nullptr;
      service = id;
    }
    if (const auto [pattern, id] = table_.headless_above(host_); id.valid() && better(pattern)) {
      config = nullptr;
      service = id;
    }
    if (service.valid()) return service_http(service, false);
    if (config != nullptr && config_http(*config, best)) return;
    catch_all();
  }

  /// False: the config has no rule at this port.
  bool config_http(const RouteConfig& config, const std::string& name) {
    const std::shared_ptr<const MeshHost> made = config_host(impl_, config, view_);
    const VirtualHost& host = made->host;
    if (host.rules.empty()) {
      out_.trace.insert(out_.trace.end(), host.losers.begin(), host.losers.end());
      return false;
    }
    decide_http(out_, impl_, view_, host, request_, view_request(impl_.cluster, request_, false), name);
    return true;
  }

  void service_http(ServiceId id, bool by_address) {
    const RegistryService& s = impl_.cluster.service(id);
    if (by_address) {
      out_.trace.push_back(
          trace_node("virtual host", Decision::Allow, kListenerMatched, object_at(s.meta()),
                     fmt::format("the address of {} decides; Host is not looked at", s.host)));
    }
    if (const auto it = impl_.ignored_mesh_routes.find(s.host); it != impl_.ignored_mesh_routes.end())
      out_.trace.insert(out_.trace.end(), it->second.begin(), it->second.end());
    const std::vector<const RouteConfig*> configs = table_.configs_of(s);
    for (std::size_t i = 0; i < configs.size(); ++i) {
      if (!config_http(*configs[i], s.host)) continue;
      // Source: istio pilot/pkg/networking/core/httproute.go: a host belongs to one config, the first.
      for (std::size_t j = i + 1; j < configs.size(); ++j) {
        out_.trace.push_back(trace_node(
            "route", Decision::NotApplicable, kRouteShadowed,
            ObjectAt{configs[j]->key, configs[j]->pos, -1, {}},
            fmt::format("{} has host {} already: sidecars do not merge", configs[i]->key.str(), s.host)));
        if (configs[i]->created.empty() || configs[j]->created.empty()) note_order(*configs[i], *configs[j]);
      }
      return;
    }
    default_route(out_, impl_, view_, id, port_, true);
    out_.virtual_host = s.host;
  }

  void note_order(const RouteConfig& first, const RouteConfig& second) {
    out_.assumptions.push_back(
        {kRouteOrderAssumed,
         fmt::format("{} before {}: no creationTimestamp; taken by name", first.key.str(), second.key.str()),
         second.pos});
  }

  std::optional<ObjectAt> policy_at() const {
    const model::Sidecar* resource = table_.scope().resource();
    if (resource == nullptr || !resource->outbound) return std::nullopt;
    return object_at(resource->meta);
  }

  /// Source: istio pilot/pkg/networking/core/httproute.go buildCatchAllVirtualHost.
  void catch_all() {
    out_.http = true;
    if (table_.scope().outbound() != model::OutboundMode::RegistryOnly) {
      out_.virtual_host = std::string(kAllowAny);
      if (table_.scope().outbound() == model::OutboundMode::AllowAnyDynamicDns) {
        out_.facts.push_back(
            fmt::format("ALLOW_ANY_DYNAMIC_DNS: the sidecar resolves {} again by DNS", host_));
      }
      return passthrough(fmt::format("host {} is not in the registry that the client sees", host_));
    }
    out_.virtual_host = std::string(kBlockAll);
    out_.kind = RouteDecision::Kind::Refuse;
    out_.status = 502;
    out_.reason = {
        kRouteBlocked, policy_at(),
        fmt::format(
            "outboundTrafficPolicy REGISTRY_ONLY: host {} is not in the registry that the client sees",
            host_)};
    out_.trace.push_back(
        trace_node("virtual host", Decision::Deny, kRouteBlocked, policy_at(), out_.reason.detail));
  }

  /// No filter chain of a service fits. Source: istio pilot/pkg/networking/core/listener.go
  /// buildOutboundCatchAllNetworkFiltersOnly.
  void fallback(std::string why) {
    out_.http = false;
    if (table_.scope().outbound() != model::OutboundMode::RegistryOnly) return passthrough(std::move(why));
    out_.kind = RouteDecision::Kind::Close;
    out_.reason = {kRouteBlocked, policy_at(), fmt::format("outboundTrafficPolicy REGISTRY_ONLY: {}", why)};
    out_.trace.push_back(
        trace_node("listener", Decision::Deny, kRouteBlocked, policy_at(), out_.reason.detail));
  }

  void passthrough(std::string why) {
    out_.kind = RouteDecision::Kind::Forward;
    RouteTarget target;
    target.original_destination = true;
    target.port = port_;
    target.host = host_;
    if (const auto at = policy_at()) target.by = *at;
    out_.targets.push_back(std::move(target));
    out_.reason = {kRoutePassthrough, policy_at(), fmt::format("to the dialled address: {}", why)};
    out_.trace.push_back(
        trace_node("listener", Decision::Allow, kRoutePassthrough, policy_at(), out_.reason.detail));
  }

  const RouteTables::Impl& impl_;
  SidecarTable table_;
  std::uint16_t port_;
  const RouteRequest& request_;
  ProxyView view_;
  std::string host_;
  bool speaks_http_ = false;
  std::optional<model::IpAddress> address_;
  RouteDecision out_;
};

}  // namespace

void index_services(RouteTables::Impl& impl) {
  const std::span<const RegistryService> services = impl.cluster.services();
  for (std::uint32_t i = 0; i < services.size(); ++i) {
    const RegistryService& s = services[i];
    if (s.external_name()) continue;
    for (const RegistryService::Port& port : s.ports) {
      auto& list = impl.services_by_port[port.port];
      if (list.empty() || list.back() != ServiceId{i}) list.push_back(ServiceId{i});
      if (!s.headless()) continue;
      for (const model::Endpoint& endpoint : impl.cluster.endpoints(ServiceId{i}, port.port)) {
        if (!endpoint.address) continue;
        auto& services_there = impl.headless_by_address[*endpoint.address];
        if (services_there.empty() || services_there.back() != ServiceId{i})
          services_there.push_back(ServiceId{i});
      }
    }
  }
  // Source: istio pilot/pkg/model/push_context.go SortServicesByCreationTime.
  for (auto& [port, list] : impl.services_by_port) {
    std::stable_sort(list.begin(), list.end(), [&](ServiceId a, ServiceId b) {
      const model::ObjectMeta& x = services[a.index].meta();
      const model::ObjectMeta& y = services[b.index].meta();
      if (x.creation_timestamp != y.creation_timestamp) return x.creation_timestamp < y.creation_timestamp;
      if (x.name() != y.name()) return x.name().view() < y.name().view();
      return x.ns().view() < y.ns().view();
    });
  }
}

RouteDecision route_at_sidecar(const RouteTables& tables, model::Symbol client_ns,
                               const model::Labels& client_labels, std::optional<model::ServiceId> service,
                               std::optional<model::IpAddress> address, std::uint16_t port,
                               const RouteRequest& request) {
  return SidecarRouter(tables.impl(), client_ns, client_labels, port, request).decide(service, address);
}

std::vector<std::string> sidecar_virtual_hosts(const RouteTables& tables, model::Symbol client_ns,
                                               const model::Labels& client_labels, std::uint16_t port) {
  return SidecarTable(tables.impl(), client_ns, client_labels, port).names();
}

}  // namespace waypath::sim
