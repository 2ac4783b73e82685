#include "scenarios/guard_point.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "model/base/edit_distance.h"
#include "model/gateway/gateway.h"
#include "model/istio/networking.h"
#include "model/istio/security.h"
#include "scenarios/gateway_fronts.h"
#include "sim/policy/attachment.h"
#include "sim/resolve/mesh.h"
#include "sim/topology.h"

namespace waypath::scenarios {
namespace {

using Kind = GuardPoint::Kind;

bool is_envoy(const sim::PolicyPoint& point) { return point.kind != sim::PolicyPoint::Kind::Ztunnel; }

std::string near(const std::string& text, const std::vector<std::string>& names) {
  const std::vector<std::string_view> views(names.begin(), names.end());
  const auto found = model::nearest(text, views);
  return found ? fmt::format(", did you mean {}?", *found) : std::string();
}

bool mentions_rule(const sim::TraceNode& node, const model::ResourceKey& key, int rule) {
  const bool decided = node.decision == sim::Decision::Allow || node.decision == sim::Decision::Deny;
  if (decided && node.reason.by && node.reason.by->key == key && node.reason.by->rule == rule) return true;
  return std::any_of(node.children.begin(), node.children.end(),
                     [&](const auto& child) { return mentions_rule(child, key, rule); });
}

template <class Policy>
std::optional<GuardPoint> policy_point(const model::Cluster& cluster, const std::string& ns,
                                       const std::string& name, std::string& error, const std::string& kind) {
  const auto* policy = cluster.snapshot().find<Policy>(ns, name);
  if (policy == nullptr) {
    std::vector<std::string> names;
    for (const auto& p : cluster.snapshot().all<Policy>()) names.push_back(p->meta.key.str());
    error = fmt::format("there is no {}/{}/{}{}", kind, ns, name,
                        near(fmt::format("{}/{}/{}", kind, ns, name), names));
    return std::nullopt;
  }
  GuardPoint out;
  out.kind = Kind::Policy;
  out.title = policy->meta.key.str();
  out.policy = &policy->meta;
  out.attachment = &policy->attachment;
  out.pos = policy->meta.pos;
  return out;
}

std::optional<GuardPoint> proxy_point(const sim::Engine& engine, const std::string& ns,
                                      const std::string& name, std::string& error) {
  const auto& cluster = engine.cluster();
  GuardPoint out;
  out.ns = ns;
  out.name = name;
  if (const auto* gateway = cluster.snapshot().find<model::Gateway>(ns, name)) {
    out.title =
        fmt::format("{} {}/{}", sim::is_waypoint(cluster, *gateway) ? "waypoint" : "gateway", ns, name);
    out.pos = gateway->meta.pos;
    return out;
  }
  std::vector<std::string> names;
  for (const auto& v : engine.topology().vertices())
    if (v.kind == sim::VertexKind::Gateway || v.kind == sim::VertexKind::Waypoint)
      names.push_back(fmt::format("{}/{}", v.ns, v.name));
  if (const auto* gateway = cluster.snapshot().find<model::IstioGateway>(ns, name)) {
    out.title = fmt::format("gateway {}/{}", ns, name);
    out.pos = gateway->meta.pos;
    for (std::uint32_t i = 0; i < cluster.pods().size(); ++i)
      if (selects(*gateway, cluster.pod({i}))) out.pods.push_back({i});
    if (!out.pods.empty()) return out;
    error = fmt::format("gateway {}/{} selects no pod: no request passes it", ns, name);
    return std::nullopt;
  }
  if (engine.topology().find(sim::VertexKind::Gateway, ns, name).valid()) {
    out.title = fmt::format("gateway {}/{}", ns, name);
    return out;
  }
  error = fmt::format("there is no waypoint or gateway {}/{}{}", ns, name,
                      near(fmt::format("{}/{}", ns, name), names));
  return std::nullopt;
}

// What the first hop is when a proxy's own pod opens the connection: the name that requests pass it by.
std::string own_name(const sim::Engine& engine, const sim::Hop& sender) {
  if (!sender.pod.valid()) return {};
  const auto plane = engine.topology().capture(sender.pod).dataplane;
  if (plane != sim::Dataplane::Gateway && plane != sim::Dataplane::Waypoint) return {};
  const auto* gateway = sim::gateway_of_pod(engine.cluster(), sender.pod);
  return gateway != nullptr ? gateway->meta.name().str() : sender.name;
}

}  // namespace

bool GuardPoint::on(const sim::Engine& engine, const sim::Path& path) const {
  return std::any_of(path.hops.begin(), path.hops.end(), [&](const sim::Hop& hop) {
    switch (kind) {
      case Kind::Proxy: {
        const bool sends = &hop == &path.hops.front();
        if (!sends && hop.kind != sim::HopKind::Waypoint && hop.kind != sim::HopKind::Gateway) return false;
        if (!pods.empty()) return std::find(pods.begin(), pods.end(), hop.pod) != pods.end();
        return hop.ns == ns && (sends ? own_name(engine, hop) : hop.name) == name;
      }
      case Kind::ExtAuthz: {
        if (!hop.point) return false;
        const auto providers = sim::providers_at(engine.policies(), *hop.point);
        return std::any_of(providers.begin(), providers.end(),
                           [&](const auto* p) { return provider.empty() || p->name == provider; });
      }
      case Kind::Policy:
        return hop.point && (!http_only || (is_envoy(*hop.point) && hop.point->http)) &&
               sim::attaches(engine.cluster(), *policy, *attachment, *hop.point);
    }
    return false;
  });
}

bool GuardPoint::passed(const sim::Engine& engine, const sim::Path& path,
                        const sim::PathVerdict& verdict) const {
  if (!on(engine, path)) return false;
  if (kind == Kind::Proxy || (kind == Kind::Policy && !rule)) return true;
  for (const auto& hop : verdict.hops)
    for (const auto& node : hop.decisions) {
      if (kind == Kind::Policy && mentions_rule(node, policy->key, *rule)) return true;
      if (kind != Kind::ExtAuthz || node.layer != "CUSTOM" || node.decision == sim::Decision::NotApplicable ||
          !node.reason.by)
        continue;
      if (provider.empty()) return true;
      const auto* custom = engine.cluster().snapshot().find<model::AuthorizationPolicy>(
          node.reason.by->key.ns.view(), node.reason.by->key.name.view());
      if (custom != nullptr && custom->provider == provider) return true;
    }
  return false;
}

std::optional<GuardPoint> find_guard_point(const sim::Engine& engine, const std::string& text,
                                           std::string& error) {
  const auto& cluster = engine.cluster();
  if (text == "ext_authz" || text.compare(0, 10, "ext_authz:") == 0) {
    GuardPoint out;
    out.kind = Kind::ExtAuthz;
    out.provider = text.size() > 10 ? text.substr(10) : "";
    out.title = out.provider.empty() ? "ext_authz" : "ext_authz " + out.provider;
    std::vector<std::string> names;
    for (const auto& p : cluster.mesh().extension_providers) {
      names.push_back("ext_authz:" + p.name);
      if (p.name == out.provider) out.pos = p.pos;
    }
    const bool known =
        out.provider.empty() ? !names.empty() : std::find(names.begin(), names.end(), text) != names.end();
    if (known) return out;
    error = cluster.mesh().given
                ? fmt::format("meshConfig has no extension provider{}{}",
                              out.provider.empty() ? "" : " \"" + out.provider + "\"", near(text, names))
                : "no mesh config (ConfigMap istio) is given, which names extension providers";
    return std::nullopt;
  }
  std::string rest = text;
  std::optional<int> rule;
  if (const auto bracket = text.find('['); bracket != std::string::npos && text.back() == ']') {
    int number = -1;
    const auto* last = text.data() + text.size() - 1;
    const auto [end, failed] = std::from_chars(text.data() + bracket + 1, last, number);
    if (failed != std::errc() || end != last || number < 0) {
      error = fmt::format("\"{}\" names no rule: write AuthorizationPolicy/ns/name[0]", text);
      return std::nullopt;
    }
    rule = number;
    rest = text.substr(0, bracket);
  }
  const auto first = rest.find('/'), second = first == std::string::npos ? first : rest.find('/', first + 1);
  const std::string head = rest.substr(0, first);
  if (second == std::string::npos) {
    if (first != std::string::npos && !rule) return proxy_point(engine, head, rest.substr(first + 1), error);
  } else {
    const std::string ns = rest.substr(first + 1, second - first - 1), name = rest.substr(second + 1);
    if (head == "AuthorizationPolicy") {
      auto out = policy_point<model::AuthorizationPolicy>(cluster, ns, name, error, head);
      if (out && rule) {
        const auto* policy = cluster.snapshot().find<model::AuthorizationPolicy>(ns, name);
        if (static_cast<std::size_t>(*rule) >= policy->rules.size()) {
          error = fmt::format("{} has no rule {}: it has {}, counted from 0", policy->meta.key.str(), *rule,
                              policy->rules.size());
          return std::nullopt;
        }
        out->rule = rule;
        out->pos = policy->rules[static_cast<std::size_t>(*rule)].pos;
        out->title += fmt::format(" rule {}", *rule);
      }
      return out;
    }
    if (head == "RequestAuthentication" && !rule) {
      auto out = policy_point<model::RequestAuthentication>(cluster, ns, name, error, head);
      if (out) out->http_only = true;
      return out;
    }
    if ((head == "Waypoint" || head == "Gateway") && !rule) return proxy_point(engine, ns, name, error);
  }
  error = fmt::format(
      "\"{}\" is nothing that requests pass: write Waypoint/ns/name, Gateway/ns/name, ext_authz, "
      "ext_authz:PROVIDER, "
      "AuthorizationPolicy/ns/name, AuthorizationPolicy/ns/name[RULE] or RequestAuthentication/ns/name",
      text);
  return std::nullopt;
}

std::vector<GuardPoint> waypoints_of(const sim::Engine& engine, const AskTarget& target) {
  const auto& cluster = engine.cluster();
  std::vector<GuardPoint> out;
  std::set<std::string> known;
  const auto add = [&](const sim::WaypointBinding& binding) {
    if (binding.named.empty() || !(binding.bound() || binding.fails_open())) return;
    GuardPoint one;
    one.ns = binding.named_ns;
    one.name = binding.named;
    one.title = fmt::format("waypoint {}/{}", one.ns, one.name);
    if (binding.gateway != nullptr) one.pos = binding.gateway->meta.pos;
    if (known.insert(one.title).second) out.push_back(std::move(one));
  };
  for (const auto id : target.services) add(engine.topology().binding(id));
  for (const auto id : target.pods) add(sim::bind_pod(cluster, id));
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.title < b.title; });
  return out;
}

}  // namespace waypath::scenarios
