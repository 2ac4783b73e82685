// Sweeps over the shipped clusters and over a small one; plan simulates only what a change can touch.

#include "scenarios/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "model/gateway/routes.h"
#include "model/load/manifest_loader.h"
#include "scenarios/flow_enumeration.h"
#include "scenarios/rebuild.h"
#include "scenarios/rollout.h"
#include "scenarios/touched_flows.h"
#include "tests/support/corpus.h"
#include "tests/support/rounds.h"

namespace waypath::scenarios {
namespace {

using EnginePtr = std::shared_ptr<const sim::Engine>;

EnginePtr engine_of(model::Snapshot snapshot) {
  model::Diagnostics diagnostics;
  return sim::Engine::build(model::Cluster::build(std::move(snapshot), {}, diagnostics), {}, diagnostics);
}

EnginePtr shipped(const std::string& folder) {
  model::Diagnostics diagnostics;
  return engine_of(
      model::load_manifests({tests::source_dir() + "/scenarios/clusters/" + folder}, {}, diagnostics));
}

EnginePtr of_text(const std::string& text) {
  model::Diagnostics diagnostics;
  auto engine = engine_of(model::load_texts({{"cluster.yaml", text}}, {}, diagnostics));
  REQUIRE_FALSE(diagnostics.has_errors());
  return engine;
}

SweepReport sweep(const EnginePtr& engine, const std::vector<SweepStep>& steps, SweepOptions options = {}) {
  options.jobs = 1;
  model::Diagnostics diagnostics;
  const std::vector<FlowGroup> flows{{enumerate_flows(engine->cluster()), {}}};
  auto out = run_sweep(*engine, steps, flows, options, false, diagnostics);
  REQUIRE_FALSE(diagnostics.has_errors());
  return out;
}

const SweepCase& case_of(const SweepReport& report, const std::string& name) {
  for (const auto& one : report.cases)
    if (one.name == name) return one;
  FAIL("no case " << name);
  return report.cases.front();
}

std::string shape(const Plan& plan) {
  std::string out =
      fmt::format("{} {} {} {}\n", plan.compared, plan.unchanged, plan.only_before, plan.only_after);
  for (const auto& o : plan.objects)
    out += o.object + " " + std::string(to_string(o.how)) + " " + o.place + "\n";
  for (const auto& c : plan.changes) {
    out += fmt::format("{} {} {} -> {} {} {} {}", c.flow.name, to_string(c.kind), c.before.outcome,
                       c.after.outcome, c.after.symptom, c.after.reason, c.loses_enforcement);
    for (const auto i : c.causes) out += " " + plan.objects[i].object;
    out += "\n";
  }
  return out;
}

// web may ask api, api may ask db; two namespaces that are not enrolled; db takes only meshed clients.
constexpr const char* kShop =
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: front}\n"
    "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: back}\n"
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: front, labels: {app: web}}\n"
    "spec: {containers: [{name: c, image: c}]}\nstatus: {phase: Running, podIP: 10.0.0.1}\n"
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: db, namespace: back, labels: {app: db}}\n"
    "spec: {containers: [{name: c, image: c}]}\nstatus: {phase: Running, podIP: 10.0.0.2}\n"
    "---\napiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: back}\n"
    "spec: {clusterIP: 10.96.0.9, selector: {app: db}, ports: [{name: tcp, port: 5432}]}\n"
    "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: db, namespace: back}\n"
    "spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{namespaceSelector: {}}], "
    "ports: [{port: 5432}, {port: 15008}]}]}\n"
    "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: spare, namespace: back}\n"
    "spec: {podSelector: {matchLabels: {app: none}}, ingress: []}\n";

}  // namespace

