#include "sim/resolve/destination.h"

#include <algorithm>

#include "model/base/edit_distance.h"
#include "sim/reason_codes_path.h"
#include "sim/resolve/mesh.h"

namespace waypath::sim {
namespace {

using model::Cluster;
using model::Endpoint;
using model::ServiceId;
using Kind = Destination::Kind;

// Several services on one address: the client's namespace first. Source: ztunnel src/state.rs find_address,
// O2.
ServiceId prefer(const Cluster& cluster, const std::vector<ServiceId>& ids, model::Symbol ns) {
  for (const auto id : ids)
    if (cluster.service(id).ns == ns) return id;
  return ids.empty() ? ServiceId{} : ids.front();
}

model::Symbol namespace_of(const Cluster& cluster, const Client& client) {
  return client.pod.valid() ? cluster.pod(client.pod).meta.key.ns : model::Symbol{};
}

// Endpoints of a headless Service: every ready pod, whatever the port.
std::vector<Endpoint> headless_endpoints(const Cluster& cluster, ServiceId id) {
  std::vector<Endpoint> out;
  const auto& service = *cluster.service(id).service;
  for (const auto& port : service.ports) {
    for (auto& e : cluster.endpoints(id, port.port)) {
      const bool known = std::any_of(out.begin(), out.end(), [&](const Endpoint& o) {
        return o.pod == e.pod && o.address == e.address;
      });
      if (!known && (e.ready || service.publish_not_ready)) out.push_back(std::move(e));
    }
  }
  if (service.ports.empty()) {
    model::LabelSelector selector;
    for (const auto& [key, value] : service.selector)
      selector.requirements.push_back({key, model::SelectorOperator::In, {value}, {}});
    if (!service.selector.empty()) {
      for (const auto pod : cluster.select(service.meta.key.ns, selector)) {
        Endpoint e;
        e.pod = pod;
        e.ready = cluster.pod_ready(pod);
        if (e.ready || service.publish_not_ready) out.push_back(std::move(e));
      }
    }
  }
  return out;
}

class Resolver {
 public:
  Resolver(const Cluster& cluster, const Client& client, const Target& target)
      : cluster_(cluster), ns_(namespace_of(cluster, client)), client_(client) {
    out_.port = target.port;
    out_.host = target.host;
  }

  Destination by_address(const model::IpAddress& ip) {
    out_.address = ip;
    if (const auto pod = cluster_.pod_by_ip(ip); pod.valid()) {  // O1
      out_.kind = Kind::Pod;
      out_.pod = pod;
      return std::move(out_);
    }
    if (const auto ids = cluster_.services_by_vip(ip); !ids.empty()) {  // O2
      out_.kind = Kind::Service;
      out_.service = prefer(cluster_, ids, ns_);
      return std::move(out_);
    }
    for (std::uint32_t i = 0; i < cluster_.services().size(); ++i) {  // O13
      const auto* service = cluster_.services()[i].service;
      if (service == nullptr) continue;
      const auto listed = [&](const std::vector<model::IpAddress>& ips) {
        return std::find(ips.begin(), ips.end(), ip) != ips.end();
      };
      if (!listed(service->load_balancer_ips) && !listed(service->external_ips)) continue;
      out_.kind = Kind::Service;
      out_.service = {i};
      out_.by_external_address = true;
      return std::move(out_);
    }
    if (const auto node = cluster_.node_by_ip(ip); node.valid()) {
      out_.kind = Kind::Node;
      for (std::uint32_t i = 0; i < cluster_.services().size(); ++i) {
        const auto* service = cluster_.services()[i].service;
        if (service == nullptr) continue;
        for (const auto& port : service->ports) {
          if (port.node_port == 0 || port.node_port != out_.port) continue;
          out_.node_port_service = {i};
          out_.node_port_service_port = port.port;
        }
      }
      return std::move(out_);
    }
    out_.kind = Kind::Address;
    return std::move(out_);
  }

