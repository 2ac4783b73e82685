// Routes at a client's sidecar: listener by address and port, virtual host by Host (routing.md 3.2
// to 3.4, 3.9).

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sim/match/route_match.h"
#include "sim/reason_codes_route.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/mesh_route.h"
#include "sim/resolve/protocol.h"
#include "sim/resolve/visibility.h"

namespace waypath::sim {

namespace {

using model::RegistryService;
using model::ServiceId;

/// Catch-all virtual hosts. Source: istio pilot/pkg/networking/util/util.go Passthrough, BlackHole.
constexpr std::string_view kAllowAny = "allow_any";
constexpr std::string_view kBlockAll = "block_all";
/// Hosts that no Service has are served on this port only.
/// Source: istio pilot/pkg/networking/core/route/route.go buildSidecarVirtualHostsForVirtualService.
constexpr std::uint16_t kPlainHttp = 80;

bool http_or_sniffed(const RegistryService::Port& port) {
  const PortKind kind = port_kind(port.app_protocol);
  return kind == PortKind::Http || kind == PortKind::Auto;
}

/// Whether the sidecar can tell the service by its address. Addresses that Istio allocates count only with
/// DNS capture. Source: istio pilot/pkg/model/service.go GetAddressForProxy.
bool has_own_address(const RegistryService& service) {
  if (service.service != nullptr) return true;  // headless: a listener for each endpoint
  return !service.entry->addresses.empty();
}

/// The HTTP route table of one port at one client, asked host by host.
class SidecarTable {
 public:
  SidecarTable(const RouteTables::Impl& impl, model::Symbol ns, const model::Labels& labels,
               std::uint16_t port)
      : impl_(impl), ns_(ns), port_(port), scope_(impl.cluster, ns, labels) {}

  const SidecarScope& scope() const { return scope_; }

  bool imports(ServiceId id) const {
    const RegistryService& s = impl_.cluster.service(id);
    return !s.external_name() && scope_.imports_service(s, port_);
  }

  /// Imported services with this port, oldest first.
  std::vector<ServiceId> services() const {
    std::vector<ServiceId> out;
    const auto it = impl_.services_by_port.find(port_);
    if (it == impl_.services_by_port.end()) return out;
    std::copy_if(it->second.begin(), it->second.end(), std::back_inserter(out),
                 [&](ServiceId id) { return imports(id); });
    return out;
  }

  /// The imported service of exactly this host, with this port.
  ServiceId service_of_host(std::string_view host) const {
    ServiceId best;
    for (const ServiceId id : impl_.cluster.services_by_host(host)) {
      const RegistryService& s = impl_.cluster.service(id);
      if (s.host != host || s.find_port(port_) == nullptr || !imports(id)) continue;
      if (!best.valid()) best = id;
    }
    if (!best.valid()) return best;
    // Several of one host: the client's namespace, Kubernetes before ServiceEntry, age.
    const ServiceId chosen = find_registry_service(impl_, host, ns_);
    const bool usable = chosen.valid() && impl_.cluster.service(chosen).host == host &&
                        impl_.cluster.service(chosen).find_port(port_) != nullptr && imports(chosen);
    return usable ? chosen : best;
  }

  /// The service that has `name` among its domains: its host, short names, addresses, and ExternalNames that
  /// stand for it.
  ServiceId service_of_domain(std::string_view name) const {
    if (const ServiceId id = service_of_host(name); id.valid()) return id;
    if (const std::optional<model::IpAddress> ip = model::parse_ip(name)) {
      for (const ServiceId id : impl_.cluster.services_by_vip(*ip)) {
        const RegistryService& s = impl_.cluster.service(id);
        if (s.find_port(port_) != nullptr && imports(id)) return id;
      }
      return {};
    }
    const ServiceId kube = kubernetes_service(name);
    if (!kube.valid()) return {};
    const RegistryService& s = impl_.cluster.service(kube);
    if (s.external_name()) {
      if (!service_visible(impl_.cluster, s, ns_)) return {};
      return service_of_host(lower_case(s.service->external_name));
    }
    return s.find_port(port_) != nullptr && imports(kube) ? kube : ServiceId{};
  }

