// What a change opens and closes from pod to pod, in the words of reach.

#include "scenarios/reach_changes.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/change.h"
#include "model/load/manifest_loader.h"
#include "tests/support/corpus.h"

namespace waypath::tests {
namespace {

using scenarios::ReachChange;

const std::string kShop = R"(
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: c}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, image: c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: job, namespace: shop, labels: {app: job}}
spec: {containers: [{name: c, image: c}]}
---
)";
const std::string kOnlyWeb = R"(
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]
)";

struct Sides {
  std::shared_ptr<const model::Cluster> before, after;
};

Sides sides(const model::Snapshot& snapshot, const std::vector<model::Change>& changes) {
  model::Diagnostics diagnostics;
  Sides out;
  out.before = model::Cluster::build(snapshot, {}, diagnostics);
  out.after = model::Cluster::build(model::apply_changes(snapshot, changes, diagnostics), {}, diagnostics);
  for (const auto& d : diagnostics.items())
    if (d.severity == model::Severity::Error) FAIL(d.message);
  return out;
}

model::Change applied(const std::string& text) {
  return {model::ApplyChange{"change.yaml", text, 1, false}, {}};
}
model::Change deleted(const std::string& object) { return {model::DeleteChange{{object, {}}}, {}}; }

struct Told {
  std::vector<std::string> lines;
  scenarios::ReachChanges all;
};

Told tell(const Sides& of, const sim::ReachOptions& options = {}) {
  Told out;
  model::Diagnostics diagnostics;
  out.all = scenarios::each_reach_change(
      of.before, of.after, options, options, diagnostics, [&](const ReachChange& c) {
        out.lines.push_back(c.from + " " + c.to + ": " + c.before.sure.str() + " -> " + c.after.sure.str());
        CHECK_FALSE(c.before == c.after);
        return true;
      });
  return out;
}

model::Snapshot loaded(const std::string& text) {
  model::Diagnostics diagnostics;
  return model::load_texts({{"shop.yaml", text}}, {}, diagnostics);
}

}  // namespace

TEST_CASE("a new policy closes what it does not let in, workload by workload") {
  const Told told = tell(sides(loaded(kShop), {applied(kOnlyWeb)}));
  CHECK(told.all.delta);
  CHECK(told.lines == std::vector<std::string>{
                          "shop/db[StatefulSet] shop/db[StatefulSet]: all -> none",
                          "shop/job[Pod] shop/db[StatefulSet]: all -> none",
                          "shop/web[Pod] shop/db[StatefulSet]: all -> TCP 5432",
                          "ext:0.0.0.0-255.255.255.255 shop/db[StatefulSet]: all -> none",
                      });
  // Three replicas with each other, and two pods with each of them.
  CHECK(told.all.pod_pairs == 3 * 2 + 2 * 3);
  CHECK(told.all.closed == 12);
  CHECK(told.all.opened == 0);
}

TEST_CASE("a policy taken away opens what it did not let in, for the ends that are asked for") {
  sim::ReachOptions options;
  options.from = [](const sim::ReachEndpoint& end) { return end.name == "shop/web[Pod]"; };
  const Told told = tell(sides(loaded(kShop + kOnlyWeb), {deleted("NetworkPolicy/shop/db")}), options);
  CHECK(told.lines == std::vector<std::string>{"shop/web[Pod] shop/db[StatefulSet]: TCP 5432 -> all"});
  CHECK(told.all.opened == 3);
}

TEST_CASE("a change of a pod's labels is told from both matrices") {
  const Told told = tell(
      sides(loaded(kShop + kOnlyWeb), {{model::LabelChange{{"Pod/shop/job", {}}, {{"app", "web"}}}, {}}}));
  CHECK_FALSE(told.all.delta);
  CHECK(told.lines == std::vector<std::string>{"shop/job[Pod] shop/db[StatefulSet]: none -> TCP 5432"});
}

TEST_CASE("a pod that one side lacks has no connections there") {
  const Told told = tell(sides(loaded(kShop + kOnlyWeb), {deleted("Pod/shop/web")}));
  CHECK_FALSE(told.all.delta);
  CHECK(std::count(told.lines.begin(), told.lines.end(),
                   "shop/web[Pod] shop/db[StatefulSet]: TCP 5432 -> none") == 1);
  CHECK(told.all.opened == 0);
}

TEST_CASE("replicas that a block parts by their addresses are told pod by pod") {
  const auto replica = [](const std::string& name, const std::string& ip) {
    return "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " + name +
           ", namespace: shop, labels: {app: far}}\nspec: {containers: [{name: c, image: c}]}\n"
           "status: {podIP: " +
           ip + ", phase: Running}\n";
  };
  const std::string policy =
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web, namespace: shop}\n"
      "spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/30}}]}]}\n";
  sim::ReachOptions options;
  options.from = [](const sim::ReachEndpoint& end) { return end.name.find("far") != std::string::npos; };
  const Told told = tell(
      sides(loaded(kShop + replica("far-1", "10.0.0.1") + replica("far-2", "10.0.0.9")), {applied(policy)}),
      options);
  CHECK(told.all.delta);
  CHECK(told.lines == std::vector<std::string>{"shop/far-2[Pod] shop/web[Pod]: all -> none"});
}

TEST_CASE("a block cuts the range of addresses that it lies in") {
  const std::string policy =
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web, namespace: shop}\n"
      "spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: "
      "192.0.2.0/24}}]}]}\n";
  sim::ReachOptions options;
  options.from = [](const sim::ReachEndpoint& end) { return end.external(); };
  const Told told = tell(sides(loaded(kShop), {applied(policy)}), options);
  CHECK(told.lines == std::vector<std::string>{
                          "ext:0.0.0.0-192.0.1.255 shop/web[Pod]: all -> none",
                          "ext:192.0.3.0-255.255.255.255 shop/web[Pod]: all -> none",
                      });
}

// An object that no policy knows of makes both matrices necessary.
TEST_CASE("property: an edit of policies comes to the same from the edit and from both matrices") {
  const auto folder = std::filesystem::path(source_dir()) / "scenarios" / "clusters";
  std::size_t compared = 0, lines = 0;
  for (const char* name : {"bigbang-waypoint", "package-operator"}) {
    model::Diagnostics diagnostics;
    const auto snapshot = model::load_manifests({(folder / name).string()}, {}, diagnostics);
    const auto more = applied(
        "apiVersion: v1\nkind: Service\nmetadata: {name: unrelated, namespace: default}\n"
        "spec: {selector: {app: none-such}, ports: [{port: 1}]}\n");
    for (const auto layer : {sim::ReachOptions::Layer::Netpol, sim::ReachOptions::Layer::Mesh}) {
      sim::ReachOptions options;
      options.layer = layer;
      std::size_t number = 0;
      for (const auto& policy : snapshot.all<model::NetworkPolicy>()) {
        if (++number % 4 != 0) continue;
        const auto gone = deleted(policy->meta.key.str());
        const Told edit = tell(sides(snapshot, {gone}), options);
        const Told both = tell(sides(snapshot, {gone, more}), options);
        CAPTURE(name, policy->meta.key.str());
        CHECK(edit.all.delta);
        CHECK_FALSE(both.all.delta);
        CHECK(edit.lines == both.lines);
        CHECK(edit.all.pod_pairs == both.all.pod_pairs);
        CHECK(edit.all.opened == both.all.opened);
        CHECK(edit.all.closed == both.all.closed);
        ++compared;
        lines += edit.lines.size();
      }
    }
  }
  CHECK(compared > 10);
  CHECK(lines > 50);
}

}  // namespace waypath::tests
