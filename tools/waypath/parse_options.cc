// The only file that knows the parser (CLI11 takes long to compile).

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <sstream>

#include "model/base/edit_distance.h"
#include "model/base/version.h"
#include "tools/waypath/app.h"
#include "tools/waypath/command_line.h"
#include "tools/waypath/next_steps.h"
#include "tools/waypath/options.h"

namespace waypath::tools {
namespace {

constexpr const char* kAbout =
    "Predicts the path of a request through a Kubernetes cluster with Istio ambient, from manifests alone:\n"
    "which hops it passes, who lets it through, who stops it and what the client sees.";
constexpr const char* kFirstSteps =
    "First steps:\n"
    "  waypath trace internet https://app.example.com/ -f manifests/     one request, hop by hop\n"
    "  waypath test scenarios/                                           expectations against predictions\n"
    "  waypath explain NETPOL_INGRESS_HBONE_PORT                         what a code means\n"
    "`waypath VERB --help` shows flags and examples.";
constexpr const char* kTraceExamples =
    "Examples:\n"
    "  waypath trace internet https://prometheus.dev.bigbang.mil/graph -f cluster/\n"
    "  waypath trace monitoring/deploy/grafana prometheus.monitoring:9090 -f cluster/ -v\n"
    "  waypath trace shop/cart-0 http://orders.shop/api --method POST --header 'x-team: a' -f cluster/ -o "
    "json\n"
    "  waypath trace internet https://app.example.com --claim iss=https://sso --claim groups=ops -f "
    "cluster/\n"
    "  kubectl get all,netpol,authorizationpolicy -A -o yaml | waypath trace internet "
    "https://app.example.com -f -\n"
    "FROM: ns/pod, ns/deploy/name (any workload kind), internet, an IP, node/NAME, kubelet/NAME\n"
    "TO:   a URL or host:port as curl takes it\n"
    "Exit codes: 0 whatever the verdict is, 1 when --expect differs, 2 wrong usage or input";
constexpr const char* kTestExamples =
    "Examples:\n"
    "  waypath test scenarios/\n"
    "  waypath test scenarios/bigbang/waypoint-mode.yaml --run 'prometheus'\n"
    "  waypath test scenarios/ -o junit --out results.xml\n"
    "  waypath test scenarios/ --tag smoke --fail-fast\n"
    "  waypath test scenarios/ -o github                             annotations of a GitHub workflow\n"
    "Exit codes: 0 all as expected, 1 an expectation failed, 2 wrong usage or input";
constexpr const char* kGraphExamples =
    "Examples:\n"
    "  waypath graph -f cluster/ -o mermaid                                  the whole topology\n"
    "  waypath graph -f cluster/ --focus monitoring                          a namespace and its neighbours\n"
    "  waypath graph internet https://app.example.com -f cluster/            one flow's path, as a "
    "flowchart\n"
    "  waypath graph shop/cart-0 orders.shop:80 -f cluster/ -o mermaid-sequence\n"
    "  waypath graph shop/cart-0 orders.shop:80 -f cluster/ -o dot | dot -Tsvg > path.svg";
constexpr const char* kReachExamples =
    "Examples:\n"
    "  waypath reach -f cluster/                                   every pair of workloads, and exposure\n"
    "  waypath reach -f cluster/ --to monitoring/prometheus        who reaches it\n"
    "  waypath reach -f cluster/ --from external -o csv            what the outside reaches\n"
    "  waypath reach -f cluster/ --layer netpol -o json            L3/L4 policies alone\n"
    "  waypath reach -f cluster/ -o mermaid --focus monitoring     a diagram of one namespace\n"
    "SEL: NAMESPACE, NAMESPACE/NAME, NAMESPACE/NAME[Kind] (with *), external, an address, or labels "
    "(app=web,tier!=db)\n"
    "Connections are those to the pods' own addresses; a Service behind a waypoint is asked with trace";
constexpr const char* kPlanExamples =
    "Examples:\n"
    "  waypath plan -f cluster/ --change pull-request/networkpolicies/       manifests that are applied\n"
    "  waypath plan -f cluster/ --change change.yaml -o markdown             a pull-request comment\n"
    "  waypath plan -f cluster/ --change change.yaml --scenario critical.yaml    these flows alone\n"
    "  waypath plan -f cluster/ --change change.yaml -o mermaid              before and after, as a diagram\n"
    "change.yaml: `change: [{delete: NetworkPolicy/shop/default-deny}, ...]`, as scenarios/FORMAT.md says\n"
    "Exit codes: 0 no flow changes, 1 some do, 2 wrong usage or input";
constexpr const char* kDiffExamples =
    "Examples:\n"
    "  waypath diff yesterday/ today/                                        two clusters\n"
    "  waypath diff git:main:clusters/prod clusters/prod                     what a branch changes\n"
    "  waypath diff -f cluster/ --from-version 1.27 --to-version 1.28        one cluster, two Istio "
    "versions\n"
    "Exit codes: 0 no flow changes, 1 some do, 2 wrong usage or input";
constexpr const char* kRecordExamples =
    "Examples:\n"
    "  waypath record -f cluster/ --out scenarios/today.yaml     then `waypath test scenarios/today.yaml` in "
    "CI\n"
    "  waypath record -f cluster/ | diff scenarios/today.yaml -  what changed since\n"
    "  waypath record --scenario critical.yaml --out scenarios/critical-today.yaml   these flows alone";
constexpr const char* kReportExamples =
    "Examples:\n"
    "  waypath report -f cluster/ --out report.html                     every flow, and who reaches whom\n"
    "  waypath report -f cluster/ --change change.yaml --out plan.html  what a change does\n"
    "  waypath report scenarios/ --out tests.html                       a test run\n"
    "The file needs no network: open it, send it, print it. Secrets are named, never shown\n"
    "Exit codes: as of test and plan; 0 for a cluster; 2 wrong usage or input";
constexpr const char* kLintExamples =
    "Examples:\n"
    "  waypath lint -f cluster/                                   errors and warnings\n"
    "  waypath lint -f cluster/ -n shop --min-severity info       one namespace, remarks too\n"
    "  waypath lint -f cluster/ --ignore LINT_NETPOL_ONE_SIDED,LINT_WAYPOINT_UNUSED\n"
    "  waypath lint -f cluster/ -o sarif --out lint.sarif         for code scanning; -o github annotates a "
    "pull request\n"
    "An object keeps what is meant out of the report with the annotation\n"
    "  waypath.dev/lint-ignore: \"CODE,CODE\"                     or \"*\"\n"
    "`waypath explain CODE` tells what a code means and what to do\n"
    "Exit codes: 0 no error and no warning reported, 1 some are, 2 wrong usage or input";
constexpr const char* kSnapshotExamples =
    "Examples:\n"
    "  waypath snapshot live/                       everything that waypath reads, one file a namespace\n"
    "  waypath snapshot live/ -n shop -n data       these namespaces alone\n"
    "  waypath snapshot live/ --resume              goes on where one stopped\n"
    "  waypath reach -f live/                       then ask\n"
    "Runs your own kubectl and only lists. Secrets are never asked for; managedFields, and ConfigMaps that "
    "decide "
    "nothing, are left out\n"
    "Exit codes: 0 all is there, 1 some kinds may not be read, 2 wrong usage or no cluster";
constexpr const char* kExplainExamples =
    "Examples:\n"
    "  waypath explain                                        every code, one line each\n"
    "  waypath explain ZTUNNEL_NO_ALLOW_MATCH                 one code at length\n"
    "  waypath explain AuthorizationPolicy/shop/allow-ops -f cluster/    where a policy is enforced and "
    "where not\n"
    "  waypath explain Service/shop/orders -f cluster/        which waypoint it has in effect, and why\n"
    "  waypath explain Gateway/shop/waypoint -f cluster/      whom a waypoint serves\n"
    "  waypath explain istio/1.27..1.28                       what changes between two Istio versions";

constexpr const char* kReplayExamples =
    "Examples:\n"
    "  kubectl logs -n istio-system -l app=ztunnel --prefix --tail=-1 | waypath replay - -f cluster/\n"
    "  waypath replay ztunnel.log.gz waypoint.log -f cluster/       are the predictions what happened?\n"
    "  waypath replay ztunnel.log -f cluster/ --change pr.yaml      what of this traffic would break\n"
    "  waypath replay ztunnel.log -f cluster/ -o csv                a line a flow and outcome\n"
    "Reads access logs of ztunnel (text, JSON) and of Istio's Envoys (default text format, JSON). A "
    "connection\n"
    "that both ends logged counts once in what a change would do. Exit 1: a prediction disagrees with the "
    "log,\n"
    "or a recorded flow would change.";

constexpr const char* kSweepExamples =
    "What is swept:\n"
    "  failures   each waypoint, gateway, node and ext_authz provider down, one at a time: which flows fail, "
    "and\n"
    "             which fail open, around an enforcement point. Exit 1: something fails open\n"
    "  policies   each policy removed: which are load-bearing, which are dead. Exit 1: one is dead\n"
    "  versions   each minor version from --from-version to --to-version against the one before. Exit 1: a "
    "flow\n"
    "             changes\n"
    "  rollout    every state in between of several --change, or of enrolling namespaces: is one worse than "
    "both\n"
    "             ends? Which orders are safe? Exit 1: a bad state\n"
    "Examples:\n"
    "  waypath sweep failures -f cluster/\n"
    "  waypath sweep policies -f cluster/ --scenario scenarios/shop.yaml\n"
    "  waypath sweep versions -f cluster/ --from-version 1.26 --to-version 1.29 -o markdown\n"
    "  waypath sweep rollout -f cluster/ --change waypoint.yaml --change policies.yaml\n"
    "  waypath sweep rollout -f cluster/ --enrol shop --enrol payments\n"
    "Interrupted (Ctrl-C), it prints what is done and exits 130.";

using Names = std::map<std::string, std::vector<std::string>>;  // verb -> its long flags

void add_common(CLI::App& app, CommonOptions& c, const std::vector<std::string>& formats) {
  c.format = formats.front();
  app.add_option("-o,--output", c.format, "Format: " + fmt::format("{}", fmt::join(formats, ", ")))
      ->check(CLI::IsMember(formats))
      ->type_name("FORMAT");
  app.add_option("--out", c.out, "Write to this file instead of standard output")->type_name("FILE");
  app.add_option("--color", c.colour, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
  app.add_flag("-q,--quiet", c.quiet, "No warnings, only errors");
  app.add_flag("-v,--verbose", c.verbose, "Every policy considered, every remark");
  app.add_option("-j,--jobs", c.jobs, "Threads; 0 = all cores")->type_name("N");
}

void add_cluster(CLI::App& app, Options& o) {
  app.add_option("-f,--filename", o.cluster.files,
                 "Manifests: a file, a directory with all below it, git:REV:PATH, or - for standard input; "
                 "repeatable. Without it WAYPATH_CLUSTER")
      ->type_name("PATH")
      ->allow_extra_args(false);
  app.add_option("-n,--namespace", o.cluster.default_namespace, "Namespace of what names none")
      ->type_name("NS");
  app.add_flag("-A,--all-namespaces", o.cluster.all_namespaces,
               "All namespaces of the manifests, as without -n");
  app.add_option("--istio-version", o.cluster.istio_version,
                 "Istio's version, 1.28 or 1.28.3; default: as the manifests show")
      ->type_name("V");
  app.add_option("--cni", o.cluster.cni, "How NetworkPolicy is enforced: generic, calico, cilium, ovn")
      ->check(CLI::IsMember({"generic", "calico", "cilium", "ovn"}))
      ->type_name("CNI");
  app.add_option("--pod-cidr", o.cluster.pod_cidrs, "Range of pod addresses; repeatable")
      ->type_name("CIDR")
      ->allow_extra_args(false);
  app.add_flag("--strict", o.common.strict,
               "An object that the API server or kubectl would refuse is exit 2");
}

void add_flow(CLI::App& app, FlowOptions& f, bool required) {
  auto* from = app.add_option("from", f.from, "Who sends")->type_name("FROM");
  auto* to = app.add_option("to", f.to, "Where to")->type_name("TO");
  if (required) {
    from->required();
    to->required();
  }
  app.add_option("--method", f.method, "HTTP method")->type_name("METHOD");
  app.add_option("--header", f.headers, "Request header 'name: value'; repeatable")
      ->type_name("K:V")
      ->allow_extra_args(false);
  app.add_option("--claim", f.claims, "Claim of a valid token, iss and sub included; repeatable")
      ->type_name("K=V")
      ->allow_extra_args(false);
  app.add_option("--jwt", f.jwt_file, "File with the token that is sent")->type_name("FILE");
  app.add_option("--session", f.session,
                 "Login session behind the browser's cookie: none, valid, expired, refreshable")
      ->check(CLI::IsMember({"none", "valid", "expired", "refreshable"}))
      ->type_name("STATE");
  app.add_option("--protocol", f.protocol, "When TO has no scheme: http, https, grpc, tcp, tls, udp, sctp")
      ->check(CLI::IsMember({"http", "https", "grpc", "tcp", "tls", "udp", "sctp"}))
      ->type_name("P");
  app.add_option("--sni", f.sni, "TLS server name, when it is not the host")->type_name("NAME");
  app.add_option("--source-ip", f.source_ip, "Address of a client outside the cluster")->type_name("IP");
  app.add_option("--connect-to", f.connect_to, "Dial this host:port, whatever the URL says")
      ->type_name("ADDR");
  app.add_option("--tunnel", f.tunnel, "hbone: the client itself speaks HBONE to the destination")
      ->check(CLI::IsMember({"hbone"}))
      ->type_name("T");
}

void add_diagram(CLI::App& app, DiagramSelection& d) {
  app.add_option("--focus", d.focus,
                 "Draw only NAMESPACE or NAMESPACE/NAME (with *) and what is --depth edges away; repeatable")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--depth", d.depth, "Edges around --focus; default: 1")->type_name("N");
  app.add_flag("--each", d.each, "Draw equal workloads one by one, and never by namespace");
}

void add_changes(CLI::App& app, Options& o) {
  app.add_option(
         "--change", o.plan.changes,
         "Manifests to apply, a directory of them, or a file with a `change:` list; repeatable, made in "
         "order")
      ->type_name("PATH")
      ->allow_extra_args(false);
}

void add_comparison(CLI::App& app, Options& o) {
  app.add_option(
         "--scenario", o.plan.scenario,
         "Ask the flows of this scenario, with what it assumes; default: every workload to every Service "
         "port, and the outside to every host of the gateways")
      ->type_name("FILE");
  add_diagram(app, o.diagram);
  add_cluster(app, o);
  add_common(app, o.common, {"text", "json", "markdown", "mermaid", "dot"});
}

// Long flags of a verb, to tell a slip from nonsense.
std::vector<std::string> long_flags(const CLI::App& app) {
  std::vector<std::string> out;
  for (const CLI::Option* option : app.get_options())
    for (const auto& name : option->get_lnames()) out.push_back("--" + name);
  std::sort(out.begin(), out.end());
  return out;
}

// "FORMAT:{text,json}" is a type and the only values it takes.
ArgumentInfo argument(const CLI::Option& option) {
  ArgumentInfo out;
  for (const auto& name : option.get_snames()) out.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) out.names.push_back("--" + name);
  if (out.names.empty()) out.names.push_back(option.get_name());
  out.about = option.get_description();
  if (option.get_items_expected_max() == 0) return out;  // a switch
  const std::string type = option.get_type_name();
  const auto brace = type.find(":{");
  out.type = type.substr(0, brace);
  if (brace == std::string::npos) return out;
  std::istringstream values(type.substr(brace + 2, type.size() - brace - 3));
  for (std::string value; std::getline(values, value, ',');) out.values.push_back(value);
  return out;
}

std::vector<ArgumentInfo> arguments(const CLI::App& app, bool positional) {
  std::vector<ArgumentInfo> out;
  for (const CLI::Option* option : app.get_options())
    if (option->get_positional() == positional) out.push_back(argument(*option));
  return out;
}

std::string nearest_of(const std::string& word, const std::vector<std::string>& candidates) {
  const std::vector<std::string_view> views(candidates.begin(), candidates.end());
  const auto found = model::nearest(word, views);
  return found ? std::string(*found) : std::string();
}

std::string quoted_list(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

class Parser {
 public:
  explicit Parser(std::string program) : app_(kAbout, std::move(program)) {
    app_.footer(kFirstSteps);
    app_.set_version_flag("--version", fmt::format("waypath {}", model::kVersion), "Print the version");
    app_.require_subcommand(1);
    app_.get_formatter()->column_width(34);

    auto* trace = verb("trace", Verb::Trace, "One request, hop by hop, with reasons", kTraceExamples);
    add_flow(*trace, options_[Verb::Trace].flow, true);
    add_cluster(*trace, options_[Verb::Trace]);
    trace->add_option("--expect", options_[Verb::Trace].flow.expect, "Exit 1 unless the outcome is this one")
        ->check(CLI::IsMember({"allow", "deny", "timeout", "unreachable", "unknown"}))
        ->type_name("OUTCOME");
    add_common(*trace, options_[Verb::Trace].common, {"text", "json", "mermaid", "mermaid-sequence", "dot"});

    auto* test =
        verb("test", Verb::Test, "Runs scenario files and reports what is not as expected", kTestExamples);
    test->add_option("paths", options_[Verb::Test].scenarios, "Scenario files or directories; default: .")
        ->type_name("FILE|DIR");
    test->add_option("--run", options_[Verb::Test].run,
                     "Only cases whose \"scenario / variant / flow\" matches")
        ->type_name("REGEX");
    test->add_option("--tag", options_[Verb::Test].tags,
                     "Only cases with one of these tags; !TAG leaves its cases out; repeatable")
        ->type_name("TAG")
        ->allow_extra_args(false);
    test->add_option("--istio-version", options_[Verb::Test].cluster.istio_version,
                     "Instead of the scenario's")
        ->type_name("V");
    test->add_flag("--list", options_[Verb::Test].list, "Name the cases, run none");
    test->add_flag("--fail-fast", options_[Verb::Test].fail_fast, "Stop at the first failure");
    test->add_flag("--allow-exec", options_[Verb::Test].allow_exec,
                   "Run the commands that scenarios name as manifests (kustomize build, helm template)");
    add_common(*test, options_[Verb::Test].common,
               {"text", "json", "junit", "tap", "markdown", "sarif", "github"});

    auto* graph =
        verb("graph", Verb::Graph, "The topology, or one flow's path, as a diagram", kGraphExamples);
    add_flow(*graph, options_[Verb::Graph].flow, false);
    add_diagram(*graph, options_[Verb::Graph].diagram);
    graph
        ->add_option("--layer", options_[Verb::Graph].diagram.layer,
                     "Of the topology: intent (where requests are meant to go), wire (who can connect), all")
        ->check(CLI::IsMember({"intent", "wire", "all"}))
        ->type_name("LAYER");
    add_cluster(*graph, options_[Verb::Graph]);
    add_common(*graph, options_[Verb::Graph].common, {"mermaid", "mermaid-sequence", "dot"});

    auto* reach = verb("reach", Verb::Reach, "Who reaches whom, on which protocol and ports", kReachExamples);
    reach->add_option("--from", options_[Verb::Reach].reach.from, "Only these sources")->type_name("SEL");
    reach->add_option("--to", options_[Verb::Reach].reach.to, "Only these destinations")->type_name("SEL");
    reach
        ->add_option("--layer", options_[Verb::Reach].reach.layer,
                     "netpol: NetworkPolicy and its kin; path: and HBONE and L4 authorization")
        ->check(CLI::IsMember({"path", "netpol"}))
        ->type_name("LAYER");
    add_diagram(*reach, options_[Verb::Reach].diagram);
    add_cluster(*reach, options_[Verb::Reach]);
    add_common(*reach, options_[Verb::Reach].common, {"text", "json", "csv", "markdown", "mermaid", "dot"});

    auto* plan = verb("plan", Verb::Plan, "What a change opens, breaks and reroutes", kPlanExamples);
    add_changes(*plan, options_[Verb::Plan]);
    add_comparison(*plan, options_[Verb::Plan]);

    auto* diff =
        verb("diff", Verb::Diff, "What differs between two clusters or two Istio versions", kDiffExamples);
    diff->add_option("sides", options_[Verb::Diff].plan.sides, "Two clusters: manifests, as -f takes them")
        ->type_name("A B");
    diff->add_option("--from-version", options_[Verb::Diff].plan.from_version, "Istio's version before")
        ->type_name("V");
    diff->add_option("--to-version", options_[Verb::Diff].plan.to_version, "Istio's version after")
        ->type_name("V");
    add_comparison(*diff, options_[Verb::Diff]);

    auto* record = verb("record", Verb::Record, "A scenario file whose expectations are today's predictions",
                        kRecordExamples);
    record
        ->add_option("--scenario", options_[Verb::Record].plan.scenario,
                     "The flows of this scenario in its own cluster, instead of all that -f suggests")
        ->type_name("FILE");
    add_cluster(*record, options_[Verb::Record]);
    add_common(*record, options_[Verb::Record].common, {"yaml"});

    auto* report =
        verb("report", Verb::Report, "One HTML file of a cluster, a plan or a test run", kReportExamples);
    report
        ->add_option("paths", options_[Verb::Report].scenarios,
                     "Scenario files or directories: report a test run")
        ->type_name("FILE|DIR");
    report
        ->add_option("--change", options_[Verb::Report].plan.changes,
                     "Report what it does: manifests to apply, or a file with a `change:` list; repeatable")
        ->type_name("PATH")
        ->allow_extra_args(false);
    report
        ->add_option("--scenario", options_[Verb::Report].plan.scenario,
                     "Ask the flows of this scenario; default: every workload to every Service port, and the "
                     "outside to every host of the gateways")
        ->type_name("FILE");
    report
        ->add_option("--run", options_[Verb::Report].run,
                     "Of a test run only cases whose \"scenario / variant / flow\" matches")
        ->type_name("REGEX");
    add_cluster(*report, options_[Verb::Report]);
    add_common(*report, options_[Verb::Report].common, {"html"});

    auto* lint =
        verb("lint", Verb::Lint,
             "Trouble in the manifests: policies that do nothing, lost bindings, cut paths", kLintExamples);
    lint->add_option("--ignore", options_[Verb::Lint].lint.ignore,
                     "Codes to leave out; repeatable, or with commas")
        ->type_name("CODE")
        ->delimiter(',')
        ->allow_extra_args(false);
    lint->add_option("--min-severity", options_[Verb::Lint].lint.min_severity,
                     "Least severity that is reported: info, warning, error; -v is info")
        ->check(CLI::IsMember({"info", "warning", "error"}))
        ->type_name("S");
    add_cluster(*lint, options_[Verb::Lint]);
    lint->get_option("--namespace")
        ->description("Only findings about this namespace; it is that of what names none, too");
    add_common(*lint, options_[Verb::Lint].common, {"text", "json", "sarif", "github"});

    auto* replay = verb("replay", Verb::Replay,
                        "Recorded traffic against the manifests: agreement, and what a change would break",
                        kReplayExamples);
    replay
        ->add_option("logs", options_[Verb::Replay].replay.logs,
                     "Access logs, plain or gzip; - for standard input")
        ->required()
        ->type_name("LOG");
    add_changes(*replay, options_[Verb::Replay]);
    replay
        ->add_option("--max-flows", options_[Verb::Replay].replay.most_flows,
                     "Distinct flows that are kept: bounds memory; the rest is counted")
        ->check(CLI::PositiveNumber)
        ->type_name("N");
    add_cluster(*replay, options_[Verb::Replay]);
    add_common(*replay, options_[Verb::Replay].common, {"text", "json", "markdown", "csv"});

    auto* sweep =
        verb("sweep", Verb::Sweep, "Every failure, policy, version or rollout order, one after the other",
             kSweepExamples);
    SweepSelection& swept = options_[Verb::Sweep].sweep;
    sweep->add_option("kind", swept.kind, "failures, policies, versions or rollout")
        ->required()
        ->check(CLI::IsMember({"failures", "policies", "versions", "rollout"}))
        ->type_name("KIND");
    sweep
        ->add_option(
            "--scenario", swept.scenarios,
            "Ask the flows of this scenario, with what it assumes; repeatable. Default: every workload to "
            "every Service port, and the outside to every host of the gateways")
        ->type_name("FILE")
        ->allow_extra_args(false);
    sweep->add_option("--from-version", options_[Verb::Sweep].plan.from_version, "versions: the first")
        ->type_name("V");
    sweep->add_option("--to-version", options_[Verb::Sweep].plan.to_version, "versions: the last")
        ->type_name("V");
    add_changes(*sweep, options_[Verb::Sweep]);
    sweep->add_option("--enrol", swept.enrol, "rollout: a namespace to enrol in ambient mode; repeatable")
        ->type_name("NS")
        ->allow_extra_args(false);
    sweep
        ->add_option("--limit", swept.limit,
                     "rollout: states in between that are tried; with more, only those of one and two parts")
        ->check(CLI::PositiveNumber)
        ->type_name("N");
    sweep->add_flag("--fail-fast", swept.fail_fast, "End with the first finding");
    add_cluster(*sweep, options_[Verb::Sweep]);
    add_common(*sweep, options_[Verb::Sweep].common, {"text", "json", "markdown"});

    auto* explain =
        verb("explain", Verb::Explain,
             "What a code means; what a policy, Service or waypoint comes to; what an Istio version changes",
             kExplainExamples);
    explain->add_option("subject", options_[Verb::Explain].subject, "CODE, Kind/ns/name or istio/FROM..TO")
        ->type_name("SUBJECT");
    add_cluster(*explain, options_[Verb::Explain]);
    add_common(*explain, options_[Verb::Explain].common, {"text", "json"});

    auto* snapshot = verb("snapshot", Verb::Snapshot, "Manifests of a live cluster, through your own kubectl",
                          kSnapshotExamples);
    auto& live = options_[Verb::Snapshot];
    snapshot->add_option("directory", live.snapshot.folder, "Where to; empty, or not there yet")
        ->required()
        ->type_name("DIR");
    snapshot
        ->add_option("-n,--namespace", live.snapshot.namespaces,
                     "Only this namespace; repeatable. Default: all")
        ->type_name("NS")
        ->allow_extra_args(false);
    snapshot->add_option("--context", live.snapshot.context, "kubectl's context")->type_name("NAME");
    snapshot->add_option("--kubeconfig", live.snapshot.kubeconfig, "kubectl's configuration")
        ->type_name("FILE");
    snapshot->add_option("--kubectl", live.snapshot.kubectl, "The program to run; default: kubectl")
        ->type_name("FILE");
    snapshot->add_flag("--resume", live.snapshot.resume,
                       "Keep the files that are there, read what is missing");
    snapshot->add_flag("-q,--quiet", live.common.quiet, "No progress");
    snapshot->add_option("-j,--jobs", live.common.jobs, "Namespaces at a time; default: 8")->type_name("N");

    app_.add_subcommand("man", "The manual page")->footer("Example:\n  waypath man | man -l -");

    auto* completion = app_.add_subcommand("completion", "Completions for bash, zsh or fish");
    completion->footer("Example:\n  source <(waypath completion bash)");
    completion->add_option("shell", shell_, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}))
        ->type_name("SHELL");
  }

