// What tells pods apart for the policies of a cluster.

#include "sim/exposure.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "model/load/manifest_loader.h"
#include "tests/support/dice.h"

namespace waypath::sim {

TEST_CASE("the class of an address is the list of all blocks that hold it, however they nest") {
  tests::Dice dice(7);
  for (int round = 0; round < 30; ++round) {
    std::vector<model::Cidr> blocks;
    std::string text;
    for (int i = 0; i < 25; ++i) {
      // Few addresses and long prefixes: many blocks nest, start together or are the same.
      const auto cidr = dice.one_in(4) ? fmt::format("fd00::{:x}/{}", dice.roll(16) * 16, 112 + dice.roll(17))
                                       : fmt::format("10.0.0.{}/{}", dice.roll(256),
                                                     dice.one_in(9) ? 0 : 24 + dice.roll(9));
      blocks.push_back(*model::parse_cidr(cidr));
      text += fmt::format(
          "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p{}, namespace: "
          "a}}\n"
          "spec: {{podSelector: {{}}, ingress: [{{from: [{{ipBlock: {{cidr: \"{}\"}}}}]}}]}}\n",
          i, cidr);
    }
    std::sort(blocks.begin(), blocks.end(), [](const auto& a, const auto& b) {
      return a.network != b.network ? a.network < b.network : a.prefix < b.prefix;
    });
    blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
    model::Diagnostics diagnostics;
    const auto cluster =
        model::Cluster::build(model::load_texts({{"p.yaml", text}}, {}, diagnostics), {}, diagnostics);
    const Exposure exposure(*cluster);
    for (int i = 0; i < 300; ++i) {
      const auto ip =
          *model::parse_ip(i < 256 ? fmt::format("10.0.0.{}", i) : fmt::format("fd00::{:x}", dice.roll(256)));
      std::string all;
      for (std::size_t b = 0; b < blocks.size(); ++b)
        if (blocks[b].contains(ip)) all += fmt::format("/{}", b);
      CAPTURE(text, ip.to_string());
      REQUIRE(exposure.address_class({ip}) == all);
    }
  }
}

TEST_CASE("what tells a pod apart: labels that some selector reads, blocks that hold its address") {
  const std::string text = R"(
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: a}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/24}}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: one, namespace: a, labels: {app: web, release: r1}}
spec: {containers: [{name: app, image: app}]}
status: {podIP: 10.0.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: two, namespace: a, labels: {app: web, release: r2}}
spec: {containers: [{name: app, image: app}]}
status: {podIP: 10.0.0.2}
---
apiVersion: v1
kind: Pod
metadata: {name: three, namespace: a, labels: {app: web, release: r1}}
spec: {containers: [{name: app, image: app}]}
status: {podIP: 10.0.1.1}
)";
  model::Diagnostics diagnostics;
  const auto cluster =
      model::Cluster::build(model::load_texts({{"p.yaml", text}}, {}, diagnostics), {}, diagnostics);
  const Exposure exposure(*cluster);
  const auto trait = [&](std::string_view name) {
    return exposure.trait(cluster->pod(cluster->find_pod("a", name)));
  };
  REQUIRE(trait("one") == "/0|app=web");
  REQUIRE(trait("two") == trait("one"));
  REQUIRE(trait("three") == "|app=web");
}

}  // namespace waypath::sim