  /// Configs for the host of a service, best first; the first that yields rules at this port is taken, others
  /// are lost.
  std::vector<const RouteConfig*> configs_of(const RegistryService& service) const {
    std::vector<const RouteConfig*> exact_ones, wild;
    for (const RouteConfig* config : configs_for(impl_, mesh_candidates(impl_, service.host), ns_)) {
      if (!scope_.imports_config(*config, port_)) continue;
      // Source: istio pilot/pkg/networking/core/route/route.go buildSidecarVirtualHostsForVirtualService:
      // Gateway API routes count from the client's or the Service's namespace.
      if (config->gateway_semantics && !(config->ns == ns_) && !(config->ns == service.ns)) continue;
      const bool is_exact =
          std::find(config->hosts.begin(), config->hosts.end(), service.host) != config->hosts.end();
      (is_exact ? exact_ones : wild).push_back(config);
    }
    // An exact host comes before any wildcard, even of an older VirtualService; then the longest wildcard.
    // Source: istio pilot/pkg/model/sidecar.go computeWildcardHostVirtualServiceIndex.
    if (!exact_ones.empty()) return exact_ones;
    std::stable_sort(wild.begin(), wild.end(), [&](const RouteConfig* a, const RouteConfig* b) {
      return more_specific(best_pattern(*a, service.host), best_pattern(*b, service.host));
    });
    return wild;
  }

  /// Configs that have `host` as it is written, for hosts that no service has.
  std::vector<const RouteConfig*> configs_of_foreign_host(std::string_view host) const {
    std::vector<const RouteConfig*> out;
    for (const RouteConfig* config : configs_for(impl_, mesh_candidates(impl_, host), ns_)) {
      if (std::find(config->hosts.begin(), config->hosts.end(), host) == config->hosts.end()) continue;
      if (scope_.imports_config(*config, port_) && serves_foreign_hosts(*config) &&
          !host_is_registry(*config, host)) {
        out.push_back(config);
      }
    }
    return out;
  }

  /// Wildcard hosts of configs that get a virtual host of their own, with the config.
  std::vector<std::pair<std::string, const RouteConfig*>> foreign_wildcards() const {
    std::vector<std::pair<std::string, const RouteConfig*>> out;
    for (const RouteConfig* config : configs_for(impl_, impl_.mesh_configs_wildcard, ns_)) {
      if (!scope_.imports_config(*config, port_) || !serves_foreign_hosts(*config)) continue;
      for (const std::string& host : config->hosts) {
        const bool taken =
            std::any_of(out.begin(), out.end(), [&](const auto& entry) { return entry.first == host; });
        if (is_wildcard(host) && !taken && !host_is_registry(*config, host)) out.emplace_back(host, config);
      }
    }
    return out;
  }

  std::vector<std::string> names() const {
    std::set<std::string> out;
    for (const ServiceId id : services()) {
      const RegistryService& s = impl_.cluster.service(id);
      if (http_or_sniffed(*s.find_port(port_))) out.insert(s.host);
    }
    std::vector<std::uint32_t> mesh;
    if (const auto it = impl_.configs_by_gateway.find("mesh"); it != impl_.configs_by_gateway.end())
      mesh = it->second;
    for (const RouteConfig* config : configs_for(impl_, mesh, ns_)) {
      if (config->http.empty() || !scope_.imports_config(*config, port_) || !serves_foreign_hosts(*config))
        continue;
      for (const std::string& host : config->hosts) {
        if (!host_is_registry(*config, host)) out.insert(host);
      }
    }
    out.insert(std::string(scope_.outbound() == model::OutboundMode::RegistryOnly ? kBlockAll : kAllowAny));
    return {out.begin(), out.end()};
  }

 private:
  static std::string_view best_pattern(const RouteConfig& config, std::string_view host) {
    std::string_view best;
    bool found = false;
    for (const std::string& pattern : config.hosts) {
      if (!host_covers(pattern, host) || (found && !more_specific(pattern, best))) continue;
      best = pattern;
      found = true;
    }
    return best;
  }

