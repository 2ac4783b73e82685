// `reach` over the whole path against one trace a connection: pods in and out of the mesh, L4 authorization.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "model/load/manifest_loader.h"
#include "sim/engine.h"
#include "sim/reach/reach.h"
#include "tests/sim/netpol_world.h"

namespace waypath::tests {
namespace {

const std::vector<std::uint16_t> kPorts{53, 80, 8080};

std::string authorization_policies(Dice& d) {
  std::string out;
  for (std::size_t i = d.roll(4); i > 0; --i) {
    const std::string ns = "n" + std::to_string(d.roll(3));
    const std::string from =
        d.coin()
            ? fmt::format("from: [{{source: {{namespaces: [n{}]}}}}]", d.roll(3))
            : fmt::format("from: [{{source: {{principals: [cluster.local/ns/n{}/sa/default]}}}}]", d.roll(3));
    const std::string to = d.coin() ? ", to: [{operation: {ports: ['80']}}]" : "";
    const std::string selector = d.coin() ? "selector: {matchLabels: {app: a}}, " : "";
    out += fmt::format(
        "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: ap{}, "
        "namespace: {}}}\nspec: {{{}action: {}, rules: [{{{}{}}}]}}\n",
        i, ns, selector, d.coin() ? "ALLOW" : "DENY", from, to);
  }
  if (d.one_in(3))
    out += fmt::format(
        "---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {{name: default, "
        "namespace: n{}}}\nspec: {{mtls: {{mode: STRICT}}}}\n",
        d.roll(3));
  return out;
}

}  // namespace

TEST_CASE("property: reach over the whole path says what a trace of each connection says") {
  std::size_t compared = 0, allowed = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Dice dice(seed);
    netpol::World world = netpol::draw(dice);
    for (auto& [name, labels] : world.namespaces)
      if (!dice.one_in(3)) labels["istio.io/dataplane-mode"] = "ambient";
    const std::string text = netpol::yaml(world) + authorization_policies(dice);
    model::Diagnostics diagnostics;
    const auto cluster =
        model::Cluster::build(model::load_texts({{"drawn.yaml", text}}, {}, diagnostics), {}, diagnostics);
    REQUIRE_FALSE(diagnostics.has_errors());
    const auto engine = sim::Engine::build(cluster, {}, diagnostics);
    sim::ReachOptions options;
    options.layer = sim::ReachOptions::Layer::Mesh;
    const auto matrix = sim::reach(cluster, options, diagnostics);
    for (std::size_t s = 0; s < matrix.sources().size(); ++s)
      for (std::size_t t = 0; t < matrix.destinations().size(); ++t) {
        const auto &from = matrix.sources()[s], &to = matrix.destinations()[t];
        if (from.external() || to.external() || from.pod == to.pod) continue;
        const auto& ports = matrix.ports(matrix.cell(s, t).sure);
        for (const auto port : kPorts) {
          const auto& pod = cluster->pod(from.pod);
          sim::Flow flow;
          flow.from = pod.meta.ns().str() + "/" + pod.meta.name().str();
          flow.to = fmt::format("{}:{}", cluster->pod(to.pod).ips.front().to_string(), port);
          flow.protocol = "tcp";
          const auto verdict = sim::simulate(*engine, flow, {}, diagnostics);
          const bool reaches = ports.contains(model::Protocol::Tcp, port);
          ++compared;
          allowed += reaches ? 1 : 0;
          if ((verdict.outcome == sim::Outcome::Allow) == reaches) continue;
          CAPTURE(seed, text, flow.from, flow.to, verdict.symptom, verdict.paths.front().reason.code.text);
          CHECK((verdict.outcome == sim::Outcome::Allow) == reaches);
        }
      }
  }
  // Both answers have to occur for the comparison to mean anything.
  CHECK(allowed > compared / 10);
  CHECK(allowed < compared);
}

}  // namespace waypath::tests
