// HTTPRoutes that differ, and the hosts of gateways that routes serve.
//
// A route is read in three places. A listener of a gateway puts its rules under the hostnames that they share
// (sim/resolve/gateway_listener.cc): a request for another host finds what it found, and so does the choice
// of the gateways that a public name leads to (gateway_candidates.cc, served_hosts.cc). The rules of a
// Service are looked up by its waypoint and by sidecars (mesh_route.h). And sim/exposure.h tells which
// gateways lead to a Service.

#include <algorithm>

#include "model/gateway/gateway.h"
#include "model/gateway/routes.h"
#include "model/istio/networking.h"
#include "model/kube/services.h"
#include "scenarios/touched_flows.h"
#include "sim/exposure.h"
#include "sim/match/route_match.h"
#include "sim/policy/ext_authz.h"
#include "sim/resolve/hostname.h"
#include "sim/topology.h"

namespace waypath::scenarios {
namespace {

using model::PodId;
using model::ServiceId;

bool covers(const model::HttpRoute& route, const std::string& host) {
  return route.hostnames.empty() ||
         std::any_of(route.hostnames.begin(), route.hostnames.end(), [&](const std::string& pattern) {
           return sim::host_covers(sim::lower_case(pattern), host);
         });
}

/// Whether Envoys of gateways may be what a CUSTOM policy is enforced by.
bool at_gateways(const sim::AuthenticationPolicy& policy) {
  const auto& refs = policy.attachment->target_refs;
  return policy.custom && (policy.by_selector() || std::any_of(refs.begin(), refs.end(), [](const auto& ref) {
                             return ref.kind == "Gateway";
                           }));
}

}  // namespace

// Of one side. Where the backends are changes nothing here: only flows that come to the route are answered by
// it.
void TouchedFlows::collect_route(const model::Cluster& cluster, const model::HttpRoute& route) {
  any_route_ = true;
  for (const auto& parent : route.parents) {
    if (parent.kind == "Service") {
      for (const ServiceId id : cluster.services_by_host(cluster.host_of(parent.ns, parent.name)))
        rerouted_[id.index] = true;
      continue;
    }
    const auto* gateway = parent.kind == "Gateway"
                              ? cluster.snapshot().find<model::Gateway>(parent.ns.view(), parent.name.view())
                              : nullptr;
    everything_ = everything_ || gateway == nullptr || sim::is_waypoint(cluster, *gateway);
    if (everything_) return;
    for (const auto& host : route.hostnames) rerouted_hosts_.push_back(sim::lower_case(host));
    if (route.hostnames.empty()) rerouted_hosts_.emplace_back("*");
    // Its own pods, and with an address that names a Service any that stand behind that.
    const bool bound = std::any_of(gateway->addresses.begin(), gateway->addresses.end(),
                                   [](const auto& address) { return address.type == "Hostname"; });
    for (const PodId pod : sim::gateway_pods(cluster, *gateway)) judged_[pod.index] = true;
    for (std::uint32_t i = 0; i < judged_.size() && bound; ++i)
      if (before_.topology().capture({i}).dataplane == sim::Dataplane::Gateway) judged_[i] = true;
  }
}

// Needs `routes_`. Where no policy that differs selects a gateway, `judged_` has pods of gateways only for
// their routes.
void TouchedFlows::find_rerouted() {
  // Proxies ask providers beside requests that do not name them.
  for (const auto& provider : cluster_.mesh().extension_providers) {
    const ServiceId id = sim::provider_service(cluster_, provider.service);
    if (!id.valid()) continue;
    everything_ = everything_ || rerouted_[id.index] || anywhere_[id.index] || !routes_[id.index].empty();
    for (const auto& port : cluster_.service(id).ports)
      for (const auto& endpoint : cluster_.endpoints(id, port.port, port.protocol))
        everything_ = everything_ || (endpoint.pod.valid() && judged_[endpoint.pod.index]);
  }
  // Who reaches a pod past a gateway that authenticates is told so, by any Service of the pod's.
  const auto& policies = before_.exposure().authentication();
  if (std::none_of(policies.begin(), policies.end(), at_gateways)) return;
  std::vector<bool> exposed(rerouted_.size());
  for (std::uint32_t i = 0; i < exposed.size(); ++i)
    exposed[i] = before_.exposure().gateways_to({i}) != after_.exposure().gateways_to({i});
  for (std::uint32_t i = 0; i < exposed.size(); ++i)
    if (exposed[i]) end_of_selected_[i] = true;
  for (std::uint32_t i = 0; i < judged_.size(); ++i) {
    const auto services = cluster_.services_of_pod({i});
    if (std::any_of(services.begin(), services.end(), [&](ServiceId id) { return exposed[id.index]; }))
      judged_[i] = true;
  }
}

bool TouchedFlows::rerouted_host(const std::string& host) const {
  return std::any_of(rerouted_hosts_.begin(), rerouted_hosts_.end(),
                     [&](const std::string& pattern) { return sim::host_covers(pattern, host); });
}

// Routes of gateways that may serve the host, and whether one leads to where something differs. Only those of
// the Gateway API are followed.
bool TouchedFlows::served_host(const std::string& host) const {
  const auto& snapshot = cluster_.snapshot();
  if (any_service_ || !snapshot.all<model::VirtualService>().empty() ||
      !snapshot.all<model::Ingress>().empty() || !snapshot.all<model::L4Route>().empty())
    return true;
  return std::any_of(snapshot.all<model::HttpRoute>().begin(), snapshot.all<model::HttpRoute>().end(),
                     [&](const auto& route) {
                       if (!covers(*route, host)) return false;
                       const auto backends = backends_of(cluster_, *route);
                       return !backends || std::any_of(backends->begin(), backends->end(),
                                                       [&](ServiceId id) { return leads_[id.index]; });
                     });
}

}  // namespace waypath::scenarios
