#include "scenarios/ask_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "model/base/edit_distance.h"
#include "model/kube/cluster_policy.h"
#include "model/kube/network_policy.h"
#include "scenarios/client_classes.h"
#include "sim/resolve/bare_endpoint.h"
#include "sim/resolve/client.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/mesh.h"
#include "sim/resolve/pods_not_given.h"
#include "sim/resolve/protocol.h"
#include "sim/topology.h"

namespace waypath::scenarios {
namespace {

using model::Cluster;
using model::PodId;
using model::ServiceId;

template <class T>
void settle(std::vector<T>& items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

void add_service(const Cluster& cluster, ServiceId id, AskTarget& out) {
  const auto& reg = cluster.service(id);
  bool pods = false;
  for (const auto& port : reg.ports)
    for (const auto& e : cluster.endpoints(id, port.port, port.protocol)) {
      pods = pods || e.pod.valid();
      for (const auto& at : sim::pods_behind(cluster, e)) {
        out.pods.push_back(at.pod);
        out.ports.emplace_back(at.pod, at.port);
      }
    }
  if (!pods && reg.entry != nullptr) out.outside.push_back(id);
}

/// Other names of the same: ServiceEntries whose endpoints are these pods or Services, ExternalNames.
std::vector<ServiceId> other_names(const Cluster& cluster, const AskTarget& target) {
  const auto leads_here = [&](const auto& e) {
    if (e.pod.valid()) return false;  // found by the pod
    const auto behind = sim::pods_behind(cluster, e);
    return std::any_of(behind.begin(), behind.end(), [&](const auto& at) {
      return std::binary_search(target.pods.begin(), target.pods.end(), at.pod);
    });
  };
  const auto names = [&](ServiceId id) {
    const auto& reg = cluster.service(id);
    if (reg.external_name()) {
      const auto named = cluster.services_by_host(reg.service->external_name);
      return std::any_of(named.begin(), named.end(), [&](ServiceId other) {
        return std::binary_search(target.services.begin(), target.services.end(), other);
      });
    }
    return reg.entry != nullptr && std::any_of(reg.ports.begin(), reg.ports.end(), [&](const auto& port) {
             const auto endpoints = cluster.endpoints(id, port.port, port.protocol);
             return std::any_of(endpoints.begin(), endpoints.end(), leads_here);
           });
  };
  std::vector<ServiceId> out;
  for (std::uint32_t i = 0; i < cluster.services().size(); ++i)
    if (names({i})) out.push_back({i});
  return out;
}

void add_services_of_pods(const Cluster& cluster, AskTarget& out) {
  settle(out.pods);
  settle(out.ports);
  for (const auto pod : out.pods) {
    const auto ids = cluster.services_of_pod(pod);
    out.services.insert(out.services.end(), ids.begin(), ids.end());
  }
  settle(out.services);
  const auto others = other_names(cluster, out);
  out.services.insert(out.services.end(), others.begin(), others.end());
  settle(out.services);
}

std::string near_names(const Cluster& cluster, const std::string& text) {
  std::set<std::string> names;
  for (const auto& s : cluster.services())
    if (s.service != nullptr) names.insert(s.ns.str() + "/" + s.name.str());
  for (const auto* pod : cluster.pods()) {
    names.insert(pod->meta.ns().str());
    if (!pod->workload_name.empty()) names.insert(pod->meta.ns().str() + "/" + pod->workload_name.str());
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  const auto near = model::nearest(text, views);
  return near ? fmt::format(", did you mean {}?", *near) : std::string();
}

class Finder {
 public:
  Finder(const Cluster& cluster, std::string default_namespace)
      : cluster_(cluster), default_namespace_(std::move(default_namespace)) {}

  /// After a search that found nothing.
  [[nodiscard]] std::string why(const std::string& text) const {
    if (!named_.empty())
      return fmt::format("host {} leads to no Service that is given: {} {} it; give what {} to", text,
                         fmt::join(named_, ", "), named_.size() == 1 ? "names" : "name",
                         named_.size() == 1 ? "it leads" : "they lead");
    const auto colon = text.rfind(':');
    const bool port = colon != std::string::npos && colon + 1 < text.size() &&
                      text.find_first_not_of("0123456789", colon + 1) == std::string::npos;
    return fmt::format("there is no Service, workload, pod, host or namespace \"{}\"{}{}", text,
                       near_names(cluster_, text),
                       port ? fmt::format("; a port is given by --port {}", text.substr(colon + 1)) : "");
  }

  std::optional<AskTarget> run(const std::string& text) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= text.size();) {
      const auto slash = std::min(text.find('/', at), text.size());
      parts.push_back(text.substr(at, slash - at));
      at = slash + 1;
    }
    if (std::any_of(parts.begin(), parts.end(), [](const auto& p) { return p.empty(); })) return std::nullopt;
    if (parts.size() == 3 && parts[0] == "Service") return service(parts[1], parts[2]);
    if (parts.size() == 3 && parts[0] == "ServiceEntry") return entry(parts[1], parts[2]);
    if (parts.size() == 2 && parts[0] == "Namespace") return whole_namespace(parts[1]);
    // "Deployment/ns/name" is the "ns/deployment/name" of a flow's ends.
    if (parts.size() == 3 && parts[0].front() >= 'A' && parts[0].front() <= 'Z')
      return workload(parts[1] + "/" + parts[0] + "/" + parts[2]);
    if (parts.size() == 3) {
      auto found = workload(text);  // "ns/deployment/name"
      if (!found && (parts[0] == "service" || parts[0] == "svc")) found = service(parts[1], parts[2]);
      return found ? found : workload(parts[1] + "/" + parts[0] + "/" + parts[2]);  // as kubectl says it
    }
    if (parts.size() == 2) {
      if (auto found = service(parts[0], parts[1])) return found;
      return workload(text);
    }
    if (parts.size() != 1) return std::nullopt;
    if (auto found = host(text)) return found;
    if (!default_namespace_.empty()) {
      if (auto found = service(default_namespace_, text)) return found;
      if (auto found = workload(default_namespace_ + "/" + text)) return found;
    }
    return whole_namespace(text);
  }

 private:
  std::optional<AskTarget> service(const std::string& ns, const std::string& name) {
    const auto id = cluster_.find_service(ns, name);
    if (!id.valid()) return std::nullopt;
    AskTarget out;
    out.title = fmt::format("Service/{}/{}", ns, name);
    add_service(cluster_, id, out);
    out.services.push_back(id);
    return out;
  }

  std::optional<AskTarget> entry(const std::string& ns, const std::string& name) {
    AskTarget out;
    out.title = fmt::format("ServiceEntry/{}/{}", ns, name);
    for (std::uint32_t i = 0; i < cluster_.services().size(); ++i) {
      const auto& reg = cluster_.services()[i];
      if (reg.entry == nullptr || reg.ns != ns || reg.name != name) continue;
      add_service(cluster_, {i}, out);
      out.services.push_back({i});
    }
    return out.services.empty() ? std::nullopt : std::optional(out);
  }

  // All pods of the workload that a flow's end names.
  std::optional<AskTarget> workload(const std::string& text) {
    sim::Flow flow;
    flow.from = text;
    model::Diagnostics quiet;
    const auto clients = sim::resolve_client(cluster_, flow, quiet);
    AskTarget out;
    for (const auto& client : clients) {
      if (!client.pod.valid()) return std::nullopt;
      const auto& pod = cluster_.pod(client.pod);
      const bool alone =
          pod.workload_name.empty() || pod.meta.ns().str() + "/" + pod.meta.name().str() == text;
      out.title = alone ? pod.meta.key.str()
                        : fmt::format("{}/{}/{}", pod.workload_kind.view(), pod.meta.ns().view(),
                                      pod.workload_name.view());
      if (alone) {
        out.pods.push_back(client.pod);
        continue;
      }
      for (const auto id : cluster_.pods_in(pod.meta.ns()))
        if (cluster_.pod(id).workload_name == pod.workload_name &&
            cluster_.pod(id).workload_kind == pod.workload_kind)
          out.pods.push_back(id);
    }
    return out.pods.empty() ? std::nullopt : std::optional(out);
  }

  std::optional<AskTarget> host(const std::string& text) {
    if (text.find('.') == std::string::npos) return std::nullopt;
    AskTarget out;
    out.title = "host " + text;
    auto ids = cluster_.services_by_host(text);
    if (ids.empty()) {  // "api.shop", "api.shop.svc"
      const auto dot = text.find('.');
      const std::string rest = text.substr(dot + 1);
      const std::string ns = rest.substr(0, rest.find('.'));
      if (const auto id = cluster_.find_service(ns, text.substr(0, dot));
          id.valid() && (rest == ns || rest == ns + ".svc"))
        ids.push_back(id);
    }
    if (ids.empty())
      for (const auto& route : route_hosts(cluster_))
        for (const auto& pattern : route.hosts)
          if (route.meta != nullptr && sim::host_covers(pattern, text)) {
            if (!route.fronts.empty()) ids.insert(ids.end(), route.services.begin(), route.services.end());
            named_.insert(route.meta->key.str());
          }
    settle(ids);
    for (const auto id : ids) add_service(cluster_, id, out);
    out.services = ids;
    return ids.empty() ? std::nullopt : std::optional(out);
  }

  std::optional<AskTarget> whole_namespace(const std::string& text) {
    const auto pods = cluster_.pods_in(model::intern(text));
    if (pods.empty()) return std::nullopt;
    AskTarget out;
    out.title = "Namespace/" + text;
    out.pods.assign(pods.begin(), pods.end());
    out.whole_namespace = true;
    return out;
  }

  const Cluster& cluster_;
  std::string default_namespace_;
  std::set<std::string>
      named_;  // routes whose host is asked about, though they lead to nothing that is given
};

// ---- addresses ----

std::vector<std::string> schemes_of(const model::RegistryService::Port& port) {
  if (port.protocol == model::Protocol::Udp) return {"udp"};
  if (port.protocol == model::Protocol::Sctp) return {"sctp"};
  if (port.app_protocol == "grpc") return {"grpc"};
  switch (sim::port_kind(port.app_protocol)) {
    case sim::PortKind::Http:
      return {"http"};
    case sim::PortKind::Tls:
      return {"https"};
    case sim::PortKind::Auto:
      return {"http", "tcp"};  // sniffed: the client chooses
    case sim::PortKind::Tcp:
      return {"tcp"};
    case sim::PortKind::Udp:
      return {"udp"};
  }
  return {"tcp"};
}

std::string bracketed(const model::IpAddress& ip) {
  return ip.is_v4() ? ip.to_string() : "[" + ip.to_string() + "]";
}

class AddressFinder {
 public:
  AddressFinder(const sim::Engine& engine, const AskTarget& target, const std::vector<RouteHosts>& routes)
      : engine_(engine),
        cluster_(engine.cluster()),
        target_(target),
        routes_(routes),
        leading_(leading_services(target, routes)) {}

