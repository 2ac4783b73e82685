// AuthorizationPolicy and PeerAuthentication, one rule of the semantics a case.

#include "sim/reasons/authz.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "sim/policy/attachment.h"
#include "tests/sim/authz_support.h"

namespace waypath::tests {
namespace {

using sim::Decision;
using sim::PolicyPoint;

Decision at(const PolicyPoint& point, const std::string& policies, const sim::RequestState& request,
            const std::string& version = {}) {
  return AuthzWorld(policies, version).decide(point, request);
}

TEST_CASE("AuthorizationPolicy: without any policy everything is allowed") {
  AuthzWorld w("");
  auto r = request_from();
  CHECK(w.judge(ztunnel_point(), r).reason.code == sim::kAuthzDefaultAllow);
  CHECK(w.decide(sidecar_point(), request_from()) == Decision::Allow);
}

TEST_CASE("AuthorizationPolicy: DENY wins over ALLOW") {
  const auto both =
      authorization_policy("a", "{rules: [{}]}") +
      authorization_policy("d", "{action: DENY, rules: [{from: [{source: {namespaces: [shop]}}]}]}");
  CHECK(at(ztunnel_point(), both, request_from()) == Decision::Deny);
  CHECK(at(ztunnel_point(), both, request_from("other")) == Decision::Allow);
}

TEST_CASE("AuthorizationPolicy: the empty forms of ALLOW and DENY") {
  CHECK(at(ztunnel_point(), authorization_policy("nothing", "{}"), request_from()) == Decision::Deny);
  CHECK(at(sidecar_point(), authorization_policy("nothing", "{}"), request_from()) == Decision::Deny);
  CHECK(at(sidecar_point(), authorization_policy("all", "{rules: [{}]}"), request_from()) == Decision::Allow);
  CHECK(at(sidecar_point(), authorization_policy("deny-none", "{action: DENY}"), request_from()) ==
        Decision::Allow);
  CHECK(at(ztunnel_point(), authorization_policy("deny-all", "{action: DENY, rules: [{}]}"),
           request_from()) == Decision::Deny);
}

TEST_CASE("AuthorizationPolicy: a refusal names the nearest rule and what differs") {
  AuthzWorld w(
      authorization_policy(
          "far",
          "{rules: [{from: [{source: {namespaces: [elsewhere]}}], to: [{operation: {ports: ['1']}}]}]}") +
      authorization_policy("near",
                           "{rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/frontent]}}], "
                           "to: [{operation: {ports: ['8080']}}]}]}"));
  auto r = request_from();
  const auto result = w.judge(ztunnel_point(), r);
  CHECK(result.decision == Decision::Deny);
  CHECK(result.reason.code == sim::kZtunnelNoAllowMatch);
  REQUIRE(result.reason.by);
  CHECK(result.reason.by->key.str() == "AuthorizationPolicy/shop/near");
  CHECK(result.reason.by->rule == 0);
  CHECK(result.reason.detail ==
        "principals: cluster.local/ns/shop/sa/frontent; caller is cluster.local/ns/shop/sa/frontend; differs "
        "in service account frontent instead of frontend");
  CHECK(result.deciders.size() == 2);
  CHECK(w.trace.near_misses.size() == 2);
}

TEST_CASE("AuthorizationPolicy: fewer failed conditions are nearer than more that hold") {
  AuthzWorld w(
      authorization_policy(
          "another-caller",
          "{rules: [{from: [{source: {namespaces: [ops], principals: [cluster.local/ns/ops/sa/ops]}}], "
          "to: [{operation: {ports: ['8080'], methods: [GET]}}]}]}") +
      authorization_policy("token",
                           "{rules: [{from: [{source: {requestPrincipals: ['https://sso.example/*']}}]}]}"));
  auto r = request_from();
  const auto result = w.judge(sidecar_point(), r);
  REQUIRE(result.reason.by);
  CHECK(result.reason.by->key.str() == "AuthorizationPolicy/shop/token");
}

TEST_CASE("AuthorizationPolicy: the caller's own rule with a wrong port is nearer than another caller's") {
  AuthzWorld w(authorization_policy("another-caller",
                                    "{rules: [{from: [{source: {namespaces: [ops]}}], to: [{operation: "
                                    "{ports: ['8080']}}]}]}") +
               authorization_policy("own",
                                    "{rules: [{from: [{source: {principals: "
                                    "[cluster.local/ns/shop/sa/frontend]}}], to: [{operation: {ports: "
                                    "['15008']}}]}]}"));
  auto r = request_from();
  const auto result = w.judge(ztunnel_point(), r);
  REQUIRE(result.reason.by);
  CHECK(result.reason.by->key.str() == "AuthorizationPolicy/shop/own");
}

TEST_CASE(
    "AuthorizationPolicy: an allowed request names every policy that admits it and what the others lack") {
  AuthzWorld w(authorization_policy("b-all", "{rules: [{}]}") +
               authorization_policy("a-own", "{rules: [{from: [{source: {namespaces: [shop]}}]}]}") +
               authorization_policy("c-other", "{rules: [{from: [{source: {namespaces: [ops]}}]}]}"));
  auto r = request_from();
  const auto result = w.judge(ztunnel_point(), r);
  CHECK(result.decision == Decision::Allow);
  REQUIRE(result.deciders.size() == 2);
  CHECK(result.deciders[0].key.str() == "AuthorizationPolicy/shop/a-own");
  CHECK(result.deciders[1].key.str() == "AuthorizationPolicy/shop/b-all");
  REQUIRE(result.reason.by);
  CHECK(result.reason.by->key.str() == "AuthorizationPolicy/shop/a-own");
  const auto other = std::find_if(w.trace.nodes.begin(), w.trace.nodes.end(), [](const auto& node) {
    return node.reason.by && node.reason.by->key.name == std::string_view("c-other");
  });
  REQUIRE(other != w.trace.nodes.end());
  CHECK(other->decision == Decision::NotApplicable);
  REQUIRE(other->children.size() == 1);
  CHECK(other->children.front().reason.detail.find("namespaces: ops; caller is") == 0);
}

TEST_CASE("AuthorizationPolicy: port 15008 in a policy gets the hint that policy ports are inner ports") {
  AuthzWorld w(authorization_policy("p", "{rules: [{to: [{operation: {ports: ['15008']}}]}]}"));
  auto r = request_from();
  CHECK(w.judge(ztunnel_point(), r).reason.detail.find("policy ports are inner ports: use 8080") !=
        std::string::npos);
}

TEST_CASE(
    "AuthorizationPolicy at ztunnel: an ALLOW rule with HTTP attributes is left out and still isolates") {
  AuthzWorld w(authorization_policy("l7", "{rules: [{to: [{operation: {methods: [GET]}}]}]}"));
  auto r = request_from();
  const auto result = w.judge(ztunnel_point(), r);
  CHECK(result.decision == Decision::Deny);
  CHECK(result.reason.detail ==
        "methods: HTTP attributes cannot be enforced at ztunnel, so the rule is left out");
  CHECK(w.decide(sidecar_point(), request_from()) == Decision::Allow);
}

TEST_CASE(
    "AuthorizationPolicy at ztunnel: a DENY clause of HTTP attributes alone never denies, one that keeps an "
    "L4 field gets wider") {
  CHECK(at(ztunnel_point(),
           authorization_policy("d", "{action: DENY, rules: [{to: [{operation: {methods: [POST]}}]}]}"),
           request_from()) == Decision::Allow);
  CHECK(at(ztunnel_point(),
           authorization_policy(
               "d", "{action: DENY, rules: [{to: [{operation: {methods: [POST], ports: ['8080']}}]}]}"),
           request_from()) == Decision::Deny);
  CHECK(at(ztunnel_point(),
           authorization_policy("d",
                                "{action: DENY, rules: [{from: [{source: {namespaces: [shop]}}], to: "
                                "[{operation: {methods: [GET]}}]}]}"),
           request_from()) == Decision::Allow);
}

TEST_CASE("AuthorizationPolicy on TCP: HTTP conditions vanish from DENY and remove the rule from ALLOW") {
  const std::string rule = "rules: [{to: [{operation: {methods: [POST]}}]}]}";
  CHECK(at(sidecar_point(false), authorization_policy("d", "{action: DENY, " + rule), request_from()) ==
        Decision::Deny);
  CHECK(at(sidecar_point(false), authorization_policy("a", "{" + rule), request_from()) == Decision::Deny);
  CHECK(at(sidecar_point(true), authorization_policy("d", "{action: DENY, " + rule), request_from()) ==
        Decision::Allow);
}

TEST_CASE("AuthorizationPolicy: trustDomains are honoured by Envoy and unknown to ztunnel") {
  const auto p = authorization_policy("a", "{rules: [{from: [{source: {trustDomains: [cluster.local]}}]}]}");
  CHECK(at(sidecar_point(), p, request_from()) == Decision::Allow);
  CHECK(at(ztunnel_point(), p, request_from()) == Decision::Deny);
  CHECK(at(sidecar_point(), p, request_from(), "1.29") == Decision::Unknown);
}

TEST_CASE(
    "AuthorizationPolicy: trust domain aliases are expanded by Envoy only, cluster.local stands for the "
    "mesh's own domain") {
  const std::string mesh =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: |\n "
      "   trustDomain: new.example\n    trustDomainAliases: [old.example]\n";
  const auto p =
      mesh + authorization_policy(
                 "a", "{rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/frontend]}}]}]}");
  for (const auto& [domain, envoy, ztunnel] :
       {std::tuple{"new.example", Decision::Allow, Decision::Deny},
        std::tuple{"old.example", Decision::Allow, Decision::Deny},
        std::tuple{"cluster.local", Decision::Deny, Decision::Allow}}) {
    auto r = request_from();
    r.peer.principal = std::string(domain) + "/ns/shop/sa/frontend";
    CAPTURE(domain);
    CHECK(at(sidecar_point(), p, r) == envoy);
    CHECK(at(ztunnel_point(), p, r) == ztunnel);
  }
}

TEST_CASE("AuthorizationPolicy: the trust domain alias * knows every domain, and stands for every one") {
  const auto p =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: |\n "
      "   trustDomain: new.example\n    trustDomainAliases: ['*']\n" +
      authorization_policy("a",
                           "{rules: [{from: [{source: {principals: [old.example/ns/shop/sa/frontend]}}]}]}");
  for (const std::string domain : {"new.example", "old.example", "other.example"}) {
    auto r = request_from();
    r.peer.principal = domain + "/ns/shop/sa/frontend";
    CAPTURE(domain);
    CHECK(at(sidecar_point(), p, r) == Decision::Allow);
    r.peer.principal = domain + "/ns/shop/sa/other";
    CHECK(at(sidecar_point(), p, r) == Decision::Deny);
  }
}

TEST_CASE("AuthorizationPolicy: one star of a trust domain stands for any part of it, also in the middle") {
  for (const auto& [value, decision] :
       {std::pair{"cl*al", Decision::Allow}, std::pair{"c*.local", Decision::Allow},
        std::pair{"*.local", Decision::Allow}, std::pair{"cluster*", Decision::Allow},
        std::pair{"c*x", Decision::Deny}, std::pair{"cluster.local*x", Decision::Deny}}) {
    CAPTURE(value);
    CHECK(at(sidecar_point(),
             authorization_policy(
                 "a", "{rules: [{from: [{source: {trustDomains: ['" + std::string(value) + "']}}]}]}"),
             request_from()) == decision);
  }
}

TEST_CASE("AuthorizationPolicy: a block whose length has a leading zero is no address") {
  const std::string from = "rules: [{from: [{source: {ipBlocks: ['10.0.0.0/08']}}]}]}";
  for (const auto& point : {sidecar_point(), ztunnel_point()}) {
    CHECK(at(point, authorization_policy("a", "{" + from), request_from()) == Decision::Deny);
    CHECK(at(point, authorization_policy("a", "{rules: [{from: [{source: {ipBlocks: ['10.0.0.0/8']}}]}]}"),
             request_from()) == Decision::Allow);
  }
  // Envoy's DENY loses the condition, ztunnel's entry is left empty.
  CHECK(at(sidecar_point(), authorization_policy("a", "{action: DENY, " + from), request_from()) ==
        Decision::Deny);
  CHECK(at(ztunnel_point(), authorization_policy("a", "{action: DENY, " + from), request_from()) ==
        Decision::Allow);
}

TEST_CASE("a path with an encoded zero byte is answered 400 where paths are normalised") {
  const auto judged = [](const std::string& mode, const sim::PolicyPoint& point, const std::string& path) {
    AuthzWorld w(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: "
        "|\n "
        "   pathNormalization: {normalization: " +
        mode + "}\n");
    auto r = request_from();
    r.path = path;
    return w.judge(point, r);
  };
  CHECK(judged("BASE", sidecar_point(), "/admin%00").status == 400);
  CHECK(judged("BASE", sidecar_point(), "/admin%00").reason.code == sim::kRequestPathRefused);
  CHECK(judged("DECODE_AND_MERGE_SLASHES", gateway_api_point("shop", "gw"), "/%00").status == 400);
  CHECK(judged("BASE", sidecar_point(), "/admin?x=%00").decision == Decision::Allow);
  CHECK(judged("NONE", sidecar_point(), "/admin%00").decision == Decision::Allow);
  CHECK(judged("BASE", sidecar_point(false), "/admin%00").decision == Decision::Allow);
  CHECK(judged("BASE", ztunnel_point(), "/admin%00").decision == Decision::Allow);
}

TEST_CASE("AuthorizationPolicy: namespaces take every star on Envoy and only an outer one at ztunnel") {
  const auto p = authorization_policy("a", "{rules: [{from: [{source: {namespaces: ['s*p']}}]}]}");
  CHECK(at(sidecar_point(), p, request_from()) == Decision::Allow);
  CHECK(at(ztunnel_point(), p, request_from()) == Decision::Deny);
}

TEST_CASE("AuthorizationPolicy: without an identity positive fields fail and negative ones hold") {
  const auto deny_plain =
      authorization_policy("d", "{action: DENY, rules: [{from: [{source: {notPrincipals: ['*']}}]}]}");
  for (const auto& point : {ztunnel_point(), sidecar_point()}) {
    CHECK(at(point, deny_plain, plaintext_request()) == Decision::Deny);
    CHECK(at(point, deny_plain, request_from()) == Decision::Allow);
    CHECK(at(point, authorization_policy("a", "{rules: [{from: [{source: {namespaces: ['*']}}]}]}"),
             plaintext_request()) == Decision::Deny);
  }
}

TEST_CASE("AuthorizationPolicy: a bad value drops an ALLOW rule and only the value from a DENY rule") {
  const std::string rule = "rules: [{from: [{source: {ipBlocks: [nonsense, 10.0.0.0/8]}}]}]}";
  CHECK(at(sidecar_point(), authorization_policy("a", "{" + rule), request_from()) == Decision::Deny);
  CHECK(at(sidecar_point(), authorization_policy("d", "{action: DENY, " + rule), request_from()) ==
        Decision::Deny);
  CHECK(at(sidecar_point(),
           authorization_policy("d", "{action: DENY, rules: [{from: [{source: {ipBlocks: [nonsense]}}]}]}"),
           request_from()) == Decision::Deny);
  CHECK(at(ztunnel_point(), authorization_policy("a", "{" + rule), request_from()) == Decision::Allow);
}

TEST_CASE("AuthorizationPolicy: an unknown condition key drops the rule on Envoy whatever the action") {
  const std::string rule = "rules: [{when: [{key: request.nonsense, values: [x]}]}]}";
  CHECK(at(sidecar_point(), authorization_policy("d", "{action: DENY, " + rule), request_from()) ==
        Decision::Allow);
  CHECK(at(sidecar_point(), authorization_policy("a", "{" + rule), request_from()) == Decision::Deny);
}

TEST_CASE(
    "AuthorizationPolicy: an address that is not known leaves the verdict open unless something else "
    "decides") {
  auto r = request_from();
  r.source_ip.reset();
  const auto by_ip = authorization_policy("a", "{rules: [{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}]}");
  AuthzWorld w(by_ip);
  auto copy = r;
  CHECK(w.judge(sidecar_point(), copy).decision == Decision::Unknown);
  CHECK(w.trace.missing_facts.size() == 1);
  CHECK(at(sidecar_point(), by_ip + authorization_policy("b", "{rules: [{}]}"), r) == Decision::Allow);
  const auto maybe_denied =
      authorization_policy("d", "{action: DENY, rules: [{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}]}");
  CHECK(at(sidecar_point(), maybe_denied, r) == Decision::Unknown);
  CHECK(at(sidecar_point(), maybe_denied + authorization_policy("none", "{}"), r) == Decision::Deny);
}

TEST_CASE("AuthorizationPolicy: a dry run is never enforced and a dry-run ALLOW isolates nothing") {
  const auto dry = [](const std::string& value, const std::string& action) {
    return "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: dry, namespace: "
           "shop, annotations: {istio.io/dry-run: '" +
           value + "'}}\nspec: {action: " + action + ", rules: [{to: [{operation: {ports: ['8080']}}]}]}\n";
  };
  auto r = request_from();
  r.port = 9090;
  for (const auto& point : {ztunnel_point(), sidecar_point()}) {
    CHECK(at(point, dry("true", "ALLOW"), r) == Decision::Allow);
    CHECK(at(point, dry("true", "DENY"), request_from()) == Decision::Allow);
    CHECK(at(point, dry("yes", "DENY"), request_from()) ==
          Decision::Deny);  // not what ParseBool reads: enforced
  }
}

TEST_CASE(
    "attachment: selectors reach pods of their namespace, or of every namespace from the root namespace") {
  const auto own = authorization_policy("p", "{selector: {matchLabels: {app: web}}}");
  CHECK(at(ztunnel_point(), own, request_from()) == Decision::Deny);
  CHECK(at(ztunnel_point(), authorization_policy("p", "{selector: {matchLabels: {app: web}}}", "other"),
           request_from()) == Decision::Allow);
  CHECK(at(ztunnel_point(),
           authorization_policy("p", "{selector: {matchLabels: {app: web}}}", "istio-system"),
           request_from()) == Decision::Deny);
  CHECK(at(ztunnel_point(), authorization_policy("p", "{selector: {matchLabels: {app: api}}}"),
           request_from()) == Decision::Allow);
}

TEST_CASE("attachment: a selector without labels is the whole namespace for Envoy and no pod at ztunnel") {
  const auto p = authorization_policy("p", "{selector: {}}");
  CHECK(at(ztunnel_point(), p, request_from()) == Decision::Allow);
  CHECK(at(sidecar_point(), p, request_from()) == Decision::Deny);
}

constexpr std::string_view kWaypoint = R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: wp, namespace: shop}
spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.1.0.1, ports: [{port: 80, name: http}]}
)";

