// What an overlay does to the objects of a snapshot (model/change.h).

#include <catch2/catch.hpp>

#include "model/change.h"
#include "model/load/manifest_loader.h"

namespace waypath {
namespace {

using namespace model;  // NOLINT(google-build-using-namespace): a test of this one header

constexpr const char* kCluster = R"(apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: a}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec: {containers: [{name: c, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Pod
metadata:
  name: web-5f4f-abc
  namespace: a
  labels: {app: web, tier: front, pod-template-hash: 5f4f}
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-5f4f, controller: true}]
spec: {containers: [{name: c}]}
status: {phase: Running, podIP: 10.0.0.1, conditions: [{type: Ready, status: "True"}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: in, namespace: a}
spec:
  podSelector: {}
  ingress:
    - ports:
        - {port: 80}
        - {port: 15008}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: wp, namespace: a}
spec:
  gatewayClassName: istio-waypoint
  listeners: [{name: mesh, port: 15008, protocol: HBONE}]
)";

Snapshot load(Diagnostics& d) { return load_texts({{"cluster.yaml", kCluster}}, {}, d); }

Change change_of(auto what) { return Change{std::move(what), {}}; }

}  // namespace

TEST_CASE("a pod counts as the Deployment of its ReplicaSet, and a waypoint's pod is derived from its Gateway") {
  Diagnostics d;
  const auto s = load(d);
  REQUIRE_FALSE(d.has_errors());
  REQUIRE(s.all<Pod>().size() == 2);
  CHECK(s.all<Pod>()[0]->workload_kind.str() == "Deployment");
  const auto& waypoint = *s.all<Pod>()[1];
  CHECK(waypoint.meta.key.name.str() == "wp-*");
  CHECK(waypoint.meta.origin == Origin::Derived);
  CHECK(waypoint.meta.labels.get("gateway.networking.k8s.io/gateway-name") == "wp");
  CHECK(waypoint.meta.labels.get("istio.io/dataplane-mode") == "none");
  CHECK(waypoint.spec.service_account.str() == "wp");
}

TEST_CASE("scaling a workload to zero removes its live pods; the base keeps them") {
  Diagnostics d;
  const auto base = load(d);
  const std::vector<Change> changes{change_of(ScaleChange{{"Deployment/a/web", {}}, 0})};
  const auto after = apply_changes(base, changes, d);
  REQUIRE_FALSE(d.has_errors());
  CHECK(after.find<Pod>("a", "web-5f4f-abc") == nullptr);
  CHECK(base.find<Pod>("a", "web-5f4f-abc") != nullptr);
  CHECK(after.find<NetworkPolicy>("a", "in") == base.find<NetworkPolicy>("a", "in"));
}

TEST_CASE("a changed template label reaches the live pods, generated labels stay") {
  Diagnostics d;
  const auto base = load(d);
  const std::vector<Change> changes{
      change_of(PatchChange{{"Deployment/a/web", {}}, true, R"([{"op":"remove","path":"/spec/template/metadata/labels/tier"}])", "x"})};
  const auto after = apply_changes(base, changes, d);
  REQUIRE_FALSE(d.has_errors());
  const auto* pod = after.find<Pod>("a", "web-5f4f-abc");
  REQUIRE(pod != nullptr);
  CHECK(pod->meta.labels.find("tier") == nullptr);
  CHECK(pod->meta.labels.get("pod-template-hash") == "5f4f");
}

TEST_CASE("a JSON patch edits one object and what it leaves alone keeps its place") {
  Diagnostics d;
  const auto base = load(d);
  const std::vector<Change> changes{
      change_of(PatchChange{{"NetworkPolicy/a/in", {}}, true, R"([{"op":"remove","path":"/spec/ingress/0/ports/1"}])", "x"})};
  const auto after = apply_changes(base, changes, d);
  REQUIRE_FALSE(d.has_errors());
  const auto* policy = after.find<NetworkPolicy>("a", "in");
  REQUIRE(policy != nullptr);
  REQUIRE(policy->ingress.at(0).ports.size() == 1);
  CHECK(policy->ingress[0].ports[0].pos == base.find<NetworkPolicy>("a", "in")->ingress[0].ports[0].pos);
}

TEST_CASE("deleting a Gateway takes what istiod made for it") {
  Diagnostics d;
  const auto base = load(d);
  const std::vector<Change> changes{change_of(DeleteChange{{"Gateway/a/wp", {}}})};
  const auto after = apply_changes(base, changes, d);
  REQUIRE_FALSE(d.has_errors());
  CHECK(after.all<Pod>().size() == 1);
  CHECK(after.all<Service>().empty());
}

TEST_CASE("failing a workload leaves its pods in place, not ready") {
  Diagnostics d;
  const auto base = load(d);
  const std::vector<Change> changes{change_of(FailChange{{"Gateway/a/wp", {}}})};
  const auto after = apply_changes(base, changes, d);
  REQUIRE_FALSE(d.has_errors());
  const auto* pod = after.find<Pod>("a", "wp-*");
  REQUIRE(pod != nullptr);
  CHECK(pod->ready == false);
}

TEST_CASE("a change that names nothing tells the near names") {
  Diagnostics d;
  const auto base = load(d);
  const std::vector<Change> changes{change_of(DeleteChange{{"NetworkPolicy/a/inn", {}}})};
  const auto after = apply_changes(base, changes, d);
  REQUIRE(d.has_input_errors());
  CHECK(d.items().front().hint.find("NetworkPolicy/a/in") != std::string::npos);
}

TEST_CASE("a patch whose result the API server refuses changes nothing") {
  Diagnostics d;
  const auto base = load(d);
  const std::vector<Change> changes{
      change_of(PatchChange{{"NetworkPolicy/a/in", {}}, true, R"([{"op":"replace","path":"/spec/ingress/0/ports/0/port","value":70000}])", "x"})};
  const auto after = apply_changes(base, changes, d);
  CHECK(d.has_errors());
  CHECK(after.find<NetworkPolicy>("a", "in") == base.find<NetworkPolicy>("a", "in"));
}

}  // namespace waypath
