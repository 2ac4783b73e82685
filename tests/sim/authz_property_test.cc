// What holds for every set of policies, over generated ones.

#include <algorithm>
#include <catch2/catch.hpp>

#include "sim/policy/authorization_rule.h"
#include "sim/reasons/authz.h"
#include "tests/sim/authz_support.h"
#include "tests/support/dice.h"

namespace waypath::tests {
namespace {

using sim::Decision;

std::string list(Dice& d, const std::vector<std::string>& from) {
  std::string out = "['" + d.pick(from) + "'";
  if (d.coin()) out += ", '" + d.pick(from) + "'";
  return out + "]";
}

std::string fields(Dice& d, const std::vector<std::pair<std::string, std::vector<std::string>>>& known) {
  std::string out;
  const std::size_t count = 1 + d.roll(2);
  std::vector<std::string> used;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [name, values] = known[d.roll(known.size())];
    if (std::find(used.begin(), used.end(), name) != used.end()) continue;
    used.push_back(name);
    out += (out.empty() ? "" : ", ") + name + ": " + list(d, values);
  }
  return "{" + out + "}";
}

const std::vector<std::string> kPrincipals{"*", "cluster.local/ns/shop/sa/frontend",
                                           "cluster.local/ns/shop/*", "*/sa/other",
                                           "cluster.local/ns/x/sa/y"};
const std::vector<std::string> kNamespaces{"shop", "x", "s*", "*"};
const std::vector<std::string> kPorts{"8080", "9090"};
const std::vector<std::string> kOwners{"shop", "x"}, kAccounts{"frontend", "y", "other"},
    kActions{"ALLOW", "ALLOW", "DENY"};
const std::vector<std::string> kIps{"10.0.0.0/8", "10.0.0.1", "192.168.0.0/16"};

std::string rule(Dice& d) {
  std::string out;
  if (d.coin())
    out += "from: [{source: " +
           fields(d, {{"principals", kPrincipals},
                      {"notPrincipals", kPrincipals},
                      {"namespaces", kNamespaces},
                      {"notNamespaces", kNamespaces},
                      {"ipBlocks", kIps},
                      {"requestPrincipals", {"*"}},
                      {"remoteIpBlocks", kIps}}) +
           "}]";
  if (d.coin())
    out += std::string(out.empty() ? "" : ", ") + "to: [{operation: " +
           fields(d, {{"ports", kPorts},
                      {"notPorts", kPorts},
                      {"methods", {"GET", "POST"}},
                      {"paths", {"/", "/a/*", "/{*}"}},
                      {"hosts", {"web.shop", "*.x"}}}) +
           "}]";
  if (d.roll(4) == 0)
    out += std::string(out.empty() ? "" : ", ") +
           "when: [{key: source.namespace, values: " + list(d, kNamespaces) + "}]";
  return "{" + out + "}";
}

std::string policy(Dice& d, const std::string& name, const std::string& action) {
  std::string rules;
  for (std::size_t i = d.roll(3); i > 0; --i) rules += (rules.empty() ? "" : ", ") + rule(d);
  return authorization_policy(name, "{action: " + action + ", rules: [" + rules + "]}",
                              d.coin() ? "shop" : "istio-system");
}

std::vector<sim::RequestState> requests() {
  std::vector<sim::RequestState> out;
  for (auto base : {request_from(), request_from("x", "y"), plaintext_request()})
    for (const std::uint16_t port : {std::uint16_t{8080}, std::uint16_t{9090}})
      for (const char* method : {"GET", "POST"}) {
        base.port = port;
        base.method = method;
        base.path = port == 8080 ? "/" : "/a/b";
        out.push_back(base);
      }
  return out;
}

std::vector<sim::PolicyPoint> points() {
  return {ztunnel_point(), sidecar_point(true), sidecar_point(false)};
}

TEST_CASE(
    "property: more DENY never opens, an empty ALLOW closes what is open by default, order never matters, "
    "tracing changes nothing") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Dice d(seed);
    std::vector<std::string> texts;
    for (std::size_t i = d.roll(4); i > 0; --i)
      texts.push_back(policy(d, "p" + std::to_string(i), d.coin() ? "ALLOW" : "DENY"));
    std::string yaml, backwards;
    for (const auto& t : texts) yaml += t;
    for (auto it = texts.rbegin(); it != texts.rend(); ++it) backwards += *it;
    AuthzWorld base(yaml), shuffled(backwards), more(yaml + policy(d, "more", "DENY")),
        closed(yaml + authorization_policy("nothing", "{}"));
    const bool isolates = yaml.find("ALLOW") != std::string::npos;
    for (const auto& point : points()) {
      for (const auto& r : requests()) {
        CAPTURE(seed, yaml, static_cast<int>(point.kind), r.port, r.method, r.peer.principal);
        const auto before = base.decide(point, r);
        auto silent = r;
        CHECK(sim::judge_hop(base.table, point, silent, nullptr).decision == before);
        CHECK(shuffled.decide(point, r) == before);
        if (before == Decision::Deny) CHECK(more.decide(point, r) == Decision::Deny);
        if (!isolates) CHECK(closed.decide(point, r) == Decision::Deny);
      }
    }
  }
}

