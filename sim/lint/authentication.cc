// RequestAuthentication and PeerAuthentication: tokens nobody verifies or asks for, and mTLS modes that are
// not what they seem (authorization.md sections 9 and 11).

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sim/lint/netpol_view.h"
#include "sim/lint/selector_slip.h"
#include "sim/policy/families.h"
#include "sim/resolve/published.h"

namespace waypath::sim {

namespace {

using model::AuthorizationAction;
using model::AuthorizationPolicy;
using model::MtlsMode;
using model::PeerAuthentication;
using model::PodId;
using model::Severity;

// ---- tokens ----

bool is_token_key(std::string_view key) { return key.substr(0, 13) == "request.auth."; }

// Conditions on who the token is about. `positive`: that want one.
bool asks_token(const AuthorizationPolicy& p, bool positive) {
  return std::any_of(p.rules.begin(), p.rules.end(), [&](const model::AuthorizationRule& rule) {
    const bool from = std::any_of(rule.from.begin(), rule.from.end(), [&](const auto& source) {
      return positive ? !source.request_principals.empty() : !source.not_request_principals.empty();
    });
    return from || std::any_of(rule.when.begin(), rule.when.end(), [&](const auto& when) {
             return is_token_key(when.key) && (positive ? !when.values.empty() : !when.not_values.empty());
           });
  });
}

// Whether a request without a token is refused, or sent to log in, by some policy of the point.
bool anonymous_refused(const std::vector<const AuthorizationPolicy*>& policies) {
  return std::any_of(policies.begin(), policies.end(), [](const AuthorizationPolicy* p) {
    if (p->dry_run) return false;
    switch (p->action) {
      case AuthorizationAction::Custom:
        return true;
      case AuthorizationAction::Allow:
        return asks_token(*p, true);
      case AuthorizationAction::Deny:
        return asks_token(*p, false);
      case AuthorizationAction::Audit:
        return false;
    }
    return false;
  });
}

void tokens(LintContext& c) {
  struct Place {
    const model::RequestAuthentication* request = nullptr;
    std::vector<std::string> envoys, ztunnels;
    bool demanded = false;
  };
  std::map<std::string, Place> places;
  std::map<std::string, std::pair<const AuthorizationPolicy*, std::string>> without;
  for (const EnforcementPoint& point : c.points()) {
    const auto requests = c.authentication_at(point.point);
    const bool envoy = point.point.kind != PolicyPoint::Kind::Ztunnel;
    const auto policies = envoy ? c.policies_at(point.point) : std::vector<const AuthorizationPolicy*>();
    for (const auto* request : requests) {
      Place& place = places[request->meta.key.str()];
      place.request = request;
      (envoy ? place.envoys : place.ztunnels).push_back(envoy ? point.name : c.pod_text(point.pods.front()));
      place.demanded = place.demanded || (envoy && anonymous_refused(policies));
    }
    if (!envoy || !requests.empty()) continue;
    for (const auto* p : policies)
      if (!p->dry_run && p->action != AuthorizationAction::Audit &&
          p->action != AuthorizationAction::Custom && (asks_token(*p, true) || asks_token(*p, false)))
        without.emplace(p->meta.key.str(), std::pair(p, point.name));
  }
  for (const auto& [key, place] : places) {
    const auto& request = *place.request;
    const ObjectAt at = lint_at(
        request.meta, request.attachment.selector ? request.attachment.selector->pos : request.meta.pos);
    if (place.envoys.empty())
      c.report(
          kLintRequestAuthnZtunnel, at,
          fmt::format("{} reaches {}, whose ztunnel verifies no tokens, and no Envoy: it is never evaluated",
                      LintContext::object_text(request.meta.key), LintContext::list_text(place.ztunnels)),
          "bind the Services to a waypoint and use targetRefs");
    else if (!place.demanded)
      c.report(
          kLintRequestAuthnAlone, at,
          fmt::format(
              "{} refuses bad tokens at {} and lets requests without one pass: no policy there asks for a "
              "principal",
              LintContext::object_text(request.meta.key), place.envoys.front()),
          "add an AuthorizationPolicy: ALLOW with requestPrincipals: [\"*\"], or DENY with "
          "notRequestPrincipals: [\"*\"]");
  }
  for (const auto& [key, entry] : without) {
    const bool allow = entry.first->action == AuthorizationAction::Allow;
    c.report(
        kLintAuthzNoTokens, lint_at(entry.first->meta),
        fmt::format(
            "{} asks for the token's principal or claims, and no RequestAuthentication verifies tokens at "
            "{}: {}",
            LintContext::object_text(entry.first->meta.key), entry.second,
            allow ? "such a rule never matches" : "every request counts as one without a token"),
        "add a RequestAuthentication with the same target");
  }
}

// ---- mTLS ----

bool has_selector(const PeerAuthentication& p) { return p.selector && !p.selector->empty(); }

class PeerCheck {
 public:
  explicit PeerCheck(LintContext& c) : c_(c), peers_(compile_peer_authentication(c.engine.cluster_ptr())) {}

