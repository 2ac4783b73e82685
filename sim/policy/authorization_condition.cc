// Conditions of rules, compiled: which attribute each field or key reads, and each value in the form that the
// proxies compare.

#include <algorithm>
#include <array>

#include "model/istio/policy_port.h"
#include "sim/match/route_match.h"
#include "sim/policy/authorization_rule.h"

namespace waypath::sim {
namespace {

using model::Feature;
using model::PolicyValue;
using model::PolicyValues;

constexpr std::uint8_t bit(Dialect d) { return static_cast<std::uint8_t>(1U << static_cast<unsigned>(d)); }

// Keys of `when`. Source: istio pilot/pkg/security/authz/model/model.go New; for ztunnel:
// ambient/authorization.go handleRule
struct Key {
  std::string_view key;
  Attribute attribute;
  bool ztunnel;
  std::string_view claim = {};
};
constexpr std::array kKeys{
    Key{"source.ip", Attribute::SourceIp, true},
    Key{"remote.ip", Attribute::RemoteIp, false},
    Key{"source.namespace", Attribute::Namespace, true},
    Key{"source.principal", Attribute::Principal, true},
    Key{"source.serviceAccount", Attribute::ServiceAccount, false},
    Key{"source.trustDomain", Attribute::TrustDomain, false},
    Key{"request.auth.principal", Attribute::RequestPrincipal, false},
    Key{"request.auth.audiences", Attribute::Audiences, false},
    Key{"request.auth.presenter", Attribute::Claim, false, "[azp]"},
    Key{"destination.ip", Attribute::DestinationIp, true},
    Key{"destination.port", Attribute::Port, true},
    Key{"connection.sni", Attribute::Sni, false},
};

bool is_address(Attribute a) {
  return a == Attribute::SourceIp || a == Attribute::RemoteIp || a == Attribute::DestinationIp;
}

bool usable_value(Attribute attribute, std::string_view text) {
  if (is_address(attribute)) return model::parse_policy_block(text).has_value();
  if (attribute == Attribute::Port) return model::parse_policy_port(text).has_value();
  return true;
}

std::shared_ptr<const RegexMatch> regex(const std::string& pattern) {
  return std::make_shared<const RegexMatch>(pattern);
}

// Source: istio pilot/pkg/security/trustdomain/bundle.go
class TrustDomains {
 public:
  explicit TrustDomains(const model::MeshConfig& mesh) : all_{mesh.trust_domain} {
    all_.insert(all_.end(), mesh.trust_domain_aliases.begin(), mesh.trust_domain_aliases.end());
  }
  [[nodiscard]] bool known(std::string_view domain) const {
    return std::any_of(all_.begin(), all_.end(), [&](const std::string& one) {
      return one == domain || one == "*" || starred(domain, one) || starred(one, domain);
    });
  }
  /// The principal once for each trust domain of the mesh, when it names one of them.
  [[nodiscard]] std::vector<std::string> principals(std::string_view value) const {
    const auto slash = value.find('/');
    const auto domain = value.substr(0, slash);
    if (std::count(value.begin(), value.end(), '/') != 4 || domain == "*") return {std::string(value)};
    if (!known(domain) && domain != "cluster.local") return {std::string(value)};
    std::vector<std::string> out;
    for (const auto& one : all_) {
      std::string next = suffix(one, domain) ? std::string(value) : one + std::string(value.substr(slash));
      if (std::find(out.begin(), out.end(), next) == out.end()) out.push_back(std::move(next));
    }
    return out;
  }
  [[nodiscard]] std::vector<std::string> domains(std::string_view value) const {
    if (std::find(all_.begin(), all_.end(), value) == all_.end()) return {std::string(value)};
    return all_;
  }

