// Whether the proxies in front of pods are let in by the policies at the pods (ambient-path P9): the pods see
// the waypoint's or the gateway's identity, never the client's.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sim/exposure.h"
#include "sim/lint/context.h"

namespace waypath::sim {

namespace {

using model::PodId;
using model::ServiceId;

/// A refusal of every port of a service to one caller.
struct Refused {
  PodId pod;
  std::uint16_t port = 0;
  PolicyResult result;
};

std::optional<Refused> refuses(const LintContext& c, ServiceId service, const PeerIdentity& caller) {
  std::optional<Refused> first;
  for (const auto& port : c.cluster.service(service).ports) {
    if (port.protocol != model::Protocol::Tcp) continue;
    for (const model::Endpoint& endpoint : c.distinct_endpoints(service, port.port)) {
      if (!c.capture(endpoint.pod).redirected()) return std::nullopt;
      auto said = c.ask_destination(endpoint.pod, caller, endpoint.port);
      if (said.decision != Decision::Deny) return std::nullopt;
      if (!first) first = Refused{endpoint.pod, endpoint.port, std::move(said)};
    }
  }
  return first;
}

void report(LintContext& c, Code code, ServiceId service, const std::string& proxy,
            const PeerIdentity& caller, const Refused& refused) {
  const auto& by = refused.result.reason.by;
  c.report(code, by ? *by : lint_at(c.cluster.service(service).meta()),
           fmt::format("{} reaches {} as {}, and the ztunnel of {} refuses that{}: {}", proxy,
                       c.service_text(service), caller.principal, c.pod_text(refused.pod),
                       by ? " (" + LintContext::object_text(by->key) + ")" : std::string(),
                       refused.result.reason.detail),
           fmt::format("allow principal {} at the pods, on port {}", caller.principal, refused.port));
}

}  // namespace

void lint_authorization_paths(LintContext& c) {
  if (c.snapshot.all<model::AuthorizationPolicy>().empty()) return;
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i) {
    const ServiceId id{i};
    const WaypointBinding& b = c.binding(id);
    const bool bound = b.bound() && !b.pods.empty() && !c.cluster.service(id).headless();
    if (bound) {
      const auto caller = identity_of(c.cluster, b.pods.front());
      if (const auto refused = refuses(c, id, caller))
        report(c, kLintAuthzWaypointIdentity, id, LintContext::object_text(b.gateway->meta.key), caller,
               *refused);
    }
    if (bound && ingress_uses_waypoint(c.cluster, id).uses) continue;
    std::set<std::string> told;
    for (const PodId gateway : c.engine.exposure().gateways_to(id)) {
      const auto caller = identity_of(c.cluster, gateway);
      if (!told.insert(caller.principal).second) continue;
      if (const auto refused = refuses(c, id, caller))
        report(c, kLintAuthzGatewayIdentity, id, c.pod_text(gateway), caller, *refused);
    }
  }
}

}  // namespace waypath::sim