  // Candidates of the pod's search list. Source:
  // kubernetes.io/docs/concepts/services-networking/dns-pod-service
  Destination by_name(const std::string& asked) {
    std::string name = asked;
    const bool absolute = !name.empty() && name.back() == '.';
    if (absolute) name.pop_back();
    const auto& domain = cluster_.mesh().cluster_domain;
    const auto dots = std::count(name.begin(), name.end(), '.');
    std::vector<std::string> candidates;
    const bool searches = !absolute && (client_.pod.valid() || client_.kind == HopKind::Node) && !ns_.empty();
    if (!searches || dots >= 5) candidates.push_back(name);
    if (searches) {
      candidates.push_back(name + "." + ns_.str() + ".svc." + domain);
      candidates.push_back(name + ".svc." + domain);
      candidates.push_back(name + "." + domain);
      if (dots < 5) candidates.push_back(name);
    }
    for (const auto& candidate : candidates)
      if (exists(candidate)) return std::move(out_);
    const bool inside = dots == 0 ||
                        (name.size() > domain.size() && name.substr(name.size() - domain.size()) == domain) ||
                        names_namespace(name) || name.find(".svc") != std::string::npos;
    out_.lookup = true;
    out_.kind = inside ? Kind::Unknown : Kind::ExternalHost;
    if (inside) near(name);
    return std::move(out_);
  }

 private:
  // "web.shop" of a namespace that exists means a Service of it.
  [[nodiscard]] bool names_namespace(const std::string& name) const {
    const auto dot = name.find('.');
    return dot != std::string::npos && name.find('.', dot + 1) == std::string::npos &&
           cluster_.find_namespace(model::intern(name.substr(dot + 1))) != nullptr;
  }

  bool exists(const std::string& name) {
    const auto ids = cluster_.services_by_host(name);
    if (!ids.empty()) return of_service(prefer(cluster_, ids, ns_));
    return pod_name(name);
  }

  bool of_service(ServiceId id) {
    const auto& r = cluster_.service(id);
    const bool captured = client_.pod.valid() && capture_of(cluster_, client_.pod).dns_capture &&
                          capture_of(cluster_, client_.pod).dataplane == Dataplane::Ambient;
    out_.service = id;
    out_.lookup = !captured;  // N1: ztunnel answers inside the pod
    if (r.external_name()) {
      // O14: invisible to ambient; the CNAME's target counts.
      const std::string target = r.service->external_name;
      out_.lookup = true;
      const auto ids = cluster_.services_by_host(target);
      if (!ids.empty() && ids.front() != id) {
        const auto found = of_service(ids.front());
        out_.lookup = true;
        return found;
      }
      out_.kind = Kind::ExternalName;
      out_.host = target;
      if (const auto ip = model::parse_ip(target)) {
        auto resolved = Resolver(cluster_, client_, as_target(target)).by_address(*ip);
        resolved.lookup = true;
        out_ = std::move(resolved);
      }
      return true;
    }
    if (r.headless()) {
      out_.kind = Kind::Pods;
      out_.endpoints = headless_endpoints(cluster_, id);
      if (out_.endpoints.empty()) {
        out_.kind = Kind::Unknown;
        out_.near_names.push_back(r.host + " is headless and has no ready pod, so the name has no address");
      }
      return true;
    }
    if (r.vips.empty() && r.cidr_vips.empty()) {
      // A ServiceEntry without an address: the name resolves outside, sidecars and waypoints still route by
      // host.
      out_.kind = Kind::ExternalHost;
      out_.lookup = true;
      return true;
    }
    out_.kind = Kind::Service;
    if (!r.vips.empty()) out_.address = r.vips.front();
    return true;
  }

  [[nodiscard]] Target as_target(const std::string& host) const {
    Target t;
    t.host = host;
    t.port = out_.port;
    return t;
  }

  // "<pod>.<service>.<ns>.svc.<domain>": hostname and subdomain of a headless Service.
  bool pod_name(const std::string& name) {
    const std::string suffix = ".svc." + cluster_.mesh().cluster_domain;
    if (name.size() <= suffix.size() || name.substr(name.size() - suffix.size()) != suffix) return false;
    const std::string rest = name.substr(0, name.size() - suffix.size());
    const auto a = rest.find('.');
    const auto b = a == std::string::npos ? a : rest.find('.', a + 1);
    if (b == std::string::npos || rest.find('.', b + 1) != std::string::npos) return false;
    const auto host = rest.substr(0, a), service = rest.substr(a + 1, b - a - 1), ns = rest.substr(b + 1);
    const auto id = cluster_.find_service(ns, service);
    if (!id.valid() || !cluster_.service(id).headless()) return false;
    for (const auto& e : headless_endpoints(cluster_, id)) {
      if (!e.pod.valid()) continue;
      const auto& pod = cluster_.pod(e.pod);
      const bool stateful =
          pod.workload_kind == std::string_view("StatefulSet") && pod.meta.key.name == std::string_view(host);
      if ((pod.spec.hostname == std::string_view(host) && pod.spec.subdomain == std::string_view(service)) ||
          stateful) {
        out_.kind = Kind::Pod;
        out_.pod = e.pod;
        out_.service = id;
        out_.lookup = true;
        if (!pod.ips.empty()) out_.address = pod.ips.front();
        return true;
      }
    }
    return false;
  }