TEST_CASE("sweep policies: what is removed without effect is dead, the rest is load-bearing") {
  const auto engine = of_text(kShop);
  const auto report = sweep(engine, policy_steps(*engine));
  REQUIRE(report.cases.size() == 2);
  CHECK(case_of(report, "NetworkPolicy/back/spare").plan.changes.empty());
  // The only policy that isolates db admits the only client: nothing changes without it either.
  CHECK(case_of(report, "NetworkPolicy/back/db").plan.changes.empty());

  const auto big = shipped("bigbang-waypoint");
  auto steps = policy_steps(*big);
  if (tests::kSanitized)
    std::erase_if(steps,
                  [](const SweepStep& step) { return step.name.find("/kiali/") == std::string::npos; });
  const auto all = sweep(big, steps);
  const auto& open = case_of(all, "NetworkPolicy/kiali/default-egress-deny-all");
  CHECK(open.skipped.empty());
  const auto& allow =
      case_of(all, "NetworkPolicy/kiali/allow-egress-from-kiali-to-ns-monitoring-pod-grafana-tcp-port-3000");
  CHECK(allow.breaks());
  CHECK_FALSE(allow.fails_open());
  if (tests::kSanitized) return;
  CHECK(
      std::any_of(all.cases.begin(), all.cases.end(), [](const auto& c) { return c.plan.changes.empty(); }));
}

TEST_CASE("sweep failures: each waypoint, gateway, node and ext_authz provider, one at a time") {
  const auto engine = shipped("bigbang-waypoint");
  const auto report = sweep(engine, failure_steps(*engine));
  std::vector<std::string> groups;
  for (const auto& one : report.cases)
    if (groups.empty() || groups.back() != one.group) groups.push_back(one.group);
  CHECK(groups == std::vector<std::string>{"waypoint", "gateway", "node", "ext_authz"});
  CHECK(case_of(report, "Gateway/istio-gateway/public-ingressgateway").breaks());
  for (const auto& one : report.cases) {
    INFO(one.name << " " << one.skipped);
    CHECK(one.skipped.empty());
  }
}

TEST_CASE("sweep versions: each step is compared with the one before it") {
  const auto parse = [](const char* text) { return *model::parse_istio_version(text); };
  const auto steps = version_steps(parse("1.26.0"), parse("1.29.0"));
  REQUIRE(steps.size() == 3);
  CHECK(steps[0].version->minor == 27);
  CHECK(steps[1].version->minor == 28);
  CHECK(steps[2].name == "Istio 1.29.0");
  const auto engine = shipped("paths");
  model::Diagnostics diagnostics;
  const auto start = rebuild(*engine, engine->cluster().snapshot(), parse("1.26.0"), diagnostics);
  const std::vector<FlowGroup> flows{{enumerate_flows(engine->cluster()), {}}};
  SweepOptions options;
  options.jobs = 1;
  const auto report = run_sweep(*start, steps, flows, options, true, diagnostics);
  REQUIRE(report.cases.size() == 3);
  for (const auto& one : report.cases)
    CHECK(std::any_of(one.plan.objects.begin(), one.plan.objects.end(), [&](const auto& o) {
      return o.object.find("-> " + one.name.substr(6)) != std::string::npos;
    }));
}

TEST_CASE("sweep rollout: an order whose state in between is broken is told from one that is safe") {
  // STRICT at db: a client that is not enrolled yet is refused.
  const auto engine = of_text(std::string(kShop) +
                              "---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\n"
                              "metadata: {name: default, namespace: back}\nspec: {mtls: {mode: STRICT}}\n");
  const auto parts = enrolment_parts(*engine, {});
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].name == "enrol back");
  model::Diagnostics diagnostics;
  const std::vector<FlowGroup> flows{{enumerate_flows(engine->cluster()), {}}};
  SweepOptions options;
  options.jobs = 1;
  const auto report = run_rollout(*engine, parts, flows, 64, options, diagnostics);
  REQUIRE(report.complete);
  REQUIRE(report.states.size() == 3);
  for (const auto& state : report.states) {
    INFO(state.result.name);
    CHECK(state.broken.size() == (state.result.name == "enrol back" ? 1 : 0));
  }
  CHECK(report.safe_orders == 1);
  CHECK(report.all_orders == 2);
  REQUIRE(report.safe_order.size() == 2);
  CHECK(report.parts[report.safe_order[0]] == "enrol front");
}

