// tests/lint: a folder a code. bad.yaml has the trouble, and gives what `expected` holds; good.yaml differs
// in what the code is about, and gives nothing: no finding of the code, and no error or warning of any other.
// WAYPATH_UPDATE_GOLDEN=1 rewrites `expected`.

#include "sim/lint/lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "model/load/manifest_loader.h"
#include "sim/engine.h"
#include "sim/lint/lint_codes.h"
#include "tests/support/corpus.h"

namespace waypath {
namespace {

namespace fs = std::filesystem;
using model::Severity;

fs::path cases() { return fs::path(tests::source_dir()) / "tests" / "lint"; }

struct Linted {
  std::shared_ptr<const sim::Engine> engine;
  sim::LintResult result;
  std::string rejected;  // what the API server would refuse: no case is about that
};

Linted lint_file(const fs::path& file, const sim::LintOptions& options = {}) {
  model::Diagnostics diagnostics;
  auto snapshot = model::load_manifests({file.string()}, {}, diagnostics, nullptr);
  const auto files = snapshot.files();
  auto cluster = model::Cluster::build(std::move(snapshot), {}, diagnostics);
  Linted out;
  out.engine = sim::Engine::build(std::move(cluster), {}, diagnostics);
  for (const auto& d : diagnostics.items())
    if (d.severity == Severity::Error) out.rejected += model::format_diagnostic(d, files);
  out.result = sim::lint(*out.engine, options);
  return out;
}

sim::LintResult lint_text(const std::string& yaml) {
  model::Diagnostics diagnostics;
  auto cluster =
      model::Cluster::build(model::load_texts({{"in.yaml", yaml}}, {}, diagnostics), {}, diagnostics);
  return sim::lint(*sim::Engine::build(std::move(cluster), {}, diagnostics), {});
}

std::string line_of(const sim::Finding& f) {
  const char* const severity = f.severity == Severity::Error     ? "error"
                               : f.severity == Severity::Warning ? "warning"
                                                                 : "info";
  return fmt::format("{} {}:{} {}\n", severity, f.object.key.str(), f.object.pos.line, f.message);
}

std::string of_code(const sim::LintResult& result, std::string_view code) {
  std::string out;
  for (const auto& f : result.findings)
    if (f.code.text == code) out += line_of(f);
  return out;
}

std::vector<std::string> folders() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(cases())) out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("lint: every code has a case, and every case a code") {
  std::vector<std::string> codes;
  for (const auto& row : sim::lint_codes()) codes.emplace_back(row.info.code.text);
  CHECK(folders() == codes);
}

TEST_CASE("lint: each code is found where it is meant and nowhere else") {
  for (const auto& code : folders()) {
    DYNAMIC_SECTION(code) {
      const auto bad = lint_file(cases() / code / "bad.yaml");
      CHECK(bad.rejected.empty());
      const auto found = of_code(bad.result, code);
      CHECK_FALSE(found.empty());
      const auto expected = cases() / code / "expected";
      if (std::getenv("WAYPATH_UPDATE_GOLDEN") != nullptr) {
        std::ofstream(expected, std::ios::binary) << found;
      } else {
        CHECK(found == tests::read_text(expected.string()));
      }
      for (const auto& f : bad.result.findings) {
        CHECK_FALSE(f.fix.empty());
        CHECK(f.object.pos.known());
      }
      const auto good = lint_file(cases() / code / "good.yaml");
      CHECK(good.rejected.empty());
      std::string unwanted = of_code(good.result, code);
      for (const auto& f : good.result.findings)
        if (f.severity >= Severity::Warning) unwanted += fmt::format("{} {}", f.code.text, line_of(f));
      CHECK(unwanted.empty());
    }
  }
}

TEST_CASE("lint: codes can be ignored, and namespaces picked") {
  const auto file = cases() / "LINT_WAYPOINT_MISSING" / "bad.yaml";
  const auto all = lint_file(file).result;
  REQUIRE_FALSE(of_code(all, "LINT_WAYPOINT_MISSING").empty());
  CHECK(of_code(lint_file(file, {{"LINT_WAYPOINT_MISSING"}, ""}).result, "LINT_WAYPOINT_MISSING").empty());
  CHECK(lint_file(file, {{}, "elsewhere"}).result.findings.empty());
  CHECK(of_code(lint_file(file, {{}, "shop"}).result, "LINT_WAYPOINT_MISSING") ==
        of_code(all, "LINT_WAYPOINT_MISSING"));
}

constexpr const char* kShop =
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n"
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\n"
    "spec: {containers: [{name: c, image: c}]}\n---\n"
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web, namespace: shop}\n";

TEST_CASE("lint: a namespace without a label is to be labelled, one that is not there is not") {
  const auto fixes = [](const std::string& labels) {
    std::string out;
    for (const auto& f :
         lint_text(
             kShop +
             ("spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {" + labels) +
             "}}}]}]}\n")
             .findings)
      if (f.code.text == "LINT_NETPOL_PEER_SELECTS_NOTHING") out += f.fix;
    return out;
  };
  const std::string start = "nothing to do if the namespace is not among the manifests; else ";
  CHECK(fixes("team: payments") == start + "label it");
  CHECK(fixes("kubernetes.io/metadata.name: shop, team: payments") == start + "label it");
  CHECK(fixes("kubernetes.io/metadata.name: monitoring") ==
        start + "correct the name: the API server alone sets this label");
}

TEST_CASE("lint: where no name server is given, egress that admits UDP 53 to nobody shuts names out") {
  const auto found = [](const std::string& ports) {
    return of_code(
        lint_text(kShop + ("spec: {podSelector: {}, policyTypes: [Egress], egress: [{ports: [" + ports) +
                  "]}]}\n"),
        "LINT_NETPOL_BLOCKS_DNS");
  };
  CHECK(found("{port: 80}, {port: 53}") ==
        "warning NetworkPolicy/shop/web:10 Pod shop/web cannot ask any name server: egress on UDP 53 is "
        "admitted "
        "to nobody\n");
  CHECK(found("{port: 53, protocol: UDP}").empty());
  CHECK(found("{port: 50, endPort: 60, protocol: UDP}").empty());
  CHECK(found("{port: dns, protocol: UDP}").empty());
}

}  // namespace waypath
