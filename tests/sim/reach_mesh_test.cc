// reach over the whole path: what L4 authorization at ztunnels and sidecars makes of the matrix.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "model/load/manifest_loader.h"
#include "sim/reach/classes.h"
#include "sim/reach/matrix.h"
#include "sim/reach/reach.h"

namespace waypath::tests {
namespace {

struct Reached {
  std::shared_ptr<const model::Cluster> cluster;
  sim::ReachResult matrix;

  explicit Reached(const std::string& text) {
    model::Diagnostics diagnostics;
    cluster =
        model::Cluster::build(model::load_texts({{"cluster.yaml", text}}, {}, diagnostics), {}, diagnostics);
    REQUIRE_FALSE(diagnostics.has_errors());
    sim::ReachOptions options;
    options.layer = sim::ReachOptions::Layer::Mesh;
    matrix = sim::reach(cluster, options, diagnostics);
  }
  /// Of two pods "ns/name".
  [[nodiscard]] std::string between(const std::string& from, const std::string& to) const {
    const auto of = [&](const std::string& name) {
      const auto slash = name.find('/');
      return matrix.classes().class_of(cluster->find_pod(name.substr(0, slash), name.substr(slash + 1)));
    };
    return matrix.connections(matrix.matrix().cell(matrix.matrix().at(of(from), of(to))).sure);
  }
  /// From the range that holds an address.
  [[nodiscard]] std::string from_outside(const std::string& address, const std::string& to) const {
    const auto ip = *model::parse_ip(address);
    for (std::size_t s = 0; s < matrix.sources().size(); ++s)
      for (std::size_t d = 0; d < matrix.destinations().size(); ++d)
        if (matrix.sources()[s].external() && matrix.sources()[s].low <= ip &&
            ip <= matrix.sources()[s].high && matrix.destinations()[d].name == to)
          return matrix.connections(matrix.cell(s, d).sure);
    return "no such range";
  }
};

constexpr const char* kAmbient =
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {istio.io/dataplane-mode: ambient}}\n"
    "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: plain}\n";

std::string pod(const std::string& ns, const std::string& name, const std::string& app, const std::string& ip,
                const std::string& annotations = "") {
  return fmt::format(
      "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {}, namespace: {}, labels: {{app: {}}}, "
      "annotations: "
      "{{{}}}}}\nspec: {{containers: [{{name: c}}]}}\nstatus: {{podIP: {}, phase: Running}}\n",
      name, ns, app, annotations, ip);
}

std::string policy(const std::string& name, const std::string& action, const std::string& rules) {
  return fmt::format(
      "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: {}, namespace: "
      "a}}\nspec: {{selector: {{matchLabels: {{app: web}}}}, action: {}, rules: [{}]}}\n",
      name, action, rules);
}

constexpr const char* kEveryUdp = "UDP 1-65535; SCTP 1-65535";

}  // namespace

TEST_CASE("reach: an AuthorizationPolicy with ipBlocks parts pods that differ in nothing but their address") {
  const Reached r(kAmbient + pod("a", "web", "web", "10.0.9.1") + pod("a", "near", "client", "10.0.0.1") +
                  pod("a", "far", "client", "10.0.1.1") +
                  policy("near", "ALLOW", "{from: [{source: {ipBlocks: [10.0.0.0/24]}}]}"));
  CHECK(r.between("a/near", "a/web") == "all");
  CHECK(r.between("a/far", "a/web") == kEveryUdp);
}

TEST_CASE("reach: the outside is cut at the ipBlocks of AuthorizationPolicies") {
  const Reached r(kAmbient + pod("a", "web", "web", "10.0.9.1") +
                  policy("office", "ALLOW", "{from: [{source: {ipBlocks: [203.0.113.0/24]}}]}"));
  CHECK(r.from_outside("203.0.113.7", "a/web[Pod]") == "all");
  CHECK(r.from_outside("203.0.112.7", "a/web[Pod]") == kEveryUdp);
}

