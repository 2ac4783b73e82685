// `waypath explain` knows every code, every kind of policy and every step of a version, with all parts.

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "model/diagnostic_codes.h"
#include "model/istio/profile.h"
#include "scenarios/scenario_codes.h"
#include "sim/lint/lint_codes.h"
#include "sim/reasons/reason_codes.h"
#include "tests/support/corpus.h"
#include "tests/tools/run.h"

namespace waypath {
namespace {

namespace fs = std::filesystem;
using model::CodeInfo;

std::vector<CodeInfo> every_code() {
  auto out = sim::all_codes();
  const auto more = model::diagnostic_codes();
  out.insert(out.end(), more.begin(), more.end());
  const auto scenario = scenarios::scenario_codes();
  out.insert(out.end(), scenario.begin(), scenario.end());
  return out;
}

std::vector<fs::path> sources() {
  std::vector<fs::path> out;
  for (const char* folder : {"model", "sim", "scenarios", "tools"})
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(tests::source_dir()) / folder))
      if (entry.path().extension() == ".h" || entry.path().extension() == ".cc") out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

/// Name of a constant -> text of its code, as the sources declare them.
std::map<std::string, std::string> declared() {
  static const std::regex declaration(R"re(constexpr (?:model::)?Code (k\w+)\{\s*"([A-Z0-9_]+)"\})re");
  std::map<std::string, std::string> out;
  for (const auto& file : sources()) {
    const std::string text = tests::read_text(file.string());
    for (std::sregex_iterator it(text.begin(), text.end(), declaration), end; it != end; ++it)
      out[(*it)[1]] = (*it)[2];
  }
  return out;
}

}  // namespace

TEST_CASE("explain: every code that the sources declare is explained, once, with all parts") {
  std::map<std::string, int> explained;
  for (const auto& info : every_code()) {
    INFO(info.code.text);
    CHECK(++explained[std::string(info.code.text)] == 1);
    CHECK_FALSE(info.summary.empty());
    CHECK(info.meaning.size() >= 40);
    CHECK_FALSE(info.fix.empty());
    CHECK_FALSE(info.source.empty());
    CHECK(info.summary != info.meaning);
    CHECK(info.summary.size() <= 90);
  }
  const auto codes = declared();
  CHECK(codes.size() > 250);
  for (const auto& [name, code] : codes) {
    INFO(name << " " << code);
    CHECK(explained.count(code) == 1);
  }
  std::set<std::string> declared_codes;
  for (const auto& [name, code] : codes) declared_codes.insert(code);
  for (const auto& [code, times] : explained) {
    INFO(code);
    CHECK(declared_codes.count(code) == 1);
  }
}

TEST_CASE("explain: every code is one that something gives") {
  std::set<std::string> used;
  static const std::regex word(R"(\bk[A-Z]\w+)");
  for (const auto& file : sources()) {
    if (file.stem().string().find("codes") != std::string::npos) continue;  // where they are declared
    const std::string text = tests::read_text(file.string());
    for (std::sregex_iterator it(text.begin(), text.end(), word), end; it != end; ++it)
      used.insert(it->str());
  }
  for (const auto& [name, code] : declared()) {
    INFO(name << " " << code);
    CHECK(used.count(name) == 1);
  }
}

TEST_CASE("explain: prints all parts of each code") {
  for (const auto& info : every_code()) {
    INFO(info.code.text);
    const auto r = tests::run({"explain", std::string(info.code.text)});
    CHECK(r.exit_code == 0);
    for (const char* part : {"Meaning", "What to do", "Source"}) CHECK(r.out.find(part) != std::string::npos);
    CHECK(r.out.find(std::string(info.code.text) + "  (") == 0);
  }
  const auto list = tests::run({"explain"});
  for (const char* group : {"reasons", "assumptions", "lints", "diagnostics"})
    CHECK(list.out.find(group) != std::string::npos);
}

TEST_CASE("explain: every version difference has all parts and can be asked for") {
  for (const auto& row : model::version_table()) {
    INFO(row.name);
    for (const auto part : {row.name, row.since, row.before, row.after, row.effect, row.source})
      CHECK_FALSE(part.empty());
  }
  const auto r = tests::run({"explain", "istio/1.22..1.31"});
  CHECK(r.exit_code == 0);
  CHECK(r.out.find("source: ") != std::string::npos);
}

TEST_CASE("explain: of every kind it tells what lint finds about the object") {
  struct Asked {
    std::string object, cluster, code;
  };
  for (const auto& [object, cluster, code] : std::vector<Asked>{
           {"AuthorizationPolicy/istio-system/jwt-authz", "scenarios/clusters/bigbang-gateway",
            "LINT_AUTHZ_ALLOWS_NOTHING"},
           {"RequestAuthentication/shop/tokens", "tests/lint/LINT_REQUESTAUTHN_AT_ZTUNNEL/bad.yaml",
            "LINT_REQUESTAUTHN_AT_ZTUNNEL"},
           {"Service/shop/api", "tests/lint/LINT_WAYPOINT_MISSING/bad.yaml", "LINT_WAYPOINT_MISSING"},
           {"ServiceEntry/shop/db", "tests/lint/LINT_SERVICEENTRY_NO_ENDPOINTS/bad.yaml",
            "LINT_SERVICEENTRY_NO_ENDPOINTS"}}) {
    INFO(object);
    const auto r = tests::run({"explain", object, "-q", "-f", cluster});
    CHECK(r.exit_code == 0);
    CHECK(r.out.find("\nlint\n") != std::string::npos);
    CHECK(r.out.find(code) != std::string::npos);
    const auto json = tests::run({"explain", object, "-q", "-o", "json", "-f", cluster});
    CHECK(json.out.find("\"findings\": [") != std::string::npos);
    CHECK(json.out.find(code) != std::string::npos);
  }
}

TEST_CASE("explain: each kind of policy, Service and Gateway") {
  const std::vector<std::pair<std::string, std::string>> asked{
      {"AuthorizationPolicy/authservice/jwt-authz", "enforced at"},
      {"RequestAuthentication/authservice/jwt-authn", "enforced at"},
      {"PeerAuthentication/istio-system/default", "STRICT"},
      {"NetworkPolicy/monitoring/default-ingress-deny-all", "what its rules allow"},
      {"Service/monitoring/monitoring-monitoring-kube-prometheus", "authservice/authservice-waypoint"},
      {"Gateway/authservice/authservice-waypoint", "serves"}};
  for (const auto& [object, text] : asked) {
    INFO(object);
    const auto r = tests::run({"explain", object, "-q", "-f", "scenarios/clusters/bigbang-waypoint"});
    CHECK(r.exit_code == 0);
    CHECK(r.out.find(text) != std::string::npos);
    const auto json =
        tests::run({"explain", object, "-q", "-o", "json", "-f", "scenarios/clusters/bigbang-waypoint"});
    CHECK(json.exit_code == 0);
    CHECK(json.out.find("\"object\": \"" + object + "\"") != std::string::npos);
  }
  const auto wrong = tests::run({"explain", "Secret/a/b", "-f", "scenarios/clusters/bigbang-waypoint"});
  CHECK(wrong.exit_code == 2);
  CHECK(wrong.err.find("kinds: ") != std::string::npos);
}

}  // namespace waypath
