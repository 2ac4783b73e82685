#pragma once
// Scenario files: a cluster, flows, what is expected of each, and variants of the cluster. Format:
// scenarios/FORMAT.md.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/change.h"
#include "model/cluster.h"
#include "model/kube/label_selector.h"
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

/// The sources or destinations of many flows, chosen from a cluster. Texts are globs; an empty list asks for
/// nothing.
struct EndSelector {
  bool all = false, external = false;          // external: the outside alone
  std::vector<std::string> namespaces, names;  // workloads or Services: "name", "ns/name", "ns/kind/name"
  std::vector<std::string> hosts;              // that gateways route
  std::vector<std::string> except;             // names or hosts that are left out
  model::LabelSelector labels;
  std::optional<std::uint16_t> port;
  std::string path;  // put behind the host
};

struct FlowCase {
  sim::Flow flow;                       // `from` or `to` is empty where a selector stands
  std::string group;                    // name as written; of a flow of its own the same as flow.name
  std::optional<EndSelector> from, to;  // the flow stands for many
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
  std::vector<std::string> violates;          // invariants that do not hold here
  model::SourcePos pos;
};

/// What holds for every one of a set of flows, in the cluster as it is and in each variant.
struct Invariant {
  std::string name, description;
  std::vector<std::string> tags;
  std::vector<FlowCase> flows;
  bool never = false;  // no path of a flow may come out as `what`; else every path has to
  Expectation what;
  model::SourcePos pos;
};

/// A program whose output is manifests: `kustomize build overlays/prod`.
struct ManifestCommand {
  std::vector<std::string> words;
  std::string directory;  // it runs there: the scenario's
  std::string text;       // as the file's name in reasons
  model::SourcePos pos;
};

struct Scenario {
  std::string path, name, description;
  std::vector<std::string> tags;                    // of all its cases
  std::vector<std::string> manifests;               // relative to the working directory
  std::vector<ManifestCommand> commands;            // the same from programs
  std::optional<model::SourceFile> inline_cluster;  // further documents of this file are the cluster
  std::optional<std::string> istio_version;
  std::vector<std::string> pod_cidrs;
  sim::SimOptions options;
  sim::Assume assume;
  std::vector<FlowCase> flows;
  std::map<std::string, Expectation> expect;  // in the cluster as it is, by flow name; else the flow's
  std::vector<Variant> variants;
  std::vector<Invariant> invariants;
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