TEST_CASE("property: an ALLOW rule as ztunnel gets it never admits more than the rule as written") {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    Dice d(1000 + seed);
    AuthzWorld w(authorization_policy("p", "{rules: [" + rule(d) + "]}"));
    const auto& p = *w.cluster->snapshot().all<model::AuthorizationPolicy>().front();
    for (const auto& r : p.rules) {
      const sim::CompiledRule compiled(*w.cluster, p, r);
      for (const auto& request : requests()) {
        const sim::PolicyRequest view(request, {}, true);
        CAPTURE(seed);
        if (compiled.matches(sim::Dialect::Ztunnel, view, nullptr) == sim::Tri::Yes)
          CHECK(compiled.matches(sim::Dialect::EnvoyHttp, view, nullptr) == sim::Tri::Yes);
        if (compiled.matches(sim::Dialect::EnvoyTcp, view, nullptr) == sim::Tri::Yes)
          CHECK(compiled.matches(sim::Dialect::EnvoyHttp, view, nullptr) == sim::Tri::Yes);
        for (const auto dialect : {sim::Dialect::EnvoyHttp, sim::Dialect::EnvoyTcp, sim::Dialect::Ztunnel}) {
          sim::RuleMatch why;
          CHECK(compiled.matches(dialect, view, &why) == compiled.matches(dialect, view, nullptr));
        }
      }
    }
  }
}

TEST_CASE("property: a DENY rule that refuses less at ztunnel than written says so in the trace") {
  int weaker = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Dice d(5000 + seed);
    AuthzWorld w(authorization_policy("p", "{action: DENY, rules: [" + rule(d) + "]}"));
    const auto& p = *w.cluster->snapshot().all<model::AuthorizationPolicy>().front();
    const sim::CompiledRule compiled(*w.cluster, p, p.rules.front());
    for (auto request : requests()) {
      const sim::PolicyRequest view(request, {}, true);
      if (compiled.matches(sim::Dialect::EnvoyHttp, view, nullptr) != sim::Tri::Yes ||
          compiled.matches(sim::Dialect::Ztunnel, view, nullptr) == sim::Tri::Yes)
        continue;
      CAPTURE(seed);
      // Namespaces with inner stars are the other difference; none is drawn.
      ++weaker;
      w.judge(ztunnel_point(), request);
      CHECK(std::any_of(w.trace.nodes.begin(), w.trace.nodes.end(), [](const sim::TraceNode& node) {
        return node.reason.code == sim::kAuthzNotAsWritten &&
               node.reason.detail.find(
                   "AuthorizationPolicy DENY shop/p at ztunnel: denies nothing by rules 0") == 0;
      }));
      CHECK_FALSE(compiled.changes(sim::Dialect::Ztunnel).empty());
    }
  }
  CHECK(weaker > 100);
}

TEST_CASE("property: the policies found by principal and port decide as all attached ones do") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Dice d(9000 + seed);
    std::string yaml;
    for (int i = 0; i < 6; ++i) {
      const std::string who = "cluster.local/ns/" + d.pick(kOwners) + "/sa/" + d.pick(kAccounts);
      yaml += authorization_policy(
          "p" + std::to_string(i),
          "{action: " + d.pick(kActions) + ", rules: [{from: [{source: {principals: ['" + who +
              "']}}], to: [{operation: {ports: ['" + d.pick(kPorts) + "']}}]}, {to: [{operation: {ports: ['" +
              d.pick(kPorts) + "']" + (d.coin() ? ", methods: [GET]" : "") + "}}]" +
              (d.coin() ? ", from: [{source: {principals: ['" + who + "']}}]" : "") + "}]}",
          d.coin() ? "shop" : "istio-system");
    }
    AuthzWorld w(yaml);
    for (const auto& point : points())
      for (const auto& r : requests()) {
        CAPTURE(seed, yaml, static_cast<int>(point.kind), r.port, r.method, r.peer.principal);
        auto silent = r;
        CHECK(sim::judge_hop(w.table, point, silent, nullptr).decision == w.decide(point, r));
      }
  }
}

}  // namespace
}  // namespace waypath::tests