  /// Whether plaintext to the port is refused.
  [[nodiscard]] bool strict(PodId pod, std::uint16_t port) const {
    RequestState request;
    request.port = port;
    const PolicyPoint point = c_.ztunnel_point(pod);
    return peers_->evaluate_hop({&point, &request}, nullptr).decision == Decision::Deny;
  }

  void policies() {
    std::map<model::Symbol, std::vector<const PeerAuthentication*>, model::TextLess> whole;
    std::map<std::string, std::pair<const PeerAuthentication*, std::string>> shadowed;
    for (const auto& p : c_.snapshot.all<PeerAuthentication>()) {
      if (!has_selector(*p)) {
        whole[p->meta.ns()].push_back(p.get());
        if (!p->port_level.empty())
          c_.report(kLintPeerAuthnPort, lint_at(p->meta),
                    fmt::format("portLevelMtls of {} is not read: it needs a selector",
                                LintContext::object_text(p->meta.key)),
                    "select the pods, or remove it");
      } else if (p->meta.ns() == c_.cluster.mesh().root_namespace) {
        c_.report(kLintPeerAuthnRootSelector, lint_at(p->meta, p->selector->pos),
                  fmt::format("{} has a selector in the root namespace: it is not read",
                              LintContext::object_text(p->meta.key)),
                  "move it to the namespace of the pods, or remove the selector to mean the mesh");
      } else {
        selecting(*p, shadowed);
      }
    }
    for (auto& [ns, list] : whole) {
      std::stable_sort(list.begin(), list.end(), [](const auto* a, const auto* b) { return older(*a, *b); });
      for (std::size_t i = 1; i < list.size(); ++i) {
        shadowed.emplace(list[i]->meta.key.str(),
                         std::pair(list[i], fmt::format("{} is for the same scope and counts",
                                                        LintContext::object_text(list.front()->meta.key))));
      }
    }
    for (const auto& [key, entry] : shadowed)
      c_.report(kLintPeerAuthnSeveral, lint_at(entry.first->meta),
                fmt::format("{} is not read for its scope: {}",
                            LintContext::object_text(entry.first->meta.key), entry.second),
                "keep one policy a scope: mesh, namespace, workload");
  }

 private:
  void selecting(const PeerAuthentication& p,
                 std::map<std::string, std::pair<const PeerAuthentication*, std::string>>& shadowed) {
    const auto pods = c_.cluster.select(p.meta.ns(), *p.selector);
    if (pods.empty()) {
      if (names_generated_label(c_, *p.selector)) return;
      const std::array here{p.meta.ns()};
      const auto slip = selector_slip(c_, here, *p.selector);
      c_.report(kLintPeerAuthnSelectsNothing, lint_at(p.meta, p.selector->pos),
                fmt::format("{} selects {}, which is no pod{}{}", LintContext::object_text(p.meta.key),
                            p.selector->str(), slip ? ": " : "", slip.value_or("")),
                slip ? "correct the selector" : "delete the policy if its pods are gone",
                slip ? Severity::Warning : Severity::Info);
      return;
    }
    for (const auto& other : c_.snapshot.all<PeerAuthentication>()) {
      if (other.get() == &p || other->meta.ns() != p.meta.ns() || !has_selector(*other)) continue;
      const auto both = std::find_if(pods.begin(), pods.end(), [&](PodId pod) {
        return other->selector->matches(c_.cluster.pod(pod).meta.labels);
      });
      if (both == pods.end() || !older(*other, p)) continue;
      shadowed.emplace(p.meta.key.str(), std::pair(&p, fmt::format("{} selects {} too and counts",
                                                                   LintContext::object_text(other->meta.key),
                                                                   c_.pod_text(*both))));
      return;
    }
    const auto captured = std::find_if(pods.begin(), pods.end(),
                                       [&](PodId pod) { return c_.dataplane(pod) == Dataplane::Ambient; });
    if (captured == pods.end()) return;
    for (const auto& [port, mode] : p.port_level) port_level(p, *captured, port, mode);
    const bool disables = p.mode == MtlsMode::Disable ||
                          std::any_of(p.port_level.begin(), p.port_level.end(),
                                      [](const auto& level) { return level.second == MtlsMode::Disable; });
    if (disables)
      c_.report(
          kLintPeerAuthnDisable, lint_at(p.meta, p.mode_pos),
          fmt::format("DISABLE in {} means PERMISSIVE at the ztunnel of {}: meshed clients still use mTLS",
                      LintContext::object_text(p.meta.key), c_.pod_text(*captured)),
          "write PERMISSIVE");
  }

