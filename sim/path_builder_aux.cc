// Connections beside the request: name lookups (section 9) and ext_authz calls (L18).

#include <fmt/format.h>

#include <algorithm>

#include "sim/path_builder.h"
#include "sim/reason_codes_walk.h"

namespace waypath::sim {

namespace {

using model::PodId;
using model::ServiceId;

/// The cluster's name server: the Service that kubeadm, k3s, RKE2 and the managed offerings label
/// k8s-app=kube-dns.
ServiceId name_server(const model::Cluster& cluster) {
  for (std::size_t i = 0; i < cluster.services().size(); ++i) {
    const model::RegistryService& reg = cluster.services()[i];
    if (reg.service == nullptr) continue;
    const bool labelled = reg.service->meta.labels.get("k8s-app") == std::string_view("kube-dns");
    const bool selects =
        std::any_of(reg.service->selector.begin(), reg.service->selector.end(),
                    [](const auto& pair) { return pair.first == "k8s-app" && pair.second == "kube-dns"; });
    const bool port = std::any_of(reg.service->ports.begin(), reg.service->ports.end(), [](const auto& p) {
      return p.port == 53 && p.protocol == model::Protocol::Udp;
    });
    if ((labelled || selects) && port) return ServiceId{static_cast<std::uint32_t>(i)};
  }
  return {};
}

/// meshConfig names a provider's service as "host", "namespace/host", or a short host.
ServiceId provider_service(const model::Cluster& cluster, const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string host = slash == std::string::npos ? text : text.substr(slash + 1);
  const std::string ns = slash == std::string::npos ? std::string() : text.substr(0, slash);
  for (const ServiceId id : cluster.services_by_host(host)) {
    if (ns.empty() || cluster.service(id).ns == ns) return id;
  }
  if (!ns.empty()) return cluster.find_service(ns, host);
  const std::size_t dot = host.find('.');
  if (dot == std::string::npos) return {};
  const std::string rest = host.substr(dot + 1);
  const std::string second = rest.substr(0, rest.find('.'));
  return cluster.find_service(second, host.substr(0, dot));
}

}  // namespace

// N1 to N3: names that nobody inside the pod answers go to the name server on the wire.
void PathBuilder::add_lookups(Walk& walk, const Client& client, const Destination& destination) {
  if (!destination.lookup || auxiliary_) return;
  const bool pod_resolver =
      client.pod.valid() && (!cluster_.pod(client.pod).spec.host_network ||
                             cluster_.pod(client.pod).spec.dns_policy == "ClusterFirstWithHostNet");
  if (!pod_resolver) return;  // a node's own resolver is not in the manifests
  const ServiceId dns = name_server(cluster_);
  if (!dns.valid()) {
    walk.path.assumptions.push_back(
        {kAssumeNameServer, "the name server answers: none is in the manifests", {}});
    return;
  }
  PathBuilder inner(engine_, flow_, assume_, diagnostics_);
  inner.auxiliary_ = true;
  Walk lookup;
  lookup.sender = sender_of(client.pod, Sender::Kind::Plain);
  lookup.protocol = model::Protocol::Udp;
  lookup.app.app = RouteRequest::App::Tcp;
  lookup.path.hops.push_back(walk.path.hops.front());
  lookup.path.hops.back().facts.clear();
  inner.plain_to_service(std::move(lookup), dns, 53);
  for (Path& path : inner.out_) walk.path.lookups.push_back({"dns", "DNS", std::move(path)});
}

// Source: istio pilot/pkg/security/authz/builder/extauthz.go; endpoint_builder.go findServiceWaypoint for the
// way there.
void PathBuilder::add_provider_calls(Walk& walk, std::size_t hop) {
  if (auxiliary_) return;
  std::vector<std::string> wanted;
  for (const auto& policy : cluster_.snapshot().all<model::AuthorizationPolicy>()) {
    if (policy->action != model::AuthorizationAction::Custom) continue;
    if (std::find(wanted.begin(), wanted.end(), policy->provider) == wanted.end())
      wanted.push_back(policy->provider);
  }
  std::sort(wanted.begin(), wanted.end());
  for (const std::string& name : wanted) {
    const auto& providers = cluster_.mesh().extension_providers;
    const auto provider =
        std::find_if(providers.begin(), providers.end(), [&](const auto& p) { return p.name == name; });
    if (provider == providers.end() || provider->type == model::ExtensionProvider::Type::Other) continue;
    const ServiceId service = provider_service(cluster_, provider->service);
    if (!service.valid() || !provider->port) continue;
    PathBuilder inner(engine_, flow_, assume_, diagnostics_);
    for (Path& path : inner.build_call(walk, service, *provider->port))
      walk.path.hops[hop].providers.push_back({name, "ext_authz " + name, std::move(path)});
  }
}

// Claim-based routing sees the token that this proxy verified; the route is then chosen again.
bool PathBuilder::verify_token(Walk& walk, std::size_t hop) {
  if (auxiliary_ || (walk.tokens.empty() && !flow_.session_token)) return false;
  const Hop& at = walk.path.hops[hop];
  if (!at.point || !at.point->http) return false;
  RequestState request = at.request;
  for (const AuxiliaryCall& call : at.providers)
    request.providers.emplace(call.name, RequestState::Reachability{});
  (void)judge_hop(engine_.policies(), *at.point, request, nullptr);
  if (!request.verified) return false;
  walk.app.verified_claims = {*request.verified};
  return true;
}

}  // namespace waypath::sim
