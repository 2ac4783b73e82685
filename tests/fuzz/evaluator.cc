// Manifests of any shape that load: every pod asks every other, and the matrix of both layers. One connection
// and the matrix have to agree on NetworkPolicy.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "model/load/manifest_loader.h"
#include "sim/engine.h"
#include "sim/reach/reach.h"

namespace {

using namespace waypath;
constexpr std::size_t kPods = 4;

bool passes(sim::Decision d) { return d == sim::Decision::Allow || d == sim::Decision::NotApplicable; }

void compare(const sim::Engine& engine, const sim::ReachResult& matrix, std::size_t s, std::size_t d) {
  const auto &from = matrix.sources()[s], &to = matrix.destinations()[d];
  if (from.external() || to.external() || from.pod == to.pod) return;
  const auto peer = [&](model::PodId id) {
    const auto& ips = engine.cluster().pod(id).ips;
    sim::NetPeer out;
    out.pod = id;
    if (ips.size() == 1) out.address = ips.front();
    return out;
  };
  sim::Connection c;
  c.source = peer(from.pod);
  c.destination = peer(to.pod);
  const auto cell = matrix.cell(s, d);
  for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{8080}, std::uint16_t{15008}}) {
    c.port = port;
    const auto said = sim::judge_leg(engine.policies(), c, nullptr);
    const bool sure = passes(said.egress.decision) && passes(said.ingress.decision);
    if (matrix.ports(cell.sure).contains(model::Protocol::Tcp, port) && !sure) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  model::Diagnostics diagnostics;
  model::Snapshot snapshot = model::load_texts({{"fuzz.yaml", text}}, {}, diagnostics);
  const auto cluster = model::Cluster::build(snapshot, {}, diagnostics);
  if (cluster->pods().empty()) return 0;
  const auto engine = sim::Engine::build(cluster, {}, diagnostics);
  sim::ReachOptions options;
  const auto matrix = sim::reach(cluster, options, diagnostics);
  const std::size_t sources = std::min(kPods, matrix.sources().size()),
                    destinations = std::min(kPods, matrix.destinations().size());
  for (std::size_t s = 0; s < sources; ++s)
    for (std::size_t d = 0; d < destinations; ++d) compare(*engine, matrix, s, d);
  options.layer = sim::ReachOptions::Layer::Mesh;
  (void)sim::reach(cluster, options, diagnostics);
  for (std::size_t i = 0; i < std::min(kPods, cluster->services().size()); ++i) {
    const auto& service = cluster->services()[i];
    sim::Flow flow;
    const auto& pod = *cluster->pods().front();
    flow.from = pod.meta.ns().str() + "/" + pod.meta.name().str();
    flow.to = "http://" + service.host + "/";
    (void)sim::simulate(*engine, flow, {}, diagnostics);
    flow.from = "internet";
    (void)sim::simulate(*engine, flow, {}, diagnostics);
  }
  return 0;
}
