#pragma once
// One change after the other over the same flows: every failure, every policy removed, every version between
// two, every state in between while a set of changes is rolled out.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/change.h"
#include "scenarios/plan.h"
#include "scenarios/shard/shard.h"
#include "sim/engine.h"

namespace waypath::scenarios {

/// Flows of one origin, with the facts that are assumed of them.
struct FlowGroup {
  std::vector<sim::Flow> flows;
  sim::Assume assume;
};

/// What happens in one case of a sweep.
struct SweepStep {
  std::string group;  // "waypoint", "gateway", "node", "ext_authz", "version", "policy", "state"
  std::string name;   // "Gateway/ns/name", "Istio 1.28.6", "a.yaml + b.yaml"
  std::string place;  // "file:line" of the object, "" when there is none
  std::vector<model::Change> changes;
  std::optional<model::IstioVersion> version;  // nullopt: stays
  std::string skipped;                         // why it cannot be tried, "" when it can
};

/// Steps that are made when their turn comes: there may be a million.
struct SweepSteps {
  std::size_t count = 0;
  std::function<SweepStep(std::size_t)> at;
  std::function<bool(std::size_t)> own;  // whether it is tried; empty: all are
};

struct SweepCase {
  std::size_t index = 0;  // of the step
  std::string group, name, place;
  std::string skipped;  // not evaluated: why
  Plan plan;            // against the cluster as it is (versions: against the version before)
  [[nodiscard]] bool fails_open() const;  // a flow opens or loses an enforcement point
  [[nodiscard]] bool breaks() const;
};

struct SweepOptions {
  unsigned jobs = 0;
  std::function<bool()> stop;                                       // asked between cases; may be empty
  std::function<void(std::size_t done, std::size_t all)> progress;  // may be empty
  std::function<bool(const SweepCase&)> enough;                     // true ends the sweep (--fail-fast)
  std::optional<Shard> shard;                                       // only the steps that are its
};

struct SweepReport {
  std::vector<SweepCase> cases;  // in the order of the steps, as far as they were tried
  std::size_t planned = 0;       // steps there were
  bool stopped = false;          // by `stop`; else it came to its end, or `enough` ended it
};

/// Each waypoint, gateway, node and ext_authz provider goes down, one at a time.
[[nodiscard]] std::vector<SweepStep> failure_steps(const sim::Engine& engine);
/// Each policy of the manifests is removed, one at a time.
[[nodiscard]] std::vector<SweepStep> policy_steps(const sim::Engine& engine);
/// The newest patch of each minor version after `from`, and `to` at the end; each is compared with the one
/// before it.
[[nodiscard]] std::vector<SweepStep> version_steps(model::IstioVersion from, model::IstioVersion to);

/// Tries the steps against `engine`, or each against the last (`chained`: what is not its own is made, too,
/// and not compared).
[[nodiscard]] SweepReport run_sweep(const sim::Engine& engine, const SweepSteps& steps,
                                    const std::vector<FlowGroup>& flows, const SweepOptions& options,
                                    bool chained, model::Diagnostics& diagnostics);
/// Those of `options.shard`, by group and name.
[[nodiscard]] SweepReport run_sweep(const sim::Engine& engine, const std::vector<SweepStep>& steps,
                                    const std::vector<FlowGroup>& flows, const SweepOptions& options,
                                    bool chained, model::Diagnostics& diagnostics);

}  // namespace waypath::scenarios