  std::vector<TargetAddress> run() {
    for (const auto id : target_.services) service(id);
    for (const auto id : leading_)
      if (!std::binary_search(target_.services.begin(), target_.services.end(), id)) service(id);
    for (const auto& route : routes_)
      if (leads_here(route)) gateways(route);
    pods();
    return std::move(out_);
  }

 private:
  using Kind = TargetAddress::Kind;

  void add(Kind kind, std::string url, std::string connect_to, std::string about,
           std::vector<const RouteHosts*> routes) {
    if (!seen_.insert(url + " " + connect_to).second) return;
    out_.push_back({kind, std::move(url), std::move(connect_to), std::move(about), std::move(routes), {}});
  }

  // Whether some of the port's endpoints are what is asked about, or a route may lead on from there.
  [[nodiscard]] bool offers(ServiceId id, const model::RegistryService::Port& port) const {
    if (std::binary_search(target_.outside.begin(), target_.outside.end(), id)) return true;
    for (const auto& route : routes_)
      if (std::binary_search(route.parents.begin(), route.parents.end(), id) && leads_here(route))
        return true;
    const auto endpoints = cluster_.endpoints(id, port.port, port.protocol);
    return std::any_of(endpoints.begin(), endpoints.end(), [&](const auto& e) {
      const auto behind = sim::pods_behind(cluster_, e);
      return std::any_of(behind.begin(), behind.end(), [&](const auto& at) {
        if (!std::binary_search(target_.pods.begin(), target_.pods.end(), at.pod)) return false;
        return target_.ports.empty() ||
               std::binary_search(target_.ports.begin(), target_.ports.end(), std::pair(at.pod, at.port));
      });
    });
  }

