#pragma once
// What the command line said, as plain data: the verbs know nothing of the parser.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace waypath::tools {

enum class Verb : std::uint8_t {
  None,
  Trace,
  Test,
  Graph,
  Explain,
  Reach,
  Plan,
  Diff,
  Record,
  Report,
  Lint,
  Snapshot,
  Replay,
  Sweep,
  Merge,
  Guard,
  Ask
};

/// Flags that every verb has.
struct CommonOptions {
  std::string format = "text";  // -o
  std::string out;              // --out: a file instead of standard output
  std::string colour = "auto";  // auto, always, never
  bool quiet = false, verbose = false, strict = false;
  unsigned jobs = 0;  // 0 = all cores
};

/// The cluster and how it is read.
struct ClusterOptionsText {
  std::vector<std::string> files;
  std::string default_namespace;  // -n; "" = default
  bool all_namespaces = false;    // -A: accepted as kubectl does; manifests have all
  std::optional<std::string> istio_version, cni;
  std::vector<std::string> pod_cidrs;
  std::string cache;  // --cache: directory of images of loaded input
};

/// One request.
struct FlowOptions {
  std::string from, to, method = "GET", protocol, session, sni, source_ip, connect_to, tunnel, jwt_file,
                        expect;
  std::vector<std::string> headers, claims;
};

/// Ends and depth of the matrix.
struct ReachSelection {
  std::string from, to, layer = "path";
  bool classes = false;  // the compressed answer
};

/// What of a diagram is drawn.
struct DiagramSelection {
  std::vector<std::string> focus;
  unsigned depth = 1;
  bool each = false;
  std::string layer = "intent";  // graph: intent, wire, all
};

/// A live cluster to dump.
struct SnapshotSelection {
  std::string folder, kubectl = "kubectl", context, kubeconfig;
  std::vector<std::string> namespaces;
  bool resume = false;
};

/// Two sides to compare, and the flows to ask about.
struct PlanSelection {
  std::vector<std::string> changes;  // plan --change
  std::vector<std::string> sides;    // diff A B
  std::string from_version, to_version, scenario;
};

/// What lint reports.
struct LintSelection {
  std::vector<std::string> ignore;
  std::string min_severity = "warning";
};

/// Recorded traffic.
struct ReplaySelection {
  std::vector<std::string> logs;
  std::size_t most_flows = 1'000'000;
};

/// What is swept over which flows.
struct SweepSelection {
  std::string kind;                           // failures, versions, rollout, policies
  std::vector<std::string> scenarios, enrol;  // flows; namespaces to enrol
  std::size_t limit = 64;                     // states in between of a rollout
  bool fail_fast = false;
};

/// What is asked of a target: guard X --by Y, ask X --avoiding Y.
struct AskSelection {
  std::string target, from, expect;
  std::optional<std::string> method, path, host;
  bool no_token = false, any = false;
  std::vector<std::string> points;  // --by, --avoiding
  std::optional<std::uint16_t> port;
  std::size_t budget = 100'000;
};

struct Options {
  Verb verb = Verb::None;
  CommonOptions common;
  ClusterOptionsText cluster;
  FlowOptions flow;
  ReachSelection reach;
  PlanSelection plan;
  LintSelection lint;
  DiagramSelection diagram;
  SnapshotSelection snapshot;
  ReplaySelection replay;
  SweepSelection sweep;
  AskSelection ask;
  std::vector<std::string> scenarios;  // test, report
  std::string run;                     // test --run
  std::vector<std::string> tags;       // test --tag
  bool list = false;                   // test --list
  bool fail_fast = false;              // test --fail-fast
  bool allow_exec = false;             // test --allow-exec
  std::string subject;                 // explain
  std::string shard;                   // test, reach, sweep, replay: --shard
  std::vector<std::string> shards;     // merge
  std::vector<std::string> arguments;  // "--flag=value" of all that the result depends on, sorted
};

/// The parsed command line, or what to print and the exit code instead.
struct ParseResult {
  std::optional<Options> options;
  int exit_code = 0;
  std::string out, err;
};
[[nodiscard]] ParseResult parse_options(const std::vector<std::string>& arguments,
                                        const std::string& program);

}  // namespace waypath::tools
