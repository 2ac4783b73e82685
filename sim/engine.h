#pragma once
// Stages 5 to 7: compile the policies of a cluster once, then build the paths of a flow and judge them. The
// file to read first.

#include <memory>
#include <string>
#include <vector>

#include "model/cluster.h"
#include "sim/flow.h"
#include "sim/path/path.h"
#include "sim/policy/policy_evaluator.h"
#include "sim/resolve/route.h"
#include "sim/verdict.h"

namespace waypath::sim {

class Exposure;
class Topology;

/// Const and shared between threads after `build`.
class Engine {
 public:
  [[nodiscard]] static std::shared_ptr<const Engine> build(std::shared_ptr<const model::Cluster> cluster,
                                                           const SimOptions& options,
                                                           model::Diagnostics& diagnostics);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  [[nodiscard]] const model::Cluster& cluster() const { return *cluster_; }
  [[nodiscard]] std::shared_ptr<const model::Cluster> cluster_ptr() const { return cluster_; }
  [[nodiscard]] const RouteTables& routes() const { return *routes_; }
  [[nodiscard]] const EvaluatorTable& policies() const { return policies_; }
  /// Which gateways lead to which services, and the policies that are meant to guard them (sim/exposure.h).
  [[nodiscard]] const Exposure& exposure() const { return *exposure_; }
  /// The graph that paths are walks of (sim/topology.h).
  [[nodiscard]] const Topology& topology() const { return *topology_; }
  [[nodiscard]] const SimOptions& options() const { return options_; }

 private:
  Engine() = default;
  std::shared_ptr<const model::Cluster> cluster_;
  std::shared_ptr<const RouteTables> routes_;
  EvaluatorTable policies_;
  std::unique_ptr<const Exposure> exposure_;
  std::shared_ptr<const Topology> topology_;
  SimOptions options_;
};

/// Stage 6. `diagnostics` gets what is wrong with the flow itself (no such pod, bad URL), with did-you-mean;
/// empty result then. Paths point into `assume`, so it is no temporary.
[[nodiscard]] std::vector<Path> build_paths(const Engine& engine, const Flow& flow, const Assume& assume,
                                            model::Diagnostics& diagnostics);
std::vector<Path> build_paths(const Engine& engine, const Flow& flow, const Assume&& assume,
                              model::Diagnostics& diagnostics) = delete;

/// Stage 7. Pure: same engine, flow and facts, same verdict. Errors of the flow go to `diagnostics`; the
/// verdict is then Unknown.
[[nodiscard]] Verdict simulate(const Engine& engine, const Flow& flow, const Assume& assume,
                               model::Diagnostics& diagnostics);

}  // namespace waypath::sim