  void port_level(const PeerAuthentication& p, PodId pod, std::uint16_t port, MtlsMode mode) {
    if (mode == MtlsMode::Unset) return;
    const auto served = c_.served_ports(pod);
    const bool wanted = mode == MtlsMode::Strict;
    if (strict(pod, port) != wanted) {
      c_.report(
          kLintPeerAuthnPort, lint_at(p.meta),
          wanted
              ? fmt::format("port {} of {} is STRICT in {} and ztunnel is not told: plaintext is let in",
                            port, c_.pod_text(pod), LintContext::object_text(p.meta.key))
              : fmt::format("the exception for port {} of {} in {} is overlooked under an inherited STRICT: "
                            "plaintext is refused",
                            port, c_.pod_text(pod), LintContext::object_text(p.meta.key)),
          wanted ? "set mtls.mode: STRICT for the workload, with PERMISSIVE for the other ports"
                 : "write PERMISSIVE for the port, and mtls.mode: STRICT for the workload");
      return;
    }
    if (served.empty() || std::binary_search(served.begin(), served.end(), port)) return;
    for (const model::ServiceId id : c_.cluster.services_of_pod(pod)) {
      if (c_.cluster.service(id).find_port(port) == nullptr) continue;
      c_.report(kLintPeerAuthnPort, lint_at(p.meta),
                fmt::format("portLevelMtls {} is the port of {}; {} listens on another", port,
                            c_.service_text(id), c_.pod_text(pod)),
                "write the pod's port");
    }
  }

  LintContext& c_;
  std::unique_ptr<const PolicyEvaluator> peers_;
};

// ---- STRICT and those without identity ----

// A NetworkPolicy rule written for clients outside the mesh, into pods that refuse them.
void strict_clients(LintContext& c, const NetpolView& view, const PeerCheck& peers) {
  for (const NetpolRule& rule : view.rules()) {
    if (rule.direction != Direction::Ingress || rule.written().peers.empty() || !rule.selects_pods())
      continue;
    const auto clients = view.peers(*rule.rule);
    const bool outside =
        !clients.empty() && std::all_of(clients.begin(), clients.end(), [&](std::uint32_t cls) {
          return c.dataplane(view.pod(cls)) == Dataplane::None;
        });
    if (!outside) continue;
    for (const std::uint32_t subject : *rule.subjects) {
      const PodId pod = view.pod(subject);
      const Capture& capture = c.capture(pod);
      if (!capture.redirected() || capture.bypass_inbound) continue;
      const auto served = c.served_ports(pod);
      const PortSet allowed = view.ports(*rule.rule, pod);
      std::vector<std::uint16_t> offered;
      std::copy_if(served.begin(), served.end(), std::back_inserter(offered),
                   [&](std::uint16_t port) { return allowed.contains(model::Protocol::Tcp, port); });
      if (offered.empty() || !std::all_of(offered.begin(), offered.end(),
                                          [&](std::uint16_t port) { return peers.strict(pod, port); }))
        continue;
      c.report(
          kLintStrictClient, rule.at(),
          fmt::format("the rule lets {} in, which is not in the mesh; {} is STRICT and refuses it on port {}",
                      c.pod_text(view.pod(clients.front())), c.pod_text(pod), offered.front()),
          "enrol the client, or make the port PERMISSIVE with portLevelMtls");
      break;
    }
  }
}

void strict_outside(LintContext& c, const PeerCheck& peers) {
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i) {
    const model::ServiceId id{i};
    const auto* service = c.cluster.service(id).service;
    if (service == nullptr || !externally_accessible(*service)) continue;
    for (const auto& port : service->ports) {
      if (port.protocol != model::Protocol::Tcp) continue;
      const auto endpoints = c.distinct_endpoints(id, port.port);
      const auto refused = std::find_if(endpoints.begin(), endpoints.end(), [&](const model::Endpoint& e) {
        return c.dataplane(e.pod) == Dataplane::Ambient && !c.capture(e.pod).bypass_inbound &&
               peers.strict(e.pod, e.port);
      });
      if (refused == endpoints.end()) continue;
      c.report(
          kLintStrictOutside, lint_at(service->meta, port.pos),
          fmt::format(
              "port {} of {} is open from outside in plaintext, and {} is STRICT: such connections are reset",
              port.port, c.service_text(id), c.pod_text(refused->pod)),
          "put a gateway in front, or make the pods' port PERMISSIVE with portLevelMtls");
      break;
    }
  }
}

}  // namespace

void lint_authentication(LintContext& c, const NetpolView& view) {
  tokens(c);
  PeerCheck peers(c);
  peers.policies();
  strict_clients(c, view, peers);
  strict_outside(c, peers);
}

}  // namespace waypath::sim