TEST_CASE("reach: destination.ip is compared with the address of the pod that is asked") {
  const Reached r(kAmbient + pod("a", "one", "web", "10.0.0.1") + pod("a", "two", "web", "10.0.1.1") +
                  pod("a", "client", "client", "10.0.2.1") +
                  policy("one", "ALLOW", "{when: [{key: destination.ip, values: [10.0.0.0/24]}]}"));
  CHECK(r.between("a/client", "a/one") == "all");
  CHECK(r.between("a/client", "a/two") == kEveryUdp);
}

TEST_CASE("reach: plain clients pass ztunnel by at a pod that leaves inbound capture out, tunnels do not") {
  const Reached r(kAmbient +
                  pod("a", "web", "web", "10.0.9.1", "ambient.istio.io/bypass-inbound-capture: \"true\"") +
                  pod("a", "client", "client", "10.0.0.1") + pod("plain", "client", "client", "10.0.1.1") +
                  policy("nobody", "ALLOW", ""));
  CHECK(r.between("plain/client", "a/web") == "all");
  CHECK(r.between("a/client", "a/web") == kEveryUdp);
}

TEST_CASE("reach: what a waypoint in front of a pod decides is not known, and is said to be missing") {
  const Reached r(
      kAmbient + pod("a", "web", "web, istio.io/use-waypoint: wp", "10.0.9.1") +
      pod("a", "client", "client", "10.0.0.1") + pod("plain", "client", "client", "10.0.1.1") +
      "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: wp, namespace: a, "
      "labels: "
      "{istio.io/waypoint-for: workload}}\nspec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, "
      "port: 15008, protocol: HBONE}]}\n");
  CHECK(r.between("plain/client", "a/web") == "all");
  CHECK(r.between("a/client", "a/web") == kEveryUdp);
  REQUIRE(r.matrix.missing_facts().size() == 1);
  CHECK(r.matrix.missing_facts().front() == "what waypoint a/wp lets through to pods behind it");
}

TEST_CASE(
    "reach: of a workload that changes its network the pods on the host's are left out, the others judged") {
  const auto replica = [](int number, bool on_host) {
    return fmt::format(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: db-{0}, namespace: a, ownerReferences: [{{kind: "
        "StatefulSet, name: db, controller: true}}]}}\nspec: {{hostNetwork: {1}, containers: [{{name: "
        "c}}]}}\n"
        "status: {{podIP: 10.0.0.{0}}}\n",
        number, on_host);
  };
  for (const bool first : {false, true}) {
    const Reached r(kAmbient + pod("plain", "client", "client", "10.0.1.1") + replica(1, first) +
                    replica(2, !first) + replica(3, false));
    REQUIRE(r.matrix.excluded().size() == 1);
    CHECK(r.matrix.excluded().front().name == (first ? "a/db-1[Pod]" : "a/db-2[Pod]"));
    CHECK(r.between("plain/client", first ? "a/db-2" : "a/db-1") == "all");
    CHECK(r.between("plain/client", "a/db-3") == "all");
  }
}

TEST_CASE("reach: pods that no rule of the mesh tells apart are one class, whoever they are") {
  const std::string pods = kAmbient + pod("a", "web", "web", "10.0.9.1") +
                           pod("a", "one", "one", "10.0.0.1") + pod("a", "two", "two", "10.0.0.2") +
                           pod("a", "three", "three", "10.0.0.3");
  const auto classes = [](const Reached& r) { return r.matrix.classes().classes().size(); };
  CHECK(classes(Reached(pods)) == 1);
  CHECK(classes(Reached(pods + policy("all", "ALLOW", "{from: [{source: {namespaces: [a]}}]}"))) == 2);
  const Reached other(pods + policy("some", "DENY", "{from: [{source: {namespaces: [b]}}]}"));
  CHECK(classes(other) == 2);
  CHECK(other.between("a/one", "a/web") == "all");
}

}  // namespace waypath::tests
