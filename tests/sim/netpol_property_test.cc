// NetworkPolicy over clusters drawn by chance: the product against the API text worked out in netpol_world.

#include <catch2/catch.hpp>
#include <memory>
#include <set>

#include "model/load/manifest_loader.h"
#include "sim/policy/policy_evaluator.h"
#include "sim/reach/reach.h"
#include "tests/sim/netpol_world.h"

namespace waypath::tests {
namespace {

using netpol::End;
using netpol::World;
using sim::Decision;

struct Loaded {
  std::shared_ptr<const model::Cluster> cluster;
  sim::EvaluatorTable table;

  explicit Loaded(const std::string& yaml) {
    model::Diagnostics diagnostics;
    cluster =
        model::Cluster::build(model::load_texts({{"drawn.yaml", yaml}}, {}, diagnostics), {}, diagnostics);
    REQUIRE_FALSE(diagnostics.has_errors());
    table = sim::compile_policies(cluster, {}, diagnostics);
  }

  [[nodiscard]] sim::NetPeer peer(const End& end) const {
    if (end.pod == nullptr) return {{}, {}, model::parse_ip(end.address), {}};
    return {cluster->find_pod(end.pod->ns, end.pod->name), {}, model::parse_ip(end.pod->ip), {}};
  }

  [[nodiscard]] sim::LegDecisions judge(const End& from, const End& to, model::Protocol protocol,
                                        std::uint16_t port) const {
    sim::Connection c;
    c.source = peer(from);
    c.destination = peer(to);
    c.protocol = protocol;
    c.port = port;
    c.self = from.pod != nullptr && from.pod == to.pod;
    sim::TraceRecorder recorder;
    return sim::judge_leg(table, c, &recorder);
  }
};

bool passes(const sim::PolicyResult& r) {
  return r.decision == Decision::Allow || r.decision == Decision::NotApplicable;
}

const std::vector<std::pair<model::Protocol, std::string>> kProtocols{
    {model::Protocol::Tcp, "TCP"}, {model::Protocol::Udp, "UDP"}, {model::Protocol::Sctp, "SCTP"}};
const std::vector<std::uint16_t> kPorts{53, 80, 443, 8080, 15008};

std::string name(const End& end) {
  return end.pod != nullptr ? end.pod->ns + "/" + end.pod->name : end.address;
}

std::vector<End> ends(const World& world) {
  std::vector<End> out;
  for (const auto& pod : world.pods) out.push_back({&pod, ""});
  out.push_back({nullptr, "192.0.2.5"});
  out.push_back({nullptr, "192.0.2.200"});
  out.push_back({nullptr, "203.0.113.9"});
  return out;
}

/// Every connection that passes, in words.
std::set<std::string> connections(const std::string& yaml) {
  const Loaded loaded(yaml);
  model::Diagnostics diagnostics;
  sim::ReachOptions options;
  const auto matrix = sim::reach(loaded.cluster, options, diagnostics);
  std::set<std::string> out;
  for (std::size_t s = 0; s < matrix.sources().size(); ++s)
    for (std::size_t d = 0; d < matrix.destinations().size(); ++d)
      for (const auto& [protocol, word] : kProtocols)
        for (const auto port : kPorts)
          if (matrix.ports(matrix.cell(s, d).sure).contains(protocol, port))
            out.insert(matrix.sources()[s].name + " " + matrix.destinations()[d].name + " " + word + " " +
                       std::to_string(port));
  return out;
}

}  // namespace

TEST_CASE("property: a connection passes exactly where the API text lets it through") {
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    Dice dice(seed);
    const World world = netpol::draw(dice);
    const std::string text = netpol::yaml(world);
    const Loaded loaded(text);
    for (const End& from : ends(world))
      for (const End& to : ends(world)) {
        if (from.pod == nullptr && to.pod == nullptr) continue;
        for (const auto& [protocol, word] : kProtocols)
          for (const auto port : kPorts) {
            const auto said = loaded.judge(from, to, protocol, port);
            if (passes(said.egress) == netpol::leaves(world, from, to, word, port) &&
                passes(said.ingress) == netpol::enters(world, from, to, word, port))
              continue;
            CAPTURE(seed, text, name(from), name(to), word, port);
            CHECK(passes(said.egress) == netpol::leaves(world, from, to, word, port));
            CHECK(passes(said.ingress) == netpol::enters(world, from, to, word, port));
          }
      }
  }
}

