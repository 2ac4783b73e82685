// Objects that manifests imply (model/derive.h): pods of workloads, what istiod makes for a Gateway,
// namespaces.

#include <catch2/catch.hpp>

#include "model/load/manifest_loader.h"

namespace waypath {
namespace {

using namespace model;  // NOLINT(google-build-using-namespace): a test of this one header

Snapshot load(const std::string& text) {
  Diagnostics d;
  auto s = load_texts({{"cluster.yaml", text}}, {}, d);
  for (const auto& item : d.items()) UNSCOPED_INFO(format_diagnostic(item, s.files()));
  CHECK_FALSE(d.has_errors());
  return s;
}

std::string pods_of(const Snapshot& s) {
  std::string out;
  for (const auto& p : s.all<Pod>())
    out += p->meta.key.ns.str() + "/" + p->meta.key.name.str() + "[" + p->workload_kind.str() + " " +
           p->workload_name.str() + "]" + (p->meta.origin == Origin::Derived ? "" : "!") + " ";
  return out;
}

std::string workload(const std::string& kind, const std::string& name, const std::string& more = "") {
  const std::string group = kind == "Job" || kind == "CronJob" ? "batch/v1" : "apps/v1";
  const std::string tpl =
      "template: {metadata: {labels: {app: " + name + "}}, spec: {containers: [{name: c}]}}";
  const std::string spec = kind == "CronJob" ? "jobTemplate: {spec: {" + tpl + "}}"
                           : kind == "Job"   ? tpl
                                             : "selector: {matchLabels: {app: " + name + "}}, " + tpl;
  return "---\napiVersion: " + group + "\nkind: " + kind + "\nmetadata: {name: " + name +
         ", namespace: a}\nspec: {" + (more.empty() ? "" : more + ", ") + spec + "}\n";
}

std::string pod(const std::string& name, const std::string& labels, const std::string& owner = "") {
  return "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name + "\n  namespace: a\n  labels: {" +
         labels + "}\n" + (owner.empty() ? "" : "  ownerReferences: [{" + owner + ", controller: true}]\n") +
         "spec: {containers: [{name: c}]}\n";
}

constexpr const char* kWaypoint = R"(---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: wp, namespace: a}
spec:
  gatewayClassName: istio-waypoint
  listeners: [{name: mesh, port: 15008, protocol: HBONE}]
)";

std::string labels_of(const Labels& labels) {
  std::string out;
  for (const auto& l : labels.all()) out += l.key.str() + "=" + l.value.str() + "\n";
  return out;
}

}  // namespace

TEST_CASE("workloads without pods yield pods named after their controller's habit") {
  CHECK(pods_of(load(workload("Deployment", "web", "replicas: 3"))) == "a/web-*[Deployment web] ");
  CHECK(pods_of(load(workload("StatefulSet", "db", "replicas: 2, ordinals: {start: 5}, serviceName: db"))) ==
        "a/db-5[StatefulSet db] a/db-6[StatefulSet db] ");
  CHECK(pods_of(load(workload("DaemonSet", "agent"))) == "a/agent-*[DaemonSet agent] ");
  CHECK(pods_of(load(workload("DaemonSet", "agent") +
                     "---\napiVersion: v1\nkind: Node\nmetadata: {name: n1}\n---\napiVersion: v1\nkind: "
                     "Node\nmetadata: {name: n2}\n")) ==
        "a/agent-n1[DaemonSet agent] a/agent-n2[DaemonSet agent] ");
  CHECK(pods_of(load(workload("Job", "once"))) == "a/once-*[Job once] ");
  CHECK(pods_of(load(workload("CronJob", "nightly", "schedule: '* * * * *'"))) ==
        "a/nightly-*[CronJob nightly] ");
}

TEST_CASE("no replicas or suspended: no pods") {
  CHECK(pods_of(load(workload("Deployment", "web", "replicas: 0"))).empty());
  CHECK(pods_of(load(workload("CronJob", "nightly", "schedule: '* * * * *', suspend: true"))).empty());
  CHECK(pods_of(load(workload("Job", "once", "suspend: true"))).empty());
}

TEST_CASE("a derived pod carries the template's labels and those its controller adds") {
  const auto s = load(workload("StatefulSet", "db", "serviceName: db"));
  const auto& p = *s.all<Pod>().front();
  CHECK(labels_of(p.meta.labels) ==
        "app=db\napps.kubernetes.io/pod-index=0\nstatefulset.kubernetes.io/pod-name=db-0\n");
  CHECK(p.spec.hostname == std::string_view("db-0"));
  CHECK(p.spec.subdomain == std::string_view("db"));
  CHECK(p.spec.service_account == std::string_view("default"));
  CHECK(p.meta.derived_from.str() == "StatefulSet/a/db");
  CHECK_FALSE(p.has_status);
}

TEST_CASE("live pods stand for their workload, through its ReplicaSet or Job, given or not") {
  const auto rs = R"(---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-5f4, namespace: a, ownerReferences: [{kind: Deployment, name: web, controller: true}]}
spec: {replicas: 1, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c}]}}}
)";
  const auto live = pod("web-5f4-x", "app: web", "kind: ReplicaSet, name: web-5f4");
  CHECK(pods_of(load(workload("Deployment", "web") + live)) == "a/web-5f4-x[Deployment web]! ");
  CHECK(pods_of(load(workload("Deployment", "web") + rs + live)) == "a/web-5f4-x[Deployment web]! ");
  CHECK(pods_of(load(workload("Deployment", "web") + rs)) == "a/web-*[Deployment web] ");
  CHECK(pods_of(load(live)) == "a/web-5f4-x[ReplicaSet web-5f4]! ");
  CHECK(pods_of(load(workload("CronJob", "late", "schedule: '* * * * *'") +
                     pod("late-1-x", "app: late", "kind: Job, name: late-1"))) ==
        "a/late-1-x[CronJob late]! ");
}

