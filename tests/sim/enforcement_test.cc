// Where policies are enforced, and where they only look so.

#include "sim/policy/enforcement.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "sim/reasons/authz.h"
#include "tests/sim/authz_support.h"

namespace waypath::tests {
namespace {

constexpr std::string_view kCluster = R"(
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}
---
apiVersion: v1
kind: Pod
metadata: {name: web-0, namespace: shop, labels: {app: web}}
spec: {serviceAccountName: web, containers: [{name: app, image: app}]}
---
apiVersion: v1
kind: Pod
metadata: {name: outside, namespace: plain, labels: {app: web}}
spec: {containers: [{name: app, image: app}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, labels: {istio.io/use-waypoint: wp}}
spec: {clusterIP: 10.1.0.1, selector: {app: web}, ports: [{port: 80, name: http, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: direct, namespace: shop}
spec: {clusterIP: 10.1.0.2, selector: {app: web}, ports: [{port: 80, name: http, targetPort: 8080}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: wp, namespace: shop}
spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
status: {addresses: [{type: IPAddress, value: 10.1.0.3}]}
)";

struct Report {
  std::vector<std::string> where, reasons;
  sim::Enforcement all;
};

Report report(const std::string& policy) {
  const AuthzWorld w(std::string(kCluster) + policy);
  const auto points = sim::enforcement_points(*w.cluster);
  Report out;
  out.all = sim::enforcement_of(*w.cluster, points,
                                *w.cluster->snapshot().all<model::AuthorizationPolicy>().front());
  for (const auto& e : out.all.enforced) out.where.push_back(e.at->name);
  for (const auto& n : out.all.not_enforced) out.reasons.push_back(n.where + ": " + n.why);
  for (auto& e : out.all.enforced) e.at = nullptr;
  return out;
}

bool mentions(const std::vector<std::string>& texts, std::string_view part) {
  return std::any_of(texts.begin(), texts.end(),
                     [&](const std::string& t) { return t.find(part) != std::string::npos; });
}

TEST_CASE("enforcement: a selector policy is enforced at ztunnel, with what the rule becomes there") {
  const auto r = report(authorization_policy(
      "p", "{selector: {matchLabels: {app: web}}, rules: [{to: [{operation: {paths: [/x]}}]}]}"));
  REQUIRE(r.where == std::vector<std::string>{"ztunnel of shop/web-0"});
  CHECK(r.all.enforced[0].refuses_all);
  CHECK(r.all.enforced[0].changes ==
        std::vector<std::string>{
            "rules[0]: paths: HTTP attributes cannot be enforced at ztunnel, so the rule is left out"});
  REQUIRE(r.all.conditions.size() == 1);
  CHECK(r.all.conditions[0].reason == "UnsupportedValue");
  CHECK(r.all.conditions[0].status);
}

TEST_CASE("enforcement: a Service target is enforced at that Service's chain of its waypoint") {
  const auto r = report(authorization_policy("p", "{targetRefs: [{group: '', kind: Service, name: web}]}"));
  CHECK(r.where == std::vector<std::string>{"waypoint shop/wp for Service/shop/web"});
  CHECK(r.all.conditions[0].message == "bound to shop/wp");
}

TEST_CASE("enforcement: several targets make one condition that names those not bound") {
  const auto some = report(authorization_policy(
      "p", "{targetRefs: [{group: '', kind: Service, name: web}, {group: '', kind: Service, name: none}]}"));
  REQUIRE(some.all.conditions.size() == 1);
  CHECK(some.all.conditions[0].status);
  CHECK(some.all.conditions[0].reason == "PartiallyInvalid");
  CHECK(some.all.conditions[0].message == "Invalid targetRefs: Service.core:shop/none");
}

TEST_CASE("enforcement: a GatewayClass is a target when it is one of waypoints") {
  const auto of = [](const std::string& name, const std::string& ns) {
    return report(authorization_policy("p",
                                       "{targetRefs: [{group: gateway.networking.k8s.io, kind: GatewayClass, "
                                       "name: " +
                                           name + "}]}",
                                       ns))
        .all.conditions.at(0);
  };
  CHECK(of("istio-waypoint", "istio-system").status);
  CHECK(of("istio", "istio-system").reason == "Invalid");
  CHECK(of("other", "istio-system").reason == "TargetNotFound");
  CHECK(of("istio-waypoint", "shop").reason == "Invalid");
}

TEST_CASE("enforcement: targets that nothing serves") {
  CHECK(mentions(
      report(authorization_policy("p", "{targetRefs: [{group: '', kind: Service, name: direct}]}")).reasons,
      "is not bound to a waypoint"));
  CHECK(mentions(
      report(authorization_policy("p", "{targetRefs: [{group: '', kind: Service, name: none}]}")).reasons,
      "was not found"));
  CHECK(
      mentions(report(authorization_policy(
                          "p", "{targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: wp}]}",
                          "istio-system"))
                   .reasons,
               "shop/wp exists, but a policy attaches to Gateways of its own namespace only"));
}

TEST_CASE(
    "enforcement: CUSTOM at a captured pod, pods outside the mesh, selectors of waypoints, selectors that "
    "match elsewhere") {
  const auto custom = report(authorization_policy(
      "p", "{selector: {matchLabels: {app: web}}, action: CUSTOM, provider: {name: x}, rules: [{}]}"));
  CHECK(custom.where.empty());
  CHECK(mentions(custom.reasons, "ztunnel does not support the CUSTOM action"));
  CHECK(mentions(report(authorization_policy("p", "{selector: {matchLabels: {app: web}}}", "plain")).reasons,
                 "not in the mesh"));
  CHECK(mentions(report(authorization_policy(
                            "p", "{selector: {matchLabels: {gateway.networking.k8s.io/gateway-name: wp}}}"))
                     .reasons,
                 "waypoints ignore selectors"));
  CHECK(mentions(report(authorization_policy("p", "{selector: {matchLabels: {app: web}}}", "third")).reasons,
                 "are in other namespaces"));
}

TEST_CASE("a trace tells of policies that touch the pod and do nothing there") {
  const auto notes = [](const std::string& policies) {
    AuthzWorld w(std::string(kCluster) + policies);
    auto r = request_from();
    auto point = ztunnel_point();
    point.workload_name = model::intern("web-0");
    w.judge(point, r);
    std::vector<std::string> out;
    for (const auto& node : w.trace.nodes)
      if (node.reason.code == sim::kAuthzNotAsWritten) out.push_back(node.reason.detail);
    return out;
  };
  using Notes = std::vector<std::string>;
  CHECK(notes("").empty());
  CHECK(notes(authorization_policy("p", "{action: CUSTOM, provider: {name: x}, rules: [{}]}")) ==
        Notes{"AuthorizationPolicy CUSTOM shop/p selects this pod; ztunnel does not support the CUSTOM "
              "action, so "
              "nobody is asked here"});
  CHECK(notes(authorization_policy("p", "{selector: {}, rules: [{}]}")) ==
        Notes{"AuthorizationPolicy shop/p has a selector without labels, which selects no pod at ztunnel"});
  CHECK(notes(authorization_policy(
            "p", "{targetRefs: [{kind: Service, group: '', name: direct}], rules: [{}]}")) ==
        Notes{"AuthorizationPolicy shop/p targets Service shop/direct, which has no waypoint: nothing "
              "enforces it"});
  CHECK(notes(authorization_policy("p", "{targetRefs: [{kind: Service, group: '', name: web}], rules: [{}]}"))
            .empty());
  CHECK(notes(authorization_policy("p", "{rules: [{to: [{operation: {paths: ['/a']}}]}, {}]}")) ==
        Notes{"AuthorizationPolicy ALLOW shop/p at ztunnel: admits nothing by rules 0 (paths: HTTP "
              "attributes cannot "
              "be enforced at ztunnel, so the rule is left out)"});
}

}  // namespace
}  // namespace waypath::tests