TEST_CASE("attachment: a waypoint takes policies by target only") {
  const auto with = [](const std::string& p) { return AuthzWorld(std::string(kWaypoint) + p); };
  const auto decide = [](AuthzWorld w, std::string_view service) {
    return w.decide(waypoint_point(w, "shop", "wp", service), request_from());
  };
  CHECK(decide(with(authorization_policy("p", "{}")), "shop/web") == Decision::Allow);
  CHECK(decide(with(authorization_policy("p", "{}", "istio-system")), "shop/web") == Decision::Allow);
  const std::string gateway = "{targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: wp}]}";
  CHECK(decide(with(authorization_policy("p", gateway)), "shop/web") == Decision::Deny);
  CHECK(decide(with(authorization_policy("p", gateway)), "") == Decision::Deny);
  CHECK(decide(with(authorization_policy("p", gateway, "istio-system")), "shop/web") == Decision::Allow);
  const std::string service = "{targetRefs: [{group: '', kind: Service, name: web}]}";
  CHECK(decide(with(authorization_policy("p", service)), "shop/web") == Decision::Deny);
  CHECK(decide(with(authorization_policy("p", service)), "") == Decision::Allow);
  const std::string gateway_class =
      "{targetRefs: [{group: gateway.networking.k8s.io, kind: GatewayClass, name: istio-waypoint}]}";
  CHECK(decide(with(authorization_policy("p", gateway_class, "istio-system")), "") == Decision::Deny);
  CHECK(decide(with(authorization_policy("p", gateway_class)), "") == Decision::Allow);
}