  ParseResult parse(const std::vector<std::string>& arguments) {
    ParseResult result;
    if (arguments.empty()) {
      result.exit_code = kExitUsage;
      result.err = std::string(kAbout) + "\n\n" + first_steps(app_.get_name());
      return result;
    }
    if (const auto wrong = wrong_verb(arguments.front()); !wrong.empty())
      return usage_error(wrong, app_.get_name() + " --help");
    try {
      std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
      app_.parse(reversed);
    } catch (const CLI::Success& done) {
      std::ostringstream out, err;
      result.exit_code = app_.exit(done, out, err);
      result.out = out.str();
      return result;
    } catch (const CLI::ParseError& error) {
      return explain_error(error, arguments);
    }
    if (app_.got_subcommand("man")) {
      result.out = man_page();
      return result;
    }
    if (app_.got_subcommand("completion")) {
      result.out = completion_script(shell_);
      return result;
    }
    for (auto& [verb, app] : verbs_) {
      if (!app->parsed()) continue;
      options_[verb].verb = verb;
      result.options = std::move(options_[verb]);
    }
    return result;
  }

  CommandLine describe() const {
    CommandLine out{kAbout, kFirstSteps, arguments(app_, false), {}};
    for (const CLI::App* app : app_.get_subcommands([](const CLI::App*) { return true; }))
      out.verbs.push_back({app->get_name(), app->get_description(), app->get_footer(), arguments(*app, true),
                           arguments(*app, false)});
    return out;
  }

