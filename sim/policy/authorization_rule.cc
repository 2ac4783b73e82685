#include "sim/policy/authorization_rule.h"

#include <algorithm>
#include <array>
#include <vector>

#include "sim/match/policy_match.h"

namespace waypath::sim {
namespace {

using model::AuthorizationAction;
using model::PolicyValue;
using model::PolicyValues;

enum class Attribute : std::uint8_t {
  Principal,
  Namespace,
  ServiceAccount,
  TrustDomain,
  SourceIp,
  RemoteIp,
  RequestPrincipal,
  Host,
  Port,
  Method,
  Path,
  Header,
  DestinationIp,
  Sni,
  Audiences,
  Presenter,
  Claim,
  Unsupported
};

struct Condition {
  std::string_view name;
  Attribute attribute;
  const PolicyValues* values;
  const PolicyValues* not_values;
  std::string key;  // header name, claim path
  model::SourcePos pos;
  bool http_only = false;  // not in TCP chains, not at ztunnel
  bool ztunnel = false;    // kept in ztunnel's form
};

bool given(const Condition& c) { return !c.values->empty() || !c.not_values->empty(); }

std::vector<Condition> source_conditions(const model::AuthorizationSource& s) {
  std::vector<Condition> all{
      {"principals", Attribute::Principal, &s.principals, &s.not_principals, {}, s.pos, false, true},
      {"requestPrincipals",
       Attribute::RequestPrincipal,
       &s.request_principals,
       &s.not_request_principals,
       {},
       s.pos,
       true,
       false},
      {"namespaces", Attribute::Namespace, &s.namespaces, &s.not_namespaces, {}, s.pos, false, true},
      {"serviceAccounts",
       Attribute::ServiceAccount,
       &s.service_accounts,
       &s.not_service_accounts,
       {},
       s.pos,
       false,
       true},
      {"trustDomains",
       Attribute::TrustDomain,
       &s.trust_domains,
       &s.not_trust_domains,
       {},
       s.pos,
       false,
       false},
      {"ipBlocks", Attribute::SourceIp, &s.ip_blocks, &s.not_ip_blocks, {}, s.pos, false, true},
      {"remoteIpBlocks",
       Attribute::RemoteIp,
       &s.remote_ip_blocks,
       &s.not_remote_ip_blocks,
       {},
       s.pos,
       false,
       false}};
  std::erase_if(all, [](const Condition& c) { return !given(c); });
  return all;
}

std::vector<Condition> operation_conditions(const model::AuthorizationOperation& o) {
  std::vector<Condition> all{
      {"hosts", Attribute::Host, &o.hosts, &o.not_hosts, {}, o.pos, true, false},
      {"ports", Attribute::Port, &o.ports, &o.not_ports, {}, o.pos, false, true},
      {"methods", Attribute::Method, &o.methods, &o.not_methods, {}, o.pos, true, false},
      {"paths", Attribute::Path, &o.paths, &o.not_paths, {}, o.pos, true, false}};
  std::erase_if(all, [](const Condition& c) { return !given(c); });
  return all;
}

// Source: istio pilot/pkg/security/authz/model/model.go New
Condition when_condition(const model::AuthorizationCondition& w) {
  struct Row {
    std::string_view key;
    Attribute attribute;
    bool http_only, ztunnel;
  };
  static constexpr std::array kRows{Row{"source.ip", Attribute::SourceIp, false, true},
                                    Row{"remote.ip", Attribute::RemoteIp, false, false},
                                    Row{"source.namespace", Attribute::Namespace, false, true},
                                    Row{"source.principal", Attribute::Principal, false, true},
                                    Row{"source.serviceAccount", Attribute::ServiceAccount, false, false},
                                    Row{"source.trustDomain", Attribute::TrustDomain, false, false},
                                    Row{"request.auth.principal", Attribute::RequestPrincipal, true, false},
                                    Row{"request.auth.audiences", Attribute::Audiences, true, false},
                                    Row{"request.auth.presenter", Attribute::Presenter, true, false},
                                    Row{"destination.ip", Attribute::DestinationIp, false, true},
                                    Row{"destination.port", Attribute::Port, false, true},
                                    Row{"connection.sni", Attribute::Sni, false, false}};
  Condition c{w.key, Attribute::Unsupported, &w.values, &w.not_values, {}, w.pos, false, false};
  for (const auto& row : kRows) {
    if (row.key != w.key) continue;
    c.attribute = row.attribute;
    c.http_only = row.http_only;
    c.ztunnel = row.ztunnel;
    return c;
  }
  const auto bracketed = [&](std::string_view prefix) {
    return w.key.size() > prefix.size() && std::string_view(w.key).substr(0, prefix.size()) == prefix &&
           w.key.back() == ']';
  };
  if (bracketed("request.headers[")) {
    c.attribute = Attribute::Header;
    c.key = w.key.substr(16, w.key.size() - 17);
    std::transform(c.key.begin(), c.key.end(), c.key.begin(),
                   [](char ch) { return ch >= 'A' && ch <= 'Z' ? static_cast<char>(ch - 'A' + 'a') : ch; });
    c.http_only = true;
  } else if (bracketed("request.auth.claims[")) {
    c.attribute = Attribute::Claim;
    c.key = w.key.substr(19);  // "[a][b]"
    c.http_only = true;
  }
  return c;
}

// Whether a proxy can use the value at all. Source: istio pilot/pkg/security/authz/model/model.go checkError
bool usable(const Condition& c, const PolicyValue& v) {
  switch (c.attribute) {
    case Attribute::SourceIp:
    case Attribute::RemoteIp:
    case Attribute::DestinationIp:
      return model::parse_cidr_or_ip(v.text).has_value();
    case Attribute::Port:
      return !v.text.empty() && v.text.size() <= 5 &&
             v.text.find_first_not_of("0123456789") == std::string::npos && std::stoi(v.text) <= 65535;
    case Attribute::Unsupported:
      return false;
    default:
      return true;
  }
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> out;
  std::size_t start = 0;
  while (start <= text.size()) {
    const auto end = std::min(text.find(' ', start), text.size());
    if (end > start) out.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

const Claim* find_claim(const Token& token, std::string_view path) {  // "[a][b]"
  const std::map<std::string, Claim, std::less<>>* level = &token.claims;
  const Claim* found = nullptr;
  while (!path.empty()) {
    const auto close = path.find(']');
    if (path.front() != '[' || close == std::string_view::npos) return nullptr;
    const auto name = path.substr(1, close - 1);
    path.remove_prefix(close + 1);
    const auto it = level->find(name);
    if (it == level->end()) return nullptr;
    found = &it->second;
    level = &found->object;
  }
  return found;
}

class Matcher {
 public:
  Matcher(const model::Cluster& cluster, const model::AuthorizationPolicy& policy, Dialect dialect,
          const RequestState& request)
      : cluster_(cluster),
        policy_(policy),
        dialect_(dialect),
        request_(request),
        allow_(policy.action == AuthorizationAction::Allow) {}

  RuleMatch rule(const model::AuthorizationRule& r) {
    return dialect_ == Dialect::Ztunnel ? ztunnel(r) : envoy(r);
  }

 private:
  // --- Envoy
  // -----------------------------------------------------------------------------------------------------------------
  RuleMatch envoy(const model::AuthorizationRule& r) {
    RuleMatch out;
    out.pos = r.pos;
    std::vector<std::vector<Condition>> sources, operations;
    for (const auto& s : r.from) sources.push_back(source_conditions(s));
    for (const auto& o : r.to) operations.push_back(operation_conditions(o));
    std::vector<Condition> whens;
    for (const auto& w : r.when) whens.push_back(when_condition(w));
    if (const Condition* bad = first_unusable(sources, operations, whens); bad != nullptr && allow_) {
      out.dropped = true;
      out.detail =
          bad->http_only && dialect_ == Dialect::EnvoyTcp
              ? std::string(bad->name) +
                    ": HTTP attributes cannot be matched on a TCP port, so the rule is left out"
              : std::string(bad->name) + ": the value cannot be used, so the proxy leaves the rule out";
      out.pos = bad->pos;
      return out;
    }
    Tri result = Tri::Yes;
    const auto clause = [&](const std::vector<std::vector<Condition>>& entries) {
      if (entries.empty()) return true;
      RuleMatch best;
      Tri any = Tri::No;
      for (const auto& entry : entries) {
        RuleMatch one = all_of(entry);
        if (one.result == Tri::Yes) {
          ++out.depth;
          return true;
        }
        if (one.result == Tri::Unknown) any = Tri::Unknown;
        if (best.detail.empty() || one.depth > best.depth) best = std::move(one);
      }
      return note(out, result, any, best);
    };
    if (!clause(sources) || !clause(operations)) return out;
    for (const auto& c : whens) {
      RuleMatch one = all_of({c});
      if (one.result == Tri::Yes) {
        ++out.depth;
      } else if (!note(out, result, one.result, one)) {
        return out;
      }
    }
    out.result = result;
    return out;
  }

  // True while the rule can still hold.
  static bool note(RuleMatch& out, Tri& result, Tri clause, const RuleMatch& best) {
    if (clause == Tri::Unknown) {
      result = Tri::Unknown;
      if (out.missing_fact.empty()) out.missing_fact = best.missing_fact;
      return true;
    }
    out.result = Tri::No;
    out.detail = best.detail;
    out.pos = best.pos.known() ? best.pos : out.pos;
    out.depth += best.depth;
    return false;
  }

  const Condition* first_unusable(const std::vector<std::vector<Condition>>& sources,
                                  const std::vector<std::vector<Condition>>& operations,
                                  const std::vector<Condition>& whens) const {
    const auto bad = [&](const Condition& c) {
      if (dialect_ == Dialect::EnvoyTcp && c.http_only) return true;
      const auto unusable = [&](const PolicyValue& v) { return !usable(c, v); };
      return c.attribute == Attribute::Unsupported ||
             std::any_of(c.values->begin(), c.values->end(), unusable) ||
             std::any_of(c.not_values->begin(), c.not_values->end(), unusable);
    };
    for (const auto* groups : {&sources, &operations})
      for (const auto& group : *groups)
        for (const auto& c : group)
          if (bad(c)) return &c;
    for (const auto& c : whens)
      if (bad(c)) return &c;
    return nullptr;
  }

  RuleMatch all_of(const std::vector<Condition>& conditions) const {
    RuleMatch out;
    out.result = Tri::Yes;
    for (const auto& c : conditions) {
      // DENY, AUDIT and CUSTOM lose a condition that the proxy cannot use and get wider.
      if (!allow_ &&
          ((dialect_ == Dialect::EnvoyTcp && c.http_only) || c.attribute == Attribute::Unsupported))
        continue;
      const auto one = condition(c);
      if (one.result == Tri::Yes) {
        ++out.depth;
        continue;
      }
      if (one.result == Tri::Unknown) {
        if (out.result == Tri::Yes) out.result = Tri::Unknown;
        if (out.missing_fact.empty()) out.missing_fact = one.missing_fact;
        continue;
      }
      out.result = Tri::No;
      out.detail = one.detail;
      out.pos = one.pos;
      return out;
    }
    return out;
  }

  // Any of `values`, none of `not_values`.
  RuleMatch condition(const Condition& c) const {
    RuleMatch out;
    out.pos = c.values->empty() ? (c.not_values->empty() ? c.pos : c.not_values->front().pos)
                                : c.values->front().pos;
    std::string seen, missing;
    Tri result = Tri::Yes;
    if (!c.values->empty()) {
      result = Tri::No;
      for (const auto& v : *c.values) {
        if (!usable(c, v)) continue;
        const Tri one = value(c, v.text, seen, missing);
        if (one == Tri::Yes) {
          result = Tri::Yes;
          break;
        }
        if (one == Tri::Unknown) result = Tri::Unknown;
      }
      if (result == Tri::No) out.detail = std::string(c.name) + ": " + list(*c.values) + "; " + seen;
    }
    if (result != Tri::No) {
      for (const auto& v : *c.not_values) {
        if (!usable(c, v)) continue;
        const Tri one = value(c, v.text, seen, missing);
        if (one == Tri::Yes) {
          result = Tri::No;
          out.detail = negated(c.name) + ": " + v.text + "; " + seen;
          out.pos = v.pos;
          break;
        }
        if (one == Tri::Unknown) result = Tri::Unknown;
      }
    }
    out.result = result;
    out.missing_fact = missing;
    return out;
  }

  static std::string negated(std::string_view name) {
    std::string out(name);
    if (out.find('.') != std::string::npos) return out + " (notValues)";
    if (!out.empty()) out[0] = static_cast<char>(out[0] - 'a' + 'A');
    return "not" + out;
  }

  static std::string list(const PolicyValues& values) {
    std::string out;
    for (std::size_t i = 0; i < values.size() && i < 4; ++i)
      out.append(i == 0 ? "" : ", ").append(values[i].text);
    if (values.size() > 4) out.append(", ... ").append(std::to_string(values.size())).append(" in all");
    return out;
  }

  Tri ip(const std::optional<model::IpAddress>& address, std::string_view text, std::string_view what,
         std::string& seen, std::string& missing) const {
    const auto cidr = model::parse_cidr_or_ip(text);
    if (!cidr) return Tri::No;
    if (!address) {
      missing = std::string(what) + " address at this point (for " + std::string(text) + ")";
      return cidr->prefix == 0 && cidr->is_v4() ? Tri::Yes : Tri::Unknown;
    }
    seen = std::string(what) + " is " + address->to_string();
    return cidr->contains(*address) ? Tri::Yes : Tri::No;
  }

  static Tri tri(bool b) { return b ? Tri::Yes : Tri::No; }

  // One value of one condition; `seen` gets what it was compared with.
  Tri value(const Condition& c, std::string_view v, std::string& seen, std::string& missing) const {
    const bool z = dialect_ == Dialect::Ztunnel;
    const auto& peer = request_.peer;
    const auto caller = [&] {
      seen = peer.present() ? "caller is " + peer.principal : "caller has no identity";
    };
    switch (c.attribute) {
      case Attribute::Principal:
        caller();
        if (!peer.present()) return Tri::No;
        if (z) return tri(match_value(v, peer.principal));
        return tri(principal(v));
      case Attribute::Namespace:
        caller();
        if (z) return tri(peer.present() ? match_value(v, peer.ns.view()) : v.empty());
        return tri(peer.present() && match_wildcards(v, peer.ns.view()));
      case Attribute::ServiceAccount: {
        caller();
        const auto slash = v.find('/');
        const auto ns = slash == std::string_view::npos ? policy_.meta.key.ns.view() : v.substr(0, slash);
        const auto name = slash == std::string_view::npos ? v : v.substr(slash + 1);
        return tri(peer.present() && peer.ns == ns && peer.service_account == name);
      }
      case Attribute::TrustDomain: {
        caller();
        if (!peer.present()) return Tri::No;
        const auto domain = std::string_view(peer.principal).substr(0, peer.principal.find('/'));
        if (match_value(v, domain)) return Tri::Yes;
        return tri(alias(v) && alias(domain));
      }
      case Attribute::SourceIp:
        return ip(request_.source_ip, v, "source", seen, missing);
      case Attribute::RemoteIp:
        return ip(request_.remote_ip, v, "remote", seen, missing);
      case Attribute::DestinationIp:
        return ip(request_.destination_ip, v, "destination", seen, missing);
      case Attribute::Port:
        seen = "port is " + std::to_string(request_.port);
        if (request_.port == 0) {
          missing = "the destination port at this point";
          return Tri::Unknown;
        }
        return tri(v == std::to_string(request_.port));
      case Attribute::RequestPrincipal:
        return request_principal(v, seen);
      case Attribute::Host:
        seen = "host is " + request_.host;
        return tri(match_value(v, request_.host, true));
      case Attribute::Method:
        seen = "method is " + request_.method;
        return tri(match_value(v, request_.method));
      case Attribute::Path: {
        const auto path = normalized_path(request_.path, cluster_.mesh().path_normalization);
        seen = "path is " + path;
        return tri(match_path(v, path));
      }
      case Attribute::Header: {
        std::optional<std::string> value;
        for (const auto& [name, text] : request_.headers)
          if (name == c.key) value = value ? *value + "," + text : text;
        seen = value ? "header is " + *value : "no such header";
        return tri(value && (v == "*" || match_value(v, *value)));
      }
      case Attribute::Sni:
        seen = request_.sni.empty() ? "no SNI is seen here" : "SNI is " + request_.sni;
        return tri(!request_.sni.empty() && match_value(v, request_.sni));
      case Attribute::Audiences:
        seen = request_.verified ? "audiences of the token differ" : "no verified token";
        return tri(request_.verified &&
                   std::any_of(request_.verified->audiences.begin(), request_.verified->audiences.end(),
                               [&](const auto& a) { return match_value(v, a); }));
      case Attribute::Presenter:
        return claim("[azp]", v, seen);
      case Attribute::Claim:
        return claim(c.key, v, seen);
      case Attribute::Unsupported:
        return Tri::No;
    }
    return Tri::No;
  }

  // Source: istio pilot/pkg/security/trustdomain/bundle.go ReplaceTrustDomainAliases
  [[nodiscard]] bool alias(std::string_view domain) const {
    const auto& mesh = cluster_.mesh();
    return domain == mesh.trust_domain || domain == "cluster.local" ||
           std::find(mesh.trust_domain_aliases.begin(), mesh.trust_domain_aliases.end(), domain) !=
               mesh.trust_domain_aliases.end();
  }

  [[nodiscard]] bool principal(std::string_view v) const {
    const auto& own = request_.peer.principal;
    if (match_value(v, own)) return true;
    if (std::count(v.begin(), v.end(), '/') != 4) return false;
    const auto slash = v.find('/');
    const auto domain = v.substr(0, slash);
    if (domain == "*" || !alias(domain)) return false;
    const auto own_slash = own.find('/');
    return alias(std::string_view(own).substr(0, own_slash)) &&
           match_value(v.substr(slash), std::string_view(own).substr(own_slash));
  }

  // iss and sub are compared apart, split at the last slash. Source: istio
  // pilot/pkg/security/authz/model/generator.go
  Tri request_principal(std::string_view v, std::string& seen) const {
    if (!request_.verified) {
      seen = "the request has no verified token";
      return Tri::No;
    }
    const auto& t = *request_.verified;
    seen = "request principal is " + t.issuer + "/" + t.subject;
    if (v == "*") return tri(!t.issuer.empty() && !t.subject.empty());
    const auto slash = v.rfind('/');
    if (slash == std::string_view::npos) {
      if (!v.empty() && v.back() == '*') return tri(match_value(v, t.issuer));
      if (!v.empty() && v.front() == '*') return tri(match_value(v, t.subject));
      return tri(t.issuer == v && t.subject.empty());
    }
    const auto iss = v.substr(0, slash), sub = v.substr(slash + 1);
    const bool issuer =
        iss == "*" || (!iss.empty() && iss.front() == '*' ? match_value(iss, t.issuer) : t.issuer == iss);
    const bool subject =
        sub == "*" || (!sub.empty() && sub.back() == '*' ? match_value(sub, t.subject) : t.subject == sub);
    return tri(issuer && subject);
  }

  Tri claim(std::string_view path, std::string_view v, std::string& seen) const {
    const Claim* found = request_.verified ? find_claim(*request_.verified, path) : nullptr;
    Claim standard;  // registered claims are kept apart from the rest
    if (found == nullptr && request_.verified) {
      standard.kind = Claim::Kind::String;
      if (path == "[iss]") standard.text = request_.verified->issuer;
      if (path == "[sub]") standard.text = request_.verified->subject;
      if (path == "[aud]") {
        standard.kind = Claim::Kind::List;
        standard.list = request_.verified->audiences;
      }
      if (!standard.text.empty() || !standard.list.empty()) found = &standard;
    }
    if (found == nullptr) {
      seen = request_.verified ? "the token has no such claim" : "the request has no verified token";
      return Tri::No;
    }
    seen = "claim is " + (found->kind == Claim::Kind::List ? std::string("a list") : found->text);
    if (found->kind == Claim::Kind::String) {
      if (path == "[scope]" || path == "[permission]") {
        const auto words = split_words(found->text);
        return tri(std::any_of(words.begin(), words.end(), [&](const auto& w) { return match_value(v, w); }));
      }
      return tri(match_value(v, found->text));
    }
    if (found->kind == Claim::Kind::List)
      return tri(std::any_of(found->list.begin(), found->list.end(),
                             [&](const auto& w) { return match_value(v, w); }));
    return Tri::No;
  }

  // --- ztunnel
  // ---------------------------------------------------------------------------------------------------------------
  // Source: istio pilot/pkg/serviceregistry/kube/controller/ambient/authorization.go handleRule; ztunnel
  // src/rbac.rs matches
  RuleMatch ztunnel(const model::AuthorizationRule& r) {
    RuleMatch out;
    out.pos = r.pos;
    std::vector<std::vector<std::vector<Condition>>> clauses;
    const auto add = [&](std::vector<std::vector<Condition>> entries) {
      if (!entries.empty()) clauses.push_back(std::move(entries));
    };
    std::vector<std::vector<Condition>> operations, sources;
    for (const auto& o : r.to) operations.push_back(operation_conditions(o));
    for (const auto& s : r.from) sources.push_back(source_conditions(s));
    add(std::move(operations));
    add(std::move(sources));
    for (const auto& w : r.when) clauses.push_back({{when_condition(w)}});
    if (allow_) {
      for (const auto& clause : clauses)
        for (const auto& entry : clause)
          for (const auto& c : entry) {
            // trustDomains of a source vanish without a word; everything else that is not L4 removes the
            // rule.
            if (c.ztunnel || c.name == "trustDomains") continue;
            out.dropped = true;
            out.detail = std::string(c.name) +
                         ": HTTP attributes cannot be enforced at ztunnel, so the rule is left out";
            out.pos = c.values->empty() ? c.pos : c.values->front().pos;
            return out;
          }
    }
    Tri result = Tri::Yes;
    for (const auto& clause : clauses) {
      Tri any = Tri::No;
      RuleMatch best;
      for (const auto& entry : clause) {
        std::vector<Condition> kept;
        for (const auto& c : entry)
          if (c.ztunnel) kept.push_back(c);
        RuleMatch one;
        if (kept.empty()) {
          one.detail =
              entry.empty()
                  ? "an empty entry matches nothing at ztunnel"
                  : std::string(entry.front().name) +
                        ": HTTP attributes cannot be enforced at ztunnel, so this entry matches nothing";
        } else {
          one = all_of(kept);
        }
        if (one.result == Tri::Yes) {
          any = Tri::Yes;
          break;
        }
        if (one.result == Tri::Unknown) any = Tri::Unknown;
        if (best.detail.empty() || one.depth > best.depth) best = std::move(one);
      }
      if (any == Tri::Yes) {
        ++out.depth;
        continue;
      }
      if (!note(out, result, any, best)) return out;
    }
    out.result = result;
    return out;
  }

  const model::Cluster& cluster_;
  const model::AuthorizationPolicy& policy_;
  Dialect dialect_;
  const RequestState& request_;
  bool allow_;
};

}  // namespace

Dialect dialect_of(const PolicyPoint& point) {
  if (point.kind == PolicyPoint::Kind::Ztunnel) return Dialect::Ztunnel;
  return point.http ? Dialect::EnvoyHttp : Dialect::EnvoyTcp;
}

RuleMatch match_rule(const model::Cluster& cluster, const model::AuthorizationPolicy& policy,
                     const model::AuthorizationRule& rule, Dialect dialect, const RequestState& request) {
  return Matcher(cluster, policy, dialect, request).rule(rule);
}

}  // namespace waypath::sim
