#include "sim/resolve/gateway_listener.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "model/derive.h"
#include "sim/match/route_match.h"
#include "sim/reasons/route.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/http_route.h"

namespace waypath::sim {

namespace {

constexpr std::string_view kGatewayGroup = "gateway.networking.k8s.io";

// Empty for a class that is not Istio's.
std::string controller_of(const model::Cluster& cluster, model::Symbol class_name) {
  const auto controller =
      model::gateway_controller(class_name, cluster.snapshot().all<model::GatewayClass>());
  return model::foreign_controller(controller) ? std::string() : std::string(controller);
}

bool namespace_allowed(const model::Cluster& cluster, model::FromNamespaces from,
                       const model::LabelSelector& selector, model::Symbol own, model::Symbol other) {
  switch (from) {
    case model::FromNamespaces::Same:
      return own == other;
    case model::FromNamespaces::All:
      return true;
    case model::FromNamespaces::Selector:
      return selector.matches(cluster.namespace_labels(other));
    case model::FromNamespaces::None:
      return false;
  }
  return false;
}

void refuse(ApiListener& listener, Code code, std::string why) {
  if (!listener.programmed) return;
  listener.programmed = false;
  listener.why_not = code;
  listener.why_not_detail = std::move(why);
}

bool alpha_gateway_api(const model::Cluster& cluster) {
  return cluster.flags().boolean(cluster.flags().istiod, "PILOT_ENABLE_ALPHA_GATEWAY_API").value_or(false);
}

/// What another namespace holds needs a grant; what is not given is taken to exist.
void check_certificate(const RouteTables::Impl& impl, ApiListener& out, const model::ObjectMeta& owner,
                       const model::CertificateRef& ref, std::string_view kind) {
  const std::string ns = ref.ns.value_or(owner.ns().str());
  if (ns != owner.ns().view() &&
      !reference_granted(impl.cluster, {kGatewayGroup, owner.key.kind.view(), owner.ns().view(), "",
                                        std::string(kind), ns, ref.name})) {
    return refuse(out, kListenerInvalid,
                  fmt::format("no ReferenceGrant in namespace {} lets a {} of namespace {} use {} {}", ns,
                              owner.key.kind.view(), owner.ns().view(), kind, ref.name));
  }
  const auto& maps = impl.cluster.snapshot().all<model::ConfigMap>();
  const bool given = std::any_of(maps.begin(), maps.end(), [&](const auto& map) {
    return map->secret == (kind == "Secret") && map->meta.ns() == ns && map->meta.name() == ref.name;
  });
  if (!given) {
    out.assumptions.push_back(
        {kListenerCertificateAssumed,
         fmt::format("{} {}/{} is taken to exist and to hold a certificate", kind, ns, ref.name), ref.pos});
  }
}

/// Source: istio pilot/pkg/config/kube/gateway/conversion.go buildTLS, resolveGatewayTLS.
void check_certificates(const RouteTables::Impl& impl, ApiListener& out, const model::ObjectMeta& owner) {
  const model::Listener& listener = *out.listener;
  const std::string& mode = listener.terminate_mode;
  if (mode == "ISTIO_SIMPLE" || mode == "ISTIO_MUTUAL") {  // the gateway's own certificate of the mesh
    out.client_certificate = mode == "ISTIO_MUTUAL";
    return;
  }
  if (listener.certificate_refs.empty()) {
    return refuse(out, kListenerInvalid, "tls terminates without certificateRefs");
  }
  for (const model::CertificateRef& ref : listener.certificate_refs) {
    const bool secret = ref.group.empty() && (ref.kind.empty() || ref.kind == "Secret");
    if (!secret) {
      return refuse(out, kListenerInvalid,
                    fmt::format("certificateRef to {} {}: only Secret works", ref.kind, ref.name));
    }
    check_certificate(impl, out, owner, ref, "Secret");
  }
  out.client_certificate = mode == "MUTUAL";
  if (!impl.cluster.profile().has(model::Feature::FrontendTlsValidation)) return;
  const auto& of_port = out.gateway->frontend_of_port;
  const auto port = std::find_if(of_port.begin(), of_port.end(),
                                 [&](const auto& one) { return one.first == listener.port; });
  const model::FrontendValidation& frontend = port == of_port.end() ? out.gateway->frontend : port->second;
  if (frontend.ca_refs.empty()) return;
  if (frontend.ca_refs.size() > 1) {
    return refuse(out, kListenerInvalid, "spec.tls.frontend names several caCertificateRefs: only one works");
  }
  const model::CertificateRef& ref = frontend.ca_refs.front();
  if (!ref.group.empty() || (ref.kind != "ConfigMap" && ref.kind != "Secret")) {
    return refuse(
        out, kListenerInvalid,
        fmt::format("caCertificateRef to {} {}: only ConfigMap and Secret work", ref.kind, ref.name));
  }
  check_certificate(impl, out, owner, ref, ref.kind);
  out.client_certificate = mode == "MUTUAL" || (mode != "OPTIONAL_MUTUAL" && !frontend.insecure_fallback);
}

/// Source: istio pilot/pkg/config/kube/gateway/conversion.go listenerProtocolToIstio, buildListener.
void check_listener(const RouteTables::Impl& impl, const ApiGateway& gateway, ApiListener& out,
                    const model::ObjectMeta& owner) {
  const model::Listener& listener = *out.listener;
  const std::string& protocol = listener.protocol;
  const bool inner =
      gateway.controller == model::kMeshController || gateway.controller == model::kEastWestController;
  const bool tls = protocol == "HTTPS" || protocol == "TLS";
  if (!(protocol == "HTTP" || tls || protocol == "TCP" || (protocol == "HBONE" && inner))) {
    return refuse(out, kListenerInvalid, fmt::format("protocol {} is not accepted", protocol));
  }
  if (protocol == "TLS" && !impl.cluster.profile().has(model::Feature::TlsRouteGa) &&
      !alpha_gateway_api(impl.cluster)) {
    return refuse(out, kListenerInvalid,
                  "TLS listeners need PILOT_ENABLE_ALPHA_GATEWAY_API before Istio 1.30");
  }
  if (tls && !listener.has_tls)
    return refuse(out, kListenerInvalid, fmt::format("protocol {} without tls", protocol));
  if (tls && out.terminates()) check_certificates(impl, out, owner);
}

/// Which listeners exclude one another on a port. Source: gateway-api apis/v1/gateway_types.go (Listener
/// compatibility).
int protocol_group(std::string_view protocol) {
  if (protocol == "HTTP") return 0;
  return protocol == "HTTPS" || protocol == "TLS" ? 1 : 2;
}

void find_conflicts(ApiGateway& gateway) {
  std::vector<ApiListener*> accepted;
  for (ApiListener& listener : gateway.listeners) {
    if (!listener.programmed) continue;
    for (ApiListener* other : accepted) {
      if (other->listener->port != listener.listener->port) continue;
      const int a = protocol_group(other->listener->protocol),
                b = protocol_group(listener.listener->protocol);
      const std::string where =
          fmt::format("port {} with listener {}", listener.listener->port, other->listener->name.view());
      if (a == b && a != 2) {
        if (lower_case(other->listener->hostname) == lower_case(listener.listener->hostname)) {
          refuse(listener, kListenerConflicted, fmt::format("same hostname on {}", where));
        }
      } else if (a + b == 1 && other->set == listener.set) {
        listener.outcome_unknown = other->outcome_unknown = true;
      } else {
        refuse(listener, kListenerConflicted, fmt::format("conflicting protocols on {}", where));
      }
    }
    if (listener.programmed) accepted.push_back(&listener);
  }
}

/// A Gateway with addresses, other than one IPAddress, is a manual deployment, bound to the Services that
/// those of type Hostname name. Without such a one nothing comes of it, nor of its ListenerSets.
/// Source: istio pilot/pkg/config/kube/gateway/conversion.go extractGatewayServices; gateway_utils.go
/// IsManaged; gateway_collection.go GatewayCollection, ListenerSetCollection.
void bind_services(const RouteTables::Impl& impl, ApiGateway& out) {
  const std::vector<model::GatewayAddress>& addresses = out.gateway->addresses;
  if (addresses.size() > 1 || (addresses.size() == 1 && addresses.front().type != "IPAddress"))
    out.bound_services.emplace();
  for (const model::GatewayAddress& address : addresses) {
    if (address.type != "Hostname") continue;
    const std::string host =
        resolve_short_host(address.value, out.gateway->meta.ns().view(), impl.cluster.mesh().cluster_domain);
    for (const model::ServiceId id : impl.cluster.services_by_host(host)) {
      // Source: istio pilot/pkg/model/push_context.go mergeGateways: the Service must be of the Gateway's
      // namespace.
      if (impl.cluster.service(id).ns == out.gateway->meta.ns()) out.bound_services->push_back(id);
    }
  }
  if (!out.bound_services) return;
  for (ApiListener& listener : out.listeners) {
    const std::uint16_t port = listener.listener->port;
    if (std::none_of(out.bound_services->begin(), out.bound_services->end(), [&](model::ServiceId id) {
          return impl.cluster.service(id).find_port(port) != nullptr;
        })) {
      refuse(listener, kListenerNone, fmt::format("no Service of spec.addresses has port {}", port));
    }
  }
}

std::vector<const model::ListenerSet*> listener_sets_of(const model::Cluster& cluster,
                                                        const model::Gateway& gateway) {
  std::vector<const model::ListenerSet*> out;
  for (const auto& set : cluster.snapshot().all<model::ListenerSet>()) {
    if (set->parent_ns == gateway.meta.ns() && set->parent_name == gateway.meta.name())
      out.push_back(set.get());
  }
  std::stable_sort(out.begin(), out.end(), [](const model::ListenerSet* a, const model::ListenerSet* b) {
    if (a->meta.creation_timestamp != b->meta.creation_timestamp) {
      return a->meta.creation_timestamp < b->meta.creation_timestamp;
    }
    if (a->meta.ns() != b->meta.ns()) return a->meta.ns().view() < b->meta.ns().view();
    return a->meta.name().view() < b->meta.name().view();
  });
  return out;
}

ApiListener make_listener(const RouteTables::Impl& impl, const ApiGateway& gateway,
                          const model::Listener& listener, const model::ListenerSet* set) {
  const model::ObjectMeta& owner = set != nullptr ? set->meta : gateway.gateway->meta;
  ApiListener out;
  out.gateway = gateway.gateway;
  out.set = set;
  out.listener = &listener;
  out.at = object_at(owner, listener.pos, -1, "listeners");
  check_listener(impl, gateway, out, owner);
  return out;
}

/// Source: gateway-api apis/v1/gateway_types.go AllowedRoutes.kinds; istio conversion.go
/// generateSupportedKinds.
bool kind_allowed(const ApiListener& listener, const model::ResourceKey& route) {
  if (!listener.listener->allowed_kinds.empty()) {
    return std::any_of(
        listener.listener->allowed_kinds.begin(), listener.listener->allowed_kinds.end(), [&](const auto& k) {
          return (k.first.empty() || k.first == kGatewayGroup) && route.kind == std::string_view(k.second);
        });
  }
  const std::string& protocol = listener.listener->protocol;
  const std::string_view kind = route.kind.view();
  if (protocol == "HTTP" || protocol == "HTTPS") return kind == "HTTPRoute" || kind == "GRPCRoute";
  if (protocol == "TLS") return kind == "TLSRoute" || (kind == "TCPRoute" && listener.terminates());
  return protocol == "TCP" && kind == "TCPRoute";
}

/// Whether kinds that a listener lists can be served by its protocol at all.
bool protocol_serves(const ApiListener& listener, std::string_view kind) {
  const int group = protocol_group(listener.listener->protocol);
  if (kind == "HTTPRoute" || kind == "GRPCRoute") return listener.listener->protocol.starts_with("HTTP");
  if (kind == "TLSRoute") return group == 1;
  return kind == "TCPRoute" && group != 0;
}

/// Why the listener does not take the route; empty when it does, with the hosts left.
std::string attach_failure(const RouteTables::Impl& impl, const ApiListener& listener,
                           const RouteToAttach& route, const model::ParentRef& parent,
                           std::vector<std::string>& hosts) {
  const model::Listener& l = *listener.listener;
  if (!parent.section_name.empty() && !(l.name == parent.section_name)) {
    return fmt::format("sectionName {} is not {}", parent.section_name, l.name.view());
  }
  if (parent.port && *parent.port != l.port) return fmt::format("port {} is not {}", *parent.port, l.port);
  if (!listener.programmed) return fmt::format("the listener does not serve: {}", listener.why_not_detail);
  const model::Symbol own = listener.set != nullptr ? listener.set->meta.ns() : listener.gateway->meta.ns();
  if (!namespace_allowed(impl.cluster, l.allowed_namespaces.from, l.allowed_namespaces.selector, own,
                         route.meta->ns())) {
    return fmt::format("allowedRoutes.namespaces does not admit namespace {}", route.meta->ns().view());
  }
  if (!kind_allowed(listener, route.meta->key) || !protocol_serves(listener, route.meta->key.kind.view())) {
    return fmt::format("a {} listener does not take a {}", l.protocol, route.meta->key.kind.view());
  }
  const std::string listener_host = lower_case(l.hostname);
  if (route.hostnames == nullptr || route.hostnames->empty()) {
    hosts.push_back(listener_host.empty() ? "*" : listener_host);
    return {};
  }
  for (const std::string& host : *route.hostnames) {
    std::optional<std::string> both = intersect_hosts(listener_host, lower_case(host));
    if (both && std::find(hosts.begin(), hosts.end(), *both) == hosts.end())
      hosts.push_back(std::move(*both));
  }
  return hosts.empty() ? fmt::format("no hostname of the route fits the listener's {}", l.hostname)
                       : std::string();
}

}  // namespace

std::vector<Attachment> attach_route(RouteTables::Impl& impl, const RouteToAttach& route) {
  std::vector<Attachment> out;
  for (const model::ParentRef& parent : *route.parents) {
    const bool to_set = parent.kind == "ListenerSet" || parent.kind == "XListenerSet";
    if (!to_set && (parent.kind != "Gateway" || parent.group != kGatewayGroup)) continue;
    bool attached = false;
    for (ApiGateway& gateway : impl.gateways) {
      if (gateway.controller.empty()) continue;
      if (!to_set &&
          !(gateway.gateway->meta.ns() == parent.ns && gateway.gateway->meta.name() == parent.name))
        continue;
      TraceNode failed = trace_node(
          "route", Decision::NotApplicable, kRouteNotAttached,
          object_at(*route.meta, parent.pos, -1, "parentRefs"),
          fmt::format("no listener of {} {}/{} takes it", parent.kind, parent.ns.view(), parent.name.view()));
      bool seen = false;
      for (ApiListener& listener : gateway.listeners) {
        if (to_set != (listener.set != nullptr)) continue;
        if (to_set && !(listener.set->meta.ns() == parent.ns && listener.set->meta.name() == parent.name))
          continue;
        seen = true;
        std::vector<std::string> hosts;
        std::string why = attach_failure(impl, listener, route, parent, hosts);
        if (why.empty()) {
          attached = true;
          out.push_back({&listener, std::move(hosts)});
        } else {
          failed.children.push_back(trace_node("listener", Decision::NotApplicable, kRouteNotAttached,
                                               listener.at,
                                               fmt::format("{}: {}", listener.listener->name.view(), why)));
        }
      }
      if (!attached && (seen || !to_set)) {
        std::vector<std::string> hosts =
            route.hostnames == nullptr ? std::vector<std::string>() : *route.hostnames;
        gateway.detached.push_back({std::move(hosts), std::move(failed)});
      }
    }
  }
  return out;
}

void build_listeners(RouteTables::Impl& impl) {
  const model::Cluster& cluster = impl.cluster;
  for (const auto& gateway : cluster.snapshot().all<model::Gateway>()) {
    ApiGateway out;
    out.gateway = gateway.get();
    out.controller = controller_of(cluster, gateway->class_name);
    for (const model::Listener& listener : gateway->listeners) {
      out.listeners.push_back(make_listener(impl, out, listener, nullptr));
    }
    for (const model::ListenerSet* set : listener_sets_of(cluster, *gateway)) {
      const bool allowed =
          namespace_allowed(cluster, gateway->allowed_listeners, gateway->allowed_listeners_selector,
                            gateway->meta.ns(), set->meta.ns());
      for (const model::Listener& listener : set->listeners) {
        out.listeners.push_back(make_listener(impl, out, listener, set));
        if (!allowed) {
          refuse(out.listeners.back(), kListenerNotAllowed,
                 fmt::format("spec.allowedListeners of {} does not admit ListenerSets of namespace {}",
                             gateway->meta.key.str(), set->meta.ns().view()));
        }
      }
    }
    find_conflicts(out);
    bind_services(impl, out);
    impl.gateways.push_back(std::move(out));
  }
}

void attach_http_routes(RouteTables::Impl& impl) {
  std::map<ApiListener*, std::map<std::string, std::vector<SortableEntry>>> attached;
  for (const auto& route : impl.cluster.snapshot().all<model::HttpRoute>()) {
    const std::vector<Attachment> places =
        attach_route(impl, {&route->meta, &route->parents, &route->hostnames});
    if (places.empty()) continue;
    const CompiledHttpRoute compiled = compile_http_route(impl, *route, true);
    for (const Attachment& place : places) {
      if (compiled.failure) {
        for (ApiGateway& gateway : impl.gateways) {
          if (gateway.gateway == place.listener->gateway)
            gateway.detached.push_back({place.hosts, *compiled.failure});
        }
        continue;
      }
      for (const std::string& host : place.hosts) {
        std::vector<SortableEntry>& entries = attached[place.listener][host];
        entries.insert(entries.end(), compiled.entries.begin(), compiled.entries.end());
      }
    }
  }
  for (auto& [listener, hosts] : attached) {
    for (auto& [host, entries] : hosts) {
      RouteConfig config;
      VirtualHost out;
      config.http = sort_entries(std::move(entries));
      out.host = host;
      ProxyView proxy;
      proxy.port = listener->listener->port;
      for (HttpEntry& entry : entries_at(config, proxy, impl, &out.losers)) out.rules.add(std::move(entry));
      listener->http.push_back(std::move(out));
    }
  }
}

}  // namespace waypath::sim
