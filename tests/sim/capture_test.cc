// Mesh membership (sim/resolve/mesh.h): ambient-path.md section 1, E1 to E12; identities, section 6.

#include <catch2/catch.hpp>

#include "sim/reasons/path.h"
#include "sim/resolve/mesh.h"
#include "tests/sim/resolve_support.h"

namespace waypath::sim::tests {
namespace {

constexpr const char* kAmbient = "istio.io/dataplane-mode: ambient";
constexpr const char* kNone = "istio.io/dataplane-mode: none";

struct Row {
  const char* rule;
  std::string ns_labels;
  PodYaml pod;
  const char* version;
  Dataplane dataplane;
  std::string_view code;
};

const std::string kPlain = "containers: [{name: app}]";

Capture capture_in(const std::string& ns, const std::string& ns_labels, const PodYaml& pod,
                   std::string_view version, const std::string& more = "") {
  const auto cluster = load_cluster(ns_yaml(ns, ns_labels) + pod_yaml(ns, "p", pod) + more, version);
  return capture_of(*cluster, pod_named(*cluster, ns, "p"));
}

std::string cni_config(const std::string& data) {
  return "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio-cni-config, namespace: "
         "istio-system}\ndata:\n" +
         data;
}

}  // namespace

TEST_CASE("capture: the first rule that fits decides") {
  const auto row = GENERATE(values<Row>({
      {"E1 hostNetwork",
       kAmbient,
       {"", "", "hostNetwork: true, " + kPlain, ""},
       "1.31",
       Dataplane::None,
       kMeshHostNetwork.text},
      {"E2 sidecar annotation",
       kAmbient,
       {"", "sidecar.istio.io/status: ''", kPlain, ""},
       "1.31",
       Dataplane::Sidecar,
       kMeshSidecar.text},
      {"E2 beats E4",
       "",
       {kAmbient, "sidecar.istio.io/status: '{}'", kPlain, ""},
       "1.31",
       Dataplane::Sidecar,
       kMeshSidecar.text},
      {"E4 pod label", "", {kAmbient, "", kPlain, ""}, "1.31", Dataplane::Ambient, kMeshPodLabel.text},
      {"E4 pod label against the namespace",
       kNone,
       {kAmbient, "", kPlain, ""},
       "1.31",
       Dataplane::Ambient,
       kMeshPodLabel.text},
      {"E5 namespace label",
       kAmbient,
       {"", "", kPlain, ""},
       "1.31",
       Dataplane::Ambient,
       kMeshNamespaceLabel.text},
      {"E5 pod opts out", kAmbient, {kNone, "", kPlain, ""}, "1.31", Dataplane::None, kMeshPodOptedOut.text},
      {"E8 any other pod value",
       kAmbient,
       {"istio.io/dataplane-mode: sidecar", "", kPlain, ""},
       "1.31",
       Dataplane::Ambient,
       kMeshNamespaceLabel.text},
      {"E6 no label", "", {"", "", kPlain, ""}, "1.31", Dataplane::None, kMeshNotEnrolled.text},
      {"E6 other value",
       "istio.io/dataplane-mode: sidecar",
       {"", "", kPlain, ""},
       "1.31",
       Dataplane::None,
       kMeshNotEnrolled.text},
      {"injection by namespace",
       "istio-injection: enabled",
       {"", "", kPlain, ""},
       "1.31",
       Dataplane::Sidecar,
       kMeshSidecar.text},
      {"injection refused by the pod",
       "istio-injection: enabled",
       {"sidecar.istio.io/inject: 'false'", "", kPlain, ""},
       "1.31",
       Dataplane::None,
       kMeshNotEnrolled.text},
      {"ztunnel's container has the sidecar's name",
       "istio-injection: enabled",
       {"sidecar.istio.io/inject: 'false'", "", "containers: [{name: istio-proxy}]", ""},
       "1.31",
       Dataplane::None,
       kMeshNotEnrolled.text},
      {"no injection of running pods",
       "istio-injection: enabled",
       {"", "", kPlain, running("10.0.0.1")},
       "1.31",
       Dataplane::None,
       kMeshNotEnrolled.text},
      {"gateway template",
       kAmbient,
       {kNone, "inject.istio.io/templates: gateway", kPlain, ""},
       "1.31",
       Dataplane::Gateway,
       kMeshGatewayPod.text},
      {"gateway template is injected: E2",
       kAmbient,
       {"", "inject.istio.io/templates: gateway", kPlain, ""},
       "1.24",
       Dataplane::Gateway,
       kMeshGatewayPod.text},
  }));
  INFO(row.rule);
  const Capture c = capture_in("a", row.ns_labels, row.pod, row.version);
  CHECK(c.dataplane == row.dataplane);
  CHECK(c.reason.code.text == row.code);
  CHECK(c.missing_facts.empty());
  CHECK_FALSE(c.annotation_mismatch);
}

TEST_CASE("capture: the reason names the label that decided") {
  const auto cluster = load_cluster(ns_yaml("a", kAmbient) + pod_yaml("a", "p"));
  const Capture c = capture_of(*cluster, pod_named(*cluster, "a", "p"));
  REQUIRE(c.reason.by);
  CHECK(c.reason.by->key.str() == "Namespace/a");
  CHECK(c.reason.by->pos.line == 4);
}

TEST_CASE("E1: versions without the hostNetwork check leave the answer open, others do not") {
  const auto [version, open] = GENERATE(table<const char*, bool>(
      {{"1.26", false}, {"1.28.2", true}, {"1.30.2", true}, {"1.30.4", false}, {"1.31.0", false}}));
  INFO(version);
  const Capture c = capture_in("a", kAmbient, {"", "", "hostNetwork: true, " + kPlain, ""}, version);
  CHECK(c.dataplane == Dataplane::None);
  CHECK(c.missing_facts.empty() != open);
  CHECK(capture_in("a", "", {"", "", "hostNetwork: true, " + kPlain, ""}, version).missing_facts.empty());
}

TEST_CASE("E3: an excluded namespace is out since the node agent looks at the list") {
  const Capture now = capture_in("kube-system", kAmbient, {"", "", kPlain, ""}, "1.31");
  CHECK(now.dataplane == Dataplane::None);
  CHECK(now.reason.code == kMeshNamespaceExcluded);
  // Before, it depended on when the label came.
  CHECK_FALSE(capture_in("kube-system", kAmbient, {"", "", kPlain, ""}, "1.29").missing_facts.empty());
  const auto list = cni_config("  EXCLUDE_NAMESPACES: \"kube-system,edge\"\n");
  CHECK(capture_in("edge", kAmbient, {"", "", kPlain, ""}, "1.31", list).dataplane == Dataplane::None);
  CHECK(capture_in("edges", kAmbient, {"", "", kPlain, ""}, "1.31", list).dataplane == Dataplane::Ambient);
}

TEST_CASE("E7: configured selectors replace the built-in ones") {
  const auto config = cni_config(
      "  AMBIENT_ENABLEMENT_SELECTOR: |\n    - podSelector:\n        matchLabels: {mesh: \"yes\"}\n"
      "    - podSelector:\n        matchExpressions: [{key: mesh, operator: NotIn, values: [\"no\"]}]\n"
      "      namespaceSelector:\n        matchLabels: {team: x}\n");
  CHECK(capture_in("a", kAmbient, {"", "", kPlain, ""}, "1.31", config).dataplane == Dataplane::None);
  CHECK(capture_in("a", "team: x", {"", "", kPlain, ""}, "1.31", config).reason.code == kMeshNamespaceLabel);
  CHECK(capture_in("a", "team: x", {"mesh: 'no'", "", kPlain, ""}, "1.31", config).reason.code ==
        kMeshPodOptedOut);
  CHECK(capture_in("a", "", {"mesh: 'yes'", "", kPlain, ""}, "1.31", config).reason.code == kMeshPodLabel);
  // Older versions have fixed labels.
  CHECK(capture_in("a", kAmbient, {"", "", kPlain, ""}, "1.26", config).dataplane == Dataplane::Ambient);
  const auto broken = cni_config("  AMBIENT_ENABLEMENT_SELECTOR: \"nonsense\"\n");
  CHECK_FALSE(capture_in("a", kAmbient, {"", "", kPlain, ""}, "1.31", broken).missing_facts.empty());
}

TEST_CASE("E9: what istio-cni wrote beats the labels, and the difference is told") {
  const PodYaml enabled{"", "ambient.istio.io/redirection: enabled", kPlain, running("10.0.0.1")};
  const Capture unlabelled = capture_in("a", "", enabled, "1.31");
  CHECK(unlabelled.dataplane == Dataplane::Ambient);
  CHECK(unlabelled.annotation_mismatch == true);
  CHECK_FALSE(capture_in("a", kAmbient, enabled, "1.31").annotation_mismatch);
  const PodYaml pending{"", "ambient.istio.io/redirection: pending", kPlain, running("10.0.0.1")};
  CHECK(capture_in("a", kAmbient, pending, "1.31").dataplane == Dataplane::Ambient);
  // A running pod without the status, where others have it, was not captured.
  const auto other = ns_yaml("b", kAmbient) + pod_yaml("b", "q", enabled);
  const PodYaml bare{"", "", kPlain, running("10.0.0.2")};
  const Capture missed = capture_in("a", kAmbient, bare, "1.31", other);
  CHECK(missed.dataplane == Dataplane::None);
  CHECK(missed.annotation_mismatch == false);
  CHECK(capture_in("a", kAmbient, bare, "1.31").dataplane == Dataplane::Ambient);
}

TEST_CASE("E11, E12: bypass of inbound capture, DNS capture by version, configuration and annotation") {
  CHECK(capture_in("a", kAmbient, {"", "ambient.istio.io/bypass-inbound-capture: 'true'", kPlain, ""}, "1.31")
            .bypass_inbound);
  const PodYaml plain{"", "", kPlain, ""}, off{"", "ambient.istio.io/dns-capture: 'false'", kPlain, ""},
      on{"", "ambient.istio.io/dns-capture: 'true'", kPlain, ""};
  const auto config_on = cni_config("  AMBIENT_DNS_CAPTURE: \"true\"\n"),
             config_off = cni_config("  AMBIENT_DNS_CAPTURE: \"false\"\n");
  CHECK(capture_in("a", kAmbient, plain, "1.25").dns_capture);
  CHECK_FALSE(capture_in("a", kAmbient, plain, "1.24").dns_capture);
  CHECK(capture_in("a", kAmbient, plain, "1.24", config_on).dns_capture);
  CHECK_FALSE(capture_in("a", kAmbient, plain, "1.31", config_off).dns_capture);
  CHECK_FALSE(capture_in("a", kAmbient, off, "1.31").dns_capture);
  CHECK(capture_in("a", kAmbient, on, "1.31", config_off).dns_capture);
  CHECK_FALSE(capture_in("a", kAmbient, on, "1.24").dns_capture);
}

TEST_CASE("a waypoint's synthesized pod is a waypoint with the Gateway's name as service account") {
  const auto cluster = load_cluster(ns_yaml("a", kAmbient) + waypoint_yaml("a", "wp"));
  const auto* gateway =
      cluster->snapshot()
          .find<model::Gateway>({model::intern("Gateway"), model::intern("gateway.networking.k8s.io"),
                                 model::intern("a"), model::intern("wp")})
          .get();
  REQUIRE(gateway != nullptr);
  CHECK(is_waypoint(*cluster, *gateway));
  const auto pods = gateway_pods(*cluster, *gateway);
  REQUIRE(pods.size() == 1);
  CHECK(capture_of(*cluster, pods.front()).dataplane == Dataplane::Waypoint);
  CHECK(gateway_of_pod(*cluster, pods.front()) == gateway);
  CHECK(identity_of(*cluster, pods.front()).principal == "cluster.local/ns/a/sa/wp");
}

TEST_CASE("a gateway deployed by hand in an ambient namespace is captured as well") {
  const auto edge = waypoint_yaml("a", "edge", "", "", "istio");
  const PodYaml pod{"gateway.networking.k8s.io/gateway-name: edge", "", kPlain, ""};
  const Capture in = capture_in("a", kAmbient, pod, "1.31", edge);
  CHECK(in.dataplane == Dataplane::Gateway);
  CHECK(in.redirected());
  const Capture out = capture_in("a", "", pod, "1.31", edge);
  CHECK(out.dataplane == Dataplane::Gateway);
  CHECK_FALSE(out.redirected());
}

TEST_CASE("a sidecar speaks HBONE when the injector labelled its pod") {
  const PodYaml with{"networking.istio.io/tunnel: http", "sidecar.istio.io/status: '{}'", kPlain,
                     running("10.0.0.1")};
  const PodYaml without{"", "sidecar.istio.io/status: '{}'", kPlain, running("10.0.0.1")};
  CHECK(capture_in("a", "", with, "1.31").sidecar_hbone);
  CHECK_FALSE(capture_in("a", "", without, "1.31").sidecar_hbone);
}

TEST_CASE("identities have the mesh's trust domain and the default service account") {
  const auto mesh =
      "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n"
      "data: {mesh: \"trustDomain: td.example\"}\n";
  const auto cluster = load_cluster(ns_yaml("a") + pod_yaml("a", "p") + mesh);
  CHECK(identity_of(*cluster, pod_named(*cluster, "a", "p")).principal == "td.example/ns/a/sa/default");
}

}  // namespace waypath::sim::tests
