// Whether proxies reach what they serve, and whether clients reach it without them.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "model/istio/proxy_ports.h"
#include "sim/exposure.h"
#include "sim/lint/leg.h"
#include "sim/lint/netpol_view.h"

namespace waypath::sim {

namespace {

using model::PodId;
using model::ServiceId;
using model::Severity;

std::string gateway_name(const model::Gateway& gateway) {
  return gateway.meta.ns().str() + "/" + gateway.meta.name().str();
}

std::vector<std::uint16_t> tcp_ports(const model::RegistryService& service) {
  std::vector<std::uint16_t> out;
  for (const auto& port : service.ports)
    if (port.protocol == model::Protocol::Tcp) out.push_back(port.port);
  return out;
}

// The port that policies have to name on the way to a pod; `hbone`: known to be the tunnel's.
std::string_view port_text(const LintContext& c, PodId from, PodId to, bool hbone = false) {
  return hbone || c.wire_port(from, to, 1) == model::kHbonePort ? "15008" : "the target port";
}

// What keeps a proxy from every port of a service; nullopt: some port is open, or nothing serves it.
std::optional<LegRefusal> cut_off(const LintContext& c, PodId proxy, ServiceId service, PodId& example) {
  std::optional<LegRefusal> first;
  for (const std::uint16_t port : tcp_ports(c.cluster.service(service))) {
    for (const model::Endpoint& endpoint : c.distinct_endpoints(service, port)) {
      auto refused = c.refusal(proxy, endpoint.pod, endpoint.port);
      if (!refused) return std::nullopt;
      if (!first) {
        first = std::move(refused);
        example = endpoint.pod;
      }
    }
  }
  return first;
}

std::string because(const LegRefusal& refusal) {
  return fmt::format(
      "{} of {} drops it{}", refusal.egress ? "egress" : "ingress",
      refusal.result.reason.by ? LintContext::object_text(refusal.result.reason.by->key)
                               : std::string("a policy"),
      refusal.result.reason.detail.empty() ? std::string() : ": " + refusal.result.reason.detail);
}

ObjectAt decider(const LintContext& c, const LegRefusal& refusal, ServiceId service) {
  return refusal.result.reason.by ? *refusal.result.reason.by : lint_at(c.cluster.service(service).meta());
}

void waypoints(LintContext& c) {
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i) {
    const WaypointBinding& b = c.binding({i});
    if (!b.bound() || b.pods.empty() || b.sandwiched || c.cluster.service({i}).headless()) continue;
    PodId pod;
    const auto refused = cut_off(c, b.pods.front(), {i}, pod);
    if (!refused) continue;
    c.report(kLintWaypointLeg, decider(c, *refused, {i}),
             fmt::format("waypoint {} cannot reach {} behind {}: {}", gateway_name(*b.gateway),
                         c.pod_text(pod), c.service_text({i}), because(*refused)),
             refused->egress ? fmt::format("allow egress of the waypoint's pods to {} on TCP {}",
                                           c.pod_text(pod), port_text(c, b.pods.front(), pod))
                             : fmt::format("allow ingress from the waypoint's pods on TCP {}",
                                           port_text(c, b.pods.front(), pod)));
  }
}

void gateways(LintContext& c) {
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i) {
    const ServiceId id{i};
    const WaypointBinding& b = c.binding(id);
    const bool through = b.bound() && !b.pods.empty() && ingress_uses_waypoint(c.cluster, id).uses;
    std::set<std::string> told;
    for (const PodId gateway : c.engine.exposure().gateways_to(id)) {
      if (!told.insert(c.pod_text(gateway)).second) continue;
      PodId pod = through ? b.pods.front() : PodId{};
      const auto refused =
          through ? c.refusal(gateway, pod, model::kHbonePort) : cut_off(c, gateway, id, pod);
      if (!refused) continue;
      c.report(kLintGatewayLeg, decider(c, *refused, id),
               fmt::format("{} has routes to {} and cannot reach {}: {}", c.pod_text(gateway),
                           c.service_text(id), c.pod_text(pod), because(*refused)),
               fmt::format("allow {} {} {} on TCP {}", refused->egress ? "egress of" : "ingress from",
                           c.pod_text(gateway), refused->egress ? "to it" : "there",
                           port_text(c, gateway, pod, through)));
    }
  }
}

// ---- past the waypoint ----

/// A client that reaches a pod without its waypoint.
struct Bypass {
  std::string client;
  bool certain = false;  // the client never uses a waypoint; else it has to dial the pod's address
};

bool infrastructure(const LintContext& c, PodId pod) {
  const auto ns = c.cluster.pod(pod).meta.ns();
  return ns == c.cluster.mesh().root_namespace || ns == std::string_view("kube-system");
}

