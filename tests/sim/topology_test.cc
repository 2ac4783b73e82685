// The graph of a cluster (sim/topology.h).

#include "sim/topology.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "model/load/manifest_loader.h"
#include "sim/engine.h"
#include "sim/exposure.h"
#include "tests/support/corpus.h"

namespace waypath {
namespace {

using namespace sim;  // NOLINT(google-build-using-namespace): a test of this one header

constexpr const char* kCluster = R"(apiVersion: v1
kind: Namespace
metadata: {name: app, labels: {istio.io/dataplane-mode: ambient}}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: app, labels: {app: server}}
spec: {nodeName: n1, containers: [{name: c, ports: [{containerPort: 8080}]}]}
status: {phase: Running, podIP: 10.0.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: app, labels: {app: client}}
spec: {nodeName: n1, containers: [{name: c}]}
status: {phase: Running, podIP: 10.0.0.2}
---
apiVersion: v1
kind: Pod
metadata: {name: outsider, namespace: plain}
spec: {nodeName: n2, containers: [{name: c}]}
status: {phase: Running, podIP: 10.0.0.3}
---
apiVersion: v1
kind: Service
metadata: {name: server, namespace: app, labels: {istio.io/use-waypoint: wp}}
spec: {selector: {app: server}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: wp, namespace: app}
spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: app}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: server, namespace: app}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: server, port: 80}]}]}
)";

std::shared_ptr<const model::Cluster> cluster_of(std::vector<model::SourceFile> files) {
  model::Diagnostics d;
  auto snapshot = model::load_texts(files, {}, d);
  for (const auto& item : d.items()) UNSCOPED_INFO(item.message);
  CHECK_FALSE(d.has_input_errors());
  return model::Cluster::build(std::move(snapshot), {}, d);
}

std::shared_ptr<const Topology> topology_of(const model::Cluster& cluster) {
  return Topology::build(cluster, Exposure(cluster));
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::vector<model::SourceFile> files_below(const std::string& folder) {
  std::vector<model::SourceFile> out;
  for (const auto& path : tests::manifests_below(folder)) out.push_back({path, tests::read_text(path)});
  REQUIRE_FALSE(out.empty());
  return out;
}

bool contains(const std::vector<VertexId>& list, VertexId v) {
  return std::find(list.begin(), list.end(), v) != list.end();
}

}  // namespace

TEST_CASE("a captured pod is joined to its node's ztunnel, a plain one to the network") {
  const auto cluster = cluster_of({{"c.yaml", kCluster}});
  const auto t = topology_of(*cluster);
  const auto server = t->find(VertexKind::Pod, "app", "server"),
             outsider = t->find(VertexKind::Pod, "plain", "outsider");
  const auto ztunnel = t->find(VertexKind::Ztunnel, "", "n1");
  REQUIRE(server.valid());
  REQUIRE(ztunnel.valid());
  CHECK(t->edge_between(server, ztunnel, EdgeKind::Captures));
  CHECK(t->edge_between(ztunnel, server, EdgeKind::Captures));
  CHECK(t->edge_between(t->network(), ztunnel, EdgeKind::Hbone));
  CHECK(t->edge(*t->edge_between(t->network(), ztunnel, EdgeKind::Hbone)).port == 15008);
  CHECK(t->edge(*t->edge_between(server, t->network(), EdgeKind::Plaintext)).non_tcp);
  CHECK_FALSE(t->edge(*t->edge_between(outsider, t->network(), EdgeKind::Plaintext)).non_tcp);
  CHECK_FALSE(t->find(VertexKind::Ztunnel, "", "n2").valid());
  CHECK_FALSE(t->edge_between(server, outsider, EdgeKind::Plaintext));
}

TEST_CASE("a connection crosses the graph only on edges of its own transport") {
  const auto cluster = cluster_of({{"c.yaml", kCluster}});
  const auto t = topology_of(*cluster);
  const auto server = t->find(VertexKind::Pod, "app", "server"),
             outsider = t->find(VertexKind::Pod, "plain", "outsider");
  const auto ztunnel = t->find(VertexKind::Ztunnel, "", "n1");
  const auto crosses = [&](VertexId from, VertexId to, Transport transport, bool passes = false,
                           bool own = false) {
    return t->cross(from, to, {transport, passes, own}).has_value();
  };
  CHECK(crosses(outsider, ztunnel, Transport::Plaintext));
  CHECK_FALSE(crosses(outsider, ztunnel, Transport::Hbone));
  CHECK(crosses(outsider, ztunnel, Transport::Hbone, false, true));
  CHECK(crosses(server, ztunnel, Transport::InPod));
  CHECK_FALSE(crosses(outsider, server, Transport::Plaintext));
  CHECK(crosses(outsider, server, Transport::Plaintext, true));
  CHECK_FALSE(crosses(outsider, server, Transport::InPod));
  CHECK_FALSE(crosses(outsider, VertexId{}, Transport::Plaintext));
}

