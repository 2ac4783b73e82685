// What-if of policies over a compiled matrix, against the matrix of the edited cluster built anew.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "model/load/manifest_loader.h"
#include "sim/reach/delta.h"
#include "sim/reach/matrix.h"
#include "tests/sim/policy_edits.h"

namespace waypath::tests {
namespace {

using netpol::Input;
using sim::ReachDelta;

std::shared_ptr<const model::Cluster> load(const std::string& yaml) {
  model::Diagnostics diagnostics;
  auto out =
      model::Cluster::build(model::load_texts({{"drawn.yaml", yaml}}, {}, diagnostics), {}, diagnostics);
  for (const auto& d : diagnostics.items())
    if (d.severity == model::Severity::Error) FAIL(d.message << "\n" << yaml);
  return out;
}

// Every policy that is not written the same; the others are the base's own.
sim::ReachEdit edit_between(const model::Cluster& before, const model::Cluster& after) {
  const auto spec = [](const model::Cluster& cluster, const auto& policy) {
    const auto& raw = cluster.snapshot().raw(policy.meta.raw);
    return cluster.snapshot().files().text(raw.file).substr(raw.offset, raw.length);
  };
  sim::ReachEdit edit;
  const auto gather = [&](auto& gone, auto& come, auto tag) {
    using Policy = decltype(tag);
    for (const auto& p : before.snapshot().all<Policy>()) {
      const auto other = after.snapshot().find<Policy>(p->meta.key);
      if (other == nullptr || spec(before, *p) != spec(after, *other)) gone.push_back(p.get());
    }
    for (const auto& p : after.snapshot().all<Policy>()) {
      const auto other = before.snapshot().find<Policy>(p->meta.key);
      if (other == nullptr || spec(before, *other) != spec(after, *p)) come.push_back(p.get());
    }
  };
  gather(edit.gone.network, edit.come.network, model::NetworkPolicy());
  gather(edit.gone.cluster, edit.come.cluster, model::ClusterPolicy());
  return edit;
}

// ---- what is compared ----

struct Ports {
  sim::PortSet sure, possible, conditional;
  friend bool operator==(const Ports&, const Ports&) = default;
};

/// A matrix built from the cluster itself, asked by pods and addresses.
struct Built {
  Built(const std::shared_ptr<const model::Cluster>& cluster, const sim::ReachOptions& options)
      : result(sim::reach(cluster, options, diagnostics)) {}
  [[nodiscard]] std::uint32_t of(model::PodId pod) const { return result.classes().class_of(pod); }
  [[nodiscard]] std::uint32_t of(const model::IpAddress& address) const {
    const auto& ranges = result.classes().ranges();
    return static_cast<std::uint32_t>(result.classes().classes().size() + ranges.part_of(address));
  }
  [[nodiscard]] Ports ports(std::uint32_t source, std::uint32_t destination) const {
    const auto cell = result.matrix().cell(result.matrix().at(source, destination));
    return {result.ports(cell.sure), result.ports(cell.possible), result.ports(cell.conditional)};
  }
  model::Diagnostics diagnostics;
  sim::ReachResult result;
};

struct Seen {
  std::size_t changed = 0, ranges = 0, classes = 0;
};

void check(const std::shared_ptr<const model::Cluster>& before,
           const std::shared_ptr<const model::Cluster>& after, const sim::ReachOptions& options,
           sim::ReachWhatIf& what_if, Seen& seen) {
  const ReachDelta& delta = what_if.evaluate(edit_between(*before, *after));
  const auto& classes = what_if.base().classes();
  const Built was(before, options), is(after, options);
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::pair<Ports, Ports>> said;
  const auto ports = [&](const sim::ReachCell& cell) {
    return Ports{what_if.ports(cell.sure), what_if.ports(cell.possible), what_if.ports(cell.conditional)};
  };
  for (const auto& run : delta.runs)
    sim::each_bit(run.word, run.bits, [&](std::uint32_t end) {
      const auto key = run.incoming ? std::pair(end, run.subject) : std::pair(run.subject, end);
      const auto [at, added] = said.emplace(key, std::pair(ports(run.before), ports(run.after)));
      CHECK(added);
      CHECK_FALSE(at->second.first == at->second.second);
    });
  for (const auto& piece : delta.pieces) ++(piece.pods.empty() ? seen.ranges : seen.classes);

  /// An end of the cluster, and the end of the delta that stands for it.
  struct End {
    std::string name;
    model::PodId pod;
    model::IpAddress address;
    std::uint32_t in_delta = 0;
  };
  std::vector<End> ends;
  for (std::uint32_t i = 0; i < before->pods().size(); ++i) {
    End end{before->pod({i}).meta.key.str(), {i}, {}, classes.class_of({i})};
    for (std::size_t p = 0; p < delta.pieces.size(); ++p)
      for (const auto pod : delta.pieces[p].pods)
        if (pod.index == i) end.in_delta = delta.first_piece + static_cast<std::uint32_t>(p);
    ends.push_back(end);
  }
  std::set<model::IpAddress> addresses;
  for (const auto* built : {&was.result, &is.result})
    for (const auto& range : built->classes().ranges().ranges()) addresses.insert(range.low);
  for (const auto& address : addresses) {
    const bool known =
        was.result.classes().ranges().part_of(address) < was.result.classes().ranges().ranges().size();
    if (!known ||
        is.result.classes().ranges().part_of(address) == is.result.classes().ranges().ranges().size())
      continue;  // an address family of one side
    End end{address.to_string(),
            {},
            address,
            static_cast<std::uint32_t>(classes.classes().size() + classes.ranges().part_of(address))};
    for (std::size_t p = 0; p < delta.pieces.size(); ++p)
      if (delta.pieces[p].pods.empty() && delta.pieces[p].range.contains(address))
        end.in_delta = delta.first_piece + static_cast<std::uint32_t>(p);
    ends.push_back(end);
  }
  std::uint64_t pairs = 0, opened = 0, closed = 0;
  const auto gains = [](const Ports& a, const Ports& b) {
    return !(b.sure - a.sure).empty() || !(b.possible - a.possible).empty();
  };
  for (const End& from : ends)
    for (const End& to : ends) {
      if (!from.pod.valid() && !to.pod.valid()) continue;
      if (from.pod.valid() && to.pod.valid() && from.pod == to.pod) continue;
      const auto cell = [&](const Built& built) {
        return built.ports(from.pod.valid() ? built.of(from.pod) : built.of(from.address),
                           to.pod.valid() ? built.of(to.pod) : built.of(to.address));
      };
      const Ports old = cell(was), now = cell(is);
      const auto at = said.find({from.in_delta, to.in_delta});
      const bool differs = !(old == now);
      if (differs && from.pod.valid() && to.pod.valid()) {
        ++pairs;
        opened += gains(old, now) ? 1 : 0;
        closed += gains(now, old) ? 1 : 0;
      }
      seen.changed += differs ? 1 : 0;
      if (differs == (at != said.end()) && (!differs || at->second == std::pair(old, now))) continue;
      CAPTURE(from.name, to.name, old.sure.str(), now.sure.str(), old.possible.str(), now.possible.str());
      const std::string told =
          at == said.end() ? "nothing" : at->second.first.sure.str() + " -> " + at->second.second.sure.str();
      CAPTURE(told);
      CHECK(differs == (at != said.end()));
      if (differs && at != said.end()) CHECK(at->second == std::pair(old, now));
    }
  CHECK(delta.pod_pairs == pairs);
  CHECK(delta.opened == opened);
  CHECK(delta.closed == closed);
}

/// Several edits of each cluster, each over the same base.
Seen check_edits(std::uint64_t first, std::uint64_t last, const sim::ReachOptions& options,
                 const std::function<void(Dice&, Input&)>& prepare,
                 const std::function<void(Dice&, Input&)>& edit) {
  Seen seen;
  for (std::uint64_t seed = first; seed < last; ++seed) {
    Dice dice(seed);
    Input input = netpol::draw_input(dice);
    prepare(dice, input);
    const std::string text = netpol::text_of(input);
    const auto before = load(text);
    model::Diagnostics diagnostics;
    sim::ReachWhatIf what_if(std::make_shared<const sim::ReachBase>(before, options, diagnostics));
    for (int n = 0; n < 4; ++n) {
      Input edited = input;
      edit(dice, edited);
      const std::string other = netpol::text_of(edited);
      CAPTURE(seed, n, text, other);
      check(before, load(other), options, what_if, seen);
    }
  }
  return seen;
}

void as_drawn(Dice&, Input&) {}

}  // namespace

TEST_CASE("property: an edited NetworkPolicy opens and closes what the matrix built anew does") {
  const Seen seen = check_edits(0, 60, {}, as_drawn,
                                [](Dice& d, Input& input) { netpol::edit_network_policy(d, input.world); });
  CHECK(seen.changed > 1000);
  CHECK(seen.ranges > 20);
  CHECK(seen.classes > 5);
}

TEST_CASE("property: an edit among more ends than a word has bits is the same") {
  const auto many = [](Dice& d, Input& input) {
    for (int i = 0; i < 150; ++i) {
      const std::string own = fmt::format("own{}", i);
      input.world.pods.push_back({fmt::format("n{}", i % 3),
                                  own,
                                  fmt::format("10.0.3.{}", i),
                                  {{"app", d.pick(std::vector<std::string>{"a", "b", "c"})}, {"own", own}},
                                  {}});
      netpol::Policy policy = netpol::draw_policy(d, own);
      policy.ns = input.world.pods.back().ns;
      policy.pods = {{{"own", own}}, {}};
      input.world.policies.push_back(std::move(policy));
    }
  };
  const Seen seen = check_edits(500, 503, {}, many,
                                [](Dice& d, Input& input) { netpol::edit_network_policy(d, input.world); });
  CHECK(seen.changed > 100);
}

TEST_CASE("property: an edited cluster policy opens and closes what the matrix built anew does") {
  const Seen seen = check_edits(100, 140, {}, as_drawn,
                                [](Dice& d, Input& input) { netpol::edit_cluster_policy(d, input.cluster); });
  CHECK(seen.changed > 1000);
  CHECK(seen.ranges > 20);
}

TEST_CASE("property: several policies edited at once come to what the matrix built anew does") {
  const Seen seen = check_edits(200, 230, {}, as_drawn, [](Dice& d, Input& input) {
    netpol::edit_network_policy(d, input.world);
    netpol::edit_network_policy(d, input.world);
    netpol::edit_cluster_policy(d, input.cluster);
  });
  CHECK(seen.changed > 1000);
}

TEST_CASE("property: an edit is the same where blocks select no pods") {
  sim::ReachOptions options;
  options.sim.ipblock_selects_pods = false;
  const Seen seen = check_edits(300, 320, options, as_drawn,
                                [](Dice& d, Input& input) { netpol::edit_network_policy(d, input.world); });
  CHECK(seen.changed > 100);
  CHECK(seen.classes == 0);
}

TEST_CASE("property: an edit under the mesh opens and closes what the matrix of paths built anew does") {
  sim::ReachOptions options;
  options.layer = sim::ReachOptions::Layer::Mesh;
  const auto meshed = [](Dice& d, Input& input) {
    for (auto& [name, labels] : input.world.namespaces)
      if (d.coin()) labels["istio.io/dataplane-mode"] = "ambient";
    input.more += fmt::format(
        "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: some, "
        "namespace: n{}}}\nspec: {{action: {}, rules: [{{from: [{{source: {{namespaces: [n1]}}}}], to: "
        "[{{operation: {{ports: [\"80\"]}}}}]}}]}}\n",
        d.roll(3), d.coin() ? "ALLOW" : "DENY");
  };
  const Seen seen = check_edits(400, 425, options, meshed, [](Dice& d, Input& input) {
    netpol::edit_network_policy(d, input.world);
    if (d.coin()) netpol::edit_cluster_policy(d, input.cluster);
  });
  CHECK(seen.changed > 300);
}

TEST_CASE("an edit that changes nothing has no runs") {
  Dice dice(7);
  const auto before = load(netpol::text_of(netpol::draw_input(dice)));
  model::Diagnostics diagnostics;
  sim::ReachWhatIf what_if(std::make_shared<const sim::ReachBase>(before, sim::ReachOptions(), diagnostics));
  sim::ReachEdit edit;
  for (const auto& p : before->snapshot().all<model::NetworkPolicy>()) {
    edit.gone.network.push_back(p.get());
    edit.come.network.push_back(p.get());
  }
  CHECK(what_if.evaluate(edit).runs.empty());
  CHECK(what_if.evaluate({}).runs.empty());
}

TEST_CASE("several threads judge edits over one base") {
  Dice dice(11);
  Input input = netpol::draw_input(dice);
  while (input.world.policies.empty()) netpol::edit_network_policy(dice, input.world);
  const auto before = load(netpol::text_of(input));
  model::Diagnostics diagnostics;
  const auto base = std::make_shared<const sim::ReachBase>(before, sim::ReachOptions(), diagnostics);
  std::vector<std::shared_ptr<const model::Cluster>> after;
  std::vector<sim::ReachEdit> edits;
  for (int n = 0; n < 20; ++n) {
    Input edited = input;
    netpol::edit_network_policy(dice, edited.world);
    after.push_back(load(netpol::text_of(edited)));
    edits.push_back(edit_between(*before, *after.back()));
  }
  const auto all = [&] {
    sim::ReachWhatIf what_if(base);
    std::vector<std::uint64_t> out;
    for (const auto& edit : edits) out.push_back(what_if.evaluate(edit).pod_pairs);
    return out;
  };
  const auto alone = all();
  std::vector<std::vector<std::uint64_t>> got(4);
  {
    std::vector<std::thread> threads;
    for (auto& one : got) threads.emplace_back([&one, &all] { one = all(); });
    for (auto& thread : threads) thread.join();
  }
  for (const auto& one : got) CHECK(one == alone);
  CHECK(std::set<std::uint64_t>(alone.begin(), alone.end()).size() > 1);
}

}  // namespace waypath::tests
