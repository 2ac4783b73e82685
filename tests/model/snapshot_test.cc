// Freezing decoded objects (model/snapshot.h): order, duplicates, namespaces.

#include <catch2/catch.hpp>

#include "model/load/manifest_loader.h"

namespace waypath {
namespace {

using namespace model;  // NOLINT(google-build-using-namespace): a test of this one header

std::string service(const std::string& ns, const std::string& name, const std::string& port = "80") {
  return "apiVersion: v1\nkind: Service\nmetadata: {name: " + name + ", namespace: " + ns +
         "}\nspec: {ports: [{port: " + port + "}]}\n";
}

}  // namespace

TEST_CASE("resources are sorted by namespace and name whatever the order of files") {
  const std::vector<std::vector<SourceFile>> orders{
      {{"1.yaml", service("b", "x")}, {"2.yaml", service("a", "z") + "---\n" + service("a", "u")}},
      {{"2.yaml", service("a", "z") + "---\n" + service("a", "u")}, {"1.yaml", service("b", "x")}}};
  for (const auto& files : orders) {
    Diagnostics d;
    const auto s = load_texts(files, {}, d);
    std::string names;
    for (const auto& o : s.all<Service>()) names += o->meta.key.str() + " ";
    CHECK(names == "Service/a/u Service/a/z Service/b/x ");
  }
}

TEST_CASE("one object twice: alike is information, different is an error and the first counts") {
  Diagnostics alike;
  const auto once = load_texts({{"1.yaml", service("a", "x")}, {"2.yaml", service("a", "x")}}, {}, alike);
  CHECK(once.all<Service>().size() == 1);
  REQUIRE(alike.items().size() == 1);
  CHECK(alike.items().front().code.text == "OBJECT_REPEATED");
  CHECK(alike.items().front().severity == Severity::Info);

  Diagnostics differs;
  const auto s =
      load_texts({{"1.yaml", service("a", "x")}, {"2.yaml", service("a", "x", "81")}}, {}, differs);
  REQUIRE(differs.items().size() == 1);
  CHECK(differs.items().front().code.text == "OBJECT_DUPLICATE");
  CHECK(differs.has_input_errors());
  REQUIRE(s.all<Service>().size() == 1);
  CHECK(s.all<Service>().front()->ports.front().port == 80);
}

TEST_CASE("a namespace that is only named exists with the one label every namespace has") {
  Diagnostics d;
  const auto s = load_texts(
      {{"1.yaml", service("a", "x") +
                      "---\napiVersion: v1\nkind: Namespace\n"
                      "metadata: {name: b, labels: {kubernetes.io/metadata.name: wrong, team: t}}\n"}},
      {}, d);
  REQUIRE(s.all<Namespace>().size() == 2);
  const auto& named = *s.all<Namespace>()[0];
  CHECK(named.meta.origin == Origin::Derived);
  CHECK(named.meta.labels.all().size() == 1);
  CHECK(named.meta.labels.get("kubernetes.io/metadata.name") == "a");
  CHECK(s.all<Namespace>()[1]->meta.labels.get("kubernetes.io/metadata.name") == "b");
}

TEST_CASE("a kustomization file is one without saying so") {
  const std::string fields = "namePrefix: prod-\nresources: [svc.yaml]\n";
  const auto report = [](const std::string& path, const std::string& text) {
    Diagnostics d;
    const auto s = load_texts({{path, text}, {"svc.yaml", service("a", "x")}}, {}, d);
    CHECK_FALSE(d.has_errors());
    std::string out;
    for (const auto& item : d.items()) out += std::string(item.code.text) + " " + item.message + "\n";
    return out;
  };
  const std::string wanted =
      "KIND_NOT_MODELLED 1 Kustomization object of kustomize.config.k8s.io/v1beta1: its patches, generators "
      "and what lies elsewhere are not built in\n";
  const std::string version = "apiVersion: kustomize.config.k8s.io/v1beta1\n";
  for (const std::string& head :
       {std::string(), version, std::string("kind: Kustomization\n"), version + "kind: Kustomization\n"}) {
    CAPTURE(head);
    CHECK(report("app/kustomization.yaml", head + fields) == wanted);
    CHECK(report("kustomization.yml", head + fields) == wanted);
  }
  CHECK(report("app/kustomization.yaml", "kind: Component\n" + fields).find("1 Component object") !=
        std::string::npos);
  CHECK(report("app/values.yaml", fields).starts_with("OBJECT_NOT_A_RESOURCE "));
}

TEST_CASE("kinds that share a struct are found by key and by name") {
  Diagnostics d;
  const auto s =
      load_texts({{"1.yaml",
                   "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: x, namespace: a}\n"
                   "spec: {selector: {matchLabels: {app: x}}, template: {metadata: {labels: {app: x}}, spec: "
                   "{containers: [{name: c}]}}}\n"
                   "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: w, namespace: a}\n"
                   "spec: {selector: {matchLabels: {app: w}}, template: {metadata: {labels: {app: w}}, spec: "
                   "{containers: [{name: c}]}}}\n"}},
                 {}, d);
  REQUIRE(s.find<Workload>("a", "x") != nullptr);
  CHECK(s.find<Workload>("a", "x")->meta.key.kind == std::string_view("StatefulSet"));
  CHECK(s.find<Workload>("a", "w")->meta.key.kind == std::string_view("Deployment"));
  CHECK(s.find<Workload>("a", "z") == nullptr);
  CHECK(s.find<Workload>({intern("Deployment"), intern("apps"), intern("a"), intern("x")}) == nullptr);
}

TEST_CASE("of Helm's hooks those are read that stay in the cluster") {
  const auto read = [](const std::string& kind, const std::string& metadata) {
    const bool pod = kind == "Pod";
    Diagnostics diagnostics;
    const auto snapshot = load_texts(
        {{"hook.yaml", "apiVersion: " + std::string(pod ? "v1" : "networking.k8s.io/v1") + "\nkind: " + kind +
                           "\nmetadata: {name: hook, namespace: shop, " + metadata +
                           "}\nspec: " + (pod ? "{containers: [{name: c}]}" : "{podSelector: {}}") + "\n"}},
        {}, diagnostics);
    return !snapshot.all<NetworkPolicy>().empty() || !snapshot.all<Pod>().empty();
  };
  const auto hook = [](const std::string& moments, const std::string& policy = {}) {
    return "annotations: {helm.sh/hook: \"" + moments + "\"" +
           (policy.empty() ? "" : ", helm.sh/hook-delete-policy: \"" + policy + "\"") + "}";
  };
  CHECK(read("NetworkPolicy", hook("pre-install,pre-upgrade")));
  CHECK(read("NetworkPolicy", hook("pre-delete, post-install", "before-hook-creation")));
  CHECK_FALSE(read("NetworkPolicy", hook("pre-install", "before-hook-creation, hook-succeeded")));
  CHECK_FALSE(read("NetworkPolicy", hook("post-delete")));
  CHECK_FALSE(read("NetworkPolicy", hook("test")));
  CHECK_FALSE(read("Pod", hook("post-install")));
  const std::string live = "creationTimestamp: \"2026-01-01T00:00:00Z\", ";
  CHECK(read("NetworkPolicy", live + hook("test")));
  CHECK(read("Pod", live + hook("post-install")));
  CHECK_FALSE(read("Pod", "creationTimestamp: null, " + hook("post-install")));
}

}  // namespace waypath