// Classes that some rule at the pod lets in on one of the ports; all of them when nothing isolates it.
std::vector<std::uint32_t> admitted(const LintContext& c, const NetpolView& view, PodId pod,
                                    std::uint16_t port) {
  const std::uint32_t own = c.classes().class_of(pod);
  std::vector<std::uint32_t> out;
  const bool judged = own != ReachClasses::kNone && !view.list(view.list_of(own, Direction::Ingress)).tiers &&
                      view.list(view.list_of(own, Direction::Ingress)).isolated;
  if (judged) {
    for (const ReachRule* rule : view.list(view.list_of(own, Direction::Ingress)).rules) {
      const PortSet ports = view.ports(*rule, pod);
      if (!ports.contains(model::Protocol::Tcp, port) &&
          !ports.contains(model::Protocol::Tcp, model::kHbonePort))
        continue;
      const auto peers = view.peers(*rule);
      out.insert(out.end(), peers.begin(), peers.end());
      for (const auto& member : rule->members)
        if (member.fit == Fit::Unknown && member.end < view.size()) out.push_back(member.end);
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }
  for (std::uint32_t i = 0; i < view.size(); ++i) out.push_back(i);
  return out;
}

std::optional<Bypass> bypass_of(const LintContext& c, const NetpolView& view, PodId pod, std::uint16_t port) {
  std::optional<Bypass> found;
  const std::string own = c.pod_text(pod);
  for (const std::uint32_t cls : admitted(c, view, pod, port)) {
    const PodId client = view.pod(cls);
    const Dataplane dataplane = c.dataplane(client);
    if (client == pod || dataplane == Dataplane::Waypoint || dataplane == Dataplane::Gateway ||
        infrastructure(c, client))
      continue;
    const bool captured = dataplane == Dataplane::Ambient;
    if ((captured && found) || drops(c, client, pod, port)) continue;
    const PeerIdentity caller =
        dataplane == Dataplane::None ? PeerIdentity() : identity_of(c.cluster, client);
    const auto said = c.ask_destination(pod, caller, port);
    if (said.decision == Decision::Deny || said.decision == Decision::Unknown) continue;
    const std::string name = c.pod_text(client);
    if (name == own) continue;
    found = Bypass{name, !captured};
    if (!captured) break;
  }
  return found;
}

void past_waypoints(LintContext& c) {
  struct Open {
    std::vector<std::string> services;
    std::string example;
    bool certain = false;
  };
  const NetpolView view(c);
  std::map<const model::Gateway*, Open> open;
  std::map<std::pair<std::uint32_t, std::uint16_t>, std::optional<Bypass>> known;  // by class and port
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i) {
    const ServiceId id{i};
    const PolicyPoint* chain = c.waypoint_chain(id);
    if (chain == nullptr || (c.policies_at(*chain).empty() && c.authentication_at(*chain).empty())) continue;
    for (const std::uint16_t port : tcp_ports(c.cluster.service(id))) {
      for (const model::Endpoint& endpoint : c.distinct_endpoints(id, port)) {
        if (!c.capture(endpoint.pod).redirected()) continue;
        const std::pair key(c.classes().class_of(endpoint.pod), endpoint.port);
        auto it = known.find(key);
        if (it == known.end()) it = known.emplace(key, bypass_of(c, view, endpoint.pod, endpoint.port)).first;
        if (!it->second) continue;
        Open& entry = open[c.binding(id).gateway];
        if (entry.services.empty() || entry.services.back() != c.service_text(id))
          entry.services.push_back(c.service_text(id));
        if (entry.example.empty() || (it->second->certain && !entry.certain)) {
          entry.example = fmt::format("{} {} port {} of {}", it->second->client,
                                      it->second->certain ? "reaches" : "may dial", endpoint.port,
                                      c.pod_text(endpoint.pod));
          entry.certain = it->second->certain;
        }
      }
    }
  }
  for (const auto& [gateway, entry] : open) {
    const auto& b = *gateway;
    c.report(
        kLintWaypointBypass, lint_at(b.meta),
        fmt::format("policies at waypoint {} can be bypassed for {}: {} without it", gateway_name(b),
                    LintContext::list_text(entry.services), entry.example),
        fmt::format(
            "at the pods allow the waypoint's identity alone: an ALLOW AuthorizationPolicy with principal "
            "{}",
            identity_of(c.cluster, b.meta.ns(), b.meta.name()).principal),
        entry.certain ? Severity::Warning : Severity::Info);
  }
}

}  // namespace

void lint_waypoint_legs(LintContext& c) {
  waypoints(c);
  gateways(c);
  past_waypoints(c);
}

}  // namespace waypath::sim
