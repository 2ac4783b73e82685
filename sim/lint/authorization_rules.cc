// What proxies make of the rules of an AuthorizationPolicy (authorization.md sections 6 and 7), and rules
// that others cover.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "model/istio/proxy_ports.h"
#include "sim/lint/context.h"
#include "sim/policy/authorization_rule.h"
#include "sim/resolve/protocol.h"

namespace waypath::sim {

namespace {

using model::AuthorizationAction;
using model::AuthorizationPolicy;
using model::AuthorizationRule;
using model::Severity;

/// A policy with the points that have it.
struct Placed {
  const AuthorizationPolicy* policy = nullptr;
  std::vector<const EnforcementPoint*> ztunnels, chains;  // chains: of waypoints, for a service
  bool anywhere = false;
};

std::vector<Placed> placed(const LintContext& c) {
  const auto policies = c.snapshot.all<AuthorizationPolicy>();
  std::vector<Placed> out(policies.size());
  std::map<const AuthorizationPolicy*, std::size_t> position;
  for (std::size_t i = 0; i < policies.size(); ++i) {
    out[i].policy = policies[i].get();
    position[policies[i].get()] = i;
  }
  for (const EnforcementPoint& point : c.points()) {
    const bool ztunnel = point.point.kind == PolicyPoint::Kind::Ztunnel;
    const bool chain = point.point.kind == PolicyPoint::Kind::Waypoint && point.point.service.valid();
    for (const auto* p : c.policies_at(point.point)) {
      Placed& at = out[position[p]];
      at.anywhere = true;
      if (ztunnel || chain) (ztunnel ? at.ztunnels : at.chains).push_back(&point);
    }
  }
  return out;
}

ObjectAt rule_at(const AuthorizationPolicy& p, std::size_t rule, model::SourcePos pos = {}) {
  return lint_at(p.meta, pos.known() ? pos : p.rules[rule].pos, static_cast<int>(rule), "rules");
}

std::string who(const LintContext& c, const std::vector<const EnforcementPoint*>& points) {
  std::vector<std::string> names;
  for (const auto* p : points) names.push_back(c.pod_text(p->pods.front()));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return LintContext::list_text(names);
}

// ---- at ztunnel ----

void at_ztunnel(LintContext& c, const Placed& placed) {
  const AuthorizationPolicy& p = *placed.policy;
  if (placed.ztunnels.empty() || p.dry_run || p.rules.empty()) return;
  const bool allow = p.action == AuthorizationAction::Allow;
  if (!allow && p.action != AuthorizationAction::Deny) return;
  struct Left {
    std::size_t rule;
    std::string why;
    model::SourcePos pos;
    bool never;
  };
  std::vector<Left> left;
  for (std::size_t i = 0; i < p.rules.size(); ++i) {
    const CompiledRule rule(c.cluster, p, p.rules[i]);
    const auto changes = rule.changes(Dialect::Ztunnel);
    if (changes.empty()) continue;
    const auto& dropped = rule.dropped(Dialect::Ztunnel);
    left.push_back({i, changes.front(), dropped ? dropped->pos : p.rules[i].pos,
                    dropped.has_value() || rule.dead(Dialect::Ztunnel)});
  }
  const auto never = static_cast<std::size_t>(
      std::count_if(left.begin(), left.end(), [](const auto& l) { return l.never; }));
  if (allow && never == p.rules.size()) {
    c.report(
        kLintAuthzRefusesAll, rule_at(p, left.front().rule, left.front().pos),
        fmt::format(
            "no rule of {} can match at the ztunnel of {} ({}): all that no other policy allows is refused",
            LintContext::object_text(p.meta.key), who(c, placed.ztunnels), left.front().why),
        "target a waypoint with the HTTP conditions, and allow the waypoint's identity at the pods");
    return;
  }
  for (const Left& l : left) {
    const std::string text = fmt::format("at the ztunnel of {}: {}", who(c, placed.ztunnels), l.why);
    if (allow) {
      c.report(kLintAuthzRuleLeftOut, rule_at(p, l.rule, l.pos), "the rule is left out " + text,
               "target a waypoint with the HTTP conditions; L4 conditions can stay");
    } else if (l.never) {
      c.report(kLintAuthzDenyVanishes, rule_at(p, l.rule, l.pos), "the rule never denies " + text,
               "enforce it at a waypoint (targetRefs), or deny by L4 conditions alone");
    } else {
      c.report(kLintAuthzDenyChanged, rule_at(p, l.rule, l.pos),
               "the rule denies something else than written " + text,
               "keep HTTP and L4 conditions in policies of their own");
    }
  }
}

// ---- on TCP chains of a waypoint ----

void on_tcp_ports(LintContext& c, const Placed& placed) {
  const AuthorizationPolicy& p = *placed.policy;
  if (p.dry_run || p.action == AuthorizationAction::Audit) return;
  for (const EnforcementPoint* point : placed.chains) {
    const auto& service = c.cluster.service(point->point.service);
    for (const auto& port : service.ports) {
      const PortKind kind = port_kind(port.app_protocol);
      if (port.protocol != model::Protocol::Tcp || (kind != PortKind::Tcp && kind != PortKind::Tls)) continue;
      for (std::size_t i = 0; i < p.rules.size(); ++i) {
        const CompiledRule rule(c.cluster, p, p.rules[i]);
        const auto changes = rule.changes(Dialect::EnvoyTcp);
        if (changes.empty()) continue;
        c.report(kLintAuthzTcpPort, rule_at(p, i),
                 fmt::format("port {} of {} is {}, not HTTP: {}", port.port,
                             c.service_text(point->point.service), port.app_protocol, changes.front()),
                 "set appProtocol: http on the Service port if it carries HTTP; else use L4 conditions",
                 p.action == AuthorizationAction::Allow ? Severity::Warning : Severity::Error);
        return;
      }
    }
  }
}

// ---- ports ----

std::optional<std::uint16_t> number(std::string_view text) {
  std::uint16_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

void each_port(const AuthorizationPolicy& p, const auto& fn) {
  for (std::size_t i = 0; i < p.rules.size(); ++i) {
    for (const auto& to : p.rules[i].to)
      for (const auto& value : to.ports) fn(i, value);
    for (const auto& when : p.rules[i].when)
      if (when.key == "destination.port")
        for (const auto& value : when.values) fn(i, value);
  }
}

void ports(LintContext& c, const Placed& placed) {
  const AuthorizationPolicy& p = *placed.policy;
  if (!placed.anywhere) return;
  each_port(p, [&](std::size_t rule, const model::PolicyValue& value) {
    const auto port = number(value.text);
    if (!port) return;
    if (*port == model::kHbonePort) {
      c.report(kLintAuthzPort, rule_at(p, rule, value.pos),
               "port 15008 is the tunnel's: policies see the port inside it, and 15008 never matches",
               "write the port that the application listens on", Severity::Error);
      return;
    }
    // At ztunnel ports are those of the pod, at a waypoint those of the Service.
    for (const EnforcementPoint* point : placed.ztunnels) {
      const model::PodId pod = point->pods.front();
      const auto served = c.served_ports(pod);
      if (std::binary_search(served.begin(), served.end(), *port)) continue;
      for (const model::ServiceId id : c.cluster.services_of_pod(pod)) {
        if (c.cluster.service(id).find_port(*port) == nullptr) continue;
        const auto endpoints = c.cluster.endpoints(id, *port);
        if (endpoints.empty()) continue;
        c.report(kLintAuthzPort, rule_at(p, rule, value.pos),
                 fmt::format("{} is the port of {}; the ztunnel of {} sees the pod's port {}", *port,
                             c.service_text(id), c.pod_text(pod), endpoints.front().port),
                 fmt::format("write {}", endpoints.front().port));
        return;
      }
    }
    for (const EnforcementPoint* point : placed.chains) {
      const auto& service = c.cluster.service(point->point.service);
      if (service.service == nullptr || service.find_port(*port) != nullptr) continue;
      for (const auto& own : service.service->ports) {
        const auto* target = std::get_if<std::uint16_t>(&own.target_port);
        if (target == nullptr || *target != *port) continue;
        c.report(kLintAuthzPort, rule_at(p, rule, value.pos),
                 fmt::format("{} is the pods' port; the waypoint sees port {} of {}", *port, own.port,
                             c.service_text(point->point.service)),
                 fmt::format("write {}", own.port));
        return;
      }
    }
  });
}

// ---- an ALLOW of everything beside others ----

bool matches_everything(const AuthorizationRule& rule) {
  return rule.from.empty() && rule.to.empty() && rule.when.empty();
}

// Whether some rule of an ALLOW can match at ztunnel.
bool usable_at_ztunnel(const LintContext& c, const AuthorizationPolicy& p) {
  return std::any_of(p.rules.begin(), p.rules.end(), [&](const AuthorizationRule& r) {
    const CompiledRule rule(c.cluster, p, r);
    return !rule.dropped(Dialect::Ztunnel) && !rule.dead(Dialect::Ztunnel);
  });
}

void beside_allow_all(LintContext& c) {
  struct Seen {
    const AuthorizationPolicy* policy = nullptr;
    std::size_t envoys = 0, ztunnels = 0, open_envoys = 0, open_ztunnels = 0;
    std::string by;
  };
  std::map<std::string, Seen> seen;
  for (const EnforcementPoint& point : c.points()) {
    const AuthorizationPolicy* all = nullptr;
    std::vector<const AuthorizationPolicy*> others;
    for (const auto* p : c.policies_at(point.point)) {
      if (p->action != AuthorizationAction::Allow || p->dry_run) continue;
      if (std::any_of(p->rules.begin(), p->rules.end(), matches_everything)) {
        all = p;
      } else if (!p->rules.empty()) {
        others.push_back(p);
      }
    }
    const bool ztunnel = point.point.kind == PolicyPoint::Kind::Ztunnel;
    for (const auto* p : others) {
      Seen& s = seen[p->meta.key.str()];
      s.policy = p;
      ++(ztunnel ? s.ztunnels : s.envoys);
      if (all == nullptr) continue;
      ++(ztunnel ? s.open_ztunnels : s.open_envoys);
      if (s.by.empty() || !ztunnel)
        s.by = fmt::format("{} allows everything at {}", LintContext::object_text(all->meta.key), point.name);
    }
  }
  for (const auto& [key, s] : seen) {
    // Where it can match at all, something else allows everything.
    const bool envoys = s.envoys == s.open_envoys, ztunnels = s.ztunnels == s.open_ztunnels;
    if (s.by.empty() || !envoys || (!ztunnels && (s.envoys == 0 || usable_at_ztunnel(c, *s.policy))))
      continue;
    c.report(kLintAuthzShadowed, lint_at(s.policy->meta),
             fmt::format("{} restricts nothing: {}, and ALLOW policies add up",
                         LintContext::object_text(s.policy->meta.key), s.by),
             "narrow the policy that allows everything, or write this one as a DENY");
  }
}

// ---- redundant rules ----

std::vector<std::string> texts(const model::PolicyValues& values) {
  std::vector<std::string> out;
  for (const auto& v : values) out.push_back(v.text);
  std::sort(out.begin(), out.end());
  return out;
}

// Whether every value of `narrow` is one of `wide`, or begins or ends as a starred one of it.
bool covers(const model::PolicyValues& wide, const model::PolicyValues& narrow) {
  if (wide.empty()) return true;
  return !narrow.empty() && std::all_of(narrow.begin(), narrow.end(), [&](const auto& n) {
    return std::any_of(wide.begin(), wide.end(), [&](const auto& w) {
      return w.text == n.text || (n.text.find('*') == std::string::npos && match_value(w.text, n.text) &&
                                  w.text.find('*') != std::string::npos);
    });
  });
}
// Exclusions of `wide` are excluded by `narrow` as well.
bool excludes(const model::PolicyValues& wide, const model::PolicyValues& narrow) {
  if (wide.empty()) return true;
  const auto a = texts(wide), b = texts(narrow);
  return std::includes(b.begin(), b.end(), a.begin(), a.end());
}

bool covers(const model::AuthorizationSource& w, const model::AuthorizationSource& n) {
  return covers(w.principals, n.principals) && covers(w.request_principals, n.request_principals) &&
         covers(w.namespaces, n.namespaces) && covers(w.service_accounts, n.service_accounts) &&
         covers(w.trust_domains, n.trust_domains) && covers(w.ip_blocks, n.ip_blocks) &&
         covers(w.remote_ip_blocks, n.remote_ip_blocks) && excludes(w.not_principals, n.not_principals) &&
         excludes(w.not_request_principals, n.not_request_principals) &&
         excludes(w.not_namespaces, n.not_namespaces) &&
         excludes(w.not_service_accounts, n.not_service_accounts) &&
         excludes(w.not_trust_domains, n.not_trust_domains) && excludes(w.not_ip_blocks, n.not_ip_blocks) &&
         excludes(w.not_remote_ip_blocks, n.not_remote_ip_blocks);
}
bool covers(const model::AuthorizationOperation& w, const model::AuthorizationOperation& n) {
  return covers(w.hosts, n.hosts) && covers(w.ports, n.ports) && covers(w.methods, n.methods) &&
         covers(w.paths, n.paths) && excludes(w.not_hosts, n.not_hosts) &&
         excludes(w.not_ports, n.not_ports) && excludes(w.not_methods, n.not_methods) &&
         excludes(w.not_paths, n.not_paths);
}
bool covers(const model::AuthorizationCondition& w, const model::AuthorizationCondition& n) {
  return w.key == n.key && covers(w.values, n.values) && excludes(w.not_values, n.not_values);
}

bool covers(const AuthorizationRule& wide, const AuthorizationRule& narrow) {
  const auto clause = [](const auto& ws, const auto& ns) {
    return ws.empty() || (!ns.empty() && std::all_of(ns.begin(), ns.end(), [&](const auto& n) {
             return std::any_of(ws.begin(), ws.end(), [&](const auto& w) { return covers(w, n); });
           }));
  };
  return clause(wide.from, narrow.from) && clause(wide.to, narrow.to) &&
         std::all_of(wide.when.begin(), wide.when.end(), [&](const auto& w) {
           return std::any_of(narrow.when.begin(), narrow.when.end(),
                              [&](const auto& n) { return covers(w, n); });
         });
}

std::string attachment_text(const AuthorizationPolicy& p) {
  std::string out = fmt::format("{} {} {} ", p.meta.ns().view(), static_cast<int>(p.action), p.provider);
  if (p.attachment.selector) out += "selector " + p.attachment.selector->str();
  for (const auto& ref : p.attachment.target_refs)
    out += fmt::format(" {}/{}/{}", ref.group, ref.kind, ref.name.view());
  return out;
}

void redundant(LintContext& c) {
  std::map<std::string, std::vector<const AuthorizationPolicy*>> alike;  // same place, same action
  for (const auto& p : c.snapshot.all<AuthorizationPolicy>())
    if (!p->dry_run) alike[attachment_text(*p)].push_back(p.get());
  for (const auto& [where, policies] : alike) {
    for (const auto* p : policies) {
      for (std::size_t i = 0; i < p->rules.size(); ++i) {
        const auto covered_by = [&]() -> std::optional<std::string> {
          for (const auto* other : policies) {
            for (std::size_t j = 0; j < other->rules.size(); ++j) {
              if (other == p && i == j) continue;
              if (!covers(other->rules[j], p->rules[i])) continue;
              const bool mutual = covers(p->rules[i], other->rules[j]);
              const bool earlier = other == p ? j < i : other->meta.key < p->meta.key;
              if (mutual && !earlier) continue;
              // A policy that allows everything is another finding.
              if (other != p && matches_everything(other->rules[j])) continue;
              return other == p ? fmt::format("rule {} of the same policy", j)
                                : fmt::format("rule {} of {}", j, LintContext::object_text(other->meta.key));
            }
          }
          return std::nullopt;
        }();
        if (covered_by)
          c.report(kLintAuthzRedundant, rule_at(*p, i),
                   fmt::format("{} already matches all that the rule matches", *covered_by),
                   "remove the rule, or narrow the other");
      }
    }
  }
}

}  // namespace

void lint_authorization_rules(LintContext& c) {
  for (const Placed& p : placed(c)) {
    at_ztunnel(c, p);
    on_tcp_ports(c, p);
    ports(c, p);
  }
  beside_allow_all(c);
  redundant(c);
}

}  // namespace waypath::sim