  void near(const std::string& name) {
    std::vector<std::pair<std::size_t, std::string>> ranked;
    for (const auto& r : cluster_.services()) {
      const auto short_name = r.name.str() + "." + r.ns.str();
      const auto full = model::edit_distance(r.host, name), brief = model::edit_distance(short_name, name),
                 bare = model::edit_distance(r.name.view(), name);
      ranked.emplace_back(std::min({full, brief, bare}), r.service != nullptr ? short_name : r.host);
    }
    std::sort(ranked.begin(), ranked.end());
    for (std::size_t i = 0; i < ranked.size() && i < 3; ++i)
      if (ranked[i].first <= std::max<std::size_t>(3, name.size() / 2))
        out_.near_names.push_back(ranked[i].second);
  }

  const Cluster& cluster_;
  model::Symbol ns_;
  const Client& client_;
  Destination out_;
};

}  // namespace

Destination resolve_destination(const Cluster& cluster, const Client& client, const Target& target) {
  Resolver resolver(cluster, client, target);
  if (const auto ip = model::parse_ip(target.host)) return resolver.by_address(*ip);
  return resolver.by_name(target.host);
}

EndpointChoice usable_endpoints(const Cluster& cluster, ServiceId id, std::uint16_t port, model::NodeId node,
                                ProxyKind proxy) {
  const auto& r = cluster.service(id);
  EndpointChoice out;
  const auto all = cluster.endpoints(id, port);
  const ObjectAt service_at{r.meta().key, r.meta().pos, -1, {}};
  bool publish = r.service != nullptr && r.service->publish_not_ready;
  // Source: istio pilot/pkg/serviceregistry/kube/controller/ambient/services.go constructService; since 1.24
  // for ztunnel.
  if (proxy == ProxyKind::Ztunnel && !cluster.profile().has(model::Feature::PublishNotReadyHonoured))
    publish = false;
  std::size_t unready = 0;
  bool assumed = false;
  for (const auto& e : all) {
    if (!e.ready && !publish) {
      ++unready;
      if (e.pod.valid())
        out.causes.push_back({cluster.pod(e.pod).meta.key, cluster.pod(e.pod).meta.pos, -1, {}});
      continue;
    }
    if (e.pod.valid() && !cluster.pod(e.pod).has_status) assumed = true;
    out.endpoints.push_back(e);
  }
  if (r.service != nullptr && r.service->internal_local) {
    // Only endpoints on the sender's node. Source:
    // kubernetes.io/docs/concepts/services-networking/service-traffic-policy
    std::vector<Endpoint> local, unplaced;
    for (const auto& e : out.endpoints) {
      if (e.node.valid() && node.valid() && e.node == node) local.push_back(e);
      if (!e.node.valid() || !node.valid()) unplaced.push_back(e);
    }
    if (local.empty() && !unplaced.empty()) {
      out.missing_facts.push_back("the nodes of the client and of the endpoints of " + r.host +
                                  " (internalTrafficPolicy: Local)");
      out.endpoints.clear();
      return out;
    }
    if (local.empty() && !out.endpoints.empty()) {
      out.detail = r.host + " has internalTrafficPolicy: Local and no endpoint on the client's node";
      out.dropped = true;
      out.causes = {service_at};
    }
    out.endpoints = std::move(local);
    if (out.endpoints.empty()) return out;
  }
  if (out.endpoints.empty()) {
    if (r.find_port(port) == nullptr) {
      out.detail = r.host + " has no port " + std::to_string(port);
    } else if (unready != 0) {
      out.detail = r.host + ":" + std::to_string(port) +
                   " has no ready endpoint: " + std::to_string(unready) +
                   (unready == 1 ? " pod is" : " pods are") + " not ready";
    } else if (r.service != nullptr && r.service->selector.empty()) {
      out.detail = r.host + " selects no pods and no EndpointSlice is given";
    } else {
      out.detail =
          r.host + ":" + std::to_string(port) + " has no endpoint: no pod fits its selector and target port";
    }
    out.causes.insert(out.causes.begin(), service_at);
  }
  if (assumed)
    out.assumptions.push_back({kAssumePodReady,
                               "pods of " + r.host + " without status are taken as running and ready",
                               r.meta().pos});
  return out;
}

}  // namespace waypath::sim
