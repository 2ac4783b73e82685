// What an overlay does to the objects of a snapshot (model/change.h).

#include "model/change.h"

#include <catch2/catch.hpp>

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

TEST_CASE(
    "a pod counts as the Deployment of its ReplicaSet, and a waypoint's pod is derived from its Gateway") {
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
      change_of(PatchChange{{"Deployment/a/web", {}},
                            true,
                            R"([{"op":"remove","path":"/spec/template/metadata/labels/tier"}])",
                            "x"})};
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
  const std::vector<Change> changes{change_of(PatchChange{
      {"NetworkPolicy/a/in", {}}, true, R"([{"op":"remove","path":"/spec/ingress/0/ports/1"}])", "x"})};
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
      change_of(PatchChange{{"NetworkPolicy/a/in", {}},
                            true,
                            R"([{"op":"replace","path":"/spec/ingress/0/ports/0/port","value":70000}])",
                            "x"})};
  const auto after = apply_changes(base, changes, d);
  CHECK(d.has_errors());
  CHECK(after.find<NetworkPolicy>("a", "in") == base.find<NetworkPolicy>("a", "in"));
}

namespace {

Snapshot load_text(const std::string& text, Diagnostics& d) {
  return load_texts({{"cluster.yaml", text}}, {}, d);
}

constexpr const char* kLiveGateway = R"(apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: wp, namespace: a, labels: {team: x}}
spec:
  gatewayClassName: istio-waypoint
  listeners: [{name: mesh, port: 15008, protocol: HBONE}]
status: {addresses: [{type: IPAddress, value: 10.96.1.1}]}
---
apiVersion: v1
kind: Service
metadata:
  name: wp
  namespace: a
  labels: {gateway.networking.k8s.io/gateway-name: wp, gateway.istio.io/managed: istio.io-mesh-controller}
  ownerReferences: [{kind: Gateway, name: wp}]
spec:
  clusterIP: 10.96.1.1
  selector: {gateway.networking.k8s.io/gateway-name: wp}
  ports: [{name: status-port, port: 15021}, {name: mesh, port: 15008, appProtocol: hbone}]
---
apiVersion: v1
kind: Pod
metadata:
  name: wp-7d-x
  namespace: a
  labels: {team: x, gateway.networking.k8s.io/gateway-name: wp, gateway.istio.io/managed: istio.io-mesh-controller, pod-template-hash: 7d}
  ownerReferences: [{kind: ReplicaSet, name: wp-7d, controller: true}]
spec: {serviceAccountName: wp, containers: [{name: istio-proxy}]}
status: {phase: Running, podIP: 10.0.0.8}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: wp-abc, namespace: a, labels: {kubernetes.io/service-name: wp}}
addressType: IPv4
ports: [{name: mesh, port: 15008}]
endpoints: [{addresses: [10.0.0.8], targetRef: {kind: Pod, name: wp-7d-x}}]
)";

}  // namespace

TEST_CASE("labels of a Gateway reach the live pods that istiod made for it") {
  Diagnostics d;
  const auto base = load_text(kLiveGateway, d);
  const auto after =
      apply_changes(base,
                    std::vector<Change>{change_of(LabelChange{
                        {"Gateway/a/wp", {}}, {{"team", std::nullopt}, {"app.kubernetes.io/name", "wp"}}})},
                    d);
  REQUIRE_FALSE(d.has_errors());
  const auto* pod = after.find<Pod>("a", "wp-7d-x");
  REQUIRE(pod != nullptr);
  CHECK(pod->meta.labels.get("app.kubernetes.io/name") == "wp");
  CHECK(pod->meta.labels.find("team") == nullptr);
  CHECK(pod->meta.labels.get("pod-template-hash") == "7d");
  CHECK(pod->ips.size() == 1);
}

TEST_CASE("a listener added to a Gateway adds a port to the Service that istiod made") {
  Diagnostics d;
  const auto base = load_text(kLiveGateway, d);
  const auto after = apply_changes(
      base,
      std::vector<Change>{change_of(PatchChange{
          {"Gateway/a/wp", {}},
          true,
          R"([{"op":"add","path":"/spec/listeners/-","value":{"name":"more","port":8080,"protocol":"HTTP"}}])",
          "x"})},
      d);
  REQUIRE_FALSE(d.has_errors());
  const auto* service = after.find<Service>("a", "wp");
  REQUIRE(service->ports.size() == 3);
  CHECK(service->ports[2].port == 8080);
  CHECK(service->cluster_ips.size() == 1);
}

TEST_CASE(
    "the Deployment that istiod makes can be scaled though it is not given; its pods and their addresses "
    "go") {
  Diagnostics d;
  const auto base = load_text(kLiveGateway, d);
  const auto after =
      apply_changes(base, std::vector<Change>{change_of(ScaleChange{{"Deployment/a/wp", {}}, 0})}, d);
  REQUIRE_FALSE(d.has_errors());
  CHECK(after.all<Pod>().empty());
  CHECK(after.all<Service>().size() == 1);
  REQUIRE(after.all<EndpointSlice>().size() == 1);
  CHECK(after.all<EndpointSlice>().front()->endpoints.empty());
  const auto again =
      apply_changes(after, std::vector<Change>{change_of(DeleteChange{{"Gateway/a/wp", {}}})}, d);
  CHECK(again.all<Service>().empty());
}