TEST_CASE("sweep rollout: more states than the limit are cut to one and two parts, and the report says so") {
  const auto engine = of_text(kShop);
  std::vector<RolloutPart> parts;
  for (int i = 0; i < 5; ++i) {
    RolloutPart part;
    part.name = fmt::format("p{}", i);
    part.changes.push_back(
        {model::LabelChange{{"Namespace/front", {}}, {{part.name, std::string("x")}}}, {}});
    parts.push_back(std::move(part));
  }
  model::Diagnostics diagnostics;
  SweepOptions options;
  options.jobs = 1;
  const auto all = run_rollout(*engine, parts, {}, 30, options, diagnostics);
  CHECK(all.complete);
  CHECK(all.states.size() == 31);
  CHECK(all.safe_orders == 120);
  const auto some = run_rollout(*engine, parts, {}, 29, options, diagnostics);
  CHECK_FALSE(some.complete);
  CHECK(some.states.size() == 16);
  CHECK_FALSE(some.safe_orders.has_value());
}

TEST_CASE("a sweep that is stopped keeps what it has, one that has enough ends") {
  const auto engine = of_text(kShop);
  const auto steps = policy_steps(*engine);
  SweepOptions options;
  int asked = 0;
  options.stop = [&] { return asked++ == 1; };
  const auto stopped = sweep(engine, steps, options);
  CHECK(stopped.stopped);
  CHECK(stopped.cases.size() == 1);
  CHECK(stopped.planned == 2);
  SweepOptions enough;
  enough.enough = [](const SweepCase&) { return true; };
  const auto ended = sweep(engine, steps, enough);
  CHECK_FALSE(ended.stopped);
  CHECK(ended.cases.size() == 1);
}

TEST_CASE("plan simulates what a change can touch and says what full evaluation of both sides says") {
  std::size_t cut = 0, asked = 0;
  for (const char* folder : {"bigbang-waypoint", "bigbang-gateway", "package-operator", "paths"}) {
    const auto engine = shipped(folder);
    const auto flows = enumerate_flows(engine->cluster());
    auto steps = policy_steps(*engine);
    // And policies that come, for one pod and for all of a namespace.
    for (const auto& ns : engine->cluster().namespaces()) {
      SweepStep step;
      step.name = "a new policy in " + ns->meta.name().str();
      model::ApplyChange apply;
      apply.path = "new.yaml";
      apply.text = fmt::format(
          "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: new, namespace: {0}}}\n"
          "spec: {{podSelector: {{}}, policyTypes: [Ingress, Egress]}}\n---\n"
          "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: new, namespace: "
          "{0}}}\n"
          "spec: {{action: DENY, rules: [{{}}]}}\n",
          ns->meta.name().view());
      step.changes.push_back({std::move(apply), {}});
      steps.push_back(std::move(step));
    }
    for (std::size_t i = 0; i < steps.size(); i += tests::rounds(1, 16)) {
      const SweepStep& step = steps[i];
      model::Diagnostics diagnostics;
      const auto after =
          rebuild(*engine, model::apply_changes(engine->cluster().snapshot(), step.changes, diagnostics),
                  std::nullopt, diagnostics);
      TouchedFlows touched(*engine, *after);
      for (const auto& flow : flows) {
        ++asked;
        cut += touched.touches(flow) ? 0 : 1;
      }
      INFO(folder << ": " << step.name);
      CHECK(shape(compare_clusters(*engine, *after, flows, {}, 1, diagnostics)) ==
            shape(compare_clusters(*engine, *after, flows, {}, 1, diagnostics, Thoroughness::Everything)));
    }
  }
  // The cut is worth having.
  if (!tests::kSanitized) CHECK(cut * 4 > asked);
}

