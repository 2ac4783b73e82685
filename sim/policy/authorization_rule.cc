#include "sim/policy/authorization_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "sim/match/route_match.h"

namespace waypath::sim {
namespace {

using model::AuthorizationAction;

bool active(const Condition& c, Dialect d) { return (c.active & (1U << static_cast<unsigned>(d))) != 0; }

// trustDomains of a source vanish on the way to ztunnel without being counted as unsupported.
bool vanishes_at_ztunnel(const Condition& c) { return c.name == "trustDomains"; }

constexpr std::string_view kNotAtZtunnel = "HTTP attributes cannot be enforced at ztunnel";

}  // namespace

Dialect dialect_of(const PolicyPoint& point) {
  if (point.kind == PolicyPoint::Kind::Ztunnel) return Dialect::Ztunnel;
  return point.http ? Dialect::EnvoyHttp : Dialect::EnvoyTcp;
}

PolicyRequest::PolicyRequest(const RequestState& request, model::PathNormalization normalization, bool http)
    : state(request) {
  if (!http) return;
  path = normalized_path(request.path, normalization);
  host = lower_case(request.host);
}

bool RuleMatch::nearer_than(const RuleMatch& other) const {
  return std::tuple(failed, -held, distance) < std::tuple(other.failed, -other.held, other.distance);
}

CompiledRule::CompiledRule(const model::Cluster& cluster, const model::AuthorizationPolicy& policy,
                           const model::AuthorizationRule& rule)
    : rule_(&rule), allow_(policy.action == AuthorizationAction::Allow) {
  for (const auto& s : rule.from) from_.push_back(compile_source(cluster, policy, s));
  for (const auto& o : rule.to) to_.push_back(compile_operation(policy, o));
  for (const auto& w : rule.when) when_.push_back({compile_when(cluster, policy, w)});
  find_dropped();
}

void CompiledRule::find_dropped() {
  const auto drop = [&](Dialect d, const Condition& c, std::string_view why) {
    auto& out = dropped_[static_cast<std::size_t>(d)];
    if (out) return;
    out.emplace();
    out->detail = fmt::format("{}: {}", c.name, why);
    out->pos = c.pos;
  };
  for (const auto* clause : {&from_, &to_, &when_}) {
    for (const auto& entry : *clause) {
      for (const auto& c : entry) {
        // Source: istio pilot/pkg/security/authz/builder/builder.go (a rule whose model cannot be made is
        // skipped)
        if (c.attribute == Attribute::UnknownKey)
          for (const Dialect d : {Dialect::EnvoyHttp, Dialect::EnvoyTcp})
            drop(d, c, "no proxy knows this key, so the rule is left out");
        if (!allow_) continue;
        // Source: istio pilot/pkg/security/authz/model/model.go checkError
        if (!usable(c))
          for (const Dialect d : {Dialect::EnvoyHttp, Dialect::EnvoyTcp})
            drop(d, c, "a value cannot be used, so the proxy leaves the rule out");
        if (http_only(c.attribute))
          drop(Dialect::EnvoyTcp, c,
               "HTTP attributes cannot be matched on a TCP port, so the rule is left out");
        // Source: istio pilot/pkg/serviceregistry/kube/controller/ambient/authorization.go handleRule
        const bool l4 = active(c, Dialect::Ztunnel) || vanishes_at_ztunnel(c) ||
                        c.attribute == Attribute::SourceIp || c.attribute == Attribute::DestinationIp ||
                        c.attribute == Attribute::Port;
        if (!l4) drop(Dialect::Ztunnel, c, fmt::format("{}, so the rule is left out", kNotAtZtunnel));
      }
    }
  }
}

bool CompiledRule::dead(Dialect d) const {
  if (d != Dialect::Ztunnel || dropped(d)) return false;
  for (const auto* clauses : {&from_, &to_}) {
    if (clauses->empty()) continue;
    const auto lives = [&](const Entry& e) {
      return std::any_of(e.begin(), e.end(), [&](const Condition& c) { return active(c, d); });
    };
    if (std::none_of(clauses->begin(), clauses->end(), lives)) return true;
  }
  return std::any_of(when_.begin(), when_.end(), [&](const Entry& e) { return !active(e.front(), d); });
}

template <class Take>
bool CompiledRule::every_entry(const std::vector<Entry>& clause, Dialect d, Attribute attribute,
                               const Take& take) const {
  if (clause.empty()) return false;
  for (const auto& entry : clause) {
    const auto here = [&](const Condition& c) { return active(c, d); };
    if (d == Dialect::Ztunnel && std::none_of(entry.begin(), entry.end(), here)) continue;  // matches nothing
    const auto it = std::find_if(entry.begin(), entry.end(),
                                 [&](const Condition& c) { return c.attribute == attribute && here(c); });
    if (it == entry.end() || !take(*it)) return false;
  }
  return true;
}

std::optional<std::vector<std::string>> CompiledRule::only_principals(Dialect d) const {
  std::vector<std::string> out;
  if (dropped(d) || dead(d)) return out;
  const bool all = every_entry(from_, d, Attribute::Principal, [&](const Condition& c) {
    const auto& values = d == Dialect::Ztunnel ? c.ztunnel_values : c.values;
    for (const auto& v : values) {
      if (v.regex != nullptr || v.text.kind() != ValueMatch::Kind::Exact) return false;
      out.push_back(v.text.text());
    }
    return !values.empty();
  });
  return all ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<std::vector<std::uint16_t>> CompiledRule::only_ports(Dialect d) const {
  std::vector<std::uint16_t> out;
  if (dropped(d) || dead(d)) return out;
  const bool all = every_entry(to_, d, Attribute::Port, [&](const Condition& c) {
    for (const auto& v : c.values) out.push_back(v.port);
    return !c.values.empty();
  });
  return all ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<std::vector<std::string>> CompiledRule::only_namespaces(Dialect d) const {
  std::vector<std::string> out;
  if (dropped(d) || dead(d)) return out;
  const bool all = every_entry(from_, d, Attribute::Namespace, [&](const Condition& c) {
    if (c.values.empty()) return false;
    for (const auto& v : c.values) {
      // As Envoy compares it: "/ns/NAMESPACE/" anywhere in the principal.
      if (!v.contains) return false;
      out.push_back(v.written->text);
    }
    return true;
  });
  return all ? std::optional(std::move(out)) : std::nullopt;
}

std::vector<std::string> CompiledRule::changes(Dialect d) const {
  std::vector<std::string> out;
  if (dropped(d)) return {dropped(d)->detail};
  for (const auto* clause : {&from_, &to_, &when_})
    for (const auto& entry : *clause)
      for (const auto& c : entry)
        if (!active(c, d)) {
          const bool gone = std::none_of(entry.begin(), entry.end(),
                                         [&](const Condition& other) { return active(other, d); });
          std::string text = std::string(c.name) + ": left out";
          if (d == Dialect::Ztunnel) {
            text +=
                gone ? "; the entry is left empty and matches nothing" : "; the entry is wider than written";
          } else {
            text += gone ? "; the entry matches everything" : "; the entry is wider than written";
          }
          out.push_back(std::move(text));
        }
  if (dead(d)) out.emplace_back("the rule can never match here");
  return out;
}

Tri CompiledRule::entry(const Entry& conditions, Dialect dialect, const PolicyRequest& request,
                        RuleMatch* why) const {
  Tri result = Tri::Yes;
  bool any = false;
  for (const auto& c : conditions) {
    if (!active(c, dialect)) continue;
    any = true;
    RuleMatch one;
    const Tri t = match_condition(c, dialect, request, why == nullptr ? nullptr : &one);
    if (why == nullptr) {
      if (t == Tri::No) return Tri::No;
      if (t == Tri::Unknown) result = Tri::Unknown;
      continue;
    }
    if (t == Tri::Yes) ++why->held;
    if (t == Tri::No) ++why->failed;
    why->distance = std::min(why->distance, one.distance);
    // Failed conditions push out the held ones from the text.
    if (t == Tri::No && result != Tri::No) why->detail.clear();
    if (t == Tri::No || (t == Tri::Yes && result != Tri::No)) {
      if (why->detail.empty()) why->pos = one.pos;
      why->detail.append(why->detail.empty() ? "" : ", and ").append(one.detail);
    }
    if (t == Tri::Unknown && why->missing_fact.empty()) why->missing_fact = one.missing_fact;
    if (t == Tri::No || (t == Tri::Unknown && result == Tri::Yes)) result = t;
  }
  // Source: ztunnel src/rbac.rs matches (an empty match is false); istio
  // pilot/pkg/security/authz/model/model.go (no condition is true)
  if (!any && dialect == Dialect::Ztunnel) {
    if (why != nullptr) {
      ++why->failed;
      why->detail =
          conditions.empty()
              ? std::string("an empty entry matches nothing at ztunnel")
              : fmt::format("{}: {}, so the entry matches nothing", conditions.front().name,
                            vanishes_at_ztunnel(conditions.front()) ? "ztunnel does not know the field"
                                                                    : kNotAtZtunnel);
      if (!conditions.empty()) why->pos = conditions.front().pos;
    }
    return Tri::No;
  }
  return result;
}

Tri CompiledRule::clause(const std::vector<Entry>& entries, Dialect dialect, const PolicyRequest& request,
                         RuleMatch* why) const {
  if (entries.empty()) return Tri::Yes;
  Tri result = Tri::No;
  RuleMatch best;
  bool first = true;
  for (const auto& e : entries) {
    RuleMatch one;
    const Tri t = entry(e, dialect, request, why == nullptr ? nullptr : &one);
    if (t == Tri::Yes) {
      if (why != nullptr) *why = std::move(one);
      return Tri::Yes;
    }
    if (t == Tri::Unknown) {
      if (result != Tri::Unknown) first = true;  // an entry that may match tells more than one that does not
      result = Tri::Unknown;
    } else if (result == Tri::Unknown) {
      continue;
    }
    if (why != nullptr && (first || one.nearer_than(best))) best = std::move(one);
    first = false;
  }
  if (why != nullptr) *why = std::move(best);
  return result;
}

Tri CompiledRule::matches(Dialect dialect, const PolicyRequest& request, RuleMatch* why) const {
  if (const auto& drop = dropped(dialect)) {
    if (why != nullptr) *why = *drop;
    return Tri::No;
  }
  Tri result = Tri::Yes;
  if (why != nullptr) *why = {};
  // False when the answer is found; an explanation goes on to name everything that fails.
  const auto join = [&](Tri t, RuleMatch&& one) {
    if (why == nullptr) {
      if (t != Tri::Yes && result != Tri::No) result = t;
      return t != Tri::No;
    }
    why->held += one.held;
    why->failed += one.failed;
    why->distance = std::min(why->distance, one.distance);
    if (t == Tri::No && result != Tri::No) why->detail.clear();
    if ((t == Tri::No || result != Tri::No) && !one.detail.empty() && t != Tri::Unknown) {
      if (why->detail.empty()) why->pos = one.pos;
      why->detail.append(why->detail.empty() ? "" : ", and ").append(one.detail);
    }
    if (t == Tri::Unknown && why->missing_fact.empty()) why->missing_fact = one.missing_fact;
    if (t != Tri::Yes && result != Tri::No) result = t;
    return true;
  };
  for (const auto* entries : {&from_, &to_}) {
    RuleMatch one;
    const Tri t = clause(*entries, dialect, request, why == nullptr ? nullptr : &one);
    if (!join(t, std::move(one))) return Tri::No;
  }
  for (const auto& w : when_) {
    RuleMatch one;
    Tri t = Tri::Yes;
    // On Envoy a condition that the chain cannot use is true (only rules that are not ALLOW get here with
    // one).
    if (active(w.front(), dialect) || dialect == Dialect::Ztunnel)
      t = entry(w, dialect, request, why == nullptr ? nullptr : &one);
    if (!join(t, std::move(one))) return Tri::No;
  }
  if (why != nullptr && !why->pos.known()) why->pos = rule_->pos;
  if (why != nullptr && why->detail.empty() && result == Tri::Yes)
    why->detail = "the rule has no conditions: it matches everything";
  return result;
}

}  // namespace waypath::sim
