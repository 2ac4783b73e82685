// No verdict may come from what things are called: every namespace, workload, service, account and policy of
// a shipped cluster gets another name, in the manifests and in the scenario alike, and every prediction
// holds.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "model/change.h"
#include "model/load/manifest_loader.h"
#include "scenarios/runner.h"
#include "tests/support/corpus.h"

namespace waypath {
namespace {

namespace fs = std::filesystem;

// Names that Kubernetes and Istio themselves give a meaning, and words of scenario files.
const std::set<std::string> kWellKnown{"default", "kube-system", "kube-dns", "kubernetes",
                                       "istio",   "ztunnel",     "gateway",  "waypoint"};

std::set<std::string> names_of(const model::Snapshot& snapshot) {
  static const std::set<std::string_view> kKinds{"Namespace",
                                                 "Pod",
                                                 "Deployment",
                                                 "StatefulSet",
                                                 "DaemonSet",
                                                 "ReplicaSet",
                                                 "Service",
                                                 "Gateway",
                                                 "ServiceAccount",
                                                 "NetworkPolicy",
                                                 "AuthorizationPolicy",
                                                 "RequestAuthentication",
                                                 "PeerAuthentication"};
  std::set<std::string> out;
  for (const auto* meta : model::all_objects(snapshot)) {
    if (kKinds.contains(meta->key.kind.view())) out.insert(meta->key.name.str());
    for (const auto& owner : meta->owners) out.insert(owner.name.str());
  }
  for (const auto& name : kWellKnown) out.erase(name);
  return out;
}

// One letter on, so that names keep their order and hold nothing of the old ones.
std::string other_name(std::string name) {
  for (char& c : name)
    if (c >= 'a' && c < 'z') c = static_cast<char>(c + 1);
  return name;
}

// Names stand between characters that no name holds. `renamed` counts.
std::string rename(const std::string& text, const std::set<std::string>& names, std::size_t& renamed) {
  const auto part_of_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
  };
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && part_of_name(text[end])) ++end;
    std::string word = text.substr(i, std::max<std::size_t>(end - i, 1));
    if (names.contains(word)) {
      word = other_name(word);
      ++renamed;
    }
    out += word;
    i += std::max<std::size_t>(end - i, 1);
  }
  return out;
}

std::string without_manifests(std::string scenario) {
  const auto begin = scenario.find("  manifests:");
  return scenario.erase(begin, scenario.find('\n', begin) - begin + 1);
}

}  // namespace

TEST_CASE("predictions do not depend on names") {
  const auto* const file = GENERATE("bigbang/waypoint-mode.yaml", "bigbang/gateway-mode.yaml",
                                    "bigbang/sidecar-mode.yaml", "package-operator/sso-waypoint.yaml");
  INFO(file);
  const std::string path = tests::source_dir() + "/scenarios/" + file;
  model::Diagnostics diagnostics;
  model::SourceFiles files;
  const auto scenario = scenarios::read_scenario(path, files, diagnostics);
  REQUIRE(scenario);
  const auto snapshot = scenarios::load_cluster(*scenario, {}, diagnostics);
  REQUIRE(snapshot);
  const auto names = names_of(*snapshot);
  REQUIRE(names.size() > 30);

  std::size_t renamed = 0;
  std::string text = without_manifests(rename(tests::read_text(path), names, renamed));
  std::vector<fs::path> manifests;
  for (const auto& folder : scenario->manifests)
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.path().extension() == ".yaml") manifests.push_back(entry.path());
  std::sort(manifests.begin(), manifests.end());
  for (const auto& manifest : manifests)
    text += "\n---\n" + rename(tests::read_text(manifest.string()), names, renamed);
  CHECK(renamed > 300);

  model::SourceFiles renamed_files;
  model::Diagnostics found;
  const auto other = scenarios::parse_scenario("renamed.yaml", text, renamed_files, found);
  for (const auto& d : found.items()) UNSCOPED_INFO(d.message);
  REQUIRE(other);
  scenarios::Report report;
  scenarios::Runner runner(found, renamed_files);
  REQUIRE(runner.run(*other, {}, report));
  for (const auto& c : report.cases) {
    if (c.status != scenarios::CaseResult::Status::Failed) continue;
    std::string what = c.variant + " / " + c.flow + ": " + c.message;
    for (const auto& m : c.mismatches)
      what += "\n    " + m.part + ": expected " + m.expected + ", predicted " + m.predicted;
    UNSCOPED_INFO(what);
  }
  CHECK(report.failed == 0);
  CHECK(report.passed > 5);
}

}  // namespace waypath
