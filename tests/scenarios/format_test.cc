// Scenario files: includes, variables, defaults, flows that stand for many, invariants, tags.

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "scenarios/runner.h"
#include "scenarios/scenario.h"
#include "tests/support/corpus.h"

namespace waypath::scenarios {
namespace {

namespace fs = std::filesystem;
using Status = CaseResult::Status;

const std::string kHead = "apiVersion: waypath.dev/v1\nkind: Scenario\nmetadata: {name: s}\n";
const std::string kCluster = "cluster: {manifests: " + tests::source_dir() + "/scenarios/clusters/paths}\n";

struct Run {
  Report report;
  std::string errors;
  std::map<std::string, Status> status;  // by "variant / flow"
};

Run run(const std::string& text, const RunOptions& options = {}, const std::string& path = "s.yaml") {
  Run out;
  model::SourceFiles files;
  model::Diagnostics diagnostics;
  const auto scenario = parse_scenario(path, text, files, diagnostics);
  if (scenario) {
    Runner runner(diagnostics, files);
    (void)runner.run(*scenario, options, out.report);
  }
  for (const auto& d : diagnostics.items()) out.errors += d.message + "\n";
  for (const auto& c : out.report.cases)
    out.status.emplace((c.variant.empty() ? "" : c.variant + " / ") + c.flow, c.status);
  return out;
}

/// A folder that goes when the test ends.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("waypath-format-" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name) << text; }
};

}  // namespace

TEST_CASE("a selector stands for each workload and Service port it fits") {
  const auto r =
      run(kHead + kCluster +
          "flows:\n"
          "  - {name: mesh to api, from: {namespace: mesh, labels: {app: client}}, to: {service: mesh/api}, "
          "expect: {outcome: allow}}\n");
  CHECK(r.errors.empty());
  CHECK(r.status.contains("mesh to api: mesh/client -> http://api.mesh:80"));
  for (const auto& [name, status] : r.status) {
    INFO(name);
    CHECK(status == Status::Passed);
    CHECK(name.find("mesh to api: mesh/") == 0);
  }
}

TEST_CASE("a list stands for each of its entries, and except leaves out") {
  const auto r =
      run(kHead + kCluster +
          "flows:\n"
          "  - {from: [mesh/client, plain/client], to: ['http://web.mesh:80', 'http://api.mesh:80'], "
          "expect: {outcome: allow}}\n"
          "  - {name: others, from: {all: true, except: ['*/client', internet]}, to: {service: mesh/web, "
          "except: nothing}, expect: {outcome: allow}}\n");
  CHECK(r.errors.empty());
  CHECK(r.status.contains("plain/client -> http://api.mesh:80"));
  std::size_t others = 0;
  for (const auto& [name, status] : r.status) {
    others += name.find("others: ") == 0 ? 1 : 0;
    CHECK(name.find("others: mesh/client") == std::string::npos);
    CHECK(name.find("others: internet") == std::string::npos);
  }
  CHECK(others > 0);
  CHECK(r.status.size() == others + 4);
}

TEST_CASE("the outside is paired with hosts of gateways, workloads with Services") {
  const auto asked = run(kHead + kCluster + "invariants: [{name: all, always: {symptom: '*'}}]\n");
  REQUIRE(asked.report.cases.size() == 1);
  CHECK(asked.report.passed == 1);
  CHECK(asked.report.cases[0].checked > 20);
}

TEST_CASE("an expectation of a variant may name the group or one of its flows") {
  const auto r = run(
      kHead + kCluster +
      "flows:\n"
      "  - {name: g, from: [mesh/client, plain/client], to: 'http://web.mesh:80', expect: {outcome: allow}}\n"
      "variants:\n"
      "  - name: strict\n"
      "    change: [{apply: {apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: d, "
      "namespace: mesh}, spec: {mtls: {mode: STRICT}}}}]\n"
      "    expect: {g: {outcome: deny}, 'g: mesh/client -> http://web.mesh:80': {outcome: allow}}\n");
  CHECK(r.errors.empty());
  CHECK(r.report.passed == 4);
  CHECK(r.report.failed == 0);
}

