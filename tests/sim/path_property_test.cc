// Paths through drawn clusters: pods in the mesh, outside it and with sidecars, Services with and without a
// waypoint.

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "model/load/manifest_loader.h"
#include "sim/engine.h"
#include "tests/support/dice.h"

namespace waypath::tests {
namespace {

using sim::HopKind;
using sim::Transport;

struct Drawn {
  std::vector<std::string> documents;
  std::vector<std::string> labelled;  // Services with a waypoint label: "n0/s1"
  std::vector<std::pair<std::string, std::string>> flows;
  std::set<std::string> captured, sidecars;      // "n0/p1"
  std::map<std::string, std::string> tls_modes;  // of DestinationRules, by "n0/p1", the Service's only pod
};

constexpr std::size_t kNamespaces = 3, kPods = 3;

Drawn draw(Dice& d, bool with_waypoint_labels = true, bool with_rules = false) {
  Drawn out;
  for (std::size_t n = 0; n < kNamespaces; ++n) {
    const bool ambient = d.coin();
    out.documents.push_back(fmt::format("---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: n{}{}}}\n",
                                        n, ambient ? ", labels: {istio.io/dataplane-mode: ambient}" : ""));
    if (d.coin())
      out.documents.push_back(fmt::format(
          "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: wp, "
          "namespace: n{}}}\nspec: {{gatewayClassName: istio-waypoint, listeners: [{{name: mesh, port: "
          "15008, protocol: HBONE}}]}}\n",
          n));
    for (std::size_t i = 0; i < kPods; ++i) {
      const std::string name = fmt::format("n{}/p{}", n, i);
      const bool sidecar = d.one_in(4), out_of_mesh = d.one_in(4);
      if (sidecar) out.sidecars.insert(name);
      if (!sidecar && ambient && !out_of_mesh) out.captured.insert(name);
      out.documents.push_back(fmt::format(
          "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p{}, namespace: n{}, labels: {{app: "
          "p{}{}{}}}{}}}\n"
          "spec: {{containers: [{{name: c, image: c, ports: [{{containerPort: 8080}}]}}{}]}}\n"
          "status: {{phase: Running, podIP: 10.0.{}.{}, conditions: [{{type: Ready, status: \"True\"}}]}}\n",
          i, n, i, out_of_mesh ? ", istio.io/dataplane-mode: none" : "",
          sidecar ? ", security.istio.io/tlsMode: istio" : "",
          sidecar ? ", annotations: {sidecar.istio.io/status: \"{}\"}" : "",
          sidecar ? ", {name: istio-proxy, image: proxyv2}" : "", n, i + 1));
      const bool labelled = d.coin();
      if (labelled) out.labelled.push_back(fmt::format("n{}/s{}", n, i));
      out.documents.push_back(fmt::format(
          "---\napiVersion: v1\nkind: Service\nmetadata: {{name: s{}, namespace: n{}{}}}\nspec: {{clusterIP: "
          "10.1.{}.{}, selector: {{app: p{}}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}\n",
          i, n, labelled && with_waypoint_labels ? ", labels: {istio.io/use-waypoint: wp}" : "", n, i + 1,
          i));
      static const std::vector<std::string> kModes{"DISABLE", "SIMPLE", "ISTIO_MUTUAL"};
      if (with_rules && !d.one_in(4)) {
        const std::string mode = d.pick(kModes);
        out.tls_modes.emplace(name, mode);
        out.documents.push_back(fmt::format(
            "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: s{0}, "
            "namespace: "
            "n{1}}}\nspec: {{host: s{0}.n{1}.svc.cluster.local, trafficPolicy: {{tls: {{mode: {2}}}}}}}\n",
            i, n, mode));
      }
      if (d.one_in(3))
        out.documents.push_back(fmt::format(
            "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: a{}, "
            "namespace: "
            "n{}}}\nspec: {{{}, action: DENY, rules: [{{to: [{{operation: {{methods: [POST]}}}}]}}]}}\n",
            i, n,
            d.coin() ? fmt::format("targetRefs: [{{kind: Service, group: \"\", name: s{}}}]", i)
                     : fmt::format("selector: {{matchLabels: {{app: p{}}}}}", i)));
    }
  }
  for (std::size_t a = 0; a < kNamespaces * kPods; ++a)
    for (std::size_t b = 0; b < kNamespaces * kPods; ++b) {
      const std::string from = fmt::format("n{}/p{}", a / kPods, a % kPods);
      out.flows.emplace_back(from, fmt::format("http://10.1.{}.{}", b / kPods, b % kPods + 1));
      if (a != b)
        out.flows.emplace_back(from, fmt::format("http://10.0.{}.{}:8080", b / kPods, b % kPods + 1));
    }
  return out;
}

struct World {
  std::shared_ptr<const sim::Engine> engine;
  explicit World(const std::vector<std::string>& documents) {
    std::string text;
    for (const auto& document : documents) text += document;
    model::Diagnostics diagnostics;
    auto cluster =
        model::Cluster::build(model::load_texts({{"drawn.yaml", text}}, {}, diagnostics), {}, diagnostics);
    REQUIRE_FALSE(diagnostics.has_errors());
    engine = sim::Engine::build(std::move(cluster), {}, diagnostics);
  }
  [[nodiscard]] sim::Verdict ask(const std::pair<std::string, std::string>& ends) const {
    sim::Flow flow;
    flow.from = ends.first;
    flow.to = ends.second;
    flow.method = "POST";
    model::Diagnostics diagnostics;
    return sim::simulate(*engine, flow, {}, diagnostics);
  }
};

bool enforces(const sim::HopResult& hop) {
  return hop.kind == HopKind::Waypoint || hop.kind == HopKind::Sidecar;
}

std::string words(const sim::Verdict& verdict) {
  std::string out = std::string(sim::to_string(verdict.outcome)) + " " + verdict.symptom;
  for (const auto& path : verdict.paths) {
    out += fmt::format("\n{} {}", path.reason.code.text, path.backend);
    for (const auto& hop : path.hops)
      out += fmt::format(" {} {}/{}", sim::to_string(hop.kind), hop.ns, hop.name);
    for (const auto& leg : path.legs)
      out += fmt::format(" {}:{}", sim::to_string(leg.transport), leg.wire_port);
  }
  return out;
}

}  // namespace

TEST_CASE("property: every leg is what both of its ends speak") {
  for (std::uint64_t seed = 0; seed < 25; ++seed) {
    Dice dice(seed);
    const Drawn drawn = draw(dice);
    const World world(drawn.documents);
    for (const auto& flow : drawn.flows) {
      const auto verdict = world.ask(flow);
      for (const auto& path : verdict.paths) {
        CAPTURE(seed, flow.first, flow.second, words(verdict));
        for (const auto& leg : path.legs) {
          if (leg.auxiliary || leg.transport == Transport::InPod) continue;
          const auto &from = path.hops[leg.from], &to = path.hops[leg.to];
          // HBONE: 15008 on the wire, a proxy of the mesh at both ends.
          CHECK((leg.transport == Transport::Hbone) == (leg.wire_port == 15008));
          if (leg.transport == Transport::Hbone) {
            CHECK((to.kind == HopKind::Ztunnel || to.kind == HopKind::Waypoint));
            if (to.kind == HopKind::Ztunnel) CHECK(drawn.captured.contains(to.ns + "/" + to.pod));
            CHECK((from.kind == HopKind::Ztunnel || enforces(from)));
          }
          if (leg.transport == Transport::Mtls) {
            CHECK(to.kind == HopKind::Sidecar);
            CHECK(from.kind == HopKind::Sidecar);
          }
          if (from.kind == HopKind::Ztunnel && leg.from <= 1) CHECK(drawn.captured.contains(flow.first));
        }
        // Who cannot have a proxy is never given one.
        for (const auto& hop : path.hops) {
          if (hop.kind == HopKind::Ztunnel) CHECK(drawn.captured.contains(hop.ns + "/" + hop.pod));
          if (hop.kind == HopKind::Sidecar) CHECK(drawn.sidecars.contains(hop.ns + "/" + hop.pod));
          if (hop.kind == HopKind::Waypoint) CHECK(drawn.captured.contains(flow.first));
        }
      }
    }
  }
}

// What a DestinationRule asks of the leg to the pod: Envoys do it, ztunnel knows no DestinationRule. HBONE
// stands for mutual TLS, and TLS that is asked for goes through the tunnel.
TEST_CASE("property: the last leg is what the DestinationRule at an Envoy says") {
  std::map<std::string, std::size_t> seen;
  for (std::uint64_t seed = 300; seed < 325; ++seed) {
    Dice dice(seed);
    const Drawn drawn = draw(dice, true, true);
    const World world(drawn.documents);
    for (const auto& flow : drawn.flows) {
      if (flow.second.find("10.1.") == std::string::npos) continue;  // by the Service's address
      const auto verdict = world.ask(flow);
      for (const auto& path : verdict.paths) {
        const auto last = std::find_if(path.legs.rbegin(), path.legs.rend(), [](const auto& leg) {
          return !leg.auxiliary && leg.transport != Transport::InPod;
        });
        if (last == path.legs.rend()) continue;
        const auto &from = path.hops[last->from], &to = path.hops[last->to];
        const auto mode = drawn.tls_modes.find(to.ns + "/" + to.pod);
        CAPTURE(seed, flow.first, flow.second, words(verdict));
        if (!enforces(from)) {
          CHECK((last->transport == Transport::Plaintext || last->transport == Transport::Hbone));
          continue;
        }
        if (last->transport == Transport::Hbone || mode == drawn.tls_modes.end()) continue;
        ++seen[mode->second];
        if (mode->second == "DISABLE") CHECK(last->transport == Transport::Plaintext);
        if (mode->second == "SIMPLE") CHECK(last->transport == Transport::Tls);
        // A waypoint's clusters of the Services that it serves leave ISTIO_MUTUAL out.
        if (mode->second == "ISTIO_MUTUAL")
          CHECK(last->transport == (from.kind == HopKind::Waypoint ? Transport::Plaintext : Transport::Mtls));
        if (last->transport == Transport::Mtls && to.kind != HopKind::Sidecar)
          CHECK(verdict.outcome != sim::Outcome::Allow);
      }
    }
  }
  CHECK(seen.size() == 3);
}

TEST_CASE("property: taking a waypoint label away never adds an enforcement point") {
  for (std::uint64_t seed = 100; seed < 115; ++seed) {
    Dice dice(seed), again(seed);
    const Drawn drawn = draw(dice), bare = draw(again, false);
    const World with(drawn.documents), without(bare.documents);
    for (const auto& flow : drawn.flows) {
      const auto before = with.ask(flow), after = without.ask(flow);
      CAPTURE(seed, flow.first, flow.second, words(before), words(after));
      for (const auto& path : after.paths)
        for (const auto& hop : path.hops) {
          CHECK(hop.kind != HopKind::Waypoint);
          if (hop.kind != HopKind::Sidecar) continue;
          CHECK(std::any_of(before.paths.begin(), before.paths.end(), [&](const auto& other) {
            return std::any_of(other.hops.begin(), other.hops.end(), [&](const auto& h) {
              return h.kind == hop.kind && h.ns == hop.ns && h.pod == hop.pod;
            });
          }));
        }
    }
  }
}

TEST_CASE("property: the order of documents changes no path") {
  for (std::uint64_t seed = 200; seed < 215; ++seed) {
    Dice dice(seed);
    Drawn drawn = draw(dice);
    const World forward(drawn.documents);
    std::reverse(drawn.documents.begin(), drawn.documents.end());
    const World backward(drawn.documents);
    for (const auto& flow : drawn.flows) {
      CAPTURE(seed, flow.first, flow.second);
      CHECK(words(forward.ask(flow)) == words(backward.ask(flow)));
    }
  }
}

}  // namespace waypath::tests