TEST_CASE("attachment: up to 1.24 a Gateway target in the root namespace attached by name alone") {
  const auto p =
      std::string(kWaypoint) +
      authorization_policy("p", "{targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: wp}]}",
                           "istio-system");
  AuthzWorld before(p, "1.24"), after(p, "1.25");
  CHECK(before.decide(waypoint_point(before, "shop", "wp"), request_from()) == Decision::Deny);
  CHECK(after.decide(waypoint_point(after, "shop", "wp"), request_from()) == Decision::Allow);
}

TEST_CASE("attachment: layered waypoint policies add selector policies where HBONE ends") {
  const std::string flag = R"(---
apiVersion: apps/v1
kind: Deployment
metadata: {name: istiod, namespace: istio-system}
spec:
  selector: {matchLabels: {app: istiod}}
  template:
    metadata: {labels: {app: istiod}}
    spec: {containers: [{name: discovery, image: istio/pilot, env: [{name: ENABLE_LAYERED_WAYPOINT_AUTHORIZATION_POLICIES, value: 'true'}]}]}
)";
  const auto p = std::string(kWaypoint) +
                 authorization_policy("p", "{rules: [{from: [{source: {namespaces: [shop]}}]}]}");
  AuthzWorld off(p), on(p + flag);
  CHECK(off.decide(waypoint_point(off, "shop", "wp"), request_from("other")) == Decision::Allow);
  CHECK(on.decide(waypoint_point(on, "shop", "wp"), request_from("other")) == Decision::Deny);
  CHECK(on.decide(waypoint_point(on, "shop", "wp"), request_from("shop")) == Decision::Allow);
}

