#include "sim/resolve/foreign_entry.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/derive.h"
#include "sim/match/route_match.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/ingress.h"
#include "sim/resolve/mesh.h"
#include "sim/resolve/not_given.h"

namespace waypath::sim {

namespace {

class Index {
 public:
  explicit Index(RouteTables::Impl& impl) : impl_(impl) {}

  void ingress(const model::Ingress& ingress) {
    const std::string whose = controller_of(ingress);
    const bool route = ingress.meta.key.kind == std::string_view("Route");
    const auto add_host = [&](std::string_view host) { add(host, {80, 443}, ingress.meta, whose); };
    // What no rule matches. Source: kubernetes staging/src/k8s.io/api/networking/v1/types.go IngressSpec
    if (ingress.default_backend) add_host("");
    for (const auto& rule : ingress.rules)
      if (!route || !rule.host.empty()) add_host(rule.host);  // a Route without host gets one of its own
  }

  void gateway(const ApiGateway& gateway) {
    const std::string_view controller = gateway_controller(impl_.cluster, *gateway.gateway);
    const std::string whose = controller.empty()
                                  ? fmt::format("the controller of GatewayClass {}, which is not given,",
                                                gateway.gateway->class_name.view())
                                  : std::string(controller);
    for (const ApiListener& listener : gateway.listeners) {
      const std::vector<std::uint16_t> port{listener.listener->port};
      if (!listener.listener->hostname.empty()) {
        add(listener.listener->hostname, port, gateway.gateway->meta, whose);
        continue;
      }
      attached(listener, impl_.cluster.snapshot().all<model::HttpRoute>(), whose);
      attached(listener, impl_.cluster.snapshot().all<model::L4Route>(), whose);
    }
  }

  /// Routes of an application whose Gateway is the platform's: in a namespace of which nothing is given.
  template <class Routes>
  void gateways_not_given(const Routes& routes) {
    for (const auto& route : routes) {
      for (const model::ParentRef& parent : route->parents) {
        if (parent.kind != "Gateway" || namespace_told(impl_.cluster, parent.ns)) continue;
        const std::vector<std::uint16_t> ports =
            parent.port ? std::vector<std::uint16_t>{*parent.port} : std::vector<std::uint16_t>{80, 443};
        named(route->meta, route->hostnames, ports, parent.ns.view(), parent.name.view());
      }
    }
  }
  void gateways_not_given(const model::VirtualService& vs) {
    for (const std::string& name : vs.gateways) {
      const auto slash = name.find('/');
      if (slash == std::string::npos) continue;  // of its own namespace
      const std::string_view ns = std::string_view(name).substr(0, slash);
      if (namespace_told(impl_.cluster, model::intern(ns))) continue;
      named(vs.meta, vs.hosts, {80, 443}, ns, std::string_view(name).substr(slash + 1));
    }
  }

 private:
  template <class Hosts>
  void named(const model::ObjectMeta& route, const Hosts& hosts, const std::vector<std::uint16_t>& ports,
             std::string_view ns, std::string_view name) {
    const std::string fact =
        fmt::format("Gateway {}/{}, which {} names: namespace {} is not among the manifests", ns, name,
                    route.key.str(), ns);
    const auto enter = [&](std::string_view host) {
      impl_.foreign[host == "*" ? std::string() : lower_case(host)].push_back(
          {ports, object_at(route), fact});
    };
    if (hosts.empty()) enter("");
    for (const auto& host : hosts) enter(host);
  }

  [[nodiscard]] std::string controller_of(const model::Ingress& ingress) const {
    if (ingress.meta.key.kind == std::string_view("Route")) return "OpenShift's router";
    if (const auto* a = ingress.meta.annotation("kubernetes.io/ingress.class"))
      return fmt::format("the controller of class {}", a->value);
    if (!ingress.ingress_class_name) return "another controller than Istio's";
    const auto* found = impl_.cluster.snapshot().find<model::IngressClass>("", *ingress.ingress_class_name);
    return found != nullptr ? found->controller
                            : fmt::format("the controller of IngressClass {}, which is not given,",
                                          *ingress.ingress_class_name);
  }

  /// Hosts of the routes that name the listener.
  template <class Routes>
  void attached(const ApiListener& listener, const Routes& routes, const std::string& whose) {
    const auto here = [&](const model::ParentRef& parent) {
      const bool set = parent.kind == "ListenerSet" || parent.kind == "XListenerSet";
      const model::ObjectMeta& owner = listener.set != nullptr ? listener.set->meta : listener.gateway->meta;
      return (set || parent.kind == "Gateway") && set == (listener.set != nullptr) &&
             parent.ns == owner.ns() && parent.name == owner.name() &&
             (parent.section_name.empty() || listener.listener->name == parent.section_name) &&
             parent.port.value_or(listener.listener->port) == listener.listener->port;
    };
    const std::vector<std::uint16_t> port{listener.listener->port};
    for (const auto& route : routes) {
      if (std::none_of(route->parents.begin(), route->parents.end(), here)) continue;
      if (route->hostnames.empty()) add("", port, listener.gateway->meta, whose);
      for (const auto& host : route->hostnames) add(host, port, listener.gateway->meta, whose);
    }
  }

  void add(std::string_view host, std::vector<std::uint16_t> ports, const model::ObjectMeta& meta,
           std::string_view whose) {
    impl_.foreign[host == "*" ? std::string() : lower_case(host)].push_back(
        {std::move(ports), object_at(meta), fmt::format("what {} does: {} runs it", meta.key.str(), whose)});
  }

  RouteTables::Impl& impl_;
};

}  // namespace

void index_foreign_entries(RouteTables::Impl& impl) {
  Index index(impl);
  for (const auto& ingress : impl.cluster.snapshot().all<model::Ingress>())
    if (!ingress_taken(impl.cluster, *ingress)) index.ingress(*ingress);
  for (const ApiGateway& gateway : impl.gateways)
    if (gateway.controller.empty()) index.gateway(gateway);
  const model::Snapshot& snapshot = impl.cluster.snapshot();
  index.gateways_not_given(snapshot.all<model::HttpRoute>());
  index.gateways_not_given(snapshot.all<model::L4Route>());
  for (const auto& vs : snapshot.all<model::VirtualService>()) index.gateways_not_given(*vs);
}

std::optional<ForeignMatch> foreign_entry(const RouteTables& tables, std::string_view host,
                                          std::uint16_t port) {
  const ForeignEntries& all = tables.impl().foreign;
  if (all.empty()) return std::nullopt;
  const std::string name = host_without_port(host);
  const auto at = [&](std::string_view pattern) -> std::optional<ForeignMatch> {
    const auto found = all.find(pattern);
    if (found == all.end()) return std::nullopt;
    for (const ForeignEntry& entry : found->second)
      if (std::find(entry.ports.begin(), entry.ports.end(), port) != entry.ports.end())
        return ForeignMatch{found->first, &entry};
    return std::nullopt;
  };
  if (const auto exact = at(name)) return exact;
  for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1))
    if (const auto wildcard = at("*" + name.substr(dot))) return wildcard;
  return at("");
}

}  // namespace waypath::sim
