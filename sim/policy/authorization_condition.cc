// Conditions of rules: which attribute each field or key reads, and each value in the form that the proxies
// compare.

#include <algorithm>
#include <array>

#include "model/base/edit_distance.h"
#include "sim/match/header_values.h"
#include "sim/match/route_match.h"
#include "sim/policy/authorization_rule.h"

namespace waypath::sim {
namespace {

using model::AuthorizationAction;
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

std::optional<std::uint16_t> port_of(std::string_view text) {
  if (text.empty() || text.size() > 5 || text.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  unsigned value = 0;
  for (const char c : text) value = value * 10 + static_cast<unsigned>(c - '0');
  if (value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

bool is_address(Attribute a) {
  return a == Attribute::SourceIp || a == Attribute::RemoteIp || a == Attribute::DestinationIp;
}

bool usable_value(Attribute attribute, std::string_view text) {
  if (is_address(attribute)) return model::parse_cidr_or_ip(text).has_value();
  if (attribute == Attribute::Port) return port_of(text).has_value();
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
      return one == domain || starred(domain, one) || starred(one, domain);
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

// iss and sub are compared apart, split at the last slash.
// Source: istio pilot/pkg/security/authz/model/generator.go requestPrincipalGenerator
void split_request_principal(std::string_view v, CompiledValue& out) {
  const auto slash = v.rfind('/');
  if (slash != std::string_view::npos) {
    out.text = ValueMatch(v.substr(0, slash));
    out.second = ValueMatch(v.substr(slash + 1));
  } else if (v == "*") {
    out.text = out.second = ValueMatch("*");
  } else if (!v.empty() && v.front() == '*') {
    out.text = ValueMatch("*");
    out.second = ValueMatch(v);
  } else if (!v.empty() && v.back() == '*') {
    out.text = ValueMatch(v);
    out.second = ValueMatch("*");
  } else {
    out.text = ValueMatch(v);
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
        out.push_back(value);
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
        value.cidr = model::parse_cidr_or_ip(v.text);
        break;
      case Attribute::Port:
        value.port = port_of(v.text).value_or(0);
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

// ---- matching ----

std::string list(const PolicyValues& values) {
  std::string out;
  for (std::size_t i = 0; i < values.size() && i < 4; ++i)
    out.append(i == 0 ? "" : ", ").append(values[i].text);
  if (values.size() > 4) out.append(", ... ").append(std::to_string(values.size())).append(" in all");
  return out;
}

std::string negated(std::string_view name) {
  if (name.find('.') != std::string_view::npos) return std::string(name) + " (notValues)";
  std::string out(name);
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return "not" + out;
}

Tri tri(bool b) { return b ? Tri::Yes : Tri::No; }

const Claim* find_claim(const Token& token, std::string_view path) {  // "[a][b]"
  const std::map<std::string, Claim, std::less<>>* level = &token.claims;
  const Claim* found = nullptr;
  while (!path.empty()) {
    const auto close = path.find(']');
    if (path.front() != '[' || close == std::string_view::npos) return nullptr;
    const auto it = level->find(path.substr(1, close - 1));
    path.remove_prefix(close + 1);
    if (it == level->end()) return nullptr;
    found = &it->second;
    level = &found->object;
  }
  return found;
}

bool any_text(const std::vector<std::string>& texts, const ValueMatch& match) {
  return std::any_of(texts.begin(), texts.end(), [&](const std::string& t) { return match.matches(t); });
}

Tri match_claim(const Token& token, std::string_view path, const ValueMatch& match) {
  if (const Claim* c = find_claim(token, path)) {
    if (c->kind == Claim::Kind::String) return tri(match.matches(c->text));
    return tri(c->kind == Claim::Kind::List &&
               any_text(c->list, match));  // numbers, booleans and objects never match
  }
  // Registered claims that Token keeps apart.
  if (path == "[iss]" && !token.issuer.empty()) return tri(match.matches(token.issuer));
  if (path == "[sub]" && !token.subject.empty()) return tri(match.matches(token.subject));
  if (path == "[aud]" && any_text(token.audiences, match)) return Tri::Yes;
  return token.complete ? Tri::No : Tri::Unknown;
}

// A token always has a subject, whatever it is. Source: OpenID Connect Core 1.0 section 2
Tri match_request_principal(const Token& token, const CompiledValue& v) {
  if (!v.text.matches(token.issuer)) return Tri::No;
  if (!token.subject.empty() || token.complete) return tri(v.second.matches(token.subject));
  return v.second.kind() == ValueMatch::Kind::Present ? Tri::Yes : Tri::Unknown;
}

std::optional<std::string> header(const RequestState& request, std::string_view name) {
  if (name == ":authority" || name == "host") return request.host;
  if (name == ":method") return request.method;
  if (name == ":path") return request.path;
  if (name == ":scheme") return request.scheme;
  std::optional<std::string> value;
  for (const auto& [key, text] : request.headers)
    if (key == name) value = value ? *value + "," + text : text;
  return value;
}

// Source: envoyproxy/envoy source/extensions/filters/common/rbac/matchers.cc HeaderMatcher::matches
Tri match_header(const Condition& c, const CompiledValue& v, const RequestState& request) {
  const auto matches = [&](std::string_view value) {
    return v.text.kind() == ValueMatch::Kind::Present || v.text.matches(value);
  };
  if (c.each_value && c.key.front() != ':' && c.key != "host") {
    const auto values = header_values(request.headers, c.key);
    return tri(std::any_of(values.begin(), values.end(), matches));
  }
  const auto value = header(request, c.key);
  return tri(value && matches(*value));
}

const std::optional<model::IpAddress>& address(Attribute a, const RequestState& r) {
  if (a == Attribute::SourceIp) return r.source_ip;
  return a == Attribute::RemoteIp ? r.remote_ip : r.destination_ip;
}

Tri match_one(const Condition& c, const CompiledValue& v, Dialect dialect, const PolicyRequest& view) {
  const RequestState& r = view.state;
  const auto& peer = r.peer;
  if (v.unknowable) return Tri::Unknown;
  switch (c.attribute) {
    case Attribute::Principal:
      if (!peer.present()) return Tri::No;
      return tri(v.regex != nullptr ? v.regex->full_match(peer.principal) : v.text.matches(peer.principal));
    case Attribute::Namespace:
      // Source: ztunnel src/rbac.rs matches (a connection without identity has the namespace "")
      if (dialect == Dialect::Ztunnel)
        return tri(v.text.matches(peer.present() ? peer.ns.view() : std::string_view()));
      if (!peer.present()) return Tri::No;
      return tri(v.contains ? peer.principal.find(v.text.text()) != std::string::npos
                            : v.regex->full_match(peer.principal));
    case Attribute::ServiceAccount: {
      if (!peer.present()) return Tri::No;
      if (dialect != Dialect::Ztunnel) return tri(v.regex->full_match(peer.principal));
      return tri(v.text.matches(peer.ns.view()) && v.second.matches(peer.service_account.view()));
    }
    case Attribute::TrustDomain:
      return tri(peer.present() &&
                 v.text.matches(std::string_view(peer.principal).substr(0, peer.principal.find('/'))));
    case Attribute::SourceIp:
    case Attribute::RemoteIp:
    case Attribute::DestinationIp: {
      const auto& ip = address(c.attribute, r);
      if (ip) return tri(v.cidr->contains(*ip));
      return v.cidr->prefix == 0 && v.cidr->is_v4() ? Tri::Yes : Tri::Unknown;
    }
    case Attribute::Port:
      return r.port == 0 ? Tri::Unknown : tri(v.port == r.port);
    case Attribute::RequestPrincipal:
      return r.verified ? match_request_principal(*r.verified, v) : Tri::No;
    case Attribute::Host:
      return tri(v.text.matches(view.host));
    case Attribute::Method:
      return tri(v.text.matches(r.method));
    case Attribute::Path:
      return tri(v.regex != nullptr ? v.regex->full_match(view.path) : v.text.matches(view.path));
    case Attribute::Header:
      return match_header(c, v, r);
    case Attribute::Sni:
      return tri(!r.sni.empty() && v.text.matches(r.sni));
    case Attribute::Audiences:
      return tri(r.verified && any_text(r.verified->audiences, v.text));
    case Attribute::Claim:
      return r.verified ? match_claim(*r.verified, c.key, v.text) : Tri::No;
    case Attribute::FilterMetadata:
    case Attribute::UnknownKey:
      return Tri::No;
  }
  return Tri::No;
}

// ---- words ----

// The request's side of a comparison.
std::string seen(const Condition& c, const PolicyRequest& view) {
  const RequestState& r = view.state;
  const auto token = [&](const std::string& text) {
    return r.verified ? text : std::string("the request has no verified token");
  };
  switch (c.attribute) {
    case Attribute::Principal:
    case Attribute::Namespace:
    case Attribute::ServiceAccount:
    case Attribute::TrustDomain:
      return r.peer.present() ? "caller is " + r.peer.principal : "caller has no identity";
    case Attribute::SourceIp:
      return "source address is " + (r.source_ip ? r.source_ip->to_string() : "not known");
    case Attribute::RemoteIp:
      return "remote address is " + (r.remote_ip ? r.remote_ip->to_string() : "not known");
    case Attribute::DestinationIp:
      return "destination address is " + (r.destination_ip ? r.destination_ip->to_string() : "not known");
    case Attribute::Port:
      return "port is " + std::to_string(r.port);
    case Attribute::RequestPrincipal:
      return r.verified ? "request principal is " + r.verified->issuer + "/" + r.verified->subject
                        : token({});
    case Attribute::Host:
      return "host is " + r.host;
    case Attribute::Method:
      return "method is " + r.method;
    case Attribute::Path:
      return "path is " + view.path;
    case Attribute::Header: {
      const auto value = header(r, c.key);
      return value ? "the header is " + *value : "there is no such header";
    }
    case Attribute::Sni:
      return r.sni.empty() ? "no SNI is seen here" : "SNI is " + r.sni;
    case Attribute::Audiences: {
      std::string all;
      if (r.verified)
        for (const auto& a : r.verified->audiences) all += (all.empty() ? "" : ", ") + a;
      return token(all.empty() ? "the token names no audience" : "the token is for " + all);
    }
    case Attribute::Claim: {
      const Claim* found = r.verified ? find_claim(*r.verified, c.key) : nullptr;
      if (found == nullptr) return token("the token has no such claim");
      if (found->kind != Claim::Kind::List)
        return "the claim is " +
               (found->kind == Claim::Kind::Object ? std::string("an object") : found->text);
      std::string all;
      for (const auto& one : found->list) all += (all.empty() ? "" : ", ") + one;
      return "the claim is [" + all + "]";
    }
    case Attribute::FilterMetadata:
      return "no filter sets such metadata";
    case Attribute::UnknownKey:
      return "no proxy knows this key";
  }
  return {};
}

// What an undecided comparison lacks.
std::string missing(const Condition& c, const PolicyRequest& view) {
  const std::string wanted =
      " (for " + std::string(c.name) + ": " + list(c.written->empty() ? *c.not_written : *c.written) + ")";
  switch (c.attribute) {
    case Attribute::SourceIp:
      return "the source address at this point" + wanted;
    case Attribute::RemoteIp:
      return "the client's address at this point" + wanted;
    case Attribute::DestinationIp:
      return "the destination's address" + wanted;
    case Attribute::Port:
      return "the destination port at this point" + wanted;
    case Attribute::RequestPrincipal:
      return "the subject of the session's token" + wanted;
    case Attribute::Claim:
      return "claims of the session's token" + wanted;
    default:
      return seen(c, view) + wanted;
  }
}

// Whether the attribute is about who connects, rather than what is asked for.
bool names_caller(Attribute attribute) {
  return attribute == Attribute::Principal || attribute == Attribute::Namespace ||
         attribute == Attribute::ServiceAccount;
}

// Which listed principal comes closest, and in which part it differs.
std::string nearest_principal(const PolicyValues& values, const std::string& caller,
                              std::size_t& distance_out) {
  const auto parts = [](std::string_view text) {
    std::vector<std::string_view> out;
    while (true) {
      const auto slash = text.find('/');
      out.push_back(text.substr(0, slash));
      if (slash == std::string_view::npos) return out;
      text.remove_prefix(slash + 1);
    }
  };
  static constexpr std::array<std::string_view, 5> kPart{"trust domain", "", "namespace", "",
                                                         "service account"};
  const auto mine = parts(caller);
  const PolicyValue* best = nullptr;
  std::size_t best_distance = 0;
  for (const auto& v : values) {
    const auto theirs = parts(v.text);
    if (theirs.size() != mine.size()) continue;
    // A part that differs weighs more than letters within it; with three of them it is another caller.
    std::size_t other_parts = 0, distance = 0;
    for (std::size_t i = 0; i < mine.size() && other_parts <= 2; ++i) {
      if (mine[i] == theirs[i]) continue;
      ++other_parts;
      distance += 1000 + model::edit_distance(theirs[i], mine[i]);
    }
    if (other_parts > 2) continue;
    if (best == nullptr || distance < best_distance) {
      best = &v;
      best_distance = distance;
    }
  }
  if (best == nullptr || mine.size() != kPart.size()) return {};
  distance_out = best_distance;
  const auto theirs = parts(best->text);
  std::string what;
  for (std::size_t i = 0; i < mine.size(); ++i)
    if (mine[i] != theirs[i] && !kPart[i].empty())
      what.append(what.empty() ? "" : ", ")
          .append(kPart[i])
          .append(" ")
          .append(theirs[i])
          .append(" instead of ")
          .append(mine[i]);
  if (what.empty()) return {};
  return (values.size() > 1 ? "; nearest is " + best->text + ": " : "; differs in ") + what;
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

// Any of `values`, none of `notValues`.
Tri match_condition(const Condition& c, Dialect dialect, const PolicyRequest& request, RuleMatch* why) {
  const bool own = dialect == Dialect::Ztunnel && c.differs_at_ztunnel();
  const auto& values = own ? c.ztunnel_values : c.values;
  const auto& not_values = own ? c.ztunnel_not_values : c.not_values;
  Tri result = values.empty() ? Tri::Yes : Tri::No;
  const CompiledValue* matched = nullptr;
  for (const auto& v : values) {
    const Tri one = match_one(c, v, dialect, request);
    if (one == Tri::Unknown) result = Tri::Unknown;
    if (one != Tri::Yes) continue;
    result = Tri::Yes;
    matched = &v;
    break;
  }
  const CompiledValue* excluded = nullptr;
  if (result != Tri::No) {
    for (const auto& v : not_values) {
      const Tri one = match_one(c, v, dialect, request);
      if (one == Tri::Unknown) result = Tri::Unknown;
      if (one != Tri::Yes) continue;
      result = Tri::No;
      excluded = &v;
      break;
    }
  }
  if (why == nullptr) return result;
  why->pos = c.pos;
  if (result == Tri::Unknown) {
    why->missing_fact = !c.missing_fact.empty() ? c.missing_fact : missing(c, request);
  } else if (result == Tri::Yes) {
    why->detail = matched != nullptr ? std::string(c.name) + ": " + matched->written->text
                                     : negated(c.name) + ": " + list(*c.not_written);
    if (matched != nullptr) why->pos = matched->written->pos;
    if (matched != nullptr && names_caller(c.attribute)) why->distance = 0;
    why->detail += "; " + seen(c, request);
  } else if (excluded != nullptr) {
    why->pos = excluded->written->pos;
    why->detail = negated(c.name) + ": " + excluded->written->text + "; " + seen(c, request);
  } else {
    why->detail = std::string(c.name) + ": " + list(*c.written) + "; " + seen(c, request);
    if (c.attribute == Attribute::Principal && request.state.peer.present())
      why->detail += nearest_principal(*c.written, request.state.peer.principal, why->distance);
  }
  return result;
}

}  // namespace waypath::sim