TEST_CASE("attachment: the index finds what the rule of attachment says") {
  std::string yaml(kWaypoint);
  const std::vector<std::string> specs{
      "{}",
      "{selector: {}}",
      "{selector: {matchLabels: {app: web}}}",
      "{selector: {matchLabels: {app: web, tier: x}}}",
      "{targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: wp}]}",
      "{targetRefs: [{group: '', kind: Service, name: web}]}",
      "{targetRefs: [{group: gateway.networking.k8s.io, kind: GatewayClass, name: istio-waypoint}]}"};
  for (const char* ns : {"shop", "other", "istio-system"})
    for (std::size_t i = 0; i < specs.size(); ++i)
      yaml += authorization_policy("p" + std::to_string(i), specs[i], ns);
  for (const char* version : {"1.23", "1.24", "1.31"}) {
    const AuthzWorld w(yaml, version);
    const auto& policies = w.cluster->snapshot().all<model::AuthorizationPolicy>();
    sim::AttachmentIndex index(*w.cluster);
    for (std::uint32_t i = 0; i < policies.size(); ++i)
      index.add(i, policies[i]->meta, policies[i]->attachment);
    for (const auto& point :
         {ztunnel_point(), sidecar_point(), gateway_api_point("shop", "wp"),
          gateway_api_point("istio-system", "wp"), waypoint_point(w, "shop", "wp"),
          waypoint_point(w, "shop", "wp", "shop/web"), waypoint_point(w, "other", "wp", "shop/web")}) {
      std::vector<std::uint32_t> wanted;
      for (std::uint32_t i = 0; i < policies.size(); ++i)
        if (sim::attaches(*w.cluster, policies[i]->meta, policies[i]->attachment, point)) wanted.push_back(i);
      const auto found = index.at(point);
      CHECK(std::vector<std::uint32_t>(found.begin(), found.end()) == wanted);
    }
  }
}

