#pragma once
// Scenario files: a cluster, flows, what is expected of each, and variants of the cluster. Format:
// scenarios/FORMAT.md.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/change.h"
#include "model/cluster.h"
#include "sim/flow.h"

namespace waypath::scenarios {

/// What a flow has to come out as. Absent parts are not asked for; texts may hold "*".
struct Expectation {
  std::optional<std::string> outcome, symptom, reason, identity, backend;
  std::vector<std::string> by;       // every entry is among the deciding objects
  std::vector<std::string> via;      // hops "kind/ns/name", in this order, others may stand between
  std::vector<std::string> not_via;  // hops that are not passed
  struct Leg {
    std::optional<std::string> from, to, transport;  // hops as in `via`
    std::optional<int> port;                         // on the wire
    model::SourcePos pos;
  };
  std::vector<Leg> legs;         // each is among the legs
  std::optional<bool> bypassed;  // an intended enforcement point is skipped
  std::optional<std::string> bypassed_text;
  std::optional<int> rule;  // index of the deciding rule
  model::SourcePos pos;
};

struct FlowCase {
  sim::Flow flow;
  std::vector<std::string> tags;
  std::string description;
  std::optional<Expectation> expect;
  model::SourcePos pos;
};

struct Variant {
  std::string name, description;
  std::vector<std::string> tags;
  std::vector<model::Change> changes;
  std::vector<std::string> flows;             // only these are run; empty: every flow
  std::map<std::string, Expectation> expect;  // by flow name
  model::SourcePos pos;
};

struct Scenario {
  std::string path, name, description;
  std::vector<std::string> manifests;  // relative to the working directory
  bool inline_cluster = false;         // further documents of the file are the cluster
  std::string text;                    // of the file
  std::optional<std::string> istio_version;
  std::vector<std::string> pod_cidrs;
  sim::SimOptions options;
  sim::Assume assume;
  std::vector<FlowCase> flows;
  std::vector<Variant> variants;
};

/// Reads one file. Errors carry file, line, column and field path; nullopt when there is one. `files` keeps
/// the text.
[[nodiscard]] std::optional<Scenario> read_scenario(const std::string& path, model::SourceFiles& files,
                                                    model::Diagnostics& diagnostics);
/// The same from memory.
[[nodiscard]] std::optional<Scenario> parse_scenario(const std::string& path, const std::string& text,
                                                     model::SourceFiles& files,
                                                     model::Diagnostics& diagnostics);
/// Changes as a scenario or a change file lists them (`change: [...]`).
[[nodiscard]] std::vector<model::Change> parse_changes(const std::string& path, const std::string& text,
                                                       model::SourceFiles& files,
                                                       model::Diagnostics& diagnostics);

/// Scenario files at or below the paths, sorted. A file that is given by name is taken whatever it holds.
[[nodiscard]] std::vector<std::string> find_scenarios(const std::vector<std::string>& paths,
                                                      model::Diagnostics& diagnostics);

inline constexpr model::Code kScenarioInvalid{"SCENARIO_INVALID"};
inline constexpr model::Code kScenarioNone{"SCENARIO_NONE"};

}  // namespace waypath::scenarios
