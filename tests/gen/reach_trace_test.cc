// reach over the whole path on generated clusters: sampled pairs of pods get what a trace of the connection
// says. WAYPATH_REACH_SAMPLES is their number (12,000).

#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/gen/generator.h"
#include "model/load/manifest_loader.h"
#include "sim/decide.h"
#include "sim/engine.h"
#include "sim/reach/classes.h"
#include "sim/reach/matrix.h"
#include "sim/reach/reach.h"
#include "sim/resolve/captures.h"
#include "tests/support/dice.h"
#include "tests/support/rounds.h"

namespace waypath::tests {
namespace {

using Json = nlohmann::json;

// What the generator has none of: sidecars, pods of the host's network, pods that leave inbound capture out.
void vary(Json& object, Dice& dice) {
  const std::string kind = object["kind"];
  Json& metadata = object["metadata"];
  if (kind == "Namespace" && !metadata["labels"].contains("istio.io/dataplane-mode") && dice.coin())
    metadata["labels"]["istio-injection"] = "enabled";
  if (kind != "Pod") return;
  if (dice.one_in(25)) object["spec"]["hostNetwork"] = true;
  if (dice.one_in(25)) metadata["annotations"]["ambient.istio.io/bypass-inbound-capture"] = "true";
  if (dice.one_in(10)) metadata["annotations"]["sidecar.istio.io/status"] = "{}";
  if (dice.one_in(20)) metadata["labels"]["networking.istio.io/tunnel"] = "http";
}

Json policy(const char* kind, const std::string& ns, const std::string& name, Json spec) {
  return {{"apiVersion", "security.istio.io/v1"},
          {"kind", kind},
          {"metadata", {{"name", name}, {"namespace", ns}}},
          {"spec", std::move(spec)}};
}

Json random_source(const std::vector<Json>& pods, Dice& dice) {
  const Json& pod = dice.pick(pods);
  const std::string ns = pod["metadata"]["namespace"],
                    principal = "cluster.local/ns/" + ns + "/sa/" +
                                pod["spec"]["serviceAccountName"].get<std::string>();
  switch (dice.roll(7)) {
    case 0:
      return {{"principals", {principal}}};
    case 1:
      return {{"notPrincipals", {principal}}};
    case 2:
      return {{"namespaces", {ns}}};
    case 3:
      return {{"notNamespaces", {ns}}};
    case 4:
      return {{"principals", {"*/sa/" + pod["spec"]["serviceAccountName"].get<std::string>()}}};
    case 5:
      return {{"ipBlocks", {pod["status"]["podIP"].get<std::string>() + "/28"}}};
    default:
      return {{"notIpBlocks", {pod["status"]["podIP"]}}};
  }
}

Json random_rule(const std::vector<Json>& pods, bool addresses, Dice& dice) {
  Json rule = Json::object();
  if (!dice.one_in(5)) {
    Json source = random_source(pods, dice);
    while (!addresses && (source.contains("ipBlocks") || source.contains("notIpBlocks")))
      source = random_source(pods, dice);
    rule["from"] = Json::array({{{"source", std::move(source)}}});
  }
  if (dice.one_in(3)) rule["to"] = Json::array({{{"operation", {{"ports", {"8080"}}}}}});
  if (dice.one_in(6)) rule["to"] = Json::array({{{"operation", {{"notPorts", {"9090"}}}}}});
  if (addresses && dice.one_in(6))
    rule["when"] =
        Json::array({{{"key", "destination.ip"},
                      {"values", {dice.pick(pods)["status"]["podIP"].get<std::string>() + "/26"}}}});
  return rule;
}

std::shared_ptr<const model::Cluster> cluster_of(std::uint64_t seed, bool addresses) {
  gen::Parameters p = gen::profile("teams", "S");
  p.seed = seed;
  p.namespaces = 8;
  p.pods = 0;
  p.workloads = 8;
  p.replicas = 3;
  p.policies = 8;
  p.cluster_wide_share = 0.04;
  p.ambient_share = 0.6;
  p.authorization_policies = 25;
  p.l7_share = 0.2;
  p.managed_fields = p.services = p.controllers = false;
  p.noise = 0;
  p.http_routes = 0;
  Dice dice(seed);
  Json items = Json::array();
  std::vector<Json> pods;
  gen::each_object(p, [&](const Json& object) {
    Json one = object;
    vary(one, dice);
    if (one["kind"] == "Pod") pods.push_back(one);
    items.push_back(std::move(one));
  });
  static const std::vector<std::string> modes{"STRICT", "PERMISSIVE", "DISABLE"};
  for (int i = 0; i < 30; ++i) {
    const Json& pod = dice.pick(pods);
    Json spec{{"action", dice.one_in(3) ? "DENY" : "ALLOW"}, {"rules", Json::array()}};
    if (!dice.one_in(6)) spec["selector"]["matchLabels"]["app"] = pod["metadata"]["labels"]["app"];
    for (std::size_t n = 1 + dice.roll(2); n > 0; --n)
      spec["rules"].push_back(random_rule(pods, addresses, dice));
    items.push_back(policy("AuthorizationPolicy", pod["metadata"]["namespace"], "more-" + std::to_string(i),
                           std::move(spec)));
    if (i % 3 != 0) continue;
    Json mode{{"mtls", {{"mode", dice.pick(modes)}}}};
    if (dice.coin()) {
      mode["selector"]["matchLabels"]["app"] = pod["metadata"]["labels"]["app"];
      if (dice.coin()) mode["portLevelMtls"]["8080"]["mode"] = dice.pick(modes);
    }
    items.push_back(policy("PeerAuthentication", pod["metadata"]["namespace"], "mtls-" + std::to_string(i),
                           std::move(mode)));
  }
  const Json list{{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(items)}};
  model::Diagnostics diagnostics;
  return model::Cluster::build(model::load_texts({{"generated.json", list.dump()}}, {}, diagnostics), {},
                               diagnostics);
}

std::size_t samples() {
  const char* const given = std::getenv("WAYPATH_REACH_SAMPLES");
  return given == nullptr ? rounds(12'000, 1'200) : std::stoul(given);
}

std::string said(const sim::ReachResult& matrix, const sim::ReachCell& cell, model::Protocol protocol,
                 std::uint16_t port) {
  if (matrix.ports(cell.sure).contains(protocol, port)) return "yes";
  return matrix.ports(cell.possible).contains(protocol, port) ? "unknown" : "no";
}

std::string traced(sim::Outcome outcome) {
  return outcome == sim::Outcome::Allow ? "yes" : outcome == sim::Outcome::Unknown ? "unknown" : "no";
}

}  // namespace

TEST_CASE("reach of generated clusters over the whole path: sampled pairs get what their trace says") {
  // Ports that a proxy keeps for itself are none of an application's.
  const std::vector<std::uint16_t> ports{53, 80, 443, 5432, 8080, 9090};
  constexpr std::uint64_t kClusters = 6;
  std::map<std::string, std::size_t> compared;
  std::size_t differences = 0;
  for (std::uint64_t seed = 1; seed <= kClusters; ++seed) {
    const auto cluster = cluster_of(seed, seed % 2 == 0);
    model::Diagnostics diagnostics;
    const auto engine = sim::Engine::build(cluster, {}, diagnostics);
    const auto captures = sim::captures_of(*cluster);
    sim::ReachOptions options;
    options.layer = sim::ReachOptions::Layer::Mesh;
    const auto matrix = sim::reach(cluster, options, diagnostics);
    std::vector<model::PodId> pods;
    for (std::uint32_t i = 0; i < cluster->pods().size(); ++i)
      if (!cluster->pod({i}).ips.empty() && matrix.classes().class_of({i}) != sim::ReachClasses::kNone)
        pods.push_back({i});
    Dice dice(seed);
    for (std::size_t sample = 0; sample < (samples() + kClusters - 1) / kClusters; ++sample) {
      const model::PodId s = dice.pick(pods);
      // Half of the pairs are near each other: there most of the connections are.
      model::PodId d = dice.pick(pods);
      while (sample % 2 == 0 && cluster->pod(s).meta.ns() != cluster->pod(d).meta.ns()) d = dice.pick(pods);
      if (s == d) continue;
      const auto from = captures[s.index].dataplane, to = captures[d.index].dataplane;
      // A sidecar that dials a pod's address passes the bytes on; reach says what it does for a Service.
      if (from == sim::Dataplane::Sidecar && to == sim::Dataplane::Sidecar) continue;
      const bool udp = dice.one_in(5);
      const auto protocol = udp ? model::Protocol::Udp : model::Protocol::Tcp;
      const auto port = dice.pick(ports);
      const auto& cell = matrix.matrix().cell(
          matrix.matrix().at(matrix.classes().class_of(s), matrix.classes().class_of(d)));
      sim::Flow flow;
      const auto& pod = cluster->pod(s);
      flow.from = pod.meta.ns().str() + "/" + pod.meta.name().str();
      flow.to = cluster->pod(d).ips.front().to_string() + ":" + std::to_string(port);
      flow.protocol = udp ? "udp" : "tcp";
      model::Diagnostics own;
      const auto verdict = sim::simulate(*engine, flow, {}, own);
      const auto decided = sim::decide(*engine, flow, {}, own);  // the same without words
      if (decided.symptom != verdict.symptom ||
          decided.paths.front().reason.code != verdict.paths.front().reason.code) {
        CAPTURE(seed, flow.from, flow.to, verdict.symptom, verdict.paths.front().reason.code.text,
                decided.symptom, decided.paths.front().reason.code.text);
        CHECK(++differences == 0);
      }
      const std::string reach = said(matrix, cell, protocol, port), trace = traced(verdict.outcome);
      ++compared[trace];
      if (reach == trace) continue;
      if (++differences > 10) continue;
      CAPTURE(seed, flow.from, flow.to, flow.protocol, cluster->pod(d).meta.name().str(), reach, trace,
              verdict.symptom, static_cast<int>(from), static_cast<int>(to));
      CHECK(reach == trace);
    }
  }
  CHECK(differences == 0);
  // Both answers have to occur for the comparison to mean anything.
  const std::size_t all = compared["yes"] + compared["no"] + compared["unknown"];
  CHECK(compared["yes"] > all / 50);
  CHECK(compared["no"] > all / 50);
  if (std::getenv("WAYPATH_REACH_SAMPLES") != nullptr)
    WARN(all << " pairs compared, " << compared["yes"] << " connected, " << compared["unknown"]
             << " undetermined, " << differences << " differences");
}

}  // namespace waypath::tests
