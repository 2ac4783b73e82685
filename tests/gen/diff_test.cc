// Two dumps of one cluster that differ in a few objects: what the cut comparison says against the exhaustive
// one.

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "bench/gen/generator.h"
#include "model/load/manifest_loader.h"
#include "scenarios/flow_product.h"
#include "scenarios/plan.h"
#include "scenarios/touched_flows.h"
#include "tests/support/dice.h"

namespace waypath::tests {
namespace {

using Json = nlohmann::json;
using EnginePtr = std::shared_ptr<const sim::Engine>;

// Three namespaces, policies of every kind, waypoints, routes, and a name server that all depend on.
Json dump(std::uint64_t seed) {
  gen::Parameters p = gen::profile("teams", "S");
  p.seed = seed;
  p.namespaces = 3;
  p.pods = 0;
  p.workloads = 5;
  p.replicas = 2;
  p.policies = 8;
  p.cluster_wide_share = 0.1;
  p.authorization_policies = 12;
  p.http_routes = 8;
  p.waypoint_share = 0.5;
  p.managed_fields = false;
  p.noise = 0;
  Json out = Json::parse(gen::text(p, gen::Form::JsonList));
  const Json meta{{"name", "kube-dns"}, {"namespace", "kube-system"}, {"labels", {{"k8s-app", "kube-dns"}}}};
  out["items"].push_back({{"apiVersion", "v1"},
                          {"kind", "Pod"},
                          {"metadata", meta},
                          {"spec", {{"containers", {{{"name", "dns"}, {"image", "dns"}}}}}},
                          {"status", {{"phase", "Running"}, {"podIP", "10.250.0.53"}}}});
  out["items"].push_back({{"apiVersion", "v1"},
                          {"kind", "Service"},
                          {"metadata", meta},
                          {"spec",
                           {{"clusterIP", "10.96.0.10"},
                            {"selector", {{"k8s-app", "kube-dns"}}},
                            {"ports", {{{"name", "dns"}, {"port", 53}, {"protocol", "UDP"}}}}}}});
  return out;
}

EnginePtr load(const Json& dump, int indent) {
  model::Diagnostics diagnostics;
  auto cluster = model::Cluster::build(
      model::load_texts({{fmt::format("dump-{}.json", indent), dump.dump(indent)}}, {}, diagnostics), {},
      diagnostics);
  return sim::Engine::build(std::move(cluster), {}, diagnostics);
}

std::vector<Json*> of_kind(Json& dump, std::string_view kind) {
  std::vector<Json*> out;
  for (auto& item : dump["items"])
    if (item["kind"] == kind) out.push_back(&item);
  return out;
}

std::string name_of(const Json& item) {
  return fmt::format("{}/{}/{}", item["kind"].get<std::string>(),
                     item["metadata"].value("namespace", std::string()),
                     item["metadata"]["name"].get<std::string>());
}

Json labels_of_some_pod(Json& dump, const std::string& ns, Dice& dice) {
  std::vector<Json> apps;
  for (const auto* pod : of_kind(dump, "Pod"))
    if ((*pod)["metadata"]["namespace"] == ns) apps.push_back((*pod)["metadata"]["labels"]);
  Json out = Json::object();
  if (!apps.empty() && !dice.one_in(4)) out["app"] = apps[dice.roll(apps.size())].value("app", "none");
  return out;
}

Json new_policy(Json& dump, Dice& dice) {
  const auto pods = of_kind(dump, "Pod");
  const std::string ns = (*pods[dice.roll(pods.size())])["metadata"]["namespace"];
  Json out{{"metadata", {{"name", "new"}, {"namespace", ns}}}};
  const Json selector{{"matchLabels", labels_of_some_pod(dump, ns, dice)}};
  switch (dice.roll(3)) {
    case 0:
      out.update({{"apiVersion", "security.istio.io/v1"}, {"kind", "PeerAuthentication"}});
      out["spec"] = {{"mtls", {{"mode", dice.coin() ? "STRICT" : "DISABLE"}}}};
      if (!selector["matchLabels"].empty()) out["spec"]["selector"] = selector;
      return out;
    case 1:
      out.update({{"apiVersion", "security.istio.io/v1"}, {"kind", "AuthorizationPolicy"}});
      out["spec"] = {{"action", dice.coin() ? "DENY" : "ALLOW"},
                     {"selector", selector},
                     {"rules", {{{"from", {{{"source", {{"namespaces", {ns}}}}}}}}}}};
      return out;
    default:
      out.update({{"apiVersion", "networking.k8s.io/v1"}, {"kind", "NetworkPolicy"}});
      Json rule{{"ports", {{{"port", dice.coin() ? 8080 : 15008}}}}};
      const bool egress = dice.coin();
      if (dice.coin()) rule[egress ? "to" : "from"] = {{{"podSelector", selector}}};
      if (dice.one_in(3)) rule[egress ? "to" : "from"] = {{{"ipBlock", {{"cidr", "10.0.0.0/9"}}}}};
      out["spec"] = {{"podSelector", {{"matchLabels", labels_of_some_pod(dump, ns, dice)}}},
                     {"policyTypes", {egress ? "Egress" : "Ingress"}}};
      if (!dice.one_in(3)) out["spec"][egress ? "egress" : "ingress"] = {rule};
      return out;
  }
}

/// Makes one edit; says which.
std::string edit(Json& dump, Dice& dice) {
  static const std::vector<std::string> kinds{"NetworkPolicy",       "NetworkPolicy", "NetworkPolicy",
                                              "AdminNetworkPolicy",  "HTTPRoute",     "AuthorizationPolicy",
                                              "AuthorizationPolicy", "Service",       "Pod"};
  auto some = of_kind(dump, kinds[dice.roll(kinds.size())]);
  if (some.empty() || dice.one_in(3)) {
    dump["items"].push_back(new_policy(dump, dice));
    return "adds " + dump["items"].back().dump();
  }
  Json& item = *some[dice.roll(some.size())];
  if (item["kind"] == "NetworkPolicy" && dice.coin()) {
    const std::string ns = item["metadata"]["namespace"];
    item["spec"]["podSelector"] = {{"matchLabels", labels_of_some_pod(dump, ns, dice)}};
    return "selects otherwise: " + item.dump();
  }
  if (item["kind"] == "AuthorizationPolicy" && item["spec"]["action"] != "CUSTOM" && dice.coin()) {
    item["spec"]["action"] = item["spec"]["action"] == "DENY" ? "ALLOW" : "DENY";
    return "acts otherwise: " + item.dump();
  }
  if (item["kind"] == "Pod") {
    item["metadata"]["labels"]["app"] = "other";
    return "labels " + name_of(item);
  }
  if (item["kind"] == "Service") {
    item["spec"]["ports"][0]["targetPort"] = 9999;
    return "points elsewhere: " + name_of(item);
  }
  const std::string name = name_of(item);
  auto& items = dump["items"];
  items.erase(std::find_if(items.begin(), items.end(), [&](const Json& i) { return name_of(i) == name; }));
  return "removes " + name;
}

// What another dump of the same cluster looks like: other order, other versions.
void take_again(Json& dump, Dice& dice) {
  auto& items = dump["items"];
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[dice.roll(i)]);
  for (auto& item : items) item["metadata"]["resourceVersion"] = std::to_string(dice.roll(1'000'000));
}

std::string state(const scenarios::FlowState& s) {
  return fmt::format("{} {} {} {} {} {} {}", s.outcome, s.symptom, s.reason, s.backend, s.by,
                     fmt::join(s.enforced, ","), fmt::join(s.bypassed, ","));
}

std::string shape(const scenarios::Plan& plan) {
  std::string out =
      fmt::format("{} {} {} {}\n", plan.compared, plan.unchanged, plan.only_before, plan.only_after);
  for (const auto& o : plan.objects)
    out += fmt::format("{} {} {}\n", o.object, scenarios::to_string(o.how), o.place);
  for (const auto& c : plan.changes)
    out += fmt::format("{} {} {}: {} -> {} {}\n", c.flow.name, scenarios::to_string(c.kind),
                       c.loses_enforcement, state(c.before), state(c.after), fmt::join(c.causes, ","));
  return out;
}

}  // namespace

