// Generated clusters: the same bytes from the same parameters, the same objects in every form, and as many of
// each as the parameters say.

#include "bench/gen/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "model/load/manifest_loader.h"
#include "model/yaml/node.h"
#include "model/yaml/reader.h"
#include "tests/support/rounds.h"

namespace waypath::gen {
namespace {

using Json = nlohmann::json;

Json normalised(const model::yaml::Node& node) {
  if (node.is_mapping()) {
    Json out = Json::object();
    for (const auto& member : node.members) out[std::string(member.key)] = normalised(*member.value);
    return out;
  }
  if (node.is_sequence()) {
    Json out = Json::array();
    for (const auto* item : node.items) out.push_back(normalised(*item));
    return out;
  }
  if (node.is_null()) return nullptr;
  if (const auto value = node.as_integer()) return *value;
  if (const auto value = node.as_bool()) return *value;
  return std::string(node.scalar);
}

std::vector<Json> read_back(const std::string& text) {
  model::Diagnostics diagnostics;
  std::vector<Json> out;
  for (const auto& document : model::yaml::read_documents(text, 1, diagnostics, {.prune = false}))
    out.push_back(normalised(*document.root));
  CHECK(diagnostics.items().empty());
  return out;
}

std::vector<Json> objects(const Parameters& parameters) {
  std::vector<Json> out;
  each_object(parameters, [&](const Json& object) { out.push_back(object); });
  return out;
}

std::map<std::string, int> kinds(const Parameters& parameters) {
  std::map<std::string, int> out;
  each_object(parameters, [&](const Json& object) { ++out[object["kind"].get<std::string>()]; });
  return out;
}

std::vector<Json> of_kind(const Parameters& parameters, std::string_view kind) {
  std::vector<Json> out;
  each_object(parameters, [&](const Json& object) {
    if (object["kind"] == kind) out.push_back(object);
  });
  return out;
}

Parameters small() {
  Parameters p = profile("teams", "S");
  p.namespaces = 6;
  p.workloads = 3;
  p.replicas = 2;
  p.pods = 0;
  p.policies = 5.5;
  p.authorization_policies = 60;
  return p;
}

constexpr std::array kForms{Form::Documents, Form::List, Form::JsonList, Form::NdJson};

}  // namespace

TEST_CASE("the same seed gives the same bytes, another seed other ones") {
  Parameters p = small();
  for (const Form form : kForms) CHECK(text(p, form) == text(p, form));
  FlowLog log;
  log.bytes = 20'000;
  CHECK(log_text(p, log) == log_text(p, log));
  Parameters other = p;
  other.seed = 2;
  CHECK(text(p, Form::NdJson) != text(other, Form::NdJson));
  CHECK(kinds(p) == kinds(other));
}

TEST_CASE("every form holds the same objects") {
  const Parameters p = small();
  const auto expected = objects(p);
  for (const Form form : kForms) {
    INFO("form " << static_cast<int>(form));
    const auto found = read_back(text(p, form));
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      INFO(expected[i].dump(1) << "\n" << found[i].dump(1));
      REQUIRE(found[i] == expected[i]);
    }
  }
}

TEST_CASE("a generated cluster loads without errors and warnings, with every object") {
  for (const std::string_view name : {"teams", "tenants"}) {
    for (const bool netpol_only : {false, true}) {
      if (netpol_only && tests::kSanitized) continue;
      Parameters p = profile(name, "S");
      p.netpol_only = netpol_only;
      for (const Form form : kForms) {
        model::Diagnostics diagnostics;
        model::LoadStats stats;
        const auto snapshot = model::load_texts({{"cluster", text(p, form)}}, {}, diagnostics, &stats);
        for (const auto& d : diagnostics.items()) {
          INFO(d.message << " " << d.object);
          CHECK(d.severity == model::Severity::Info);
        }
        const Totals expected = totals(p);
        CHECK(std::count_if(snapshot.all<model::Pod>().begin(), snapshot.all<model::Pod>().end(),
                            [](const auto& pod) { return pod->meta.origin == model::Origin::Manifest; }) ==
              expected.pods);
        CHECK(static_cast<int>(snapshot.all<model::NetworkPolicy>().size()) == expected.network_policies);
        CHECK(stats.reference_documents == 0);
      }
    }
  }
}

