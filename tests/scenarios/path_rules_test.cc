// What holds for the path of every flow that is shipped, in every variant of its cluster: hops that the
// semantics exclude are not visited, and a waypoint label that is taken away adds no L7 decision.

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <tuple>

#include "model/change.h"
#include "scenarios/runner.h"
#include "tests/scenarios/shipped_flows.h"

namespace waypath {
namespace {

using sim::HopKind;
using sim::Transport;

std::vector<sim::Path> paths_of(const sim::Engine& engine, const scenarios::Scenario& scenario,
                                const sim::Flow& flow) {
  model::Diagnostics diagnostics;
  return sim::build_paths(engine, flow, scenario.assume, diagnostics);
}

// Source: the table of who is captured and who honours a waypoint, ambient-path sections 1 and 4.
void check_hops(const sim::Engine& engine, const sim::Flow& flow, const sim::Path& path) {
  const auto& cluster = engine.cluster();
  const bool probe = flow.from.rfind("kubelet/", 0) == 0;
  for (std::size_t i = 0; i < path.hops.size(); ++i) {
    const auto& hop = path.hops[i];
    INFO("hop " << i << ": " << sim::to_string(hop.kind) << " " << hop.ns << "/" << hop.name);
    if (probe)  // R2: never a proxy
      CHECK((hop.kind == HopKind::Node || hop.kind == HopKind::Application || hop.kind == HopKind::Address));
    if (hop.pod.valid() && hop.kind == HopKind::Ztunnel) {
      const auto& pod = cluster.pod(hop.pod);
      const auto& notes = pod.meta.annotations;
      const bool injected = std::any_of(notes.begin(), notes.end(), [](const auto& a) {
        return a.key.view() == "sidecar.istio.io/status";
      });
      CHECK_FALSE(pod.spec.host_network);                               // E1
      CHECK_FALSE(injected);                                            // E2
      CHECK(pod.meta.labels.get("istio.io/dataplane-mode") != "none");  // E5
    }
    // Only ztunnel, a gateway that is told to, or a client that opens HBONE itself takes a request to a
    // waypoint.
    const auto leg =
        std::find_if(path.legs.begin(), path.legs.end(), [&](const auto& l) { return l.to == i; });
    if (hop.kind != HopKind::Waypoint || leg == path.legs.end()) continue;
    const auto from = path.hops[leg->from].kind;
    if (leg->transport != Transport::Hbone) {
      CHECK(path.end.outcome != sim::Outcome::Allow);  // it takes nothing else
    } else if (from != HopKind::Ztunnel && from != HopKind::Gateway) {
      CHECK((flow.tunnel || leg->from == 0));
    }
  }
}

void check_legs(const sim::Engine& engine, const sim::Flow& flow, const sim::Path& path) {
  const auto& cluster = engine.cluster();
  const bool tls_asked = flow.to.rfind("https:", 0) == 0 || flow.to.rfind("tls:", 0) == 0 ||
                         flow.protocol == "https" || flow.protocol == "tls";
  for (const auto& leg : path.legs) {
    if (leg.to >= path.hops.size()) continue;
    const auto &from = path.hops[leg.from], &to = path.hops[leg.to];
    INFO(sim::to_string(from.kind) << " -> " << sim::to_string(to.kind) << " "
                                   << sim::to_string(leg.transport));
    if (leg.transport == Transport::InPod) {
      CHECK_FALSE(leg.on_wire);
      continue;
    }
    CHECK((leg.transport == Transport::Hbone) == leg.connection.hbone);
    if (leg.transport == Transport::Hbone) {
      CHECK((to.kind == HopKind::Ztunnel || to.kind == HopKind::Waypoint || to.kind == HopKind::Sidecar ||
             path.end.outcome != sim::Outcome::Allow));
      CHECK((from.kind != HopKind::External && from.kind != HopKind::Node));
      if (to.kind == HopKind::Sidecar)
        CHECK(cluster.pod(to.pod).meta.labels.get("networking.istio.io/tunnel") == "http");
    }
    if (leg.transport == Transport::Mtls) {
      CHECK((from.kind == HopKind::Sidecar || from.kind == HopKind::Gateway ||
             from.kind == HopKind::Waypoint || leg.from == 0));
      CHECK((to.kind == HopKind::Sidecar || path.end.outcome != sim::Outcome::Allow));
    }
    // TLS is the client's own, or what a DestinationRule or BackendTLSPolicy has an Envoy open.
    if (leg.transport == Transport::Tls && !tls_asked) {
      CHECK(
          (from.kind == HopKind::Sidecar || from.kind == HopKind::Gateway || from.kind == HopKind::Waypoint));
      CHECK(std::any_of(path.assumptions.begin(), path.assumptions.end(),
                        [](const auto& a) { return a.code.text == "ASSUME_UPSTREAM_TLS"; }));
    }
  }
}

std::set<std::tuple<HopKind, std::string, std::string>> l7_points(const std::vector<sim::Path>& paths) {
  std::set<std::tuple<HopKind, std::string, std::string>> out;
  for (const auto& path : paths)
    for (const auto& hop : path.hops)
      if (hop.point && hop.point->http) out.emplace(hop.kind, hop.ns, hop.name);
  return out;
}

std::vector<model::Change> without_waypoint_labels(const model::Snapshot& snapshot) {
  std::vector<model::Change> out;
  const auto drop = [&](const model::ObjectMeta& meta) {
    if (meta.labels.find("istio.io/use-waypoint") == nullptr) return;
    model::LabelChange change;
    change.ref.text = meta.key.str();
    change.labels.emplace_back("istio.io/use-waypoint", std::nullopt);
    out.push_back({std::move(change), {}});
  };
  for (const auto& s : snapshot.all<model::Service>()) drop(s->meta);
  for (const auto& n : snapshot.all<model::Namespace>()) drop(n->meta);
  for (const auto& e : snapshot.all<model::ServiceEntry>()) drop(e->meta);
  return out;
}

}  // namespace

TEST_CASE("no shipped flow visits a hop that the semantics exclude, and each leg is what both ends speak") {
  std::size_t paths = 0;
  tests::each_shipped_cluster([&](const scenarios::Scenario& scenario, const model::Snapshot& base) {
    const auto check = [&](const model::Snapshot& snapshot) {
      model::Diagnostics diagnostics;
      const auto engine = scenarios::build_engine(snapshot, scenario, scenario.istio_version, diagnostics);
      REQUIRE(engine);
      for (const auto& flow : scenario.flows) {
        INFO(flow.flow.name);
        for (const auto& path : paths_of(*engine, scenario, flow.flow)) {
          check_hops(*engine, flow.flow, path);
          check_legs(*engine, flow.flow, path);
          ++paths;
        }
      }
    };
    check(base);
    for (const auto& variant : scenario.variants) {
      INFO(variant.name);
      model::Diagnostics of_change;
      check(model::apply_changes(base, variant.changes, of_change));
    }
  });
  CHECK(paths > 1000);
}

TEST_CASE("no shipped flow gains an L7 decision when waypoint labels are taken away") {
  std::size_t lost = 0;
  tests::each_shipped_cluster([&](const scenarios::Scenario& scenario, const model::Snapshot& base) {
    model::Diagnostics diagnostics;
    const auto changes = without_waypoint_labels(base);
    if (changes.empty()) return;
    const auto with = scenarios::build_engine(base, scenario, scenario.istio_version, diagnostics);
    const auto without = scenarios::build_engine(model::apply_changes(base, changes, diagnostics), scenario,
                                                 scenario.istio_version, diagnostics);
    REQUIRE(with);
    REQUIRE(without);
    for (const auto& flow : scenario.flows) {
      INFO(flow.flow.name);
      const auto before = paths_of(*with, scenario, flow.flow),
                 after = paths_of(*without, scenario, flow.flow);
      // A path that a waypoint cut off shows its later hops for the first time.
      if (std::any_of(before.begin(), before.end(),
                      [](const auto& path) { return path.end.outcome != sim::Outcome::Allow; }))
        continue;
      const auto had = l7_points(before), has = l7_points(after);
      CHECK(std::includes(had.begin(), had.end(), has.begin(), has.end()));
      if (has.size() < had.size()) ++lost;
    }
  });
  CHECK(lost > 10);
}

}  // namespace waypath