  /// Routes of the mesh that a request to one of the Services may pass, those that others lead on to
  /// included.
  [[nodiscard]] std::vector<const RouteHosts*> mesh_routes(std::vector<ServiceId> ids) const {
    std::vector<const RouteHosts*> out;
    for (std::size_t i = 0; i < ids.size(); ++i)
      for (const auto& route : routes_) {
        if (!std::binary_search(route.parents.begin(), route.parents.end(), ids[i])) continue;
        out.push_back(&route);
        for (const auto id : route.services)
          if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
      }
    settle(out);
    return out;
  }

  /// Routes of gateways that take the host, in the order of the list.
  [[nodiscard]] std::vector<const RouteHosts*> gateway_routes(const std::string& host) const {
    std::vector<const RouteHosts*> out;
    for (const auto& route : routes_)
      if (!route.fronts.empty() &&
          (route.hosts.empty() ||
           std::any_of(route.hosts.begin(), route.hosts.end(),
                       [&](const auto& pattern) { return sim::host_covers(pattern, host); })))
        out.push_back(&route);
    return out;
  }

  // A gateway that is asked about itself sends on by its routes, to others that may be asked about as well.
  // It is dialled by the Service's name or by an address, which routes for every host take.
  void add_gateway_routes(ServiceId id, const std::string& host,
                          std::vector<const RouteHosts*>& routes) const {
    const bool gateway = std::any_of(target_.pods.begin(), target_.pods.end(), [&](PodId pod) {
      const auto services = cluster_.services_of_pod(pod);
      return engine_.topology().capture(pod).dataplane == sim::Dataplane::Gateway &&
             std::find(services.begin(), services.end(), id) != services.end();
    });
    if (!gateway) return;
    for (const auto* route : gateway_routes(host)) routes.push_back(route);
    settle(routes);
  }