  // Verbs and their long flags, to tell a slip from nonsense.
  Names names() const {
    Names out;
    for (const CLI::App* app : app_.get_subcommands([](const CLI::App*) { return true; }))
      out[app->get_name()] = long_flags(*app);
    return out;
  }

 private:
  CLI::App* verb(const std::string& name, Verb id, const char* about, const char* examples) {
    auto* app = app_.add_subcommand(name, about);
    app->footer(examples);
    app->get_formatter()->column_width(34);
    verbs_[id] = app;
    return app;
  }

  std::vector<std::string> verb_names() const {
    std::vector<std::string> out;
    for (const auto& [name, flags] : names()) out.push_back(name);
    return out;
  }

  std::string wrong_verb(const std::string& first) const {
    const auto verbs = verb_names();
    if (first.empty() || first.front() == '-' || std::find(verbs.begin(), verbs.end(), first) != verbs.end())
      return {};
    const auto near = nearest_of(first, verbs);
    return fmt::format("no verb \"{}\"{}; there are {}", first,
                       near.empty() ? "" : fmt::format(", did you mean \"{}\"?", near), quoted_list(verbs));
  }

  static ParseResult usage_error(const std::string& message, const std::string& help) {
    ParseResult result;
    result.exit_code = kExitUsage;
    result.err = fmt::format("error: {}\n  hint: `{}` shows flags and examples\n", message, help);
    return result;
  }

