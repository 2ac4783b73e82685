#pragma once
// The program without `main`: tests call it with their own streams.

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "model/base/diagnostic.h"
#include "model/snapshot.h"
#include "scenarios/runner.h"
#include "sim/engine.h"
#include "tools/render/picture.h"
#include "tools/waypath/options.h"

namespace waypath::tools {

/// 0 fine, 1 a negative answer, 2 wrong usage or input.
inline constexpr int kExitFine = 0, kExitNegative = 1, kExitUsage = 2;

/// Where a run writes. `out` takes data only.
struct Streams {
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false, err_is_terminal = false;
};

[[nodiscard]] int run_app(const std::vector<std::string>& arguments, const std::string& program,
                          const Streams& streams);

// The verbs: exit code; what they print goes through `write_data` and `print_diagnostics`.
[[nodiscard]] int run_trace(const Options& options, const Streams& streams);
[[nodiscard]] int run_test(const Options& options, const Streams& streams);
[[nodiscard]] int run_graph(const Options& options, const Streams& streams);
[[nodiscard]] int run_reach(const Options& options, const Streams& streams);
[[nodiscard]] int run_plan(const Options& options, const Streams& streams);
[[nodiscard]] int run_record(const Options& options, const Streams& streams);
[[nodiscard]] int run_replay(const Options& options, const Streams& streams);
[[nodiscard]] int run_sweep(const Options& options, const Streams& streams);
[[nodiscard]] int run_merge(const Options& options, const Streams& streams);
[[nodiscard]] int run_ask(const Options& options, const Streams& streams);
[[nodiscard]] int run_guard(const Options& options, const Streams& streams);
[[nodiscard]] int run_diff(const Options& options, const Streams& streams);
[[nodiscard]] int run_lint(const Options& options, const Streams& streams);
[[nodiscard]] int run_explain(const Options& options, const Streams& streams);
[[nodiscard]] int run_snapshot(const Options& options, const Streams& streams);
[[nodiscard]] int run_report(const Options& options, const Streams& streams);

// ---- shared by the verbs ----

/// To --out or standard output. False (with a message) when it cannot be written; a closed pipe is no
/// failure.
[[nodiscard]] bool write_data(const Options& options, const Streams& streams, const std::string& text);
/// The same in pieces: `fill` is given what takes them, which says false when no more can be written.
[[nodiscard]] bool write_pieces(
    const Options& options, const Streams& streams,
    const std::function<void(const std::function<bool(std::string_view)>&)>& fill);
/// Errors always, warnings unless -q, remarks with -v; sorted by place.
void print_diagnostics(const model::Diagnostics& diagnostics, const model::SourceFiles& files,
                       const Options& options, const Streams& streams);
[[nodiscard]] bool use_colour(const Options& options, const Streams& streams);

/// A message to standard error in the form of diagnostics, with what to do.
void complain(const Streams& streams, const std::string& message, const std::string& hint = {});

/// Reads -f (or WAYPATH_CLUSTER) and compiles the policies. Nullptr: reported, exit 2.
[[nodiscard]] std::shared_ptr<const sim::Engine> load_engine(const Options& options, const Streams& streams);
/// Of images of loaded manifests: `--cache`, else $WAYPATH_CACHE; "" = none.
[[nodiscard]] std::string cache_directory(const Options& options);
[[nodiscard]] std::vector<std::string> cluster_paths(const Options& options);

/// The picture as --focus, --depth and --each cut it, in the format asked for. Nullopt: reported.
[[nodiscard]] std::optional<std::string> drawn(Picture picture, const Options& options,
                                               const Streams& streams);

/// Runs the scenario files of the flags, as `test` does; `code` is then the exit code. Nullopt: reported.
[[nodiscard]] std::optional<scenarios::Report> run_scenarios(const Options& options, const Streams& streams,
                                                             int& code);

/// The flow that the flags describe. Nullopt: reported.
[[nodiscard]] std::optional<sim::Flow> flow_of(const Options& options, const Streams& streams);
/// Simulates it; what is wrong with the flow is reported and gives nullopt.
[[nodiscard]] std::optional<sim::Verdict> verdict_of(const sim::Engine& engine, const sim::Flow& flow,
                                                     const Options& options, const Streams& streams);

}  // namespace waypath::tools
