// CUSTOM policies, their providers, and authservice.

#include <catch2/catch.hpp>

#include "sim/policy/authservice.h"
#include "sim/reasons/authz.h"
#include "tests/sim/authz_support.h"

namespace waypath::tests {
namespace {

using sim::Decision;

std::string mesh(const std::string& provider_fields, const std::string& more = {}) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: "
         "|\n    extensionProviders:\n    - name: login\n      envoyExtAuthzGrpc: "
         "{service: login.auth.svc.cluster.local, port: 10003" +
         provider_fields + "}\n" + more +
         "---\napiVersion: v1\nkind: Service\nmetadata: {name: login, namespace: auth}\nspec: {clusterIP: "
         "10.1.0.9, ports: [{port: 10003, name: grpc}]}\n";
}

std::string custom(const std::string& rules = "[{}]", const std::string& provider = "login",
                   const std::string& name = "ask") {
  return authorization_policy(name,
                              "{action: CUSTOM, provider: {name: " + provider + "}, rules: " + rules + "}");
}

sim::PolicyResult judge(const std::string& yaml, sim::RequestState r, const sim::Assume& assume = {}) {
  AuthzWorld w(yaml);
  r.assume = &assume;
  return w.judge(sidecar_point(), r);
}

TEST_CASE("CUSTOM: without a known answer the verdict is unknown and names the fact") {
  AuthzWorld w(mesh("") + custom());
  auto r = request_from();
  const auto result = w.judge(sidecar_point(), r);
  CHECK(result.decision == Decision::Unknown);
  REQUIRE(w.trace.missing_facts.size() == 1);
  CHECK(w.trace.missing_facts[0] ==
        "what ext_authz provider \"login\" (login.auth.svc.cluster.local) answers");
}

TEST_CASE("CUSTOM: a stated answer decides, and runs before DENY") {
  sim::Assume assume;
  auto& answer = assume.ext_authz["login"];
  answer.allow_when_headers.emplace("cookie", "session=*");
  answer.else_redirect = "https://sso.example/auth";
  const auto yaml =
      mesh("") + custom() +
      authorization_policy("deny", "{action: DENY, rules: [{to: [{operation: {paths: [/admin]}}]}]}");
  auto r = request_from();
  r.path = "/admin";
  auto result = judge(yaml, r, assume);
  CHECK(result.status == 302);
  CHECK(result.redirect == "https://sso.example/auth");
  CHECK(result.reason.code == sim::kExtAuthzRedirect);
  r.headers.emplace_back("cookie", "session=1");
  result = judge(yaml, r, assume);
  CHECK(result.status == 403);
  CHECK(result.reason.code == sim::kRbacDenyMatch);
  r.path = "/";
  CHECK(judge(yaml, r, assume).decision == Decision::Allow);
}

TEST_CASE("CUSTOM: rules that do not match do not ask") {
  CHECK(judge(mesh("") + custom("[{to: [{operation: {paths: [/private]}}]}]"), request_from()).decision ==
        Decision::Allow);
  CHECK(judge(mesh("") + custom("[]"), request_from()).decision == Decision::Allow);
}

TEST_CASE("CUSTOM: an unreachable provider refuses with statusOnError, or lets pass with failOpen") {
  sim::Assume assume;
  assume.ext_authz["login"].unreachable = true;
  CHECK(judge(mesh("") + custom(), request_from(), assume).status == 403);
  CHECK(judge(mesh(", statusOnError: '503'") + custom(), request_from(), assume).status == 503);
  CHECK(judge(mesh(", failOpen: true") + custom(), request_from(), assume).decision == Decision::Allow);
  auto r = request_from();
  sim::RequestState::Reachability drop;
  drop.outcome = sim::Outcome::Timeout;
  drop.delay = "after 10s";
  r.providers.emplace("login", drop);
  const auto result = judge(mesh("") + custom(), r);
  CHECK(result.reason.code == sim::kExtAuthzUnreachable);
  CHECK_FALSE(result.immediate);
}

TEST_CASE("CUSTOM: a broken provider refuses what the rules match") {
  CHECK(judge(mesh(", statusOnError: '299'") + custom(), request_from()).reason.code ==
        sim::kExtAuthzBadProvider);
  CHECK(judge(mesh("") + custom("[{}]", "other"), request_from()).reason.code == sim::kExtAuthzBadProvider);
  CHECK(judge(custom("[{to: [{operation: {paths: [/private]}}]}]"), request_from()).decision ==
        Decision::Allow);
}

TEST_CASE("CUSTOM: without a mesh config what its rules match is unknown") {
  const auto result = judge(custom(), request_from());
  CHECK(result.decision == Decision::Unknown);
  CHECK(result.reason.detail == "mesh config (ConfigMap istio): extension provider \"login\"");
}

TEST_CASE("CUSTOM: without a provider's name there is none, whatever the mesh config says") {
  CHECK(judge(authorization_policy("ask", "{action: CUSTOM, rules: [{}]}"), request_from()).reason.code ==
        sim::kExtAuthzBadProvider);
}

TEST_CASE("CUSTOM: what is refused behind an answer that is not known is refused") {
  const auto behind = [&](const std::string& spec, bool http = true) {
    AuthzWorld w(mesh("") + custom() + authorization_policy("behind", spec));
    auto r = request_from();
    const auto result = w.judge(sidecar_point(http), r);
    const bool refused = result.decision == Decision::Deny;
    CHECK(w.trace.missing_facts.size() == (refused ? 0 : 1));
    CHECK(w.trace.assumptions.size() == (refused ? 1 : 0));
    auto again = request_from();
    CHECK(sim::judge_hop(w.table, sidecar_point(http), again, nullptr).decision == result.decision);
    return result.decision;
  };
  CHECK(behind("{action: DENY, rules: [{from: [{source: {namespaces: [shop]}}]}]}") == Decision::Deny);
  CHECK(behind("{action: DENY, rules: [{to: [{operation: {methods: [GET]}}]}]}") == Decision::Deny);
  CHECK(behind("{action: DENY, rules: [{from: [{source: {namespaces: [shop]}}]}]}", false) == Decision::Deny);
  CHECK(behind("{rules: [{from: [{source: {namespaces: [ops]}}]}]}") == Decision::Deny);
  CHECK(behind("{action: DENY, rules: [{from: [{source: {namespaces: [ops]}}]}]}") == Decision::Unknown);
  // The provider may set headers, and the token that makes a principal.
  CHECK(behind("{action: DENY, rules: [{when: [{key: 'request.headers[x-user]', notValues: ['*']}]}]}") ==
        Decision::Unknown);
  CHECK(behind("{action: DENY, rules: [{from: [{source: {notRequestPrincipals: ['*']}}]}]}") ==
        Decision::Unknown);
  CHECK(behind("{rules: [{from: [{source: {requestPrincipals: ['*']}}]}]}") == Decision::Unknown);
  CHECK(behind("{rules: [{from: [{source: {requestPrincipals: ['*'], namespaces: [ops]}}]}]}") ==
        Decision::Deny);
}

TEST_CASE("CUSTOM: several providers refuse all that their rules match") {
  const auto two = mesh("",
                        "    - name: second\n      envoyExtAuthzGrpc: {service: "
                        "login.auth.svc.cluster.local, port: 10003}\n") +
                   custom() + custom("[{}]", "second", "ask-2");
  CHECK(judge(two, request_from()).reason.code == sim::kExtAuthzMultipleProviders);
}

TEST_CASE("CUSTOM: ztunnel ignores it, an HTTP provider is skipped on TCP") {
  AuthzWorld w(custom());
  CHECK(w.decide(ztunnel_point(), request_from()) == Decision::Allow);
  const std::string provider =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: |\n "
      "   extensionProviders:\n    - name: login\n      envoyExtAuthzHttp: {service: "
      "login.auth.svc.cluster.local, port: 80}\n" +
      custom();
  AuthzWorld http(provider +
                  "---\napiVersion: v1\nkind: Service\nmetadata: {name: login, namespace: auth}\n"
                  "spec: {clusterIP: 10.96.9.9, ports: [{port: 80}]}\n");
  CHECK(http.decide(sidecar_point(false), request_from()) == Decision::Allow);
  // Unless the provider is broken: here its Service is not there.
  AuthzWorld broken(provider);
  CHECK(broken.decide(sidecar_point(false), request_from()) == Decision::Deny);
}

constexpr std::string_view kConfig = R"({
  "allow_unmatched_requests": false,
  "trigger_rules": [{"excluded_paths": [{"prefix": "/public"}], "included_paths": [{"prefix": "/"}]}],
  "default_oidc_config": {"authorization_uri": "https://sso/auth", "jwks_fetcher": {"jwks_uri": "https://sso/keys"}, "id_token": {"preamble": "Bearer", "header": "Authorization"},
    "access_token": {"header": "JWT"}, "logout": {"path": "/logout", "redirect_uri": "https://sso/out"}},
  "chains": [{"name": "web", "match": {"header": ":authority", "prefix": "web.shop"},
    "filters": [{"oidc_override": {"callback_uri": "https://web.shop/callback", "client_id": "web id", "cookie_name_prefix": "web"}}]}]})";