TEST_CASE("a pod written without owner belongs to the workload that selects it and whose name it bears") {
  CHECK(pods_of(load(workload("Deployment", "web") + pod("web-1", "app: web"))) ==
        "a/web-1[Deployment web]! ");
  CHECK(pods_of(load(workload("Deployment", "web") + pod("debug", "app: web"))) ==
        "a/debug[Pod debug]! a/web-*[Deployment web] ");
  CHECK(pods_of(load(workload("Deployment", "web") + pod("web-1", "app: other"))) ==
        "a/web-*[Deployment web] a/web-1[Pod web-1]! ");
}

TEST_CASE("istiod's objects for a waypoint: exactly its labels, unless they are given") {
  const auto s = load(kWaypoint);
  CHECK(pods_of(s) == "a/wp-*[Deployment wp] ");
  CHECK(labels_of(s.all<Pod>().front()->meta.labels) ==
        "gateway.istio.io/managed=istio.io-mesh-controller\n"
        "gateway.networking.k8s.io/gateway-class-name=istio-waypoint\n"
        "gateway.networking.k8s.io/gateway-name=wp\n"
        "istio.io/dataplane-mode=none\n"
        "service.istio.io/canonical-name=wp\n"
        "service.istio.io/canonical-revision=latest\n"
        "sidecar.istio.io/inject=false\n");
  const auto* service = s.find<Service>("a", "wp");
  REQUIRE(service != nullptr);
  CHECK(service->type == ServiceType::ClusterIP);
  REQUIRE(service->ports.size() == 2);
  CHECK(service->ports[0].port == 15021);
  CHECK(service->ports[1].port == 15008);
  CHECK(service->ports[1].app_protocol == "hbone");
  CHECK(s.find<ServiceAccount>("a", "wp") != nullptr);
  const auto* account = s.find<Pod>("a", "wp-*");
  CHECK(account->spec.service_account == std::string_view("wp"));

  CHECK(pods_of(load(kWaypoint + pod("wp-7d-x", "gateway.networking.k8s.io/gateway-name: wp",
                                     "kind: ReplicaSet, name: wp-7d"))) == "a/wp-7d-x[Deployment wp]! ");
  CHECK(pods_of(load(kWaypoint + pod("custom", "gateway.networking.k8s.io/gateway-name: wp",
                                     "kind: ReplicaSet, name: custom-1"))) ==
        "a/custom[ReplicaSet custom-1]! ");
}

TEST_CASE("labels of a Gateway go to its pods unless spec.infrastructure.labels is given") {
  const auto gateway = [](const std::string& labels, const std::string& infrastructure) {
    return "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: a, "
           "labels: {" +
           labels + "}}\nspec:\n  gatewayClassName: istio\n" + infrastructure +
           "  listeners: [{name: http, port: 80, protocol: HTTP}]\n";
  };
  const auto value = [](const Snapshot& s, const char* key) {
    return std::string(s.all<Pod>().front()->meta.labels.get(key).value_or("-"));
  };
  const auto own = load(gateway("team: x", ""));
  CHECK(value(own, "team") == "x");
  CHECK(value(own, "istio.io/dataplane-mode") == "none");
  CHECK(value(own, "service.istio.io/canonical-name") == "g-istio");
  CHECK(own.find<Service>("a", "g-istio")->type == ServiceType::LoadBalancer);
  CHECK(own.find<Service>("a", "g-istio")->meta.labels.find("service.istio.io/canonical-name") == nullptr);
  const auto given = load(
      gateway("team: x", "  infrastructure: {labels: {istio.io/dataplane-mode: ambient, tier: edge}}\n"));
  CHECK(value(given, "team") == "-");
  CHECK(value(given, "tier") == "edge");
  CHECK(value(given, "istio.io/dataplane-mode") == "ambient");
}

TEST_CASE("a Gateway of another controller, or with a Service of its own, is not deployed by istiod") {
  const auto text = [](const std::string& spec) {
    return "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: "
           "a}\nspec: {" +
           spec + ", listeners: [{name: http, port: 80, protocol: HTTP}]}\n";
  };
  CHECK(pods_of(load(text("gatewayClassName: nginx"))).empty());
  CHECK(
      pods_of(
          load(text(
              "gatewayClassName: istio, addresses: [{type: Hostname, value: ingress.a.svc.cluster.local}]")))
          .empty());
  CHECK(pods_of(load(text("gatewayClassName: istio, addresses: [{type: IPAddress, value: 192.0.2.1}]"))) ==
        "a/g-istio-*[Deployment g-istio] ");
  CHECK(pods_of(load("apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: corp}\n"
                     "spec: {controllerName: istio.io/gateway-controller}\n---\n" +
                     text("gatewayClassName: corp"))) == "a/g-corp-*[Deployment g-corp] ");
}

TEST_CASE("annotations override name, service account and service type of what istiod deploys") {
  const auto s = load(R"(apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: g
  namespace: a
  annotations:
    gateway.istio.io/name-override: edge
    gateway.istio.io/service-account: edge-sa
    networking.istio.io/service-type: ClusterIP
spec:
  gatewayClassName: istio
  listeners: [{name: http, port: 80, protocol: HTTP}]
)");
  CHECK(pods_of(s) == "a/edge-*[Deployment edge] ");
  CHECK(s.all<Pod>().front()->spec.service_account == std::string_view("edge-sa"));
  CHECK(s.find<ServiceAccount>("a", "edge-sa") != nullptr);
  CHECK(s.find<Service>("a", "edge")->type == ServiceType::ClusterIP);
}

}  // namespace waypath