TEST_CASE("parameters are met in number") {
  const Parameters p = small();
  const Totals expected = totals(p);
  CHECK(expected.namespaces == 6);
  CHECK(expected.pods == 36);
  CHECK(expected.network_policies == 33);
  auto found = kinds(p);
  CHECK(found["Namespace"] == 6);
  CHECK(found["Pod"] == 36);
  CHECK(found["Deployment"] == 18 + 1);  // and istiod
  CHECK(found["Service"] == 18 + 1);     // and the ext_authz provider
  CHECK(found["NetworkPolicy"] == 33);
  CHECK(found["AuthorizationPolicy"] == 60);
  CHECK(found["HTTPRoute"] == p.http_routes);
  CHECK(found["Gateway"] == p.gateways + expected.waypoints);
  CHECK(found["Secret"] + found["ConfigMap"] + found["Lease"] + found["Role"] + found["RoleBinding"] +
            found["HorizontalPodAutoscaler"] + found["Event"] + found["PodDisruptionBudget"] ==
        static_cast<int>(36 * p.noise) + 1);
}

TEST_CASE("pods end the last namespaces early") {
  Parameters p = small();
  p.pods = 20;
  CHECK(kinds(p)["Pod"] == 20);
  CHECK(totals(p).namespaces == 4);
}

