// CUSTOM policies and the services that they ask (authorization.md section 10).

#include "sim/policy/ext_authz.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "model/istio/proxy_ports.h"
#include "sim/exposure.h"
#include "sim/lint/leg.h"
#include "sim/reach/classes.h"

namespace waypath::sim {

namespace {

using model::AuthorizationAction;
using model::AuthorizationPolicy;
using model::ExtensionProvider;
using model::Severity;

const ExtensionProvider* find_provider(const LintContext& c, const std::string& name) {
  for (const ExtensionProvider& p : c.cluster.mesh().extension_providers)
    if (p.name == name) return &p;
  return nullptr;
}

/// A CUSTOM policy and the Envoys that enforce it.
struct Custom {
  const AuthorizationPolicy* policy = nullptr;
  std::vector<const EnforcementPoint*> points;
};

void providers(LintContext& c, const Custom& custom) {
  const AuthorizationPolicy& p = *custom.policy;
  const std::string problem = provider_problem(c.cluster, p.provider);
  if (!problem.empty()) {
    if (c.cluster.mesh().given) {
      c.report(kLintExtAuthzProvider, lint_at(p.meta),
               fmt::format("{}: requests that {} matches are refused with 403", problem,
                           LintContext::object_text(p.meta.key)),
               "define it under meshConfig.extensionProviders, with a Service that exists");
    } else {
      c.report(
          kLintExtAuthzProvider, lint_at(p.meta),
          fmt::format("no mesh configuration is given, which has to define provider \"{}\": what becomes of "
                      "requests that {} matches is unknown",
                      p.provider, LintContext::object_text(p.meta.key)),
          "give the ConfigMap istio of istiod's namespace as well", Severity::Warning);
    }
    return;
  }
  const ExtensionProvider& provider = *find_provider(c, p.provider);
  if (provider.fail_open)
    c.report(kLintExtAuthzFailOpen, lint_at(p.meta),
             fmt::format("provider {} of {} has failOpen: when it does not answer, requests pass unchecked",
                         provider.name, LintContext::object_text(p.meta.key)),
             "remove failOpen, unless losing the check is better than losing the service");
  const model::ServiceId service = provider_service(c.cluster, provider.service);
  const auto endpoints = c.distinct_endpoints(service, *provider.port);
  const bool ready = std::any_of(endpoints.begin(), endpoints.end(), [](const auto& e) { return e.ready; });
  if (c.cluster.service(service).service != nullptr && !ready) {
    const auto all = c.cluster.endpoints(service, *provider.port);
    if (std::none_of(all.begin(), all.end(), [](const auto& e) { return e.ready; }))
      c.report(kLintExtAuthzDown, lint_at(c.cluster.service(service).meta()),
               fmt::format(
                   "{} has no ready endpoint on port {}: {} {}", c.service_text(service), *provider.port,
                   LintContext::object_text(p.meta.key),
                   provider.fail_open ? "lets requests pass unchecked" : "refuses every request it matches"),
               "bring its pods up, or correct selector and port", Severity::Error);
    return;
  }
  std::set<std::string> told;
  for (const EnforcementPoint* point : custom.points) {
    const model::PodId proxy = point->pods.front();
    if (!told.insert(c.pod_text(proxy)).second) continue;
    std::optional<std::pair<ObjectAt, std::string>> refused;
    bool open = endpoints.empty();
    for (const model::Endpoint& endpoint : endpoints) {
      if (const auto dropped = c.refusal(proxy, endpoint.pod, endpoint.port)) {
        refused.emplace(
            dropped->result.reason.by.value_or(lint_at(p.meta)),
            fmt::format("{} drops it: {}", dropped->egress ? "its egress" : "the provider's ingress",
                        dropped->result.reason.detail));
        continue;
      }
      const bool judged = c.capture(endpoint.pod).redirected();
      const auto said = judged ? c.ask_destination(endpoint.pod, identity_of(c.cluster, proxy), endpoint.port)
                               : PolicyResult();
      if (said.decision == Decision::Deny) {
        refused.emplace(said.reason.by.value_or(lint_at(p.meta)),
                        fmt::format("the ztunnel there refuses {}: {}",
                                    identity_of(c.cluster, proxy).principal, said.reason.detail));
        continue;
      }
      open = true;
    }
    if (open || !refused) continue;
    c.report(
        kLintExtAuthzCutOff, refused->first,
        fmt::format("{} enforces {} and cannot ask {}: {}", c.pod_text(proxy),
                    LintContext::object_text(p.meta.key), c.service_text(service), refused->second),
        fmt::format("let {} reach the provider's pods, on TCP {}", c.pod_text(proxy),
                    endpoints.empty() || c.wire_port(proxy, endpoints.front().pod, 1) == model::kHbonePort
                        ? std::string("15008")
                        : std::to_string(endpoints.front().port)));
  }
}

void several(LintContext& c) {
  if (several_providers_allowed(c.cluster)) return;
  std::map<std::string, std::pair<const AuthorizationPolicy*, std::string>> found;
  for (const EnforcementPoint& point : c.points()) {
    if (point.point.kind == PolicyPoint::Kind::Ztunnel) continue;
    const AuthorizationPolicy* first = nullptr;
    for (const auto* p : c.policies_at(point.point)) {
      if (p->action != AuthorizationAction::Custom) continue;
      if (first == nullptr) first = p;
      if (p->provider == first->provider) continue;
      found.emplace(
          p->meta.key.str(),
          std::pair(p, fmt::format("{} asks provider {} and {} asks {} at {}",
                                   LintContext::object_text(first->meta.key), first->provider,
                                   LintContext::object_text(p->meta.key), p->provider, point.name)));
    }
  }
  for (const auto& [key, entry] : found)
    c.report(kLintExtAuthzSeveral, lint_at(entry.first->meta),
             fmt::format("{}: with two providers at one proxy every request that matches is refused",
                         entry.second),
             "use one provider a proxy, or set PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS on istiod");
}

// S43: clients in the mesh need no gateway.
void gateway_only(LintContext& c, const Custom& custom) {
  if (custom.points.empty()) return;
  const bool gateways = std::all_of(custom.points.begin(), custom.points.end(), [](const auto* point) {
    return point->point.kind == PolicyPoint::Kind::GatewayApi ||
           point->point.kind == PolicyPoint::Kind::ClassicGateway;
  });
  if (!gateways) return;
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i) {
    const auto& to = c.engine.exposure().gateways_to({i});
    const bool behind = std::any_of(custom.points.begin(), custom.points.end(), [&](const auto* point) {
      return std::find(to.begin(), to.end(), point->pods.front()) != to.end();
    });
    if (!behind || c.binding({i}).bound()) continue;
    for (const auto& port : c.cluster.service({i}).ports) {
      for (const model::Endpoint& endpoint : c.distinct_endpoints({i}, port.port)) {
        if (!c.capture(endpoint.pod).redirected()) continue;
        for (const ReachClass& cls : c.classes().classes()) {
          if (c.dataplane(cls.pod) != Dataplane::Ambient || c.pod_text(cls.pod) == c.pod_text(endpoint.pod))
            continue;
          if (drops(c, cls.pod, endpoint.pod, endpoint.port)) continue;
          const auto said = c.ask_destination(endpoint.pod, identity_of(c.cluster, cls.pod), endpoint.port);
          if (said.decision == Decision::Deny) continue;
          c.report(kLintGatewayOnly, lint_at(custom.policy->meta),
                   fmt::format("{} is enforced at gateways alone: {} reaches {} without it",
                               LintContext::object_text(custom.policy->meta.key), c.pod_text(cls.pod),
                               c.service_text({i})),
                   "bind the Service to a waypoint and enforce it there, or close the way inside the mesh");
          return;
        }
      }
    }
  }
}

}  // namespace

void lint_ext_authz(LintContext& c) {
  std::map<std::string, Custom> custom;
  for (const auto& p : c.snapshot.all<AuthorizationPolicy>())
    if (p->action == AuthorizationAction::Custom && !p->dry_run) custom[p->meta.key.str()].policy = p.get();
  if (custom.empty()) return;
  for (const EnforcementPoint& point : c.points()) {
    if (point.point.kind == PolicyPoint::Kind::Ztunnel) continue;
    for (const auto* p : c.policies_at(point.point))
      if (const auto it = custom.find(p->meta.key.str()); it != custom.end())
        it->second.points.push_back(&point);
  }
  for (const auto& [key, one] : custom) {
    providers(c, one);
    gateway_only(c, one);
  }
  several(c);
}

}  // namespace waypath::sim