TEST_CASE("diff of two dumps: what a difference cannot touch need not be simulated") {
  std::size_t flows = 0, simulated = 0, changed = 0;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const Json base = dump(seed);
    const auto before = load(base, 1);
    Dice dice(seed);
    for (int round = 0; round < 16; ++round) {
      Json other = base;
      std::string what = edit(other, dice);
      if (dice.one_in(4)) what += "; " + edit(other, dice);
      take_again(other, dice);
      const auto after = load(other, 4);
      INFO("seed " << seed << ", round " << round << ": " << what);
      model::Diagnostics diagnostics;
      const scenarios::FlowProduct product(before->cluster(), after->cluster());
      std::vector<sim::Flow> spelt;
      for (const auto& row : product.rows())
        for (const auto target : *row.asked)
          spelt.push_back(scenarios::flow_of(*row.client, (*row.targets)[target]));
      const auto full = scenarios::compare_clusters(*before, *after, product, {}, 2, diagnostics,
                                                    scenarios::Thoroughness::Everything);
      CHECK(full.objects.size() < 4);
      CHECK(shape(scenarios::compare_clusters(*before, *after, product, {}, 2, diagnostics)) == shape(full));
      CHECK(shape(scenarios::compare_clusters(*before, *after, spelt, {}, 2, diagnostics)) == shape(full));
      scenarios::TouchedFlows touched(*before, *after);
      flows += spelt.size();
      simulated += static_cast<std::size_t>(
          std::count_if(spelt.begin(), spelt.end(), [&](const auto& flow) { return touched.touches(flow); }));
      changed += full.changes.size();
    }
  }
  // The edits matter, and the cut is worth having.
  CHECK(changed > 100);
  CHECK(simulated * 2 < flows);
}

TEST_CASE("the product of clients and targets has the flows of both clusters, each once, in their order") {
  Json other = dump(1);
  const auto before = load(other, 1);
  for (auto* service : of_kind(other, "Service"))
    if ((*service)["metadata"]["name"] != "kube-dns") {
      (*service)["spec"]["ports"][0]["port"] = 8888;
      break;
    }
  const auto after = load(other, 1);
  std::vector<std::string> expected, found;
  std::set<std::string> known;
  for (const auto* side : {&before, &after})
    for (const auto& flow : scenarios::enumerate_flows((*side)->cluster()))
      if (known.insert(flow.name).second) expected.push_back(flow.name);
  const scenarios::FlowProduct product(before->cluster(), after->cluster());
  for (const auto& row : product.rows())
    for (const auto target : *row.asked)
      found.push_back(scenarios::flow_of(*row.client, (*row.targets)[target]).name);
  CHECK(found == expected);
  CHECK(product.size() == expected.size());
  CHECK(expected.size() > scenarios::enumerate_flows(before->cluster()).size());
}

}  // namespace waypath::tests
