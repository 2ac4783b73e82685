// Whom a waypoint or gateway serves, and the policies there.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "model/derive.h"
#include "sim/exposure.h"
#include "sim/resolve/route_tables.h"
#include "tools/render/names.h"
#include "tools/waypath/explain_object.h"

namespace waypath::tools {

namespace {

using Item = ObjectExplanation::Item;
using Section = ObjectExplanation::Section;
using sim::LintContext;

std::string policy_text(const model::AuthorizationPolicy& p) {
  static constexpr std::array<std::string_view, 4> kActions{"ALLOW", "DENY", "AUDIT", "CUSTOM"};
  return fmt::format("{} {}{}", kActions[static_cast<std::size_t>(p.action)],
                     LintContext::object_text(p.meta.key), p.dry_run ? " (dry run)" : "");
}

std::vector<std::string> policies_of(const LintContext& c, const sim::PolicyPoint& point) {
  std::vector<std::string> out;
  const bool ztunnel = point.kind == sim::PolicyPoint::Kind::Ztunnel;
  if (!ztunnel)
    for (const auto* p : c.authentication_at(point)) out.push_back(LintContext::object_text(p->meta.key));
  for (const auto* p : c.policies_at(point)) {
    const bool known =
        p->action == model::AuthorizationAction::Allow || p->action == model::AuthorizationAction::Deny;
    if (!ztunnel || (known && !p->dry_run)) out.push_back(policy_text(*p));
  }
  return out;
}

std::string ready_text(const LintContext& c, const std::vector<model::PodId>& pods) {
  const auto ready =
      std::count_if(pods.begin(), pods.end(), [&](auto pod) { return c.cluster.pod_ready(pod); });
  return fmt::format("{} of {} pods ready", ready, pods.size());
}

Sections of_gateway(const LintContext& c, const model::Gateway& gateway) {
  const bool waypoint = sim::is_waypoint(c.cluster, gateway);
  const auto controller =
      model::gateway_controller(gateway.class_name, c.snapshot.all<model::GatewayClass>());
  const auto pods = sim::gateway_pods(c.cluster, gateway);
  Section what{"what it is", "gateway", {}, {}};
  what.items.push_back(
      {fmt::format("{}, class {} ({})", waypoint ? "a waypoint" : "a gateway", gateway.class_name.view(),
                   controller.empty() ? "unknown controller" : controller),
       {}});
  what.items.push_back({ready_text(c, pods), {}});
  if (!pods.empty())
    what.items.push_back(
        {fmt::format("identity {}", sim::identity_of(c.cluster, pods.front()).principal), {}});
  Section serves{waypoint ? "serves" : "listeners", waypoint ? "serves" : "listeners", {}, {}};
  Section lost{"labelled for it in vain", "lost", {}, {}};
  Section policies{"policies there", "policies", "none", {}};
  if (waypoint) {
    serves.none = "nothing: no Service, pod or namespace is labelled for it";
    for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i) {
      const sim::WaypointBinding& b = c.binding({i});
      if (b.named_ns != gateway.meta.ns().view() || b.named != gateway.meta.name().view()) continue;
      if (b.fails_open()) lost.items.push_back({c.service_text({i}), {b.reason.detail}});
      if (!b.bound()) continue;
      Item item{c.service_text({i}), {}};
      if (c.cluster.service({i}).headless()) item.notes.emplace_back("headless: skipped");
      if (const auto* chain = c.waypoint_chain({i}))
        for (auto& text : policies_of(c, *chain)) item.notes.push_back(std::move(text));
      serves.items.push_back(std::move(item));
    }
    std::set<std::string> told;
    for (std::uint32_t i = 0; i < c.cluster.pods().size(); ++i) {
      const auto b = sim::bind_pod(c.cluster, {i});
      if (b.gateway == &gateway && b.bound() && told.insert(c.pod_text({i})).second)
        serves.items.push_back({fmt::format("{}, when its address is dialled", c.pod_text({i})), {}});
    }
  }
  for (const sim::EnforcementPoint& point : c.points()) {
    if (point.pods.empty() || sim::gateway_of_pod(c.cluster, point.pods.front()) != &gateway) continue;
    if (point.point.service.valid()) continue;  // told with the Service
    for (auto& text : policies_of(c, point.point)) policies.items.push_back({std::move(text), {}});
  }
  if (!waypoint) {
    const auto& impl = c.engine.routes().impl();
    for (const sim::ApiGateway& api : impl.gateways) {
      if (api.gateway != &gateway) continue;
      for (const sim::ApiListener& listener : api.listeners) {
        Item item{
            fmt::format("{} {}:{}{}", listener.listener->name.view(), listener.listener->protocol,
                        listener.listener->port,
                        listener.listener->hostname.empty() ? "" : " for " + listener.listener->hostname),
            {}};
        if (!api.controller.empty() && !listener.programmed)
          item.notes.push_back("not served: " + listener.why_not_detail);
        for (const auto& host : listener.http) item.notes.push_back("routes for " + host.host);
        for (const auto& sni : listener.tls) item.notes.push_back("TLS routes for " + sni.sni);
        serves.items.push_back(std::move(item));
      }
    }
  }
  return {what, serves, lost, policies};
}

// A classic Gateway configures pods of any namespace by their labels.
Sections of_gateway(const LintContext& c, const model::IstioGateway& gateway) {
  Section what{"configures", "serves", "nothing: no pod has the labels of its selector", {}};
  Section policies{"policies there", "policies", "none", {}};
  for (const sim::EnforcementPoint& point : c.points()) {
    if (point.point.kind != sim::PolicyPoint::Kind::ClassicGateway &&
        point.point.kind != sim::PolicyPoint::Kind::GatewayApi)
      continue;
    const auto& labels = c.cluster.pod(point.pods.front()).meta.labels;
    if (!std::all_of(gateway.selector.begin(), gateway.selector.end(), [&](const auto& wanted) {
          const auto* label = labels.find(wanted.first);
          return label != nullptr && label->value == wanted.second;
        }))
      continue;
    what.items.push_back(
        {fmt::format("{} ({})", c.pod_text(point.pods.front()), ready_text(c, point.pods)), {}});
    for (auto& text : policies_of(c, point.point)) policies.items.push_back({std::move(text), {}});
  }
  Section servers{"servers", "listeners", "none", {}};
  for (const auto& server : gateway.servers)
    servers.items.push_back({fmt::format("port {} {} for {}", server.port.number, server.port.protocol,
                                         fmt::join(server.hosts, ", ")),
                             server.https_redirect ? std::vector<std::string>{"answers 301 to https"}
                                                   : std::vector<std::string>{}});
  return {what, servers, policies};
}

}  // namespace

std::optional<Sections> explain_binding(const LintContext& c, const model::ResourceKey& key) {
  if (const auto gateway = c.snapshot.find<model::Gateway>(key)) return of_gateway(c, *gateway);
  if (const auto gateway = c.snapshot.find<model::IstioGateway>(key)) return of_gateway(c, *gateway);
  return std::nullopt;
}

}  // namespace waypath::tools
