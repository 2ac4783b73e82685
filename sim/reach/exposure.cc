#include "sim/reach/exposure.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "model/base/ip.h"
#include "model/change.h"
#include "sim/reach/ranges.h"

namespace waypath::sim {
namespace {

constexpr std::string_view kName = "waypath-stranger";
constexpr std::string_view kStranger =
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: waypath-stranger}\n---\n"
    "apiVersion: v1\nkind: Pod\nmetadata: {name: stranger, namespace: waypath-stranger}\n"
    "spec: {containers: [{name: stranger, image: stranger}]}\n";

using PodPort = std::pair<std::uint32_t, std::uint16_t>;

// Which controller reads an Ingress is not asked, so what any may take for the port counts: the API's number
// or name of a Service port, and its target port, which ingress-nginx takes as well. A Route means the port
// of the endpoints; without one all of them. Source: kubernetes staging/src/k8s.io/api/networking/v1/types.go
// IngressServiceBackend (the Service is in the Ingress' own namespace); kubernetes/ingress-nginx
// internal/ingress/controller/controller.go serviceEndpoints; openshift/api route/v1/types.go RoutePort.
void publish(const model::Cluster& cluster, const model::Ingress& ingress,
             const model::IngressBackend& backend, std::set<PodPort>& out) {
  const auto id = cluster.find_service(ingress.meta.key.ns.view(), backend.service.view());
  if (backend.resource || !id.valid() || cluster.service(id).service == nullptr) return;
  const bool route = ingress.meta.key.kind == std::string_view("Route");
  const auto* number = std::get_if<std::uint16_t>(&backend.port);
  const auto* name = std::get_if<model::Symbol>(&backend.port);
  for (const auto& port : cluster.service(id).service->ports) {
    const bool meant = (name != nullptr && port.name == *name) || backend.port == port.target_port ||
                       (number != nullptr && !route && port.port == *number);
    for (const auto& endpoint : cluster.endpoints(id, port.port, model::Protocol::Tcp))
      if (endpoint.pod.valid() &&
          (meant || (route && number != nullptr && (*number == 0 || *number == endpoint.port))))
        out.insert({endpoint.pod.index, endpoint.port});
  }
}

// Source: IANA IPv4 and IPv6 Special-Purpose Address Registries: private use, shared, loopback, link local,
// unique local.
bool set_aside(const ReachEndpoint& range) {
  static const std::vector<model::Cidr> blocks = [] {
    std::vector<model::Cidr> out;
    for (const char* text : {"10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
                             "192.168.0.0/16", "::1/128", "fc00::/7", "fe80::/10"})
      if (const auto cidr = model::parse_cidr(text)) out.push_back(*cidr);
    return out;
  }();
  return std::any_of(blocks.begin(), blocks.end(), [&](const model::Cidr& c) {
    const AddressRange whole = range_of(c);
    return whole.contains(range.low) && whole.contains(range.high);
  });
}

}  // namespace

std::vector<WorkloadExposure> exposures(const model::Cluster& cluster, const ReachOptions& options,
                                        model::Diagnostics& diagnostics) {
  const model::Change change{model::ApplyChange{std::string(kName), std::string(kStranger), 1, true}, {}};
  model::ClusterOptions built;
  built.version = cluster.profile().version();
  built.pod_cidrs.assign(cluster.pod_cidrs().begin(), cluster.pod_cidrs().end());
  model::Diagnostics again;  // what the input has wrong was reported when it was loaded
  const auto world = model::Cluster::build(
      model::apply_changes(cluster.snapshot(), {&change, 1}, diagnostics), built, again);
  std::set<PodPort> published;
  for (const auto& ingress : cluster.snapshot().all<model::Ingress>()) {
    if (ingress->default_backend) publish(*world, *ingress, *ingress->default_backend, published);
    for (const auto& rule : ingress->rules)
      for (const auto& path : rule.paths) publish(*world, *ingress, path.backend, published);
  }
  ReachOptions from_outside = options;
  from_outside.part = {};
  from_outside.external = true;
  from_outside.from = [&](const ReachEndpoint& end) {
    return end.pod.valid() ? world->pod(end.pod).meta.key.ns == kName : !set_aside(end);
  };
  const ReachResult result = reach(world, from_outside, again);
  std::vector<WorkloadExposure> out;
  for (std::size_t d = 0; d < result.destinations().size(); ++d) {
    const ReachEndpoint& to = result.destinations()[d];
    if (to.external() || world->pod(to.pod).meta.key.ns == kName) continue;
    WorkloadExposure e;
    e.workload = to.name;
    for (std::size_t s = 0; s < result.sources().size(); ++s)
      (result.sources()[s].external() ? e.internet : e.any_pod) |= result.ports(result.cell(s, d).sure);
    for (const auto& [pod, port] : published)
      if (pod == to.pod.index || workload_text(world->pod(model::PodId{pod})) == to.name)
        e.ingress |= PortSet::one(model::Protocol::Tcp, port);
    e.ingress &= e.any_pod;
    if (!e.any_pod.empty() || !e.internet.empty()) out.push_back(std::move(e));
  }
  return out;
}

}  // namespace waypath::sim