  ParseResult explain_error(const CLI::ParseError& error, const std::vector<std::string>& arguments) const {
    const auto all = names();
    const auto it = all.find(arguments.front());
    const std::string help = app_.get_name() + (it == all.end() ? "" : " " + it->first) + " --help";
    for (const auto& argument : arguments) {
      if (it == all.end() || argument.compare(0, 2, "--") != 0 || argument == "--") continue;
      const std::string flag = argument.substr(0, argument.find('='));
      const auto& known = it->second;
      if (std::find(known.begin(), known.end(), flag) != known.end()) continue;
      const auto near = nearest_of(flag, known);
      return usage_error(fmt::format("{}: no flag \"{}\"{}", it->first, flag,
                                     near.empty() ? "" : fmt::format(", did you mean \"{}\"?", near)),
                         help);
    }
    std::string message = error.what();
    std::replace(message.begin(), message.end(), '\n', ' ');
    return usage_error((it == all.end() ? "" : it->first + ": ") + message, help);
  }

  CLI::App app_;
  std::map<Verb, Options> options_;  // stable addresses: the parser keeps pointers
  std::map<Verb, CLI::App*> verbs_;
  std::string shell_;
};

}  // namespace

ParseResult parse_options(const std::vector<std::string>& arguments, const std::string& program) {
  const auto slash = program.rfind('/');
  const std::string name = slash == std::string::npos ? program : program.substr(slash + 1);
  return Parser(name == "kubectl-waypath" ? "kubectl waypath" : "waypath").parse(arguments);
}

CommandLine command_line() { return Parser("waypath").describe(); }

}  // namespace waypath::tools