std::string peer_authentication(std::string_view name, std::string_view ns, std::string_view spec) {
  return "---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: " +
         std::string(name) + ", namespace: " + std::string(ns) + "}\nspec: " + std::string(spec) + "\n";
}

TEST_CASE("PeerAuthentication: STRICT refuses plaintext and nothing else") {
  AuthzWorld w(peer_authentication("default", "istio-system", "{mtls: {mode: STRICT}}"));
  auto r = plaintext_request();
  CHECK(w.judge(ztunnel_point(), r).reason.code == sim::kZtunnelStrictPlaintext);
  CHECK(w.decide(sidecar_point(), plaintext_request()) == Decision::Deny);
  CHECK(w.decide(ztunnel_point(), request_from()) == Decision::Allow);
}

TEST_CASE(
    "PeerAuthentication: workload before namespace before mesh, UNSET inherits, a root selector is ignored") {
  const auto strict = peer_authentication("default", "istio-system", "{mtls: {mode: STRICT}}");
  const auto plain = [](const std::string& yaml) {
    return AuthzWorld(yaml).decide(ztunnel_point(), plaintext_request());
  };
  CHECK(plain(strict + peer_authentication("ns", "shop", "{mtls: {mode: PERMISSIVE}}")) == Decision::Allow);
  CHECK(plain(strict + peer_authentication("ns", "shop", "{mtls: {mode: UNSET}}")) == Decision::Deny);
  CHECK(plain(strict + peer_authentication("w", "shop",
                                           "{selector: {matchLabels: {app: web}}, mtls: {mode: DISABLE}}")) ==
        Decision::Allow);
  CHECK(plain(peer_authentication("w", "istio-system",
                                  "{selector: {matchLabels: {app: web}}, mtls: {mode: STRICT}}")) ==
        Decision::Allow);
}

