#include "scenarios/touched_flows.h"

#include <algorithm>

#include "model/gateway/routes.h"
#include "model/istio/networking.h"
#include "model/istio/security.h"
#include "model/kube/network_policy.h"
#include "scenarios/object_difference.h"
#include "sim/exposure.h"
#include "sim/policy/ext_authz.h"
#include "sim/resolve/client.h"
#include "sim/resolve/mesh.h"
#include "sim/resolve/name_server.h"
#include "sim/resolve/url.h"

namespace waypath::scenarios {
namespace {

using model::ObjectMeta;
using model::PodId;
using model::ServiceId;

bool same_options(const sim::SimOptions& a, const sim::SimOptions& b) {
  return a.cni == b.cni && a.ipblock_selects_pods == b.ipblock_selects_pods &&
         a.cni_rejects == b.cni_rejects && a.probe_snat_subject_to_netpol == b.probe_snat_subject_to_netpol;
}

bool same_ranges(const model::Cluster& a, const model::Cluster& b) {
  return std::equal(a.pod_cidrs().begin(), a.pod_cidrs().end(), b.pod_cidrs().begin(), b.pod_cidrs().end());
}

}  // namespace

TouchedFlows::TouchedFlows(const sim::Engine& before, const sim::Engine& after) : cluster_(before.cluster()) {
  const auto &a = before.cluster(), &b = after.cluster();
  everything_ = a.profile().version() != b.profile().version() || a.version_origin() != b.version_origin() ||
                !same_options(before.options(), after.options()) || !same_ranges(a, b) ||
                a.pods().size() != b.pods().size() || a.services().size() != b.services().size() ||
                !before.exposure().tells_apart_like(after.exposure());
  if (everything_) return;
  selected_.resize(a.pods().size());
  for (const auto& service : a.services()) end_of_selected_.push_back(service.ports.empty());
  const ObjectDifference objects = object_difference(a.snapshot(), b.snapshot());
  for (const auto* meta : objects.gone) collect(before, *meta);
  for (const auto* meta : objects.come) collect(after, *meta);
  if (!everything_) find_routed();
}

// `engine` is the side that has the object; pods have the same ids on both sides.
void TouchedFlows::collect(const sim::Engine& engine, const ObjectMeta& meta) {
  if (everything_) return;
  const auto& cluster = engine.cluster();
  if (meta.key.kind == std::string_view("NetworkPolicy")) {
    const auto policy = cluster.snapshot().find<model::NetworkPolicy>(meta.key);
    everything_ = policy == nullptr;
    if (everything_) return;
    for (const PodId pod : cluster.select(meta.ns(), policy->pod_selector)) select(pod);
    return;
  }
  const auto policy = meta.key.kind == std::string_view("AuthorizationPolicy")
                          ? cluster.snapshot().find<model::AuthorizationPolicy>(meta.key)
                          : nullptr;
  // A CUSTOM policy means to guard more than it selects (sim/exposure.h).
  everything_ = policy == nullptr || !policy->attachment.target_refs.empty() ||
                policy->action == model::AuthorizationAction::Custom ||
                meta.ns() == cluster.mesh().root_namespace;
  if (everything_) return;
  if (policy->attachment.selector) {
    for (const PodId pod : cluster.select(meta.ns(), *policy->attachment.selector)) select(pod);
  } else {
    for (const PodId pod : cluster.pods_in(meta.ns())) select(pod);
  }
}

void TouchedFlows::select(PodId pod) {
  selected_[pod.index] = true;
  const auto how = sim::capture_of(cluster_, pod).dataplane;
  if (how != sim::Dataplane::None && how != sim::Dataplane::Ambient) everything_ = true;
  const ServiceId dns = sim::name_server(cluster_);
  for (const ServiceId service : cluster_.services_of_pod(pod)) {
    end_of_selected_[service.index] = true;
    if (service == dns) everything_ = true;
    for (const auto& provider : cluster_.mesh().extension_providers)
      if (sim::provider_service(cluster_, provider.service) == service) everything_ = true;
  }
}

void TouchedFlows::find_routed() {
  const auto& snapshot = cluster_.snapshot();
  routed_.resize(cluster_.services().size());
  const auto host = [&](const std::string& name, model::Symbol ns) {
    if (name.find('*') != std::string::npos) any_service_ = true;
    for (const auto& full : {name, name + "." + ns.str() + ".svc." + cluster_.mesh().cluster_domain,
                             name + ".svc." + cluster_.mesh().cluster_domain})
      for (const ServiceId id : cluster_.services_by_host(full)) routed_[id.index] = true;
  };
  const auto parents = [&](const auto& routes) {
    for (const auto& route : routes)
      for (const auto& parent : route->parents) {
        if (parent.kind == "Service" || parent.kind == "ServiceEntry") {
          for (std::uint32_t i = 0; i < routed_.size(); ++i)
            if (cluster_.service({i}).meta().name() == parent.name) routed_[i] = true;
          continue;
        }
        const auto* gateway = snapshot.find<model::Gateway>(parent.ns.view(), parent.name.view());
        if (gateway == nullptr || sim::is_waypoint(cluster_, *gateway)) any_service_ = true;
      }
  };
  parents(snapshot.all<model::HttpRoute>());
  parents(snapshot.all<model::L4Route>());
  for (const auto& vs : snapshot.all<model::VirtualService>()) {
    const bool mesh = vs->gateways.empty() ||
                      std::find(vs->gateways.begin(), vs->gateways.end(), "mesh") != vs->gateways.end();
    if (mesh)
      for (const auto& name : vs->hosts) host(name, vs->meta.ns());
  }
  for (const auto& service : cluster_.services())
    if (service.host.find('*') != std::string::npos) any_service_ = true;
}

bool TouchedFlows::touches(const sim::Flow& flow) {
  if (everything_) return true;
  if (!flow.connect_to.empty() || flow.tunnel || flow.source_ip) return true;
  const auto known = [](auto& cache, const std::string& key, const auto& find) {
    const auto it = cache.find(key);
    return it != cache.end() ? it->second : cache.emplace(key, find()).first->second;
  };
  if (known(clients_, flow.from, [&] { return client(flow); })) return true;
  return known(targets_, flow.protocol + "|" + flow.to, [&] { return target(flow); });
}

bool TouchedFlows::client(const sim::Flow& flow) const {
  if (flow.from.find('/') == std::string::npos) return true;  // the outside, an address
  model::Diagnostics diagnostics;
  const auto clients = sim::resolve_client(cluster_, flow, diagnostics);
  return clients.empty() || std::any_of(clients.begin(), clients.end(), [&](const sim::Client& c) {
           return !c.pod.valid() || selected_[c.pod.index];
         });
}

bool TouchedFlows::target(const sim::Flow& flow) const {
  model::Diagnostics diagnostics;
  const auto target = sim::parse_target(flow, diagnostics);
  if (!target || any_service_) return true;
  std::vector<ServiceId> services;
  if (const auto ip = model::parse_ip(target->host)) {
    if (const auto pod = cluster_.pod_by_ip(*ip); pod.valid()) return selected_[pod.index];
    services = cluster_.services_by_vip(*ip);
  } else {
    // "name.namespace" and longer: what a bare name means depends on who asks.
    if (target->host.find('.') == std::string::npos) return true;
    for (const auto& full : {target->host, target->host + ".svc." + cluster_.mesh().cluster_domain}) {
      const auto more = cluster_.services_by_host(full);
      services.insert(services.end(), more.begin(), more.end());
    }
  }
  return services.empty() ||
         std::any_of(services.begin(), services.end(), [&](ServiceId id) { return service(id); });
}

// Whether a request for the service may come to a selected pod, as far as that can be told cheaply.
bool TouchedFlows::service(ServiceId id) const {
  const auto& registered = cluster_.service(id);
  if (registered.service == nullptr || registered.external_name() || routed_[id.index] ||
      end_of_selected_[id.index])
    return true;
  for (const auto& port : registered.ports)
    for (const auto& endpoint : cluster_.endpoints(id, port.port, port.protocol))
      if (!endpoint.pod.valid() || selected_[endpoint.pod.index]) return true;
  return false;
}

}  // namespace waypath::scenarios
