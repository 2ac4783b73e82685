#include "tests/conformance/routing_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "model/load/manifest_loader.h"
#include "model/yaml/reader.h"
#include "sim/reasons/route.h"
#include "sim/resolve/mesh.h"
#include "tests/conformance/node_text.h"

namespace waypath::conformance {

namespace {

using model::yaml::Node;
using sim::RouteDecision;
using sim::RouteTarget;

const Node* path(const Node* node, std::initializer_list<const char*> keys) {
  for (const char* key : keys) node = node == nullptr ? nullptr : node->find(key);
  return node;
}

std::pair<std::string, std::string> split_name(const std::string& name) {
  const std::size_t slash = name.find('/');
  return slash == std::string::npos ? std::pair(std::string("default"), name)
                                    : std::pair(name.substr(0, slash), name.substr(slash + 1));
}

std::vector<std::string> split_commas(const std::string& list) {
  std::vector<std::string> out;
  std::size_t start = 0;
  while (start <= list.size() && !list.empty()) {
    const std::size_t end = std::min(list.find(',', start), list.size());
    out.push_back(list.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

/// "500ms", "1s", "1m30s" in seconds; 0 for none.
double seconds(const std::string& duration) {
  double total = 0;
  const char* at = duration.c_str();
  while (*at != '\0') {
    char* end = nullptr;
    const double number = std::strtod(at, &end);
    if (end == at) return 0;
    const std::string unit(end, std::strcspn(end, "0123456789."));
    total += number * (unit == "ms" ? 0.001 : unit == "m" ? 60 : unit == "h" ? 3600 : 1);
    at = end + unit.size();
  }
  return total;
}

}  // namespace

World::World(const std::filesystem::path& manifests) {
  model::Diagnostics diagnostics;
  cluster_ =
      model::Cluster::build(model::load_manifests({manifests.string()}, {}, diagnostics), {}, diagnostics);
  tables_ = sim::RouteTables::build(*cluster_);
  read_certificates(manifests);
}

/// Which Secret each backend serves, and the names in the placeholder certificates.
void World::read_certificates(const std::filesystem::path& manifests) {
  std::ifstream in(manifests, std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  model::Diagnostics diagnostics;
  for (const model::yaml::Document& document : model::yaml::read_documents(file, 0, diagnostics)) {
    const Node* root = document.root;
    std::string ns = text(path(root, {"metadata", "namespace"}));
    if (ns.empty()) ns = "default";
    const std::string name = ns + "/" + text(path(root, {"metadata", "name"}));
    if (text(root->find("kind")) == "Secret") {
      Certificate& certificate = certificates_[name];
      certificate.names =
          split_commas(text(path(root, {"metadata", "annotations", "corpus/placeholder-certificate-sans"})));
      certificate.ca = text(path(root, {"metadata", "annotations", "corpus/placeholder-certificate-ca"}));
    }
    const Node* volumes = path(root, {"spec", "template", "spec", "volumes"});
    if (volumes == nullptr) continue;
    for (const Node* volume : volumes->items) {
      const std::string secret = text(path(volume, {"secret", "secretName"}));
      if (!secret.empty()) served_secret_[name] = ns + "/" + secret;
    }
  }
}

World::Dialled World::dial(model::Symbol ns, const std::string& name) const {
  Dialled out;
  constexpr std::string_view kPod = "{pod-ip of ";
  if (name.starts_with(kPod)) {
    const auto [pod_ns, workload] = split_name(name.substr(kPod.size(), name.size() - kPod.size() - 1));
    const auto pods = cluster_->pods_of("Deployment", pod_ns, workload);
    if (!pods.empty()) out.pod = pods.front();
    if (!pods.empty() && !cluster_->pod(out.pod).ips.empty())
      out.address = cluster_->pod(out.pod).ips.front();
    return out;
  }
  out.address = model::parse_ip(name);
  if (out.address) {
    const auto services = cluster_->services_by_vip(*out.address);
    if (!services.empty()) out.service = services.front();
    return out;
  }
  const std::string domain = cluster_->mesh().cluster_domain;
  for (const std::string& candidate :
       {fmt::format("{}.{}.svc.{}", name, ns.view(), domain), fmt::format("{}.svc.{}", name, domain),
        fmt::format("{}.{}", name, domain), name}) {
    const auto services = cluster_->services_by_host(candidate);
    if (services.empty()) continue;
    out.service = services.front();
    const model::RegistryService& service = cluster_->service(*out.service);
    if (!service.vips.empty()) out.address = service.vips.front();
    return out;
  }
  return out;
}

std::vector<Prediction> World::predict(const Entry& entry, const CaseRequest& request,
                                       bool sidecars_only) const {
  if (!entry.gateway.empty() || !entry.gateway_pod.empty()) return {at_gateway(entry, request)};
  const auto [ns_text, workload] = entry.mesh_client.empty()
                                       ? std::pair(entry.mesh_client_namespace, std::string())
                                       : split_name(entry.mesh_client);
  const model::Symbol ns = model::intern(ns_text);
  const Dialled dialled = dial(ns, request.dialled);
  model::Labels labels;
  if (!workload.empty()) {
    const auto pods = cluster_->pods_of("Deployment", ns_text, workload);
    if (!pods.empty()) labels = cluster_->pod(pods.front()).meta.labels;
  }
  const bool sidecar = sidecars_only || entry.proxy == "sidecar" || entry.mesh_client.empty();
  const bool both = entry.proxy.starts_with("sidecar or");
  std::vector<Prediction> out;
  if (sidecar || both) {
    out.push_back(at_sidecar(ns, labels, request, dialled));
    if (sidecar) return out;
  }
  // Ambient: through the waypoint that the manifests bind, or one in the Service's namespace where the case
  // takes it for granted.
  if (!dialled.service || cluster_->service(*dialled.service).headless()) {
    out.push_back(direct(request, dialled));
    return out;
  }
  const sim::WaypointBinding binding = sim::bind_service(*cluster_, *dialled.service);
  if (binding.bound()) {
    out.push_back(at_waypoint(*binding.gateway, request, dialled));
  } else if (entry.proxy.starts_with("ztunnel")) {
    out.push_back(direct(request, dialled));
  } else {
    model::Gateway waypoint;
    waypoint.meta.key.kind = model::intern("Gateway");
    waypoint.meta.key.ns = cluster_->service(*dialled.service).ns;
    waypoint.meta.key.name = model::intern("waypoint");
    out.push_back(at_waypoint(waypoint, request, dialled));
  }
  return out;
}

std::vector<std::string> World::virtual_hosts(const Entry& entry, std::uint16_t port) const {
  const std::string ns =
      entry.mesh_client.empty() ? entry.mesh_client_namespace : split_name(entry.mesh_client).first;
  return sim::sidecar_virtual_hosts(*tables_, model::intern(ns), {}, port);
}

Prediction World::at_gateway(const Entry& entry, const CaseRequest& request) const {
  sim::GatewayProxy proxy;
  std::uint16_t port = entry.port, pod_port = 0;
  if (!entry.gateway.empty()) {
    const auto [ns, name] = split_name(entry.gateway);
    proxy.gateway = cluster_->snapshot().find<model::Gateway>(ns, name);
    proxy.ns = model::intern(ns);
    proxy.name = name;
    if (proxy.gateway != nullptr) {
      const std::vector<model::PodId> pods = sim::gateway_pods(*cluster_, *proxy.gateway);
      if (!pods.empty()) proxy.pod = pods.front();
    }
  } else {
    const auto [ns, name] = split_name(entry.gateway_pod);
    proxy.pod = cluster_->find_pod(ns, name);
    if (!proxy.pod.valid()) {
      const auto pods = cluster_->pods_of("Deployment", ns, name);
      if (!pods.empty()) proxy.pod = pods.front();
    }
    if (proxy.pod.valid()) proxy.gateway = sim::gateway_of_pod(*cluster_, proxy.pod);
    proxy.ns = model::intern(ns);
    proxy.name = name;
    port = 0;
    pod_port = entry.port;
  }
  if (proxy.pod.valid()) proxy.labels = cluster_->pod(proxy.pod).meta.labels;
  Prediction out;
  out.decision = sim::route_at_gateway(*tables_, proxy, port, pod_port, request.route);
  finish(out, request, {});
  return out;
}

Prediction World::at_sidecar(model::Symbol ns, const model::Labels& labels, const CaseRequest& request,
                             const Dialled& dialled) const {
  Prediction out;
  out.from_sidecar = true;
  out.hops = {"sidecar"};
  out.decision = sim::route_at_sidecar(*tables_, ns, labels, dialled.service, dialled.address, request.port,
                                       request.route);
  finish(out, request, dialled);
  return out;
}

Prediction World::at_waypoint(const model::Gateway& waypoint, const CaseRequest& request,
                              const Dialled& dialled) const {
  Prediction out;
  out.hops = {"ztunnel", "waypoint", "ztunnel"};
  out.decision = sim::route_at_waypoint(*tables_, waypoint, *dialled.service, request.port, request.route);
  finish(out, request, dialled);
  return out;
}

Prediction World::direct(const CaseRequest& request, const Dialled& dialled) const {
  Prediction out;
  out.hops = {"ztunnel", "ztunnel"};
  out.decision.kind = RouteDecision::Kind::Forward;
  RouteTarget target;
  target.port = request.port;
  target.original_destination = !dialled.service;
  if (dialled.service) target.service = *dialled.service;
  out.decision.targets.push_back(std::move(target));
  finish(out, request, dialled);
  return out;
}

void World::add_endpoints(Prediction& prediction, const std::string& service,
                          const std::vector<model::Endpoint>& endpoints) const {
  std::set<std::string> workloads;
  for (const model::Endpoint& endpoint : endpoints) {
    if (!endpoint.pod.valid()) continue;
    const model::Pod& pod = cluster_->pod(endpoint.pod);
    workloads.insert(fmt::format("{}/{}", pod.meta.ns().view(), pod.workload_name.view()));
    prediction.backend_ports.push_back(endpoint.port);
  }
  std::set<std::string> all;
  if (!service.empty()) all.insert(service);
  if (workloads.size() == 1) all.insert(*workloads.begin());
  prediction.backends.push_back(std::move(all));
  prediction.workloads.push_back(std::move(workloads));
}

bool World::backend_certificate_fits(const RouteTarget& target,
                                     const std::vector<model::Endpoint>& endpoints) const {
  for (const model::Endpoint& endpoint : endpoints) {
    if (!endpoint.pod.valid()) continue;
    const model::Pod& pod = cluster_->pod(endpoint.pod);
    const auto secret =
        served_secret_.find(fmt::format("{}/{}", pod.meta.ns().view(), pod.workload_name.view()));
    if (secret == served_secret_.end()) continue;
    const auto certificate = certificates_.find(secret->second);
    if (certificate == certificates_.end()) continue;
    const auto& names = certificate->second.names;
    const auto certified = [&](const std::string& name) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    const auto& sans = target.upstream_sans;
    if (sans.empty() ? !certified(target.upstream_sni) : std::none_of(sans.begin(), sans.end(), certified))
      return false;
    const bool verified =
        std::any_of(target.upstream_ca.begin(), target.upstream_ca.end(), [&](const std::string& ca) {
          return ca == fmt::format("ConfigMap/{}/{}", pod.meta.ns().view(), certificate->second.ca);
        });
    if (!verified && !certificate->second.ca.empty()) return false;
  }
  return true;
}

/// What one share of the request ends with.
void World::answer(Prediction& prediction, const RouteTarget& target, const CaseRequest& request) const {
  if (target.error_status != 0) {
    prediction.statuses.push_back(prediction.decision.http ? target.error_status : 0);
    return;
  }
  std::vector<model::Endpoint> endpoints;
  std::string name;
  if (target.service.valid()) {
    const model::RegistryService& service = cluster_->service(target.service);
    if (service.service != nullptr) name = fmt::format("{}/{}", service.ns.view(), service.name.view());
    endpoints = cluster_->endpoints(target.service, target.port);
    std::erase_if(endpoints, [&](const model::Endpoint& e) {
      if (!e.ready) return true;
      const model::Labels& labels = e.pod.valid() ? cluster_->pod(e.pod).meta.labels : e.labels;
      return !std::all_of(target.subset_labels.begin(), target.subset_labels.end(), [&](const auto& pair) {
        return labels.get(pair.first) == std::string_view(pair.second);
      });
    });
    prediction.shares[name] += target.share;
    if (endpoints.empty() && !service.external_name()) {
      prediction.statuses.push_back(prediction.decision.http ? 503 : 0);
      return;
    }
  }
  if (target.upstream_tls && !backend_certificate_fits(target, endpoints)) {
    prediction.statuses.push_back(503);
    return;
  }
  const double limit = seconds(prediction.decision.request_timeout),
               each = seconds(prediction.decision.try_timeout);
  if ((limit > 0 && request.delay_seconds > limit) || (each > 0 && request.delay_seconds > each)) {
    prediction.statuses.push_back(504);
    return;
  }
  prediction.statuses.push_back(prediction.decision.http ? 200 : 0);
  add_endpoints(prediction, name, endpoints);
}

void World::finish(Prediction& prediction, const CaseRequest& request, const Dialled& dialled) const {
  const RouteDecision& decision = prediction.decision;
  switch (decision.kind) {
    case RouteDecision::Kind::Respond:
    case RouteDecision::Kind::Refuse:
      prediction.statuses.push_back(decision.status);
      return;
    case RouteDecision::Kind::Forward:
      break;
    case RouteDecision::Kind::NoListener:
    case RouteDecision::Kind::NoFilterChain:
    case RouteDecision::Kind::Close:
    case RouteDecision::Kind::Unknown:
      return;
  }
  for (const RouteTarget& target : decision.targets) {
    if (target.share <= 0) continue;
    if (!target.original_destination) {
      answer(prediction, target, request);
      continue;
    }
    // To the dialled address: a pod, a Service's VIP (kube-proxy or ztunnel balances), or somewhere outside.
    if (dialled.pod.valid()) {
      model::Endpoint endpoint;
      endpoint.pod = dialled.pod;
      endpoint.port = request.port;
      std::string service;
      for (const model::ServiceId id : cluster_->services_of_pod(dialled.pod)) {
        const model::RegistryService& s = cluster_->service(id);
        const auto all = cluster_->endpoints(id, request.port);
        const bool only = !all.empty() && std::all_of(all.begin(), all.end(),
                                                      [&](const auto& e) { return e.pod == dialled.pod; });
        if (only && service.empty()) service = fmt::format("{}/{}", s.ns.view(), s.name.view());
      }
      prediction.statuses.push_back(200);
      add_endpoints(prediction, service, {endpoint});
    } else if (dialled.service) {
      RouteTarget plain;
      plain.service = *dialled.service;
      plain.port = request.port;
      plain.share = target.share;
      answer(prediction, plain, request);
    }
  }
}

}  // namespace waypath::conformance