TEST_CASE("PeerAuthentication at ztunnel: ports, and the slips of their conversion") {
  const auto strict = peer_authentication("default", "istio-system", "{mtls: {mode: STRICT}}");
  const auto plain = [](const std::string& yaml, const std::string& version = {}) {
    return AuthzWorld(yaml, version).decide(ztunnel_point(), plaintext_request());
  };
  const auto workload = [](const std::string& rest) {
    return peer_authentication("w", "shop", "{selector: {matchLabels: {app: web}}, " + rest + "}");
  };
  CHECK(plain(workload("mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: PERMISSIVE}}")) ==
        Decision::Allow);
  CHECK(plain(workload("mtls: {mode: PERMISSIVE}, portLevelMtls: {8080: {mode: STRICT}}")) == Decision::Deny);
  CHECK(plain(strict + workload("portLevelMtls: {8080: {mode: PERMISSIVE}}")) == Decision::Allow);
  CHECK(plain(strict + workload("portLevelMtls: {8080: {mode: DISABLE}}")) == Decision::Deny);
  CHECK(plain(strict + workload("portLevelMtls: {8080: {mode: DISABLE}, 9090: {mode: PERMISSIVE}}")) ==
        Decision::Allow);
  CHECK(plain(strict + workload("mtls: {mode: PERMISSIVE}, portLevelMtls: {8080: {mode: STRICT}}")) ==
        Decision::Allow);
  const auto two =
      workload("mtls: {mode: PERMISSIVE}, portLevelMtls: {8080: {mode: STRICT}, 9090: {mode: STRICT}}");
  CHECK(plain(two, "1.23.4") == Decision::Allow);
  CHECK(plain(two, "1.23.5") == Decision::Deny);
}

