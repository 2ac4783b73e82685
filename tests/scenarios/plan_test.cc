// plan, diff and record over the shipped clusters.

#include "scenarios/plan.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "model/change.h"
#include "model/load/manifest_loader.h"
#include "scenarios/flow_enumeration.h"
#include "scenarios/record.h"
#include "scenarios/runner.h"
#include "tests/support/corpus.h"

namespace waypath::scenarios {
namespace {

namespace fs = std::filesystem;
using EnginePtr = std::shared_ptr<const sim::Engine>;

EnginePtr engine_of(model::Snapshot snapshot) {
  model::Diagnostics diagnostics;
  return sim::Engine::build(model::Cluster::build(std::move(snapshot), {}, diagnostics), {}, diagnostics);
}

model::Snapshot load(const std::string& folder) {
  model::Diagnostics diagnostics;
  auto snapshot =
      model::load_manifests({tests::source_dir() + "/scenarios/clusters/" + folder}, {}, diagnostics);
  REQUIRE_FALSE(diagnostics.has_errors());
  return snapshot;
}

model::Snapshot changed(const model::Snapshot& base, const std::string& changes) {
  model::Diagnostics diagnostics;
  model::SourceFiles files;
  const auto list = parse_changes("change.yaml", "change:\n" + changes, files, diagnostics);
  auto out = model::apply_changes(base, list, diagnostics);
  REQUIRE_FALSE(diagnostics.has_errors());
  return out;
}

Plan plan(const sim::Engine& before, const sim::Engine& after) {
  model::Diagnostics diagnostics;
  return compare_clusters(before, after, enumerate_flows(before.cluster()), {}, 1, diagnostics);
}

const FlowChange* find(const Plan& plan, const std::string& flow) {
  for (const auto& change : plan.changes)
    if (change.flow.name == flow) return &change;
  return nullptr;
}

std::vector<std::string> clusters() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(tests::source_dir() + "/scenarios/clusters"))
    if (entry.is_directory()) out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  REQUIRE(out.size() >= 5);
  return out;
}

FlowChangeKind mirrored(FlowChangeKind kind) {
  if (kind == FlowChangeKind::Opens) return FlowChangeKind::Breaks;
  return kind == FlowChangeKind::Breaks ? FlowChangeKind::Opens : kind;
}

}  // namespace

TEST_CASE("what record writes passes as a test") {
  for (const auto& name : clusters()) {
    DYNAMIC_SECTION(name) {
      const auto engine = engine_of(load(name));
      const auto flows = enumerate_flows(engine->cluster());
      REQUIRE(flows.size() > 10);
      RecordHeader header;
      header.name = name;
      header.manifests = {tests::source_dir() + "/scenarios/clusters/" + name};
      const auto text = record_scenario(*engine, flows, header, 1);
      CHECK(text == record_scenario(*engine, flows, header, 2));
      model::Diagnostics diagnostics;
      model::SourceFiles files;
      const auto scenario = parse_scenario("recorded.yaml", text, files, diagnostics);
      REQUIRE(scenario);
      Report report;
      Runner runner(diagnostics, files);
      CHECK(runner.run(*scenario, {}, report));
      CHECK(report.failed == 0);
      CHECK(report.passed == flows.size());
    }
  }
}

TEST_CASE("a plan without a change is empty") {
  for (const auto& name : clusters()) {
    const auto one = engine_of(load(name)), other = engine_of(load(name));
    const auto found = plan(*one, *other);
    CAPTURE(name);
    CHECK(found.objects.empty());
    CHECK(found.changes.empty());
    CHECK(found.unchanged == found.compared);
  }
}

TEST_CASE("what opens one way breaks the other way") {
  const auto base = load("bigbang-waypoint");
  const auto before = engine_of(base);
  for (const char* change : {"- delete: Gateway/authservice/authservice-waypoint\n",
                             "- delete: NetworkPolicy/monitoring/default-ingress-deny-all\n",
                             "- scale: Deployment/authservice/authservice\n  replicas: 0\n"}) {
    const auto after = engine_of(changed(base, change));
    model::Diagnostics diagnostics;
    const auto flows = enumerate_flows(before->cluster());
    const auto there = compare_clusters(*before, *after, flows, {}, 1, diagnostics);
    const auto back = compare_clusters(*after, *before, flows, {}, 1, diagnostics);
    CAPTURE(change);
    REQUIRE(there.changes.size() == back.changes.size());
    for (std::size_t i = 0; i < there.changes.size(); ++i) {
      CHECK(there.changes[i].flow.name == back.changes[i].flow.name);
      CHECK(mirrored(there.changes[i].kind) == back.changes[i].kind);
      CHECK(there.changes[i].before.outcome == back.changes[i].after.outcome);
    }
  }
}

