#pragma once
// Runs scenario files: every flow against the cluster and against each variant of it.

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/expectation.h"
#include "scenarios/scenario.h"
#include "scenarios/shard/shard.h"
#include "sim/engine.h"

namespace waypath::model {
struct LoadStats;
}

namespace waypath::scenarios {

struct RunOptions {
  std::string run;                // RE2: only cases whose "scenario / variant / flow" it finds
  std::vector<std::string> tags;  // only cases that bear one of these, and none of those written "!tag"
  std::optional<std::string> istio_version;  // overrides the scenario's
  bool fail_fast = false;                    // stop behind the first case that fails
  bool allow_exec = false;                   // commands of cluster.manifests may be run
  std::optional<Shard> shard;                // only cases that are its
  unsigned jobs = 0;
  std::string cache;  // directory of images of loaded manifests (model/load/load_cache.h); "" = none
};

struct CaseResult {
  std::string scenario, path, variant, flow;  // variant "" = the cluster as it is
  std::vector<std::string> tags;              // of the scenario, the variant and the flow
  bool invariant = false;                     // `flow` is an invariant's name
  enum class Status : std::uint8_t { Passed, Failed, Skipped } status = Status::Passed;
  Expectation expected;
  std::vector<Mismatch> mismatches;
  sim::Verdict predicted;
  model::SourceFiles files;  // of the cluster asked: places of `predicted` (tools/render prints them)
  std::string message;       // why it failed before it could be compared
  std::size_t checked = 0;   // invariant: how many flows were asked
  std::vector<std::string> violations;  // invariant: flows that break it; `predicted` is the first one's
  std::string place;                    // "file:line:column" of the expectation
  /// Where it stands among all cases: scenario, cluster or variant, flow as written, which one of its flows.
  std::array<std::uint32_t, 4> order{};
};

struct Report {
  std::vector<CaseResult> cases;  // in the order of files, variants, flows
  std::size_t passed = 0, failed = 0, skipped = 0;
  bool stopped = false;                          // by fail_fast: what comes later was not run
  std::vector<std::string> cluster_diagnostics;  // what the manifests were warned of, formatted, each once
  std::vector<std::string> cache_remarks;        // how the cache did, by scenario; none without a cache
  /// Counts a case in.
  void add(CaseResult result);
};

class Runner {
 public:
  Runner(model::Diagnostics& diagnostics, model::SourceFiles& files)
      : diagnostics_(diagnostics), files_(files) {}
  /// Adds the cases of one scenario. False when it cannot be run: its cluster cannot be loaded, `options`
  /// make no sense (reported).
  bool run(const Scenario& scenario, const RunOptions& options, Report& report);

 private:
  model::Diagnostics& diagnostics_;
  model::SourceFiles& files_;
  std::uint32_t scenarios_ = 0;  // so far
};

/// The cluster of a scenario, loaded; `diagnostics` refer to the snapshot's own files. Check
/// `has_input_errors()`. `stats` may be null.
[[nodiscard]] model::Snapshot load_snapshot(const Scenario& scenario, const RunOptions& options,
                                            model::Diagnostics& diagnostics,
                                            model::LoadStats* stats = nullptr);
/// The same; nullopt when it cannot be used.
[[nodiscard]] std::optional<model::Snapshot> load_cluster(const Scenario& scenario, const RunOptions& options,
                                                          model::Diagnostics& diagnostics);
/// Null when `version` is none (reported).
[[nodiscard]] std::shared_ptr<const sim::Engine> build_engine(model::Snapshot snapshot,
                                                              const Scenario& scenario,
                                                              const std::optional<std::string>& version,
                                                              model::Diagnostics& diagnostics);

}  // namespace waypath::scenarios