  /// "name", "name.ns", "name.ns.svc" or a full name -> Kubernetes Service.
  ServiceId kubernetes_service(std::string_view text) const {
    const std::string suffix = fmt::format(".svc.{}", impl_.cluster.mesh().cluster_domain);
    if (text.ends_with(suffix)) {
      text.remove_suffix(suffix.size());
      if (text.find('.') == std::string_view::npos) return {};
    } else if (text.ends_with(".svc") && std::count(text.begin(), text.end(), '.') == 2) {
      text.remove_suffix(4);
    }
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos) return impl_.cluster.find_service(ns_.view(), text);
    if (text.find('.', dot + 1) != std::string_view::npos) return {};
    return impl_.cluster.find_service(text.substr(dot + 1), text.substr(0, dot));
  }

  /// Whether `host` of the config stands for services of this port. Gateway API routes do not spread by
  /// wildcard.
  bool host_is_registry(const RouteConfig& config, std::string_view host) const {
    if (!is_wildcard(host)) return service_of_host(host).valid();
    if (config.gateway_semantics) return false;
    const std::vector<ServiceId> all = services();
    return std::any_of(all.begin(), all.end(), [&](ServiceId id) {
      const RegistryService& s = impl_.cluster.service(id);
      if (!host_covers(host, s.host)) return false;
      const std::vector<const RouteConfig*> best = configs_of(s);
      return !best.empty() && best.front() == &config;
    });
  }

  /// Hosts without a service are served on port 80, and on the ports of the services that the same config
  /// has.
  bool serves_foreign_hosts(const RouteConfig& config) const {
    bool http_service = false;
    for (const std::string& host : config.hosts) {
      if (is_wildcard(host)) continue;
      const ServiceId id = service_of_host(host);
      if (!id.valid()) continue;
      http_service = http_service || http_or_sniffed(*impl_.cluster.service(id).find_port(port_));
    }
    return http_service || port_ == kPlainHttp;
  }

  const RouteTables::Impl& impl_;
  model::Symbol ns_;
  std::uint16_t port_;
  SidecarScope scope_;
};

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
    const std::vector<const RouteConfig*> configs = table_.configs_of(s);
    if (kind != PortKind::Auto) note_blocked_http(out_, configs, s.host, port_, protocol);
    L4View connection;
    const std::string sni = lower_case(request_.sni);
    if (request_.tls) connection.sni = sni;
    connection.host = s.host;
    connection.address = address_;
    for (const RouteConfig* config : configs) {
      if (const std::optional<L4Rule> rule = virtual_service_l4(impl_, *config, view_, connection)) {
        return decide_l4(out_, impl_, view_, *rule);
      }
    }
    if (const L4Rule* rule = gateway_api_l4(impl_, s.ns, view_, connection))
      return decide_l4(out_, impl_, view_, *rule);
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

  /// ServiceEntries and configs with wildcard hosts; the longest wins.
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
    if (service.valid()) return service_http(service, false);
    if (config != nullptr && config_http(*config, best)) return;
    catch_all();
  }

  /// False: the config has no rule at this port.
  bool config_http(const RouteConfig& config, const std::string& name) {
    VirtualHost host;
    host.host = name;
    host.losers = config.losers;
    host.assumptions = config.assumptions;
    for (HttpEntry& entry : entries_at(config, view_, impl_, &host.losers)) host.rules.add(std::move(entry));
    if (host.rules.empty()) {
      out_.trace.insert(out_.trace.end(), host.losers.begin(), host.losers.end());
      return false;
    }
    decide_http(out_, impl_, view_, host, request_, view_request(impl_.cluster, request_, false));
    return true;
  }

  void service_http(ServiceId id, bool by_address) {
    const RegistryService& s = impl_.cluster.service(id);
    if (by_address) {
      out_.trace.push_back(
          trace_node("virtual host", Decision::Allow, kListenerMatched, object_at(s.meta()),
                     fmt::format("the address of {} decides; Host is not looked at", s.host)));
    }
    for (const RouteTables::Impl::Ignored& ignored : impl_.ignored_mesh_routes) {
      if (ignored.host == s.host) out_.trace.push_back(ignored.node);
    }
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
