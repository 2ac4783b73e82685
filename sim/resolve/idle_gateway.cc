#include "sim/resolve/idle_gateway.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "sim/resolve/hostname.h"
#include "sim/resolve/istio_gateway.h"
#include "sim/resolve/route_tables.h"

namespace waypath::sim {

namespace {

using Selector = std::vector<std::pair<model::Symbol, model::Symbol>>;

bool fits(const Selector& selector, const model::Labels& labels) {
  return std::all_of(selector.begin(), selector.end(), [&](const auto& s) {
    const model::Label* label = labels.find(s.first);
    return label != nullptr && label->value == s.second;
  });
}

/// The labels of istiod and of what the charts of Istio's gateways deploy. Source: istio
/// manifests/charts/istio-control/istio-discovery/templates/deployment.yaml, manifests/charts/gateway
bool of_istio(const model::Labels& labels) {
  return labels.get("app") == std::string_view("istiod") || labels.find(model::intern("istio")) != nullptr;
}

}  // namespace

bool gateways_told(const model::Cluster& cluster, const model::IstioGateway& gateway) {
  const auto tells = [&](const model::Labels& labels) {
    return of_istio(labels) || fits(gateway.selector, labels);
  };
  const auto pods = cluster.pods();
  const auto workloads = cluster.snapshot().all<model::Workload>();
  return std::any_of(pods.begin(), pods.end(), [&](const auto* pod) { return tells(pod->meta.labels); }) ||
         std::any_of(workloads.begin(), workloads.end(),
                     [&](const auto& workload) { return tells(workload->template_labels); });
}

std::vector<IdleGateway> gateways_without_pods(const RouteTables& tables, std::string_view host,
                                               std::uint16_t port, bool tls) {
  const RouteTables::Impl& impl = tables.impl();
  const std::string name = host_without_port(host);
  const auto has_host_of = [&](const ClassicServer& server) {
    if (server.is_tls() != tls) return false;
    return std::any_of(server.hosts.begin(), server.hosts.end(), [&](const std::string& written) {
      const std::string_view pattern = std::string_view(written).substr(written.find('/') + 1);
      return pattern == "*" || host_covers(pattern, name);
    });
  };
  std::vector<IdleGateway> out;
  for (const ClassicGateway& gateway : impl.classic) {
    if (gateway.services || gateway.selector.empty()) continue;
    if (std::none_of(gateway.servers.begin(), gateway.servers.end(), has_host_of)) continue;
    const auto pods = impl.cluster.pods();
    if (std::any_of(pods.begin(), pods.end(),
                    [&](const model::Pod* pod) { return fits(gateway.selector, pod->meta.labels); }))
      continue;
    IdleGateway idle;
    idle.gateway = gateway.at;
    for (std::uint32_t i = 0; i < impl.cluster.services().size() && !idle.service.valid(); ++i) {
      const model::RegistryService& service = impl.cluster.services()[i];
      if (service.service == nullptr || service.find_port(port) == nullptr) continue;
      const auto& selector = service.service->selector;
      const bool in_front = std::all_of(gateway.selector.begin(), gateway.selector.end(), [&](const auto& s) {
        return std::find(selector.begin(), selector.end(), s) != selector.end();
      });
      if (in_front) idle.service = model::ServiceId{i};
    }
    if (!idle.service.valid() && gateway.gateway != nullptr &&
        !gateways_told(impl.cluster, *gateway.gateway)) {
      std::string labels;
      for (const auto& [key, value] : gateway.selector)
        labels += fmt::format("{}{}={}", labels.empty() ? "" : ",", key.view(), value.view());
      idle.missing =
          fmt::format("the pods with {} that {} selects: no gateway of Istio is among the manifests", labels,
                      gateway.at.key.str());
    }
    out.push_back(std::move(idle));
  }
  return out;
}

}  // namespace waypath::sim
