#include "scenarios/touched_flows.h"

#include <algorithm>
#include <map>

#include "model/descriptive_labels.h"
#include "model/gateway/routes.h"
#include "model/istio/networking.h"
#include "model/istio/security.h"
#include "model/kube/cluster_policy.h"
#include "model/kube/network_policy.h"
#include "model/snapshot_difference.h"
#include "sim/exposure.h"
#include "sim/policy/ext_authz.h"
#include "sim/resolve/name_server.h"
#include "sim/topology.h"

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

std::vector<model::Endpoint> all_endpoints(const model::Cluster& cluster, ServiceId id) {
  std::vector<model::Endpoint> out;
  if (!id.valid()) return out;
  for (const auto& port : cluster.service(id).ports) {
    const auto more = cluster.endpoints(id, port.port, port.protocol);
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

// A chart's new release has new labels on every object, which nothing reads.
model::SnapshotDifference differing_objects(const model::Snapshot& before, const model::Snapshot& after) {
  auto out = model::snapshot_difference(before, after);
  std::map<model::ResourceKey, const ObjectMeta*> gone;
  for (const auto* meta : out.gone) gone.emplace(meta->key, meta);
  const bool labelled = std::any_of(out.come.begin(), out.come.end(), [&](const ObjectMeta* meta) {
    const auto was = gone.find(meta->key);
    return was != gone.end() && !(was->second->labels == meta->labels);
  });
  if (!labelled) return out;
  std::vector<model::Symbol> ignored = model::unread_descriptive_labels(before);
  const auto still = model::unread_descriptive_labels(after);
  std::erase_if(ignored,
                [&](model::Symbol key) { return std::find(still.begin(), still.end(), key) == still.end(); });
  return ignored.empty() ? out : model::snapshot_difference(before, after, ignored);
}

}  // namespace

std::optional<std::vector<ServiceId>> backends_of(const model::Cluster& cluster,
                                                  const model::HttpRoute& route) {
  using Type = model::HttpFilter::Type;
  const auto elsewhere = [](const std::vector<model::HttpFilter>& filters) {
    return std::any_of(filters.begin(), filters.end(), [](const model::HttpFilter& filter) {
      return filter.type == Type::RequestMirror || filter.type == Type::ExternalAuth ||
             filter.type == Type::ExtensionRef || filter.type == Type::Unknown;
    });
  };
  std::vector<ServiceId> out;
  for (const auto& rule : route.rules) {
    if (elsewhere(rule.filters)) return std::nullopt;
    for (const auto& backend : rule.backends) {
      // A ServiceEntry may have the host as well, and proxies of some namespaces then take that.
      const auto ids = backend.kind == "Service"
                           ? cluster.services_by_host(cluster.host_of(backend.ns, backend.name))
                           : std::vector<ServiceId>();
      if (ids.size() != 1 || cluster.service(ids.front()).service == nullptr || elsewhere(backend.filters))
        return std::nullopt;
      out.push_back(ids.front());
    }
  }
  return out;
}

TouchedFlows::TouchedFlows(const sim::Engine& before, const sim::Engine& after)
    : before_(before), after_(after), cluster_(before.cluster()) {
  const auto &a = before.cluster(), &b = after.cluster();
  everything_ = a.profile().version() != b.profile().version() || a.version_origin() != b.version_origin() ||
                !same_options(before.options(), after.options()) || !same_ranges(a, b) ||
                a.pods().size() != b.pods().size() || a.services().size() != b.services().size();
  if (everything_) return;
  for (auto* marks : {&out_, &in_, &judged_}) marks->resize(a.pods().size());
  rerouted_.resize(a.services().size());
  for (const auto& service : a.services()) end_of_selected_.push_back(service.ports.empty());
  const auto objects = differing_objects(a.snapshot(), b.snapshot());
  for (const auto* meta : objects.gone) collect(before, *meta);
  for (const auto* meta : objects.come) collect(after, *meta);
  if (everything_) return;
  find_routed();
  if (any_route_) find_rerouted();
  if (everything_) return;
  name_servers_ = all_endpoints(cluster_, sim::name_server(cluster_));
  // Endpoints are taken together where no policy tells them apart: the policies that differ may do so.
  same_classes_ = before.exposure().tells_apart_like(after.exposure());
  everything_ = !grouped_alike(name_servers_);
  for (const auto& provider : cluster_.mesh().extension_providers)
    everything_ = everything_ ||
                  !grouped_alike(all_endpoints(cluster_, sim::provider_service(cluster_, provider.service)));
  if (!everything_) find_leading();
}

// `engine` is the side that has the object; pods have the same ids on both sides.
void TouchedFlows::collect(const sim::Engine& engine, const ObjectMeta& meta) {
  if (everything_) return;
  const auto& cluster = engine.cluster();
  const auto& snapshot = cluster.snapshot();
  if (const auto policy = snapshot.find<model::NetworkPolicy>(meta.key)) {
    for (const PodId pod : cluster.select(meta.ns(), policy->pod_selector)) {
      if (policy->affects_ingress) select(pod, in_);
      if (policy->affects_egress) select(pod, out_);
    }
  } else if (const auto tier = snapshot.find<model::ClusterPolicy>(meta.key)) {
    const model::LabelSelector every;
    for (const auto& ns : cluster.namespaces()) {
      if (!tier->subject.namespace_selector.matches(ns->meta.labels)) continue;
      for (const PodId pod : cluster.select(ns->meta.name(), tier->subject.pod_selector.value_or(every))) {
        if (!tier->ingress.empty()) select(pod, in_);
        if (!tier->egress.empty()) select(pod, out_);
      }
    }
  } else if (const auto authorization = snapshot.find<model::AuthorizationPolicy>(meta.key)) {
    collect_authorization(cluster, *authorization);
  } else if (const auto peers = snapshot.find<model::PeerAuthentication>(meta.key)) {
    // A client with a sidecar looks at policies of namespaces and ports, too.
    everything_ = meta.ns() == cluster.mesh().root_namespace;
    for (std::uint32_t i = 0; i < cluster_.pods().size() && !everything_; ++i)
      everything_ = before_.topology().capture({i}).dataplane == sim::Dataplane::Sidecar;
    select_in(cluster, meta.ns(), peers->selector);
  } else if (const auto route = snapshot.find<model::HttpRoute>(meta.key)) {
    collect_route(cluster, *route);
  } else {
    everything_ = true;
  }
}

void TouchedFlows::collect_authorization(const model::Cluster& cluster,
                                         const model::AuthorizationPolicy& policy) {
  // A CUSTOM policy means to guard more than it selects (sim/exposure.h).
  everything_ = policy.action == model::AuthorizationAction::Custom ||
                policy.meta.ns() == cluster.mesh().root_namespace;
  if (everything_) return;
  if (policy.attachment.target_refs.empty())
    return select_in(cluster, policy.meta.ns(), policy.attachment.selector);
  // Enforced by the waypoint of the Service, and missed wherever its pods are reached without it.
  for (const auto& ref : policy.attachment.target_refs) {
    const ServiceId id =
        ref.kind == "Service" ? cluster.find_service(policy.meta.ns().view(), ref.name.view()) : ServiceId{};
    everything_ = everything_ || !id.valid();
    if (everything_) return;
    end_of_selected_[id.index] = true;
    for (const auto& endpoint : all_endpoints(cluster, id)) {
      everything_ = everything_ || !endpoint.pod.valid();
      if (endpoint.pod.valid()) select(endpoint.pod, judged_);
    }
  }
}

void TouchedFlows::select_in(const model::Cluster& cluster, model::Symbol ns,
                             const std::optional<model::LabelSelector>& selector) {
  if (selector) {
    for (const PodId pod : cluster.select(ns, *selector)) select(pod, judged_);
  } else {
    for (const PodId pod : cluster.pods_in(ns)) select(pod, judged_);
  }
}

void TouchedFlows::select(PodId pod, std::vector<bool>& marks) {
  marks[pod.index] = true;
  any_out_ = any_out_ || &marks == &out_;
  const auto how = before_.topology().capture(pod).dataplane;
  if (how != sim::Dataplane::None && how != sim::Dataplane::Ambient) everything_ = true;
  const ServiceId dns = sim::name_server(cluster_);
  for (const ServiceId service : cluster_.services_of_pod(pod)) {
    if (&marks != &out_) end_of_selected_[service.index] = true;
    if (service == dns) everything_ = true;
    for (const auto& provider : cluster_.mesh().extension_providers)
      if (sim::provider_service(cluster_, provider.service) == service) everything_ = true;
  }
}

// Where requests for a Service may be sent: `routes_` has the Services that HTTPRoutes name, beside its own
// pods; `anywhere_` where that is not followed.
void TouchedFlows::find_routed() {
  const auto& snapshot = cluster_.snapshot();
  routes_.resize(cluster_.services().size());
  anywhere_.resize(cluster_.services().size());
  const auto host = [&](const std::string& name, model::Symbol ns) {
    if (name.find('*') != std::string::npos) any_service_ = true;
    for (const auto& full : {name, name + "." + ns.str() + ".svc." + cluster_.mesh().cluster_domain,
                             name + ".svc." + cluster_.mesh().cluster_domain})
      for (const ServiceId id : cluster_.services_by_host(full)) anywhere_[id.index] = true;
  };
  const auto parents = [&](const auto& route, const auto& add) {
    for (const auto& parent : route.parents) {
      if (parent.kind == "Service") {
        if (const auto id = cluster_.find_service(parent.ns.view(), parent.name.view()); id.valid()) add(id);
      } else if (parent.kind == "ServiceEntry") {
        // The rules stand at each of its hosts, whichever Service the proxies of a namespace know by that.
        for (const auto& entry : cluster_.services())
          if (entry.meta().name() == parent.name)
            for (const ServiceId id : cluster_.services_by_host(entry.host)) anywhere_[id.index] = true;
      } else {
        const auto* gateway = snapshot.find<model::Gateway>(parent.ns.view(), parent.name.view());
        if (gateway == nullptr || sim::is_waypoint(cluster_, *gateway)) any_service_ = true;
      }
    }
  };
  for (const auto& route : snapshot.all<model::HttpRoute>()) {
    const auto backends = backends_of(cluster_, *route);
    parents(*route, [&](ServiceId id) {
      if (!backends)
        anywhere_[id.index] = true;
      else
        routes_[id.index].insert(routes_[id.index].end(), backends->begin(), backends->end());
    });
  }
  for (const auto& route : snapshot.all<model::L4Route>())
    parents(*route, [&](ServiceId id) { anywhere_[id.index] = true; });
  for (const auto& vs : snapshot.all<model::VirtualService>()) {
    const bool mesh = vs->gateways.empty() ||
                      std::find(vs->gateways.begin(), vs->gateways.end(), "mesh") != vs->gateways.end();
    if (mesh)
      for (const auto& name : vs->hosts) host(name, vs->meta.ns());
  }
  for (const auto& service : cluster_.services())
    if (service.host.find('*') != std::string::npos) any_service_ = true;
}

// Which Services may lead to a pod where something differs, by themselves or by their routes. Where a proxy
// that requests may be sent to sends them on is not followed.
void TouchedFlows::find_leading() {
  leads_.resize(routes_.size());
  for (std::uint32_t i = 0; i < leads_.size(); ++i) {
    const auto& registered = cluster_.service({i});
    const auto endpoints = all_endpoints(cluster_, {i});
    const auto proxies = static_cast<std::size_t>(std::count_if(
        endpoints.begin(), endpoints.end(),
        [&](const model::Endpoint& endpoint) { return endpoint.pod.valid() && sends_on(endpoint.pod); }));
    // Requests for a public name end at such a Service's other pods, too.
    any_service_ = any_service_ || (proxies != 0 && proxies != endpoints.size());
    leads_[i] = registered.service == nullptr || registered.external_name() || anywhere_[i] || rerouted_[i] ||
                end_of_selected_[i] || proxies != 0 || !grouped_alike(endpoints) ||
                std::any_of(endpoints.begin(), endpoints.end(), [&](const model::Endpoint& endpoint) {
                  return !endpoint.pod.valid() || in_[endpoint.pod.index] || judged_[endpoint.pod.index];
                });
  }
  for (bool more = true; more;) {
    more = false;
    for (std::uint32_t i = 0; i < leads_.size(); ++i) {
      if (leads_[i] ||
          std::none_of(routes_[i].begin(), routes_[i].end(), [&](ServiceId id) { return leads_[id.index]; }))
        continue;
      leads_[i] = more = true;
    }
  }
}

bool TouchedFlows::sends_on(PodId pod) const {
  const auto how = before_.topology().capture(pod).dataplane;
  return how == sim::Dataplane::Gateway || how == sim::Dataplane::Waypoint;
}

// Whether both sides take the same endpoints for alike (sim/path/end.cc does by this trait).
bool TouchedFlows::grouped_alike(const std::vector<model::Endpoint>& endpoints) const {
  if (same_classes_) return true;
  std::map<std::string, std::string> there, back;
  return std::all_of(endpoints.begin(), endpoints.end(), [&](const model::Endpoint& endpoint) {
    if (!endpoint.pod.valid()) return true;
    const auto& pod = cluster_.pod(endpoint.pod);
    const auto was = before_.exposure().trait(pod), is = after_.exposure().trait(pod);
    return there.emplace(was, is).first->second == is && back.emplace(is, was).first->second == was;
  });
}

}  // namespace waypath::scenarios