TEST_CASE("an invariant fails with the flows that break it and the trace of the first") {
  const auto text =
      kHead + kCluster +
      "invariants:\n"
      "  - {name: only through the waypoint, from: {labels: {app: client}, namespace: mesh}, to: {service: "
      "mesh/api}, never: "
      "{outcome: allow, notVia: waypoint/mesh/waypoint}}\n"
      "  - {name: api answers, from: mesh/client, to: {service: mesh/api}, always: {outcome: allow}}\n"
      "variants:\n"
      "  - {name: gone, change: [{delete: Gateway/mesh/waypoint}]}\n"
      "  - {name: known, change: [{delete: Gateway/mesh/waypoint}], violates: [only through the waypoint]}\n"
      "  - {name: harmless, change: [{label: Service/mesh/web, labels: {a: b}}], violates: [api answers]}\n";
  const auto r = run(text);
  CHECK(r.errors.empty());
  CHECK(r.status.at("only through the waypoint") == Status::Passed);
  CHECK(r.status.at("gone / only through the waypoint") == Status::Failed);
  CHECK(r.status.at("gone / api answers") == Status::Passed);
  CHECK(r.status.at("known / only through the waypoint") == Status::Passed);
  CHECK(r.status.at("harmless / api answers") == Status::Failed);
  for (const auto& c : r.report.cases) {
    if (c.variant != "gone" || c.status != Status::Failed) continue;
    REQUIRE_FALSE(c.violations.empty());
    CHECK(c.violations[0].find(" -> http://api.mesh:80") != std::string::npos);
    CHECK(c.predicted.outcome == sim::Outcome::Allow);
    CHECK_FALSE(c.predicted.paths.empty());
    CHECK(c.message.find("broken by") == 0);
  }
}

TEST_CASE("never has to be certain: what the manifests do not tell breaks it") {
  const auto text =
      kHead +
      "invariants: [{name: closed, from: 203.0.113.7, to: 'http://10.42.0.2:8080/', never: {outcome: "
      "allow}}]\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: a, labels: {app: web}}\n"
      "spec: {containers: [{name: c, image: i}]}\nstatus: {podIP: 10.42.0.2}\n---\n";
  const auto r =
      run(text +
          "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: shut, namespace: "
          "a}\nspec: {podSelector: {}, policyTypes: [Ingress]}\n");
  CHECK(r.report.passed == 1);
  const auto unknown = run(text + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: a}\n");
  CHECK(unknown.report.failed == 1);
}

TEST_CASE("tags of scenario, variant and flow choose cases") {
  const auto text =
      "apiVersion: waypath.dev/v1\nkind: Scenario\nmetadata: {name: s, tags: [all]}\n" + kCluster +
      "flows:\n"
      "  - {name: a, from: mesh/client, to: 'http://web.mesh:80', tags: [smoke], expect: {outcome: allow}}\n"
      "  - {name: b, from: mesh/client, to: 'http://api.mesh:80', expect: {outcome: allow}}\n"
      "variants: [{name: v, tags: [slow], change: [{label: Service/mesh/web, labels: {a: b}}]}]\n";
  const auto names = [&](std::vector<std::string> tags) {
    RunOptions options;
    options.tags = std::move(tags);
    std::string out;
    for (const auto& c : run(text, options).report.cases) out += c.variant + "/" + c.flow + " ";
    return out;
  };
  CHECK(names({}) == "/a /b v/a v/b ");
  CHECK(names({"all"}) == "/a /b v/a v/b ");
  CHECK(names({"smoke"}) == "/a v/a ");
  CHECK(names({"!slow"}) == "/a /b ");
  CHECK(names({"smoke", "!slow"}) == "/a ");
  CHECK(names({"none"}).empty());
}

TEST_CASE("fail-fast reports up to the first failure, whatever the number of threads") {
  const auto text = kHead + kCluster +
                    "flows:\n"
                    "  - {name: a, from: mesh/client, to: 'http://web.mesh:80', expect: {outcome: allow}}\n"
                    "  - {name: b, from: mesh/client, to: 'http://web.mesh:80', expect: {outcome: deny}}\n"
                    "  - {name: c, from: mesh/client, to: 'http://web.mesh:80', expect: {outcome: deny}}\n";
  for (const unsigned jobs : {1U, 4U}) {
    RunOptions options;
    options.fail_fast = true;
    options.jobs = jobs;
    const auto r = run(text, options);
    CHECK(r.report.stopped);
    REQUIRE(r.report.cases.size() == 2);
    CHECK(r.report.cases[1].flow == "b");
  }
}

