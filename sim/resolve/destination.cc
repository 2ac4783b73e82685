#include "sim/resolve/destination.h"

#include <algorithm>

#include "model/base/edit_distance.h"
#include "sim/resolve/mesh.h"
#include "sim/resolve/not_given.h"
#include "sim/resolve/pods_not_given.h"

namespace waypath::sim {
namespace {

using model::Cluster;
using model::Endpoint;
using model::ServiceId;
using Kind = Destination::Kind;

constexpr int kLongestCnameChain = 8;

// Endpoints of a headless Service: every pod that its DNS records name, whatever the port.
std::vector<Endpoint> headless_endpoints(const Cluster& cluster, ServiceId id) {
  std::vector<Endpoint> out;
  const auto& service = *cluster.service(id).service;
  const auto usable = [&](const Endpoint& e) { return e.ready || service.publish_not_ready; };
  for (const auto& port : service.ports) {
    for (auto& e : cluster.endpoints(id, port.port, port.protocol)) {
      const bool known = std::any_of(out.begin(), out.end(), [&](const Endpoint& o) {
        return o.pod == e.pod && o.address == e.address;
      });
      if (!known && usable(e)) out.push_back(std::move(e));
    }
  }
  if (!service.ports.empty() || service.selector.empty()) return out;
  model::LabelSelector selector;
  for (const auto& [key, value] : service.selector)
    selector.requirements.push_back({key, model::SelectorOperator::In, {value}, {}});
  for (const auto pod : cluster.select(service.meta.key.ns, selector)) {
    Endpoint e;
    e.pod = pod;
    e.ready = cluster.pod_ready(pod);
    if (!cluster.pod(pod).ips.empty()) e.address = cluster.pod(pod).ips.front();
    if (usable(e)) out.push_back(std::move(e));
  }
  return out;
}

bool ends_with(const std::string& text, const std::string& suffix) {
  return text.size() > suffix.size() && text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

class Resolver {
 public:
  Resolver(const Cluster& cluster, const Published& published, const Client& client, const Target& target)
      : cluster_(cluster), published_(published), client_(client), protocol_(transport_protocol(target)) {
    out_.port = target.port;
    out_.host = asked_ = target.host;
    if (!client.pod.valid()) return;
    ns_ = cluster.pod(client.pod).meta.key.ns;
    const Capture capture = client.capture != nullptr ? *client.capture : capture_of(cluster, client.pod);
    sidecar_ = capture.dataplane == Dataplane::Sidecar;
    captured_ = capture.dataplane == Dataplane::Ambient;
    ztunnel_dns_ = captured_ && capture.dns_capture;
  }

  // Source: ztunnel src/state.rs find_address: workloads first, then services.
  Destination by_address(const model::IpAddress& ip) {
    out_.address = ip;
    if (const auto pod = cluster_.pod_by_ip(ip); pod.valid()) {  // O1
      out_.kind = Kind::Pod;
      out_.pod = pod;
    } else if (const auto ids = cluster_.services_by_vip(ip); !ids.empty()) {  // O2
      out_.kind = Kind::Service;
      out_.service = prefer(ids);
      if (leads_to_api_server(out_.service)) {
        to_api_server();
        return std::move(out_);
      }
      if (captured_ && !ztunnel_knows(cluster_.service(out_.service), ip)) {
        // Passed through to the address; kube-proxy knows those of Services.
        out_.by_external_address = cluster_.service(out_.service).service != nullptr;
        if (!out_.by_external_address) {
          out_.kind = Kind::Address;
          out_.service = ServiceId{};
        }
      }
    } else if (const auto published = published_.by_address(ip); published.valid()) {  // O13
      out_.kind = Kind::Service;
      out_.service = published;
      out_.by_external_address = true;
    } else if (cluster_.node_by_ip(ip).valid()) {
      out_.kind = Kind::Node;
      find_node_port();
    } else {
      out_.kind = Kind::Address;
    }
    return std::move(out_);
  }

  // Candidates of the pod's search list.
  // Source: kubernetes.io/docs/concepts/services-networking/dns-pod-service
  Destination by_name(const std::string& asked) {
    std::string name = asked;
    const bool absolute = !name.empty() && name.back() == '.';
    if (absolute) name.pop_back();
    if (unaddressed_pod(name)) return std::move(out_);
    const auto& domain = cluster_.mesh().cluster_domain;
    const auto dots = std::count(name.begin(), name.end(), '.');
    // kubelet's probes go to the pod: a name only says which.
    const auto search_ns = client_.kubelet_probe ? model::Symbol{} : ns_;
    std::vector<std::string> candidates;
    const bool searches = !absolute && !search_ns.empty();
    const bool bare_first = !searches || dots >= 5;
    if (bare_first) candidates.push_back(name);
    if (searches) candidates.push_back(name + "." + search_ns.str() + ".svc." + domain);
    if (searches || client_.kubelet_probe) {
      candidates.push_back(name + ".svc." + domain);
      candidates.push_back(name + "." + domain);
    }
    if (!bare_first) candidates.push_back(name);
    for (const auto& candidate : candidates) {
      if (!exists(candidate)) continue;
      // Hosts of ServiceEntries are names of the world outside, which any resolver knows.
      const bool outside = out_.service.valid() && cluster_.service(out_.service).entry != nullptr;
      if (node_resolver() && !outside) return undecided_name();
      return std::move(out_);
    }
    const bool inside = dots == 0 || ends_with(name, "." + domain) || names_namespace(name) ||
                        name.find(".svc.") != std::string::npos || ends_with(name, ".svc");
    out_.lookup = true;
    if (const auto service = service_not_given(name)) {
      out_.kind = Kind::Unknown;
      near(name);
      out_.missing_facts.push_back("Service " + service->ns.str() + "/" + service->name + ": namespace " +
                                   service->ns.str() + " is not among the manifests" + near_text());
      return std::move(out_);
    }
    out_.kind = inside ? Kind::Unknown : Kind::ExternalHost;
    if (inside)
      near(name);
    else
      namesakes(name);
    return std::move(out_);
  }

 private:
  /// Which addresses of a service ztunnel has, by version.
  [[nodiscard]] bool ztunnel_knows(const model::RegistryService& service, const model::IpAddress& ip) const {
    using model::Feature;
    const auto& profile = cluster_.profile();
    const auto at = std::find(service.vips.begin(), service.vips.end(), ip);
    if (at == service.vips.end()) return profile.has(Feature::ServiceEntryCidr);
    return at == service.vips.begin() || profile.has(Feature::AllVipsMatched);
  }

  // A process in the node's network asks the node's own resolver unless its dnsPolicy says otherwise; whether
  // that one knows the cluster's names is not in the manifests.
  [[nodiscard]] bool node_resolver() const {
    if (client_.kubelet_probe) return false;
    if (client_.kind == HopKind::Node) return true;
    if (!client_.pod.valid()) return false;
    const auto& spec = cluster_.pod(client_.pod).spec;
    if (spec.dns_policy == "Default" || spec.dns_policy == "None") return true;
    return spec.host_network && spec.dns_policy != "ClusterFirstWithHostNet";
  }

  Destination undecided_name() {
    Destination unknown;
    unknown.host = out_.host;
    unknown.port = out_.port;
    unknown.missing_facts.push_back(
        "whether the resolver that " + client_.name + " asks knows " + out_.host +
        ": it is not the cluster's (hostNetwork or dnsPolicy); dial the address instead");
    return unknown;
  }

  // Several services of one host or address: for Istio's proxies the client's namespace first, then the
  // canonical one (a Kubernetes Service, else the oldest: the registry's order). The cluster's own DNS knows
  // Services only. Source: ztunnel src/state.rs find_address; istio ambient/services.go
  // selectWorkloadServices
  [[nodiscard]] ServiceId prefer(const std::vector<ServiceId>& ids) const {
    if (captured_ || sidecar_)
      for (const auto id : ids)
        if (cluster_.service(id).ns == ns_) return id;
    for (const auto id : ids)
      if (cluster_.service(id).service != nullptr) return id;
    return ids.empty() ? ServiceId{} : ids.front();
  }

  /// Several ServiceEntries of one host, and nothing that ztunnel prefers: not defined before 1.29.
  [[nodiscard]] bool ambiguous(const std::vector<ServiceId>& ids) const {
    if (!captured_ || ids.size() < 2 || cluster_.profile().has(model::Feature::CanonicalServiceEntry))
      return false;
    return std::none_of(ids.begin(), ids.end(), [&](ServiceId id) {
      return cluster_.service(id).ns == ns_ || cluster_.service(id).service != nullptr;
    });
  }

  void find_node_port() {
    const Published::NodePort found = published_.by_node_port(out_.port, protocol_);
    out_.node_port_service = found.service;
    out_.node_port_service_port = found.port;
  }

  // "web.shop": {"web", "shop"}.
  static std::optional<std::pair<std::string_view, std::string_view>> two_labels(std::string_view name) {
    const auto dot = name.find('.');
    if (dot == std::string_view::npos || name.find('.', dot + 1) != std::string_view::npos)
      return std::nullopt;
    return std::pair(name.substr(0, dot), name.substr(dot + 1));
  }

  // "web.shop" of a namespace that exists, with an object of its own or not, means a Service of it.
  [[nodiscard]] bool names_namespace(std::string_view name) const {
    const auto labels = two_labels(name);
    if (!labels) return false;
    const auto services = cluster_.services();
    return cluster_.find_namespace(model::intern(labels->second)) != nullptr ||
           std::any_of(services.begin(), services.end(),
                       [&](const auto& r) { return r.service != nullptr && r.ns == labels->second; });
  }

  struct ServiceName {
    std::string name;
    model::Symbol ns;
  };
  /// The Service that a name would be of, in a namespace of which nothing is given: "web.shop.svc", and
  /// "web.shop" where shop can only be a namespace. The same whichever way it is written.
  [[nodiscard]] std::optional<ServiceName> service_not_given(std::string_view name) const {
    const std::string& domain = cluster_.mesh().cluster_domain;
    bool full = false;
    for (const std::string& suffix : {".svc." + domain, std::string(".svc")}) {
      full = name.size() > suffix.size() && name.ends_with(suffix);
      if (!full) continue;
      name.remove_suffix(suffix.size());
      break;
    }
    if (!full && !two_labels(name)) return std::nullopt;
    const auto last = name.rfind('.');
    if (last == std::string_view::npos || last == 0) return std::nullopt;
    const model::Symbol ns = model::intern(name.substr(last + 1));
    if (!full && !surely_namespace(cluster_, ns)) return std::nullopt;
    if (namespace_told(cluster_, ns)) return std::nullopt;
    const auto host = name.substr(0, last);
    return ServiceName{std::string(host.substr(host.rfind('.') + 1)), ns};
  }

  [[nodiscard]] std::string near_text() {
    std::string out;
    for (const std::string& name : out_.near_names) out += (out.empty() ? "; near: " : ", ") + name;
    return out;
  }

  /// Service default/kubernetes as a dump shows it that lacks its endpoints.
  [[nodiscard]] bool leads_to_api_server(ServiceId id) const {
    const auto& r = cluster_.service(id);
    return r.service != nullptr && r.name == std::string_view("kubernetes") &&
           r.ns == std::string_view("default") && r.service->selector.empty() && !r.external_name() &&
           !r.ports.empty() && cluster_.endpoints(id, r.ports.front().port).empty();
  }

  /// Every API server keeps Service default/kubernetes, port 443, and writes its own address and secure port
  /// as the endpoints; manifests hold neither. Source: kubernetes
  /// pkg/controlplane/controller/kubernetesservice/controller.go UpdateKubernetesService
  void to_api_server() {
    out_.kind = Kind::ExternalHost;
    out_.api_server = true;
    out_.service = ServiceId{};
    out_.address.reset();
    out_.host = "kubernetes.default.svc." + cluster_.mesh().cluster_domain;
    out_.lookup = !model::parse_ip(asked_) && !ztunnel_dns_;
  }

  // "web.example" may be a name of the world outside, or Service web with a namespace mistyped.
  void namesakes(std::string_view name) {
    const auto labels = two_labels(name);
    if (!labels) return;
    for (const auto& r : cluster_.services())
      if (r.service != nullptr && r.name == labels->first && out_.near_names.size() < 3)
        out_.near_names.push_back(r.name.str() + "." + r.ns.str());
  }

  bool exists(const std::string& name) {
    const auto ids = cluster_.services_by_host(name);
    const bool api_server = ids.empty() ? name == "kubernetes.default.svc." + cluster_.mesh().cluster_domain
                                        : leads_to_api_server(ids.front());
    if (api_server) {
      to_api_server();
      return true;
    }
    if (!ids.empty()) {
      if (ambiguous(ids)) {
        out_.missing_facts.push_back("which of the " + std::to_string(ids.size()) + " ServiceEntries of " +
                                     name + " this version's ztunnel takes");
        return true;
      }
      return of_service(prefer(ids), 0);
    }
    return host_record(name) || address_record(name);
  }

  bool of_service(ServiceId id, int chain) {
    const auto& r = cluster_.service(id);
    if (r.external_name()) return of_external_name(id, chain);
    out_.service = id;
    out_.lookup = chain > 0 || !ztunnel_dns_;  // N1: ztunnel answers inside the pod
    if (r.headless()) {
      out_.kind = Kind::Pods;
      out_.endpoints = headless_endpoints(cluster_, id);
      if (out_.endpoints.empty()) {
        out_.kind = Kind::Unknown;
        out_.missing_facts = pods_not_given(cluster_, id);
        if (out_.missing_facts.empty())
          out_.detail = r.host + " is headless and has no ready pod, so the name has no address";
      }
      return true;
    }
    // Without a VIP the name resolves outside, and so does one whose VIP only Istio's DNS hands out (N3);
    // sidecars and waypoints still route by host.
    const bool allocated = r.entry != nullptr && r.entry->addresses.empty();
    if ((r.vips.empty() && r.cidr_vips.empty()) || (captured_ && !ztunnel_dns_ && allocated)) {
      out_.kind = Kind::ExternalHost;
      out_.lookup = true;
      return true;
    }
    out_.kind = Kind::Service;
    if (!r.vips.empty()) out_.address = r.vips.front();
    return true;
  }

  // O14: invisible to ambient; DNS answers with the CNAME's target, and rules apply to what that resolves to.
  bool of_external_name(ServiceId id, int chain) {
    const auto& r = cluster_.service(id);
    const std::string& target = r.service->external_name;
    out_.lookup = true;
    out_.service = id;
    if (chain >= kLongestCnameChain) {
      out_.kind = Kind::Unknown;
      out_.detail = r.host + " is part of a chain of ExternalName Services that does not end";
      return true;
    }
    if (ztunnel_dns_ && !cluster_.profile().has(model::Feature::ExternalNameDnsCapture)) {
      out_.kind = Kind::Unknown;
      out_.detail = "ztunnel's DNS of this version does not resolve ExternalName Services (" + r.host + ")";
      return true;
    }
    if (const auto ids = cluster_.services_by_host(target); !ids.empty())
      return of_service(prefer(ids), chain + 1);
    if (host_record(target)) {
      out_.lookup = true;
      return true;
    }
    out_.kind = ends_with(target, "." + cluster_.mesh().cluster_domain) ? Kind::Unknown : Kind::ExternalName;
    if (out_.kind == Kind::Unknown)
      out_.detail = r.host + " is a CNAME for " + target + ", which does not exist";
    out_.host = target;
    return true;
  }

  // "<pod>.<service>.<ns>.svc.<domain>": hostname and subdomain of a pod behind a headless Service.
  bool host_record(const std::string& name) {
    const std::string suffix = ".svc." + cluster_.mesh().cluster_domain;
    if (!ends_with(name, suffix)) return false;
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
      const bool named =
          pod.spec.hostname == std::string_view(host) && pod.spec.subdomain == std::string_view(service);
      if (!named && !stateful) continue;
      out_.service = id;
      to_pod(e.pod);
      return true;
    }
    return false;
  }

  // "<address with dashes>.<ns>.pod.<domain>".
  bool address_record(const std::string& name) {
    const std::string suffix = ".pod." + cluster_.mesh().cluster_domain;
    if (!ends_with(name, suffix)) return false;
    const std::string rest = name.substr(0, name.size() - suffix.size());
    const auto dot = rest.find('.');
    if (dot == std::string::npos) return false;
    std::string text = rest.substr(0, dot);
    auto ip = model::parse_ip(text);
    for (const char separator : {'.', ':'}) {
      if (ip) break;
      std::string address = text;
      std::replace(address.begin(), address.end(), '-', separator);
      ip = model::parse_ip(address);
    }
    if (!ip) return false;
    const auto pod = cluster_.pod_by_ip(*ip);
    if (!pod.valid() || cluster_.pod(pod).meta.key.ns != std::string_view(rest).substr(dot + 1)) return false;
    to_pod(pod);
    out_.address = *ip;
    return true;
  }

  // "<pod>.<ns>.pod.<domain>" stands for the address of a pod that has none in the manifests: rendered ones
  // tell no addresses, and who dials a pod itself can be asked all the same. Nothing is looked up.
  bool unaddressed_pod(const std::string& name) {
    const std::string suffix = ".pod." + cluster_.mesh().cluster_domain;
    if (!ends_with(name, suffix)) return false;
    const std::string rest = name.substr(0, name.size() - suffix.size());
    const auto dot = rest.rfind('.');
    if (dot == std::string::npos) return false;
    const auto pod = cluster_.find_pod(rest.substr(dot + 1), rest.substr(0, dot));
    if (!pod.valid() || !cluster_.pod(pod).ips.empty()) return false;
    to_pod(pod);
    out_.lookup = false;
    return true;
  }

  void to_pod(model::PodId pod) {
    out_.kind = Kind::Pod;
    out_.pod = pod;
    out_.lookup = true;
    const auto& ips = cluster_.pod(pod).ips;
    if (!ips.empty()) out_.address = ips.front();
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
    ranked.erase(std::unique(ranked.begin(), ranked.end()), ranked.end());
    for (std::size_t i = 0; i < ranked.size() && i < 3; ++i)
      if (ranked[i].first <= std::max<std::size_t>(3, name.size() / 2))
        out_.near_names.push_back(ranked[i].second);
  }

  const Cluster& cluster_;
  const Published& published_;
  const Client& client_;
  model::Protocol protocol_;
  model::Symbol ns_;
  std::string asked_;
  bool captured_ = false, sidecar_ = false, ztunnel_dns_ = false;
  Destination out_;
};

}  // namespace

Destination resolve_destination(const Cluster& cluster, const Published& published, const Client& client,
                                const Target& target) {
  Resolver resolver(cluster, published, client, target);
  if (const auto ip = model::parse_ip(target.host)) return resolver.by_address(*ip);
  return resolver.by_name(target.host);
}

}  // namespace waypath::sim
