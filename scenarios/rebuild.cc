#include "scenarios/rebuild.h"

#include <utility>

namespace waypath::scenarios {

std::shared_ptr<const sim::Engine> rebuild(const sim::Engine& from, model::Snapshot snapshot,
                                           const std::optional<model::IstioVersion>& version,
                                           model::Diagnostics& diagnostics) {
  model::ClusterOptions how;
  const auto cidrs = from.cluster().pod_cidrs();
  how.pod_cidrs.assign(cidrs.begin(), cidrs.end());
  how.version = version;
  return sim::Engine::build(model::Cluster::build(std::move(snapshot), how, diagnostics), from.options(),
                            diagnostics);
}

std::optional<model::IstioVersion> given_version(const sim::Engine& engine) {
  if (engine.cluster().version_origin() != model::Cluster::VersionOrigin::Given) return std::nullopt;
  return engine.cluster().profile().version();
}

}  // namespace waypath::scenarios