TEST_CASE("pull requests and what they change") {
  const auto base = load("paths");
  const auto before = engine_of(base);
  const auto after = [&](const std::string& change) {
    return plan(*before, *engine_of(changed(base, change)));
  };

  SECTION("a NetworkPolicy that names the application port breaks the mesh and not plaintext clients") {
    const auto found = after(
        "- apply:\n    apiVersion: networking.k8s.io/v1\n    kind: NetworkPolicy\n"
        "    metadata: {name: web, namespace: mesh}\n"
        "    spec: {podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 8080}]}]}\n");
    REQUIRE(found.objects.size() == 1);
    CHECK(found.objects[0].object == "NetworkPolicy/mesh/web");
    CHECK(found.objects[0].how == ChangedObject::How::Added);
    const auto* broken = find(found, "mesh/client -> http://web.mesh:80");
    REQUIRE(broken != nullptr);
    CHECK(broken->kind == FlowChangeKind::Breaks);
    CHECK(broken->after.reason == "NETPOL_INGRESS_HBONE_PORT");
    CHECK(broken->causes == std::vector<std::size_t>{0});
    CHECK(find(found, "plain/client -> http://web.mesh:80") == nullptr);
  }
  SECTION("a waypoint that goes leaves the request allowed and unguarded") {
    const auto found = after("- delete: Gateway/mesh/waypoint\n");
    const auto* flow = find(found, "mesh/client -> http://api.mesh:80");
    REQUIRE(flow != nullptr);
    CHECK(flow->kind == FlowChangeKind::Enforcement);
    CHECK(flow->loses_enforcement);
    CHECK(flow->before.enforced == std::vector<std::string>{"waypoint/mesh/waypoint"});
    CHECK(flow->after.enforced.empty());
  }
  SECTION("a gateway that begins to use the waypoint gains enforcement") {
    const auto found =
        after("- label: Service/mesh/api\n  labels: {istio.io/ingress-use-waypoint: \"true\"}\n");
    REQUIRE(found.changes.size() == 1);
    CHECK(found.changes[0].flow.name == "internet -> http://api.example.com/");
    CHECK(found.changes[0].kind == FlowChangeKind::Enforcement);
    CHECK_FALSE(found.changes[0].loses_enforcement);
  }
  SECTION("STRICT shuts plaintext clients out") {
    const auto found = after(
        "- apply: {apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: default, "
        "namespace: mesh}, spec: {mtls: {mode: STRICT}}}\n");
    REQUIRE_FALSE(found.changes.empty());
    for (const auto& change : found.changes) {
      CHECK(change.kind == FlowChangeKind::Breaks);
      CHECK(change.after.by == "PeerAuthentication/mesh/default");
    }
    CHECK(find(found, "plain/client -> http://web.mesh:80") != nullptr);
    CHECK(find(found, "mesh/client -> http://web.mesh:80") == nullptr);
  }
  SECTION("a route to another backend reroutes") {
    const auto found = after(
        "- patch: HTTPRoute/mesh/web\n  merge: {spec: {rules: [{backendRefs: [{name: optout, port: "
        "80}]}]}}\n");
    const auto* flow = find(found, "internet -> http://web.example.com/");
    REQUIRE(flow != nullptr);
    CHECK(flow->kind == FlowChangeKind::Rerouted);
    CHECK(flow->after.backend == "mesh/optout");
  }
}

TEST_CASE("of several changes the one that bears on the flow is its cause") {
  const auto base = load("paths");
  const auto before = engine_of(base);
  const auto found = plan(
      *before,
      *engine_of(changed(
          base,
          "- delete: Gateway/mesh/waypoint\n"
          "- apply: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: shut, "
          "namespace: plain}, spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]}}\n")));
  const auto* shut = find(found, "mesh/client -> http://web.plain:80");
  REQUIRE(shut != nullptr);
  REQUIRE(shut->causes.size() == 1);
  CHECK(found.objects[shut->causes[0]].object == "NetworkPolicy/plain/shut");
  const auto* open = find(found, "mesh/client -> http://api.mesh:80");
  REQUIRE(open != nullptr);
  REQUIRE(open->causes.size() == 1);
  CHECK(found.objects[open->causes[0]].object == "Gateway/mesh/waypoint");
}

}  // namespace waypath::scenarios
