// Connections beside the request: name lookups (section 9) and ext_authz calls (L18).

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "sim/cni_profile.h"
#include "sim/path/path_builder.h"
#include "sim/policy/ext_authz.h"
#include "sim/policy/network_policy.h"
#include "sim/reasons/netpol.h"
#include "sim/reasons/walk.h"
#include "sim/resolve/name_server.h"

namespace waypath::sim {

namespace {

using model::PodId;
using model::ServiceId;

}  // namespace

// N1 to N3: names that nobody inside the pod answers go to the name server on the wire.
void PathBuilder::add_lookups(Walk& walk, const Client& client, const Destination& destination) {
  if (!destination.lookup || auxiliary_) return;
  const bool pod_resolver =
      client.pod.valid() && (!cluster_.pod(client.pod).spec.host_network ||
                             cluster_.pod(client.pod).spec.dns_policy == "ClusterFirstWithHostNet");
  if (!pod_resolver) return;  // a node's own resolver is not in the manifests
  const ServiceId dns = name_server(cluster_);
  const auto* shut =
      dns.valid() ? nullptr : admitted_to_nobody(cluster_, client.pod, model::Protocol::Udp, kDnsPort);
  if (!dns.valid() && shut == nullptr) {
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
  if (shut != nullptr) {
    const bool rejects = cni_profile(engine_.options()).rejects;
    inner.fail(std::move(lookup), rejects ? Failure::Kind::Refuse : Failure::Kind::Unanswered,
               rejects ? Outcome::Deny : Outcome::Timeout,
               {kNetpolEgressDefaultDeny, object_at(shut->meta),
                fmt::format("no egress rule admits UDP {} to anyone, wherever the name server is", kDnsPort)},
               {object_at(shut->meta)});
  } else {
    inner.plain_to_service(std::move(lookup), dns, kDnsPort);
  }
  for (Path& path : inner.out_)
    walk.path.lookups.push_back(
        std::make_shared<AuxiliaryCall>(AuxiliaryCall{"dns", "DNS", std::move(path)}));
}

// Source: istio pilot/pkg/security/authz/builder/extauthz.go; endpoint_builder.go findServiceWaypoint for the
// way there.
void PathBuilder::add_provider_calls(Walk& walk, std::size_t hop) {
  if (auxiliary_) return;
  const std::optional<PolicyPoint>& point = walk.path.hops[hop].point;
  if (!point) return;
  for (const model::ExtensionProvider* provider : providers_at(engine_.policies(), *point)) {
    PathBuilder inner(engine_, flow_, assume_, diagnostics_);
    for (Path& path : inner.build_call(walk, provider_service(cluster_, provider->service), *provider->port))
      walk.path.hops[hop].providers.push_back(std::make_shared<AuxiliaryCall>(
          AuxiliaryCall{provider->name, "ext_authz " + provider->name, std::move(path)}));
  }
}

// Claim-based routing sees the token that this proxy verified; the route is then chosen again.
bool PathBuilder::verify_token(Walk& walk, std::size_t hop) {
  if (auxiliary_ || (walk.tokens.empty() && !flow_.session_token)) return false;
  const Hop& at = walk.path.hops[hop];
  if (!at.point || !at.point->http) return false;
  RequestState request = at.request;
  for (const auto& call : at.providers) request.providers.emplace(call->name, RequestState::Reachability{});
  (void)judge_hop(engine_.policies(), *at.point, request, nullptr);
  if (!request.verified) return false;
  walk.app.verified_claims = {*request.verified};
  return true;
}

}  // namespace waypath::sim