  void service(ServiceId id) {
    const auto& reg = cluster_.service(id);
    const std::string name = reg.service != nullptr
                                 ? fmt::format("Service {}/{}", reg.ns.view(), reg.name.view())
                                 : "host " + reg.host;
    auto routes = mesh_routes({id});
    const std::string host =
        sim::is_wildcard(reg.host) ? "x" + reg.host.substr(reg.host.empty() ? 0 : 1) : reg.host;
    add_gateway_routes(id, host, routes);
    for (const auto& port : reg.ports) {
      if (!offers(id, port)) continue;
      for (const auto& scheme : schemes_of(port)) {
        const std::string about = fmt::format("{} port {}", name, port.port);
        add(Kind::Service, fmt::format("{}://{}:{}", scheme, host, port.port), "", about, routes);
        if (reg.headless()) continue;  // its name leads to the pods' own addresses
        for (const auto& vip : reg.vips)
          if (!reg.symbolic_vip)
            add(Kind::ClusterIp, fmt::format("{}://{}:{}", scheme, bracketed(vip), port.port), "",
                about + " by its address", routes);
        published(reg, port, scheme, routes);
        if (std::binary_search(target_.outside.begin(), target_.outside.end(), id)) outside(id, port, scheme);
      }
    }
  }

  // Who knows the host's own address dials it, past what its name leads to: neither ztunnel nor a sidecar
  // knows that it is the host's. Source: istio/ztunnel src/state.rs find_address (addresses of workloads and
  // services), istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway (additional security
  // considerations)
  void outside(ServiceId id, const model::RegistryService::Port& port, const std::string& scheme) {
    const auto& reg = cluster_.service(id);
    std::set<std::uint16_t> unknown;
    const auto endpoints = cluster_.endpoints(id, port.port, port.protocol);
    if (endpoints.empty()) unknown.insert(port.port);
    for (const auto& e : endpoints) {
      if (e.pod.valid()) continue;
      if (!e.address) {
        unknown.insert(e.port);
        continue;
      }
      add(Kind::Outside, fmt::format("{}://{}:{}", scheme, bracketed(*e.address), e.port), "",
          fmt::format("host {} at {} port {}", reg.host, e.address->to_string(), e.port), {});
    }
    for (const auto number : unknown)
      for (const auto& ip : stand_ins()) {
        const std::size_t before = out_.size();
        add(Kind::Outside, fmt::format("{}://{}:{}", scheme, bracketed(ip), number), "",
            fmt::format("host {} at its own address, as {}, port {}", reg.host, ip.to_string(), number), {});
        if (out_.size() > before) out_.back().stands_for = reg.host;
      }
  }

