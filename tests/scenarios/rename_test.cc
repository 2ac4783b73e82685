// No verdict may come from what things are called: every namespace, workload, service, account and policy of
// a shipped cluster gets another name, and so do the labels that only its owners give a meaning, in the
// manifests and in the scenario alike, and every prediction holds.

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
const std::set<std::string> kWellKnown{"default", "kube-system", "kube-dns", "kubernetes", "istio",
                                       "ztunnel", "gateway",     "waypoint", "ingress",    "egress"};

// Labels that Kubernetes or Istio read: their values mean something.
bool read_by_the_mesh(std::string_view key) {
  const auto ends_with = [](std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
  };
  const auto slash = key.find('/');
  if (slash == std::string_view::npos) return key == "k8s-app" || key == "istio-injection";
  const auto domain = key.substr(0, slash);
  return ends_with(domain, "istio.io") || ends_with(domain, "k8s.io") ||
         (ends_with(domain, "kubernetes.io") && domain != "app.kubernetes.io");
}

bool has_letter(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; });
}

std::set<std::string> names_of(const model::Snapshot& snapshot) {
  static const std::set<std::string_view> kKinds{"Namespace",
                                                 "Node",
                                                 "Pod",
                                                 "Deployment",
                                                 "StatefulSet",
                                                 "DaemonSet",
                                                 "ReplicaSet",
                                                 "Service",
                                                 "Gateway",
                                                 "VirtualService",
                                                 "ServiceEntry",
                                                 "HTTPRoute",
                                                 "Secret",
                                                 "ServiceAccount",
                                                 "DestinationRule",
                                                 "NetworkPolicy",
                                                 "AuthorizationPolicy",
                                                 "RequestAuthentication",
                                                 "PeerAuthentication"};
  // "app" and "istio" are words of other label keys and API groups; ReplicaSets are told by the hash.
  static const std::set<std::string_view> kKeptKeys{"app", "istio", "pod-template-hash"};
  std::set<std::string> out;
  for (const auto* meta : model::all_objects(snapshot)) {
    if (kKinds.contains(meta->key.kind.view())) out.insert(meta->key.name.str());
    for (const auto& owner : meta->owners) out.insert(owner.name.str());
    for (const auto& label : meta->labels.all()) {
      if (read_by_the_mesh(label.key.view())) continue;
      const auto value = label.value.view();
      if (has_letter(value) && value != "true" && value != "false" &&
          value.find_first_of("._") == std::string_view::npos)
        out.insert(std::string(value));
      if (label.key.view().find_first_of("./") == std::string_view::npos &&
          !kKeptKeys.contains(label.key.view()))
        out.insert(label.key.str());
    }
  }
  for (const auto& name : kWellKnown) out.erase(name);
  return out;
}

// Three letters on, so that names keep their order and hold nothing of the old ones. (One or two would make a
// number of 84d7 or 59c4.)
std::string other_name(std::string name) {
  for (char& c : name)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(std::min(c + 3, int{'z'}));
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
  model::Diagnostics diagnostics;
  const auto scenario_files = scenarios::find_scenarios(
      {tests::source_dir() + "/scenarios/bigbang", tests::source_dir() + "/scenarios/package-operator"},
      diagnostics);
  REQUIRE(scenario_files.size() >= 8);
  const std::string path = GENERATE_REF(from_range(scenario_files));
  INFO(path);
  model::SourceFiles files;
  const auto scenario = scenarios::read_scenario(path, files, diagnostics);
  REQUIRE(scenario);
  const auto snapshot = scenarios::load_cluster(*scenario, {}, diagnostics);
  REQUIRE(snapshot);
  const auto names = names_of(*snapshot);
  REQUIRE(names.size() > 50);

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
  CHECK(report.passed > 0);
}

}  // namespace waypath
