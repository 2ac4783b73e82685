// Whether a condition holds for a request, as each proxy compares it.

#include <algorithm>

#include "sim/match/forwarded_for.h"
#include "sim/match/header_values.h"
#include "sim/policy/authorization_rule.h"
#include "sim/policy/condition_words.h"
#include "sim/policy/request_values.h"

namespace waypath::sim {
namespace {

Tri tri(bool b) { return b ? Tri::Yes : Tri::No; }

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

// Source: envoyproxy/envoy source/extensions/filters/common/rbac/matchers.cc HeaderMatcher::matches
Tri match_header(const Condition& c, const CompiledValue& v, const RequestState& request) {
  const auto matches = [&](std::string_view value) {
    if (v.text.kind() == ValueMatch::Kind::Present || v.text.matches(value)) return Tri::Yes;
    return value.find(kUntoldAddress) == std::string_view::npos ? Tri::No : Tri::Unknown;
  };
  if (c.each_value && c.key.front() != ':' && c.key != "host") {
    Tri any = Tri::No;
    for (const auto& value : header_values(request.headers, c.key)) {
      const Tri one = matches(value);
      if (one == Tri::Yes) return one;
      if (one == Tri::Unknown) any = one;
    }
    return any;
  }
  const auto value = header_text(request, c.key);
  return value ? matches(*value) : Tri::No;
}

const std::optional<model::IpAddress>& address(Attribute a, const RequestState& r) {
  if (a == Attribute::SourceIp) return r.source_ip;
  return a == Attribute::RemoteIp ? r.remote_ip : r.destination_ip;
}

// What an ext_authz provider may set when it lets a request pass. Source: envoy
// source/extensions/filters/http/ext_authz/ext_authz.cc onComplete
bool unsettled(const Condition& c) {
  switch (c.attribute) {
    case Attribute::Header:
      return c.key.front() != ':' && c.key != "host";
    case Attribute::RequestPrincipal:
    case Attribute::Audiences:
    case Attribute::Claim:
    case Attribute::FilterMetadata:
      return true;
    default:
      return false;
  }
}

Tri match_one(const Condition& c, const CompiledValue& v, Dialect dialect, const PolicyRequest& view) {
  const RequestState& r = view.state;
  const auto& peer = r.peer;
  if (v.unknowable || (r.unsettled && unsettled(c))) return Tri::Unknown;
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
    case Attribute::TrustDomain: {
      if (!peer.present()) return Tri::No;
      const auto domain = std::string_view(peer.principal).substr(0, peer.principal.find('/'));
      return tri(v.regex != nullptr ? v.regex->full_match(domain) : v.text.matches(domain));
    }
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

}  // namespace

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
    why->missing_fact = !c.missing_fact.empty() ? c.missing_fact : missing_fact(c, request);
  } else if (result == Tri::Yes) {
    why->detail = matched != nullptr ? std::string(c.name) + ": " + matched->written->text
                                     : negated_name(c.name) + ": " + list_values(*c.not_written);
    if (matched != nullptr) why->pos = matched->written->pos;
    if (matched != nullptr && names_caller(c.attribute)) why->distance = 0;
    why->detail += "; " + request_side(c, request);
  } else if (excluded != nullptr) {
    why->pos = excluded->written->pos;
    why->detail = negated_name(c.name) + ": " + excluded->written->text + "; " + request_side(c, request);
  } else {
    why->detail = std::string(c.name) + ": " + list_values(*c.written) + "; " + request_side(c, request);
    if (c.attribute == Attribute::Principal && request.state.peer.present())
      why->detail += nearest_principal(*c.written, request.state.peer.principal, why->distance);
  }
  return result;
}

}  // namespace waypath::sim