  // One address for each answer that egress policies and ServiceEntries can give it.
  [[nodiscard]] const std::vector<model::IpAddress>& stand_ins() {
    if (!stand_ins_.empty()) return stand_ins_;
    std::vector<model::Cidr> blocks;
    for (const auto& policy : cluster_.snapshot().all<model::NetworkPolicy>())
      for (const auto& rule : policy->egress)
        for (const auto& peer : rule.peers) {
          if (!peer.ip_block) continue;
          blocks.push_back(peer.ip_block->cidr);
          blocks.insert(blocks.end(), peer.ip_block->except.begin(), peer.ip_block->except.end());
        }
    for (const auto& policy : cluster_.snapshot().all<model::ClusterPolicy>())
      for (const auto& rule : policy->egress)
        for (const auto& peer : rule.peers)
          blocks.insert(blocks.end(), peer.networks.begin(), peer.networks.end());
    for (const auto& reg : cluster_.services())
      blocks.insert(blocks.end(), reg.cidr_vips.begin(), reg.cidr_vips.end());
    // Source: RFC 5737 (198.51.100.0/24 stands for any public address)
    return stand_ins_ = outside_addresses(cluster_, blocks, *model::parse_ip("198.51.100.7"));
  }

  // Source: kubernetes.io/docs/concepts/services-networking/service (type NodePort, LoadBalancer,
  // externalIPs)
  void published(const model::RegistryService& reg, const model::RegistryService::Port& port,
                 const std::string& scheme, const std::vector<const RouteHosts*>& routes) {
    if (reg.service == nullptr) return;
    const std::string about = fmt::format("Service {}/{} port {}", reg.ns.view(), reg.name.view(), port.port);
    for (const auto* list : {&reg.service->load_balancer_ips, &reg.service->external_ips})
      for (const auto& ip : *list)
        add(Kind::Published, fmt::format("{}://{}:{}", scheme, bracketed(ip), port.port), "",
            about + ", published at " + ip.to_string(), routes);
    for (const auto& host : reg.service->load_balancer_hostnames)
      add(Kind::Published, fmt::format("{}://{}:{}", scheme, host, port.port), "",
          about + ", published as " + host, routes);
    for (const auto& p : reg.service->ports) {
      if (p.port != port.port || p.protocol != port.protocol || p.node_port == 0) continue;
      for (std::uint32_t i = 0; i < cluster_.node_names().size(); ++i) {
        const auto ips = cluster_.node_ips({i});
        if (ips.empty()) continue;
        add(Kind::Published, fmt::format("{}://{}:{}", scheme, bracketed(ips.front()), p.node_port), "",
            fmt::format("{}, node port {}", about, p.node_port), routes);
        break;
      }
    }
  }

  [[nodiscard]] bool leads_here(const RouteHosts& route) const {
    return std::any_of(route.services.begin(), route.services.end(), [&](ServiceId id) {
      return std::binary_search(leading_.begin(), leading_.end(), id);
    });
  }