std::string authservice() {
  std::string indented;
  for (const char c : kConfig) {
    indented.push_back(c);
    if (c == '\n') indented += "    ";
  }
  return mesh("") + custom() +
         "---\napiVersion: v1\nkind: Secret\nmetadata: {name: settings, namespace: auth}\nstringData:\n  "
         "config.json: |\n    " +
         indented +
         "\n---\napiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: jwt, "
         "namespace: shop}\nspec: {jwtRules: [{issuer: https://sso, jwksUri: https://sso/keys}]}\n";
}

TEST_CASE("authservice: its own configuration answers") {
  const auto yaml = authservice();
  auto r = request_from();
  SECTION("no session: to the login") {
    const auto result = judge(yaml, r);
    CHECK(result.status == 302);
    CHECK(result.redirect ==
          "https://sso/"
          "auth?client_id=web+id&redirect_uri=https%3A%2F%2Fweb.shop%2Fcallback&response_type=code&scope="
          "openid");
    REQUIRE(result.deciders.size() == 2);
    CHECK(result.deciders[1].key.str() == "Secret/auth/settings");
  }
  SECTION("a valid session brings an id token of the issuer that has the keys") {
    AuthzWorld w(yaml + authorization_policy(
                            "need", "{rules: [{from: [{source: {requestPrincipals: ['https://sso/*']}}]}]}"));
    r.session = sim::Session::Valid;
    CHECK(w.judge(sidecar_point(), r).decision == Decision::Allow);
    REQUIRE(r.verified);
    CHECK(r.verified->issuer == "https://sso");
    REQUIRE(w.trace.assumptions.size() == 1);
    CHECK(w.trace.assumptions[0].code == sim::kAssumeSessionToken);
  }
  SECTION("claims that nobody stated leave the verdict open") {
    AuthzWorld w(yaml +
                 authorization_policy(
                     "need", "{rules: [{when: [{key: 'request.auth.claims[groups]', values: [ops]}]}]}"));
    r.session = sim::Session::Valid;
    CHECK(w.judge(sidecar_point(), r).decision == Decision::Unknown);
  }
  SECTION("a cookie of unknown standing leaves the verdict open") {
    r.headers.emplace_back("cookie", "__Host-web-authservice-session-id-cookie=x");
    CHECK(judge(yaml, r).decision == Decision::Unknown);
  }
  SECTION("expired: to the login, or refreshed") {
    r.session = sim::Session::Expired;
    CHECK(judge(yaml, r).status == 302);
    r.session = sim::Session::ExpiredRefreshable;
    CHECK(judge(yaml, r).decision == Decision::Allow);
  }
  SECTION("logout") {
    r.path = "/logout";
    CHECK(judge(yaml, r).redirect == "https://sso/out");
  }
  SECTION("excluded paths pass, unmatched hosts are refused") {
    r.path = "/public/x";
    CHECK(judge(yaml, r).decision == Decision::Allow);
    r.path = "/";
    r.host = "other.shop";
    CHECK(judge(yaml, r).reason.code == sim::kExtAuthzDenied);
  }
}

TEST_CASE("parse_authservice_config refuses what is none") {
  for (const char* text : {"", "null", "[]", "{}", "{\"chains\": 3}", "{\"chains\": ["})
    CHECK_FALSE(sim::parse_authservice_config(text));
  CHECK(sim::parse_authservice_config("{\"chains\": []}"));
}

}  // namespace
}  // namespace waypath::tests
