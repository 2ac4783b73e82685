// scenarios/paths/cells.yaml is a table: a flow for each kind of client and each kind of destination, each
// with an expectation; rows share their client.

#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>

#include "scenarios/scenario.h"
#include "tests/support/corpus.h"

namespace waypath {
namespace {

constexpr std::array kClients{"captured pod",
                              "uncaptured pod",
                              "sidecar pod",
                              "Gateway API gateway",
                              "classic ingress gateway",
                              "waypoint",
                              "hostNetwork pod",
                              "node",
                              "kubelet",
                              "job",
                              "internet through LoadBalancer",
                              "internet through NodePort",
                              "internet through Ingress",
                              "external IP"};
constexpr std::array kDestinations{"ClusterIP",
                                   "headless",
                                   "ExternalName",
                                   "without selector",
                                   "several ports",
                                   "named ports",
                                   "pod IP",
                                   "ServiceEntry NONE",
                                   "ServiceEntry STATIC",
                                   "ServiceEntry DNS",
                                   "ServiceEntry DNS_ROUND_ROBIN",
                                   "ServiceEntry DYNAMIC_DNS",
                                   "external IP",
                                   "external host",
                                   "missing port",
                                   "missing name"};

}  // namespace

TEST_CASE("every kind of client has a flow to every kind of destination, with an expectation") {
  model::Diagnostics diagnostics;
  model::SourceFiles sources;
  const auto scenario =
      scenarios::read_scenario(tests::source_dir() + "/scenarios/paths/cells.yaml", sources, diagnostics);
  REQUIRE(scenario);
  std::map<std::string, const scenarios::FlowCase*> flows;
  for (const auto& flow : scenario->flows) flows.emplace(flow.flow.name, &flow);
  for (const std::string client : kClients) {
    std::set<std::string> from, to;
    for (const std::string destination : kDestinations) {
      const auto cell = flows.find(client + " to " + destination);
      INFO(client << " to " << destination);
      REQUIRE(cell != flows.end());
      CHECK(cell->second->expect);
      from.insert(cell->second->flow.from);
      to.insert(cell->second->flow.to);
    }
    INFO(client);
    CHECK(from.size() == 1);
    CHECK(to.size() == kDestinations.size());
  }
  CHECK(flows.size() == kClients.size() * kDestinations.size());
}

}  // namespace waypath