 private:
  static bool suffix(std::string_view text, std::string_view pattern) {
    return pattern.size() > 1 && pattern.front() == '*' && text.size() >= pattern.size() - 1 &&
           text.substr(text.size() - (pattern.size() - 1)) == pattern.substr(1);
  }
  static bool starred(std::string_view text, std::string_view pattern) {
    if (pattern.size() > 1 && pattern.back() == '*')
      return text.substr(0, pattern.size() - 1) == pattern.substr(0, pattern.size() - 1);
    return suffix(text, pattern);
  }
  std::vector<std::string> all_;
};

// iss and sub are compared apart, split at the last slash. Of a value one end may have a star: the other part
// is then compared as it is written.
// Source: istio pilot/pkg/security/authz/model/generator.go requestPrincipalGenerator
void split_request_principal(std::string_view v, CompiledValue& out) {
  const auto slash = v.rfind('/');
  const bool found = slash != std::string_view::npos;
  const std::string_view iss = v.substr(0, slash), sub = found ? v.substr(slash + 1) : std::string_view{};
  if (v == "*") {
    out.text = out.second = ValueMatch("*");
  } else if (v.starts_with('*')) {
    out.text = ValueMatch(found ? iss : "*");
    out.second = found ? ValueMatch::exact(sub) : ValueMatch(v);
  } else if (v.ends_with('*')) {
    out.text = found ? ValueMatch::exact(iss) : ValueMatch(v);
    out.second = ValueMatch(found ? sub : "*");
  } else {
    out.text = ValueMatch::exact(iss);
    out.second = ValueMatch::exact(sub);
  }
}

// Names in certificates. Source: istio pilot/pkg/security/authz/model/generator.go
void compile_name(const model::Cluster& cluster, const model::AuthorizationPolicy& policy,
                  Attribute attribute, std::string_view v, CompiledValue value,
                  std::vector<CompiledValue>& out) {
  const auto& profile = cluster.profile();
  const TrustDomains domains(cluster.mesh());
  switch (attribute) {
    case Attribute::Principal:
      for (const auto& one : domains.principals(v)) {
        value.text = ValueMatch(one);
        if (value.text.kind() == ValueMatch::Kind::Suffix &&
            !profile.has(Feature::RegexEscapedInPrincipals) && has_regex_syntax(one))
          value.regex = regex(".*" + one.substr(1));
        out.push_back(value);
      }
      return;
    case Attribute::Namespace: {
      const bool raw = !profile.has(Feature::RegexEscapedInPrincipals) && has_regex_syntax(v);
      if (v.find('*') != std::string_view::npos || raw) {
        value.regex = regex(".*/ns/" + (raw ? unquoted_regex(v, ".*") : quoted_regex(v, ".*")) + "/.*");
      } else {
        value.contains = true;
        value.text = ValueMatch("/ns/" + std::string(v) + "/");
      }
      out.push_back(std::move(value));
      return;
    }
    case Attribute::ServiceAccount: {
      const auto slash = v.find('/');
      const auto ns = slash == std::string_view::npos ? policy.meta.key.ns.view() : v.substr(0, slash);
      const auto name = slash == std::string_view::npos ? v : v.substr(slash + 1);
      const bool raw = !profile.has(Feature::RegexEscapedInServiceAccounts);
      const auto part = [&](std::string_view text) { return raw ? std::string(text) : quoted_regex(text); };
      value.text = ValueMatch::exact(ns);
      value.second = ValueMatch::exact(name);
      value.regex = regex(".+/ns/" + part(ns) + "/(.+/|)sa/" + part(name) + "(/.+)?");
      out.push_back(std::move(value));
      return;
    }
    case Attribute::TrustDomain:
      for (const auto& one : domains.domains(v)) {
        value.text = ValueMatch(one);
        const auto star = one.find('*');
        if (star != std::string::npos && star > 0 && star + 1 < one.size())
          value.regex =
              regex(quoted_regex(one.substr(0, star)) + "[^/]*" + quoted_regex(one.substr(star + 1)));
        out.push_back(value);
        value.regex = nullptr;
      }
      return;
    default:
      return;
  }
}

std::vector<CompiledValue> compile_values(const model::Cluster* cluster,
                                          const model::AuthorizationPolicy& policy, const Condition& c,
                                          const PolicyValues& values, bool ztunnel) {
  std::vector<CompiledValue> out;
  for (const auto& v : values) {
    if (!usable_value(c.attribute, v.text)) continue;
    CompiledValue value;
    value.written = &v;
    value.unknowable = !c.missing_fact.empty();
    switch (c.attribute) {
      case Attribute::SourceIp:
      case Attribute::RemoteIp:
      case Attribute::DestinationIp:
        value.cidr = model::parse_policy_block(v.text);
        break;
      case Attribute::Port:
        value.port = model::parse_policy_port(v.text).value_or(0);
        break;
      case Attribute::RequestPrincipal:
        split_request_principal(v.text, value);
        break;
      case Attribute::Host:
        value.text = ValueMatch(v.text, true);
        break;
      case Attribute::Path:
        if (is_path_template(v.text)) {
          value.regex = regex(path_template_regex(v.text));
        } else {
          value.text = ValueMatch(v.text);
        }
        break;
      case Attribute::Principal:
      case Attribute::Namespace:
      case Attribute::ServiceAccount:
      case Attribute::TrustDomain:
        if (!ztunnel) {
          compile_name(*cluster, policy, c.attribute, v.text, std::move(value), out);
          continue;
        }
        value.text = ValueMatch(v.text);
        break;
      default:
        value.text = ValueMatch(v.text);
        break;
    }
    out.push_back(std::move(value));
  }
  return out;
}

Condition make(const model::Cluster* cluster, const model::AuthorizationPolicy& policy, std::string_view name,
               Attribute attribute, bool ztunnel, const PolicyValues& values, const PolicyValues& not_values,
               model::SourcePos pos, std::string key = {}) {
  Condition c;
  c.attribute = attribute;
  c.name = name;
  c.key = std::move(key);
  c.pos = !values.empty() ? values.front().pos : !not_values.empty() ? not_values.front().pos : pos;
  c.written = &values;
  c.not_written = &not_values;
  c.each_value = cluster != nullptr && cluster->profile().has(Feature::RepeatedHeadersMatchedEach);
  if (attribute == Attribute::ServiceAccount && cluster != nullptr &&
      !cluster->profile().has(Feature::ServiceAccountsField))
    c.missing_fact = "what Istio " + cluster->profile().version().str() + " does with " + std::string(name) +
                     ", which it does not know";
  if (attribute == Attribute::TrustDomain && cluster != nullptr &&
      !cluster->profile().has(Feature::TrustDomainsField))
    c.missing_fact = "what Istio " + cluster->profile().version().str() + " does with " + std::string(name) +
                     ", which it does not know";
  // Metadata of Envoy filters: only an EnvoyFilter (or Envoy's own protocol filters) can set it.
  if (attribute == Attribute::FilterMetadata &&
      (name.substr(0, 35) == "experimental.envoy.filters.network." ||
       std::any_of(cluster->snapshot().all<model::UnmodelledPolicy>().begin(),
                   cluster->snapshot().all<model::UnmodelledPolicy>().end(),
                   [](const auto& p) { return p->meta.key.kind == "EnvoyFilter"; })))
    c.missing_fact = "metadata that " + std::string(name) + " reads: Envoy filters set it";
  c.values = compile_values(cluster, policy, c, values, false);
  c.not_values = compile_values(cluster, policy, c, not_values, false);
  if (c.differs_at_ztunnel()) {
    c.ztunnel_values = compile_values(cluster, policy, c, values, true);
    c.ztunnel_not_values = compile_values(cluster, policy, c, not_values, true);
  }
  if (c.values.empty() && c.not_values.empty()) return c;
  if (attribute == Attribute::UnknownKey) return c;
  c.active = bit(Dialect::EnvoyHttp);
  if (!http_only(attribute)) c.active = static_cast<std::uint8_t>(c.active | bit(Dialect::EnvoyTcp));
  if (ztunnel) c.active = static_cast<std::uint8_t>(c.active | bit(Dialect::Ztunnel));
  return c;
}

}  // namespace

bool http_only(Attribute attribute) {
  switch (attribute) {
    case Attribute::RequestPrincipal:
    case Attribute::Host:
    case Attribute::Method:
    case Attribute::Path:
    case Attribute::Header:
    case Attribute::Audiences:
    case Attribute::Claim:
      return true;
    default:
      return false;
  }
}

bool usable(const Condition& c) {
  const auto good = [&](const PolicyValue& v) { return usable_value(c.attribute, v.text); };
  return std::all_of(c.written->begin(), c.written->end(), good) &&
         std::all_of(c.not_written->begin(), c.not_written->end(), good);
}

std::vector<Condition> compile_source(const model::Cluster& cluster, const model::AuthorizationPolicy& policy,
                                      const model::AuthorizationSource& s) {
  std::vector<Condition> out;
  const auto add = [&](std::string_view name, Attribute a, bool ztunnel, const PolicyValues& values,
                       const PolicyValues& not_values) {
    if (!values.empty() || !not_values.empty())
      out.push_back(make(&cluster, policy, name, a, ztunnel, values, not_values, s.pos));
  };
  add("principals", Attribute::Principal, true, s.principals, s.not_principals);
  add("requestPrincipals", Attribute::RequestPrincipal, false, s.request_principals,
      s.not_request_principals);
  add("namespaces", Attribute::Namespace, true, s.namespaces, s.not_namespaces);
  add("serviceAccounts", Attribute::ServiceAccount, true, s.service_accounts, s.not_service_accounts);
  add("trustDomains", Attribute::TrustDomain, false, s.trust_domains, s.not_trust_domains);
  add("ipBlocks", Attribute::SourceIp, true, s.ip_blocks, s.not_ip_blocks);
  add("remoteIpBlocks", Attribute::RemoteIp, false, s.remote_ip_blocks, s.not_remote_ip_blocks);
  return out;
}

std::vector<Condition> compile_operation(const model::AuthorizationPolicy& policy,
                                         const model::AuthorizationOperation& o) {
  std::vector<Condition> out;
  const auto add = [&](std::string_view name, Attribute a, bool ztunnel, const PolicyValues& values,
                       const PolicyValues& not_values) {
    if (!values.empty() || !not_values.empty())
      out.push_back(make(nullptr, policy, name, a, ztunnel, values, not_values, o.pos));
  };
  add("hosts", Attribute::Host, false, o.hosts, o.not_hosts);
  add("ports", Attribute::Port, true, o.ports, o.not_ports);
  add("methods", Attribute::Method, false, o.methods, o.not_methods);
  add("paths", Attribute::Path, false, o.paths, o.not_paths);
  return out;
}

Condition compile_when(const model::Cluster& cluster, const model::AuthorizationPolicy& policy,
                       const model::AuthorizationCondition& w) {
  for (const auto& row : kKeys)
    if (row.key == w.key)
      return make(&cluster, policy, w.key, row.attribute, row.ztunnel, w.values, w.not_values, w.pos,
                  std::string(row.claim));
  const std::string_view key = w.key;
  const auto bracketed = [&](std::string_view prefix) {
    return key.size() > prefix.size() + 1 && key.substr(0, prefix.size()) == prefix && key.back() == ']';
  };
  if (bracketed("request.headers["))
    return make(&cluster, policy, w.key, Attribute::Header, false, w.values, w.not_values, w.pos,
                lower_case(key.substr(16, key.size() - 17)));
  if (bracketed("request.auth.claims["))
    return make(&cluster, policy, w.key, Attribute::Claim, false, w.values, w.not_values, w.pos,
                std::string(key.substr(19)));
  if (bracketed("experimental.envoy.filters."))
    return make(&cluster, policy, w.key, Attribute::FilterMetadata, false, w.values, w.not_values, w.pos);
  return make(&cluster, policy, w.key, Attribute::UnknownKey, false, w.values, w.not_values, w.pos);
}

}  // namespace waypath::sim
