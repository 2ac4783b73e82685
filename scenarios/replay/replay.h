#pragma once
// Recorded traffic against the manifests: whether the predictions agree with what the logs saw, and what a
// change would do to that traffic.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/plan.h"
#include "scenarios/replay/flow_table.h"
#include "scenarios/replay/recorded_flow.h"
#include "scenarios/shard/digest.h"
#include "scenarios/shard/shard.h"
#include "sim/engine.h"

namespace waypath::scenarios {

struct ReplayOptions {
  std::size_t most_flows = 1'000'000;  // distinct ones that are kept: bounds memory
  std::size_t shown_unreadable = 5;
  unsigned jobs = 0;
  std::function<void(std::uint64_t lines)> progress;  // now and then while reading; may be empty
  std::optional<Shard> shard;                         // only blocks of kShardLines lines that are its
  Digest* input = nullptr;                            // takes in the logs' names and texts; may be null
};

inline constexpr std::uint64_t kShardLines = 4096;

struct ReplayFindings;

/// The lines that were read, by what they were. `unreadable` ones are not part of anything else.
struct LogLines {
  std::uint64_t total = 0, records = 0, opened = 0, tunnel = 0, other = 0, blank = 0, unreadable = 0;
  struct Bad {
    LogPlace at;
    std::string place, why, text;
  };
  std::vector<Bad> shown;  // the first unreadable ones
};

/// What was predicted for a row, in the words of a verdict.
struct Prediction {
  std::string outcome, symptom, reason, by, place, detail;
};

/// Equal lines with what became of them.
struct ReplayRow {
  std::string client, target;
  Observer observer = Observer::SourceZtunnel;
  Traffic traffic;
  std::string seen, first, line;  // the outcome in the log's words, "file:line" and text of the first one
  Agreement agreement = Agreement::Undetermined;
  std::string why;                       // unless they agree
  std::optional<Prediction> prediction;  // nullopt: the flow cannot be simulated
  std::optional<std::size_t> flow;       // index of ReplayReport::flows
  bool both_ends = false;                // the client's own ztunnel logged these connections too
};

struct Tally {
  std::uint64_t flows = 0, lines = 0;
};

struct ReplayReport {
  LogLines lines;
  std::vector<ReplayRow> rows;  // by client, target, observer, outcome
  std::vector<sim::Flow> flows;
  Tally agree, disagree, undetermined;
  Traffic beyond;            // lines of more distinct flows than are kept
  std::optional<Plan> plan;  // with a change; changed flows are those of `flows` (by name)
  struct Impact {
    std::size_t change = 0;  // index of plan->changes
    Traffic traffic;         // connections and requests recorded of that flow, each once
  };
  std::vector<Impact> impact;  // in the order of plan->changes
  Traffic recorded;            // all traffic that the plan was made for
  /// Agreeing lines of those that are decided, 0 to 1; nullopt when none is.
  [[nodiscard]] std::optional<double> trust() const;
};

class Replay {
 public:
  Replay(std::shared_ptr<const sim::Engine> engine, ReplayOptions options);
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  /// Adds a log ("-": standard input). The message when it cannot be read to its end.
  [[nodiscard]] std::optional<std::string> read(const std::string& path);
  /// Adds one line.
  void add_line(const std::string& file, std::uint64_t number, std::string_view text, bool cut = false);

  /// What a shard leaves (scenarios/replay/findings.h); `report` lays it together.
  [[nodiscard]] ReplayFindings findings(const sim::Engine* after);
  /// `after`: the cluster with the change, null without one.
  [[nodiscard]] ReplayReport report(const sim::Engine* after);

 private:
  struct State;
  struct Worker;
  std::unique_ptr<State> state_;
};

}  // namespace waypath::scenarios