TEST_CASE("what avoids the ztunnel reaches no captured pod over TCP") {
  const auto cluster = cluster_of({{"c.yaml", kCluster}});
  const auto t = topology_of(*cluster);
  const auto server = t->find(VertexKind::Pod, "app", "server"),
             outsider = t->find(VertexKind::Pod, "plain", "outsider");
  const std::vector<VertexId> ztunnel{t->find(VertexKind::Ztunnel, "", "n1")};
  CHECK(contains(t->reachable_avoiding(outsider, {}, Layer::Wire), server));
  CHECK_FALSE(contains(t->reachable_avoiding(outsider, ztunnel, Layer::Wire), server));
  CHECK(t->dominators(outsider, Layer::Wire)[server.index] == ztunnel.front());
  CHECK(t->reachable_avoiding(ztunnel.front(), ztunnel, Layer::Wire).empty());
}

TEST_CASE("a waypoint is the way to its service from outside only when the gateway uses it") {
  for (const bool uses : {false, true}) {
    const std::string label = "istio.io/use-waypoint: wp";
    const auto cluster = cluster_of(
        {{"c.yaml",
          uses ? replaced(kCluster, label, label + ", istio.io/ingress-use-waypoint: 'true'") : kCluster}});
    const auto t = topology_of(*cluster);
    const auto service = t->vertex_of(cluster->find_service("app", "server"));
    const auto waypoint = t->find(VertexKind::Waypoint, "app", "wp"),
               gateway = t->find(VertexKind::Gateway, "app", "edge");
    REQUIRE(waypoint.valid());
    REQUIRE(gateway.valid());
    INFO((uses ? "uses" : "does not use"));
    CHECK(t->edge_between(service, waypoint, EdgeKind::UsesWaypoint));
    CHECK(t->dominators(t->external(), Layer::Intent)[service.index] == (uses ? waypoint : gateway));
    const std::vector<VertexId> avoid{waypoint};
    CHECK(contains(t->reachable_avoiding(t->external(), avoid, Layer::Intent), service) == !uses);
    CHECK(contains(t->reachable_avoiding(t->external(), {}, Layer::Intent),
                   t->find(VertexKind::Pod, "app", "server")));
  }
}

TEST_CASE("vertices and edges are sorted, found again, and few") {
  for (const char* name : {"bigbang-waypoint", "bigbang-gateway", "bigbang-sidecar", "package-operator"}) {
    const auto cluster = cluster_of(files_below(tests::source_dir() + "/scenarios/clusters/" + name));
    const auto t = topology_of(*cluster);
    for (std::uint32_t i = 0; i < t->vertices().size(); ++i) {
      const auto& v = t->vertices()[i];
      CHECK(t->find(v.kind, v.ns, v.name) == VertexId{i});
      for (const auto id : t->out_edges({i})) CHECK(t->edge(id).from == VertexId{i});
      for (const auto id : t->in_edges({i})) CHECK(t->edge(id).to == VertexId{i});
    }
    std::size_t selected = 0;
    for (std::uint32_t i = 0; i < t->edges().size(); ++i) {
      const auto& e = t->edges()[i];
      CHECK(t->edge_between(e.from, e.to, e.kind) == EdgeId{i});
      selected += e.kind == EdgeKind::Selects ? 1 : 0;
    }
    CHECK(t->edges().size() <= 12 * t->vertices().size() + selected);
  }
}

TEST_CASE("every pod's way to every service takes edges of the graph") {
  for (const char* name : {"bigbang-waypoint", "bigbang-gateway", "bigbang-sidecar", "package-operator"}) {
    const auto cluster = cluster_of(files_below(tests::source_dir() + "/scenarios/clusters/" + name));
    model::Diagnostics d;
    const auto engine = Engine::build(cluster, {}, d);
    std::vector<std::string> sources{"internet"};
    for (const auto* pod : cluster->pods())
      sources.push_back(pod->meta.ns().str() + "/" + pod->meta.name().str());
    std::vector<std::string> targets;
    for (const auto& s : cluster->services())
      for (const auto& p : s.ports) {
        const std::string scheme = p.protocol == model::Protocol::Udp ? "udp://" : "http://";
        targets.push_back(scheme + s.host + ":" + std::to_string(p.port) + "/");
      }
    std::size_t legs = 0;
    for (const auto& source : sources) {
      for (const auto& target : targets) {
        Flow flow;
        flow.name = "probe";
        flow.from = source;
        flow.to = target;
        const Assume nothing;
        for (const auto& path : build_paths(*engine, flow, nothing, d)) {
          for (std::size_t i = 0; i < path.legs.size(); ++i) {
            const auto& leg = path.legs[i];
            ++legs;
            INFO(name << " " << source << " -> " << target << " leg " << i << " "
                      << to_string(path.hops[leg.from].kind) << " -> " << to_string(path.hops[leg.to].kind)
                      << " " << to_string(leg.transport));
            if (!leg.edges[0].valid()) FAIL_CHECK("no edge");
          }
        }
      }
    }
    CHECK(legs > sources.size() * targets.size());
  }
}

}  // namespace waypath
