#include "sim/reach_ingress.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "model/change.h"

namespace waypath::sim {
namespace {

constexpr std::string_view kName = "waypath-ingress-controller";
constexpr std::string_view kController =
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: waypath-ingress-controller}\n---\n"
    "apiVersion: v1\nkind: Pod\nmetadata: {name: controller, namespace: waypath-ingress-controller}\n"
    "spec: {containers: [{name: controller, image: controller}]}\n";

using PodPort = std::pair<std::uint32_t, std::uint16_t>;

// Source: kubernetes staging/src/k8s.io/api/networking/v1/types.go IngressServiceBackend: the Service is in
// the Ingress' own namespace, its port by number or by name.
void publish(const model::Cluster& cluster, const model::Ingress& ingress,
             const model::IngressBackend& backend, std::set<PodPort>& out) {
  const auto id = cluster.find_service(ingress.meta.key.ns.view(), backend.service.view());
  if (backend.resource || !id.valid()) return;
  for (const auto& port : cluster.service(id).ports) {
    const auto* number = std::get_if<std::uint16_t>(&backend.port);
    const auto* name = std::get_if<model::Symbol>(&backend.port);
    if (number != nullptr ? port.port != *number : name == nullptr || !(port.name == *name)) continue;
    for (const auto& endpoint : cluster.endpoints(id, port.port, model::Protocol::Tcp))
      if (endpoint.pod.valid()) out.insert({endpoint.pod.index, endpoint.port});
  }
}

}  // namespace

std::map<std::string, PortSet> ingress_exposure(const model::Cluster& cluster, const ReachOptions& options,
                                                model::Diagnostics& diagnostics) {
  const auto ingresses = cluster.snapshot().all<model::Ingress>();
  if (ingresses.empty()) return {};
  const model::Change change{model::ApplyChange{std::string(kName), std::string(kController), 1, true}, {}};
  model::ClusterOptions built;
  built.version = cluster.profile().version();
  built.pod_cidrs.assign(cluster.pod_cidrs().begin(), cluster.pod_cidrs().end());
  model::Diagnostics again;  // what the input has wrong was reported when it was loaded
  const auto world = model::Cluster::build(
      model::apply_changes(cluster.snapshot(), {&change, 1}, diagnostics), built, again);
  std::set<PodPort> published;
  for (const auto& ingress : ingresses) {
    if (ingress->default_backend) publish(*world, *ingress, *ingress->default_backend, published);
    for (const auto& rule : ingress->rules)
      for (const auto& path : rule.paths) publish(*world, *ingress, path.backend, published);
  }
  ReachOptions from_controller = options;
  from_controller.external = false;
  from_controller.from = [&](const ReachEndpoint& end) {
    return end.pod.valid() && world->pod(end.pod).meta.key.ns == kName;
  };
  const ReachResult result = reach(world, from_controller, again);
  std::map<std::string, PortSet> out;
  for (std::size_t s = 0; s < result.sources().size(); ++s) {
    for (std::size_t d = 0; d < result.destinations().size(); ++d) {
      const ReachEndpoint& to = result.destinations()[d];
      if (to.external()) continue;
      PortSet open;
      for (const auto& [pod, port] : published)
        if (pod == to.pod.index || workload_text(world->pod(model::PodId{pod})) == to.name)
          open |= PortSet::one(model::Protocol::Tcp, port);
      open &= result.ports(result.cell(s, d).sure);
      if (!open.empty()) out.emplace(to.name, std::move(open));
    }
  }
  return out;
}

}  // namespace waypath::sim
