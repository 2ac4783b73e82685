// What Ingress and Route objects publish: the ports of the pods that a controller connects to.

#include <catch2/catch.hpp>
#include <string>

#include "sim/reach/exposure.h"
#include "tests/sim/resolve_support.h"

namespace waypath::sim::tests {
namespace {

const std::string kWeb =
    ns_yaml("shop") + pod_yaml("shop", "web", {"app: web", "", "containers: [{name: app}]", ""}) +
    service_yaml("shop", "web",
                 "selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}, "
                 "{name: admin, port: 9000, targetPort: 9090}]");

std::string published(const std::string& object) {
  model::Diagnostics diagnostics;
  const auto cluster = load_cluster(kWeb + object);
  for (const auto& e : exposures(*cluster, {}, diagnostics))
    if (e.workload == "shop/web[Pod]") return e.ingress.str();
  return "no such workload";
}

std::string ingress_to(const std::string& port) {
  return published(
      "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: shop}\n"
      "spec: {defaultBackend: {service: {name: web, port: " +
      port + "}}}\n");
}

std::string route_with(const std::string& spec) {
  return published(
      "---\napiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: r, namespace: shop}\nspec: " +
      spec + "\n");
}

}  // namespace

TEST_CASE("an Ingress publishes the port behind the Service port that it names", "[reach]") {
  CHECK(ingress_to("{number: 80}") == "TCP 8080");
  CHECK(ingress_to("{name: admin}") == "TCP 9090");
  CHECK(ingress_to("{number: 81}") == "none");
}

TEST_CASE("a controller may take a target port for the port of an Ingress", "[reach]") {
  CHECK(ingress_to("{number: 8080}") == "TCP 8080");
}

TEST_CASE("a Route names a port of the endpoints, by number or by name, or none for all", "[reach]") {
  CHECK(route_with("{to: {kind: Service, name: web}, port: {targetPort: http}}") == "TCP 8080");
  CHECK(route_with("{to: {kind: Service, name: web}, port: {targetPort: 9090}}") == "TCP 9090");
  CHECK(route_with("{to: {kind: Service, name: web}, port: {targetPort: 80}}") == "none");
  CHECK(route_with("{to: {kind: Service, name: web}}") == "TCP 8080,9090");
}

TEST_CASE("a Route sends nothing to a backend of weight 0", "[reach]") {
  CHECK(route_with("{to: {kind: Service, name: web, weight: 0}}") == "none");
  CHECK(route_with("{to: {kind: Service, name: gone}, alternateBackends: [{kind: Service, name: web}], "
                   "port: {targetPort: 8080}}") == "TCP 8080");
}

}  // namespace waypath::sim::tests