TEST_CASE("property: the matrix of reach holds what single connections get") {
  for (std::uint64_t seed = 500; seed < 560; ++seed) {
    Dice dice(seed);
    const World world = netpol::draw(dice);
    const std::string text = netpol::yaml(world);
    const Loaded loaded(text);
    model::Diagnostics diagnostics;
    const auto matrix = sim::reach(loaded.cluster, {}, diagnostics);
    const auto position = [](const std::vector<sim::ReachEndpoint>& list, const End& end) {
      for (std::size_t i = 0; i < list.size(); ++i) {
        const auto address = model::parse_ip(end.address);
        if (end.pod != nullptr && list[i].name == end.pod->ns + "/" + end.pod->name + "[Pod]") return i;
        if (end.pod == nullptr && list[i].external() && list[i].low.is_v4() && list[i].low <= *address &&
            *address <= list[i].high)
          return i;
      }
      FAIL("no end for " << name(end));
      return list.size();
    };
    for (const End& from : ends(world))
      for (const End& to : ends(world)) {
        if (from.pod == to.pod) continue;
        const auto cell = matrix.cell(position(matrix.sources(), from), position(matrix.destinations(), to));
        for (const auto& [protocol, word] : kProtocols)
          for (const auto port : kPorts) {
            const auto said = loaded.judge(from, to, protocol, port);
            const bool both = passes(said.egress) && passes(said.ingress);
            if (matrix.ports(cell.sure).contains(protocol, port) == both &&
                matrix.ports(cell.possible).contains(protocol, port) == both)
              continue;
            CAPTURE(seed, text, name(from), name(to), word, port);
            CHECK(matrix.ports(cell.sure).contains(protocol, port) == both);
            CHECK(matrix.ports(cell.possible).contains(protocol, port) == both);
          }
      }
  }
}

TEST_CASE("property: the order of documents and policies and rules and peers and ports never matters") {
  for (std::uint64_t seed = 1000; seed < 1040; ++seed) {
    Dice dice(seed);
    const World world = netpol::draw(dice);
    CAPTURE(seed, netpol::yaml(world));
    CHECK(connections(netpol::yaml(world)) == connections(netpol::yaml(world, true)));
  }
}

TEST_CASE("property: one more rule in a policy never closes a connection") {
  for (std::uint64_t seed = 2000; seed < 2040; ++seed) {
    Dice dice(seed);
    World world = netpol::draw(dice);
    if (world.policies.empty()) continue;
    auto& policy = world.policies.front();
    // Types written out, so that the rule does not also begin to isolate.
    policy.types = {"Ingress", "Egress"};
    const Loaded before(netpol::yaml(world));
    auto& rules = dice.coin() ? policy.ingress : policy.egress;
    if (!rules) rules.emplace();
    rules->push_back(netpol::draw_rule(dice));
    const Loaded after(netpol::yaml(world));
    std::size_t closed = 0;
    for (const End& from : ends(world))
      for (const End& to : ends(world))
        for (const auto& [protocol, word] : kProtocols)
          for (const auto port : kPorts) {
            const auto one = before.judge(from, to, protocol, port),
                       two = after.judge(from, to, protocol, port);
            if ((passes(one.egress) && !passes(two.egress)) || (passes(one.ingress) && !passes(two.ingress)))
              ++closed;
          }
    CAPTURE(seed, netpol::yaml(world));
    CHECK(closed == 0);
  }
}

TEST_CASE("property: a policy changes nothing for what it does not select") {
  for (std::uint64_t seed = 3000; seed < 3040; ++seed) {
    Dice dice(seed);
    World world = netpol::draw(dice);
    const Loaded before(netpol::yaml(world));
    const auto policy = netpol::draw_policy(dice, "more");
    world.policies.push_back(policy);
    const Loaded after(netpol::yaml(world));
    const auto selected = [&](const End& end) {
      return end.pod != nullptr && end.pod->ns == policy.ns && netpol::selects(policy.pods, end.pod->labels);
    };
    std::size_t changed = 0;
    for (const End& from : ends(world))
      for (const End& to : ends(world))
        for (const auto port : kPorts) {
          const auto one = before.judge(from, to, model::Protocol::Tcp, port);
          const auto two = after.judge(from, to, model::Protocol::Tcp, port);
          if (!selected(from) && passes(one.egress) != passes(two.egress)) ++changed;
          if (!selected(to) && passes(one.ingress) != passes(two.ingress)) ++changed;
        }
    CAPTURE(seed, netpol::yaml(world));
    CHECK(changed == 0);
  }
}

}  // namespace waypath::tests