TEST_CASE("plan follows routes: of the shipped clusters each removed, without hostnames, for another host") {
  std::size_t cut = 0, asked = 0, changed = 0;
  for (const char* folder : {"paths", "paths-envoy", "paths-cells", "bookinfo", "online-boutique"}) {
    const auto engine = shipped(folder);
    const auto flows = enumerate_flows(engine->cluster());
    std::vector<model::Change> changes;
    for (const auto& route : engine->cluster().snapshot().all<model::HttpRoute>()) {
      model::ObjectRef ref;
      ref.text = route->meta.key.str();
      changes.push_back({model::DeleteChange{ref}, {}});
      for (const char* patch :
           {R"({"spec": {"hostnames": null}})", R"({"spec": {"hostnames": ["new.example.com"]}})",
            R"({"spec": {"rules": [{"backendRefs": [{"name": "none", "port": 80}]}]}})"})
        changes.push_back({model::PatchChange{ref, false, patch, "change.yaml"}, {}});
    }
    for (std::size_t i = 0; i < changes.size(); i += tests::rounds(1, 16)) {
      model::Diagnostics diagnostics;
      const auto after =
          rebuild(*engine, model::apply_changes(engine->cluster().snapshot(), {&changes[i], 1}, diagnostics),
                  std::nullopt, diagnostics);
      REQUIRE_FALSE(diagnostics.has_errors());
      TouchedFlows touched(*engine, *after);
      for (const auto& flow : flows) {
        ++asked;
        cut += touched.touches(flow) ? 0 : 1;
      }
      INFO(folder << ": change " << i);
      const auto full =
          compare_clusters(*engine, *after, flows, {}, 1, diagnostics, Thoroughness::Everything);
      CHECK(shape(compare_clusters(*engine, *after, flows, {}, 1, diagnostics)) == shape(full));
      changed += full.changes.size();
    }
  }
  if (tests::kSanitized) return;
  CHECK(changed > 20);
  CHECK(cut * 4 > asked);
}

TEST_CASE("plan: labels that charts put on their objects touch nothing, unless something reads them") {
  const auto engine = shipped("bookinfo");
  const auto flows = enumerate_flows(engine->cluster());
  constexpr const char* kLabels =
      R"({"metadata": {"labels": {"helm.sh/chart": "shop-2", "app.kubernetes.io/version": "2"}}})";
  std::vector<model::Change> release;
  const auto& snapshot = engine->cluster().snapshot();
  const auto label = [&](const auto& objects, const std::string& patch) {
    for (const auto& object : objects) {
      if (object->meta.origin != model::Origin::Manifest) continue;
      model::ObjectRef ref;
      ref.text = object->meta.key.str();
      release.push_back({model::PatchChange{ref, false, patch, "change.yaml"}, {}});
    }
  };
  label(snapshot.all<model::Service>(), kLabels);
  label(snapshot.all<model::ServiceAccount>(), kLabels);
  label(snapshot.all<model::NetworkPolicy>(), kLabels);
  label(snapshot.all<model::Workload>(), kLabels);
  label(snapshot.all<model::Workload>(),
        R"({"spec": {"template": {"metadata": {"labels": {"helm.sh/chart": "shop-2"}}}}})");
  REQUIRE(release.size() > 10);
  model::Diagnostics diagnostics;
  const auto after =
      rebuild(*engine, model::apply_changes(snapshot, release, diagnostics), std::nullopt, diagnostics);
  REQUIRE_FALSE(diagnostics.has_errors());
  TouchedFlows touched(*engine, *after);
  CHECK_FALSE(touched.everything());
  CHECK(std::none_of(flows.begin(), flows.end(), [&](const auto& flow) { return touched.touches(flow); }));
  CHECK(
      compare_clusters(*engine, *after, flows, {}, 1, diagnostics, Thoroughness::Everything).changes.empty());

  model::ApplyChange reader;
  reader.path = "reader.yaml";
  reader.text =
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: reader, namespace: bookinfo}\n"
      "spec: {podSelector: {matchLabels: {helm.sh/chart: shop-1}}, policyTypes: [Ingress]}\n";
  const model::Change change{reader, {}};
  const auto read =
      rebuild(*engine, model::apply_changes(snapshot, {&change, 1}, diagnostics), std::nullopt, diagnostics);
  const auto both = rebuild(*read, model::apply_changes(read->cluster().snapshot(), release, diagnostics),
                            std::nullopt, diagnostics);
  REQUIRE_FALSE(diagnostics.has_errors());
  CHECK(TouchedFlows(*read, *both).everything());
}

}  // namespace waypath::scenarios