  void gateways(const RouteHosts& route) {
    for (const auto& front : route.fronts)
      for (const auto& host : hosts_at(route, front)) {
        // Other routes of the host may be chosen before.
        auto chosen = gateway_routes(host);
        for (const auto* mesh : mesh_routes(route.services)) chosen.push_back(mesh);
        settle(chosen);
        const std::string url = front_url(front, host, "");
        const std::string about =
            fmt::format("host {}{}", host, front.port == 80 ? "" : fmt::format(" port {}", front.port));
        add(Kind::GatewayHost, url, "", about, chosen);
        for (const auto pod : route.gateway_pods) inside(pod, front, url, host, chosen);
      }
  }

  // From inside, a gateway is dialled at its Service.
  void inside(PodId pod, const GatewayFront& front, const std::string& url, const std::string& host,
              const std::vector<const RouteHosts*>& routes) {
    for (const auto id : cluster_.services_of_pod(pod)) {
      const auto& reg = cluster_.service(id);
      if (reg.service == nullptr || reg.headless() || reg.find_port(front.port) == nullptr) continue;
      add(Kind::GatewayInside, url, fmt::format("{}:{}", reg.host, front.port),
          fmt::format("host {} at Service {}/{}", host, reg.ns.view(), reg.name.view()), routes);
    }
  }

  // A pod whose address the manifests do not tell is named as sim/resolve/destination.cc takes it.
  void pods() {
    for (const auto id : target_classes(engine_, target_.pods)) {
      const auto& pod = cluster_.pod(id);
      const std::string name = fmt::format("{}/{}", pod.meta.ns().view(), pod.meta.name().view());
      const std::string host = !pod.ips.empty()
                                   ? bracketed(pod.ips.front())
                                   : fmt::format("{}.{}.pod.{}", pod.meta.name().view(), pod.meta.ns().view(),
                                                 cluster_.mesh().cluster_domain);
      const bool gateway = engine_.topology().capture(id).dataplane == sim::Dataplane::Gateway;
      const auto routes = gateway ? gateway_routes(host) : std::vector<const RouteHosts*>();
      for (const auto& [port, schemes] : ports_of(id))
        for (const auto& scheme : schemes)
          add(pod.ips.empty() ? Kind::PodName : Kind::Pod,
              fmt::format("{}://{}:{}", scheme, host, port.second), "",
              fmt::format("pod {} port {}", name, port.second), routes);
    }
  }

  using PortSchemes = std::map<std::pair<model::Protocol, std::uint16_t>, std::set<std::string>>;
  [[nodiscard]] PortSchemes ports_of(PodId id) const {
    PortSchemes out;
    for (const auto service : cluster_.services_of_pod(id))
      for (const auto& port : cluster_.service(service).ports)
        for (const auto& e : cluster_.endpoints(service, port.port, port.protocol))
          if (e.pod == id)
            for (const auto& scheme : schemes_of(port)) out[{port.protocol, e.port}].insert(scheme);
    // A port that no Service names: what an Envoy on the way makes of it depends on the bytes.
    const bool envoy = sim::bind_pod(cluster_, id).bound() ||
                       engine_.topology().capture(id).dataplane == sim::Dataplane::Sidecar;
    for (const auto& container : cluster_.pod(id).spec.containers)
      for (const auto& port : container.ports) {
        auto& schemes = out[{port.protocol, port.port}];
        if (!schemes.empty()) continue;
        if (port.protocol == model::Protocol::Tcp) {
          schemes.insert("http");
          if (envoy) schemes.insert("tcp");
        } else {
          schemes.insert(port.protocol == model::Protocol::Udp ? "udp" : "sctp");
        }
      }
    std::erase_if(out, [&](const auto& port) {
      return !target_.ports.empty() && !std::binary_search(target_.ports.begin(), target_.ports.end(),
                                                           std::pair(id, port.first.second));
    });
    return out;
  }