TEST_CASE("reason codes of authorization: each has one description") {
  std::vector<std::string_view> seen;
  for (const auto& row : sim::authz_codes()) {
    CHECK_FALSE(row.summary.empty());
    CHECK(std::find(seen.begin(), seen.end(), row.code.text) == seen.end());
    seen.push_back(row.code.text);
  }
}

TEST_CASE("request.headers: a repeated header matches by any value, those that Envoy joins as one text") {
  const auto decide = [](const std::string& header, const std::string& value) {
    AuthzWorld w(authorization_policy(
        "p", "{rules: [{when: [{key: 'request.headers[" + header + "]', values: ['" + value + "']}]}]}"));
    auto r = request_from();
    r.headers = {{"x-team", "one"}, {"accept", "one"}, {"x-team", " two "}, {"accept", "two"}};
    return w.decide(sidecar_point(), r) == Decision::Allow;
  };
  CHECK(decide("X-Team", "two"));
  CHECK_FALSE(decide("X-Team", "one,two"));
  CHECK(decide("Accept", "one,two"));
  CHECK_FALSE(decide("Accept", "two"));
}

}  // namespace
}  // namespace waypath::tests

namespace waypath::tests {

TEST_CASE("a header that is sent twice is compared value by value since 1.27.8 and 1.28.5 and 1.29.1") {
  const auto policy = authorization_policy(
      "no-admin", "{action: DENY, rules: [{when: [{key: 'request.headers[x-role]', values: [admin]}]}]}");
  auto request = request_from();
  request.headers = {{"x-role", "guest"}, {"x-role", "admin"}};
  CHECK(AuthzWorld(policy, "1.28.4").decide(sidecar_point(), request) == sim::Decision::Allow);
  CHECK(AuthzWorld(policy, "1.28.5").decide(sidecar_point(), request) == sim::Decision::Deny);
  // Before, the values stood as one text with a comma.
  const auto joined = authorization_policy(
      "joined",
      "{action: DENY, rules: [{when: [{key: 'request.headers[x-role]', values: ['guest,admin']}]}]}");
  CHECK(AuthzWorld(joined, "1.28.4").decide(sidecar_point(), request) == sim::Decision::Deny);
  CHECK(AuthzWorld(joined, "1.28.5").decide(sidecar_point(), request) == sim::Decision::Allow);
}

}  // namespace waypath::tests
