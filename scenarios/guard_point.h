#pragma once
// What has to be passed (Y of `guard X --by Y`, `ask X --avoiding Y`): a waypoint, a gateway, an ext_authz
// provider, a policy or one of its rules.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/cluster.h"
#include "scenarios/ask_target.h"
#include "sim/engine.h"
#include "sim/path/path.h"
#include "sim/verdict.h"

namespace waypath::scenarios {

struct GuardPoint {
  enum class Kind : std::uint8_t { Proxy, ExtAuthz, Policy } kind = Kind::Proxy;
  std::string title;  // "waypoint shop/waypoint", "ext_authz oidc", "AuthorizationPolicy/shop/allow rule 1"
  // Proxy: hops of this name, or with one of these pods
  std::string ns, name;
  std::vector<model::PodId> pods;
  std::string provider;  // ExtAuthz; "" for any
  // Policy
  const model::ObjectMeta* policy = nullptr;
  const model::PolicyAttachment* attachment = nullptr;
  bool http_only = false;   // RequestAuthentication: no TCP chain has it
  std::optional<int> rule;  // only requests that this rule matched
  model::SourcePos pos;     // of the object, when there is one

  /// Whether the path leads by it: the proxy is a hop or opens the connection itself, the policy or provider
  /// is attached to a hop.
  [[nodiscard]] bool on(const sim::Engine& engine, const sim::Path& path) const;
  /// Whether a request that got through was put to it: a provider may be attached and not be asked, a rule
  /// not match. For proxies and policies the same as `on`.
  [[nodiscard]] bool passed(const sim::Engine& engine, const sim::Path& path,
                            const sim::PathVerdict& verdict) const;
};

/// "Waypoint/ns/name", "Gateway/ns/name", "ns/name", "ext_authz", "ext_authz:PROVIDER",
/// "AuthorizationPolicy/ns/name", with "[N]" for one rule, "RequestAuthentication/ns/name". Nullopt: `error`
/// says why.
[[nodiscard]] std::optional<GuardPoint> find_guard_point(const sim::Engine& engine, const std::string& text,
                                                         std::string& error);

/// The waypoints that the target's Services and pods name, whether they serve or not; each once, by name.
[[nodiscard]] std::vector<GuardPoint> waypoints_of(const sim::Engine& engine, const AskTarget& target);

}  // namespace waypath::scenarios