  const sim::Engine& engine_;
  const Cluster& cluster_;
  const AskTarget& target_;
  const std::vector<RouteHosts>& routes_;
  std::vector<ServiceId> leading_;  // by the mesh's routes, the target's own included
  std::vector<TargetAddress> out_;
  std::vector<model::IpAddress> stand_ins_;
  std::set<std::string> seen_;
};

}  // namespace

bool AskTarget::reached_by(const sim::Path& path) const {
  if (path.hops.empty() || path.end.outcome != sim::Outcome::Allow || path.end.response.status != 0)
    return false;
  const sim::Hop& last = path.hops.back();
  if (last.pod.valid() && last.kind == sim::HopKind::Application) {
    if (!std::binary_search(pods.begin(), pods.end(), last.pod)) return false;
    return ports.empty() || !path.backend_request ||
           std::binary_search(ports.begin(), ports.end(), std::pair(last.pod, path.backend_request->port));
  }
  return path.service.valid() && std::binary_search(outside.begin(), outside.end(), path.service);
}

std::optional<AskTarget> find_target(const Cluster& cluster, const std::string& text,
                                     const std::string& default_namespace, std::optional<std::uint16_t> port,
                                     std::string& error) {
  Finder finder(cluster, default_namespace);
  auto out = finder.run(text);
  if (!out) {
    error = finder.why(text);
    return std::nullopt;
  }
  settle(out->outside);
  add_services_of_pods(cluster, *out);
  if (out->pods.empty() && out->outside.empty()) {
    std::vector<std::string> facts;
    for (const auto id : out->services)
      for (auto& fact : sim::pods_not_given(cluster, id)) facts.push_back(std::move(fact));
    error = facts.empty() ? out->title + " has no pod and no address: nothing reaches it"
                          : fmt::format("{} has no pod that is given, so who reaches it is unknown; give {}",
                                        out->title, fmt::join(facts, ", "));
    return std::nullopt;
  }
  if (!port) return out;
  // A Service's port stands for the ports behind it, else it is the pods' own.
  std::vector<std::pair<PodId, std::uint16_t>> kept;
  const bool service = !out->ports.empty();
  for (const auto id : out->services)
    if (service)
      for (const auto& e : cluster.endpoints(id, *port))
        if (e.pod.valid() &&
            std::binary_search(out->ports.begin(), out->ports.end(), std::pair(e.pod, e.port)))
          kept.emplace_back(e.pod, e.port);
  if (kept.empty())
    for (const auto pod : out->pods)
      if (out->ports.empty() ||
          std::binary_search(out->ports.begin(), out->ports.end(), std::pair(pod, *port)))
        kept.emplace_back(pod, *port);
  if (kept.empty() && !out->pods.empty()) {
    error = fmt::format("{} has no port {}", out->title, *port);
    return std::nullopt;
  }
  settle(kept);
  out->ports = std::move(kept);
  out->title += fmt::format(" port {}", *port);
  return out;
}

std::vector<ServiceId> leading_services(const AskTarget& target, const std::vector<RouteHosts>& routes) {
  std::vector<ServiceId> own = target.services;
  own.insert(own.end(), target.outside.begin(), target.outside.end());
  return services_leading_to(routes, std::move(own));
}

std::vector<TargetAddress> addresses_of(const sim::Engine& engine, const AskTarget& target,
                                        const std::vector<RouteHosts>& routes) {
  return AddressFinder(engine, target, routes).run();
}

bool dialable(const ClientClass& client, const TargetAddress& address) {
  const bool outside = client.kind == ClientClass::Kind::Outside;
  switch (address.kind) {
    case TargetAddress::Kind::Service:
    case TargetAddress::Kind::GatewayInside:
      return !outside && client.cluster_dns;
    case TargetAddress::Kind::ClusterIp:
    case TargetAddress::Kind::PodName:
    case TargetAddress::Kind::Outside:
      return !outside;
    case TargetAddress::Kind::GatewayHost:
      return outside;
    case TargetAddress::Kind::Pod:
    case TargetAddress::Kind::Published:
      return true;
  }
  return false;
}

}  // namespace waypath::scenarios
