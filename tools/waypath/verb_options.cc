#include "tools/waypath/verb_options.h"

#include <CLI/CLI.hpp>

#include "tools/waypath/option_groups.h"
#include "tools/waypath/verb_help.h"

namespace waypath::tools {
namespace {

void add_trace(CLI::App& app, Options& o) {
  add_flow(app, o.flow, true);
  add_cluster(app, o);
  app.add_option("--expect", o.flow.expect, "Exit 1 unless the outcome is this one")
      ->check(CLI::IsMember({"allow", "deny", "timeout", "unreachable", "unknown"}))
      ->type_name("OUTCOME");
  add_common(app, o.common, {"text", "json", "mermaid", "mermaid-sequence", "dot"});
}

void add_test(CLI::App& app, Options& o) {
  app.add_option("paths", o.scenarios, "Scenario files or directories; default: .")->type_name("FILE|DIR");
  app.add_option("--run", o.run, "Only cases whose \"scenario / variant / flow\" matches")
      ->type_name("REGEX");
  app.add_option("--tag", o.tags, "Only cases with one of these tags; !TAG leaves its cases out; repeatable")
      ->type_name("TAG")
      ->allow_extra_args(false);
  app.add_option("--istio-version", o.cluster.istio_version, "Instead of the scenario's")->type_name("V");
  app.add_flag("--list", o.list, "Name the cases, run none");
  app.add_flag("--fail-fast", o.fail_fast, "Stop at the first failure");
  app.add_flag("--allow-exec", o.allow_exec,
               "Run the commands that scenarios name as manifests (kustomize build, helm template)");
  add_cache(app, o);
  add_shard(app, o);
  add_common(app, o.common, {"text", "json", "junit", "tap", "markdown", "sarif", "github"});
}

void add_graph(CLI::App& app, Options& o) {
  add_flow(app, o.flow, false);
  add_diagram(app, o.diagram);
  app.add_option("--layer", o.diagram.layer,
                 "Of the topology: intent (where requests are meant to go), wire (who can connect), all")
      ->check(CLI::IsMember({"intent", "wire", "all"}))
      ->type_name("LAYER");
  add_cluster(app, o);
  add_common(app, o.common, {"mermaid", "mermaid-sequence", "dot"});
}

void add_reach(CLI::App& app, Options& o) {
  app.add_option("--from", o.reach.from, "Only these sources")->type_name("SEL");
  app.add_option("--to", o.reach.to, "Only these destinations")->type_name("SEL");
  app.add_option("--layer", o.reach.layer,
                 "netpol: NetworkPolicy and its kin; path: and HBONE and L4 authorization")
      ->check(CLI::IsMember({"path", "netpol"}))
      ->type_name("LAYER");
  app.add_flag("--classes", o.reach.classes,
               "Classes of pods that nothing tells apart, and what connects the classes: text, json, csv");
  add_changes(app, o);
  add_diagram(app, o.diagram);
  add_shard(app, o);
  add_cluster(app, o);
  add_common(app, o.common, {"text", "json", "csv", "markdown", "mermaid", "dot"});
}

void add_plan(CLI::App& app, Options& o) {
  add_changes(app, o);
  add_comparison(app, o);
}

void add_diff(CLI::App& app, Options& o) {
  app.add_option("sides", o.plan.sides, "Two clusters: manifests, as -f takes them")->type_name("A B");
  app.add_option("--from-version", o.plan.from_version, "Istio's version before")->type_name("V");
  app.add_option("--to-version", o.plan.to_version, "Istio's version after")->type_name("V");
  add_comparison(app, o);
}

void add_record(CLI::App& app, Options& o) {
  app.add_option("--scenario", o.plan.scenario,
                 "The flows of this scenario in its own cluster, instead of all that -f suggests")
      ->type_name("FILE");
  add_cluster(app, o);
  add_common(app, o.common, {"yaml"});
}

void add_report(CLI::App& app, Options& o) {
  app.add_option("paths", o.scenarios, "Scenario files or directories: report a test run")
      ->type_name("FILE|DIR");
  app.add_option("--change", o.plan.changes,
                 "Report what it does: manifests to apply, or a file with a `change:` list; repeatable")
      ->type_name("PATH")
      ->allow_extra_args(false);
  app.add_option("--scenario", o.plan.scenario,
                 "Ask the flows of this scenario; default: every workload to every Service port, and the "
                 "outside to every host of the gateways")
      ->type_name("FILE");
  app.add_option("--run", o.run, "Of a test run only cases whose \"scenario / variant / flow\" matches")
      ->type_name("REGEX");
  add_cluster(app, o);
  add_common(app, o.common, {"html"});
}

void add_lint(CLI::App& app, Options& o) {
  app.add_option("--ignore", o.lint.ignore, "Codes to leave out; repeatable, or with commas")
      ->type_name("CODE")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--min-severity", o.lint.min_severity,
                 "Least severity that is reported: info, warning, error; -v is info")
      ->check(CLI::IsMember({"info", "warning", "error"}))
      ->type_name("S");
  add_cluster(app, o);
  app.get_option("--namespace")
      ->description("Only findings about this namespace; it is that of what names none, too");
  add_common(app, o.common, {"text", "json", "sarif", "github", "html"});
}

void add_replay(CLI::App& app, Options& o) {
  app.add_option("logs", o.replay.logs, "Access logs, plain or gzip; - for standard input")
      ->required()
      ->type_name("LOG");
  add_changes(app, o);
  app.add_option("--max-flows", o.replay.most_flows,
                 "Distinct flows that are kept: bounds memory; the rest is counted")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  add_shard(app, o);
  add_cluster(app, o);
  add_common(app, o.common, {"text", "json", "markdown", "csv"});
}

void add_sweep(CLI::App& app, Options& o) {
  SweepSelection& swept = o.sweep;
  app.add_option("kind", swept.kind, "failures, policies, versions or rollout")
      ->required()
      ->check(CLI::IsMember({"failures", "policies", "versions", "rollout"}))
      ->type_name("KIND");
  app.add_option(
         "--scenario", swept.scenarios,
         "Ask the flows of this scenario, with what it assumes; repeatable. Default: every workload to "
         "every Service port, and the outside to every host of the gateways")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--from-version", o.plan.from_version, "versions: the first")->type_name("V");
  app.add_option("--to-version", o.plan.to_version, "versions: the last")->type_name("V");
  add_changes(app, o);
  app.add_option("--enrol", swept.enrol, "rollout: a namespace to enrol in ambient mode; repeatable")
      ->type_name("NS")
      ->allow_extra_args(false);
  app.add_option("--limit", swept.limit,
                 "rollout: states in between that are tried; with more, only those of one and two parts")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  app.add_flag("--fail-fast", swept.fail_fast, "End with the first finding");
  add_shard(app, o);
  add_cluster(app, o);
  add_common(app, o.common, {"text", "json", "markdown"});
}

void add_merge(CLI::App& app, Options& o) {
  app.add_option("shards", o.shards, "Files that --shard left, or directories with all of them (*.shard)")
      ->required()
      ->type_name("SHARD");
  add_diagram(app, o.diagram);
  add_common(app, o.common,
             {"text", "json", "markdown", "csv", "junit", "tap", "sarif", "github", "mermaid", "dot"});
}

// What guard and ask share.
void add_target(CLI::App& app, AskSelection& a) {
  app.add_option("target", a.target, "Service, workload, pod, host or namespace")->required()->type_name("X");
  app.add_option("--port", a.port, "Only this port of it")->check(CLI::Range(1, 65535))->type_name("PORT");
  app.add_option("--budget", a.budget, "Requests that are simulated at most")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
}

void add_guard(CLI::App& app, Options& o) {
  add_target(app, o.ask);
  app.add_option(
         "--by", o.ask.points,
         "Waypoint/ns/name, Gateway/ns/name, ext_authz[:PROVIDER], AuthorizationPolicy/ns/name[RULE] or "
         "RequestAuthentication/ns/name; repeatable: one of them. Default: the waypoints that X names")
      ->type_name("Y")
      ->allow_extra_args(false);
  add_cluster(app, o);
  add_common(app, o.common, {"text", "json", "markdown"});
}

void add_ask(CLI::App& app, Options& o) {
  AskSelection& asked = o.ask;
  add_target(app, asked);
  app.add_option("--from", asked.from,
                 "Only these clients: a namespace, ns/name (with *), ns/deploy/name, internet, an address, "
                 "node/NAME")
      ->type_name("SEL");
  app.add_option("--avoiding", asked.points,
                 "Only requests that do not pass Y, as guard takes it; repeatable")
      ->type_name("Y")
      ->allow_extra_args(false);
  app.add_option("--method", asked.method, "Only this HTTP method")->type_name("METHOD");
  app.add_option("--path", asked.path, "Only this path, with its query")->type_name("PATH");
  app.add_option("--host", asked.host, "Only this Host header")->type_name("HOST");
  app.add_option("--header", o.flow.headers, "Every request has this header 'name: value'; repeatable")
      ->type_name("K:V")
      ->allow_extra_args(false);
  app.add_option("--claim", o.flow.claims, "Every request has a valid token with this claim; repeatable")
      ->type_name("K=V")
      ->allow_extra_args(false);
  app.add_option("--jwt", o.flow.jwt_file, "File with the token that every request has")->type_name("FILE");
  app.add_flag("--no-token", asked.no_token, "No request has a token");
  app.add_option("--session", o.flow.session, "Login session of every request: none, valid")
      ->check(CLI::IsMember({"none", "valid"}))
      ->type_name("STATE");
  app.add_flag("--any", asked.any, "One request of each client and address will do: faster, no conditions");
  app.add_option("--expect", asked.expect, "Exit 1 unless the answer is this one")
      ->check(CLI::IsMember({"some", "none"}))
      ->type_name("ANSWER");
  add_cluster(app, o);
  add_common(app, o.common, {"text", "json", "markdown"});
}

void add_explain(CLI::App& app, Options& o) {
  app.add_option("subject", o.subject, "CODE, Kind/ns/name or istio/FROM..TO")->type_name("SUBJECT");
  add_cluster(app, o);
  add_common(app, o.common, {"text", "json"});
}

void add_snapshot(CLI::App& app, Options& o) {
  app.add_option("directory", o.snapshot.folder, "Where to; empty, or not there yet")
      ->required()
      ->type_name("DIR");
  app.add_option("-n,--namespace", o.snapshot.namespaces, "Only this namespace; repeatable. Default: all")
      ->type_name("NS")
      ->allow_extra_args(false);
  app.add_option("--context", o.snapshot.context, "kubectl's context")->type_name("NAME");
  app.add_option("--kubeconfig", o.snapshot.kubeconfig, "kubectl's configuration")->type_name("FILE");
  app.add_option("--kubectl", o.snapshot.kubectl, "The program to run; default: kubectl")->type_name("FILE");
  app.add_flag("--resume", o.snapshot.resume, "Keep the files that are there, read what is missing");
  app.add_flag("-q,--quiet", o.common.quiet, "No progress");
  app.add_option("-j,--jobs", o.common.jobs, "Namespaces at a time; default: 8")->type_name("N");
}

}  // namespace