TEST_CASE("a file takes flows, defaults and variables of what it includes, and its own word goes first") {
  const Folder folder;
  folder.write("part.yaml",
               "apiVersion: waypath.dev/v1\nkind: ScenarioPart\n"
               "variables: {service: web, ns: mesh}\n"
               "defaults: {from: plain/client, expect: {outcome: allow}}\n"
               "flows: [{name: of the part, to: 'http://${service}.${ns}:80'}]\n");
  const auto text = kHead + "include: part.yaml\nvariables: {service: api, client: mesh/client}\n" +
                    kCluster +
                    "defaults: {from: '${client}', expect: {outcome: allow, via: [waypoint/mesh/waypoint]}}\n"
                    "flows:\n"
                    "  - {name: own, to: 'http://${service}.mesh:80'}\n"
                    "  - {name: other, to: 'http://web.mesh:80', expect: {via: [client/mesh/client]}}\n";
  const auto r = run(text, {}, (folder.path / "s.yaml").string());
  CHECK(r.errors.empty());
  REQUIRE(r.report.cases.size() == 3);
  CHECK(r.report.cases[0].flow == "of the part");
  CHECK(r.report.cases[0].predicted.from == "plain/client");
  CHECK(r.report.cases[0].predicted.to == "http://api.mesh:80");
  CHECK(r.report.passed == 3);
  CHECK(r.report.cases[2].expected.outcome == "allow");
}

TEST_CASE("a top-level expect goes before what flows say, and may name one of many") {
  const auto r =
      run(kHead + kCluster +
          "flows:\n"
          "  - {name: a, from: mesh/client, to: 'http://web.mesh:80', expect: {outcome: deny}}\n"
          "  - {name: g, from: {namespace: mesh, labels: {app: client}}, to: {service: mesh/web}}\n"
          "  - {name: h, from: mesh/client, to: {service: mesh/web}, expect: {outcome: deny}}\n"
          "expect:\n"
          "  a: {outcome: allow}\n"
          "  'g: mesh/client -> http://web.mesh:80': {outcome: allow}\n"
          "  h: {outcome: allow}\n");
  CHECK(r.errors.empty());
  CHECK(r.report.passed == 3);
  CHECK(r.report.failed + r.report.skipped == 0);
  const auto slip = run(
      kHead + kCluster +
      "flows: [{name: a, from: mesh/client, to: 'http://web.mesh:80'}]\nexpect: {aa: {outcome: allow}}\n");
  CHECK(slip.errors.find("no flow is named \"aa\"") != std::string::npos);
}

TEST_CASE("a scenario may be the base of another, which names its own Istio version") {
  const Folder folder;
  folder.write(
      "base.yaml",
      kHead + kCluster +
          "flows: [{name: a, from: mesh/client, to: 'http://web.mesh:80', expect: {outcome: allow}}]\n");
  model::SourceFiles files;
  model::Diagnostics diagnostics;
  const auto scenario =
      parse_scenario((folder.path / "s.yaml").string(),
                     kHead + "include: [base.yaml]\ncluster: {istioVersion: \"1.29\"}\n", files, diagnostics);
  REQUIRE(scenario);
  CHECK(scenario->istio_version == "1.29");
  CHECK(scenario->manifests.size() == 1);
  CHECK(scenario->flows.size() == 1);
}

TEST_CASE("manifests of a command are read when that is allowed, and positions name the command") {
  const Folder folder;
  folder.write(
      "rendered",
      "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: a}\nspec: {containers: [{name: c, "
      "image: i}]}\nstatus: {podIP: 10.42.0.2}\n---\napiVersion: networking.k8s.io/v1\nkind: "
      "NetworkPolicy\nmetadata: {name: shut, namespace: a}\nspec: {podSelector: {}}\n");
  const auto text =
      kHead +
      "cluster: {manifests: [{command: [cat, rendered]}]}\n"
      "flows: [{name: a, from: 203.0.113.7, to: 'http://10.42.0.2:80/', expect: {outcome: timeout, by: "
      "NetworkPolicy/a/shut}}]\n";
  const std::string path = (folder.path / "s.yaml").string();
  CHECK(run(text, {}, path).report.cases.empty());
  CHECK(run(text, {}, path).errors.find("--allow-exec is not given") != std::string::npos);
  RunOptions options;
  options.allow_exec = true;
  const auto r = run(text, options, path);
  CHECK(r.errors.empty());
  REQUIRE(r.report.passed == 1);
  const auto& c = r.report.cases.front();
  CHECK(c.files.path(c.predicted.paths.at(0).reason.by->pos.file) == "cat rendered");
  CHECK(c.predicted.paths.at(0).reason.by->pos.line >= 7);
  const auto missing =
      run(kHead +
              "cluster: {manifests: [{command: no-such-program-here}]}\n"
              "flows: [{name: a, from: 203.0.113.7, to: 'http://10.42.0.2:80/', expect: {outcome: allow}}]\n",
          options, path);
  CHECK(missing.errors.find("there is no program") != std::string::npos);
}

}  // namespace waypath::scenarios
