// AuthorizationPolicy, RequestAuthentication, PeerAuthentication.
//
// What istiod's validation webhook would refuse is reported as a warning and the object is kept all the same:
// it may have entered the cluster past the webhook, and both proxies give such objects a defined meaning.
// Source: istio pkg/config/validation/validation.go ValidateAuthorizationPolicy,
// ValidateRequestAuthentication, ...

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>

#include "model/diagnostic_codes.h"
#include "model/istio/policy_port.h"
#include "model/load/decoders.h"

namespace waypath::model {
namespace {

void refused(const Field& f, std::string_view type, std::string message, std::string hint = {}) {
  f.context().diagnostics.report({kPolicyRefusedByWebhook, Severity::Warning, Reach::Rejected, f.pos(),
                                  f.context().object(), f.path(), std::string(type),
                                  std::move(message) + "; istiod's webhook refuses this", std::move(hint)});
}

PolicyAttachment decode_attachment(const Field& spec) {
  PolicyAttachment out;
  if (const Field selector = spec["selector"]) {
    selector.only({"matchLabels"});
    out.selector = decode_match_labels(selector["matchLabels"]);
    out.selector->pos = selector.pos();
    if (out.selector->empty())
      selector.warn(
          kPolicyRefusedByWebhook,
          "a selector without labels: sidecars and gateways read it as the whole namespace, ztunnel "
          "attaches it to no pod at all",
          "leave the selector out to mean the whole namespace");
  }
  const auto add = [&](const Field& f) {
    f.only({"group", "kind", "name", "namespace"});
    PolicyTargetRef ref{f["group"].text(), f["kind"].text(), f["name"].symbol(), f["namespace"].text(),
                        f.pos()};
    if (ref.name.empty()) refused(f["name"], error_type::kRequired, "a target reference needs its name");
    if (!ref.ns.empty())
      refused(f["namespace"], error_type::kForbidden,
              "a target reference stays in the policy's own namespace",
              "leave namespace out and put the policy beside its target");
    const bool known = (ref.kind == "Gateway" && ref.group == "gateway.networking.k8s.io") ||
                       (ref.kind == "Service" && (ref.group.empty() || ref.group == "core")) ||
                       (ref.kind == "ServiceEntry" && ref.group == "networking.istio.io") ||
                       (ref.kind == "GatewayClass" && ref.group == "gateway.networking.k8s.io");
    if (!known)
      refused(f["kind"], error_type::kNotSupported,
              "\"" + ref.group + "/" + ref.kind + "\" cannot be a target",
              "known: gateway.networking.k8s.io/Gateway, gateway.networking.k8s.io/GatewayClass, Service "
              "(group \"\"), "
              "networking.istio.io/ServiceEntry");
    out.target_refs.push_back(std::move(ref));
  };
  spec["targetRefs"].each(add);
  if (out.target_refs.empty() && spec["targetRef"]) add(spec["targetRef"]);
  if (spec["targetRef"] && spec["targetRefs"].size() != 0)
    refused(spec["targetRef"], error_type::kForbidden, "only one of targetRef and targetRefs can be set");
  if (out.selector && !out.target_refs.empty())
    refused(spec["selector"], error_type::kForbidden, "only one of targetRefs and selector can be set",
            "gateways and waypoints use the target, sidecars and ztunnel ignore the policy");
  return out;
}

PolicyValues decode_values(const Field& list) {
  PolicyValues out;
  list.each([&](const Field& f) {
    auto text = f.text();
    if (text.empty()) refused(f, error_type::kInvalid, "an empty value");
    out.push_back({std::move(text), f.pos()});
  });
  if (list.present() && list.node()->is_sequence() && list.size() == 0)
    refused(list, error_type::kInvalid, "an empty list");
  return out;
}

// Source: istio pkg/config/security/security.go ValidateIPs
void check_ips(const Field& list, const PolicyValues& values) {
  for (const auto& v : values) {
    if (!parse_policy_block(v.text))
      refused(list, error_type::kInvalid, "\"" + v.text + "\" is neither an address nor a CIDR block");
  }
}

// Source: istio pkg/config/security/security.go CheckServiceAccount
void check_service_accounts(const Field& list) {
  if (list.size() > 16) refused(list, error_type::kTooMany, "at most 16 service accounts");
  list.each([&](const Field& v) {
    const auto text = v.text();
    const auto slash = text.find('/');
    if (text.find('*') != std::string::npos)
      refused(v, error_type::kInvalid, "service accounts take no wildcards");
    else if (slash == 0 || (slash != std::string::npos && slash + 1 == text.size()) ||
             std::count(text.begin(), text.end(), '/') > 1)
      refused(v, error_type::kInvalid,
              "\"" + text + "\" is neither serviceAccount nor namespace/serviceAccount");
    else if (text.size() > 320)
      refused(v, error_type::kInvalid, "a service account of more than 320 characters");
  });
}

// Source: istio pkg/config/security/security.go CheckWildcardValues
void check_wildcards(const Field& list) {
  list.each([&](const Field& v) {
    const auto text = v.text();
    const auto stars = std::count(text.begin(), text.end(), '*');
    if (stars > 1 || (stars == 1 && text.front() != '*' && text.back() != '*'))
      refused(v, error_type::kInvalid,
              "\"" + text + "\": one wildcard is allowed, at the start or at the end");
  });
}

// Source: istio pkg/config/security/security.go CheckTrustDomainValues
void check_trust_domains(const Field& list) {
  check_wildcards(list);
  list.each([&](const Field& v) {
    if (v.text().find('/') != std::string::npos)
      refused(v, error_type::kInvalid, "a trust domain has no '/'");
  });
}

AuthorizationSource decode_source(const Field& f) {
  AuthorizationSource s;
  s.pos = f.pos();
  if (f.present()) {
    f.only({"principals", "notPrincipals", "requestPrincipals", "notRequestPrincipals", "namespaces",
            "notNamespaces", "serviceAccounts", "notServiceAccounts", "trustDomains", "notTrustDomains",
            "ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks"});
  }
  if (f.size() == 0) refused(f, error_type::kInvalid, "an empty source");
  s.principals = decode_values(f["principals"]);
  s.not_principals = decode_values(f["notPrincipals"]);
  s.request_principals = decode_values(f["requestPrincipals"]);
  s.not_request_principals = decode_values(f["notRequestPrincipals"]);
  s.namespaces = decode_values(f["namespaces"]);
  s.not_namespaces = decode_values(f["notNamespaces"]);
  s.service_accounts = decode_values(f["serviceAccounts"]);
  s.not_service_accounts = decode_values(f["notServiceAccounts"]);
  s.trust_domains = decode_values(f["trustDomains"]);
  s.not_trust_domains = decode_values(f["notTrustDomains"]);
  s.ip_blocks = decode_values(f["ipBlocks"]);
  s.not_ip_blocks = decode_values(f["notIpBlocks"]);
  s.remote_ip_blocks = decode_values(f["remoteIpBlocks"]);
  s.not_remote_ip_blocks = decode_values(f["notRemoteIpBlocks"]);
  check_ips(f["ipBlocks"], s.ip_blocks);
  check_ips(f["notIpBlocks"], s.not_ip_blocks);
  check_ips(f["remoteIpBlocks"], s.remote_ip_blocks);
  check_ips(f["notRemoteIpBlocks"], s.not_remote_ip_blocks);
  for (const std::string_view key : {"serviceAccounts", "notServiceAccounts"}) {
    const Field list = f[key];
    if (list.size() == 0) continue;
    for (const std::string_view other : {"principals", "notPrincipals", "namespaces", "notNamespaces"})
      if (f[other].size() != 0)
        refused(list, error_type::kForbidden,
                std::string(key) + " cannot be combined with " + std::string(other));
    check_service_accounts(list);
  }
  check_trust_domains(f["trustDomains"]);
  check_trust_domains(f["notTrustDomains"]);
  return s;
}

// Source: istio pkg/config/security/security.go CheckValidPathTemplate
const char* check_path_template(std::string_view path) {
  if (path.find('{') == std::string_view::npos && path.find('}') == std::string_view::npos) return nullptr;
  bool rest_seen = false;
  std::size_t start = 0;
  while (start <= path.size()) {
    const auto end = std::min(path.find('/', start), path.size());
    const auto segment = path.substr(start, end - start);
    start = end + 1;
    const bool one = segment == "{*}", rest = segment == "{**}";
    if ((one || rest) && rest_seen) return "nothing but literals may follow {**}";
    rest_seen |= rest;
    if (!one && !rest && segment.find_first_of("{}*") != std::string_view::npos)
      return "a segment of a path template is a literal, {*} or {**}";
  }
  return nullptr;
}

AuthorizationOperation decode_operation(const Field& f) {
  AuthorizationOperation o;
  o.pos = f.pos();
  if (f.present())
    f.only({"hosts", "notHosts", "ports", "notPorts", "methods", "notMethods", "paths", "notPaths"});
  if (f.size() == 0) refused(f, error_type::kInvalid, "an empty operation");
  o.hosts = decode_values(f["hosts"]);
  o.not_hosts = decode_values(f["notHosts"]);
  o.ports = decode_values(f["ports"]);
  o.not_ports = decode_values(f["notPorts"]);
  o.methods = decode_values(f["methods"]);
  o.not_methods = decode_values(f["notMethods"]);
  o.paths = decode_values(f["paths"]);
  o.not_paths = decode_values(f["notPaths"]);
  for (const std::string_view key : {"ports", "notPorts"}) {
    f[key].each([&](const Field& v) {
      const auto text = v.node()->is_string() ? std::string(v.node()->scalar) : std::string();
      const bool number = parse_policy_port(text).has_value();
      if (!number && v.node()->is_string())
        refused(v, error_type::kInvalid, "\"" + text + "\" is no port number");
    });
  }
  for (const std::string_view key : {"paths", "notPaths"}) {
    f[key].each([&](const Field& v) {
      if (!v.present() || !v.node()->is_scalar()) return;
      if (const char* bad = check_path_template(v.node()->scalar))
        refused(v, error_type::kInvalid, "\"" + std::string(v.node()->scalar) + "\": " + bad);
    });
  }
  return o;
}

// Source: istio pkg/config/security/security.go ValidateAttribute
constexpr std::array<std::string_view, 11> kConditionKeys{"source.ip",
                                                          "remote.ip",
                                                          "source.namespace",
                                                          "source.principal",
                                                          "source.serviceAccount",
                                                          "source.trustDomain",
                                                          "request.auth.principal",
                                                          "request.auth.audiences",
                                                          "request.auth.presenter",
                                                          "destination.ip",
                                                          "destination.port"};

bool is_one_of(std::string_view key, std::initializer_list<std::string_view> keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// Source: istio pkg/config/security/security.go ValidateAttribute, validateMapKey
void check_condition_key(const Field& f, const std::string& key) {
  const auto starts = [&](std::string_view prefix) { return key.compare(0, prefix.size(), prefix) == 0; };
  if (starts("request.headers") || starts("request.auth.claims") || starts("experimental.envoy.filters.")) {
    const auto open = key.find('[');
    if (key.back() != ']' || open == std::string::npos || open == 0 || open + 2 >= key.size())
      refused(f, error_type::kInvalid, "\"" + key + "\" should have the form a[b]");
    return;
  }
  if (key == "connection.sni" ||
      std::find(kConditionKeys.begin(), kConditionKeys.end(), key) != kConditionKeys.end())
    return;
  std::string hint;
  if (key == "destination.namespace") hint = "the policy's own namespace says so";
  if (starts("destination.labels")) hint = "the policy's selector says so";
  refused(f, error_type::kInvalid,
          "\"" + key + "\" is no known condition; sidecars and gateways skip the rule", std::move(hint));
}

void check_condition_values(const Field& list, const std::string& key, const PolicyValues& values) {
  if (is_one_of(key, {"source.ip", "remote.ip", "destination.ip"})) check_ips(list, values);
  if (key == "source.serviceAccount") check_service_accounts(list);
  if (key == "source.trustDomain") check_wildcards(list);
  if (key != "destination.port") return;
  for (const auto& v : values)
    if (!parse_policy_port(v.text))
      refused(list, error_type::kInvalid, "\"" + v.text + "\" is no port number");
}

AuthorizationRule decode_rule(const Field& f) {
  AuthorizationRule rule;
  rule.pos = f.pos();
  if (!f.present()) return rule;
  f.only({"from", "to", "when"});
  f["from"].each([&](const Field& x) {
    if (x.present()) x.only({"source"});
    rule.from.push_back(decode_source(x["source"]));
  });
  f["to"].each([&](const Field& x) {
    if (x.present()) x.only({"operation"});
    rule.to.push_back(decode_operation(x["operation"]));
  });
  for (const std::string_view key : {"from", "to"})
    if (f[key].present() && f[key].node()->is_sequence() && f[key].size() == 0)
      refused(f[key], error_type::kInvalid, "an empty list");
  f["when"].each([&](const Field& x) {
    x.only({"key", "values", "notValues"});
    AuthorizationCondition c;
    c.pos = x.pos();
    c.key = x["key"].text();
    if (c.key.empty()) {
      refused(x["key"], error_type::kRequired, "a condition needs its key");
    } else {
      check_condition_key(x["key"], c.key);
    }
    c.values = decode_values(x["values"]);
    c.not_values = decode_values(x["notValues"]);
    check_condition_values(x["values"], c.key, c.values);
    check_condition_values(x["notValues"], c.key, c.not_values);
    if (c.values.empty() && c.not_values.empty())
      refused(x, error_type::kRequired, "a condition needs values or notValues");
    rule.when.push_back(std::move(c));
  });
  return rule;
}

void check_custom_rule(const Field& f) {
  static constexpr std::array<std::string_view, 10> kIdentity{
      "principals",    "notPrincipals",   "requestPrincipals",  "notRequestPrincipals", "namespaces",
      "notNamespaces", "serviceAccounts", "notServiceAccounts", "trustDomains",         "notTrustDomains"};
  f["from"].each([&](const Field& x) {
    for (const auto key : kIdentity)
      if (x["source"][key].size() != 0)
        refused(x["source"][key], error_type::kForbidden,
                "CUSTOM rules cannot match identities, namespaces or tokens");
  });
  f["when"].each([&](const Field& x) {
    const auto key = x["key"];
    if (key.present() && key.node()->is_string() &&
        (key.node()->scalar.substr(0, 13) == "request.auth." ||
         is_one_of(key.node()->scalar,
                   {"source.namespace", "source.principal", "source.serviceAccount", "source.trustDomain"})))
      refused(key, error_type::kForbidden, "CUSTOM rules cannot match identities, namespaces or tokens");
  });
}

// Source: Go strconv.ParseBool
bool go_true(std::string_view text) { return is_one_of(text, {"1", "t", "T", "true", "TRUE", "True"}); }
bool go_false(std::string_view text) { return is_one_of(text, {"0", "f", "F", "false", "FALSE", "False"}); }

// Source: istio pkg/config/validation/validation.go checkDryRunAnnotation
void check_dry_run(const Field& annotations, AuthorizationAction action, std::string_view value) {
  if (action != AuthorizationAction::Allow && action != AuthorizationAction::Deny)
    refused(annotations, error_type::kForbidden, "istio.io/dry-run goes with ALLOW and DENY only");
  else if (!go_true(value) && !go_false(value))
    refused(annotations, error_type::kInvalid,
            "istio.io/dry-run: \"" + std::string(value) + "\" is neither true nor false");
}

// Source: istio pkg/config/validation/validation.go validateJwtRule; security.go ParseJwksURI
void check_jwt_rule(const Field& f, const JwtRule& rule) {
  if (rule.issuer.empty() && rule.jwks_uri.empty())
    refused(f, error_type::kRequired, "a JWT rule needs issuer or jwksUri");
  if (!rule.jwks_uri.empty() && rule.jwks_uri.compare(0, 7, "http://") != 0 &&
      rule.jwks_uri.compare(0, 8, "https://") != 0)
    refused(f["jwksUri"], error_type::kInvalid, "\"" + rule.jwks_uri + "\" is no http or https address");
  for (const std::string_view key : {"audiences", "fromParams", "fromCookies"})
    f[key].each([&](const Field& v) {
      if (v.text().empty()) refused(v, error_type::kInvalid, "an empty value");
    });
  f["outputClaimToHeaders"].each([&](const Field& h) {
    if (h["header"].text().empty() || h["claim"].text().empty())
      refused(h, error_type::kRequired, "a claim's header needs header and claim");
  });
}

}  // namespace

void decode_authorization_policy(const Field& root, ObjectMeta meta, Decoded& out) {
  AuthorizationPolicy p;
  p.meta = std::move(meta);
  root.only({"apiVersion", "kind", "metadata", "spec"}, {"status"});
  const Field spec = root["spec"];
  spec.only({"selector", "targetRef", "targetRefs", "action", "provider", "rules"});
  p.attachment = decode_attachment(spec);
  const auto action = spec["action"].one_of({"ALLOW", "DENY", "AUDIT", "CUSTOM"});
  p.action = action == "DENY"     ? AuthorizationAction::Deny
             : action == "AUDIT"  ? AuthorizationAction::Audit
             : action == "CUSTOM" ? AuthorizationAction::Custom
                                  : AuthorizationAction::Allow;
  p.provider = spec["provider"]["name"].text();
  p.provider_given = spec["provider"].present();
  p.rules_given = spec["rules"].present();
  // Source: istio pilot/pkg/security/authz/builder/builder.go build ("skipped nil rule")
  spec["rules"].each([&](const Field& f) {
    if (f.present())
      p.rules.push_back(decode_rule(f));
    else
      refused(f, error_type::kInvalid, "a rule that is null");
  });
  if (const auto* a = p.meta.annotation("istio.io/dry-run")) {
    p.dry_run = go_true(a->value);
    check_dry_run(root["metadata"]["annotations"], p.action, a->value);
  }
  if (p.action == AuthorizationAction::Custom) {
    if (p.provider.empty())
      refused(spec["provider"], error_type::kRequired,
              "action CUSTOM needs provider.name, one of meshConfig.extensionProviders");
    if (!p.rules_given)
      refused(spec["rules"], error_type::kRequired,
              "action CUSTOM needs rules; without any it never asks its provider");
    spec["rules"].each(check_custom_rule);
  } else {
    if (p.provider_given)
      refused(spec["provider"], error_type::kForbidden, "provider goes with action CUSTOM only");
    if (p.action == AuthorizationAction::Deny && !p.rules_given)
      refused(spec["rules"], error_type::kRequired, "action DENY needs rules; without any it never denies");
  }
  out.emplace_back(std::move(p));
}

void decode_request_authentication(const Field& root, ObjectMeta meta, Decoded& out) {
  RequestAuthentication p;
  p.meta = std::move(meta);
  root.only({"apiVersion", "kind", "metadata", "spec"}, {"status"});
  const Field spec = root["spec"];
  spec.only({"selector", "targetRef", "targetRefs", "jwtRules"});
  p.attachment = decode_attachment(spec);
  spec["jwtRules"].each([&](const Field& f) {
    f.only({"issuer", "audiences", "jwksUri", "jwks_uri", "jwks", "fromHeaders", "fromParams", "fromCookies",
            "outputPayloadToHeader", "outputClaimToHeaders", "forwardOriginalToken", "timeout",
            "spaceDelimitedClaims"});
    JwtRule r;
    r.pos = f.pos();
    r.issuer = f["issuer"].text();
    r.audiences = f["audiences"].texts();
    r.jwks_uri = f["jwksUri"].present() ? f["jwksUri"].text() : f["jwks_uri"].text();
    r.jwks = f["jwks"].text();
    if (!r.jwks_uri.empty() && !r.jwks.empty())
      refused(f["jwks"], error_type::kForbidden, "only one of jwks and jwksUri can be set");
    f["fromHeaders"].each([&](const Field& h) {
      h.only({"name", "prefix"});
      r.from_headers.push_back({h["name"].text(), h["prefix"].text()});
      if (r.from_headers.back().name.empty())
        refused(h["name"], error_type::kRequired, "a header location needs its name");
    });
    check_jwt_rule(f, r);
    r.from_params = f["fromParams"].texts();
    r.from_cookies = f["fromCookies"].texts();
    r.output_payload_to_header = f["outputPayloadToHeader"].text();
    f["outputClaimToHeaders"].each([&](const Field& h) {
      r.output_claim_to_headers.push_back({h["header"].text(), h["claim"].text()});
    });
    r.space_delimited_claims = f["spaceDelimitedClaims"].texts();
    r.forward_original_token = f["forwardOriginalToken"].boolean();
    r.timeout = f["timeout"].text();
    p.jwt_rules.push_back(std::move(r));
  });
  out.emplace_back(std::move(p));
}

namespace {

MtlsMode decode_mode(const Field& f) {
  const auto text = f.one_of({"UNSET", "DISABLE", "PERMISSIVE", "STRICT"});
  if (text == "DISABLE") return MtlsMode::Disable;
  if (text == "PERMISSIVE") return MtlsMode::Permissive;
  return text == "STRICT" ? MtlsMode::Strict : MtlsMode::Unset;
}

}  // namespace

void decode_peer_authentication(const Field& root, ObjectMeta meta, Decoded& out) {
  PeerAuthentication p;
  p.meta = std::move(meta);
  root.only({"apiVersion", "kind", "metadata", "spec"}, {"status"});
  const Field spec = root["spec"];
  spec.only({"selector", "mtls", "portLevelMtls"});
  if (const Field selector = spec["selector"]) {
    selector.only({"matchLabels"});
    p.selector = decode_match_labels(selector["matchLabels"]);
  }
  p.mode = decode_mode(spec["mtls"]["mode"]);
  p.mode_pos = spec["mtls"]["mode"].pos();
  spec["portLevelMtls"].each_member([&](std::string_view key, const Field& f) {
    const bool number =
        !key.empty() && key.size() <= 5 && key.find_first_not_of("0123456789") == std::string_view::npos;
    const int port = number ? std::stoi(std::string(key)) : 0;
    if (port < 1 || port > 65535) {
      f.reject(error_type::kInvalid,
               "portLevelMtls is keyed by port number, found \"" + std::string(key) + "\"");
      return;
    }
    p.port_level.emplace_back(static_cast<std::uint16_t>(port), decode_mode(f["mode"]));
  });
  std::sort(p.port_level.begin(), p.port_level.end());
  if (!p.port_level.empty() && (!p.selector || p.selector->empty()))
    refused(spec["portLevelMtls"], error_type::kForbidden,
            "portLevelMtls needs a selector; without one it is ignored");
  out.emplace_back(std::move(p));
}

}  // namespace waypath::model