const std::vector<VerbOptions>& verb_options() {
  static const std::vector<VerbOptions> verbs = {
      {"trace", Verb::Trace, "One request, hop by hop, with reasons", kTraceExamples, add_trace},
      {"test", Verb::Test, "Runs scenario files and reports what is not as expected", kTestExamples,
       add_test},
      {"graph", Verb::Graph, "The topology, or one flow's path, as a diagram", kGraphExamples, add_graph},
      {"reach", Verb::Reach, "Who reaches whom, on which protocol and ports", kReachExamples, add_reach},
      {"plan", Verb::Plan, "What a change opens, breaks and reroutes", kPlanExamples, add_plan},
      {"diff", Verb::Diff, "What differs between two clusters or two Istio versions", kDiffExamples,
       add_diff},
      {"record", Verb::Record, "A scenario file whose expectations are today's predictions", kRecordExamples,
       add_record},
      {"report", Verb::Report, "One HTML file of a cluster, a plan or a test run", kReportExamples,
       add_report},
      {"lint", Verb::Lint, "Trouble in the manifests: policies that do nothing, lost bindings, cut paths",
       kLintExamples, add_lint},
      {"replay", Verb::Replay,
       "Recorded traffic against the manifests: agreement, and what a change would break", kReplayExamples,
       add_replay},
      {"sweep", Verb::Sweep, "Every failure, policy, version or rollout order, one after the other",
       kSweepExamples, add_sweep},
      {"merge", Verb::Merge, "The output of a run from the shards that it was cut into", kMergeExamples,
       add_merge},
      {"ask", Verb::Ask, "Who reaches X with which requests; is there any, or any that avoids Y?",
       kAskExamples, add_ask},
      {"guard", Verb::Guard, "Does every way to X pass Y? If not, the shortest around it", kGuardExamples,
       add_guard},
      {"explain", Verb::Explain,
       "What a code means; what a policy, Service or waypoint comes to; what an Istio version changes",
       kExplainExamples, add_explain},
      {"snapshot", Verb::Snapshot, "Manifests of a live cluster, through your own kubectl", kSnapshotExamples,
       add_snapshot},
  };
  return verbs;
}

}  // namespace waypath::tools
