// reach on generated clusters: what the classes say against single connections, and the numbers of pairs.

#include "sim/reach/reach.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "bench/gen/generator.h"
#include "model/load/manifest_loader.h"
#include "sim/policy/policy_evaluator.h"
#include "sim/reach/classes.h"
#include "sim/reach/count.h"
#include "tests/support/dice.h"

namespace waypath::tests {
namespace {

std::shared_ptr<const model::Cluster> small(std::uint64_t seed) {
  gen::Parameters p = gen::profile("teams", "S");
  p.seed = seed;
  p.namespaces = 4;
  p.pods = 0;
  p.workloads = 6;
  p.replicas = 3;
  p.policies = 20;
  p.cluster_wide_share = 0.05;
  p.managed_fields = p.services = p.controllers = false;
  p.noise = 0;
  model::Diagnostics diagnostics;
  return model::Cluster::build(
      model::load_texts({{"generated.json", gen::text(p, gen::Form::JsonList)}}, {}, diagnostics), {},
      diagnostics);
}

bool passes(const sim::PolicyResult& r) {
  return r.decision == sim::Decision::Allow || r.decision == sim::Decision::NotApplicable;
}

}  // namespace

TEST_CASE("reach of a generated cluster: sampled pairs of pods get what single connections get") {
  const std::vector<model::Protocol> protocols{model::Protocol::Tcp, model::Protocol::Udp};
  const std::vector<std::uint16_t> ports{53, 80, 443, 5432, 8080, 9090, 15008};
  std::size_t allowed = 0, compared = 0;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const auto cluster = small(seed);
    model::Diagnostics diagnostics;
    const auto table = sim::compile_policies(cluster, {}, diagnostics);
    const auto matrix = sim::reach(cluster, {}, diagnostics);
    // One endpoint that stands for each class.
    std::vector<std::uint32_t> source(matrix.classes().classes().size()), destination(source);
    for (std::uint32_t i = 0; i < matrix.sources().size(); ++i)
      if (!matrix.sources()[i].external()) source[matrix.class_of_source(i)] = i;
    for (std::uint32_t i = 0; i < matrix.destinations().size(); ++i)
      if (!matrix.destinations()[i].external()) destination[matrix.class_of_destination(i)] = i;
    Dice dice(seed);
    for (int sample = 0; sample < 4000; ++sample) {
      sim::Connection c;
      c.source.pod = {static_cast<std::uint32_t>(dice.roll(cluster->pods().size()))};
      c.destination.pod = {static_cast<std::uint32_t>(dice.roll(cluster->pods().size()))};
      const auto from = matrix.classes().class_of(c.source.pod),
                 to = matrix.classes().class_of(c.destination.pod);
      const auto s = source[from], d = destination[to];
      // A workload with itself has no cell.
      if (c.source.pod == c.destination.pod || matrix.sources()[s].name == matrix.destinations()[d].name)
        continue;
      c.protocol = dice.pick(protocols);
      c.port = dice.pick(ports);
      const auto said = sim::judge_leg(table, c, nullptr);
      const bool both = passes(said.egress) && passes(said.ingress);
      const bool sure = matrix.ports(matrix.cell(s, d).sure).contains(c.protocol, c.port);
      ++compared;
      allowed += both ? 1 : 0;
      if (sure == both) continue;
      CAPTURE(seed, matrix.sources()[s].name, matrix.destinations()[d].name, c.port);
      CHECK(sure == both);
    }
  }
  // Both answers have to occur for the comparison to mean anything.
  CHECK(allowed > compared / 50);
  CHECK(allowed < compared);
}

TEST_CASE(
    "reach of a generated cluster: pairs of pods are counted as the cells say, with any number of threads") {
  for (const std::uint64_t seed : {4U, 5U}) {
    const auto cluster = small(seed);
    model::Diagnostics diagnostics;
    const auto matrix = sim::reach(cluster, {}, diagnostics);
    const auto one = sim::count_pairs(matrix.classes(), matrix.matrix(), 1);
    CHECK(sim::count_pairs(matrix.classes(), matrix.matrix(), 2) == one);
    CHECK(sim::count_pairs(matrix.classes(), matrix.matrix(), 16) == one);
    std::uint64_t pairs = 0;
    const auto pods = static_cast<std::uint32_t>(cluster->pods().size());
    for (std::uint32_t s = 0; s < pods; ++s)
      for (std::uint32_t d = 0; d < pods; ++d) {
        const auto from = matrix.classes().class_of({s}), to = matrix.classes().class_of({d});
        if (s == d || from == sim::ReachClasses::kNone || to == sim::ReachClasses::kNone) continue;
        if (matrix.matrix().at(from, to) != sim::ReachMatrix::kNothing) ++pairs;
      }
    CHECK(one.pod_pairs == pairs);
    CHECK(pairs > 0);
  }
}

TEST_CASE("reach of a generated cluster in parts: each evaluates its own rows, together they are the whole") {
  for (const auto layer : {sim::ReachOptions::Layer::Netpol, sim::ReachOptions::Layer::Mesh}) {
    const auto cluster = small(6);
    model::Diagnostics diagnostics;
    sim::ReachOptions options;
    options.layer = layer;
    using Pairs = std::vector<std::vector<std::string>>;
    const auto add = [](const sim::ReachResult& matrix, Pairs& out) {
      matrix.for_each_pair([&](const std::string& from, const std::string& to, const sim::ReachCell& cell) {
        out.push_back({from, to, matrix.connections(cell.sure), matrix.connections(cell.possible)});
      });
    };
    Pairs whole, together;
    const auto all = sim::reach(cluster, options, diagnostics);
    add(all, whole);
    for (std::size_t part = 0; part < 3; ++part) {
      options.part = [&](const sim::ReachEndpoint& end) {
        return (end.external() ? 0 : end.pod.index % 3) == part;
      };
      const auto some = sim::reach(cluster, options, diagnostics);
      CHECK(some.sources().size() == all.sources().size());
      CHECK(some.counts.egress_rows < all.counts.egress_rows);
      add(some, together);
    }
    std::sort(whole.begin(), whole.end());
    std::sort(together.begin(), together.end());
    CHECK(whole == together);
    CHECK_FALSE(whole.empty());
  }
}

}  // namespace waypath::tests
