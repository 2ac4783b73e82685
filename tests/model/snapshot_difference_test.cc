// What two snapshots have in common, however each was written.

#include "model/snapshot_difference.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "model/load/manifest_loader.h"
#include "tests/support/corpus.h"

namespace waypath::model {
namespace {

Snapshot load(const std::string& text) {
  Diagnostics diagnostics;
  auto out = load_texts({{"objects.yaml", text}}, {}, diagnostics);
  REQUIRE_FALSE(diagnostics.has_errors());
  return out;
}

std::vector<std::string> names(const std::vector<const ObjectMeta*>& objects) {
  std::vector<std::string> out;
  for (const auto* meta : objects) out.push_back(meta->key.str());
  return out;
}

struct Names {
  std::vector<std::string> gone, come;
};
// What is found points into the snapshots, which may be temporaries here.
Names compare(const Snapshot& before, const Snapshot& after) {
  const auto found = snapshot_difference(before, after);
  return {names(found.gone), names(found.come)};
}

constexpr const char* kService =
    "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop, labels: {app: web}}\n"
    "spec: {clusterIP: 10.96.0.9, selector: {app: web}, ports: [{name: http, port: 80}]}\n";
constexpr const char* kPolicy =
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web, namespace: shop}\n"
    "spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80}]}]}\n";

}  // namespace

TEST_CASE("order, lines, formatting and fields without effect make no difference between snapshots") {
  const auto one = load(fmt::format("{}---\n{}", kService, kPolicy));
  const auto other = load(
      "\n\n{\"apiVersion\": \"networking.k8s.io/v1\", \"kind\": \"NetworkPolicy\", \"metadata\":\n"
      "  {\"namespace\": \"shop\", \"name\": \"web\", \"resourceVersion\": \"7\"}, \"spec\": {\"ingress\":\n"
      "  [{\"ports\": [{\"port\": 80}], \"from\": [{\"namespaceSelector\": {}}]}], \"podSelector\": {}}}\n"
      "---\n# the same\n" +
      std::string(kService));
  const auto found = compare(one, other);
  CHECK(found.gone.empty());
  CHECK(found.come.empty());
}

TEST_CASE("an object is listed when it goes, comes, or anything that is read of it differs") {
  const auto one = load(std::string(kService) + "---\n" + kPolicy);
  const auto with = [&](std::string text, const std::string& was, const std::string& is) {
    const auto at = text.find(was);
    REQUIRE(at != std::string::npos);
    return compare(one, load(text.replace(at, was.size(), is)));
  };
  const std::string both = std::string(kService) + "---\n" + kPolicy;
  for (const auto& [was, is] :
       std::vector<std::pair<std::string, std::string>>{{"labels: {app: web}", "labels: {app: api}"},
                                                        {"clusterIP: 10.96.0.9", "clusterIP: 10.96.0.8"},
                                                        {"selector: {app: web}", "selector: {app: api}"},
                                                        {"name: http, port", "name: tcp, port"}}) {
    const auto found = with(both, was, is);
    INFO(was << " -> " << is);
    CHECK(found.gone == std::vector<std::string>{"Service/shop/web"});
    CHECK(found.come == found.gone);
  }
  for (const auto& [was, is] : std::vector<std::pair<std::string, std::string>>{
           {"podSelector: {}", "podSelector: {matchLabels: {app: web}}"},
           {"{namespaceSelector: {}}", "{podSelector: {}}"},
           {"ports: [{port: 80}]}]", "ports: [{port: 80, protocol: UDP}]}]"},
           {"ingress: [", "policyTypes: [Ingress, Egress], ingress: ["}}) {
    const auto found = with(both, was, is);
    INFO(was << " -> " << is);
    CHECK(found.come == std::vector<std::string>{"NetworkPolicy/shop/web"});
  }
  CHECK(compare(one, load(kService)).gone == std::vector<std::string>{"NetworkPolicy/shop/web"});
  CHECK(compare(load(kService), one).come == std::vector<std::string>{"NetworkPolicy/shop/web"});
}

TEST_CASE("a cluster that is loaded twice is the same") {
  for (const char* folder : {"bigbang-waypoint", "bigbang-gateway", "package-operator", "paths"}) {
    Diagnostics diagnostics;
    const std::vector<std::string> path{tests::source_dir() + "/scenarios/clusters/" + folder};
    const auto found = compare(load_manifests(path, {}, diagnostics), load_manifests(path, {}, diagnostics));
    INFO(folder);
    CHECK(found.gone.empty());
    CHECK(found.come.empty());
  }
}

TEST_CASE(
    "an image is read of Istio's own components alone: another one of an application is no difference") {
  const auto with = [](const std::string& container, const std::string& image) {
    return load(fmt::format(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: shop}}\n"
        "spec: {{selector: {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {{app: web}}}},\n"
        "  spec: {{containers: [{{name: {}, image: \"{}\"}}]}}}}}}\n",
        container, image));
  };
  const auto lists = [&](const std::string& container, const std::string& was, const std::string& is) {
    return !compare(with(container, was), with(container, is)).come.empty();
  };
  CHECK_FALSE(lists("web", "registry/web:1.0", "registry/web:1.1"));
  CHECK(lists("discovery", "registry/pilot:1.27.0", "registry/pilot:1.28.0"));
  CHECK(lists("z", "docker.io/istio/ztunnel:1.27.0", "docker.io/istio/ztunnel:1.28.0"));
  CHECK(lists("z", "registry/web:1.0", "docker.io/istio/ztunnel:1.28.0"));
}

}  // namespace waypath::model