TEST_CASE("what is applied over a live object keeps what the API server and istiod wrote") {
  Diagnostics d;
  const auto base = load_text(kLiveGateway, d);
  const auto after =
      apply_changes(base, std::vector<Change>{change_of(ApplyChange{"new.yaml", R"(apiVersion: v1
kind: Service
metadata: {name: wp, namespace: a}
spec: {ports: [{port: 15008}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: wp, namespace: a}
spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
)"})},
                    d);
  REQUIRE_FALSE(d.has_errors());
  CHECK(after.find<Service>("a", "wp")->cluster_ips == base.find<Service>("a", "wp")->cluster_ips);
  CHECK(after.find<Gateway>("a", "wp")->status_addresses.size() == 1);
  CHECK(after.find<Service>("a", "wp")->selector.empty());
}

TEST_CASE("deleting takes what the object owns, and a namespace all that is in it") {
  Diagnostics d;
  const auto base = load_text(std::string(kCluster) + R"(---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-5f4f, namespace: a, ownerReferences: [{kind: Deployment, name: web, controller: true}]}
spec: {replicas: 1, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c}]}}}
)",
                              d);
  const auto after =
      apply_changes(base, std::vector<Change>{change_of(DeleteChange{{"Deployment/a/web", {}}})}, d);
  REQUIRE_FALSE(d.has_errors());
  REQUIRE(after.all<Pod>().size() == 1);
  CHECK(after.all<Pod>().front()->meta.key.name == std::string_view("wp-*"));
  CHECK(after.all<Workload>().size() == 1);  // the waypoint's
  const auto empty =
      apply_changes(base, std::vector<Change>{change_of(DeleteChange{{"Namespace/a", {}}})}, d);
  CHECK(all_objects(empty).empty());
}

TEST_CASE("a namespace that is only named can be labelled") {
  Diagnostics d;
  const auto base = load(d);
  const auto after = apply_changes(base,
                                   std::vector<Change>{change_of(LabelChange{
                                       {"Namespace/a", {}}, {{"istio.io/dataplane-mode", "ambient"}}})},
                                   d);
  REQUIRE_FALSE(d.has_errors());
  REQUIRE(after.all<Namespace>().size() == 1);
  CHECK(after.all<Namespace>().front()->meta.labels.get("istio.io/dataplane-mode") == "ambient");
  CHECK(after.all<Namespace>().front()->meta.labels.get("kubernetes.io/metadata.name") == "a");
}

TEST_CASE("changes that cannot be made say so and leave things as they were") {
  struct Row {
    Change change;
    const char* message;
  };
  const std::vector<Row> rows{
      {change_of(DeleteChange{{"Deployment/a/wp", {}}}), "implied by Gateway/a/wp"},
      {change_of(PatchChange{{"Service/a/wp", {}}, false, "{}", "x"}), "implied by Gateway/a/wp"},
      {change_of(PatchChange{{"NetworkPolicy/a/in", {}}, false, R"({"metadata":{"name":"out"}})", "x"}),
       "cannot change kind"},
      {change_of(
           PatchChange{{"NetworkPolicy/a/in", {}}, true, R"([{"op":"remove","path":"/spec/egress"}])", "x"}),
       "does not fit"},
      {change_of(PatchChange{{"NetworkPolicy/a/in", {}}, true, "nonsense", "x"}), "does not fit"},
      {change_of(ScaleChange{{"NetworkPolicy/a/in", {}}, 0}), "cannot be scaled"},
      {change_of(FailChange{{"NetworkPolicy/a/in", {}}}), "no pods"},
      {change_of(DeleteChange{{"NetworkPolicy", {}}}), "names no object"},
      {change_of(ApplyChange{
           "x.yaml",
           "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\napiVersion: networking.k8s.io/v1\n"
           "kind: NetworkPolicy\nmetadata: {name: in, namespace: a}\nspec: {podSelector: {}}\n",
           1, true}),
       "exists already, at cluster.yaml:"},
  };
  for (const auto& row : rows) {
    Diagnostics d;
    const auto base = load(d);
    const auto after = apply_changes(base, std::vector<Change>{row.change}, d);
    INFO(row.message);
    REQUIRE(d.has_input_errors());
    CHECK(d.items().front().message.find(row.message) != std::string::npos);
    CHECK(after.find<NetworkPolicy>("a", "in") == base.find<NetworkPolicy>("a", "in"));
    CHECK(all_objects(after).size() == all_objects(base).size());
  }
}

TEST_CASE("a changed template's containers and annotations reach the live pods; injected containers stay") {
  Diagnostics d;
  const auto base = load(d);
  const auto after = apply_changes(
      base,
      std::vector<Change>{change_of(PatchChange{
          {"Deployment/a/web", {}},
          false,
          R"({"spec":{"template":{"metadata":{"annotations":{"ambient.istio.io/bypass-inbound-capture":"true"}},
                "spec":{"serviceAccountName":"web","containers":[{"name":"c","ports":[{"name":"http","containerPort":8080}]}]}}}})",
          "x"})},
      d);
  REQUIRE_FALSE(d.has_errors());
  const auto* pod = after.find<Pod>("a", "web-5f4f-abc");
  REQUIRE(pod != nullptr);
  CHECK(pod->meta.annotation("ambient.istio.io/bypass-inbound-capture") != nullptr);
  CHECK(pod->spec.service_account == std::string_view("web"));
  REQUIRE(pod->spec.containers.size() == 1);
  CHECK(pod->spec.containers[0].ports.at(0).port == 8080);
}

}  // namespace waypath
