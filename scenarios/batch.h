#pragma once
// The cases of one cluster of a scenario: which there are, and running them. For scenarios/runner.cc.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/snapshot.h"
#include "scenarios/runner.h"
#include "sim/match/regex_match.h"

namespace waypath::scenarios {

/// One flow as written or one invariant, with what every case of it says.
struct Question {
  const FlowCase* flow = nullptr;
  const Invariant* invariant = nullptr;
  bool violated = false;  // what the variant expects of the invariant
  CaseResult head;
};

/// What has to be run of one cluster: the scenario's own, or a variant of it.
struct Batch {
  const Variant* variant = nullptr;
  std::array<std::uint32_t, 2> order{};  // of the scenario and of the cluster in it
  std::vector<Question> questions;
  std::vector<CaseResult> results;
  std::vector<std::string> diagnostics;
};

/// What --run says; nullopt: everything.
using Filter = std::optional<sim::RegexMatch>;

/// The questions of the scenario's own cluster (`variant` null) or of a variant that filter and tags leave.
/// Names of flows that stand for many are known only when they are run. `files` formats places.
[[nodiscard]] Batch plan_batch(const Scenario& scenario, const Variant* variant, const Filter& filter,
                               const RunOptions& options, const model::SourceFiles& files);

/// Whether some case of the batch is one of `options.shard`, or only the cluster can tell.
[[nodiscard]] bool may_have_cases(const Batch& batch, const RunOptions& options);

/// Builds the cluster and fills `batch.results`. `read_from` holds the files that the variants stand in.
void run_batch(const Scenario& scenario, const model::Snapshot& base, const model::SourceFiles& read_from,
               const Filter& filter, const RunOptions& options, unsigned jobs, Batch& batch);

/// The first error, formatted; "" for none.
[[nodiscard]] std::string first_error(const model::Diagnostics& diagnostics, const model::SourceFiles& files);
/// Adds what was found to `out`, formatted, each once.
void keep(const model::Diagnostics& found, const model::SourceFiles& files, std::vector<std::string>& out);

}  // namespace waypath::scenarios
