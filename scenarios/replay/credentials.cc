#include "scenarios/replay/credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "model/istio/security.h"
#include "sim/reasons/authz.h"

namespace waypath::scenarios {
namespace {

bool any_rule(const model::AuthorizationPolicy& policy, const std::function<bool(std::string_view)>& key) {
  return std::any_of(policy.rules.begin(), policy.rules.end(), [&](const auto& rule) {
    const bool by_token = std::any_of(rule.from.begin(), rule.from.end(), [](const auto& source) {
      return !source.request_principals.empty() || !source.not_request_principals.empty();
    });
    return (by_token && key("request.auth.principal")) ||
           std::any_of(rule.when.begin(), rule.when.end(),
                       [&](const auto& condition) { return key(condition.key); });
  });
}

bool begins(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// What of a request the policy looks at and no log shows.
std::optional<std::string> looks_at(const model::AuthorizationPolicy& policy) {
  if (any_rule(policy, [](std::string_view key) { return begins(key, "request.auth"); })) return "tokens";
  if (any_rule(policy, [](std::string_view key) { return begins(key, "request.headers"); })) return "headers";
  return std::nullopt;
}

// "ns[foo]-policy[bar]" of rbac_access_denied_matched_policy[...].
const model::AuthorizationPolicy* named_in(const sim::Engine& engine, std::string_view log) {
  const auto between = [&](std::string_view open) -> std::string_view {
    const auto at = log.find(open);
    if (at == std::string_view::npos) return {};
    const auto rest = log.substr(at + open.size());
    return rest.substr(0, rest.find(']'));
  };
  const auto ns = between("ns["), name = between("policy[");
  return ns.empty() ? nullptr : engine.cluster().snapshot().find<model::AuthorizationPolicy>(ns, name);
}

}  // namespace

std::optional<std::string> hidden_credentials(const sim::Engine& engine, const sim::Flow& flow,
                                              const sim::Verdict& verdict, Observer observer,
                                              const Observation& seen) {
  const bool session_matters =
      std::any_of(verdict.paths.begin(), verdict.paths.end(), [](const sim::PathVerdict& path) {
        return std::any_of(path.assumptions.begin(), path.assumptions.end(), [](const auto& assumption) {
          return assumption.code.text == sim::kAssumeNoSession.text;
        });
      });
  if (session_matters && flow.session == sim::Session::Unstated) {
    sim::Flow with = flow;
    with.session = sim::Session::Valid;
    model::Diagnostics diagnostics;
    const auto again = sim::simulate(engine, with, {}, diagnostics);
    if (compare(again, observer, seen).agreement != Agreement::Disagrees)
      return fmt::format(
          "whether the request has a login session: {} without one, {} with one; the log does "
          "not show cookies",
          sim::to_string(verdict.outcome), sim::to_string(again.outcome));
  }
  if (begins(seen.text, "401 jwt_authn_access_denied"))
    return std::string("which token the request has: the log does not show it");
  const auto tell = [](const model::AuthorizationPolicy& policy, const std::string& what) {
    return fmt::format("which {} the request has: {} looks at them, the log does not show them", what,
                       policy.meta.key.str());
  };
  if (const auto* policy = named_in(engine, seen.text))
    if (const auto what = looks_at(*policy)) return tell(*policy, *what);
  for (const auto& path : verdict.paths) {
    if (path.outcome == sim::Outcome::Deny && path.reason.code.text.substr(0, 4) == "JWT_")
      return std::string("which token the request has: the log does not show it");
    for (const auto& decider : path.deciders) {
      if (decider.key.kind != std::string_view("AuthorizationPolicy")) continue;
      const auto* policy = engine.cluster().snapshot().find<model::AuthorizationPolicy>(
          decider.key.ns.view(), decider.key.name.view());
      if (policy == nullptr) continue;
      if (const auto what = looks_at(*policy)) return tell(*policy, *what);
    }
  }
  return std::nullopt;
}

}  // namespace waypath::scenarios
