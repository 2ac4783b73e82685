// Lines of access logs of any shape: they are read, counted and compared, or told as unreadable. Every line
// is accounted for.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "model/load/manifest_loader.h"
#include "scenarios/replay/replay.h"

namespace {

using namespace waypath;

constexpr const char* kCluster =
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}\n"
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\n"
    "spec: {containers: [{name: c, image: c}]}\nstatus: {phase: Running, podIP: 10.0.0.1}\n"
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: api, namespace: shop, labels: {app: api}}\n"
    "spec: {containers: [{name: c, image: c}]}\nstatus: {phase: Running, podIP: 10.0.0.2}\n"
    "---\napiVersion: v1\nkind: Service\nmetadata: {name: api, namespace: shop}\n"
    "spec: {clusterIP: 10.96.0.9, selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}\n";

const std::shared_ptr<const sim::Engine>& engine() {
  static const auto built = [] {
    model::Diagnostics diagnostics;
    return sim::Engine::build(
        model::Cluster::build(model::load_texts({{"fuzz.yaml", kCluster}}, {}, diagnostics), {}, diagnostics),
        {}, diagnostics);
  }();
  return built;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  scenarios::ReplayOptions options;
  options.jobs = 1;
  options.most_flows = 8;
  scenarios::Replay replay(engine(), options);
  std::uint64_t number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    replay.add_line("fuzz.log", ++number, text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  const auto report = replay.report(engine().get());
  const auto& l = report.lines;
  std::uint64_t kept = report.beyond.count;
  for (const auto& row : report.rows) kept += row.traffic.count;
  if (kept != l.records || l.total != number ||
      l.total != l.records + l.opened + l.tunnel + l.other + l.blank + l.unreadable)
    std::abort();
  // The same cluster on both sides: nothing changes.
  if (!report.plan->changes.empty()) std::abort();
  return 0;
}