TEST_CASE("every size has as many pods as it says, and tenants some 2.5 policies a pod") {
  for (const auto& [size, pods] :
       std::map<std::string, int>{{"S", 100}, {"M", 1'000}, {"L", 10'000}, {"XL", 100'000}})
    for (const std::string_view name : {"tenants", "teams"}) CHECK(totals(profile(name, size)).pods == pods);
  const Totals tenants = totals(profile("tenants", "L"));
  CHECK(tenants.network_policies > 24'000);
  CHECK(tenants.network_policies < 26'000);
}

TEST_CASE("the ineffective share of policies selects no pod") {
  Parameters p = small();
  p.policies = 50;
  std::map<std::string, std::set<std::string>> apps;
  for (const Json& pod : of_kind(p, "Pod"))
    apps[pod["metadata"]["namespace"]].insert(pod["metadata"]["labels"]["app"]);
  int ineffective = 0;
  for (const Json& policy : of_kind(p, "NetworkPolicy")) {
    const Json& selector = policy["spec"]["podSelector"];
    if (!selector.contains("matchLabels") || !selector["matchLabels"].contains("app")) continue;
    if (!apps[policy["metadata"]["namespace"]].contains(selector["matchLabels"]["app"])) ++ineffective;
  }
  CHECK(ineffective == totals(p).ineffective_policies);
  CHECK(ineffective == 78);  // 26 % of 300
}

TEST_CASE("shares of peers, ports, mesh membership and actions are what was asked") {
  Parameters p = small();
  SECTION("all address blocks") {
    p.cidr_share = 1;
    for (const Json& policy : of_kind(p, "NetworkPolicy"))
      for (const auto& [direction, peers] : {std::pair{"ingress", "from"}, std::pair{"egress", "to"}})
        if (policy["spec"].contains(direction))
          for (const Json& peer : policy["spec"][direction][0][peers]) CHECK(peer.contains("ipBlock"));
  }
  SECTION("no ports") {
    p.all_ports_share = 1;
    for (const Json& policy : of_kind(p, "NetworkPolicy"))
      CHECK(policy.dump().find("\"ports\"") == std::string::npos);
  }
  SECTION("numbers of rules, peers and ports") {
    p.rules = 3;
    p.peers = 4;
    p.ports = 5;
    p.all_ports_share = 0;
    p.ambient_share = 0;
    for (const Json& policy : of_kind(p, "NetworkPolicy")) {
      if (!policy["spec"].contains("ingress")) continue;
      CHECK(policy["spec"]["ingress"].size() == 3);
      CHECK(policy["spec"]["ingress"][0]["from"].size() == 4);
      CHECK(policy["spec"]["ingress"][0]["ports"].size() == 5);
    }
  }
  SECTION("membership") {
    p.namespaces = 20;
    p.ambient_share = 0.5;
    CHECK(totals(p).ambient_namespaces == 10);
    p.ambient_share = 0;
    CHECK(totals(p).waypoints == 0);
    CHECK(text(p, Form::NdJson).find("use-waypoint") == std::string::npos);
  }
  SECTION("actions") {
    p.namespaces = 20;
    std::map<std::string, int> actions;
    for (const Json& policy : of_kind(p, "AuthorizationPolicy")) ++actions[policy["spec"]["action"]];
    CHECK(actions["CUSTOM"] == 3);
    CHECK(actions["DENY"] + actions["CUSTOM"] + actions["ALLOW"] == 60);
    CHECK(actions["DENY"] >= 9);
    CHECK(actions["DENY"] <= 12);
  }
  SECTION("labels of pods") {
    p.labels = 7;
    for (const Json& pod : of_kind(p, "Pod")) CHECK(pod["metadata"]["labels"].size() == 9);
  }
}

TEST_CASE("managedFields and status are there or not") {
  Parameters p = small();
  for (const Json& pod : of_kind(p, "Pod")) {
    CHECK(pod["metadata"].contains("managedFields"));
    CHECK(pod.contains("status"));
  }
  p.managed_fields = p.status = false;
  for (const Json& pod : of_kind(p, "Pod")) {
    CHECK_FALSE(pod["metadata"].contains("managedFields"));
    CHECK_FALSE(pod.contains("status"));
  }
}

TEST_CASE("a scale code shapes every policy") {
  Parameters p = small();
  p.namespaces = 10;
  p.scale = scale_code("3-2-1-4-5-6-7");
  const auto policies = of_kind(p, "NetworkPolicy");
  REQUIRE_FALSE(policies.empty());
  for (const Json& policy : policies) {
    const Json& spec = policy["spec"];
    CHECK(spec["podSelector"]["matchExpressions"][0]["values"].size() == 3);
    for (const auto& [direction, side] : {std::pair{"ingress", "from"}, std::pair{"egress", "to"}}) {
      const Json& rule = spec[direction][0];
      CHECK(rule["ports"].size() == 3);
      CHECK(rule[side].size() == 11);
      CHECK(rule[side][0]["namespaceSelector"]["matchExpressions"][0]["values"].size() == 5);
      CHECK(rule[side][0]["podSelector"]["matchExpressions"][0]["values"].size() == 6);
    }
  }
  for (const std::string_view wrong : {"", "1-2-3", "1-2-3-4-5-6-7-8", "a-0-0-0-0-0-0", "1-0-0-1-3-1--1"})
    CHECK_THROWS_AS(scale_code(wrong), std::invalid_argument);
}

TEST_CASE("parameters that cannot be are refused by name") {
  Parameters p = small();
  p.cidr_share = 1.5;
  CHECK_THROWS_WITH(check(p), Catch::Contains("cidr-share"));
  p = small();
  p.replicas = 0;
  CHECK_THROWS_WITH(check(p), Catch::Contains("replicas"));
  CHECK_THROWS_AS(profile("teams", "XXL"), std::invalid_argument);
  CHECK_THROWS_AS(profile("team", "S"), std::invalid_argument);
}

TEST_CASE("the access log names pods, addresses and Services of the cluster") {
  const Parameters p = small();
  std::map<std::string, std::string> ip_of;
  for (const Json& pod : of_kind(p, "Pod")) ip_of[pod["metadata"]["name"]] = pod["status"]["podIP"];
  std::set<std::string> services;
  for (const Json& service : of_kind(p, "Service"))
    services.insert(fmt::format("{}.{}.svc.cluster.local", service["metadata"]["name"].get<std::string>(),
                                service["metadata"]["namespace"].get<std::string>()));
  FlowLog log;
  log.bytes = 50'000;
  log.json = true;
  const std::string lines = log_text(p, log);
  CHECK(lines.size() >= log.bytes);
  std::size_t count = 0;
  for (std::size_t at = 0; at < lines.size(); ++count) {
    const auto end = lines.find('\n', at);
    const Json line = Json::parse(lines.substr(at, end - at));
    at = end + 1;
    const auto host = [&](const char* key) {
      const std::string address = line[key];
      return address.substr(0, address.find(':'));
    };
    CHECK(ip_of.at(line["src.workload"]) == host("src.addr"));
    CHECK(ip_of.at(line["dst.workload"]) == host("dst.addr"));
    CHECK(services.contains(line["dst.service"]));
  }
  CHECK(count > 50);
}

}  // namespace waypath::gen
